"""People, their passes, the audit log, hooks, what the inbox of deliveries lacked, and the phase of a project."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

ONLY_ADDED = "audit lines are only ever added"

INTERRUPTIONS = ("error", "missing", "archived")
PHASES = {
    **dict.fromkeys(("draft", "estimated"), "inception"),
    **dict.fromkeys(("discovered", "setup_required", "provisioning", "initialized"), "materialization"),
    **dict.fromkeys(("designing", "designed", "implementing", "implemented"), "construction"),
    **dict.fromkeys(("verifying", "verified"), "construction"),
    **dict.fromkeys(("deploying", "active"), "production"),
}
"""The phases of this revision's statuses; all others are of `maintenance`."""

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


def _refers(table: str, column: str, target: str) -> list[Any]:
    return [sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")]


def upgrade() -> None:
    """Add the tables and columns."""
    _people()
    _audit()
    _hooks()
    _phases()
    _triggers()


def _people() -> None:
    op.create_table(
        "users",
        *_key("users"),
        *_text("name", "created_at", "grants", "full_name"),
        *_text("lang", "disabled_at", null=True),
        sa.UniqueConstraint("name", name="uq_users_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "passes",
        *_key("passes"),
        *_text("kind"),
        *_big("user_id"),
        *_text("digest", "created_at", "expires_at", "note"),
        *_text("rights", null=True),
        *_big("organisation_id", null=True),
        *_text("used_at", "ended_at", null=True),
        *_text("made_by"),
        *_refers("passes", "user_id", "users.id"),
        *_refers("passes", "organisation_id", "organisations.id"),
        sa.UniqueConstraint("digest", name="uq_passes_digest"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_passes_user", "passes", ["user_id", "kind"])
    op.create_index("ix_passes_expires", "passes", ["expires_at"])
    op.create_table(
        "answers",
        *_text("key", "actor", "fingerprint", "at"),
        *_big("status", null=True),
        *_text("body"),
        sa.PrimaryKeyConstraint("key", "actor", name="pk_answers"),
    )
    op.create_index("ix_answers_at", "answers", ["at"])


def _audit() -> None:
    op.create_table(
        "audit",
        *_key("audit"),
        *_text("at", "actor", "action", "outcome", "right", "target", "reason", "request", "address"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_at", "audit", ["at"])


def _hooks() -> None:
    op.create_table(
        "hooks",
        sa.Column("id", BIG, nullable=False, autoincrement=False),
        *_big("organisation_id"),
        *_text("url", "events"),
        sa.Column("active", sa.Boolean(), nullable=False),
        *_text("registered_at"),
        *_text("checked_at", "pinged_at", "swept_at", null=True),
        *_big("swept_to"),
        *_text("failure"),
        sa.PrimaryKeyConstraint("id", name="pk_hooks"),
        *_refers("hooks", "organisation_id", "organisations.id"),
    )
    op.create_index("ix_hooks_organisation", "hooks", ["organisation_id"])
    for column in (
        sa.Column("action", TEXT, nullable=False, server_default=""),
        *_big("owner_id", "repository_id", null=True),
        *_text("next_at", "done_at", null=True),
        *_big("look", null=True),
        sa.Column("source", TEXT, nullable=False, server_default="webhook"),
        *_big("organisation_id", null=True),
        sa.Column("ref", TEXT, nullable=False, server_default=""),
    ):
        op.add_column("deliveries", column)
    op.create_index("ix_deliveries_hook", "deliveries", ["hook_id", "id"])
    op.create_index("ix_deliveries_received", "deliveries", ["received_at"])
    waits = sa.text("state = 'pending'")
    pending = ["organisation_id", "id"]
    op.create_index(
        "ix_deliveries_pending", "deliveries", pending, sqlite_where=waits, postgresql_where=waits
    )


def _phases() -> None:
    """Store the phase that faces show: that of the last status that was interrupted by none of these."""
    op.add_column("projects", sa.Column("phase", TEXT, nullable=False, server_default=""))
    standing = op.get_bind().execute(sa.text("SELECT DISTINCT status, interrupted FROM projects")).all()
    for status, interrupted in standing:
        stack = [name for name in json.loads(interrupted) if name not in INTERRUPTIONS]
        phase = PHASES.get(stack[-1] if stack else status, "maintenance")
        place = sa.text("UPDATE projects SET phase = :phase WHERE status = :status AND interrupted = :stack")
        op.execute(place.bindparams(phase=phase, status=status, stack=interrupted))
    owned = sa.text("owner IS NOT NULL")
    op.create_index("ix_projects_owner", "projects", ["owner"], sqlite_where=owned, postgresql_where=owned)
    op.create_index("ix_projects_phase", "projects", ["phase", "entered_at", "slug"])
    told_apart = ["organisation_id", "management", "phase", "status", "entered_at", "owner"]
    op.create_index("ix_projects_tallies", "projects", told_apart)
    moves = sa.text("kind = 'project.moved'")
    op.create_index("ix_events_moves", "events", ["at"], sqlite_where=moves, postgresql_where=moves)
    wide = sa.text("project_id IS NULL")
    op.create_index("ix_events_wide", "events", ["position"], sqlite_where=wide, postgresql_where=wide)


def _triggers() -> None:
    """Refuse every change of an audit line."""
    if op.get_bind().dialect.name == "sqlite":
        refuse = f"BEGIN SELECT RAISE(ABORT, '{ONLY_ADDED}'); END"
        op.execute(f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit {refuse}")
        return
    refuse = f"BEGIN RAISE EXCEPTION '{ONLY_ADDED}' USING ERRCODE = 'restrict_violation'; END"
    op.execute(
        f"CREATE OR REPLACE FUNCTION audit_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ {refuse} $$"
    )
    op.execute(
        "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit"
        " FOR EACH ROW EXECUTE FUNCTION audit_only_added()"
    )
