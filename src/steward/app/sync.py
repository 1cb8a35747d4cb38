"""Looks on demand: by ourselves where nothing runs, else by asking the process that does, and waiting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from steward.app import looking
from steward.app.connecting import choose, connect
from steward.app.errors import Forbidden, Invalid, Unknown
from steward.app.heartbeat import NEWEST, Heartbeat, Report
from steward.app.outbox import Outbox
from steward.app.parts import Parts, end_unfinished
from steward.app.views import Json, stamp
from steward.domain.belief import Context
from steward.domain.drift import Born, Change, Discovered, MovedHere, Present
from steward.domain.instant import Instant, elapsed_s
from steward.domain.people import Principal, Right
from steward.domain.project import Look, Organisation
from steward.domain.repository import Cost
from steward.ports import ForgeRead, Lease, Permanent, Transient, Unreachable

LEASE = "heartbeat"
ASK_TIMEOUT_S = 600.0
POLL_S = 0.2

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sync:
    """The looks that a principal asks for."""

    parts: Parts
    by: Principal

    def run(self, logins: Sequence[str] = (), *, progress: Progress) -> Json:
        """Look at the named organisations (all, if none is named) now, and wait for the result.

        Raises Unknown, BadSettings, StoreUnavailable. What the forge did is in the result.
        """
        chosen = self._choose(self._connected(), logins)
        asked_by = self.by.actor
        lease = self.parts.store.acquire(LEASE, self.parts.holder)
        if lease is None:
            return self._ask(chosen, asked_by, progress)
        try:
            reports = self._look(chosen, lease, asked_by, progress)
        finally:
            self.parts.store.release(lease)
        return {"organisations": reports}

    def ask(self, logins: Sequence[str] = ()) -> list[Json]:
        """Ask the process that runs the loops for a look at each of the named organisations (all, if none is).

        Raises Unknown, BadSettings, and Unreachable where no process runs them.
        """
        chosen = self._choose(self._connected(), logins)
        if self.parts.store.holder(LEASE) is None:
            raise Unreachable("no Steward looks at GitHub now: the loops run in `steward up`")
        at = self.parts.clock.now().at
        with self.parts.store.writing() as tx:
            asked = [tx.ask_look(one.id, self.by.actor, at) for one in chosen]
        return self.asked(asked)

    def asked(self, ids: Sequence[int]) -> list[Json]:
        """Looks that were asked for; `report` is None until one was made. Raises Unknown."""
        return [self._asked(one) for one in ids]

    def _asked(self, request_id: int) -> Json:
        with self.parts.store.reading() as view:
            request = view.look_request(request_id)
            if request is None or not self.by.may(Right.READ, request.organisation_id):
                raise Unknown("look that was asked for", str(request_id))
            look = view.look(request.look) if request.look is not None else None
            login = view.organisation(request.organisation_id).login
        return {
            "id": request.id,
            "organisation": login,
            "asked_by": request.asked_by,
            "asked_at": stamp(request.asked_at),
            "report": self._served(request.organisation_id, look) if look else None,
        }

    def _choose(self, connected: Sequence[Organisation], logins: Sequence[str]) -> list[Organisation]:
        """Those named; all that may be looked at, if none is. Raises Unknown, Forbidden."""
        chosen = choose([o for o in connected if self.by.may(Right.READ, o.id)], logins)
        if not logins:
            mine = [o for o in chosen if self.by.may(Right.LOOK, o.id)]
            chosen = mine or chosen
        for organisation in chosen:
            if not self.by.may(Right.LOOK, organisation.id):
                raise Forbidden(Right.LOOK, self.by.actor, organisation.login)
        return chosen

    def _connected(self) -> list[Organisation]:
        if not self.parts.logins:
            raise Invalid(
                "no organisation is configured",
                "Set STEWARD_GITHUB_ORGS and STEWARD_GITHUB_TOKEN, or run `steward init`; "
                "`steward up` without them shows a sample organisation.",
            )
        return connect(self.parts.store, self.parts.logins, self.parts.server, self.parts.clock.now().at)

    def _look(
        self, chosen: Sequence[Organisation], lease: Lease, asked_by: str, progress: Progress
    ) -> list[Json]:
        own = self.parts
        end_unfinished(own, lease)
        heartbeat = Heartbeat(own.store, own.forge(), own.clock, own.rules, own.channels, lease)
        reports = []
        for organisation in chosen:
            progress(f"{organisation.login}: looking")
            report = heartbeat.beat(organisation.id, asked_by)
            reports.append({**report.json(), "next_confirmation_s": self._next(organisation.id)})
        Outbox(self.parts.store, self.parts.notifiers, self.parts.clock).deliver(lease)
        self.parts.store.publish()
        return reports

    def _next(self, organisation_id: int) -> float | None:
        """Seconds until the next read by id may count; None if nothing is being confirmed."""
        now, spacing_s = self.parts.clock.now(), self.parts.rules.confirm_spacing_s
        with self.parts.store.reading() as view:
            pending = view.absences(organisation_id, self.parts.rules.reads_per_round)
        waits = [_wait_s(t.repository.confirmed, now, spacing_s) for t in pending]
        return round(min(waits), 1) if waits else None

    def _ask(self, chosen: Sequence[Organisation], asked_by: str, progress: Progress) -> Json:
        """Have the process that holds the lease look, and wait until it has."""
        at = self.parts.clock.now()
        with self.parts.store.writing() as tx:
            asked = {o.id: tx.ask_look(o.id, asked_by, at.at) for o in chosen}
        progress(f"asked the running Steward ({self.parts.store.holder(LEASE)}) for a look")
        reports = []
        for organisation in chosen:
            look = self._await(asked[organisation.id], at)
            reports.append(self._served(organisation.id, look))
        return {"organisations": reports}

    def _await(self, request_id: int, since: Instant) -> Look:
        while elapsed_s(since, self.parts.clock.now()) < ASK_TIMEOUT_S:
            with self.parts.store.reading() as view:
                request = view.look_request(request_id)
                if request is not None and request.look is not None:
                    look = view.look(request.look)
                    assert look is not None, "a served request names a stored look"
                    return look
            if self.parts.store.holder(LEASE) is None:
                raise Invalid("the running Steward stopped before it looked", "Run `steward sync run` again.")
            if self.parts.clock.wait(POLL_S):
                break
        raise Invalid(
            "the running Steward did not look in time",
            "See what it is doing: `steward sync status`, `steward event tail`.",
        )

    def _served(self, organisation_id: int, look: Look) -> Json:
        with self.parts.store.reading() as view:
            organisation = view.organisation(organisation_id)
        finished = look.finished_at or look.started.at
        report = Report(
            login=organisation.login,
            state=organisation.state.value,
            whole=look.outcome == "whole",
            observed=look.observed,
            cost=Cost(look.requests, look.not_modified, look.points),
            changes=look.changes or {},
            held=look.held,
            duration_s=max(0.0, (finished - look.started.at).total_seconds()),
            reason=look.reason,
            look=look.id,
        )
        return {**report.json(), "next_confirmation_s": self._next(organisation_id)}

    def plan(self, logins: Sequence[str] = ()) -> Json:
        """What a look would change now, believed and all; nothing is written."""
        with self.parts.store.reading() as view:
            known = [o for o in view.organisations() if o.server == self.parts.server]
        recorded = [o for o in known if _configured(o, self.parts.logins)]
        absent = [name for name in self.parts.logins if not any(_configured(o, [name]) for o in recorded)]
        fresh = [Organisation(0, name, self.parts.server) for name in absent]
        chosen = self._choose([*recorded, *fresh], logins)
        return {"organisations": [self._plan(o) for o in chosen]}

    def _plan(self, organisation: Organisation) -> Json:
        forge = self.parts.forge()
        try:
            changes, reason = self._planned(forge, organisation)
        except (Transient, Permanent) as error:
            return {"login": organisation.login, "whole": False, "reason": str(error), "changes": []}
        return {
            "login": organisation.login,
            "whole": True,
            "reason": reason,
            "changes": [_change_view(change) for change in changes],
        }

    def _planned(self, forge: ForgeRead, organisation: Organisation) -> tuple[list[Change], str]:
        now = self.parts.clock.now()
        with self.parts.store.reading() as view:
            marks = looking.known_marks(view, organisation)
        seen = looking.survey(forge, self.parts.store, organisation, marks, NEWEST, now, self.parts.rules)
        assert seen.observed is not None, "a survey lists"
        organisation = replace(organisation, last_whole_look=NEWEST)
        with self.parts.store.reading() as view:
            context = Context(
                organisation=organisation,
                homes=looking.homes(view, organisation),
                evidence=seen.readings.evidence,
                expected=looking.expectations(view, organisation),
                look=NEWEST,
                now=now,
                server_at=seen.observed.listing.server_at or now.at,
                rules=self.parts.rules,
            )
            shown = list(looking.shown_changes(view, seen, context))
            changes = [*shown, *looking.missed_changes(view, seen, context)]
        return changes, seen.readings.stopped.reason if seen.readings.stopped else ""


def _configured(organisation: Organisation, logins: Sequence[str]) -> bool:
    names = {name.lower() for name in (organisation.login, *organisation.aliases)}
    return any(login.lower() in names for login in logins)


def _wait_s(confirmed: Instant | None, now: Instant, spacing_s: float) -> float:
    return 0.0 if confirmed is None else max(0.0, spacing_s - elapsed_s(confirmed, now))


def _change_view(change: Change) -> Json:
    shown: Json = {"kind": change.kind, "repository": None, "project": None, "text": change.text()}
    before = None if isinstance(change, Born) else change.before
    if before is not None:
        shown["repository"] = before.repository.repo.full_name
        shown["project"] = before.project.slug if before.project else None
    if isinstance(change, Discovered | Born | MovedHere | Present):
        shown["repository"] = change.repo.full_name
    return shown
