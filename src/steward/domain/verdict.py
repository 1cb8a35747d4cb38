"""What the checks of one commit come to. A pure function over what GitHub says; values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Check:
    """One check run, or one commit status (`app_id` 0; its state as status and conclusion).

    `status` and `conclusion` are GitHub's own words, unknown ones included. `id` grows with each attempt.
    """

    name: str
    app_id: int
    status: str
    conclusion: str | None
    id: int = 0
    started_at: datetime | None = None
    completed_at: datetime | None = None
    url: str = ""
    summary: str = ""


@dataclass(frozen=True, slots=True)
class CommitChecks:
    """Everything that was said of a commit. `required` are (context, app id or None) of the branch rules.

    `suites` are the states of check suites and workflow runs that have no check yet: (app id, status, conclusion).
    """

    sha: str
    checks: tuple[Check, ...] = ()
    required: tuple[tuple[str, int | None], ...] = ()
    suites: tuple[tuple[int, str, str | None], ...] = ()


class Colour(StrEnum):
    """`stuck` is pending past its deadline; `none` is nothing at all after the grace. Only green is green."""

    GREEN = "green"
    RED = "red"
    PENDING = "pending"
    NONE = "none"
    STUCK = "stuck"
