"""Files reports as incidents, with their events and notices, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from steward.domain.incidents import Incident, Report, Severity, is_muted, judge
from steward.domain.journal import Event, Kind, Notice
from steward.ports import Store, Writes


@contextmanager
def told(store: Store) -> Iterator[Writes]:
    """A write transaction of a person's command, whose events can be read as soon as it is done."""
    with store.writing() as tx:
        yield tx
    store.publish()


def file_reports(
    tx: Writes, reports: Iterable[Report], at: datetime, actor: str, channels: Sequence[str]
) -> None:
    """Open, count or resolve one incident per report, as `incidents.judge` decides."""
    reports = list(reports)
    if not reports:
        return
    latest = tx.latest_incidents({report.key for report in reports})
    events: list[Event] = []
    notices: list[Notice] = []
    for report in reports:
        before = latest.get(report.key)
        after = judge(report, before, at, actor)
        if after is None:
            continue
        saved = tx.save_incident(after)
        latest[report.key] = saved
        kind = _kind(before, saved)
        if kind is None:
            continue
        events.append(incident_event(kind, saved, at, actor, saved.resolution))
        if notice := incident_notice(kind, saved, at):
            notices.append(notice)
    tx.append(events)
    tx.enqueue(notices, channels)


def _kind(before: Incident | None, after: Incident) -> Kind | None:
    if after.state == "resolved":
        return Kind.INCIDENT_RESOLVED
    if before is None or before.id != after.id:
        return Kind.INCIDENT_OPENED
    return None


def incident_event(kind: Kind, incident: Incident, at: datetime, actor: str, why: str) -> Event:
    """The event of something that happened to an incident."""
    data = {
        "incident_id": incident.id,
        "cause": incident.cause,
        "severity": incident.severity,
        "title": incident.title,
    }
    return Event(kind, at, actor, incident.project_id, incident.organisation_id, why, data)


def incident_notice(kind: Kind, incident: Incident, at: datetime) -> Notice | None:
    """What people are told of it; None where it is muted, or of no consequence to users."""
    if is_muted(incident, at) or incident.severity == Severity.INFO:
        return None
    word = kind.value.rpartition(".")[2]
    what = "Resolved: " if kind is Kind.INCIDENT_RESOLVED else ""
    body = incident.resolution if kind is Kind.INCIDENT_RESOLVED else _evidence_lines(incident)
    return Notice(
        key=f"incident:{incident.id}:{word}:{at.isoformat()}"
        if word == "unmuted"
        else f"incident:{incident.id}:{word}",
        at=at,
        title=f"{what}{incident.title}",
        body=body,
        severity=incident.severity,
        incident_id=incident.id,
        project_id=incident.project_id,
    )


def _evidence_lines(incident: Incident) -> str:
    lines = [f"{name}: {value}" for name, value in incident.evidence.items() if value not in (None, "")]
    return "\n".join([*lines, f"See: steward incident show {incident.id}"])
