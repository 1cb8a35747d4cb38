"""The shapes of what a restored database comes to; what `app.restoring` gives."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from steward.faces.api.models import Plan
from steward.faces.api.models_base import Time


class RestoredMark(BaseModel):
    """That the database was restored, by what, and from a backup of when; `organisations` are not let go on yet."""

    at: Time
    backup_at: Time | None
    by: str
    organisations: list[str]


class GoingOn(BaseModel):
    """An unfinished operation, and the step it goes on at; one that `ends` is cancelled instead."""

    project: str
    id: str
    work: str
    state: str
    step: str
    ends: bool


class Starting(BaseModel):
    """An operation that would be begun by itself."""

    project: str
    work: str


class Elsewhere(BaseModel):
    """A branch that stands elsewhere than the record says. `proven`: all of it is known to be ours; `taken`: it is
    taken as known where automation is let go on; `guarded` are paths that only a person may change.
    """

    project: str
    repository: str
    branch: str
    kind: Literal["default", "operation", "left_over", "other"]
    recorded: str | None
    found: str | None
    operation: str | None
    commits: int
    authors: list[str]
    forced: bool
    whole: bool
    guarded: list[str]
    proven: bool
    taken: bool


class OddRelease(BaseModel):
    """A release that does not answer as recorded; `found` is the commit that answers, where it tells."""

    project: str
    url: str
    recorded: str
    found: str | None
    detail: str


class LostSecret(BaseModel):
    """A kept value that cannot be read."""

    project: str
    name: str
    reason: str


class Unread(BaseModel):
    """A project whose branches could not be read; null: none could."""

    project: str | None
    reason: str


class RestoredOrganisation(Plan):
    """What would happen in one organisation."""

    frozen: bool
    operations: list[GoingOn]
    starts: list[Starting]
    branches: list[Elsewhere]
    releases: list[OddRelease]
    secrets: list[LostSecret]
    unread: list[Unread]


class RestoredPlan(BaseModel):
    """What would happen if automation went on now. `digest` names what it says; unfreezing asks for it."""

    restored: RestoredMark | None
    digest: str
    organisations: list[RestoredOrganisation]
