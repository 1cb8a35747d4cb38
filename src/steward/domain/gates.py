"""Whose turn it is: where a project waits for a person's word, and where it may rest. Values only."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from steward.domain.lifecycle import TABLE, Option, Position, Row, Who, allowed
from steward.domain.project import Project, standing
from steward.domain.status import Status, Trigger

RESTING: Final = frozenset({Status.DISCOVERED, Status.ACTIVE, Status.ERROR, Status.MISSING, Status.ARCHIVED})
"""The statuses that nobody expects to end soon, or (error, missing) that an incident tells of."""

STALE_AFTER_S: Final = 86_400.0
"""How long a project may stand in any other status before it is called stale."""

WORDS: Final = (Trigger.APPROVED, Trigger.CONFIRMED, Trigger.ADOPTED, Trigger.STARTED, Trigger.NEW_SPEC)
"""The triggers that lead on along the lifecycle and that people may ask for."""

_PEOPLE: Final = frozenset({Who.PERSON, Who.APPROVER})


def _gate(status: Status) -> Row | None:
    rows = (row for row in TABLE if status in row.sources and row.trigger in WORDS)
    return next((row for row in rows if row.askers & _PEOPLE), None)


GATES: Final[dict[Status, Row]] = {
    status: row for status in Status if status not in RESTING and (row := _gate(status)) is not None
}
"""The statuses that wait for a person's word, each with the row of the table that it opens."""


def waits_for(who: Collection[Who]) -> frozenset[Status]:
    """The statuses that wait for the word of somebody who may act as these."""
    return frozenset(status for status, row in GATES.items() if row.askers & frozenset(who))


def gate(project: Project, who: frozenset[Who]) -> Option | None:
    """The word that a project waits for, with what stands against giving it as one of these; None: no word."""
    row = GATES.get(project.status)
    if row is None:
        return None
    options = allowed(project.position, who, standing(project))
    return next(option for option in options if option.trigger is row.trigger)


def is_stale(position: Position, entered_at: datetime, at: datetime, after_s: float = STALE_AFTER_S) -> bool:
    """Whether a project has stood for too long where it should have gone on."""
    return position.status not in RESTING and at - entered_at > timedelta(seconds=after_s)
