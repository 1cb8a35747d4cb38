"""The tables, their indexes and the triggers that hold the journal append-only, for both databases.

Times are text: ISO 8601, UTC, microseconds, so that they sort as they stand; instants are
`Instant.encode` of a UTC time, which sorts by that time. Objects and lists are JSON text. Names carry a
lower-case twin (`*_key`), made in Python, so that both databases agree on what lower case is. How a
database gets from an older schema to this one is in `migrations/`; a test holds the two together.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import postgresql

REVISIONS: Final = ("0001",)
"""Every revision of the schema, oldest first; a test compares this with the migrations."""

HEAD: Final = REVISIONS[-1]

BIG = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits, signed. SQLite makes only an INTEGER key its row id."""

TEXT = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""Text that sorts by code point on both databases, whatever the server's locale."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _column(name: str, kind: Any, *more: Any, **options: Any) -> Column[Any]:
    return Column(name, kind, *more, **{"nullable": False, **options})


def _key() -> Column[Any]:
    """A number that only grows, never given twice."""
    return Column("id", BIG, Identity(), primary_key=True)


def _organisation() -> Column[Any]:
    return _column("organisation_id", BIG, ForeignKey("organisations.id"))


def _index(name: str, *columns: Column[Any], where: str = "", unique: bool = False) -> Index:
    clause = text(where) if where else None
    return Index(name, *columns, unique=unique, sqlite_where=clause, postgresql_where=clause)


organisations = Table(
    "organisations",
    metadata,
    _key(),
    _column("login", TEXT),
    _column("server", TEXT),
    _column("owner_id", BIG, nullable=True),
    _column("aliases", TEXT),
    _column("state", TEXT),
    _column("reason", TEXT),
    _column("frozen", TEXT, nullable=True),
    _column("baseline", Boolean),
    _column("revision", BIG),
    _column("marks_revision", BIG, nullable=True),
    _column("marks_credential", TEXT),
    _column("last_whole_look", BIG),
    sqlite_autoincrement=True,
)

projects = Table(
    "projects",
    metadata,
    Column("id", TEXT, primary_key=True),
    _column("slug", TEXT),
    _organisation(),
    _column("status", TEXT),
    _column("created_at", TEXT),
    _column("updated_at", TEXT),
    _column("entered_at", TEXT),
    _column("interrupted", TEXT),
    _column("management", TEXT),
    _column("version", BIG),
    _column("title", TEXT),
    _column("owner", TEXT, nullable=True),
    _column("expects", TEXT, nullable=True),
    _column("marker", TEXT, nullable=True),
    _column("repository_id", BIG, nullable=True),
    _column("live", TEXT, nullable=True),
    _column("title_key", TEXT),
    UniqueConstraint("slug"),
)
_index("ix_projects_status", projects.c.status, projects.c.slug)
_index("ix_projects_organisation", projects.c.organisation_id, projects.c.slug)
_index("ix_projects_repository", projects.c.repository_id)
_index(
    "ix_projects_expecting",
    projects.c.organisation_id,
    projects.c.repository_id,
    where="expects IS NOT NULL",
)

