"""What follows from a believed change: the new record, the moves, the events, the incidents.

Pure: one function per kind of change, each from the change and the look it came from to Effects. Storing
them, in one transaction, is `app.reconcile`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from steward.domain import drift
from steward.domain.drift import Change
from steward.domain.guards import Guard
from steward.domain.incidents import Cause, Report, Severity
from steward.domain.instant import Instant
from steward.domain.journal import Event, Kind
from steward.domain.lifecycle import WITH_REPOSITORY, Who
from steward.domain.project import Management, Project, Tracked, standing
from steward.domain.repository import Presence, Repo, Repository
from steward.domain.status import Status, Trigger

ACTOR = "heartbeat"
RESTORED = "seen again; branch rules, secrets and webhooks may have to be set anew"


@dataclass(frozen=True, slots=True)
class Seen:
    """The look that the changes come from."""

    organisation_id: int
    look: int
    now: Instant

    @property
    def at(self) -> datetime:
        """The wall clock at that moment."""
        return self.now.at


@dataclass(frozen=True, slots=True)
class Step:
    """A move to be made along the table."""

    trigger: Trigger
    proofs: frozenset[Guard]
    why: str
    who: Who = Who.HEARTBEAT


@dataclass(frozen=True, slots=True)
class Effects:
    """What one change leads to. `project` is the one it concerns; None: a new one is to be made."""

    repository: Repository
    project: Project | None
    steps: tuple[Step, ...] = ()
    events: tuple[Event, ...] = ()
    reports: tuple[Report, ...] = ()
    changed: Project | None = None


def follow(change: Change, seen: Seen) -> Effects:
    """Return what follows from `change`."""
    match change:
        case drift.Discovered():
            return _discovered(change, seen)
        case drift.Born():
            return _born(change, seen)
        case drift.MovedHere():
            return _moved_here(change, seen)
        case drift.Present():
            return _present(change, seen)
        case drift.Suspected():
            return _suspected(change, seen)
        case drift.Absent():
            return _absent(change, seen)
        case drift.Lost():
            return _lost(change, seen)
        case drift.Transferred():
            return _transferred(change, seen)
        case drift.Inaccessible():
            return _unreadable(change, seen, Presence.INACCESSIBLE, Kind.REPOSITORY_INACCESSIBLE)
        case drift.Blocked():
            return _blocked(change, seen)
        case drift.Held():
            return _held(change, seen)


def _event(kind: Kind, before: Tracked, seen: Seen, why: str = "", **data: Any) -> Event:
    project = before.project.id if before.project else None
    facts = {"repository_id": before.repository.repo.id, "full_name": before.repository.repo.full_name}
    return Event(kind, seen.at, ACTOR, project, before.repository.organisation_id, why, facts | data)


def _record(repo: Repo, seen: Seen, project_id: str | None) -> Repository:
    return Repository(repo, seen.organisation_id, project_id, look=seen.look)


def _discovered(change: drift.Discovered, seen: Seen) -> Effects:
    steps = [Step(Trigger.REPOSITORY_DISCOVERED, frozenset({Guard.REPOSITORY_UNKNOWN}), "new on GitHub")]
    if change.repo.archived:
        proof = frozenset({Guard.ARCHIVED_ON_GITHUB})
        steps.append(Step(Trigger.FOUND_ARCHIVED, proof, "archived on GitHub"))
    return Effects(_record(change.repo, seen, None), None, tuple(steps))


def _born(change: drift.Born, seen: Seen) -> Effects:
    project, repo = change.project, change.repo
    data = {"repository_id": repo.id, "full_name": repo.full_name}
    why = "name and marker are those that provisioning asked for"
    event = Event(Kind.REPOSITORY_BORN, seen.at, ACTOR, project.id, seen.organisation_id, why, data)
    return Effects(
        _record(repo, seen, project.id),
        project,
        events=(event,),
        changed=replace(project, repository_id=repo.id),
    )


def _moved_here(change: drift.MovedHere, seen: Seen) -> Effects:
    before, repo = change.before, change.repo
    project = before.project
    assert project is not None, "a repository without a project is discovered instead"
    here = replace(seen, organisation_id=change.organisation_id)
    event = replace(
        _event(Kind.REPOSITORY_MOVED_HERE, before, here, now=repo.full_name),
        organisation_id=change.organisation_id,
    )
    steps, reports = _back(before, seen, "moved between our organisations")
    return Effects(
        _record(repo, here, project.id),
        project,
        steps,
        (event,),
        reports,
        replace(project, organisation_id=change.organisation_id),
    )


def _back(before: Tracked, seen: Seen, why: str) -> tuple[tuple[Step, ...], tuple[Report, ...]]:
    """What a repository that is seen again leads to, whatever it was before."""
    project = before.project
    assert project is not None
    steps: tuple[Step, ...] = ()
    if project.status is Status.MISSING:
        proofs = standing(project) | {Guard.REPOSITORY_SEEN}
        steps = (Step(Trigger.RETURNED, proofs, why),)
    gone = [missing_key(project)]
    if before.repository.presence is Presence.BLOCKED:
        gone.append(blocked_key(project))
    return steps, tuple(cleared(key, seen, why) for key in gone)


def _present(change: drift.Present, seen: Seen) -> Effects:
    before, repo = change.before, change.repo
    project = before.project
    assert project is not None, "a repository without a project is discovered instead"
    events: list[Event] = []
    reports: list[Report] = []
    steps: tuple[Step, ...] = ()
    if change.returned:
        steps, back = _back(before, seen, RESTORED)
        reports += back
        if before.repository.absences or before.repository.lost_at or before.repository.held:
            was = str(before.repository.presence)
            events.append(_event(Kind.REPOSITORY_SEEN_AGAIN, before, seen, was=was))
        elif before.repository.presence is not Presence.ABSENT:
            was = str(before.repository.presence)
            events.append(_event(Kind.REPOSITORY_SEEN_AGAIN, before, seen, was=was))
    if change.renamed:
        events.append(_event(Kind.REPOSITORY_RENAMED, before, seen, now=repo.full_name))
        reports.append(cleared(reused_key(repo.id), seen, "renamed"))
    if change.changed:
        old = before.repository.repo
        what = {n: [_plain(getattr(old, n)), _plain(getattr(repo, n))] for n in change.changed}
        events.append(_event(Kind.REPOSITORY_CHANGED, before, seen, changes=what))
    reports += _archived_flag(before, repo, seen)
    return Effects(_record(repo, seen, project.id), project, steps, tuple(events), tuple(reports))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _archived_flag(before: Tracked, repo: Repo, seen: Seen) -> list[Report]:
    project = before.project
    assert project is not None
    if before.repository.repo.archived == repo.archived or project.status is Status.ARCHIVED:
        return []
    key = f"archived_on_github:{project.id}"
    if not repo.archived:
        return [cleared(key, seen, "no longer archived on GitHub")]
    title = f"{project.slug}: its repository {repo.full_name} was archived on GitHub"
    evidence = {"repository_id": repo.id, "full_name": repo.full_name}
    return [_stands(key, Cause.ARCHIVED_ON_GITHUB, project, seen, _at_most_error(project), title, evidence)]


def _suspected(change: drift.Suspected, seen: Seen) -> Effects:
    row = replace(
        change.before.repository,
        presence=Presence.ABSENT,
        absences=0,
        confirmed=None,
        absent_since=seen.now,
        absent_look=seen.look,
        look=seen.look,
    )
    return Effects(row, change.before.project)


def _counted(before: Tracked, absences: int, seen: Seen) -> Repository:
    """The record after one more counted absence."""
    old = before.repository
    was_absent = old.presence is Presence.ABSENT
    return replace(
        old,
        presence=Presence.ABSENT,
        absences=absences,
        confirmed=seen.now,
        absent_since=old.absent_since if was_absent else seen.now,
        absent_look=old.absent_look if was_absent else seen.look,
        look=seen.look,
        held=False,
    )


def _absent(change: drift.Absent, seen: Seen) -> Effects:
    row = _counted(change.before, change.absences, seen)
    if change.absences == change.before.repository.absences:
        return Effects(row, change.before.project)
    event = _event(
        Kind.REPOSITORY_ABSENT,
        change.before,
        seen,
        "404 by id, with our access whole",
        absences=change.absences,
        needed=change.needed,
    )
    return Effects(row, change.before.project, events=(event,))


def _lost(change: drift.Lost, seen: Seen) -> Effects:
    row = replace(_counted(change.before, change.absences, seen), lost_at=seen.now)
    why = row.vouched or f"404 by id, confirmed {change.absences} times"
    title = "its repository {name} is gone from GitHub"
    return _gone(change.before, row, Cause.MISSING, title, why, seen, {})


def _transferred(change: drift.Transferred, seen: Seen) -> Effects:
    row = replace(
        change.before.repository,
        presence=Presence.TRANSFERRED,
        lost_at=seen.now,
        look=seen.look,
        held=False,
    )
    place = {"now": change.repo.full_name, "owner_id": change.repo.owner_id, "url": change.repo.html_url}
    title = "its repository {name} was transferred to " + change.repo.full_name
    why = f"by id it answers as {change.repo.full_name}, of another owner"
    return _gone(change.before, row, Cause.TRANSFERRED, title, why, seen, {"new_place": place})


def _gone(
    before: Tracked,
    row: Repository,
    cause: Cause,
    title: str,
    why: str,
    seen: Seen,
    more: Mapping[str, Any],
) -> Effects:
    project = before.project
    evidence = loss_evidence(row) | dict(more)
    event = _event(Kind.REPOSITORY_LOST, before, seen, why, cause=str(cause), **evidence)
    if project is None:
        return Effects(row, None, events=(event,))
    reports = [cleared(reused_key(row.repo.id), seen, "gone")]
    steps: tuple[Step, ...] = ()
    if project.status in WITH_REPOSITORY:
        proofs = standing(project) | {Guard.LOSS_CONCLUDED}
        steps = (Step(Trigger.REPOSITORY_GONE, proofs, why),)
        text = f"{project.slug}: {title.format(name=row.repo.full_name)}"
        reports.append(
            _stands(missing_key(project), cause, project, seen, missing_severity(project), text, evidence)
        )
    return Effects(row, project, steps, (event,), tuple(reports))


def loss_evidence(row: Repository) -> dict[str, Any]:
    """What is kept with the incident, as JSON values."""
    return {
        "repository_id": row.repo.id,
        "full_name": row.repo.full_name,
        "visibility": row.repo.visibility,
        "absences": row.absences,
        "first_absent_at": row.absent_since.at.isoformat() if row.absent_since else None,
        "last_read_at": row.confirmed.at.isoformat() if row.confirmed else None,
        "noticed_by_look": row.absent_look,
        "vouched": row.vouched,
    }


def _unreadable(
    change: drift.Inaccessible | drift.Blocked, seen: Seen, presence: Presence, kind: Kind
) -> Effects:
    row = replace(
        change.before.repository,
        presence=presence,
        absences=0,
        confirmed=None,
        absent_since=None,
        look=seen.look,
    )
    event = _event(kind, change.before, seen, change.why)
    return Effects(row, change.before.project, events=(event,))


def _blocked(change: drift.Blocked, seen: Seen) -> Effects:
    effects = _unreadable(change, seen, Presence.BLOCKED, Kind.REPOSITORY_BLOCKED)
    project = change.before.project
    if project is None:
        return effects
    name = change.before.repository.repo.full_name
    title = f"{project.slug}: GitHub blocks its repository {name} (451)"
    severity = _at_most_error(project)
    evidence = {"full_name": name, "reason": change.why}
    report = _stands(blocked_key(project), Cause.BLOCKED, project, seen, severity, title, evidence)
    return replace(effects, reports=(report,))


def _held(change: drift.Held, seen: Seen) -> Effects:
    if isinstance(change.loss, drift.Lost):
        row = replace(_counted(change.before, change.loss.absences, seen), held=True)
    else:
        row = replace(change.before.repository, presence=Presence.TRANSFERRED, held=True, look=seen.look)
    return Effects(row, change.before.project)


# Reports -----------------------------------------------------------------------------------------------


def missing_key(project: Project) -> str:
    """The incident of a project whose repository is gone, whatever took it away."""
    return f"missing:{project.id}"


def blocked_key(project: Project) -> str:
    """The incident of a repository that GitHub blocks."""
    return f"blocked:{project.id}"


def reused_key(repo_id: int) -> str:
    """The incident of a new repository that bears another one's name."""
    return f"name_reused:{repo_id}"


