"""Operations with their logs, specs, estimates, releases, updates, agents' runs and budgets."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

ONLY_ADDED = "lines of a log are only ever added"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def _big(*names: str, null: bool = False) -> list[Any]:
    return [sa.Column(name, BIG, nullable=null) for name in names]


def _number(*names: str) -> list[Any]:
    """Parts of a key that the database does not give by itself."""
    return [sa.Column(name, BIG, nullable=False, autoincrement=False) for name in names]


def _text(*names: str, null: bool = False) -> list[Any]:
    return [sa.Column(name, TEXT, nullable=null) for name in names]


def _double(*names: str, null: bool = False) -> list[Any]:
    return [sa.Column(name, sa.Double(), nullable=null) for name in names]


def _key(table: str, *columns: str) -> list[Any]:
    return [sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")]


def _refers(table: str, column: str, target: str) -> list[Any]:
    return [sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")]


def _index(name: str, table: str, *columns: str, where: str = "", unique: bool = False) -> None:
    clause = sa.text(where) if where else None
    op.create_index(name, table, list(columns), unique=unique, sqlite_where=clause, postgresql_where=clause)


def upgrade() -> None:
    """Add the tables."""
    _operations()
    _log()
    _specs()
    _releases()
    _costs()


def _operations() -> None:
    op.create_table(
        "operations",
        sa.Column("id", BIG, sa.Identity(), nullable=False),
        *_text("operation_id", "project_id"),
        *_big("organisation_id"),
        *_text("kind", "state", "asked_by", "created_at"),
        *_big("attempt"),
        *_text("progress", "facts", "result"),
        *_text("failure", null=True),
        *_big("update_number", null=True),
        *_text("started_at", "finished_at", "wait_until", null=True),
        *_big("version"),
        *_key("operations", "id"),
        *_refers("operations", "project_id", "projects.id"),
        *_refers("operations", "organisation_id", "organisations.id"),
        sa.UniqueConstraint("operation_id", name="uq_operations_operation_id"),
        sqlite_autoincrement=True,
    )
    stands = "state IN ('queued', 'running', 'waiting')"
    _index("ix_operations_project", "operations", "project_id", "id")
    _index("uq_operations_open", "operations", "project_id", where=stands, unique=True)
    _index("ix_operations_open", "operations", "id", where=stands)


def _log() -> None:
    op.create_table(
        "operation_log",
        *_number("operation", "number"),
        *_big("attempt"),
        *_text("at", "step", "text"),
        *_key("operation_log", "operation", "number"),
        *_refers("operation_log", "operation", "operations.id"),
    )
    if op.get_bind().dialect.name == "sqlite":
        refuse = f"BEGIN SELECT RAISE(ABORT, '{ONLY_ADDED}'); END"
        op.execute(f"CREATE TRIGGER operation_log_no_update BEFORE UPDATE ON operation_log {refuse}")
        op.execute(f"CREATE TRIGGER operation_log_no_delete BEFORE DELETE ON operation_log {refuse}")
        return
    refuse = f"BEGIN RAISE EXCEPTION '{ONLY_ADDED}' USING ERRCODE = 'restrict_violation'; END"
    op.execute(
        "CREATE OR REPLACE FUNCTION operation_log_only_added() RETURNS trigger LANGUAGE plpgsql"
        f" AS $$ {refuse} $$"
    )
    for change in ("update", "delete"):
        op.execute(
            f"CREATE TRIGGER operation_log_no_{change} BEFORE {change.upper()} ON operation_log"
            " FOR EACH ROW EXECUTE FUNCTION operation_log_only_added()"
        )


def _specs() -> None:
    op.create_table(
        "specs",
        *_text("project_id"),
        *_number("version"),
        *_text("template", "template_tag", "template_commit", "answers", "brief", "criteria"),
        *_text("environment", "proof", "made_by", "made_at"),
        *_key("specs", "project_id", "version"),
        *_refers("specs", "project_id", "projects.id"),
    )
    _index("ix_specs_template", "specs", "template", "project_id")
    op.create_table(
        "estimates",
        *_text("project_id"),
        *_number("spec_version"),
        *_double("effort_hours", "low_hours", "high_hours", "cost_usd", "duration_days"),
        *_text("basis", "made_at"),
        *_key("estimates", "project_id", "spec_version"),
        *_refers("estimates", "project_id", "projects.id"),
    )


def _releases() -> None:
    op.create_table(
        "releases",
        *_text("project_id"),
        *_number("number"),
        *_text("sha", "url", "state", "made_at", "operation_id", "proof", "health"),
        *_text("checked_at", "first_live_at", null=True),
        *_key("releases", "project_id", "number"),
        *_refers("releases", "project_id", "projects.id"),
        sa.UniqueConstraint("project_id", "sha", name="uq_releases_project_id_sha"),
    )
    _index("uq_releases_live", "releases", "project_id", where="state = 'live'", unique=True)
    op.create_table(
        "updates",
        *_text("project_id"),
        *_number("number"),
        *_text("text", "state", "asked_by", "asked_at"),
        *_big("spec_version", null=True),
        *_text("ended_at", null=True),
        *_key("updates", "project_id", "number"),
        *_refers("updates", "project_id", "projects.id"),
    )


def _costs() -> None:
    op.create_table(
        "agent_runs",
        *_text("run_id", "project_id", "operation_id", "role", "agent", "outcome"),
        *_text("started_at", "finished_at"),
        *_double("cost_usd", null=True),
        *_text("cost_source"),
        *_key("agent_runs", "run_id"),
        *_refers("agent_runs", "project_id", "projects.id"),
    )
    _index("ix_agent_runs_project", "agent_runs", "project_id", "started_at")
    op.create_table(
        "budgets",
        *_text("project_id"),
        *_double("usd"),
        *_key("budgets", "project_id"),
        *_refers("budgets", "project_id", "projects.id"),
    )
