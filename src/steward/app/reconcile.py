"""Applies believed changes to the database, in one transaction with their events, incidents and notices.

It decides nothing about belief: `domain.belief` did, before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from secrets import token_hex

from steward.app.filing import file_reports
from steward.domain import drift
from steward.domain.consequences import ACTOR, Effects, Step, follow
from steward.domain.drift import Change
from steward.domain.guards import Guard
from steward.domain.incidents import Cause, Report, Severity
from steward.domain.journal import Event, Kind, Notice
from steward.domain.lifecycle import Move, advance
from steward.domain.project import Freeze, Organisation, Project, Tracked, free_slug, slug_from
from steward.domain.reports import Seen, cleared, missing_key, name_reused
from steward.domain.repository import Presence, Repo, Repository
from steward.domain.status import Status, Trigger
from steward.ports import Writes

GUARD_LOSS = "guard:mass_loss"
SHOWN_MAX = 50
"""How many repositories an incident's evidence names; the count is always whole."""


CHUNK = 1000
"""How many changes are worked out at a time, so that memory does not grow with an organisation."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a reconciliation did. `organisation` is as it stands now, not yet saved."""

    organisation: Organisation
    counts: dict[str, int]
    held: int


class Reconciliation:
    """Stores what follows from the changes of one look, in the caller's transaction."""

    def __init__(self, tx: Writes, organisation: Organisation, seen: Seen, channels: Sequence[str]) -> None:
        self._tx = tx
        self._seen = seen
        self._channels = channels
        self._counts: Counter[str] = Counter()
        self._newcomers: list[tuple[Project, Repo]] = []
        self.organisation = organisation

    def apply(self, changes: Iterable[Change]) -> None:
        """Store what follows from `changes`, which may be made while they are read."""
        pending = iter(changes)
        while chunk := list(islice(pending, CHUNK)):
            self._apply_chunk(chunk)
            self._counts.update(change.kind for change in chunk)

    def _apply_chunk(self, changes: Sequence[Change]) -> None:
        tx, seen = self._tx, self._seen
        effects = [follow(change, seen) for change in changes]
        rows, made, events = _new_projects(tx, effects, seen)
        tx.add_projects(made)
        for effect in effects:
            events += _move(tx, effect, seen)
        events += [event for effect in effects for event in effect.events]
        tx.save_repositories(rows, seen.at)
        tx.append(events)
        reports = [report for effect in effects for report in effect.reports]
        reports = _with_recreated(tx, reports, changes, self.organisation)
        if self.organisation.baseline:
            repos = {row.repo.id: row.repo for row in rows}
            self._newcomers += [(p, repos[p.repository_id]) for p in made if p.repository_id is not None]
        self.organisation = _guarded(tx, changes, self.organisation, seen, reports)
        reports += _inaccessible(tx, changes, self.organisation, seen)
        file_reports(tx, reports, seen.at, ACTOR, self._channels)

    def finish(self) -> Applied:
        """Tell of newcomers in one notice, and of those that bear another's name; return what was done.

        Only now: whose name it was may have been found absent by the same look.
        """
        organisation = self.organisation
        if self._newcomers:
            slugs = [project.slug for project, _ in self._newcomers]
            notice = _discovery_notice(slugs, organisation, self._seen)
            self._tx.enqueue([notice], self._channels)
            reports = _impostors(self._tx, self._newcomers, organisation, self._seen)
            file_reports(self._tx, reports, self._seen.at, ACTOR, self._channels)
        if self._counts:
            organisation = replace(organisation, revision=organisation.revision + 1)
        held = len(self._tx.held(organisation.id)) if organisation.frozen else 0
        return Applied(organisation, {kind: self._counts[kind] for kind in drift.KINDS}, held)


def _new_projects(
    tx: Writes, effects: Sequence[Effects], seen: Seen
) -> tuple[list[Repository], list[Project], list[Event]]:
    """Make a project for each repository that has none; return all rows with their project's id."""
    fresh = [effect for effect in effects if effect.project is None and effect.steps]
    bases = {id(e): slug_from(e.repository.repo.name, e.repository.repo.id) for e in fresh}
    taken = tx.slugs_like(set(bases.values())) if fresh else set()
    projects: list[Project] = []
    events: list[Event] = []
    owners: dict[int, str] = {}
    for effect in fresh:
        slug = free_slug(bases[id(effect)], taken)
        taken.add(slug)
        project, moves = _create(effect, slug, seen)
        projects.append(project)
        owners[effect.repository.repo.id] = project.id
        events += [move_event(project.id, move, step, seen) for move, step in moves]
    rows = [
        replace(
            effect.repository, project_id=owners.get(effect.repository.repo.id, effect.repository.project_id)
        )
        for effect in effects
    ]
    return rows, projects, events


