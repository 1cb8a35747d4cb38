"""What a person may ask of the road: orders with a spec, the gates, retry, cancel, updates, rollback.

Each call is one transaction with its history. Where an operation stands between a word and its move, the word
writes the operation; what it comes to is the operation's to show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from secrets import token_hex
from typing import Any

from steward.app.describing import TEXT_MAX, Describing, Wish
from steward.app.driving import requeue, road, start_work
from steward.app.errors import Invalid
from steward.app.filing import file_reports, told
from steward.app.holds import held_words
from steward.app.operations.ending import again_as, cancel, failure_key, queue
from steward.app.operations.reverting import leaves_work
from steward.app.views import Json
from steward.domain.driving import beside, opens, untaken
from steward.domain.guards import Guard
from steward.domain.journal import Kind
from steward.domain.lifecycle import Refused, Who
from steward.domain.operations import THEIRS, Operation, OperationState, Work
from steward.domain.people import Right
from steward.domain.project import Project
from steward.domain.reports import Seen, cleared
from steward.domain.spec import Template, Update
from steward.domain.status import OPERATION_OF, Status, Trigger
from steward.domain.verdict import Colour
from steward.ports import Writes


class Building(Describing):
    """What one principal may ask of the road. Each call may raise Forbidden, Refused, Invalid, Stale, Unknown."""

    def ways(self) -> Mapping[Trigger, Callable[[str, str], Json]]:
        """The moves that have effects of their own."""
        own: dict[Trigger, Callable[[str, str], Json]] = {
            Trigger.APPROVED: self.approve,
            Trigger.CONFIRMED: self.confirm,
            Trigger.CANCELLED: self.cancel,
            Trigger.STARTED: self.start,
            Trigger.RESOLVED: self.resolve,
            Trigger.UPDATE_REQUESTED: self.update,
            Trigger.NEW_SPEC: self.redesign,
            Trigger.SMALL_CHANGE: self.rebuild,
            Trigger.UPDATE_ABANDONED: self.abandon,
        }
        return {**super().ways(), **own} if self.templates is not None else super().ways()

    def approve(self, reference: str, reason: str = "") -> Json:  # noqa: ARG002 - a gate's word may have one
        """Approve a draft's brief: its spec is checked and estimated. The estimate is what moves it on.

        A draft that nobody described is made of the built-in template.
        """
        template = self.read_template(Wish())
        with told(self.store) as tx:
            project = self.have_specified(tx, reference, template)
            return self.shown(tx, project.id)

    def have_specified(self, tx: Writes, reference: str, template: Template) -> Project:
        """What approving is, in the caller's transaction; a refusal comes before anything is written."""
        project, _ = self.mine(tx, reference, Trigger.APPROVED)
        self.only_one(tx, project)
        spec = tx.spec(project.id) or self.store_spec(tx, project, template, Wish())
        queue(tx, self._operation(project, Work.SPECIFY, spec_version=spec.version), self.actor)
        return project

    def confirm(self, reference: str, reason: str = "", budget_usd: float | None = None) -> Json:
        """Confirm the estimate: the repository is created, and the work begins within the budget."""
        self.driven()
        with told(self.store) as tx:
            project, who = self.mine(tx, reference, Trigger.CONFIRMED)
            self.only_one(tx, project)
            last = road(tx.operations(project.id, limit=20))
            if last is None:
                raise Refused("guard", Guard.ESTIMATE_MADE.words, (Guard.ESTIMATE_MADE,))
            tx.set_budget(project.id, self.policy.budget_usd if budget_usd is None else budget_usd)
            proofs = frozenset({Guard.NAME_FREE, Guard.BUDGET_SET})
            seen = self.seen(tx, project.organisation_id)
            self.move(tx, project, Trigger.CONFIRMED, proofs, reason, seen, who)
            queue(tx, replace(again_as(last, Work.PROVISION, seen.at, {}), asked_by=self.actor), self.actor)
            return self.shown(tx, project.id)

    def budget(self, reference: str, usd: float) -> Json:
        """Let the project's agents cost so much in all; 0: no limit. What failed for it can be retried then."""
        with told(self.store) as tx:
            _, project = self.found(tx, reference, Right.APPROVE)
            what = {"budget_usd": [tx.budget_usd(project.id), usd]}
            tx.set_budget(project.id, usd)
            seen = self.seen(tx, project.organisation_id)
            tx.append([self.event(Kind.PROJECT_CHANGED, seen, project, changes=what)])
            return self.shown(tx, project.id)

    def cancel(self, reference: str, reason: str = "") -> Json:
        """Stop what runs; a draft or an estimate is put away, as nothing was created."""
        with told(self.store) as tx:
            project, who = self.mine(tx, reference, Trigger.CANCELLED)
            seen = self.seen(tx, project.organisation_id)
            self._stop(tx, project, seen, reason or "cancelled by a person")
            update = tx.open_update(project.id)
            proofs = {Guard.OPERATION_STOPPED} | ({Guard.UPDATE_OPEN} if update else set())
            self.move(tx, project, Trigger.CANCELLED, frozenset(proofs), reason, seen, who)
            return self.shown(tx, project.id)

    def start(self, reference: str, reason: str = "") -> Json:  # noqa: ARG002 - the same
        """Go on along the road from a settled status, where that waits for a person's word."""
        with told(self.store) as tx:
            project, who = self.mine(tx, reference, Trigger.STARTED)
            self._free(tx, project)
            if not start_work(tx, project.id, self.policy, self.clock, self.actor, who, word=True):
                raise Refused(
                    "guard", "there is nothing to start: the project was not built by Steward so far"
                )
            return self.shown(tx, project.id)

    def retry(self, reference: str, reason: str = "") -> Json:
        """Once more what failed or was cancelled, with what it had found and made.

        A reason given to a verification that found no checks waives them.
        """
        self.driven()
        with told(self.store) as tx:
            _, project = self.found(tx, reference, Right.WRITE)
            if project.status is Status.ERROR:
                return self._resolved(tx, project, None, reason)
            operations = tx.operations(project.id)
            last = beside(operations) or road(operations)
            if last is None or last.is_open or last.state is OperationState.SUCCEEDED:
                raise Refused("edge", f"nothing of {project.slug} has failed or was cancelled")
            self._free(tx, project)
            if project.status is Status.DRAFT or last.kind in (Work.ROLLBACK, Work.REVERT):
                self.only_one(tx, project)
                self._once_more(tx, last, reason)
                self._clear(tx, project, reason)
            elif not start_work(tx, project.id, self.policy, self.clock, self.actor, Who.SYSTEM, word=True):
                raise Refused("edge", f"nothing goes on from {project.status} by itself")
            return self.shown(tx, project.id)

    def resolve(self, reference: str, reason: str = "", to: Status | None = None) -> Json:
        """Say that the cause of an error is gone: on where it stopped, or to the settled status before it."""
        self.driven()
        with told(self.store) as tx:
            project, _ = self.mine(tx, reference, Trigger.RESOLVED)
            return self._resolved(tx, project, to, reason)

    def _resolved(self, tx: Writes, project: Project, to: Status | None, reason: str) -> Json:
        seen = self.seen(tx, project.organisation_id)
        self._free(tx, project)
        self.only_one(tx, project)
        update = tx.open_update(project.id)
        proofs = {Guard.CAUSE_GONE} | ({Guard.UPDATE_OPEN} if update else set())
        moved = self.move(
            tx, project, Trigger.RESOLVED, frozenset(proofs), reason, seen, Who.PERSON, choice=to
        )
        kind = OPERATION_OF.get(moved.status)
        failed = next((one for one in tx.operations(project.id) if one.kind == kind), None)
        if failed is not None:
            self._once_more(tx, failed, reason)
        self._clear(tx, project, reason)
        return self.shown(tx, project.id)

    def _once_more(self, tx: Writes, operation: Operation, reason: str) -> None:
        """The next attempt, with what this word adds: a waiver of checks, a spec that was mended meanwhile."""
        added: dict[str, Any] = {}
        if reason and operation.kind is Work.VERIFY and _lacks_checks(operation):
            added["waived"] = reason
        spec = tx.spec(operation.project_id)
        if operation.kind is Work.SPECIFY and spec is not None:
            added["spec_version"] = spec.version
        if added:
            operation = tx.save_operation(replace(operation, facts={**operation.facts, **added}))
        requeue(tx, operation, self.actor, reason, self.clock, word=True)

    def _clear(self, tx: Writes, project: Project, reason: str) -> None:
        seen = self.seen(tx, project.organisation_id)
        why = reason or f"{self.actor} lets it go on"
        file_reports(tx, [cleared(failure_key(project.id), seen, why)], seen.at, self.actor, self.channels)

    def update(self, reference: str, text: str = "") -> Json:
        """Ask for a change of what is live. One is open at a time; further ones wait in line."""
        self.driven()
        with told(self.store) as tx:
            project = self.place_update(tx, reference, text.strip())
            return self.shown(tx, project.id)

    def place_update(self, tx: Writes, reference: str, text: str) -> Project:
        """The update itself, in the caller's transaction; a refusal comes before anything is written."""
        if not text:
            raise Refused("guard", Guard.UPDATE_DESCRIBED.words, (Guard.UPDATE_DESCRIBED,))
        if len(text) > TEXT_MAX:
            raise Invalid(f"an update's text has at most {TEXT_MAX} characters", "Shorten it.")
        _, project = self.found(tx, reference, Right.WRITE)
        if project.live is None:
            raise Refused("edge", "an update changes what is live; nothing of this project is")
        seen = self.seen(tx, project.organisation_id)
        line = tx.updates(project.id)
        first = not any(one.state == "queued" for one in line)
        at_once = first and opens(
            project, tx.operations(project.id), line, held=bool(held_words(tx, project))
        )
        state = "open" if at_once else "queued"
        saved = tx.save_update(Update(project.id, 0, text, state, self.actor, seen.at))
        data = {"number": saved.number, "text": text[:200]}
        tx.append([self.event(Kind.UPDATE_REQUESTED, seen, project, "", **data)])
        if at_once:
            proofs = frozenset({Guard.UPDATE_DESCRIBED})
            self.move(tx, project, Trigger.UPDATE_REQUESTED, proofs, text[:200], seen)
        return project

    def redesign(self, reference: str, reason: str = "") -> Json:
        """Build the open update after a design of its own."""
        return self._begin_update(reference, reason, design=True)

    def rebuild(self, reference: str, reason: str = "") -> Json:
        """Build the open update at once: the design stands."""
        return self._begin_update(reference, reason, design=False)

    def _begin_update(self, reference: str, reason: str, *, design: bool) -> Json:
        trigger = Trigger.NEW_SPEC if design else Trigger.SMALL_CHANGE
        with told(self.store) as tx:
            project, who = self.mine(tx, reference, trigger)
            self._free(tx, project)
            self.only_one(tx, project)
            if untaken(tx.operations(project.id)) is not None:
                words = "the work of an abandoned update is not taken back yet; retry that first"
                raise Refused("guard", words)
            update, spec = tx.open_update(project.id), tx.spec(project.id)
            last = road(tx.operations(project.id, limit=20))
            if update is None or last is None or spec is None:
                raise Refused("guard", Guard.UPDATE_OPEN.words, (Guard.UPDATE_OPEN,))
            seen = self.seen(tx, project.organisation_id)
            proofs = frozenset({Guard.SPEC_STORED, Guard.UPDATE_DESCRIBED})
            self.move(tx, project, trigger, proofs, reason, seen, who)
            tx.save_update(replace(update, spec_version=spec.version))
            work = Work.DESIGN if design else Work.IMPLEMENT
            made = again_as(last, work, seen.at, {"spec_version": spec.version, THEIRS: False})
            queue(tx, replace(made, update=update.number, asked_by=self.actor), self.actor)
            return self.shown(tx, project.id)

    def abandon(self, reference: str, reason: str = "") -> Json:
        """End the open update: what is live stays, and work already merged is taken back."""
        with told(self.store) as tx:
            project, who = self.mine(tx, reference, Trigger.UPDATE_ABANDONED)
            update = tx.open_update(project.id)
            if update is None or project.live is None:
                raise Refused("guard", Guard.UPDATE_OPEN.words, (Guard.UPDATE_OPEN,))
            seen = self.seen(tx, project.organisation_id)
            self._stop(tx, project, seen, "the update was abandoned")
            proofs = frozenset({Guard.UPDATE_OPEN, Guard.RELEASE_LIVE})
            self.move(tx, project, Trigger.UPDATE_ABANDONED, proofs, reason, seen, who)
            tx.save_update(replace(update, state="abandoned", ended_at=seen.at))
            data = {"number": update.number}
            tx.append([self.event(Kind.UPDATE_ABANDONED, seen, project, reason, **data)])
            self._clear(tx, project, "the update was abandoned")
            done = tx.operations(project.id)
            if any(one.update == update.number and leaves_work(one) for one in done):
                made = self._operation(project, Work.REVERT)
                queue(tx, replace(made, update=update.number), self.actor)
            return self.shown(tx, project.id)

    def rollback(self, reference: str, release: int | None = None) -> Json:
        """Put an earlier release live again: the named one, else the last good one. The status stays."""
        self.driven()
        with told(self.store) as tx:
            _, project = self.found(tx, reference, Right.APPROVE)
            releases = tx.releases(project.id)
            able = [one for one in releases if one.state == "superseded" and release in (None, one.number)]
            if not able:
                raise Refused("edge", "there is no such earlier release that was live")
            self.only_one(tx, project)
            self._free(tx, project)
            facts = {"release": able[0].number}
            queue(tx, self._operation(project, Work.ROLLBACK, **facts), self.actor)
            return self.shown(tx, project.id)

    def _stop(self, tx: Writes, project: Project, seen: Seen, why: str) -> None:
        operation = tx.open_operation(project.id)
        if operation is not None:
            cancel(tx, operation, seen.at, self.actor, why)

    def _free(self, tx: Writes, project: Project) -> None:
        if held := held_words(tx, project):
            raise Refused("guard", f"{Guard.NOT_HELD.words}: {held}", (Guard.NOT_HELD,))

    def _operation(self, project: Project, kind: Work, **facts: Any) -> Operation:
        return Operation(
            id=token_hex(8),
            project_id=project.id,
            organisation_id=project.organisation_id,
            kind=kind,
            state=OperationState.QUEUED,
            asked_by=self.actor,
            created_at=self.clock.now().at,
            facts=facts,
        )


def _lacks_checks(operation: Operation) -> bool:
    """Whether it failed because nothing had checked its commit."""
    failure = operation.failure
    return failure is not None and failure.evidence.get("colour") == Colour.NONE
