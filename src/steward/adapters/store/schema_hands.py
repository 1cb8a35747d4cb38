"""The tables of hands off: the ledger, holds, what is known of branches, patches, scans, scores."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Boolean, Column, ForeignKey, Table

from steward.adapters.store.schema_kit import (
    BIG,
    TEXT,
    column,
    index,
    key_column,
    metadata,
    organisation_column,
)

STANDS: Final = "lifted_at IS NULL"
"""Whether a hold stands, literally as the partial indexes say it: only then are they taken."""

FOREIGN: Final = f"{STANDS} AND reason = 'foreign'"
"""Whether a hold stands that lifts itself; likewise."""


def _project(**options: Any) -> Column[Any]:
    return column("project_id", TEXT, ForeignKey("projects.id"), **options)


ledger = Table(
    "ledger",
    metadata,
    key_column(),
    # GitHub's number. No reference: a push may be made before a look has recorded the repository.
    column("repository_id", BIG),
    column("branch", TEXT),
    column("kind", TEXT),
    column("before", TEXT, nullable=True),
    column("after", TEXT, nullable=True),
    column("at", TEXT),
    column("by", TEXT),
    column("made", Boolean),
    column("head", TEXT, nullable=True),
    column("pull", BIG, nullable=True),
    column("operation_id", TEXT, nullable=True),
    sqlite_autoincrement=True,
)
index("ix_ledger_branch", ledger.c.repository_id, ledger.c.branch, ledger.c.id)
index("ix_ledger_repository", ledger.c.repository_id, ledger.c.id)

holds = Table(
    "holds",
    metadata,
    key_column(),
    _project(),
    organisation_column(),
    column("reason", TEXT),
    column("words", TEXT),
    column("since", TEXT),
    column("by", TEXT),
    column("evidence", TEXT),
    column("until_green", Boolean),
    column("lifted_at", TEXT, nullable=True),
    column("lifted_by", TEXT),
    column("exit", TEXT),
    sqlite_autoincrement=True,
)
index("uq_holds_standing", holds.c.project_id, holds.c.reason, where=STANDS, unique=True)
index("ix_holds_project", holds.c.project_id, holds.c.id)
index("ix_holds_foreign", holds.c.organisation_id, holds.c.id, where=FOREIGN)

watches = Table(
    "watches",
    metadata,
    Column("repository_id", BIG, primary_key=True, autoincrement=False),
    _project(),
    column("branch", TEXT),
    column("tips", TEXT),
    column("pushed_at", TEXT, nullable=True),
    column("read_at", TEXT, nullable=True),
    column("topics", TEXT),
    column("marked", Boolean),
    column("wanted", TEXT),
    column("shown", TEXT),
)

patches = Table(
    "patches",
    metadata,
    key_column(),
    _project(),
    column("operation_id", TEXT),
    column("attempt", BIG),
    column("base", TEXT),
    column("text", TEXT),
    column("at", TEXT),
    column("why", TEXT),
    column("cut", Boolean),
    sqlite_autoincrement=True,
)
index("ix_patches_project", patches.c.project_id, patches.c.id)

scans = Table(
    "scans",
    metadata,
    _project(primary_key=True),
    organisation_column(),
    column("state", TEXT),
    column("asked_by", TEXT),
    column("asked_at", TEXT),
    column("reason", TEXT),
    column("advice", TEXT),
    column("sha", TEXT),
    column("done_at", TEXT, nullable=True),
    column("attempts", BIG),
    # The last column, so that lists can be read without it.
    column("result", TEXT, nullable=True),
)
index("ix_scans_state", scans.c.state, scans.c.asked_at, scans.c.project_id)

scores = Table(
    "scores",
    metadata,
    _project(primary_key=True),
    column("percent", BIG),
    column("unmet", TEXT),
    column("at", TEXT),
    # One is looked up for every project that is sorted by it: in the key itself.
    sqlite_with_rowid=False,
)

_ENTERED: Final = "an entry of the ledger is changed only until it is made, and never taken out"
_KEPT: Final = ("id", "repository_id", "branch", "kind", "at", "by", "head", "pull", "operation_id")
_SEEN: Final = ("before", "after", "made")


def _same(names: tuple[str, ...], alike: str) -> str:
    return " AND ".join(f'NEW."{name}" {alike} OLD."{name}"' for name in names)


def _sqlite_triggers() -> list[str]:
    may = f"{_same(_KEPT, 'IS')} AND (NOT OLD.made OR ({_same(_SEEN, 'IS')}))"
    refuse = f"BEGIN SELECT RAISE(ABORT, '{_ENTERED}'); END"
    return [
        f"CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger WHEN NOT ({may}) {refuse}",
        f"CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger {refuse}",
    ]


def _postgresql_triggers() -> list[str]:
    alike = "IS NOT DISTINCT FROM"
    may = f"{_same(_KEPT, alike)} AND (NOT OLD.made OR ({_same(_SEEN, alike)}))"
    refuse = f"BEGIN RAISE EXCEPTION '{_ENTERED}' USING ERRCODE = 'restrict_violation'; END"
    run = "EXECUTE FUNCTION ledger_only_added()"
    return [
        f"CREATE OR REPLACE FUNCTION ledger_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ {refuse} $$",
        f"CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger FOR EACH ROW WHEN (NOT ({may})) {run}",
        f"CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger FOR EACH ROW {run}",
    ]


HAND_TRIGGERS: Final = {"sqlite": _sqlite_triggers(), "postgresql": _postgresql_triggers()}
"""What refuses that an entry of the ledger is taken out, or changed but for what is seen of a move not made yet."""
