"""The first schema."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

ONLY_ADDED = "events are only ever added"
KEPT = ("id", "kind", "at", "actor", "project_id", "organisation_id", "why", "data")

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def _key(table: str) -> list[Any]:
    """A number that only grows, given by the database."""
    column = sa.Column("id", BIG, sa.Identity(), nullable=False)
    return [column, sa.PrimaryKeyConstraint("id", name=f"pk_{table}")]


def _big(*names: str, null: bool = False) -> list[Any]:
    return [sa.Column(name, BIG, nullable=null) for name in names]


def _text(*names: str, null: bool = False) -> list[Any]:
    return [sa.Column(name, TEXT, nullable=null) for name in names]


def _flag(name: str) -> list[Any]:
    return [sa.Column(name, sa.Boolean(), nullable=False)]


def _refers(table: str, column: str, target: str, **options: Any) -> list[Any]:
    """A foreign key."""
    return [sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}", **options)]


def _index(name: str, table: str, *columns: str, where: str = "", unique: bool = False) -> None:
    clause = sa.text(where) if where else None
    op.create_index(name, table, list(columns), unique=unique, sqlite_where=clause, postgresql_where=clause)


def upgrade() -> None:
    """Make every table of an empty database."""
    _organisations()
    _requests_and_pages()
    _projects()
    _repositories()
    _names()
    _journal()
    _messages()
    _rest()
    _triggers()


def _organisations() -> None:
    op.create_table(
        "organisations",
        *_key("organisations"),
        *_text("login", "server"),
        *_big("owner_id", null=True),
        *_text("aliases", "state", "reason"),
        *_text("frozen", null=True),
        *_flag("baseline"),
        *_big("revision"),
        *_big("marks_revision", null=True),
        *_text("marks_credential"),
        *_big("last_whole_look"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "looks",
        *_key("looks"),
        *_big("organisation_id"),
        *_text("kind", "started", "outcome"),
        *_text("finished_at", null=True),
        *_text("reason"),
        *_big("observed", "requests", "not_modified", "points", "held"),
        *_text("changes", null=True),
        *_text("asked_by"),
        *_flag("changed"),
        *_refers("looks", "organisation_id", "organisations.id"),
        sqlite_autoincrement=True,
    )
    _index("ix_looks_organisation", "looks", "organisation_id", "id")


def _requests_and_pages() -> None:
    op.create_table(
        "look_requests",
        *_key("look_requests"),
        *_big("organisation_id"),
        *_text("asked_by", "asked_at"),
        *_big("look", null=True),
        *_refers("look_requests", "organisation_id", "organisations.id"),
        sqlite_autoincrement=True,
    )
    _index("ix_look_requests_waiting", "look_requests", "id", where="look IS NULL")
    op.create_table(
        "page_marks",
        *_big("organisation_id", "number"),
        *_text("etag"),
        *_big("count"),
        *_flag("has_next"),
        *_big("last", null=True),
        *_text("entries"),
        sa.PrimaryKeyConstraint("organisation_id", "number", name="pk_page_marks"),
        *_refers("page_marks", "organisation_id", "organisations.id"),
    )


def _projects() -> None:
    op.create_table(
        "projects",
        *_text("id", "slug"),
        *_big("organisation_id"),
        *_text("status", "created_at", "updated_at", "entered_at", "interrupted", "management"),
        *_big("version"),
        *_text("title"),
        *_text("owner", "expects", "marker", null=True),
        *_big("repository_id", null=True),
        *_text("live", null=True),
        *_text("title_key"),
        sa.PrimaryKeyConstraint("id", name="pk_projects"),
        *_refers("projects", "organisation_id", "organisations.id"),
        sa.UniqueConstraint("slug", name="uq_projects_slug"),
    )
    _index(
        "ix_projects_expecting",
        "projects",
        "organisation_id",
        "repository_id",
        where="expects IS NOT NULL",
    )
    _index("ix_projects_organisation", "projects", "organisation_id", "slug")
    _index("ix_projects_repository", "projects", "repository_id")
    _index("ix_projects_status", "projects", "status", "slug")


def _repositories() -> None:
    op.create_table(
        "repositories",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        *_big("organisation_id"),
        *_text("project_id", null=True),
        *_text("name"),
        *_big("owner_id"),
        *_text("owner_login"),
        *_big("digest"),
        *_text("node_id", "visibility"),
        *_text("default_branch", "description", null=True),
        *_flag("archived"),
        *_flag("disabled"),
        *_flag("fork"),
        *_text("topics", "html_url"),
        *_text("created_at", "pushed_at", null=True),
        *_text("presence"),
        *_big("absences"),
        *_text("absent_since", "confirmed", null=True),
        *_big("absent_look"),
        *_text("lost_at", null=True),
        *_flag("held"),
        *_text("vouched"),
        *_big("look"),
        *_text("full_name_key"),
        sa.PrimaryKeyConstraint("id", name="pk_repositories"),
        *_refers("repositories", "organisation_id", "organisations.id"),
        *_refers("repositories", "project_id", "projects.id", deferrable=True, initially="DEFERRED"),
    )
    _index("ix_repositories_digests", "repositories", "organisation_id", "id", "presence", "digest")
    _index("ix_repositories_held", "repositories", "organisation_id", "id", where="held")
    _index("ix_repositories_lost", "repositories", "organisation_id", "lost_at", where="lost_at IS NOT NULL")
    _index("ix_repositories_project", "repositories", "project_id")
    _index(
        "ix_repositories_standing",
        "repositories",
        "organisation_id",
        "presence",
        "visibility",
        "id",
        where="lost_at IS NULL",
    )


def _names() -> None:
    op.create_table(
        "repository_names",
        *_key("repository_names"),
        *_big("repository_id"),
        *_text("full_name", "full_name_key", "name_key", "since"),
        *_text("until", null=True),
        *_refers("repository_names", "repository_id", "repositories.id"),
        sqlite_autoincrement=True,
    )
    _index("ix_names_full_name", "repository_names", "full_name_key")
    _index("ix_names_name", "repository_names", "name_key")
    _index("ix_names_repository", "repository_names", "repository_id")
    _index("uq_names_present", "repository_names", "repository_id", where="until IS NULL", unique=True)


def _journal() -> None:
    op.create_table(
        "events",
        *_key("events"),
        *_text("kind", "at", "actor"),
        *_text("project_id", null=True),
        *_big("organisation_id", null=True),
        *_text("why", "data"),
        *_big("position", null=True),
        sqlite_autoincrement=True,
    )
    _index("ix_events_project", "events", "project_id", "position")
    _index("ix_events_unpublished", "events", "id", where="position IS NULL")
    _index("uq_events_position", "events", "position", unique=True)
    op.create_table(
        "incidents",
        *_key("incidents"),
        *_text("key", "cause", "severity", "title", "first_at", "last_at"),
        *_big("organisation_id", null=True),
        *_text("project_id", null=True),
        *_text("state"),
        *_big("count", "look"),
        *_text("evidence", "acknowledged_by"),
        *_text("muted_until", null=True),
        *_text("muted_by"),
        *_text("resolved_at", null=True),
        *_text("resolved_by", "resolution"),
        sqlite_autoincrement=True,
    )
    _index("ix_incidents_key", "incidents", "key", "id")
    _index("ix_incidents_muted", "incidents", "muted_until", where="muted_until IS NOT NULL")
    _index("ix_incidents_project", "incidents", "project_id")
    _index("ix_incidents_state", "incidents", "state", "id")
    _index("uq_incidents_unresolved", "incidents", "key", where="state <> 'resolved'", unique=True)


def _messages() -> None:
    op.create_table(
        "outbox",
        *_key("outbox"),
        *_text("key", "channel", "at", "notice", "state"),
        *_big("attempts"),
        *_text("next_at", null=True),
        *_text("error"),
        sa.UniqueConstraint("key", "channel", name="uq_outbox_key_channel"),
        sqlite_autoincrement=True,
    )
    _index("ix_outbox_state", "outbox", "state", "id")
    op.create_table(
        "deliveries",
        *_key("deliveries"),
        *_big("hook_id"),
        *_text("guid", "event", "received_at"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        *_text("headers", "state"),
        *_big("attempts"),
        *_text("error"),
        sa.UniqueConstraint("hook_id", "guid", name="uq_deliveries_hook_id_guid"),
        sqlite_autoincrement=True,
    )
    _index("ix_deliveries_state", "deliveries", "state", "id")


def _rest() -> None:
    op.create_table(
        "leases",
        *_text("name"),
        *_big("token"),
        *_text("holder"),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.create_table(
        "settings",
        *_text("name", "value"),
        sa.PrimaryKeyConstraint("name", name="pk_settings"),
    )


def _triggers() -> None:
    """Refuse every change of an event but the giving of its position."""
    if op.get_bind().dialect.name == "sqlite":
        same = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in KEPT)
        published = f"OLD.position IS NULL AND NEW.position IS NOT NULL AND {same}"
        refuse = f"BEGIN SELECT RAISE(ABORT, '{ONLY_ADDED}'); END"
        op.execute(f"CREATE TRIGGER events_no_update BEFORE UPDATE ON events WHEN NOT ({published}) {refuse}")
        op.execute(f"CREATE TRIGGER events_no_delete BEFORE DELETE ON events {refuse}")
        return
    same = " AND ".join(f"NEW.{name} IS NOT DISTINCT FROM OLD.{name}" for name in KEPT)
    published = f"OLD.position IS NULL AND NEW.position IS NOT NULL AND {same}"
    refuse = f"BEGIN RAISE EXCEPTION '{ONLY_ADDED}' USING ERRCODE = 'restrict_violation'; END"
    run = "EXECUTE FUNCTION events_only_added()"
    op.execute(
        f"CREATE OR REPLACE FUNCTION events_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ {refuse} $$"
    )
    op.execute(
        f"CREATE TRIGGER events_no_update BEFORE UPDATE ON events FOR EACH ROW WHEN (NOT ({published})) {run}"
    )
    op.execute(f"CREATE TRIGGER events_no_delete BEFORE DELETE ON events FOR EACH ROW {run}")
    op.execute(f"CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON events FOR EACH STATEMENT {run}")
