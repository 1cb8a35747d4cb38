"""What follows from a believed change: the new record, the moves, the events, the incidents.

Pure: one function per kind of change, each from the change and the look it came from to Effects. Storing
them, in one transaction, is `app.reconcile`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import singledispatch
from typing import Any

from steward.domain import drift
from steward.domain.drift import Change
from steward.domain.guards import Guard
from steward.domain.incidents import Cause, Report
from steward.domain.journal import Event, Kind
from steward.domain.lifecycle import WITH_REPOSITORY, Who
from steward.domain.project import Project, Tracked, standing
from steward.domain.reports import (
    Seen,
    blocked_key,
    cleared,
    loss_evidence,
    mild_severity,
    missing_key,
    missing_severity,
    reused_key,
    stands,
)
from steward.domain.repository import Presence, Repo, Repository
from steward.domain.status import Status, Trigger

ACTOR = "heartbeat"
RESTORED = "seen again; branch rules, secrets and webhooks may have to be set anew"


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


@singledispatch
def follow(change: Change, seen: Seen) -> Effects:
    """Return what follows from `change`, as seen in that look."""
    raise TypeError(f"no consequence of {type(change).__name__} is written (look {seen.look})")


def _event(kind: Kind, before: Tracked, seen: Seen, why: str = "", **data: Any) -> Event:
    project = before.project.id if before.project else None
    facts = {"repository_id": before.repository.repo.id, "full_name": before.repository.repo.full_name}
    return Event(kind, seen.at, ACTOR, project, before.repository.organisation_id, why, facts | data)


def _record(repo: Repo, seen: Seen, project_id: str | None) -> Repository:
    return Repository(repo, seen.organisation_id, project_id, look=seen.look)


@follow.register
def _discovered(change: drift.Discovered, seen: Seen) -> Effects:
    steps = [Step(Trigger.REPOSITORY_DISCOVERED, frozenset({Guard.REPOSITORY_UNKNOWN}), "new on GitHub")]
    if change.repo.archived:
        proof = frozenset({Guard.ARCHIVED_ON_GITHUB})
        steps.append(Step(Trigger.FOUND_ARCHIVED, proof, "archived on GitHub"))
    return Effects(_record(change.repo, seen, None), None, tuple(steps))


@follow.register
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


@follow.register
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


@follow.register
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
        if not change.only_suspected:
            was = str(before.repository.presence)
            events.append(_event(Kind.REPOSITORY_SEEN_AGAIN, before, seen, was=was))
    if change.renamed:
        events.append(_event(Kind.REPOSITORY_RENAMED, before, seen, now=repo.full_name))
        reports.append(cleared(reused_key(repo.id), seen, "renamed"))
    if change.changed:
        old = before.repository.repo
        what = {n: [_plain(getattr(old, n)), _plain(getattr(repo, n))] for n in change.changed}
        events.append(_event(Kind.REPOSITORY_CHANGED, before, seen, changes=what))
    if _pushed(before.repository.repo, repo):
        events.append(_event(Kind.REPOSITORY_PUSHED, before, seen, pushed_at=_plain(repo.pushed_at)))
    reports += _archived_flag(before, repo, seen)
    return Effects(_record(repo, seen, project.id), project, steps, tuple(events), tuple(reports))


def _pushed(old: Repo, new: Repo) -> bool:
    return new.pushed_at is not None and old.pushed_at is not None and new.pushed_at > old.pushed_at


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
    return [stands(key, Cause.ARCHIVED_ON_GITHUB, project, seen, mild_severity(project), title, evidence)]


@follow.register
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


@follow.register
def _absent(change: drift.Absent, seen: Seen) -> Effects:
    row = _counted(change.before, change.absences, seen)
    if change.absences == change.before.repository.absences:
        return Effects(row, change.before.project)
    # Where something better than a 404 tells of it, our access was not asked about: nothing is said of it.
    why = "404 by id, and its deletion was told" if row.vouched else "404 by id, with our access whole"
    event = _event(
        Kind.REPOSITORY_ABSENT,
        change.before,
        seen,
        why,
        absences=change.absences,
        needed=change.needed,
    )
    return Effects(row, change.before.project, events=(event,))


@follow.register
def _lost(change: drift.Lost, seen: Seen) -> Effects:
    row = replace(_counted(change.before, change.absences, seen), lost_at=seen.now)
    why = row.vouched or f"404 by id, confirmed {change.absences} times"
    title = "its repository {name} is gone from GitHub"
    return _gone(change.before, row, Cause.MISSING, title, why, seen, {})


@follow.register
def _transferred(change: drift.Transferred, seen: Seen) -> Effects:
    row = replace(
        change.before.repository,
        presence=Presence.TRANSFERRED,
        lost_at=seen.now,
        look=seen.look,
        held=False,
    )
    place = {"now": change.repo.full_name, "owner_id": change.repo.owner_id, "url": change.repo.html_url}
    title = "its repository {name} was transferred to {now}"
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
        place = more.get("new_place") or {}
        text = f"{project.slug}: {title.format(name=row.repo.full_name, now=place.get('now', ''))}"
        reports.append(
            stands(missing_key(project), cause, project, seen, missing_severity(project), text, evidence)
        )
    return Effects(row, project, steps, (event,), tuple(reports))


@follow.register
def _inaccessible(change: drift.Inaccessible, seen: Seen) -> Effects:
    return _unreadable(change, seen, Presence.INACCESSIBLE, Kind.REPOSITORY_INACCESSIBLE)


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


@follow.register
def _blocked(change: drift.Blocked, seen: Seen) -> Effects:
    effects = _unreadable(change, seen, Presence.BLOCKED, Kind.REPOSITORY_BLOCKED)
    project = change.before.project
    if project is None:
        return effects
    name = change.before.repository.repo.full_name
    title = f"{project.slug}: GitHub blocks its repository {name} (451)"
    severity = mild_severity(project)
    evidence = {"full_name": name, "reason": change.why}
    report = stands(blocked_key(project), Cause.BLOCKED, project, seen, severity, title, evidence)
    return replace(effects, reports=(report,))


@follow.register
def _held(change: drift.Held, seen: Seen) -> Effects:
    if isinstance(change.loss, drift.Lost):
        row = replace(_counted(change.before, change.loss.absences, seen), held=True)
    else:
        row = replace(change.before.repository, presence=Presence.TRANSFERRED, held=True, look=seen.look)
    return Effects(row, change.before.project)
