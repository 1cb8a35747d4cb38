"""The ledger, holds, what is known of branches, patches, scans, scores; who pushed; what a person's push does."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

ENTERED = "an entry of the ledger is changed only until it is made, and never taken out"
KEPT = ("id", "repository_id", "branch", "kind", "at", "by", "head", "pull", "operation_id")
SEEN = ("before", "after", "made")

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def _big(*names: str, null: bool = False) -> list[Any]:
    return [sa.Column(name, BIG, nullable=null) for name in names]


def _text(*names: str, null: bool = False) -> list[Any]:
    return [sa.Column(name, TEXT, nullable=null) for name in names]


def _flag(name: str) -> list[Any]:
    return [sa.Column(name, sa.Boolean(), nullable=False)]


def _counted(table: str) -> list[Any]:
    """A number that only grows, given by the database."""
    return [sa.Column("id", BIG, sa.Identity(), nullable=False), *_key(table, "id")]


def _key(table: str, *columns: str) -> list[Any]:
    return [sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")]


def _refers(table: str, column: str, target: str) -> list[Any]:
    return [sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")]


def _index(name: str, table: str, *columns: str, where: str = "", unique: bool = False) -> None:
    clause = sa.text(where) if where else None
    op.create_index(name, table, list(columns), unique=unique, sqlite_where=clause, postgresql_where=clause)


def upgrade() -> None:
    """Add the tables and columns."""
    op.add_column("projects", sa.Column("hands_off", TEXT, nullable=False, server_default="hold"))
    op.add_column("deliveries", sa.Column("after", TEXT, nullable=False, server_default=""))
    op.add_column("deliveries", *_text("sender", null=True))
    _index("ix_deliveries_pushed", "deliveries", "repository_id", "after", where="sender IS NOT NULL")
    _ledger()
    _triggers()
    _holds()
    _watches()
    _scans()


def _ledger() -> None:
    op.create_table(
        "ledger",
        *_counted("ledger"),
        *_big("repository_id"),
        *_text("branch", "kind"),
        *_text("before", "after", null=True),
        *_text("at", "by"),
        *_flag("made"),
        *_text("head", null=True),
        *_big("pull", null=True),
        *_text("operation_id", null=True),
        sqlite_autoincrement=True,
    )
    _index("ix_ledger_branch", "ledger", "repository_id", "branch", "id")
    _index("ix_ledger_repository", "ledger", "repository_id", "id")


def _triggers() -> None:
    """Refuse that an entry is taken out, or changed but for what is seen of a move that was not made yet."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    alike = "IS" if sqlite else "IS NOT DISTINCT FROM"
    kept = " AND ".join(f'NEW."{name}" {alike} OLD."{name}"' for name in KEPT)
    seen = " AND ".join(f'NEW."{name}" {alike} OLD."{name}"' for name in SEEN)
    may = f"{kept} AND (NOT OLD.made OR ({seen}))"
    if sqlite:
        refuse = f"BEGIN SELECT RAISE(ABORT, '{ENTERED}'); END"
        op.execute(f"CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger WHEN NOT ({may}) {refuse}")
        op.execute(f"CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger {refuse}")
        return
    refuse = f"BEGIN RAISE EXCEPTION '{ENTERED}' USING ERRCODE = 'restrict_violation'; END"
    run = "EXECUTE FUNCTION ledger_only_added()"
    op.execute(
        f"CREATE OR REPLACE FUNCTION ledger_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ {refuse} $$"
    )
    op.execute(
        f"CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger FOR EACH ROW WHEN (NOT ({may})) {run}"
    )
    op.execute(f"CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger FOR EACH ROW {run}")


def _holds() -> None:
    op.create_table(
        "holds",
        *_counted("holds"),
        *_text("project_id"),
        *_big("organisation_id"),
        *_text("reason", "words", "since", "by", "evidence"),
        *_flag("until_green"),
        *_text("lifted_at", null=True),
        *_text("lifted_by", "exit"),
        *_refers("holds", "project_id", "projects.id"),
        *_refers("holds", "organisation_id", "organisations.id"),
        sqlite_autoincrement=True,
    )
    stands = "lifted_at IS NULL"
    _index("uq_holds_standing", "holds", "project_id", "reason", where=stands, unique=True)
    _index("ix_holds_project", "holds", "project_id", "id")
    _index("ix_holds_foreign", "holds", "organisation_id", "id", where=f"{stands} AND reason = 'foreign'")


def _watches() -> None:
    op.create_table(
        "watches",
        sa.Column("repository_id", BIG, nullable=False, autoincrement=False),
        *_text("project_id", "branch", "tips"),
        *_text("pushed_at", "read_at", null=True),
        *_text("topics"),
        *_flag("marked"),
        *_text("wanted", "shown"),
        *_key("watches", "repository_id"),
        *_refers("watches", "project_id", "projects.id"),
    )
    op.create_table(
        "patches",
        *_counted("patches"),
        *_text("project_id", "operation_id"),
        *_big("attempt"),
        *_text("base", "text", "at", "why"),
        *_flag("cut"),
        *_refers("patches", "project_id", "projects.id"),
        sqlite_autoincrement=True,
    )
    _index("ix_patches_project", "patches", "project_id", "id")


def _scans() -> None:
    op.create_table(
        "scans",
        *_text("project_id"),
        *_big("organisation_id"),
        *_text("state", "asked_by", "asked_at", "reason", "advice", "sha"),
        *_text("done_at", null=True),
        *_big("attempts"),
        *_text("result", null=True),
        *_key("scans", "project_id"),
        *_refers("scans", "project_id", "projects.id"),
        *_refers("scans", "organisation_id", "organisations.id"),
    )
    _index("ix_scans_state", "scans", "state", "asked_at", "project_id")
    op.create_table(
        "scores",
        *_text("project_id"),
        *_big("percent"),
        *_text("unmet", "at"),
        *_key("scores", "project_id"),
        *_refers("scores", "project_id", "projects.id"),
        sqlite_with_rowid=False,
    )