repositories = Table(
    "repositories",
    metadata,
    Column("id", BIG, primary_key=True, autoincrement=False),
    _organisation(),
    # Deferred: one transaction may record the repository before the project that it is made for.
    _column(
        "project_id",
        TEXT,
        ForeignKey("projects.id", deferrable=True, initially="DEFERRED"),
        nullable=True,
    ),
    _column("name", TEXT),
    _column("owner_id", BIG),
    _column("owner_login", TEXT),
    _column("digest", BIG),
    _column("node_id", TEXT),
    _column("visibility", TEXT),
    _column("default_branch", TEXT, nullable=True),
    _column("description", TEXT, nullable=True),
    _column("archived", Boolean),
    _column("disabled", Boolean),
    _column("fork", Boolean),
    _column("topics", TEXT),
    _column("html_url", TEXT),
    _column("created_at", TEXT, nullable=True),
    _column("pushed_at", TEXT, nullable=True),
    _column("presence", TEXT),
    _column("absences", BIG),
    _column("absent_since", TEXT, nullable=True),
    _column("confirmed", TEXT, nullable=True),
    _column("absent_look", BIG),
    _column("lost_at", TEXT, nullable=True),
    _column("held", Boolean),
    _column("vouched", TEXT),
    _column("look", BIG),
    _column("full_name_key", TEXT),
)
_r = repositories.c
_index("ix_repositories_digests", _r.organisation_id, _r.id, _r.presence, _r.digest)
_index(
    "ix_repositories_standing",
    _r.organisation_id,
    _r.presence,
    _r.visibility,
    _r.id,
    where="lost_at IS NULL",
)
_index("ix_repositories_lost", _r.organisation_id, _r.lost_at, where="lost_at IS NOT NULL")
_index("ix_repositories_held", _r.organisation_id, _r.id, where="held")
_index("ix_repositories_project", _r.project_id)

repository_names = Table(
    "repository_names",
    metadata,
    _key(),
    _column("repository_id", BIG, ForeignKey("repositories.id")),
    _column("full_name", TEXT),
    _column("full_name_key", TEXT),
    _column("name_key", TEXT),
    _column("since", TEXT),
    _column("until", TEXT, nullable=True),
    sqlite_autoincrement=True,
)
_n = repository_names.c
_index("ix_names_repository", _n.repository_id)
_index("uq_names_present", _n.repository_id, where="until IS NULL", unique=True)
_index("ix_names_full_name", _n.full_name_key)
_index("ix_names_name", _n.name_key)

looks = Table(
    "looks",
    metadata,
    _key(),
    _organisation(),
    _column("kind", TEXT),
    _column("started", TEXT),
    _column("outcome", TEXT),
    _column("finished_at", TEXT, nullable=True),
    _column("reason", TEXT),
    _column("observed", BIG),
    _column("requests", BIG),
    _column("not_modified", BIG),
    _column("points", BIG),
    _column("held", BIG),
    _column("changes", TEXT, nullable=True),
    _column("asked_by", TEXT),
    _column("changed", Boolean),
    sqlite_autoincrement=True,
)
_index("ix_looks_organisation", looks.c.organisation_id, looks.c.id)

look_requests = Table(
    "look_requests",
    metadata,
    _key(),
    _organisation(),
    _column("asked_by", TEXT),
    _column("asked_at", TEXT),
    _column("look", BIG, nullable=True),
    sqlite_autoincrement=True,
)
_index("ix_look_requests_waiting", look_requests.c.id, where="look IS NULL")

page_marks = Table(
    "page_marks",
    metadata,
    _column("organisation_id", BIG, ForeignKey("organisations.id"), primary_key=True),
    _column("number", BIG, primary_key=True),
    _column("etag", TEXT),
    _column("count", BIG),
    _column("has_next", Boolean),
    _column("last", BIG, nullable=True),
    _column("entries", TEXT),
)

incidents = Table(
    "incidents",
    metadata,
    _key(),
    _column("key", TEXT),
    _column("cause", TEXT),
    _column("severity", TEXT),
    _column("title", TEXT),
    _column("first_at", TEXT),
    _column("last_at", TEXT),
    _column("organisation_id", BIG, nullable=True),
    _column("project_id", TEXT, nullable=True),
    _column("state", TEXT),
    _column("count", BIG),
    _column("look", BIG),
    _column("evidence", TEXT),
    _column("acknowledged_by", TEXT),
    _column("muted_until", TEXT, nullable=True),
    _column("muted_by", TEXT),
    _column("resolved_at", TEXT, nullable=True),
    _column("resolved_by", TEXT),
    _column("resolution", TEXT),
    sqlite_autoincrement=True,
)
_i = incidents.c
_index("uq_incidents_unresolved", _i.key, where="state <> 'resolved'", unique=True)
_index("ix_incidents_key", _i.key, _i.id)
_index("ix_incidents_state", _i.state, _i.id)
_index("ix_incidents_project", _i.project_id)
_index("ix_incidents_muted", _i.muted_until, where="muted_until IS NOT NULL")

