"""The heartbeat: observe, compare, believe, apply. One organisation at a time, each judged alone.

A beat is a full look; a round is a look at single repositories. Both end in `reconcile.apply`, in one
transaction under the lease. When and how often is `service`'s; what may be believed is `domain.belief`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from steward.app import looking
from steward.app.failing import fail_look, heal
from steward.app.looking import Survey
from steward.app.queries import BUDGET
from steward.app.reading import Observed, read_each, read_named, unclear
from steward.app.reconcile import Applied, Reconciliation
from steward.domain import drift
from steward.domain.belief import Context
from steward.domain.consequences import ACTOR
from steward.domain.drift import Absent, Change
from steward.domain.instant import Instant, elapsed_s
from steward.domain.journal import Event, Kind, Notice
from steward.domain.project import Look, Organisation, OrgState
from steward.domain.reports import Seen
from steward.domain.repository import Budget, Cost, PageMark
from steward.domain.rules import Rules
from steward.ports import (
    BadSettings,
    Clock,
    ForgeRead,
    Incomplete,
    Lease,
    Permanent,
    Store,
    Transient,
    Writes,
)

NEWEST = 2**62
"""The look number of a plan: newer than any."""


@dataclass(frozen=True, slots=True)
class Report:
    """One organisation after a beat, as `sync run` tells it. `whole`: the listing came entire.

    `unclear` maps what a look at named repositories could not settle to the reason.
    """

    login: str
    state: str
    whole: bool
    observed: int = 0
    cost: Cost = field(default=Cost())
    changes: Mapping[str, int] = field(default_factory=dict)
    held: int = 0
    duration_s: float = 0.0
    reason: str = ""
    retry_at: datetime | None = None
    look: int = 0
    wants_look: bool = False
    unclear: Mapping[int, str] = field(default_factory=dict)

    def json(self) -> dict[str, object]:
        """The object that `sync run --json` prints per organisation."""
        return {
            "login": self.login,
            "state": self.state,
            "whole": self.whole,
            "observed": self.observed,
            "requests": self.cost.requests,
            "not_modified": self.cost.not_modified,
            "points": self.cost.points,
            "changes": {kind: self.changes.get(kind, 0) for kind in drift.KINDS},
            "held": self.held,
            "duration_s": round(self.duration_s, 3),
            "reason": self.reason,
            "retry_at": self.retry_at.isoformat() if self.retry_at else None,
            "look": self.look,
        }


class Heartbeat:
    """Looks at organisations under a lease. Not thread-safe per organisation; different ones may run at once."""

    def __init__(
        self,
        store: Store,
        forge: ForgeRead,
        clock: Clock,
        rules: Rules,
        channels: Sequence[str],
        lease: Lease,
    ) -> None:
        self._store = store
        self._forge = forge
        self._clock = clock
        self._rules = rules
        self._channels = channels
        self._lease = lease
        self._noted: Budget | None = None
        self._server_clocks: dict[int, tuple[datetime, Instant]] = {}

    def beat(self, organisation_id: int, asked_by: str = "", requests: Sequence[int] = ()) -> Report:
        """Look at the whole organisation, then at the single repositories that are due.

        Never raises for what the forge did; the report says it. `requests` are served by this look.
        Raises LeaseLost, StoreUnavailable, Conflict.
        """
        started = self._clock.now()
        look = Look(0, organisation_id, "full", started, asked_by=asked_by)
        with self._store.writing(self._lease) as tx:
            look = replace(look, id=tx.begin_look(look))
            organisation = tx.organisation(organisation_id)
            marks = looking.known_marks(tx, organisation)
        report = self._look(organisation, marks, look)
        if requests:
            with self._store.writing(self._lease) as tx:
                tx.serve_look_requests(requests, look.id)
        return replace(report, duration_s=elapsed_s(started, self._clock.now()))

    def _look(self, organisation: Organisation, marks: Sequence[PageMark], look: Look) -> Report:
        now = self._clock.now()
        try:
            seen = looking.survey(self._forge, self._store, organisation, marks, look.id, now, self._rules)
        except Incomplete as error:
            return self._partial(organisation, look, error)
        except (Transient, Permanent) as error:
            return self._failed(organisation, look, error, Cost())
        assert seen.observed is not None, "a survey lists"
        self._server_clocks[organisation.id] = (seen.observed.listing.server_at or now.at, now)
        if twin := self._twin(organisation, seen.observed.listing.owner_id):
            return self._failed(organisation, look, twin, seen.cost)
        if seen.quiet and organisation.state is OrgState.OK:
            return self._quiet(organisation, look, seen)
        return self._apply(organisation, look, seen)

    def _twin(self, organisation: Organisation, owner_id: int) -> BadSettings | None:
        """The complaint, if another connected organisation is the same one under another name."""
        if organisation.owner_id is not None or not owner_id:
            return None
        with self._store.reading() as view:
            twins = [o for o in view.organisations() if o.owner_id == owner_id and o.id != organisation.id]
        if not twins:
            return None
        reason = f"{organisation.login} is the same organisation as {twins[0].login}"
        return BadSettings(reason, "Remove one of the two names from STEWARD_GITHUB_ORGS.")

    def _quiet(self, organisation: Organisation, look: Look, survey: Survey) -> Report:
        assert survey.observed is not None, "only a listing is quiet"
        look = self._ended(look, "whole", survey.observed.count, survey.cost, {})
        with self._store.writing(self._lease) as tx:
            tx.finish_look(look)
        return self._report(organisation, look, survey.cost)

    def _apply(self, organisation: Organisation, look: Look, survey: Survey) -> Report:
        """Judge and store what a look saw, in one transaction."""
        seen = Seen(organisation.id, look.id, self._clock.now())
        revision, observed = organisation.revision, survey.observed
        with self._store.writing(self._lease) as tx:
            before = organisation = tx.organisation(organisation.id)
            overtaken = organisation.revision != revision
            if observed is not None:
                organisation = self._identify(tx, organisation, observed, seen)
                organisation = replace(organisation, last_whole_look=look.id)
                # Before the guard judges: its own freeze must not be lifted with that of a failed look.
                organisation = heal(tx, organisation, seen, self._channels)
            work = Reconciliation(tx, organisation, seen, self._channels)
            missed: list[Change] = []
            if survey.differs:
                context = self._context(tx, organisation, survey, seen)
                work.apply(looking.shown_changes(tx, survey, context))
                missed = looking.missed_changes(tx, survey, context)
                work.apply(missed)
                tx.save_repositories(looking.newly_vouched(tx, survey, seen.look), seen.at)
            applied = work.finish()
            organisation = applied.organisation
            if observed is not None:
                organisation = self._baseline(tx, organisation, observed, seen)
                if organisation.frozen is None or not tx.held(organisation.id):
                    agrees = not overtaken and not looking.disagrees(tx, observed)
                    organisation = self._remember(tx, organisation, observed, agrees=agrees)
                self._note_budget(tx)
            if survey.differs or organisation != replace(before, last_whole_look=look.id):
                tx.save_organisation(organisation)
            look = self._ended_survey(look, survey, applied)
            tx.finish_look(look)
        wants = any(isinstance(change, Absent) and change.waits_for_look for change in missed)
        report = self._report(organisation, look, survey.cost, applied)
        return replace(report, wants_look=wants, reason=look.reason)

    def _context(self, tx: Writes, organisation: Organisation, survey: Survey, seen: Seen) -> Context:
        server_at, then = self._server_clocks[organisation.id]
        return Context(
            organisation=organisation,
            homes=looking.homes(tx, organisation),
            evidence=survey.readings.evidence,
            expected=looking.expectations(tx, organisation),
            look=seen.look,
            now=seen.now,
            server_at=server_at + timedelta(seconds=elapsed_s(then, seen.now)),
            rules=self._rules,
        )

    def _ended_survey(self, look: Look, survey: Survey, applied: Applied) -> Look:
        stopped = survey.readings.stopped
        count = survey.observed.count if survey.observed else len(survey.readings.sightings)
        outcome = "partial" if stopped and survey.observed is None else "whole"
        reason = stopped.reason if stopped else ""
        return self._ended(look, outcome, count, survey.cost, applied.counts, applied.held, reason)

    def _identify(
        self, tx: Writes, organisation: Organisation, observed: Observed, seen: Seen
    ) -> Organisation:
        """Learn the organisation's numeric id, and its new name if it was renamed."""
        listing = observed.listing
        owner_id, login = listing.owner_id or organisation.owner_id, listing.login or organisation.login
        if login != organisation.login:
            data = {"from": organisation.login, "to": login}
            if organisation.owner_id is not None:
                kind = Kind.ORGANISATION_RENAMED
                tx.append([Event(kind, seen.at, ACTOR, None, organisation.id, "seen by its id", data)])
            aliases = tuple(dict.fromkeys([*organisation.aliases, organisation.login]))
            organisation = replace(organisation, login=login, aliases=aliases)
        return replace(organisation, owner_id=owner_id)

    def _baseline(
        self, tx: Writes, organisation: Organisation, observed: Observed, seen: Seen
    ) -> Organisation:
        """End the first whole look with one digest instead of a notice per repository."""
        if organisation.baseline:
            return organisation
        count = observed.count
        kind = Kind.ORGANISATION_IMPORTED
        tx.append([Event(kind, seen.at, ACTOR, None, organisation.id, "first look", {"repositories": count})])
        title = f"{organisation.login}: {count} repositories came in"
        body = "All are on watch: seen, never touched. Take one in with: steward project drive SLUG"
        tx.enqueue([Notice(f"baseline:{organisation.id}", seen.at, title, body)], self._channels)
        return replace(organisation, baseline=True)

    def _remember(
        self, tx: Writes, organisation: Organisation, observed: Observed, *, agrees: bool
    ) -> Organisation:
        """Keep the page validators of a look that was applied.

        Where the record does not agree with it (single looks have overtaken it, or something that it lacks
        is in its grace), the next look must compare even if no page has changed.
        """
        pages = observed.listing.pages
        sent = {p.mark.number: (p.mark, p.entries) for p in pages if p.entries is not None}
        tx.save_marks(organisation.id, sent, len(pages))
        return replace(
            organisation,
            marks_revision=organisation.revision if agrees else None,
            marks_credential=observed.listing.credential,
        )

    def _partial(self, organisation: Organisation, look: Look, error: Incomplete) -> Report:
        """Use what was seen; conclude nothing of what was not."""
        ours = {i: repo for i, repo in error.seen.items() if repo.owner_id == organisation.owner_id}
        if ours:
            seen = Seen(organisation.id, look.id, self._clock.now())
            with self._store.writing(self._lease) as tx:
                organisation = tx.organisation(organisation.id)
                recorded = tx.digests(organisation.id)
                ids = [i for i, repo in ours.items() if recorded.get(i) != repo.digest]
                work = Reconciliation(tx, organisation, seen, self._channels)
                work.apply(looking.seen_changes(tx, ours, ids, organisation, look.id))
                applied = work.finish()
                tx.save_organisation(applied.organisation)
                look = replace(look, changes=applied.counts)
        return self._failed(organisation, look, error, error.cost, "partial", len(ours))

    def _failed(
        self,
        organisation: Organisation,
        look: Look,
        error: Transient | Permanent,
        cost: Cost,
        outcome: str = "failed",
        observed: int = 0,
    ) -> Report:
        look = self._ended(look, outcome, observed, cost, look.changes or {}, reason=error.reason)
        seen = Seen(organisation.id, look.id, self._clock.now())
        with self._store.writing(self._lease) as tx:
            tx.finish_look(look)
            self._note_budget(tx)
            organisation = fail_look(tx, organisation.id, error, seen, self._channels)
        return replace(
            self._report(organisation, look, cost),
            whole=False,
            changes=look.changes or {},
            reason=str(error),
            retry_at=error.retry_at if isinstance(error, Transient) else None,
        )

    def _note_budget(self, tx: Writes) -> None:
        """Keep what is left of the rate limit, for other processes to show."""
        budget = self._forge.budget()
        if budget == self._noted:
            return
        self._noted = budget
        reset_at = budget.reset_at.isoformat() if budget.reset_at else None
        tx.set_setting(BUDGET, {"limit": budget.limit, "remaining": budget.remaining, "reset_at": reset_at})

    def round(self, organisation_id: int) -> Report | None:
        """Read by id what is being confirmed and due, between beats; None if nothing is."""
        now = self._clock.now()
        with self._store.reading() as view:
            organisation = view.organisation(organisation_id)
            due = looking.due_reads(view, organisation, self._rules, now, everything=False)
        if not due or organisation_id not in self._server_clocks:
            return None
        look = Look(0, organisation_id, "single", now, asked_by="confirmation")
        with self._store.writing(self._lease) as tx:
            look = replace(look, id=tx.begin_look(look))
        readings = read_each(self._forge, self._store, organisation, due)
        report = self._apply(organisation, look, Survey(None, readings))
        stopped = readings.stopped
        return replace(report, retry_at=stopped.retry_at if isinstance(stopped, Transient) else None)

    def look_at(
        self, organisation_id: int, repo_ids: Sequence[int], vouched: Mapping[int, str]
    ) -> Report | None:
        """Read these repositories by id now, recorded or not, because deliveries name them.

        `vouched` maps those whose deletion was told to what tells it. None before the first whole look of
        this process: nothing was asked. Never raises for what the forge did; `unclear` says it.
        """
        with self._store.reading() as view:
            organisation = view.organisation(organisation_id)
            known = view.tracked(repo_ids)
        if not organisation.baseline or organisation_id not in self._server_clocks:
            return None
        look = Look(0, organisation_id, "single", self._clock.now(), asked_by="webhook")
        with self._store.writing(self._lease) as tx:
            look = replace(look, id=tx.begin_look(look))
        readings = read_named(self._forge, self._store, organisation, repo_ids, known)
        report = self._apply(organisation, look, Survey(None, readings, vouched))
        stopped = readings.stopped
        return replace(
            report,
            retry_at=stopped.retry_at if isinstance(stopped, Transient) else None,
            unclear=unclear(repo_ids, readings, known, vouched),
        )

    def _ended(
        self,
        look: Look,
        outcome: str,
        observed: int,
        cost: Cost,
        changes: Mapping[str, int],
        held: int = 0,
        reason: str = "",
    ) -> Look:
        return replace(
            look,
            outcome=outcome,
            finished_at=self._clock.now().at,
            reason=reason,
            observed=observed,
            requests=cost.requests,
            not_modified=cost.not_modified,
            points=cost.points,
            held=held,
            changes={kind: count for kind, count in changes.items() if count},
        )

    def _report(
        self, organisation: Organisation, look: Look, cost: Cost, applied: Applied | None = None
    ) -> Report:
        return Report(
            login=organisation.login,
            state=organisation.state.value,
            whole=True,
            observed=look.observed,
            cost=cost,
            changes=applied.counts if applied else dict.fromkeys(drift.KINDS, 0),
            held=look.held,
            look=look.id,
        )
