"""What a person may ask of projects. Each call is one transaction with its history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from secrets import token_hex

from steward.app.acting import Acts
from steward.app.errors import Invalid, Unknown
from steward.app.filing import file_reports, told
from steward.app.offering import offered
from steward.app.queries import (
    find_organisation,
    find_project,
    one_project,
    readable_organisations,
    the_project,
)
from steward.app.reconcile import inaccessible_report, move_event
from steward.app.scanning import ask_scan
from steward.app.views import Json
from steward.domain.consequences import Step
from steward.domain.guards import Guard
from steward.domain.journal import Kind
from steward.domain.lifecycle import ROWS, Option, Refused, Who, advance, allowed, leading, no_edge
from steward.domain.people import Right
from steward.domain.project import (
    SLUG,
    Management,
    Organisation,
    Project,
    Tracked,
    free_slug,
    slug_from,
    standing,
)
from steward.domain.reports import Seen, cleared, missing_key, reused_key
from steward.domain.repository import Presence
from steward.domain.status import Status, Trigger
from steward.ports import Reads, Writes

OWNER_LENGTH_MAX = 100


class Commands(Acts):
    """What one principal may ask of projects. Each call may raise Forbidden and Stale."""

    def order(self, slug: str, *, organisation: str | None = None, title: str = "") -> Json:
        """Record a new project as a draft. Raises Invalid for a slug that is malformed or taken."""
        with told(self.store) as tx:
            return one_project(tx, self.place(tx, slug, organisation, title))

    def place(self, tx: Writes, slug: str, organisation: str | None, title: str) -> Project:
        """The draft itself, in the caller's transaction."""
        home = self._home(tx, organisation)
        self.allow(tx, Right.WRITE, home.id)
        _must_be_free(tx, slug)
        seen = self.seen(tx, home.id)
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
            hands_off=self.policy.hands_off,
        )
        tx.add_projects([project])
        step = Step(Trigger.ORDERED, proofs, title, Who.PERSON)
        tx.append([move_event(project.id, move, step, seen, self.actor)])
        return project

    def check_slug(self, slug: str) -> None:
        """Raise Invalid for a slug that an order would be refused for: malformed, or taken."""
        with self.store.reading() as view:
            _must_be_free(view, slug)

    def homes(self) -> list[str]:
        """The organisations in which this principal may order, by login."""
        with self.store.reading() as view:
            return [o.login for o in readable_organisations(view, self.by) if self.by.may(Right.WRITE, o.id)]

    def _home(self, tx: Writes, login: str | None) -> Organisation:
        if login is not None:
            return find_organisation(tx, login, self.by)
        known = readable_organisations(tx, self.by)
        if len(known) == 1:
            return known[0]
        if not known:
            raise Invalid("no organisation is connected yet", "Run `steward sync run` first.")
        names = ", ".join(o.login for o in known)
        raise Invalid("several organisations are connected", f"Name one with --org: {names}")

    def ask(self, reference: str, trigger: Trigger, reason: str = "") -> Json:
        """Ask for a move of the table by its trigger. Raises Refused: no such edge, not your role, or a guard.

        Archiving and reopening have effects of their own and go through `archive` and `reopen`. A refusal
        bears in `options` what is possible instead.
        """
        way = self.ways().get(trigger)
        if way is not None:
            return self.offering(reference, lambda: way(reference, reason))
        return self.offering(reference, lambda: self._ask(reference, trigger, reason))

    def offering(self, reference: str, act: Callable[[], Json]) -> Json:
        """What `act` gives; a refusal of it bears in `options` what is possible instead."""
        try:
            return act()
        except Refused as refused:
            refused.options = self._options(reference)
            raise

    def ways(self) -> Mapping[Trigger, Callable[[str, str], Json]]:
        """The moves that have effects of their own, each with what does it: from a reference and a reason."""
        return {Trigger.ARCHIVED: self.archive, Trigger.REOPENED: self.reopen}

    def bring(self, reference: str, to: Status, reason: str = "") -> Json:
        """Ask for the move that leads to that status; otherwise as `ask`."""
        with self.store.reading() as view:
            project = the_project(find_project(view, reference, self.by))
        triggers = leading(project.position, to, standing(project))
        if not triggers:
            refused = Refused("edge", f"no move that people may ask for leads from {project.status} to {to}")
            refused.options = self._options(reference)
            raise refused
        free = [o.trigger for o in self._options(reference) if o.trigger in triggers and not o.refused]
        return self.ask(reference, (free or triggers)[0], reason)

    def _options(self, reference: str) -> tuple[Option, ...]:
        """What people may ask for, of a project as it is now."""
        with self.store.reading() as view:
            project = the_project(find_project(view, reference, self.by))
            proofs = offered(view, project, builds=self.templates is not None)
        options = allowed(project.position, self.by.who(project.organisation_id), proofs)
        return tuple(option for option in options if option.asked_by_people)

    def mine(self, tx: Writes, reference: str, trigger: Trigger) -> tuple[Project, Who]:
        """The project, if the table lets this principal ask for that move from where it stands; as whom it is made.

        Raises Refused: no such edge, not your role, or a second pair of eyes is asked for.
        """
        _, project = self.found(tx, reference, Right.READ)
        row = ROWS.get((project.status, trigger))
        mine = self.by.who(project.organisation_id)
        if row is None or not row.askers & {Who.PERSON, Who.APPROVER}:
            raise Refused("edge", no_edge(project.status, trigger, mine))
        able = row.askers & mine
        if not able:
            raise Refused("role", f"'{trigger}' is for: {' or '.join(sorted(row.askers))}")
        gate = trigger in (Trigger.APPROVED, Trigger.CONFIRMED)
        if self.policy.four_eyes and gate and tx.orderer(project.id) == self.actor:
            raise Refused("role", "who ordered a project does not approve it; ask another approver")
        return project, min(able & row.who or row.who)

    def _ask(self, reference: str, trigger: Trigger, reason: str) -> Json:
        with told(self.store) as tx:
            project, who = self.mine(tx, reference, trigger)
            row = ROWS[project.status, trigger]
            unmet = tuple(guard for guard in row.guards if guard not in standing(project))
            if unmet and who not in row.askers:
                # An operation stands between the word and the move; nothing has proven its result yet.
                raise Refused("guard", "; ".join(guard.words for guard in unmet), unmet)
            seen = self.seen(tx, project.organisation_id)
            moved = self.move(tx, project, trigger, frozenset(), reason, seen, who)
            return one_project(tx, find_project(tx, moved.id, self.by))

    def own(self, reference: str, owner: str | None) -> Json:
        """Say who looks after a project: a name for people; None or "" takes it away."""
        return self.change(reference, owner=owner or "")

    def manage(self, reference: str, management: str) -> Json:
        """Set how far Steward goes: "watch", "drive" or "ignore". Driving a discovered one takes it in."""
        return self.change(reference, management=management)

    def change(self, reference: str, *, owner: str | None = None, management: str | None = None) -> Json:
        """Change facets of a project at once (see `own`, `manage`); None leaves one as it is."""
        if owner is not None and len(owner.strip()) > OWNER_LENGTH_MAX:
            raise Invalid(f"an owner's name has at most {OWNER_LENGTH_MAX} characters", "Shorten it.")
        with told(self.store) as tx:
            _, project = self.found(tx, reference, Right.WRITE)
            seen = self.seen(tx, project.organisation_id)
            after, what = project, {}
            if owner is not None and project.owner != (wanted := owner.strip() or None):
                after, what["owner"] = replace(after, owner=wanted), [project.owner, wanted]
            if management is not None and project.management is not (far := Management(management)):
                after, what["management"] = (
                    replace(after, management=far),
                    [project.management.value, far.value],
                )
            if what:
                project = tx.save_project(after, seen.at)
                tx.append([self.event(Kind.PROJECT_CHANGED, seen, project, changes=what)])
            if management == Management.DRIVE and project.status is Status.DISCOVERED:
                project = self._take_in(tx, project, seen)
            return one_project(tx, find_project(tx, project.id, self.by))

    def _take_in(self, tx: Writes, project: Project, seen: Seen) -> Project:
        """Have it scanned: what it lacks moves it on. Where nothing can be scanned, something is unknown for sure."""
        if self.scans and project.repository_id is not None:
            ask_scan(tx, project, self.actor, seen.at)
            return project
        proofs = frozenset({Guard.SETUP_INCOMPLETE})
        return self.move(tx, project, Trigger.TAKEN_IN, proofs, "to be driven", seen)

    def archive(self, reference: str, reason: str = "") -> Json:
        """Shut a project down in Steward; its repository is left as it is. Raises Refused."""
        with told(self.store) as tx:
            _, project = self.found(tx, reference, Right.WRITE)
            seen = self.seen(tx, project.organisation_id)
            project = self.move(tx, project, Trigger.ARCHIVED, frozenset(), reason, seen)
            keys = [missing_key(project), f"archived_on_github:{project.id}", f"blocked:{project.id}"]
            if project.repository_id is not None:
                keys.append(reused_key(project.repository_id))
            reports = [cleared(key, seen, "the project was archived") for key in keys]
            reports.append(inaccessible_report(tx, tx.organisation(project.organisation_id), seen))
            file_reports(tx, [r for r in reports if not r.stands], seen.at, self.actor, self.channels)
            return one_project(tx, find_project(tx, project.id, self.by))

    def reopen(self, reference: str, reason: str = "") -> Json:
        """Take an archived project back to what it interrupted. Raises Refused."""
        with told(self.store) as tx:
            found, project = self.found(tx, reference, Right.WRITE)
            seen = self.seen(tx, project.organisation_id)
            self.move(tx, project, Trigger.REOPENED, frozenset(), reason, seen)
            if isinstance(found, Tracked) and found.repository.lost_at is not None:
                # Nobody watches a loss that is concluded: let the heartbeat conclude it again, aloud.
                anew = replace(found.repository, lost_at=None, absences=0, confirmed=None, look=seen.look)
                tx.save_repositories([anew], seen.at)
                self._bump(tx, project.organisation_id)
            return one_project(tx, find_project(tx, project.id, self.by))

    def relink(self, reference: str, repository: str) -> Json:
        """Give a missing project another repository: "owner/name" or a numeric id, one that is recorded.

        The old repository's record and names stay. Raises Unknown, Invalid, Refused.
        """
        with told(self.store) as tx:
            found, project = self.found(tx, reference, Right.WRITE)
            target = self._target(tx, repository)
            self.allow(tx, Right.WRITE, target.repository.organisation_id)
            advance(project.position, Trigger.RETURNED, Who.PERSON, frozenset({Guard.REPOSITORY_SEEN}))
            seen = self.seen(tx, project.organisation_id)
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
            tx.append([self.event(Kind.PROJECT_RELINKED, seen, project, why, before=old, now=new.id)])
            self.move(tx, project, Trigger.RETURNED, frozenset({Guard.REPOSITORY_SEEN}), why, seen)
            reports = [cleared(key, seen, why) for key in (missing_key(project), reused_key(new.id))]
            file_reports(tx, reports, seen.at, self.actor, self.channels)
            self._bump(tx, project.organisation_id)
            return one_project(tx, find_project(tx, project.id, self.by))

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
        tx.append([self.event(Kind.PROJECT_RELINKED, seen, holder, why, now=None)])
        if holder.status is not Status.ARCHIVED:
            self.move(tx, holder, Trigger.ARCHIVED, frozenset(), why, seen)

    def _bump(self, tx: Writes, organisation_id: int) -> None:
        organisation = tx.organisation(organisation_id)
        tx.save_organisation(replace(organisation, revision=organisation.revision + 1))


def _must_be_free(view: Reads, slug: str) -> None:
    if not SLUG.fullmatch(slug):
        near = slug_from(slug, 0)
        raise Invalid(
            f"'{slug}' is no slug",
            f"Use 1 to 63 of a-z, 0-9 and '-', not at an end; for example: {near}",
        )
    taken = view.slugs_like({slug})
    if slug in taken:
        raise Invalid(f"the slug '{slug}' is taken", f"Free is, for example: {free_slug(slug, taken)}")
