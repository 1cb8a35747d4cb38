"""What of the history is shown in chats: which events ask for which posts, and in which chats. Values only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from steward.domain.chats import Chat, ChatKind
from steward.domain.gates import GATES
from steward.domain.journal import Event, Kind
from steward.domain.people import Principal, Right
from steward.domain.status import Status


class About(StrEnum):
    """What a post is about; each is the kind of its post."""

    PROJECT = "project"
    GATE = "gate"
    ESTIMATE = "estimate"
    LIVE = "live"
    INCIDENT = "incident"


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that has news. `ref` is the id of a project or incident; `detail` the status of a gate, the number
    of a release. `at` is when the newest of its news happened. `fresh`: it is news by itself,
    not only of what is shown already."""

    about: About
    ref: str
    at: datetime
    detail: str = ""
    fresh: bool = True

    @property
    def key(self) -> tuple[About, str, str]:
        """What makes it one."""
        return self.about, self.ref, self.detail


ASKED: Final = frozenset({Status.DRAFT, Status.VERIFIED, Status.MAINTENANCE})
"""The gates that are told of as they are reached. An estimate tells of its own; what is taken in waits on the board."""
QUIET: Final = ("secret.", "rule.", "patch.", "repository.pushed", "project.scanned")
"""Events of a project that its card does not show."""
_OPENED: Final = (Kind.INCIDENT_OPENED, Kind.INCIDENT_UNMUTED)


def subjects(events: Iterable[Event]) -> list[Subject]:
    """What these events are news of, each once, in the order in which it came up first."""
    found: dict[tuple[About, str, str], Subject] = {}
    for event in events:
        for one in _of(event):
            known = found.get(one.key)
            fresh = one.fresh or (known is not None and known.fresh)
            found[one.key] = replace(known or one, at=max(one.at, known.at) if known else one.at, fresh=fresh)
    return list(found.values())


def _of(event: Event) -> Iterable[Subject]:
    data, at = event.data, event.at
    if event.kind.startswith("incident.") and data.get("incident_id"):
        yield Subject(About.INCIDENT, str(data["incident_id"]), at, fresh=event.kind in _OPENED)
    if event.project_id is None or event.kind.startswith(QUIET):
        return
    yield Subject(About.PROJECT, event.project_id, at)
    if event.kind == Kind.PROJECT_MOVED and data.get("to") in ASKED:
        yield Subject(About.GATE, event.project_id, at, str(data["to"]))
    if event.kind == Kind.PROJECT_MOVED and data.get("to") == Status.ESTIMATED:
        yield Subject(About.ESTIMATE, event.project_id, at)
    if event.kind == Kind.RELEASE_LIVE and data.get("number"):
        yield Subject(About.LIVE, event.project_id, at, str(data["number"]))


def hears(chat: Chat, by: Principal, organisation_id: int | None) -> bool:
    """Whether a chat is told of what belongs to an organisation (None: to the whole installation).

    A person is told of what they may see; a group of what it follows, too.
    """
    if chat.kind is ChatKind.GROUP and chat.organisation_id not in (None, organisation_id):
        return False
    return by.may(Right.READ, organisation_id)


def decides(by: Principal, organisation_id: int, status: Status) -> bool:
    """Whether somebody's rights allow the word that a project waits for in that status."""
    row = GATES.get(status)
    return row is not None and bool(row.askers & by.who(organisation_id))