def missing_severity(project: Project) -> Severity:
    """What users feel when its repository is gone."""
    if project.management is Management.IGNORE:
        return Severity.INFO
    if project.live is not None:
        return Severity.CRITICAL
    early = project.status in (Status.DISCOVERED, Status.SETUP_REQUIRED)
    return Severity.WARNING if early else Severity.ERROR


def _at_most_error(project: Project) -> Severity:
    return Severity.INFO if project.management is Management.IGNORE else Severity.WARNING


def cleared(key: str, seen: Seen, why: str) -> Report:
    """News that a cause is gone; of no consequence where no incident has that key."""
    return Report(key, Cause.MISSING, seen.look, stands=False, resolution=why)


def _stands(
    key: str,
    cause: Cause,
    project: Project,
    seen: Seen,
    severity: Severity,
    title: str,
    evidence: Mapping[str, Any],
) -> Report:
    return Report(
        key=key,
        cause=cause,
        look=seen.look,
        stands=True,
        severity=severity,
        title=title,
        organisation_id=seen.organisation_id,
        project_id=project.id,
        evidence=evidence,
    )


def name_reused(newcomer: Project, repo: Repo, holder: Tracked, seen: Seen) -> Report:
    """A new repository bears a name that leads people to another project's."""
    known = holder.repository.repo
    owner = holder.project.slug if holder.project else known.full_name
    title = f"{newcomer.slug}: a new repository bears {repo.full_name}, once the name of {owner}"
    evidence = {
        "repository_id": repo.id,
        "full_name": repo.full_name,
        "once_the_name_of": {"repository_id": known.id, "full_name": known.full_name, "project": owner},
    }
    return _stands(reused_key(repo.id), Cause.NAME_REUSED, newcomer, seen, Severity.WARNING, title, evidence)
