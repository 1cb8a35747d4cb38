"""What answers must hold for those who asked. Fields that are not known here are of a newer Steward, and dropped.

An answer is decoded into these, and handed on as the JSON values that a call here would give.
"""

from __future__ import annotations

from typing import Any

import msgspec

Json = dict[str, Any]


class Project(msgspec.Struct):
    """A project, as `app.views.project_view` gives it."""

    id: str
    slug: str
    title: str
    status: str
    phase: str
    interrupted: list[str]
    management: str
    holds: list[Json]
    repository: Json | None
    organisation: str | None
    owner: str | None
    live: Json | None
    operation: Json | None
    update: Json | None
    version: int
    created_at: str
    since: str
    updated_at: str
    readiness: Json | None = None

    def json(self) -> Json:
        """The same as a JSON value."""
        value: Json = msgspec.to_builtins(self)
        return value


class Projects(msgspec.Struct):
    """A part of the list of projects."""

    items: list[Project]
    next: str | None


class Page(msgspec.Struct):
    """A part of any other list."""

    items: list[Json]
    next: str | None


class LogPart(msgspec.Struct):
    """Some lines of an operation's log."""

    items: list[Json]
    after: int


class Events(msgspec.Struct):
    """Some events."""

    items: list[Json]
    last_position: int


class AskedLook(msgspec.Struct):
    """A look that was asked for."""

    id: int
    organisation: str
    report: Json | None


class AskedLooks(msgspec.Struct):
    """Looks that were asked for together."""

    items: list[AskedLook]


class Ended(msgspec.Struct):
    """How many were ended."""

    ended: int


def position(event: Json) -> int:
    """The position of an event. Raises msgspec.ValidationError."""
    return msgspec.convert(event, Placed).position


class Placed(msgspec.Struct):
    """What is used of an event here."""

    position: int
