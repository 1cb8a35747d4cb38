"""Events, incidents and the outbox: read and written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, case, func, insert, or_, select, update

from steward.adapters.store.journal_rows import (
    event_from,
    event_row,
    incident_from,
    incident_row,
    outbox_row,
    outgoing_from,
)
from steward.adapters.store.schema import events, incidents, outbox
from steward.adapters.store.values import clean, stamp, stamp_or_none
from steward.adapters.store.view import View, among
from steward.domain.incidents import Incident, Severity
from steward.domain.journal import Event, Notice, Outgoing
from steward.ports import Conflict

_e, _i, _o = events.c, incidents.c, outbox.c
_EVENTS: Final = events

SEVERITY_PLACES: Final = {str(severity): place for place, severity in enumerate(reversed(Severity), start=1)}
"""The worst first. One of a newer Steward is not to be overlooked: it has the place 0."""

WORST_FIRST: Final = case(SEVERITY_PLACES, value=_i.severity, else_=0)

PUBLISH: Final = (
    "UPDATE events SET position = fresh.position FROM ("
    " SELECT id, (SELECT COALESCE(MAX(position), 0) FROM events) + ROW_NUMBER() OVER (ORDER BY id) AS position"
    " FROM events WHERE position IS NULL) AS fresh"
    " WHERE events.id = fresh.id"
)
"""Gives the committed events without a position the next ones, without a gap, in the order of their ids."""


def beyond(severity: str, incident_id: int) -> ColumnElement[bool]:
    """Whether an incident comes after that one, worst first, then newest."""
    place = SEVERITY_PLACES.get(severity, 0)
    return or_(WORST_FIRST > place, and_(WORST_FIRST == place, _i.id < incident_id))  # noqa: SIM300 - a column


def _acted(actor: str) -> ColumnElement[bool]:
    """Whether an event is of that actor, or of one of that sort."""
    return _e.actor.startswith(actor, autoescape=True) if actor.endswith(":") else _e.actor == actor


class JournalReads(View):
    """What is read of the journal; the contract is `ports.Reads`."""

    def events(
        self,
        *,
        after: int = 0,
        before: int | None = None,
        project_id: str | None = None,
        organisation_ids: Collection[int] | None = None,
        kinds: Collection[str] = (),
        actors: Collection[str] = (),
        since: datetime | None = None,
        until: datetime | None = None,
        wide: bool = False,
        limit: int = 100,
    ) -> list[Event]:
        """Published events by position, oldest first; with `before`, the newest ones below it."""
        statement = select(events).where(_e.position > after).limit(limit)
        if organisation_ids is not None:
            statement = statement.where(_e.organisation_id.in_(list(organisation_ids)))
        if project_id is not None:
            statement = statement.where(_e.project_id == project_id)
        if wide:
            statement = statement.where(_e.project_id.is_(None))
        if kinds:
            statement = statement.where(_e.kind.in_([str(kind) for kind in kinds]))
        if actors:
            statement = statement.where(or_(*map(_acted, actors)))
        if since is not None:
            statement = statement.where(_e.at >= stamp(since))
        if until is not None:
            statement = statement.where(_e.at <= stamp(until))
        if before is None:
            return [event_from(row) for row in self._all(statement.order_by(_e.position))]
        newest = statement.where(_e.position < before).order_by(_e.position.desc())
        return [event_from(row) for row in reversed(self._all(newest))]

    def last_position(self) -> int:
        """The position of the newest published event; 0 if none."""
        return int(self._value(select(func.coalesce(func.max(_e.position), 0))))

    def unpublished(self) -> bool:
        """Whether any event waits for its position."""
        return self._first(select(_e.id).where(_e.position.is_(None)).limit(1)) is not None

    def incidents(
        self,
        *,
        states: Collection[str] = (),
        project_id: str | None = None,
        organisation_ids: Collection[int] | None = None,
        limit: int | None = None,
        after: tuple[str, int] | None = None,
    ) -> list[Incident]:
        """By severity (worst first), then newest first."""
        statement = select(incidents).order_by(WORST_FIRST, _i.id.desc()).limit(limit)
        if states:
            statement = statement.where(_i.state.in_([str(state) for state in states]))
        if project_id is not None:
            statement = statement.where(_i.project_id == project_id)
        if organisation_ids is not None:
            statement = statement.where(_i.organisation_id.in_(list(organisation_ids)))
        if after is not None:
            statement = statement.where(beyond(*after))
        return [incident_from(row) for row in self._all(statement)]

    def incident(self, incident_id: int) -> Incident | None:
        """By id."""
        row = self._first(select(incidents).where(_i.id == incident_id))
        return None if row is None else incident_from(row)

    def latest_incidents(self, keys: Collection[str]) -> dict[str, Incident]:
        """Per key the newest incident with it, resolved or not."""
        newest = select(func.max(_i.id)).where(among(_i.key, keys)).group_by(_i.key)
        found = [incident_from(row) for row in self._all(select(incidents).where(_i.id.in_(newest)))]
        return {incident.key: incident for incident in found}

    def muted_expired(self, at: datetime) -> list[Incident]:
        """Unresolved incidents whose mute ended at or before `at`, oldest first."""
        over = (_i.muted_until.is_not(None), _i.muted_until <= stamp(at), _i.state != "resolved")
        return [incident_from(row) for row in self._all(select(incidents).where(*over).order_by(_i.id))]

    def outbox_due(self, at: datetime, limit: int) -> list[Outgoing]:
        """Rows that may be tried now, oldest first."""
        waiting = _o.state.in_(["pending", "uncertain", "sending"])
        due = or_(_o.next_at.is_(None), _o.next_at <= stamp(at))
        rows = self._all(select(outbox).where(waiting, due).order_by(_o.id).limit(limit))
        return [outgoing_from(row) for row in rows]

    def outbox(self, states: Collection[str], limit: int) -> list[Outgoing]:
        """Rows in these states, newest first."""
        found = select(outbox).where(_o.state.in_(list(states))).order_by(_o.id.desc()).limit(limit)
        return [outgoing_from(row) for row in self._all(found)]

    def outbox_counts(self) -> dict[str, int]:
        """How many rows per state."""
        return {row[0]: row[1] for row in self._all(select(_o.state, func.count()).group_by(_o.state))}


class JournalWrites(JournalReads):
    """What is written of the journal; the contract is `ports.Writes`."""

    def append(self, events: Iterable[Event]) -> None:
        """Add events. They get their positions once they are committed."""
        self._insert_many(_EVENTS, map(event_row, events))

    def publish(self) -> int:
        """Give the events that are committed and have none their positions; return how many."""
        with self._guarded():
            return self._connection.exec_driver_sql(PUBLISH).rowcount

    def enqueue(self, notices: Iterable[Notice], channels: Sequence[str]) -> None:
        """One outbox row per notice and channel; one that is there already is left as it is."""
        rows = (outbox_row(notice, channel) for notice in notices for channel in channels)
        self._insert_many(outbox, rows, "ON CONFLICT (key, channel) DO NOTHING")

    def save_incident(self, incident: Incident) -> Incident:
        """Insert (id 0) or update; return it with its id. Raises Conflict where its key is unresolved
        already under another id, or it is not recorded.
        """
        values = incident_row(incident)
        if not incident.id:
            new = insert(incidents).values(values).returning(_i.id)
            return replace(incident, id=int(self._value(new)))
        if not self._write(update(incidents).where(_i.id == incident.id).values(values)):
            raise Conflict(f"incident {incident.id} is not recorded")
        return incident

    def save_outgoing(self, outgoing: Outgoing) -> None:
        """Store state, attempts, next_at and error of a row, by key and channel."""
        mine = (_o.key == outgoing.key, _o.channel == outgoing.channel)
        values = {
            "state": outgoing.state,
            "attempts": outgoing.attempts,
            "next_at": stamp_or_none(outgoing.next_at),
            "error": clean(outgoing.error),
        }
        if not self._write(update(outbox).where(*mine).values(values)):
            raise Conflict(f"the outbox has no row {outgoing.key} for {outgoing.channel}")
