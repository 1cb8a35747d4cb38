"""How operations end: the moves that follow from a result, in one transaction with their history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from steward.app.filing import file_reports
from steward.app.operations.context import project_by_id
from steward.app.operations.writing import ROUNDS_MAX
from steward.app.reconcile import move_event
from steward.domain.consequences import Step
from steward.domain.guards import Guard
from steward.domain.incidents import Cause, Severity
from steward.domain.instant import Instant
from steward.domain.journal import Event, Kind
from steward.domain.lifecycle import Who, advance
from steward.domain.operations import THEIRS, Failure, Fault, Operation, OperationState, Work
from steward.domain.project import Project, standing
from steward.domain.reports import Seen, cleared, stands
from steward.domain.status import OPERATION_OF, Status, Trigger
from steward.ports import Writes

PROVEN: Final[dict[Work, tuple[Trigger, tuple[Guard, ...], Who]]] = {
    Work.SPECIFY: (
        Trigger.APPROVED,
        (Guard.BRIEF_APPROVED, Guard.SPEC_VALID, Guard.ESTIMATE_MADE),
        Who.OPERATION,
    ),
    Work.PROVISION: (
        Trigger.REPOSITORY_CREATED,
        (Guard.REPOSITORY_RECORDED, Guard.REPOSITORY_BARE),
        Who.OPERATION,
    ),
    Work.DESIGN: (Trigger.PASSED, (Guard.DESIGN_MERGED, Guard.DESIGN_ACCEPTED), Who.OPERATION),
    Work.IMPLEMENT: (Trigger.PASSED, (Guard.WORK_MERGED,), Who.OPERATION),
    Work.VERIFY: (
        Trigger.PASSED,
        (Guard.COMMIT_BOUND, Guard.CI_GREEN, Guard.TESTER_APPROVED),
        Who.SYSTEM,
    ),
    Work.DEPLOY: (Trigger.PASSED, (Guard.DEPLOY_SUCCEEDED, Guard.PROOF_OF_LIFE), Who.OPERATION),
}
"""What the last step of each kind has shown, and the move that follows."""

RESULT: Final = (
    "commit",
    "merged",
    "pull",
    "pull_url",
    "url",
    "number",
    "full_name",
    "estimated",
    "checks_verdict",
)
"""The facts that an operation ends with, for people to see."""


def failure_key(project_id: str) -> str:
    """The incident of an operation that failed."""
    return f"operation:{project_id}"


def now_seen(tx: Writes, organisation_id: int, now: Instant) -> Seen:
    """Now, as the newest look knows it."""
    looks = tx.looks(organisation_id, 1)
    return Seen(organisation_id, looks[0].id if looks else 0, now)


def actor_of(operation: Operation) -> str:
    """Who is named in the history."""
    return f"operation:{operation.kind}"


def operation_event(kind: Kind, operation: Operation, at: datetime, actor: str, why: str = "") -> Event:
    """The history of one operation."""
    data: dict[str, Any] = {
        "operation": operation.id,
        "work": operation.kind.value,
        "attempt": operation.attempt,
    }
    if operation.failure is not None:
        data["step"] = operation.failure.step
    return Event(kind, at, actor, operation.project_id, operation.organisation_id, why, data)


def make_move(
    tx: Writes,
    project: Project,
    trigger: Trigger,
    proofs: frozenset[Guard],
    why: str,
    seen: Seen,
    who: Who,
    actor: str,
    choice: Status | None = None,
) -> Project:
    """Make a move along the table, with its event. Raises Refused, Conflict."""
    move = advance(project.position, trigger, who, standing(project) | proofs, choice)
    moved = tx.move(project, move, seen.at)
    tx.append([move_event(project.id, move, Step(trigger, proofs, why, who), seen, actor)])
    return moved


def queue(tx: Writes, operation: Operation, actor: str) -> None:
    """Write the intent: the operation that is to run, with its event."""
    tx.add_operation(operation)
    tx.append([operation_event(Kind.OPERATION_QUEUED, operation, operation.created_at, actor)])


def succeed(tx: Writes, operation: Operation, now: Instant, channels: Sequence[str]) -> None:
    """Every step was done: write the result, and make the move that follows."""
    seen, actor = now_seen(tx, operation.organisation_id, now), actor_of(operation)
    result = {name: operation.facts[name] for name in RESULT if name in operation.facts}
    done = tx.save_operation(
        replace(operation, state=OperationState.SUCCEEDED, finished_at=now.at, result=result)
    )
    tx.append([operation_event(Kind.OPERATION_SUCCEEDED, done, now.at, actor)])
    file_reports(tx, [cleared(failure_key(done.project_id), seen, "it succeeded")], now.at, actor, channels)
    if done.kind not in PROVEN:
        return
    trigger, proofs, who = PROVEN[done.kind]
    project = project_by_id(tx, done.project_id)
    assert project is not None
    make_move(tx, project, trigger, frozenset(proofs), "", seen, who, actor)
    if done.kind is Work.DEPLOY and done.update is not None:
        _ship(tx, done, now.at, actor)


def _ship(tx: Writes, done: Operation, at: datetime, actor: str) -> None:
    for update in tx.updates(done.project_id):
        if update.number == done.update:
            tx.save_update(replace(update, state="shipped", ended_at=at))
            data = {"number": update.number}
            tx.append(
                [Event(Kind.UPDATE_SHIPPED, at, actor, done.project_id, done.organisation_id, "", data)]
            )


def fail(tx: Writes, operation: Operation, failure: Failure, now: Instant, channels: Sequence[str]) -> None:
    """Write the cause; the project waits in its error, where a person sees it with the ways out."""
    seen, actor = now_seen(tx, operation.organisation_id, now), actor_of(operation)
    ended = tx.save_operation(
        replace(operation, state=OperationState.FAILED, finished_at=now.at, failure=failure)
    )
    tx.append([operation_event(Kind.OPERATION_FAILED, ended, now.at, actor, failure.reason)])
    project = project_by_id(tx, ended.project_id)
    assert project is not None
    if OPERATION_OF.get(project.status) == ended.kind:
        proofs = frozenset({Guard.CAUSE_KNOWN})
        project = make_move(tx, project, Trigger.FAILED, proofs, failure.reason, seen, Who.OPERATION, actor)
    causes = {Fault.BUDGET: Cause.BUDGET_SPENT}
    cause = causes.get(failure.fault, Cause.OPERATION_FAILED)
    if failure.evidence.get("full_name") and failure.fault is Fault.INPUT:
        cause = Cause.NAME_TAKEN
    evidence = {
        "operation": ended.id,
        "work": ended.kind.value,
        "step": failure.step,
        "fault": failure.fault.value,
        "reason": failure.reason,
        "advice": failure.advice,
        **{name: value for name, value in failure.evidence.items() if name != "tail"},
    }
    title = f"{project.slug}: {ended.kind} failed: {failure.reason}"
    report = stands(failure_key(project.id), cause, project, seen, Severity.ERROR, title[:300], evidence)
    file_reports(tx, [replace(report, now=True)], now.at, actor, channels)


def reject(
    tx: Writes, operation: Operation, reasons: Sequence[str], now: Instant, channels: Sequence[str]
) -> None:
    """The verification found a fault of the product: back to the developer, twice at most for the same fault."""
    rounds = _rounds(tx, operation, reasons)
    seen, actor = now_seen(tx, operation.organisation_id, now), actor_of(operation)
    text = "; ".join(reasons)
    if rounds > ROUNDS_MAX:
        reason = f"the same fault was sent back {ROUNDS_MAX} times already: {text}"
        failure = Failure("judge", Fault.PRODUCT, reason, "Change the spec or mend it by hand, then retry.")
        fail(tx, operation, failure, now, channels)
        return
    facts = {**operation.facts, "rejected": list(reasons)}
    ended = tx.save_operation(
        replace(
            operation,
            state=OperationState.SUCCEEDED,
            finished_at=now.at,
            facts=facts,
            result={"rejected": list(reasons)},
        )
    )
    tx.append([operation_event(Kind.OPERATION_SUCCEEDED, ended, now.at, actor, f"sent back: {text}")])
    project = project_by_id(tx, ended.project_id)
    assert project is not None
    make_move(tx, project, Trigger.REJECTED, frozenset({Guard.ROUNDS_LEFT}), text, seen, Who.SYSTEM, actor)
    queue(tx, again_as(ended, Work.IMPLEMENT, now.at, {"rework": list(reasons)}), actor)


def overtaken(tx: Writes, operation: Operation, tip: str, why: str, now: Instant) -> None:
    """The default branch moved past what was verified: nothing is deployed, the new tip is verified first.

    What the heartbeat would conclude is concluded here, by whoever saw it first, by the heartbeat's right.
    """
    actor = actor_of(operation)
    seen = now_seen(tx, operation.organisation_id, now)
    cancel(tx, operation, now.at, actor, why)
    project = project_by_id(tx, operation.project_id)
    assert project is not None
    proofs = frozenset({Guard.TIP_IS_FOREIGN})
    project = make_move(tx, project, Trigger.TIP_MOVED, proofs, why, seen, Who.HEARTBEAT, actor)
    proofs = frozenset({Guard.COMMIT_BOUND})
    make_move(tx, project, Trigger.STARTED, proofs, f"{tip[:12]} is verified", seen, Who.SYSTEM, actor)
    queue(tx, again_as(operation, Work.VERIFY, now.at, {}), actor)


def _rounds(tx: Writes, operation: Operation, reasons: Sequence[str]) -> int:
    """How often this fault, by its words, was found in a row, this time included."""
    count = 1
    for earlier in tx.operations(operation.project_id):
        if earlier.kind is Work.VERIFY and earlier.id != operation.id:
            if earlier.result.get("rejected") != list(reasons):
                break
            count += 1
    return count


CARRIED: Final = ("checks", "template", "spec_version", THEIRS)
"""Facts that the next operation of the road begins with."""


def again_as(operation: Operation, kind: Work, at: datetime, facts: dict[str, Any]) -> Operation:
    """The operation that follows upon another one."""
    from secrets import token_hex

    carried = {name: operation.facts[name] for name in CARRIED if name in operation.facts}
    return Operation(
        id=token_hex(8),
        project_id=operation.project_id,
        organisation_id=operation.organisation_id,
        kind=kind,
        state=OperationState.QUEUED,
        asked_by=operation.asked_by,
        created_at=at,
        facts={**carried, **facts},
        update=operation.update,
    )


def cancel(tx: Writes, operation: Operation, at: datetime, actor: str, why: str) -> Operation:
    """End an operation that is not wanted any more. Its running step notices within a second."""
    ended = tx.save_operation(
        replace(operation, state=OperationState.CANCELLED, finished_at=at, wait_until=None)
    )
    tx.append([operation_event(Kind.OPERATION_CANCELLED, ended, at, actor, why)])
    return ended
