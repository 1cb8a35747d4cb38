"""Events as a page shows them: in groups by day, each kind with its sign. The words are those of `faces.lines`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from steward.domain.journal import Kind
from steward.faces.web.times import day_title, parsed

Json = Mapping[str, Any]

_SIGNS: Final = {
    Kind.PROJECT_ORDERED: "plus",
    Kind.PROJECT_MOVED: "arrow-right",
    Kind.PROJECT_CHANGED: "pencil",
    Kind.PROJECT_RELINKED: "link",
    Kind.HOLD_PLACED: "pause",
    Kind.HOLD_LIFTED: "play",
    Kind.CHANGE_FOREIGN: "user",
    Kind.PATCH_KEPT: "pencil",
    Kind.SETTING_DRIFTED: "settings",
    Kind.SETTING_MENDED: "check",
    Kind.LOSS_HELD: "hand",
    Kind.LOSS_RELEASED: "play",
    Kind.LOSS_REJECTED: "undo-2",
    Kind.ORGANISATION_FROZEN: "snowflake",
    Kind.OPERATION_STARTED: "play",
    Kind.OPERATION_WAITING: "pause",
    Kind.OPERATION_SUCCEEDED: "check",
    Kind.OPERATION_FAILED: "circle-alert",
    Kind.OPERATION_CANCELLED: "x",
    Kind.RELEASE_FAILED: "circle-alert",
    Kind.RELEASE_ROLLED_BACK: "undo-2",
    Kind.POST_FAILED: "circle-alert",
    Kind.PROJECT_HEALTH: "activity",
    Kind.INCIDENT_OPENED: "triangle-alert",
    Kind.INCIDENT_ACKNOWLEDGED: "eye",
    Kind.INCIDENT_RESOLVED: "check",
    Kind.INCIDENT_MUTED: "bell-off",
    Kind.INCIDENT_UNMUTED: "bell",
    Kind.REPOSITORY_ABSENT: "circle-question-mark",
    Kind.REPOSITORY_LOST: "unplug",
    Kind.REPOSITORY_INACCESSIBLE: "lock",
    Kind.REPOSITORY_BLOCKED: "lock",
}
_BY_GROUP: Final = {
    "repository": "folder-git-2",
    "organisation": "globe",
    "incident": "triangle-alert",
    "operation": "workflow",
    "spec": "list",
    "estimate": "clock",
    "release": "zap",
    "update": "pencil",
    "rule": "check",
}


def event_icon(kind: str) -> str:
    """The icon of an event's kind; of one that is not known, that of its group or a clock."""
    known = {str(name): sign for name, sign in _SIGNS.items()}
    return known.get(kind) or _BY_GROUP.get(kind.partition(".")[0], "history")


def by_day(events: Sequence[Json], now: datetime) -> list[tuple[str, list[Json]]]:
    """Events, newest first, in groups by the day of `now`'s time zone, each with its title."""
    groups: list[tuple[str, list[Json]]] = []
    for event in events:
        title = day_title(parsed(event["at"]).astimezone(now.tzinfo), now)
        if not groups or groups[-1][0] != title:
            groups.append((title, []))
        groups[-1][1].append(event)
    return groups
