"""The tables of building: operations with their logs, specs, estimates, releases, updates, agents' runs, budgets."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Column, Double, ForeignKey, Table, UniqueConstraint

from steward.adapters.store.schema_kit import (
    BIG,
    TEXT,
    column,
    index,
    key_column,
    metadata,
    organisation_column,
)

IS_OPEN: Final = "state IN ('queued', 'running', 'waiting')"
"""Whether an operation has not ended, literally as the partial indexes say it: only then are they taken."""

IS_LIVE: Final = "state = 'live'"
"""Whether a release is live; likewise."""


def _project(**options: Any) -> Column[Any]:
    return column("project_id", TEXT, ForeignKey("projects.id"), **options)


operations = Table(
    "operations",
    metadata,
    # The order of creation; the application's own id is random.
    key_column(),
    column("operation_id", TEXT),
    _project(),
    organisation_column(),
    column("kind", TEXT),
    column("state", TEXT),
    column("asked_by", TEXT),
    column("created_at", TEXT),
    column("attempt", BIG),
    column("progress", TEXT),
    column("facts", TEXT),
    column("result", TEXT),
    column("failure", TEXT, nullable=True),
    column("update_number", BIG, nullable=True),
    column("started_at", TEXT, nullable=True),
    column("finished_at", TEXT, nullable=True),
    column("wait_until", TEXT, nullable=True),
    column("version", BIG),
    UniqueConstraint("operation_id"),
    sqlite_autoincrement=True,
)
_o = operations.c
index("ix_operations_project", _o.project_id, _o.id)
index("uq_operations_open", _o.project_id, where=IS_OPEN, unique=True)
index("ix_operations_open", _o.id, where=IS_OPEN)

operation_log = Table(
    "operation_log",
    metadata,
    Column("operation", BIG, ForeignKey("operations.id"), primary_key=True, autoincrement=False),
    Column("number", BIG, primary_key=True, autoincrement=False),
    column("attempt", BIG),
    column("at", TEXT),
    column("step", TEXT),
    column("text", TEXT),
)

specs = Table(
    "specs",
    metadata,
    _project(primary_key=True),
    Column("version", BIG, primary_key=True, autoincrement=False),
    column("template", TEXT),
    column("template_tag", TEXT),
    column("template_commit", TEXT),
    column("answers", TEXT),
    column("brief", TEXT),
    column("criteria", TEXT),
    column("environment", TEXT),
    column("proof", TEXT),
    column("made_by", TEXT),
    column("made_at", TEXT),
)
index("ix_specs_template", specs.c.template, specs.c.project_id)

estimates = Table(
    "estimates",
    metadata,
    _project(primary_key=True),
    Column("spec_version", BIG, primary_key=True, autoincrement=False),
    column("effort_hours", Double),
    column("low_hours", Double),
    column("high_hours", Double),
    column("cost_usd", Double),
    column("duration_days", Double),
    column("basis", TEXT),
    column("made_at", TEXT),
)

releases = Table(
    "releases",
    metadata,
    _project(primary_key=True),
    Column("number", BIG, primary_key=True, autoincrement=False),
    column("sha", TEXT),
    column("url", TEXT),
    column("state", TEXT),
    column("made_at", TEXT),
    column("operation_id", TEXT),
    column("proof", TEXT),
    column("health", TEXT),
    column("checked_at", TEXT, nullable=True),
    # When it came to be live for the first time, whatever became of it since.
    column("first_live_at", TEXT, nullable=True),
    UniqueConstraint("project_id", "sha"),
)
index("uq_releases_live", releases.c.project_id, where=IS_LIVE, unique=True)

updates = Table(
    "updates",
    metadata,
    _project(primary_key=True),
    Column("number", BIG, primary_key=True, autoincrement=False),
    column("text", TEXT),
    column("state", TEXT),
    column("asked_by", TEXT),
    column("asked_at", TEXT),
    column("spec_version", BIG, nullable=True),
    column("ended_at", TEXT, nullable=True),
)

agent_runs = Table(
    "agent_runs",
    metadata,
    Column("run_id", TEXT, primary_key=True),
    _project(),
    column("operation_id", TEXT),
    column("role", TEXT),
    column("agent", TEXT),
    column("outcome", TEXT),
    column("started_at", TEXT),
    column("finished_at", TEXT),
    column("cost_usd", Double, nullable=True),
    column("cost_source", TEXT),
)
index("ix_agent_runs_project", agent_runs.c.project_id, agent_runs.c.started_at)

# Apart from the projects: a budget is set without a race against the project's own changes.
budgets = Table(
    "budgets",
    metadata,
    _project(primary_key=True),
    column("usd", Double),
)
