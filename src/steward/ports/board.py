"""What faces are shown of many projects at once, and what is read for it in sets."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from steward.domain.incidents import Incident
from steward.domain.project import Project
from steward.domain.repository import Repository

SORTS = ("slug", "status", "since", "updated", "owner", "readiness")
"""What projects can be sorted by; `status` is the order of a project's life, `readiness` the percent of its score."""


@dataclass(frozen=True, slots=True)
class ProjectQuery:
    """What to list. Empty filters match all; `limit` None means all.

    `phases` are those that faces show: of what was interrupted, where something was. `owner` "" means
    without an owner. `entered_before`: in their status since before then. `waiting`: only these statuses,
    by organisation. `held`: with a standing hold, or without one.
    `ready_below` and `ready_from`: with a score below that percent, at or above it; those without a score match
    neither. Sorted by `sort` (see SORTS) and then by slug; the list goes on after the project
    `after_slug`, whose value of `sort` is `after` (not needed where that is the slug). By `readiness`, what has no
    score comes last in either direction, and its value is "".
    """

    statuses: Collection[str] = ()
    organisation_ids: Collection[int] = ()
    management: Collection[str] = ()
    text: str = ""
    limit: int | None = None
    after_slug: str = ""
    phases: Collection[str] = ()
    owner: str | None = None
    entered_before: datetime | None = None
    waiting: Mapping[int, Collection[str]] | None = None
    sort: str = "slug"
    descending: bool = False
    after: str = ""
    held: bool | None = None
    ready_below: int | None = None
    ready_from: int | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """How many projects are alike in these; `aged` of them in their status since before the moment asked for."""

    organisation_id: int
    phase: str
    status: str
    management: str
    number: int
    aged: int


@dataclass(frozen=True, slots=True)
class Left:
    """One move out of a status: by what and whom, to where, and how long the project had been in it."""

    status: str
    target: str
    trigger: str
    who: str
    lasted_s: float


Found = tuple[Project, Repository | None]


class BoardReads(Protocol):
    """What can be read of many projects at once."""

    def projects(self, query: ProjectQuery) -> list[Found]:
        """Those that match, sorted, with their repositories."""
        ...

    def tallies(self, query: ProjectQuery, aged_before: datetime) -> list[Tally]:
        """Those that match, counted by what tells them apart; sorting and limit say nothing here."""
        ...

    def windows(self, query: ProjectQuery, limit: int) -> dict[str, list[Found]]:
        """Per phase that has any, the first `limit` of those that match, newest in their status first."""
        ...

    def troubled(self, query: ProjectQuery, limit: int) -> tuple[int, list[Found]]:
        """How many of those that match are in trouble, and the first `limit` of them, worst first.

        In trouble is what is `error` or `missing`, has an incident that is not resolved, or whose
        repository was not seen by the last look.
        """
        ...

    def worst_incidents(self, project_ids: Collection[str]) -> dict[str, Incident]:
        """Project id -> the worst of its incidents that are not resolved, the newest of equals."""
        ...

    def owners(self, organisation_ids: Collection[int] | None, limit: int) -> list[str]:
        """Who looks after projects, by name; of these organisations alone, where they are given."""
        ...

    def moves(self, since: datetime, organisation_ids: Collection[int] | None) -> list[Left]:
        """Every move out of a status since then, oldest first; of these organisations, where given."""
        ...
