"""What a person may do about holds: pause, the ways out, the policy; and how holds are shown with their ways out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from steward.app.accounts import accept
from steward.app.acting import Acts
from steward.app.driving import requeue, road
from steward.app.errors import Invalid
from steward.app.filing import told
from steward.app.holds import asks_for_scan, lift, place
from steward.app.operations.ending import again_as, cancel, make_move, queue
from steward.app.queries import find_project, one_project, the_project
from steward.app.scanning import ask_scan
from steward.app.views import Json, stamp
from steward.domain.guards import Guard
from steward.domain.hands import Exit, HandsOff, Hold, Reason
from steward.domain.journal import Kind
from steward.domain.lifecycle import Refused, Who
from steward.domain.operations import THEIRS, Operation, OperationState, Work
from steward.domain.people import Right
from steward.domain.project import Management, Project
from steward.domain.reports import Seen
from steward.domain.spec import Update
from steward.domain.status import OPERATION_OF, Status, Trigger
from steward.ports import Writes
from steward.ports.hands import Patch

REASON_MAX: Final = 500
WRITING: Final = (Work.DESIGN, Work.IMPLEMENT)
"""Operations with work of their own on a branch of ours."""

MEANING: Final = {
    Exit.RESUME: "Take what they did as it is, and go on",
    Exit.SHIP: "Take what they did as it is; verify it and put it live now",
    Exit.REBASE: "Take what they did as it is, and put our unfinished work on top of it",
    Exit.HAND_OVER: "Leave the project to them: Steward watches, and touches nothing",
    Exit.STOP: "Take what they did as it is, give our unfinished work up, and wait for a person's word",
}
"""What each way out does, in words that fit on a button's side."""


def ways_out(hold: Hold, project: Project, operation: Operation | None) -> list[Exit]:
    """The ways out of a hold, as things stand."""
    if hold.reason in (Reason.FILE, Reason.TOPIC):
        return [Exit.HAND_OVER]
    if hold.reason is Reason.PAUSED:
        return [Exit.RESUME, Exit.HAND_OVER]
    ways = [Exit.RESUME]
    if hold.reason is Reason.FOREIGN and project.status is Status.ACTIVE and hold.evidence.get("tip"):
        ways.append(Exit.SHIP)
    works = operation is not None and operation.kind in WRITING
    if hold.reason is Reason.FOREIGN and works and hold.evidence.get("tip"):
        ways.append(Exit.REBASE)
    return [*ways, Exit.HAND_OVER, Exit.STOP]


def hold_view(hold: Hold, slug: str, ways: list[Exit]) -> Json:
    """A hold as faces show it, with its evidence and the ways out, each with what it does and its command."""
    return {
        "id": hold.id,
        "reason": hold.reason.value,
        "words": hold.words,
        "since": stamp(hold.since),
        "by": hold.by,
        "evidence": dict(hold.evidence),
        "until_green": hold.until_green,
        "lifted_at": stamp(hold.lifted_at) if hold.lifted_at else None,
        "lifted_by": hold.lifted_by,
        "exit": hold.exit,
        "exits": [{"exit": way.value, "words": MEANING[way], "command": _command(way, slug)} for way in ways],
    }


def _command(way: Exit, slug: str) -> str:
    return f"steward project resume {slug}" + ("" if way is Exit.RESUME else f" --by {way.value}")


def patch_view(patch: Patch) -> Json:
    """A kept patch, without its text."""
    return {
        "id": patch.id,
        "operation": patch.operation_id,
        "attempt": patch.attempt,
        "base": patch.base,
        "at": stamp(patch.at),
        "why": patch.why,
        "size": len(patch.text),
        "cut": patch.cut,
    }