def _create(effect: Effects, slug: str, seen: Seen) -> tuple[Project, list[tuple[Move, Step]]]:
    position = None
    moves = []
    for step in effect.steps:
        move = advance(position, step.trigger, step.who, step.proofs)
        moves.append((move, step))
        position = move.after
    assert position is not None, "a new project comes with at least one step"
    repo = effect.repository.repo
    project = Project(
        id=token_hex(8),
        slug=slug,
        organisation_id=seen.organisation_id,
        status=position.status,
        interrupted=position.interrupted,
        created_at=seen.at,
        updated_at=seen.at,
        entered_at=seen.at,
        title=repo.description or "",
        repository_id=repo.id,
    )
    return project, moves


def _move(tx: Writes, effect: Effects, seen: Seen) -> list[Event]:
    """Store the facets and the moves of an existing project; return the events of the moves."""
    if effect.project is None:
        return []
    project = effect.project
    if effect.changed is not None:
        project = tx.save_project(effect.changed, seen.at)
    events = []
    for step in effect.steps:
        proofs = step.proofs
        if step.trigger is Trigger.RETURNED and tx.open_update(project.id) is not None:
            # What was lost in the design of an update goes back to that update, not to the beginning.
            proofs |= {Guard.UPDATE_OPEN}
        move = advance(project.position, step.trigger, step.who, proofs)
        project = tx.move(project, move, seen.at)
        events.append(move_event(project.id, move, step, seen))
    return events


def move_event(project_id: str, move: Move, step: Step, seen: Seen, actor: str = ACTOR) -> Event:
    """The history of one move."""
    data = {
        "from": move.before.status.value if move.before else None,
        "to": move.after.status.value,
        "trigger": move.trigger.value,
        "who": step.who.value,
        "interrupted": [status.value for status in move.after.interrupted],
        "proofs": sorted(guard.name.lower() for guard in step.proofs),
        "look": seen.look,
    }
    return Event(Kind.PROJECT_MOVED, seen.at, actor, project_id, seen.organisation_id, step.why, data)


def _impostors(
    tx: Writes, newcomers: Sequence[tuple[Project, Repo]], organisation: Organisation, seen: Seen
) -> list[Report]:
    """New repositories that bear a name which leads to another, living project."""
    bearers = {repo.name.lower(): (project, repo) for project, repo in newcomers}
    reports = []
    for name, holders in tx.namesakes(organisation.id, set(bearers)).items():
        project, repo = bearers[name]
        living = [h for h in holders if _lives(h) and h.repository.repo.id != repo.id]
        if living:
            reports.append(name_reused(project, repo, living[0], seen))
    return reports


def _lives(tracked: Tracked) -> bool:
    return tracked.project is not None and tracked.repository.presence is Presence.SEEN


def _with_recreated(
    tx: Writes, reports: list[Report], changes: Sequence[Change], organisation: Organisation
) -> list[Report]:
    """Link the incident of a lost repository to the new one under its name, if there is one."""
    lost = {
        missing_key(change.before.project): change.before.repository.repo
        for change in changes
        if isinstance(change, drift.Lost) and change.before.project is not None
    }
    if not lost:
        return reports
    found = tx.namesakes(organisation.id, {repo.name.lower() for repo in lost.values()})
    linked = []
    for report in reports:
        repo = lost.get(report.key)
        others = found.get(repo.name.lower(), []) if repo and report.stands else []
        heirs = [
            o
            for o in others
            if repo
            and o.repository.repo.id != repo.id
            and _lives(o)
            and o.repository.repo.name.lower() == repo.name.lower()
        ]
        if heirs:
            heir = heirs[0]
            again = {
                "repository_id": heir.repository.repo.id,
                "full_name": heir.repository.repo.full_name,
                "project": heir.project.slug if heir.project else None,
            }
            linked.append(replace(report, evidence={**report.evidence, "recreated_as": again}))
        else:
            linked.append(report)
    return linked


