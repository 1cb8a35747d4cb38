"""The tables, their indexes and the triggers that hold the journal append-only, for both databases.

Times are text: ISO 8601, UTC, microseconds, so that they sort as they stand; instants are
`Instant.encode` of a UTC time, which sorts by that time. Objects and lists are JSON text. Names carry a
lower-case twin (`*_key`), made in Python, so that both databases agree on what lower case is. How a
database gets from an older schema to this one is in `migrations/`; a test holds the two together.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, ForeignKey, Table, UniqueConstraint

from steward.adapters.store.schema_access import answers, audit, passes, users
from steward.adapters.store.schema_building import (
    agent_runs,
    budgets,
    estimates,
    operation_log,
    operations,
    releases,
    specs,
    updates,
)
from steward.adapters.store.schema_chats import chats, mind_calls, posts, said, talks
from steward.adapters.store.schema_hands import (
    HAND_TRIGGERS,
    holds,
    ledger,
    patches,
    scans,
    scores,
    watches,
)
from steward.adapters.store.schema_hooks import deliveries, hooks
from steward.adapters.store.schema_kit import (
    BIG,
    TEXT,
    column,
    index,
    key_column,
    metadata,
    organisation_column,
)
from steward.adapters.store.schema_vault import vault_keys, vault_uses, vault_values, vault_waivers

REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005", "0006")
"""Every revision of the schema, oldest first; a test compares this with the migrations."""

HEAD: Final = REVISIONS[-1]

organisations = Table(
    "organisations",
    metadata,
    key_column(),
    column("login", TEXT),
    column("server", TEXT),
    column("owner_id", BIG, nullable=True),
    column("aliases", TEXT),
    column("state", TEXT),
    column("reason", TEXT),
    column("frozen", TEXT, nullable=True),
    column("baseline", Boolean),
    column("revision", BIG),
    column("marks_revision", BIG, nullable=True),
    column("marks_credential", TEXT),
    column("last_whole_look", BIG),
    sqlite_autoincrement=True,
)

projects = Table(
    "projects",
    metadata,
    Column("id", TEXT, primary_key=True),
    column("slug", TEXT),
    organisation_column(),
    column("status", TEXT),
    column("created_at", TEXT),
    column("updated_at", TEXT),
    column("entered_at", TEXT),
    column("interrupted", TEXT),
    column("management", TEXT),
    column("version", BIG),
    column("title", TEXT),
    column("owner", TEXT, nullable=True),
    column("expects", TEXT, nullable=True),
    column("marker", TEXT, nullable=True),
    column("repository_id", BIG, nullable=True),
    column("live", TEXT, nullable=True),
    column("title_key", TEXT),
    # The phase that faces show, of what was interrupted where something was: written with the status.
    column("phase", TEXT, server_default=""),
    column("hands_off", TEXT, server_default="hold"),
    UniqueConstraint("slug"),
)
index("ix_projects_status", projects.c.status, projects.c.slug)
index("ix_projects_organisation", projects.c.organisation_id, projects.c.slug)
index("ix_projects_repository", projects.c.repository_id)
index(
    "ix_projects_expecting",
    projects.c.organisation_id,
    projects.c.repository_id,
    where="expects IS NOT NULL",
)

_p = projects.c
index("ix_projects_owner", _p.owner, where="owner IS NOT NULL")
index("ix_projects_phase", _p.phase, _p.entered_at, _p.slug)
index("ix_projects_tallies", _p.organisation_id, _p.management, _p.phase, _p.status, _p.entered_at, _p.owner)

repositories = Table(
    "repositories",
    metadata,
    Column("id", BIG, primary_key=True, autoincrement=False),
    organisation_column(),
    # Deferred: one transaction may record the repository before the project that it is made for.
    column(
        "project_id",
        TEXT,
        ForeignKey("projects.id", deferrable=True, initially="DEFERRED"),
        nullable=True,
    ),
    column("name", TEXT),
    column("owner_id", BIG),
    column("owner_login", TEXT),
    column("digest", BIG),
    column("node_id", TEXT),
    column("visibility", TEXT),
    column("default_branch", TEXT, nullable=True),
    column("description", TEXT, nullable=True),
    column("archived", Boolean),
    column("disabled", Boolean),
    column("fork", Boolean),
    column("topics", TEXT),
    column("html_url", TEXT),
    column("created_at", TEXT, nullable=True),
    column("pushed_at", TEXT, nullable=True),
    column("presence", TEXT),
    column("absences", BIG),
    column("absent_since", TEXT, nullable=True),
    column("confirmed", TEXT, nullable=True),
    column("absent_look", BIG),
    column("lost_at", TEXT, nullable=True),
    column("held", Boolean),
    column("vouched", TEXT),
    column("look", BIG),
    column("full_name_key", TEXT),
)
_r = repositories.c
index("ix_repositories_digests", _r.organisation_id, _r.id, _r.presence, _r.digest)
index(
    "ix_repositories_standing",
    _r.organisation_id,
    _r.presence,
    _r.visibility,
    _r.id,
    where="lost_at IS NULL",
)
index("ix_repositories_lost", _r.organisation_id, _r.lost_at, where="lost_at IS NOT NULL")
index("ix_repositories_held", _r.organisation_id, _r.id, where="held")
index("ix_repositories_project", _r.project_id)

repository_names = Table(
    "repository_names",
    metadata,
    key_column(),
    column("repository_id", BIG, ForeignKey("repositories.id")),
    column("full_name", TEXT),
    column("full_name_key", TEXT),
    column("name_key", TEXT),
    column("since", TEXT),
    column("until", TEXT, nullable=True),
    sqlite_autoincrement=True,
)
_n = repository_names.c
index("ix_names_repository", _n.repository_id)
index("uq_names_present", _n.repository_id, where="until IS NULL", unique=True)
index("ix_names_full_name", _n.full_name_key)
index("ix_names_name", _n.name_key)

looks = Table(
    "looks",
    metadata,
    key_column(),
    organisation_column(),
    column("kind", TEXT),
    column("started", TEXT),
    column("outcome", TEXT),
    column("finished_at", TEXT, nullable=True),
    column("reason", TEXT),
    column("observed", BIG),
    column("requests", BIG),
    column("not_modified", BIG),
    column("points", BIG),
    column("held", BIG),
    column("changes", TEXT, nullable=True),
    column("asked_by", TEXT),
    column("changed", Boolean),
    sqlite_autoincrement=True,
)
index("ix_looks_organisation", looks.c.organisation_id, looks.c.id)

look_requests = Table(
    "look_requests",
    metadata,
    key_column(),
    organisation_column(),
    column("asked_by", TEXT),
    column("asked_at", TEXT),
    column("look", BIG, nullable=True),
    sqlite_autoincrement=True,
)
index("ix_look_requests_waiting", look_requests.c.id, where="look IS NULL")

page_marks = Table(
    "page_marks",
    metadata,
    column("organisation_id", BIG, ForeignKey("organisations.id"), primary_key=True),
    column("number", BIG, primary_key=True),
    column("etag", TEXT),
    column("count", BIG),
    column("has_next", Boolean),
    column("last", BIG, nullable=True),
    column("entries", TEXT),
)

incidents = Table(
    "incidents",
    metadata,
    key_column(),
    column("key", TEXT),
    column("cause", TEXT),
    column("severity", TEXT),
    column("title", TEXT),
    column("first_at", TEXT),
    column("last_at", TEXT),
    column("organisation_id", BIG, nullable=True),
    column("project_id", TEXT, nullable=True),
    column("state", TEXT),
    column("count", BIG),
    column("look", BIG),
    column("evidence", TEXT),
    column("acknowledged_by", TEXT),
    column("muted_until", TEXT, nullable=True),
    column("muted_by", TEXT),
    column("resolved_at", TEXT, nullable=True),
    column("resolved_by", TEXT),
    column("resolution", TEXT),
    sqlite_autoincrement=True,
)
_i = incidents.c
index("uq_incidents_unresolved", _i.key, where="state <> 'resolved'", unique=True)
index("ix_incidents_key", _i.key, _i.id)
index("ix_incidents_state", _i.state, _i.id)
index("ix_incidents_project", _i.project_id)
index("ix_incidents_muted", _i.muted_until, where="muted_until IS NOT NULL")

events = Table(
    "events",
    metadata,
    key_column(),
    column("kind", TEXT),
    column("at", TEXT),
    column("actor", TEXT),
    column("project_id", TEXT, nullable=True),
    column("organisation_id", BIG, nullable=True),
    column("why", TEXT),
    column("data", TEXT),
    column("position", BIG, nullable=True),
    sqlite_autoincrement=True,
)
index("uq_events_position", events.c.position, unique=True)
index("ix_events_project", events.c.project_id, events.c.position)
index("ix_events_moves", events.c.at, where="kind = 'project.moved'")
index("ix_events_wide", events.c.position, where="project_id IS NULL")
index("ix_events_unpublished", events.c.id, where="position IS NULL")

outbox = Table(
    "outbox",
    metadata,
    key_column(),
    column("key", TEXT),
    column("channel", TEXT),
    column("at", TEXT),
    column("notice", TEXT),
    column("state", TEXT),
    column("attempts", BIG),
    column("next_at", TEXT, nullable=True),
    column("error", TEXT),
    UniqueConstraint("key", "channel"),
    sqlite_autoincrement=True,
)
index("ix_outbox_state", outbox.c.state, outbox.c.id)

leases = Table(
    "leases",
    metadata,
    Column("name", TEXT, primary_key=True),
    column("token", BIG),
    column("holder", TEXT),
)

settings = Table(
    "settings",
    metadata,
    Column("name", TEXT, primary_key=True),
    column("value", TEXT),
)

_KEPT: Final = ("id", "kind", "at", "actor", "project_id", "organisation_id", "why", "data")
_ONLY_ADDED: Final = "events are only ever added"
_AUDITED: Final = "audit lines are only ever added"
_LOGGED: Final = "lines of a log are only ever added"


def _sqlite_triggers() -> list[str]:
    same = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in _KEPT)
    published = f"OLD.position IS NULL AND NEW.position IS NOT NULL AND {same}"
    refuse = f"BEGIN SELECT RAISE(ABORT, '{_ONLY_ADDED}'); END"
    refuse_log = f"BEGIN SELECT RAISE(ABORT, '{_LOGGED}'); END"
    return [
        f"CREATE TRIGGER events_no_update BEFORE UPDATE ON events WHEN NOT ({published}) {refuse}",
        f"CREATE TRIGGER events_no_delete BEFORE DELETE ON events {refuse}",
        f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, '{_AUDITED}'); END",
        f"CREATE TRIGGER operation_log_no_update BEFORE UPDATE ON operation_log {refuse_log}",
        f"CREATE TRIGGER operation_log_no_delete BEFORE DELETE ON operation_log {refuse_log}",
    ]


def _postgresql_triggers() -> list[str]:
    same = " AND ".join(f"NEW.{name} IS NOT DISTINCT FROM OLD.{name}" for name in _KEPT)
    published = f"OLD.position IS NULL AND NEW.position IS NOT NULL AND {same}"
    refuse = f"BEGIN RAISE EXCEPTION '{_ONLY_ADDED}' USING ERRCODE = 'restrict_violation'; END"
    run = "EXECUTE FUNCTION events_only_added()"
    refuse_audit = f"BEGIN RAISE EXCEPTION '{_AUDITED}' USING ERRCODE = 'restrict_violation'; END"
    refuse_log = f"BEGIN RAISE EXCEPTION '{_LOGGED}' USING ERRCODE = 'restrict_violation'; END"
    run_log = "FOR EACH ROW EXECUTE FUNCTION operation_log_only_added()"
    return [
        f"CREATE OR REPLACE FUNCTION events_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ {refuse} $$",
        f"CREATE TRIGGER events_no_update BEFORE UPDATE ON events FOR EACH ROW WHEN (NOT ({published})) {run}",
        f"CREATE TRIGGER events_no_delete BEFORE DELETE ON events FOR EACH ROW {run}",
        f"CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON events FOR EACH STATEMENT {run}",
        (
            "CREATE OR REPLACE FUNCTION audit_only_added() RETURNS trigger LANGUAGE plpgsql"
            f" AS $$ {refuse_audit} $$"
        ),
        (
            "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit"
            " FOR EACH ROW EXECUTE FUNCTION audit_only_added()"
        ),
        (
            "CREATE OR REPLACE FUNCTION operation_log_only_added() RETURNS trigger LANGUAGE plpgsql"
            f" AS $$ {refuse_log} $$"
        ),
        f"CREATE TRIGGER operation_log_no_update BEFORE UPDATE ON operation_log {run_log}",
        f"CREATE TRIGGER operation_log_no_delete BEFORE DELETE ON operation_log {run_log}",
    ]


TRIGGERS: Final = {
    "sqlite": [*_sqlite_triggers(), *HAND_TRIGGERS["sqlite"]],
    "postgresql": [*_postgresql_triggers(), *HAND_TRIGGERS["postgresql"]],
}
"""What refuses every change of an event but the giving of its position, of an audit line, of a line of a log, and of
an entry of the ledger that was made.
"""

__all__ = [
    "agent_runs",
    "answers",
    "audit",
    "budgets",
    "chats",
    "deliveries",
    "estimates",
    "holds",
    "hooks",
    "ledger",
    "metadata",
    "mind_calls",
    "operation_log",
    "operations",
    "passes",
    "patches",
    "posts",
    "releases",
    "said",
    "scans",
    "scores",
    "specs",
    "talks",
    "updates",
    "users",
    "vault_keys",
    "vault_uses",
    "vault_values",
    "vault_waivers",
    "watches",
]
