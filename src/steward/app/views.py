"""What faces and programs are shown, as JSON values: English codes, RFC 3339 times in UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from steward.app.exits import exits
from steward.domain.hands import Hold
from steward.domain.incidents import Incident
from steward.domain.journal import Event
from steward.domain.lifecycle import TABLE, Option, phase_shown
from steward.domain.project import Look, Organisation, Project
from steward.domain.repository import Repository
from steward.domain.status import ALIASES, Status
from steward.ports import NameRecord
from steward.ports.hands import Score

Json = dict[str, Any]

ALIVE: Final = "alive"
"""The setting that tells of the last dead-man ping: sent, failed, or kept back."""
LIVE: Final = ("url", "commit", "since", "health", "release")
"""What is shown of the release that serves now."""
HOLD_FACTS: Final = ("kind", "branch", "who", "commit_count", "always", "path", "topic", "why", "hold")
"""What of a hold's evidence is shown wherever a project is: as much as its words are made of."""


def stamp(at: datetime | None) -> str | None:
    """A moment as RFC 3339 in UTC, to the millisecond."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def repository_view(repository: Repository | None, names: Sequence[NameRecord] = ()) -> Json | None:
    """A project's repository; None before there is one."""
    if repository is None:
        return None
    repo = repository.repo
    return {
        "id": repo.id,
        "full_name": repo.full_name,
        "state": repository.presence.value,
        "absences": repository.absences,
        "lost_at": stamp(repository.lost_at.at) if repository.lost_at else None,
        "held": repository.held,
        "visibility": repo.visibility,
        "archived": repo.archived,
        "default_branch": repo.default_branch,
        "html_url": repo.html_url,
        "pushed_at": stamp(repo.pushed_at),
        "previous_names": [name.full_name for name in names if name.until is not None],
    }


def project_view(
    project: Project,
    repository: Repository | None,
    organisation: Organisation | None,
    names: Sequence[NameRecord] = (),
    holds: Sequence[Hold] = (),
) -> Json:
    """One project, with all its facets; those that nothing has filled yet are null or empty."""
    return {
        "id": project.id,
        "slug": project.slug,
        "title": project.title,
        "status": project.status.value,
        "phase": phase_shown(project.position),
        "interrupted": [status.value for status in project.interrupted],
        "management": project.management.value,
        "holds": holds_view(organisation, holds),
        "repository": repository_view(repository, names),
        "organisation": organisation.login if organisation else None,
        "owner": project.owner,
        "live": {name: project.live.get(name) for name in LIVE} if project.live else None,
        "operation": None,
        "update": None,
        "readiness": None,
        "version": project.version,
        "created_at": stamp(project.created_at),
        "since": stamp(project.entered_at),
        "updated_at": stamp(project.updated_at),
    }


def score_view(score: Score | None) -> Json | None:
    """How ready a project is, as it was counted last; None where it was not yet."""
    if score is None:
        return None
    return {"percent": score.percent, "unmet": list(score.unmet), "at": stamp(score.at)}


def holds_view(organisation: Organisation | None, holds: Sequence[Hold] = ()) -> list[Json]:
    """Why no automation may touch a project: its organisation is frozen, then the holds of its own, oldest first."""
    own: list[Json] = [
        {
            "id": hold.id,
            "kind": hold.reason.value,
            "since": stamp(hold.since),
            "by": hold.by,
            "reason": hold.words,
            "evidence": {name: hold.evidence[name] for name in HOLD_FACTS if name in hold.evidence},
        }
        for hold in holds
    ]
    if organisation is None or organisation.frozen is None:
        return own
    frozen = organisation.frozen
    whole: Json = {
        "id": None,
        "kind": "organisation_frozen",
        "since": stamp(frozen.at),
        "by": frozen.by,
        "reason": frozen.reason,
        "evidence": {},
    }
    return [whole, *own]


def option_view(option: Option) -> Json:
    """One move that the table knows from here, and what stands against it."""
    return {
        "trigger": option.trigger.value,
        "to": str(option.target),
        "refused": option.refused,
        "reason": option.reason or None,
    }


def lifecycle_view() -> Json:
    """The whole table of the lifecycle."""
    return {
        "statuses": [
            {
                "status": status.value,
                "phase": status.phase.value,
                "aliases": [alias for alias, of in ALIASES.items() if of == status],
            }
            for status in Status
        ],
        "moves": [
            {
                "from": [status.value if status else None for status in row.sources_in_order],
                "trigger": row.trigger.value,
                "to": str(row.target),
                "who": sorted(who.value for who in row.who),
                "asks": sorted(who.value for who in row.askers),
                "guards": [{"code": guard.name.lower(), "words": guard.words} for guard in row.guards],
            }
            for row in TABLE
        ],
    }


def event_view(event: Event, slugs: Mapping[str, str], logins: Mapping[int, str]) -> Json:
    """One event; `slugs` and `logins` name what its ids mean."""
    return {
        "position": event.position,
        "at": stamp(event.at),
        "kind": event.kind,
        "actor": event.actor,
        "project": slugs.get(event.project_id or "", event.project_id),
        "organisation": logins.get(event.organisation_id or 0),
        "why": event.why,
        "data": dict(event.data),
    }


def incident_view(incident: Incident, slug: str | None, organisation: Organisation | None) -> Json:
    """One incident with its evidence and the exits out of it."""
    return {
        "id": incident.id,
        "key": incident.key,
        "cause": incident.cause,
        "severity": incident.severity,
        "state": incident.state,
        "title": incident.title,
        "project": slug,
        "organisation": organisation.login if organisation else None,
        "count": incident.count,
        "first_at": stamp(incident.first_at),
        "last_at": stamp(incident.last_at),
        "muted_until": stamp(incident.muted_until),
        "acknowledged_by": incident.acknowledged_by or None,
        "resolved_at": stamp(incident.resolved_at),
        "resolved_by": incident.resolved_by or None,
        "resolution": incident.resolution or None,
        "evidence": dict(incident.evidence),
        "exits": exits(incident, slug, organisation) if incident.state != "resolved" else [],
    }


def look_view(look: Look | None) -> Json | None:
    """One look, for the status of an organisation."""
    if look is None:
        return None
    return {
        "id": look.id,
        "kind": look.kind,
        "outcome": look.outcome,
        "started_at": stamp(look.started.at),
        "finished_at": stamp(look.finished_at),
        "observed": look.observed,
        "requests": look.requests,
        "not_modified": look.not_modified,
        "points": look.points,
        "changes": dict(look.changes or {}),
        "reason": look.reason,
    }


def organisation_view(organisation: Organisation) -> Json:
    """An organisation itself."""
    frozen = organisation.frozen
    return {
        "login": organisation.login,
        "id": organisation.owner_id,
        "server": organisation.server,
        "state": organisation.state.value,
        "reason": organisation.reason or None,
        "frozen": {"since": stamp(frozen.at), "by": frozen.by, "reason": frozen.reason} if frozen else None,
        "previous_names": list(organisation.aliases),
    }


def alive_view(kept: Any) -> Json | None:
    """What became of the dead-man pings, as their setting tells; None where none was ever tried."""
    if not isinstance(kept, Mapping):
        return None
    at = {name: kept.get(name) for name in ("sent_at", "failed_at")}
    times = {name: stamp(datetime.fromisoformat(said)) if said else None for name, said in at.items()}
    return {**times, "failure": kept.get("failure"), "silent": kept.get("silent")}
