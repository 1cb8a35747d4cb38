"""What a person may ask of projects and organisations. Each call is one transaction with its history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from secrets import token_hex

from steward.app.errors import Invalid, Unknown
from steward.app.filing import file_reports, told
from steward.app.queries import find_organisation, find_project, one_project, the_project
from steward.app.reconcile import inaccessible_report, lift_guard, move_event
from steward.app.views import Json, organisation_view
from steward.domain.belief import PERSON_SAYS_GONE, PERSON_SAYS_NOT
from steward.domain.consequences import Step
from steward.domain.guards import Guard
from steward.domain.journal import Event, Kind
from steward.domain.lifecycle import Who, advance
from steward.domain.project import (
    SLUG,
    Freeze,
    Management,
    Organisation,
    Project,
    Tracked,
    free_slug,
    slug_from,
    standing,
)
from steward.domain.reports import Seen, cleared, missing_key, reused_key
from steward.domain.repository import Presence, Repository
from steward.domain.status import Status, Trigger
from steward.ports import Clock, Store, Writes


@dataclass(frozen=True, slots=True)
class Commands:
    """Commands of one actor, as recorded in the history ("local:<user>", ...)."""

    store: Store
    clock: Clock
    actor: str
    channels: Sequence[str]

    def _seen(self, tx: Writes, organisation_id: int) -> Seen:
        """Now, as the newest look knows it: news from looks that began before is late."""
        looks = tx.looks(organisation_id, 1)
        return Seen(organisation_id, looks[0].id if looks else 0, self.clock.now())

    def _event(
        self, kind: Kind, seen: Seen, project: Project | None = None, why: str = "", **data: object
    ) -> Event:
        project_id = project.id if project else None
        return Event(kind, seen.at, self.actor, project_id, seen.organisation_id, why, data)

    def _move(
        self,
        tx: Writes,
        project: Project,
        trigger: Trigger,
        proofs: frozenset[Guard],
        why: str,
        seen: Seen,
    ) -> Project:
        move = advance(project.position, trigger, Who.PERSON, standing(project) | proofs)
        moved = tx.move(project, move, seen.at)
        step = Step(trigger, proofs, why, Who.PERSON)
        tx.append([move_event(project.id, move, step, seen, self.actor)])
        return moved

    # Projects ------------------------------------------------------------------------------------------

    def order(self, slug: str, *, organisation: str | None = None, title: str = "") -> Json:
        """Record a new project as a draft. Raises Invalid for a slug that is malformed or taken."""
        if not SLUG.fullmatch(slug):
            near = slug_from(slug, 0)
            raise Invalid(
                f"'{slug}' is no slug",
                f"Use 1 to 63 of a-z, 0-9 and '-', not at an end; for example: {near}",
            )
        with told(self.store) as tx:
            home = self._home(tx, organisation)
            taken = tx.slugs_like({slug})
            if slug in taken:
                raise Invalid(
                    f"the slug '{slug}' is taken", f"Free is, for example: {free_slug(slug, taken)}"
                )
            seen = self._seen(tx, home.id)
            proofs = frozenset({Guard.SLUG_FREE, Guard.NO_REPOSITORY})
            move = advance(None, Trigger.ORDERED, Who.PERSON, proofs)
            project = Project(
                id=token_hex(8),
                slug=slug,
                organisation_id=home.id,
                status=move.after.status,
                created_at=seen.at,
                updated_at=seen.at,
                entered_at=seen.at,
                management=Management.DRIVE,
                title=title,
            )
            tx.add_projects([project])
            step = Step(Trigger.ORDERED, proofs, title, Who.PERSON)
            tx.append([move_event(project.id, move, step, seen, self.actor)])
            return one_project(tx, project)

    def _home(self, tx: Writes, login: str | None) -> Organisation:
        if login is not None:
            return find_organisation(tx, login)
        known = tx.organisations()
        if len(known) == 1:
            return known[0]
        if not known:
            raise Invalid("no organisation is connected yet", "Run `steward sync run` first.")
        names = ", ".join(o.login for o in known)
        raise Invalid("several organisations are connected", f"Name one with --org: {names}")

    def archive(self, reference: str, reason: str = "") -> Json:
        """Shut a project down in Steward; its repository is left as it is. Raises Refused."""
        with told(self.store) as tx:
            project = the_project(find_project(tx, reference))
            seen = self._seen(tx, project.organisation_id)
            project = self._move(tx, project, Trigger.ARCHIVED, frozenset(), reason, seen)
            keys = [missing_key(project), f"archived_on_github:{project.id}", f"blocked:{project.id}"]
            if project.repository_id is not None:
                keys.append(reused_key(project.repository_id))
            reports = [cleared(key, seen, "the project was archived") for key in keys]
            reports.append(inaccessible_report(tx, tx.organisation(project.organisation_id), seen))
            file_reports(tx, [r for r in reports if not r.stands], seen.at, self.actor, self.channels)
            return one_project(tx, find_project(tx, project.id))

    def reopen(self, reference: str, reason: str = "") -> Json:
        """Take an archived project back to what it interrupted. Raises Refused."""
        with told(self.store) as tx:
            found = find_project(tx, reference)
            project = the_project(found)
            seen = self._seen(tx, project.organisation_id)
            self._move(tx, project, Trigger.REOPENED, frozenset(), reason, seen)
            if isinstance(found, Tracked) and found.repository.lost_at is not None:
                # Nobody watches a loss that is concluded: let the heartbeat conclude it again, aloud.
                anew = replace(found.repository, lost_at=None, absences=0, confirmed=None, look=seen.look)
                tx.save_repositories([anew], seen.at)
                self._bump(tx, project.organisation_id)
            return one_project(tx, find_project(tx, project.id))

    def manage(self, reference: str, management: str) -> Json:
        """Set how far Steward goes: "watch", "drive" or "ignore". Driving a discovered one takes it in."""
        with told(self.store) as tx:
            project = the_project(find_project(tx, reference))
            wanted = Management(management)
            seen = self._seen(tx, project.organisation_id)
            if project.management is not wanted:
                what = {"management": [project.management.value, wanted.value]}
                project = tx.save_project(replace(project, management=wanted), seen.at)
                tx.append([self._event(Kind.PROJECT_CHANGED, seen, project, changes=what)])
            if wanted is Management.DRIVE and project.status is Status.DISCOVERED:
                proofs = frozenset({Guard.SETUP_INCOMPLETE})
                project = self._move(tx, project, Trigger.TAKEN_IN, proofs, "to be driven", seen)
            return one_project(tx, find_project(tx, project.id))

    def relink(self, reference: str, repository: str) -> Json:
        """Give a missing project another repository: "owner/name" or a numeric id, one that is recorded.

        The old repository's record and names stay. Raises Unknown, Invalid, Refused.
        """
        with told(self.store) as tx:
            found = find_project(tx, reference)
            project = the_project(found)
            target = self._target(tx, repository)
            advance(project.position, Trigger.RETURNED, Who.PERSON, frozenset({Guard.REPOSITORY_SEEN}))
            seen = self._seen(tx, project.organisation_id)
            self._vacate(tx, target, project, seen)
            rows = [replace(target.repository, project_id=project.id, look=seen.look)]
            if isinstance(found, Tracked):
                rows.append(replace(found.repository, project_id=None, look=seen.look))
            tx.save_repositories(rows, seen.at)
            old, new = project.repository_id, target.repository.repo
            project = tx.save_project(
                replace(project, repository_id=new.id, organisation_id=target.repository.organisation_id),
                seen.at,
            )
            why = f"relinked to {new.full_name}"
            tx.append([self._event(Kind.PROJECT_RELINKED, seen, project, why, before=old, now=new.id)])
            self._move(tx, project, Trigger.RETURNED, frozenset({Guard.REPOSITORY_SEEN}), why, seen)
            reports = [cleared(key, seen, why) for key in (missing_key(project), reused_key(new.id))]
            file_reports(tx, reports, seen.at, self.actor, self.channels)
            self._bump(tx, project.organisation_id)
            return one_project(tx, find_project(tx, project.id))

    def _target(self, tx: Writes, repository: str) -> Tracked:
        found: Tracked | Project | None
        if repository.isdigit():
            found = next(iter(tx.tracked([int(repository)])), None)
        else:
            found = tx.project(repository)
        if not isinstance(found, Tracked):
            raise Unknown("repository", repository, tx.near_slugs(repository.rpartition("/")[2], 3))
        if found.repository.presence is not Presence.SEEN:
            raise Invalid(
                f"{found.repository.repo.full_name} is {found.repository.presence}, not seen",
                "Name a repository that is there; `steward sync run` looks again.",
            )
        return found

    def _vacate(self, tx: Writes, target: Tracked, heir: Project, seen: Seen) -> None:
        """Take the repository from the project that discovery made for it; that one is archived."""
        holder = target.project
        if holder is None:
            return
        if holder.id == heir.id:
            raise Invalid(
                "that is the project's own repository", "It returns by itself when it is seen again."
            )
        if holder.status not in (Status.DISCOVERED, Status.ARCHIVED):
            raise Invalid(
                f"{target.repository.repo.full_name} belongs to the project {holder.slug} ({holder.status})",
                f"Archive that one first: steward project archive {holder.slug}",
            )
        holder = tx.save_project(replace(holder, repository_id=None), seen.at)
        why = f"its repository was given to {heir.slug}"
        tx.append([self._event(Kind.PROJECT_RELINKED, seen, holder, why, now=None)])
        if holder.status is not Status.ARCHIVED:
            self._move(tx, holder, Trigger.ARCHIVED, frozenset(), why, seen)

    def _bump(self, tx: Writes, organisation_id: int) -> None:
        organisation = tx.organisation(organisation_id)
        tx.save_organisation(replace(organisation, revision=organisation.revision + 1))

    # Organisations -------------------------------------------------------------------------------------

    def freeze(self, organisation: str | None, reason: str = "") -> list[Json]:
        """Stop all automation in one organisation, or in all (None). Looking goes on. Idempotent."""
        with told(self.store) as tx:
            frozen = []
            for known in self._chosen(tx, organisation):
                seen = self._seen(tx, known.id)
                after = known
                if known.frozen is None:
                    after = replace(known, frozen=Freeze(seen.at, f"person:{self.actor}", reason))
                    tx.save_organisation(after)
                    tx.append([self._event(Kind.ORGANISATION_FROZEN, seen, why=reason)])
                frozen.append(organisation_view(after))
            return frozen

    def unfreeze(self, organisation: str | None) -> list[Json]:
        """Let automation go on. Raises Invalid where a mass loss is held: that is decided first."""
        with told(self.store) as tx:
            thawed = []
            for known in self._chosen(tx, organisation):
                if tx.held(known.id):
                    raise Invalid(
                        f"a mass loss is held in {known.login}",
                        f"Decide it: steward sync release {known.login}, or: steward sync reject {known.login}",
                    )
                seen = self._seen(tx, known.id)
                if known.frozen is not None:
                    tx.save_organisation(replace(known, frozen=None))
                    tx.append([self._event(Kind.ORGANISATION_UNFROZEN, seen)])
                thawed.append(organisation_view(replace(known, frozen=None)))
            return thawed

    def _chosen(self, tx: Writes, login: str | None) -> list[Organisation]:
        known = tx.organisations()
        if not known:
            raise Invalid("no organisation is connected yet", "Run `steward sync run` first.")
        return [find_organisation(tx, login)] if login else known

    def release(self, organisation: str, repository: str | None = None) -> Json:
        """Say that held losses (or one repository that cannot be read) are real; the next reads conclude them."""
        with told(self.store) as tx:
            home = find_organisation(tx, organisation)
            seen = self._seen(tx, home.id)
            doubted = self._doubted(tx, home, repository) if repository else tx.held(home.id)
            if not doubted:
                raise Invalid(f"nothing is held in {home.login}", "See: steward sync status")
            said = f"{PERSON_SAYS_GONE}{self.actor}"
            rows = []
            for tracked in doubted:
                row = replace(tracked.repository, held=False, vouched=said, look=seen.look)
                if row.presence is not Presence.TRANSFERRED:
                    row = replace(row, presence=Presence.ABSENT, absent_look=home.last_whole_look)
                rows.append(row)
            return self._decide(tx, home, rows, Kind.LOSS_RELEASED, seen)

    def _doubted(self, tx: Writes, home: Organisation, reference: str) -> list[Tracked]:
        found = find_project(tx, reference)
        if isinstance(found, Project) or found.repository.organisation_id != home.id:
            raise Unknown("repository", reference, [])
        if found.repository.presence is Presence.SEEN or found.repository.lost_at is not None:
            raise Invalid(
                f"{found.repository.repo.full_name} is {found.repository.presence}; there is nothing to release",
                "See: steward sync status",
            )
        return [found]

    def reject(self, organisation: str) -> Json:
        """Say that held losses are not real: every status is kept until the repositories are seen again."""
        with told(self.store) as tx:
            home = find_organisation(tx, organisation)
            seen = self._seen(tx, home.id)
            held = tx.held(home.id)
            if not held:
                raise Invalid(f"nothing is held in {home.login}", "See: steward sync status")
            said = f"{PERSON_SAYS_NOT}{self.actor}"
            rows = [
                replace(
                    tracked.repository,
                    held=False,
                    vouched=said,
                    presence=Presence.INACCESSIBLE,
                    absences=0,
                    confirmed=None,
                    absent_since=None,
                    look=seen.look,
                )
                for tracked in held
            ]
            return self._decide(tx, home, rows, Kind.LOSS_REJECTED, seen)

    def _decide(self, tx: Writes, home: Organisation, rows: list[Repository], kind: Kind, seen: Seen) -> Json:
        tx.save_repositories(rows, seen.at)
        names = [row.repo.full_name for row in rows]
        tx.append([self._event(kind, seen, repositories=names[:50], count=len(names))])
        word = kind.value.rpartition(".")[2]
        reports = [inaccessible_report(tx, home, seen)]
        if not tx.held(home.id):
            reports.append(cleared(f"mass_loss:{home.id}", seen, word))
            home = lift_guard(tx, home, seen, self.actor)
        file_reports(tx, reports, seen.at, self.actor, self.channels)
        tx.save_organisation(replace(home, revision=home.revision + 1))
        return {**organisation_view(home), word: names}
