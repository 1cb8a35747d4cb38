"""What a person may decide of organisations: stop and let go on, release and reject losses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from steward.app.acting import Acts
from steward.app.errors import Invalid, Unknown
from steward.app.filing import file_reports, told
from steward.app.queries import find_organisation, find_project, readable_organisations
from steward.app.reconcile import inaccessible_report, lift_guard
from steward.app.restoring import Restoring, is_pending
from steward.app.standing import Taken
from steward.app.views import Json, organisation_view
from steward.domain.belief import PERSON_SAYS_GONE, PERSON_SAYS_NOT
from steward.domain.journal import Kind
from steward.domain.people import Right
from steward.domain.project import Freeze, Organisation, Project, Tracked
from steward.domain.reports import Seen, cleared
from steward.domain.repository import Presence, Repository
from steward.ports import Reads, Writes


@dataclass(frozen=True, slots=True)
class Deciding(Acts):
    """What one principal may decide of organisations. Each call may raise Forbidden.

    `restoring` sees to what a restored database asks for before it is let go on.
    """

    restoring: Restoring | None = None

    def freeze(self, organisation: str | None, reason: str = "") -> list[Json]:
        """Stop all automation in one organisation, or in all (None). Looking goes on. Idempotent."""
        with told(self.store) as tx:
            frozen = []
            for known in self._chosen(tx, organisation, Right.FREEZE):
                seen = self.seen(tx, known.id)
                after = known
                if known.frozen is None:
                    after = replace(known, frozen=Freeze(seen.at, f"person:{self.actor}", reason))
                    tx.save_organisation(after)
                    tx.append([self.event(Kind.ORGANISATION_FROZEN, seen, why=reason)])
                frozen.append(organisation_view(after))
            return frozen

    def unfreeze(self, organisation: str | None, seen: str = "") -> list[Json]:
        """Let automation go on. Raises Invalid where a mass loss is held: that is decided first.

        After a restore `seen` must be the digest of the plan, or "yes"; see `app.restoring`.
        """
        with self.store.reading() as view:
            homes = self._chosen(view, organisation, Right.DECIDE)
        pending = self.restoring.must_be_seen(homes, seen) if self.restoring is not None else []
        # GitHub is read before the transaction: it may take its time.
        known = {home.id: self.restoring.known(home) for home in pending} if self.restoring else {}
        with told(self.store) as tx:
            return [
                self._unfrozen(tx, home, known.get(home.id))
                for home in self._chosen(tx, organisation, Right.DECIDE)
            ]

    def _unfrozen(self, tx: Writes, home: Organisation, known: Sequence[Taken] | None) -> Json:
        """`known` is what is taken as known where the database was restored; None where it was not."""
        if tx.held(home.id):
            raise Invalid(
                f"a mass loss is held in {home.login}",
                f"Decide it: steward sync release {home.login}, or: steward sync reject {home.login}",
            )
        if known is None and is_pending(tx, home.id):
            raise Invalid("the database was restored meanwhile", "See what would happen: steward db plan")
        if known is not None and self.restoring is not None and is_pending(tx, home.id):
            self.restoring.accept(tx, home, known)
        if home.frozen is not None:
            tx.save_organisation(replace(home, frozen=None))
            tx.append([self.event(Kind.ORGANISATION_UNFROZEN, self.seen(tx, home.id))])
        return organisation_view(replace(home, frozen=None))

    def _chosen(self, tx: Reads, login: str | None, right: Right) -> list[Organisation]:
        known = readable_organisations(tx, self.by)
        if not known:
            raise Invalid("no organisation is connected yet", "Run `steward sync run` first.")
        chosen = [find_organisation(tx, login, self.by)] if login else known
        for organisation in chosen:
            self.allow(tx, right, organisation.id)
        return chosen

    def release(self, organisation: str, repository: str | None = None) -> Json:
        """Say that held losses (or one repository that cannot be read) are real; the next reads conclude them."""
        with told(self.store) as tx:
            home = find_organisation(tx, organisation, self.by)
            self.allow(tx, Right.DECIDE, home.id)
            seen = self.seen(tx, home.id)
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
        found = find_project(tx, reference, self.by)
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
            home = find_organisation(tx, organisation, self.by)
            self.allow(tx, Right.DECIDE, home.id)
            seen = self.seen(tx, home.id)
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
        tx.append([self.event(kind, seen, repositories=names[:50], count=len(names))])
        word = kind.value.rpartition(".")[2]
        reports = [inaccessible_report(tx, home, seen)]
        if not tx.held(home.id):
            reports.append(cleared(f"mass_loss:{home.id}", seen, word))
            home = lift_guard(tx, home, seen, self.actor)
        file_reports(tx, reports, seen.at, self.actor, self.channels)
        tx.save_organisation(replace(home, revision=home.revision + 1))
        return {**organisation_view(home), word: names}