@dataclass(frozen=True, slots=True)
class Hands(Acts):
    """What one principal may ask about holds. Each call may raise Forbidden, Stale, Unknown, Refused, Invalid."""

    def shown(self, reference: str) -> Json:
        """`{policy, holds, lifted, patches}` of a project: those that stand with their ways out, the last lifted."""
        with self.store.reading() as view:
            project = the_project(find_project(view, reference, self.by))
            operation = view.open_operation(project.id)
            return {
                "policy": project.hands_off.value,
                "holds": [
                    hold_view(one, project.slug, ways_out(one, project, operation))
                    for one in view.holds(project.id)
                ],
                "lifted": [
                    hold_view(one, project.slug, []) for one in view.holds(project.id, lifted=True, limit=10)
                ],
                "patches": [patch_view(one) for one in view.patches(project.id)],
            }

    def patch(self, reference: str, number: int | None = None) -> Patch:
        """A kept patch with its text: the newest where none is named. Raises Invalid where there is none."""
        with self.store.reading() as view:
            project = the_project(find_project(view, reference, self.by))
            found = [one for one in view.patches(project.id) if number in (None, one.id)]
        if not found:
            raise Invalid(f"{project.slug} has no such kept patch", "Patches are kept when a run is stopped.")
        return found[0]

    def policy_of(self, reference: str, policy: HandsOff) -> Json:
        """Say what a person's push to the default branch does from now on."""
        with told(self.store) as tx:
            _, project = self.found(tx, reference, Right.WRITE)
            seen = self.seen(tx, project.organisation_id)
            if project.hands_off is not policy:
                changes = {"hands_off": [project.hands_off.value, policy.value]}
                project = tx.save_project(replace(project, hands_off=policy), seen.at)
                tx.append([self.event(Kind.PROJECT_CHANGED, seen, project, changes=changes)])
            return one_project(tx, find_project(tx, project.id, self.by))

    def pause(self, reference: str, reason: str = "") -> Json:
        """Hold a project until somebody says that it may go on. What runs is stopped; its work is kept."""
        if len(reason) > REASON_MAX:
            raise Invalid(f"a reason has at most {REASON_MAX} characters", "Shorten it.")
        with told(self.store) as tx:
            _, project = self.found(tx, reference, Right.WRITE)
            seen = self.seen(tx, project.organisation_id)
            words = f"paused: {reason}" if reason else "paused by a person"
            hold = Hold(
                project.id,
                project.organisation_id,
                Reason.PAUSED,
                words,
                seen.at,
                self.actor,
                {"why": reason},
            )
            place(tx, project, hold, seen, self.actor, self.channels)
            return one_project(tx, find_project(tx, project.id, self.by))

    def leave(
        self, reference: str, way: Exit = Exit.RESUME, reason: str = "", *, hold: int | None = None
    ) -> Json:
        """Leave the holds of a project (one of them, where it is named) by one of their ways.

        Raises Refused where nothing holds it, or where that way is none of theirs.
        """
        with told(self.store) as tx:
            _, project = self.found(tx, reference, Right.WRITE)
            operation = tx.open_operation(project.id)
            standing = [one for one in tx.holds(project.id) if hold in (None, one.id)]
            if not standing:
                raise Refused("edge", f"nothing holds {project.slug}")
            able = [one for one in standing if way in ways_out(one, project, operation)]
            if not able:
                raise Refused("guard", _refusal(standing, way, project, operation), (Guard.NOT_HELD,))
            seen = self.seen(tx, project.organisation_id)
            for one in able:
                self._take(tx, project, one, seen, reason)
                lift(tx, one, seen, self.actor, way.value, reason, self.channels)
            acts: dict[Exit, Callable[[Writes, Project, Hold, Seen, str], None]] = {
                Exit.SHIP: self._ship,
                Exit.REBASE: self._rebase,
                Exit.HAND_OVER: self._hand_over,
                Exit.STOP: self._stop,
            }
            if way in acts:
                acts[way](tx, project, able[0], seen, reason)
            return one_project(tx, find_project(tx, project.id, self.by))

    def _take(self, tx: Writes, project: Project, hold: Hold, seen: Seen, reason: str) -> None:
        """What they did is known from here on; on a branch of ours, our work goes on from it."""
        if hold.reason not in (Reason.FOREIGN, Reason.BRANCH) or project.repository_id is None:
            return
        accept(tx, project.repository_id, hold, seen, reason, self.actor)
        if self.scans and asks_for_scan(hold):
            ask_scan(tx, project, self.actor, seen.at)
        operation = tx.open_operation(project.id)
        if hold.reason is Reason.FOREIGN or operation is None or operation.kind not in WRITING:
            return
        tip = hold.evidence.get("tip")
        facts = {name: value for name, value in operation.facts.items() if name != "remote"}
        if tip is not None:
            facts |= {"head": tip, "intent": tip, "remote": tip}
        tx.save_operation(replace(operation, facts=facts))

    def _rebase(self, tx: Writes, project: Project, hold: Hold, _seen: Seen, reason: str) -> None:
        operation = tx.open_operation(project.id)
        if operation is None:
            return
        facts = {**operation.facts, "onto": hold.evidence["tip"]}
        row = tx.save_operation(replace(operation, facts=facts))
        if row.state is not OperationState.QUEUED:
            # From its first step on, where the work is put on its new base; an attempt under way is overtaken.
            requeue(tx, row, self.actor, reason or "its work is put on top of theirs", self.clock)

    def _ship(self, tx: Writes, project: Project, hold: Hold, seen: Seen, reason: str) -> None:
        """A person's commits become an update of their own: verified, then deployed."""
        last = road(tx.operations(project.id))
        if last is None or tx.open_operation(project.id) is not None:
            raise Refused(
                "edge", f"{project.slug} cannot be verified now: something of it runs, or nothing ever did"
            )
        names = ", ".join(str(name) for name in hold.evidence.get("who") or ()) or "somebody"
        text = f"What {names} pushed to {hold.evidence.get('branch')}"
        made = tx.save_update(Update(project.id, 0, text, "open", self.actor, seen.at))
        data = {"number": made.number, "text": text}
        tx.append([self.event(Kind.UPDATE_REQUESTED, seen, project, reason, **data)])
        proofs = frozenset({Guard.FOREIGN_COMMITS})
        project = self.move(tx, project, Trigger.FOREIGN_CHANGE_ACCEPTED, proofs, reason or text, seen)
        proofs = frozenset({Guard.COMMIT_BOUND})
        make_move(tx, project, Trigger.STARTED, proofs, "", seen, Who.SYSTEM, self.actor)
        queue(
            tx, replace(again_as(last, Work.VERIFY, seen.at, {THEIRS: True}), update=made.number), self.actor
        )

    def _hand_over(self, tx: Writes, project: Project, hold: Hold, seen: Seen, reason: str) -> None:
        """The project is theirs. What ran is ended, and nobody watches their branches any more."""
        project = self._ended(tx, project, seen, reason or "handed over to a person")
        changes = {"management": [project.management.value, Management.WATCH.value]}
        project = tx.save_project(replace(project, management=Management.WATCH), seen.at)
        tx.append([self.event(Kind.PROJECT_CHANGED, seen, project, reason, changes=changes, hold=hold.id)])
        if project.repository_id is not None:
            tx.drop_watch(project.repository_id)

    def _stop(self, tx: Writes, project: Project, hold: Hold, seen: Seen, reason: str) -> None:
        """What was at work is given up. Where nothing was, the project is paused: it waits for a word."""
        if tx.open_operation(project.id) is not None:
            self._ended(tx, project, seen, reason or "stopped for a person's change")
            return
        words = f"stopped: {reason}" if reason else "stopped by a person"
        paused = Hold(
            project.id, project.organisation_id, Reason.PAUSED, words, seen.at, self.actor, {"hold": hold.id}
        )
        place(tx, project, paused, seen, self.actor, self.channels)

    def _ended(self, tx: Writes, project: Project, seen: Seen, why: str) -> Project:
        operation = tx.open_operation(project.id)
        if operation is None:
            return project
        cancel(tx, operation, seen.at, self.actor, why)
        if project.status not in OPERATION_OF:
            return project
        proofs = {Guard.OPERATION_STOPPED}
        if tx.open_update(project.id) is not None:
            proofs.add(Guard.UPDATE_OPEN)
        return self.move(tx, project, Trigger.CANCELLED, frozenset(proofs), why, seen)


def _refusal(standing: list[Hold], way: Exit, project: Project, operation: Operation | None) -> str:
    """Why that way is none, and what there is instead."""
    signs = {Reason.FILE: "take the file away", Reason.TOPIC: "take the topic away"}
    for hold in standing:
        if hold.reason in signs and way is Exit.RESUME:
            return f"{hold.words}: {signs[hold.reason]} on GitHub, and it goes on by itself"
    there = {one.value for hold in standing for one in ways_out(hold, project, operation)}
    return f"'{way.value}' is no way out of it now; there is: {', '.join(sorted(there))}"
