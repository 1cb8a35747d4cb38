"""What the store keeps of hands off: the ledger, holds, what is known of branches, patches, scans, scores."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from steward.domain.hands import Entry, Hold, Sender, Watch
from steward.domain.project import Tracked

PATCH_MAX: Final = 2_000_000
"""The characters of one kept patch; a longer one is cut at a line, and marked."""


@dataclass(frozen=True, slots=True)
class Patch:
    """Unpushed work of an agent that was stopped, as `git apply` takes it. `base` is the commit it applies to."""

    project_id: str
    operation_id: str
    attempt: int
    base: str
    text: str
    at: datetime
    why: str = ""
    cut: bool = False
    id: int = 0


@dataclass(frozen=True, slots=True)
class ScanRecord:
    """The newest scan of a project. `state` is "queued", "running", "done" or "failed"; `reason` says of what.

    `result` is a `domain.needs.Scan` as JSON values, of the last one that was done.
    """

    project_id: str
    organisation_id: int
    state: str
    asked_by: str
    asked_at: datetime
    reason: str = ""
    advice: str = ""
    commit: str = ""
    done_at: datetime | None = None
    result: Mapping[str, Any] | None = None
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Score:
    """How ready a project is: percent of the weight of the rules that hold, and the codes of those that do not."""

    project_id: str
    percent: int
    unmet: tuple[str, ...]
    at: datetime


class HandReads(Protocol):
    """What can be read of hands off."""

    def watches(self, repository_ids: Collection[int]) -> dict[int, Watch]: ...

    def watched_projects(self, organisation_id: int) -> list[Tracked]:
        """Repositories of projects that are driven and have one that is not lost: what is to be watched, by id."""
        ...

    def ledger(self, repository_id: int, branch: str | None = None, limit: int = 500) -> list[Entry]:
        """Entries of a repository (of one branch), newest first."""
        ...

    def holds(self, project_id: str, *, lifted: bool = False, limit: int = 50) -> list[Hold]:
        """Those that stand, oldest first; with `lifted`, the lifted ones, newest first."""
        ...

    def hold(self, hold_id: int) -> Hold | None: ...

    def standing_holds(self, project_ids: Collection[str]) -> dict[str, list[Hold]]:
        """Per project those that stand, oldest first. One query; projects without any are left out."""
        ...

    def foreign_holds(self, organisation_id: int) -> list[Hold]:
        """Those that stand for a foreign move of a default branch, oldest first."""
        ...

    def senders(
        self, repository_id: int, shas: Collection[str], branch: str | None = None
    ) -> dict[str, Sender]:
        """Commit -> who moved a branch of the repository (that branch) to it, as the newest delivery told."""
        ...

    def patches(self, project_id: str, limit: int = 20) -> list[Patch]:
        """Newest first, with their text."""
        ...

    def scan(self, project_id: str) -> ScanRecord | None: ...

    def scans(self, states: Collection[str], limit: int = 100) -> list[ScanRecord]:
        """Those in these states, oldest asked first; without results."""
        ...

    def scan_counts(self) -> dict[str, int]:
        """How many per state."""
        ...

    def scores(self, project_ids: Collection[str]) -> dict[str, Score]: ...

    def unscored(self, since: datetime, limit: int) -> list[str]:
        """Ids of projects, archived and ignored ones left out, whose score is older than `since` or than the
        project's own last change, or missing; oldest score first.
        """
        ...


class HandWrites(Protocol):
    """What can be written of hands off, within one transaction."""

    def save_watch(self, watch: Watch) -> None:
        """Insert or replace, by repository."""
        ...

    def drop_watch(self, repository_id: int) -> None:
        """Forget it: what a person did meanwhile is nobody's business when it is watched again."""
        ...

    def enter(self, entry: Entry) -> Entry:
        """Add an entry (id 0), or write one again by its id; returned with its id."""
        ...

    def save_hold(self, hold: Hold) -> Hold:
        """Insert (id 0) or update; returned with its id. Raises Conflict where the project has a standing one of
        that reason already.
        """
        ...

    def keep_patch(self, patch: Patch) -> Patch: ...

    def save_scan(self, scan: ScanRecord) -> None:
        """Insert or replace, by project."""
        ...

    def save_scores(self, scores: Iterable[Score]) -> None:
        """Insert or replace, set-based."""
        ...
