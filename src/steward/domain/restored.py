"""A database that was put back: how it is noticed, what is remembered of it, and how its operations go on.

A database bears an id. A file beside it, the *high-water mark*, tells how far the history of each id has come. One
whose history ends before that has been put back; it is given a new id, so that this is noticed once only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from steward.domain.operations import Operation, Work

RESTORED: Final = "installation.restored"
"""The setting that says that the database was restored and nobody has accepted that yet."""
DATABASE_ID: Final = "installation.id"
"""The setting that holds the id of the database."""
BY: Final = "restore"
"""Who freezes an organisation where its database was restored."""
LIVES_KEPT: Final = 20
"""How many ids a high-water mark remembers."""
BRANCHED: Final = frozenset({Work.DESIGN, Work.IMPLEMENT, Work.REVERT})
"""The operations that push to a branch of their own."""


@dataclass(frozen=True, slots=True)
class Restored:
    """That the database was restored. `backup_at` is when its copy was made, None where nobody knows.

    `by` says what noticed or did it. `organisations` are the ids of those that nobody has unfrozen since.
    """

    at: datetime
    by: str
    backup_at: datetime | None = None
    organisations: tuple[int, ...] = ()

    def json(self) -> dict[str, Any]:
        """As it is kept in the settings table."""
        return {
            "at": self.at.isoformat(),
            "backup_at": self.backup_at.isoformat() if self.backup_at else None,
            "by": self.by,
            "organisations": list(self.organisations),
        }

    def without(self, organisation_id: int) -> Restored | None:
        """The same once an organisation was accepted; None where it was the last."""
        left = tuple(one for one in self.organisations if one != organisation_id)
        return replace(self, organisations=left) if left else None


def restored_from(value: Any) -> Restored | None:
    """What the setting holds; None where the database was not restored, or all of it is accepted."""
    if not isinstance(value, Mapping):
        return None
    backup_at = value.get("backup_at")
    return Restored(
        datetime.fromisoformat(value["at"]),
        str(value["by"]),
        datetime.fromisoformat(backup_at) if backup_at else None,
        tuple(int(one) for one in value.get("organisations", ())),
    )


@dataclass(frozen=True, slots=True)
class HighWater:
    """How far the history of each database id has come that was seen here: id -> position, the newest id last."""

    lives: Mapping[str, int]

    def is_behind(self, database: str, position: int) -> bool:
        """Whether a database of that id, whose history ends at that position, was put back.

        One of an earlier id was: its successor was seen here.
        """
        if database not in self.lives:
            return False
        return position < self.lives[database] or database != list(self.lives)[-1]

    def reached(self, database: str, position: int) -> HighWater:
        """With what was reached now."""
        lives = {name: at for name, at in self.lives.items() if name != database}
        lives[database] = position
        return HighWater(dict(list(lives.items())[-LIVES_KEPT:]))


def high_water_from(value: Any) -> HighWater:
    """What a file holds; one that holds anything else is as good as none."""
    if not isinstance(value, Mapping) or not isinstance(value.get("databases"), list):
        return HighWater({})
    lives = {}
    for one in value["databases"]:
        if isinstance(one, Mapping) and isinstance(one.get("id"), str) and isinstance(one.get("event"), int):
            lives[one["id"]] = one["event"]
    return HighWater(lives)


def high_water_json(mark: HighWater) -> dict[str, Any]:
    """As the file holds it."""
    return {"databases": [{"id": name, "event": at} for name, at in mark.lives.items()]}


def branch_name(operation: Operation) -> str | None:
    """The branch of an operation; None for a kind that pushes to none."""
    return f"steward/{operation.kind.value}-{operation.id[:8]}" if operation.kind in BRANCHED else None


def gone_on(operation: Operation, tip: str, base: str, *, rendering: bool) -> dict[str, Any] | None:
    """The facts of an unfinished operation whose branch has come further than its record; None: they fit.

    What the branch holds at `tip` is taken as the operation's own, so that it goes on from there instead of doing
    that again. `base` is where the default branch stood by the record; `rendering`: the tip is a template's rendering,
    which the agent's work has yet to follow.
    """
    facts = dict(operation.facts)
    if not operation.is_open or facts.get("head") == tip or "merged" in facts:
        return None
    if operation.kind is Work.REVERT:
        return {**facts, "intent": tip}
    facts = {"base": base, "head": base, **facts, "intent": tip}
    if facts.get("worked"):
        return {**facts, "head": tip, "reworking": False}
    if not rendering:
        facts |= {"rendered": True, "scaffold": facts.get("scaffold") or tip}
    return facts


def digest(plan: Mapping[str, Any], parts: Collection[str]) -> str:
    """A short name for what a plan says: the same as long as these parts of it say the same."""
    said = json.dumps({name: plan[name] for name in sorted(parts)}, sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()[:12]
