"""A project and its facets, and the organisation it belongs to. Values only."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from steward.domain.guards import Guard
from steward.domain.hands import HandsOff
from steward.domain.instant import Instant
from steward.domain.lifecycle import Position
from steward.domain.repository import Repository
from steward.domain.status import Status

SLUG_LENGTH_MAX = 63
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Management(StrEnum):
    """How far Steward goes with a project: track it, act on it, or keep it out of sight."""

    WATCH = "watch"
    DRIVE = "drive"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Project:
    """A project. `version` grows with every change; a move is a compare-and-set on it.

    `hands_off` is what a person's push does (see `hands.HandsOff`).
    `expects` and `marker` are the name and the nonce of a repository that provisioning has asked for.
    `entered_at` is when the status was entered. `live` is the release that serves now (None: none).
    """

    id: str
    slug: str
    organisation_id: int
    status: Status
    created_at: datetime
    updated_at: datetime
    entered_at: datetime
    interrupted: tuple[Status, ...] = ()
    management: Management = Management.WATCH
    version: int = 1
    title: str = ""
    owner: str | None = None
    expects: str | None = None
    marker: str | None = None
    repository_id: int | None = None
    live: Mapping[str, Any] | None = None
    hands_off: HandsOff = HandsOff.HOLD

    @property
    def position(self) -> Position:
        """Where it stands in the lifecycle."""
        return Position(self.status, self.interrupted)


def standing(project: Project) -> frozenset[Guard]:
    """The guards that the record itself proves."""
    facts = {Guard.HAS_REPOSITORY if project.repository_id else Guard.NO_REPOSITORY}
    if project.live is not None:
        facts.add(Guard.RELEASE_LIVE)
    if project.repository_id and project.marker is None:
        facts.add(Guard.IMPORTED)
    if project.owner:
        facts.add(Guard.OWNER_SET)
    return frozenset(facts)


@dataclass(frozen=True, slots=True)
class Tracked:
    """A recorded repository together with its project (None: one that a relink left behind)."""

    repository: Repository
    project: Project | None


@dataclass(frozen=True, slots=True)
class Freeze:
    """Why an organisation's automation is stopped. `by` is "person:..." or "guard"."""

    at: datetime
    by: str
    reason: str


class OrgState(StrEnum):
    """What the last look said of an organisation itself."""

    NEW = "new"
    OK = "ok"
    DEGRADED = "degraded"
    MISCONFIGURED = "misconfigured"


@dataclass(frozen=True, slots=True)
class Organisation:
    """A connected organisation. `id` is ours; `owner_id` is GitHub's, None until a look told it.

    `login` is the name as configured or last seen; `aliases` are earlier ones. `server` is the API address
    it lives at. `revision` grows with every change to its repositories; `marks_revision` is the revision
    that the stored page marks describe. `baseline` tells whether the first look was applied.
    `last_whole_look` is the newest applied whole look; `reason` says why the state is not ok.
    """

    id: int
    login: str
    server: str
    owner_id: int | None = None
    aliases: tuple[str, ...] = ()
    state: OrgState = OrgState.NEW
    reason: str = ""
    frozen: Freeze | None = None
    baseline: bool = False
    revision: int = 0
    marks_revision: int | None = None
    marks_credential: str = ""
    last_whole_look: int = 0


def slug_from(name: str, repo_id: int) -> str:
    """Make a slug out of a repository's name; one of only symbols becomes `repo-<id>`."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:SLUG_LENGTH_MAX].strip("-")
    return slug or f"repo-{repo_id}"


def free_slug(wanted: str, taken: Collection[str]) -> str:
    """Return `wanted`, or it with the first free suffix `-2`, `-3`, ...; never longer than allowed."""
    if wanted not in taken:
        return wanted
    number = 2
    while True:
        suffix = f"-{number}"
        candidate = wanted[: SLUG_LENGTH_MAX - len(suffix)].rstrip("-") + suffix
        if candidate not in taken:
            return candidate
        number += 1


@dataclass(frozen=True, slots=True)
class Look:
    """One look at an organisation, or at one repository of it. `id` orders looks: it is the fence.

    `kind` is "full" or "single"; `outcome` is "running", "whole", "partial", "failed" or "interrupted".
    `changes` counts them by kind; `observed` is how many repositories were seen.
    """

    id: int
    organisation_id: int
    kind: str
    started: Instant
    outcome: str = "running"
    finished_at: datetime | None = None
    reason: str = ""
    observed: int = 0
    requests: int = 0
    not_modified: int = 0
    points: int = 0
    held: int = 0
    changes: Mapping[str, int] | None = None
    asked_by: str = ""