events = Table(
    "events",
    metadata,
    _key(),
    _column("kind", TEXT),
    _column("at", TEXT),
    _column("actor", TEXT),
    _column("project_id", TEXT, nullable=True),
    _column("organisation_id", BIG, nullable=True),
    _column("why", TEXT),
    _column("data", TEXT),
    _column("position", BIG, nullable=True),
    sqlite_autoincrement=True,
)
_index("uq_events_position", events.c.position, unique=True)
_index("ix_events_project", events.c.project_id, events.c.position)
_index("ix_events_unpublished", events.c.id, where="position IS NULL")

outbox = Table(
    "outbox",
    metadata,
    _key(),
    _column("key", TEXT),
    _column("channel", TEXT),
    _column("at", TEXT),
    _column("notice", TEXT),
    _column("state", TEXT),
    _column("attempts", BIG),
    _column("next_at", TEXT, nullable=True),
    _column("error", TEXT),
    UniqueConstraint("key", "channel"),
    sqlite_autoincrement=True,
)
_index("ix_outbox_state", outbox.c.state, outbox.c.id)

deliveries = Table(
    "deliveries",
    metadata,
    _key(),
    _column("hook_id", BIG),
    _column("guid", TEXT),
    _column("event", TEXT),
    _column("received_at", TEXT),
    _column("body", LargeBinary),
    _column("headers", TEXT),
    _column("state", TEXT),
    _column("attempts", BIG),
    _column("error", TEXT),
    UniqueConstraint("hook_id", "guid"),
    sqlite_autoincrement=True,
)
_index("ix_deliveries_state", deliveries.c.state, deliveries.c.id)

leases = Table(
    "leases",
    metadata,
    Column("name", TEXT, primary_key=True),
    _column("token", BIG),
    _column("holder", TEXT),
)

settings = Table(
    "settings",
    metadata,
    Column("name", TEXT, primary_key=True),
    _column("value", TEXT),
)

_KEPT: Final = ("id", "kind", "at", "actor", "project_id", "organisation_id", "why", "data")
_ONLY_ADDED: Final = "events are only ever added"


def _sqlite_triggers() -> list[str]:
    same = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in _KEPT)
    published = f"OLD.position IS NULL AND NEW.position IS NOT NULL AND {same}"
    refuse = f"BEGIN SELECT RAISE(ABORT, '{_ONLY_ADDED}'); END"
    return [
        f"CREATE TRIGGER events_no_update BEFORE UPDATE ON events WHEN NOT ({published}) {refuse}",
        f"CREATE TRIGGER events_no_delete BEFORE DELETE ON events {refuse}",
    ]


def _postgresql_triggers() -> list[str]:
    same = " AND ".join(f"NEW.{name} IS NOT DISTINCT FROM OLD.{name}" for name in _KEPT)
    published = f"OLD.position IS NULL AND NEW.position IS NOT NULL AND {same}"
    refuse = f"BEGIN RAISE EXCEPTION '{_ONLY_ADDED}' USING ERRCODE = 'restrict_violation'; END"
    run = "EXECUTE FUNCTION events_only_added()"
    return [
        f"CREATE OR REPLACE FUNCTION events_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ {refuse} $$",
        f"CREATE TRIGGER events_no_update BEFORE UPDATE ON events FOR EACH ROW WHEN (NOT ({published})) {run}",
        f"CREATE TRIGGER events_no_delete BEFORE DELETE ON events FOR EACH ROW {run}",
        f"CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON events FOR EACH STATEMENT {run}",
    ]


TRIGGERS: Final = {"sqlite": _sqlite_triggers(), "postgresql": _postgresql_triggers()}
"""What refuses every change of an event but the giving of its position, as each database says it."""