def _discovery_notice(slugs: Sequence[str], organisation: Organisation, seen: Seen) -> Notice:
    names = ", ".join(slugs[:SHOWN_MAX])
    more = f" and {len(slugs) - SHOWN_MAX} more" if len(slugs) > SHOWN_MAX else ""
    title = f"{organisation.login}: {len(slugs)} new on GitHub"
    body = f"{names}{more}. They are on watch; take one in with: steward project drive SLUG"
    return Notice(f"discovered:{organisation.id}:{seen.look}", seen.at, title, body)


def _guarded(
    tx: Writes, changes: Sequence[Change], organisation: Organisation, seen: Seen, reports: list[Report]
) -> Organisation:
    """Freeze on a held loss; lift that freeze once nothing is held any more."""
    key = f"mass_loss:{organisation.id}"
    if any(isinstance(change, drift.Held) for change in changes):
        held = tx.held(organisation.id)
        reports.append(_mass_loss(key, held, organisation, seen))
        names = [tracked.repository.repo.full_name for tracked in held]
        data = {"count": len(held), "repositories": names[:SHOWN_MAX]}
        why = "too many repositories at once"
        tx.append([Event(Kind.LOSS_HELD, seen.at, ACTOR, None, organisation.id, why, data)])
        if organisation.frozen is None:
            frozen = Freeze(seen.at, GUARD_LOSS, "a mass loss is held until a person decides")
            organisation = replace(organisation, frozen=frozen)
            tx.append([Event(Kind.ORGANISATION_FROZEN, seen.at, ACTOR, None, organisation.id, frozen.reason)])
        return organisation
    touched = any(
        isinstance(change, drift.Present | drift.MovedHere) and change.before.repository.held
        for change in changes
    )
    if touched and not tx.held(organisation.id):
        reports.append(cleared(key, seen, "everything that was held is back"))
        return lift_guard(tx, organisation, seen, ACTOR)
    return organisation


def lift_guard(tx: Writes, organisation: Organisation, seen: Seen, actor: str) -> Organisation:
    """Lift the freeze that the mass-loss guard set; one that a person set stays."""
    if organisation.frozen is None or organisation.frozen.by != GUARD_LOSS:
        return organisation
    tx.append([Event(Kind.ORGANISATION_UNFROZEN, seen.at, actor, None, organisation.id, "nothing is held")])
    return replace(organisation, frozen=None)


def _mass_loss(key: str, held: Sequence[Tracked], organisation: Organisation, seen: Seen) -> Report:
    live = any(tracked.project and tracked.project.live for tracked in held)
    return Report(
        key=key,
        cause=Cause.MASS_LOSS,
        look=seen.look,
        stands=True,
        severity=Severity.CRITICAL if live else Severity.ERROR,
        title=f"{organisation.login}: {len(held)} repositories would be lost at once; held",
        organisation_id=organisation.id,
        evidence={
            "count": len(held),
            "repositories": [t.repository.repo.full_name for t in held[:SHOWN_MAX]],
        },
    )


def _inaccessible(
    tx: Writes, changes: Sequence[Change], organisation: Organisation, seen: Seen
) -> list[Report]:
    """One incident for all repositories of an organisation that our access does not show any more."""
    was = Presence.INACCESSIBLE
    touched = any(
        isinstance(change, drift.Inaccessible)
        or (
            not isinstance(change, drift.Discovered | drift.Born) and change.before.repository.presence is was
        )
        for change in changes
    )
    if not touched:
        return []
    return [inaccessible_report(tx, organisation, seen)]


def inaccessible_report(tx: Writes, organisation: Organisation, seen: Seen) -> Report:
    """What the record says now of repositories that can neither be seen nor called gone."""
    key = f"inaccessible:{organisation.id}"
    shown = tx.unseen(organisation.id, [Presence.INACCESSIBLE], SHOWN_MAX)
    shown = [t for t in shown if t.project is not None and t.project.status is not Status.ARCHIVED]
    if not shown:
        return cleared(key, seen, "everything can be read again, or is accounted for")
    count = sum(
        number
        for (_, presence), number in tx.presence_counts(organisation.id).items()
        if presence == Presence.INACCESSIBLE
    )
    return Report(
        key=key,
        cause=Cause.INACCESSIBLE,
        look=seen.look,
        stands=True,
        title=f"{organisation.login}: {count} repositories cannot be read any more; they may still exist"
        if count > 1
        else f"{organisation.login}: a repository cannot be read any more; it may still exist",
        organisation_id=organisation.id,
        evidence={"count": count, "repositories": [t.repository.repo.full_name for t in shown]},
    )
