"""Looks, events, incidents and the outbox: rows into domain values and back; see `rows`."""

from __future__ import annotations

from typing import Any

from steward.adapters.store.rows import Fields
from steward.adapters.store.values import (
    clean,
    instant_text,
    json_text,
    json_value,
    maybe,
    readable,
    stamp,
    stamp_or_none,
    time_from,
)
from steward.domain.incidents import Incident
from steward.domain.instant import Instant
from steward.domain.journal import Event, Notice, Outgoing
from steward.domain.project import Look
from steward.ports import LookRequest


def look_row(look: Look) -> dict[str, Any]:
    """A look's columns but its id."""
    return {
        "organisation_id": look.organisation_id,
        "kind": look.kind,
        "started": instant_text(look.started),
        "outcome": look.outcome,
        "finished_at": stamp_or_none(look.finished_at),
        "reason": clean(look.reason),
        "observed": look.observed,
        "requests": look.requests,
        "not_modified": look.not_modified,
        "points": look.points,
        "held": look.held,
        "changes": None if look.changes is None else json_text(look.changes),
        "asked_by": clean(look.asked_by),
        "changed": bool(look.held) or any((look.changes or {}).values()),
    }


def look_from(row: Fields) -> Look:
    """Read a row of `looks`."""
    key, organisation_id, kind, started, outcome, finished, reason, observed = row[:8]
    requests, not_modified, points, held, changes, asked_by = row[8:14]
    with readable("the look", key):
        return Look(
            key,
            organisation_id,
            kind,
            Instant.decode(started),
            outcome,
            maybe(time_from, finished),
            reason,
            observed,
            requests,
            not_modified,
            points,
            held,
            maybe(json_value, changes),
            asked_by,
        )


def look_request_from(row: Fields) -> LookRequest:
    """Read a row of `look_requests`."""
    key, organisation_id, asked_by, asked_at, look = row
    with readable("the look request", key):
        return LookRequest(key, organisation_id, asked_by, time_from(asked_at), look)


def incident_row(incident: Incident) -> dict[str, Any]:
    """An incident's columns but its id."""
    return {
        "key": clean(incident.key),
        "cause": str(incident.cause),
        "severity": str(incident.severity),
        "title": clean(incident.title),
        "first_at": stamp(incident.first_at),
        "last_at": stamp(incident.last_at),
        "organisation_id": incident.organisation_id,
        "project_id": incident.project_id,
        "state": incident.state,
        "count": incident.count,
        "look": incident.look,
        "evidence": json_text(incident.evidence),
        "acknowledged_by": clean(incident.acknowledged_by),
        "muted_until": stamp_or_none(incident.muted_until),
        "muted_by": clean(incident.muted_by),
        "resolved_at": stamp_or_none(incident.resolved_at),
        "resolved_by": clean(incident.resolved_by),
        "resolution": clean(incident.resolution),
    }


def incident_from(row: Fields) -> Incident:
    """Read a row of `incidents`."""
    key, name, cause, severity, title, first_at, last_at, organisation_id, project_id = row[:9]
    state, count, look, evidence, acknowledged_by, muted_until, muted_by = row[9:16]
    resolved_at, resolved_by, resolution = row[16:]
    with readable("the incident", key):
        return Incident(
            key,
            name,
            cause,
            severity,
            title,
            time_from(first_at),
            time_from(last_at),
            organisation_id,
            project_id,
            state,
            count,
            look,
            json_value(evidence),
            acknowledged_by,
            maybe(time_from, muted_until),
            muted_by,
            maybe(time_from, resolved_at),
            resolved_by,
            resolution,
        )


def event_row(event: Event) -> tuple[Any, ...]:
    """An event's columns but its id, in order; its position comes later."""
    return (
        str(event.kind),
        stamp(event.at),
        clean(event.actor),
        event.project_id,
        event.organisation_id,
        clean(event.why),
        json_text(event.data),
        None,
    )


def event_from(row: Fields) -> Event:
    """Read a row of `events`."""
    key, kind, at, actor, project_id, organisation_id, why, data, position = row
    with readable("the event", key):
        facts = json_value(data)
        return Event(kind, time_from(at), actor, project_id, organisation_id, why, facts, key, position or 0)


def outbox_row(notice: Notice, channel: str) -> tuple[Any, ...]:
    """A new outbox row's columns but its id, in order."""
    value = {
        "key": notice.key,
        "at": stamp(notice.at),
        "title": notice.title,
        "body": notice.body,
        "severity": str(notice.severity),
        "incident_id": notice.incident_id,
        "project_id": notice.project_id,
    }
    return clean(notice.key), channel, stamp(notice.at), json_text(value), "pending", 0, None, ""


def outgoing_from(row: Fields) -> Outgoing:
    """Read a row of `outbox`."""
    _key, key, channel, _at, notice, state, attempts, next_at, error = row
    with readable("the outbox row", key):
        value = json_value(notice)
        sent = Notice(**{**value, "at": time_from(value["at"])})
        return Outgoing(key, channel, sent, state, attempts, maybe(time_from, next_at), error)
