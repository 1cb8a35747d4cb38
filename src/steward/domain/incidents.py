"""Incidents: one per cause, counted, closed by the cause that goes. Decisions only.

The logical time is the number of the look that brings the news: a look that began before an incident was
resolved brings late news, and late news does not reopen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """What users feel: `critical` where a release is live, else lower."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class Cause(StrEnum):
    """What an incident is about. An unknown cause in the database is shown as its text."""

    MISSING = "missing"
    TRANSFERRED = "transferred"
    INACCESSIBLE = "inaccessible"
    BLOCKED = "blocked"
    ARCHIVED_ON_GITHUB = "archived_on_github"
    NAME_REUSED = "name_reused"
    MASS_LOSS = "mass_loss"
    LOOK_FAILED = "look_failed"
    MISCONFIGURED = "misconfigured"
    WEBHOOK_FAILING = "webhook_failing"
    OPERATION_FAILED = "operation_failed"
    OPERATION_STUCK = "operation_stuck"
    SITE_DOWN = "site_down"
    TLS_EXPIRING = "tls_expiring"
    BUDGET_SPENT = "budget_spent"
    NAME_TAKEN = "name_taken"
    FOREIGN_CHANGE = "foreign_change"
    BOT_FAILING = "bot_failing"


PERSON_MAY_CLOSE = frozenset({Cause.ARCHIVED_ON_GITHUB, Cause.NAME_REUSED})
"""Causes that a person may accept as they are. All others close when their cause goes."""


class Group(StrEnum):
    """How incidents are laid before people, as of a moment."""

    NEEDS = "needs"
    ACKNOWLEDGED = "acknowledged"
    MUTED = "muted"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident. `key` names its cause: at most one with this key is not resolved.

    `state` is "open", "acknowledged" or "resolved". `count` is how often the cause was reported since it
    opened. `look` is the newest look that reported or resolved it. `evidence` holds JSON values.
    """

    id: int
    key: str
    cause: str
    severity: str
    title: str
    first_at: datetime
    last_at: datetime
    organisation_id: int | None = None
    project_id: str | None = None
    state: str = "open"
    count: int = 1
    look: int = 0
    evidence: Mapping[str, Any] = field(default_factory=dict)
    acknowledged_by: str = ""
    muted_until: datetime | None = None
    muted_by: str = ""
    resolved_at: datetime | None = None
    resolved_by: str = ""
    resolution: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """News of a cause: it stands (`stands`), or it is gone. `look` is the look that tells.

    `now`: it is no look that tells, but what happened this moment; `look` is then the newest there is, and the
    news is never late: what was resolved since that look opens anew.
    """

    key: str
    cause: Cause
    look: int
    stands: bool
    severity: Severity = Severity.WARNING
    title: str = ""
    organisation_id: int | None = None
    project_id: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    resolution: str = ""
    now: bool = False


def judge(report: Report, latest: Incident | None, at: datetime, actor: str) -> Incident | None:
    """Return the incident as the report leaves it (id 0: a new one), or None where nothing changes.

    `latest` is the newest incident with the report's key, resolved or not.
    """
    if latest is not None and report.look < latest.look:
        return None
    is_open = latest is not None and latest.state != "resolved"
    if not report.stands:
        return _resolve(report, latest, at, actor) if latest is not None and is_open else None
    if latest is not None and is_open:
        return _count(report, latest, at)
    if latest is not None and report.look == latest.look and not report.now:
        return None
    return Incident(
        id=0,
        key=report.key,
        cause=report.cause,
        severity=report.severity,
        title=report.title,
        first_at=at,
        last_at=at,
        organisation_id=report.organisation_id,
        project_id=report.project_id,
        look=report.look,
        evidence=report.evidence,
    )


def _resolve(report: Report, latest: Incident, at: datetime, actor: str) -> Incident:
    return replace(
        latest,
        state="resolved",
        look=report.look,
        resolved_at=at,
        resolved_by=actor,
        resolution=report.resolution,
        evidence={**latest.evidence, **report.evidence},
    )


def _count(report: Report, latest: Incident, at: datetime) -> Incident:
    return replace(
        latest,
        count=latest.count + 1,
        last_at=at,
        look=report.look,
        severity=report.severity,
        title=report.title,
        evidence={**latest.evidence, **report.evidence},
    )


def is_muted(incident: Incident, at: datetime) -> bool:
    """Whether nothing is to be sent about it now."""
    return incident.muted_until is not None and at < incident.muted_until


def group(incident: Incident, at: datetime) -> Group:
    """Where it is laid: a mute goes before an acknowledgement, and ends by itself."""
    if incident.state == "resolved":
        return Group.RESOLVED
    if is_muted(incident, at):
        return Group.MUTED
    return Group.ACKNOWLEDGED if incident.state == "acknowledged" else Group.NEEDS
