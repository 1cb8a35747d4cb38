"""Runs operations for the engine: one step at a time, each fenced by the database, each failure written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from steward.app.filing import told
from steward.app.operations import deploy, provision, specify, verify, writing
from steward.app.operations import reverting as revert
from steward.app.operations.context import (
    Failed,
    Foreign,
    Run,
    Sent,
    Superseded,
    TipMoved,
    Tools,
    is_current,
    is_held,
    refusal,
    split,
)
from steward.app.operations.ending import actor_of, fail, operation_event, overtaken, reject, succeed
from steward.app.watching import Watching
from steward.domain.journal import Kind
from steward.domain.operations import STEPS, Failure, Fault, Operation, OperationState, Work
from steward.ports import Clock, Conflict, Permanent, Store, StoreUnavailable, Transient, Writes
from steward.ports.building import Blocked, MovedOn
from steward.ports.engine import ENDED, GO_ON, Stepped, again

TRIES_MAX: Final = 6
"""How often a step is tried that may work later, with longer and longer pauses, before a person is called."""
PAUSE_MAX_S: Final = 60.0
AT_ONCE_S: Final = 0.2
"""The pause before a step begins anew that was disturbed, not hindered."""

REFUSALS: Final = (
    Superseded,
    Conflict,
    Transient,
    Sent,
    TipMoved,
    Foreign,
    Failed,
    Permanent,
    MovedOn,
    Blocked,
)
"""How a step may end other than well. Anything else is a fault of ours: the engine loses the attempt."""

Step = Callable[[Run], Stepped | None]

_WRITING: Final[dict[str, Step]] = {
    "find_base": writing.find_base,
    "render_template": writing.render_template,
    "run_architect": writing.run_agent,
    "run_developer": writing.run_agent,
    "open_pull": writing.open_pull,
    "await_checks": writing.await_checks,
    "merge": writing.merge,
}
_DEPLOY: Final[dict[str, Step]] = {
    "bind_release": deploy.bind_release,
    "choose_release": deploy.choose_release,
    "run_playbook": deploy.run_playbook,
    "prove_life": deploy.prove_life,
    "record_release": deploy.record_release,
}
DOING: Final[dict[Work, dict[str, Step]]] = {
    Work.SPECIFY: {
        "read_template": specify.read_template,
        "check_answers": specify.check,
        "estimate": specify.make_estimate,
    },
    Work.PROVISION: {
        "reserve_name": provision.reserve_name,
        "create_repository": provision.create_repository,
        "record_repository": provision.record_repository,
        "set_branch_rule": provision.set_branch_rule,
        "set_labels": provision.set_labels,
        "check_webhook": provision.check_webhook,
    },
    Work.DESIGN: _WRITING,
    Work.IMPLEMENT: _WRITING,
    Work.VERIFY: {
        "bind_commit": verify.bind_commit,
        "await_checks": verify.await_checks,
        "run_tester": verify.run_tester,
        "judge": verify.judge,
    },
    Work.DEPLOY: _DEPLOY,
    Work.ROLLBACK: _DEPLOY,
    Work.REVERT: {
        "find_merged": revert.find_merged,
        "run_playbook": revert.restore_release,
        "push_branch": revert.push_branch,
        "open_pull": revert.open_pull,
        "await_checks": revert.await_checks,
        "merge": revert.merge,
    },
}


@dataclass(frozen=True, slots=True)
class Runner:
    """What the engine runs; see `ports.engine.Steps`."""

    store: Store
    clock: Clock
    tools: Tools
    channels: Sequence[str]

    def begin(self, run_id: str) -> Sequence[str]:
        """Start or go on with an attempt."""
        operation_id, attempt = split(run_id)
        with told(self.store) as tx:
            operation = tx.operation(operation_id)
            if not is_current(tx, operation, attempt) or operation is None:
                return []
            if held := is_held(tx, operation):
                self._wait(tx, operation, held)
                return []
            if operation.state is not OperationState.RUNNING:
                now = self.clock.now().at
                begun = replace(
                    operation,
                    state=OperationState.RUNNING,
                    started_at=operation.started_at or now,
                    wait_until=None,
                )
                begun = tx.save_operation(begun)
                tx.append([operation_event(Kind.OPERATION_STARTED, begun, now, actor_of(begun))])
        return STEPS[operation.kind]

    def step(self, run_id: str, name: str) -> Stepped:
        """Run one step; what it refuses is written down."""
        operation = self._entered(run_id)
        if operation is None:
            return ENDED
        run = Run(self.store, self.clock, self.tools, operation, name)
        try:
            outcome = DOING[operation.kind][name](run)
            _worked(run, name)
            run.flush()
        except StoreUnavailable:
            raise
        except REFUSALS as error:
            return self._refused(run, name, error)
        return outcome or GO_ON

    def _refused(self, run: Run, name: str, error: Exception) -> Stepped:
        """What becomes of an attempt whose step was refused."""
        run_id = run.operation.run_id
        if isinstance(error, Superseded):
            return self._left(run_id)
        if isinstance(error, Conflict):
            # A row was changed between reading and writing it; the step is an "ensure", so it begins anew.
            return again(AT_ONCE_S)
        if isinstance(error, Transient | Foreign):
            return (
                self._later(run, name, error)
                if isinstance(error, Transient)
                else self._judged(run, name, error)
            )
        if isinstance(error, Sent):
            reasons = [self.tools.redact(reason) for reason in error.reasons]
            return self._end(
                run_id, lambda tx, row: reject(tx, row, reasons, self.clock.now(), self.channels)
            )
        if isinstance(error, TipMoved):
            tip, why = error.tip, str(error)
            return self._end(run_id, lambda tx, row: overtaken(tx, row, tip, why, self.clock.now()))
        return self._fail(run, _failure(error).at(name))

    def _judged(self, run: Run, name: str, error: Foreign) -> Stepped:
        """A commit that is not accounted for: look whose it is. A person's holds the project, and the work waits."""
        run_id = run.operation.run_id
        if run.tools.eyes is None or run.project.repository_id is None:
            advice = "The branch is theirs now. Finish the work there, or delete the branch and retry."
            failed = Failed(Fault.PERSON, f"somebody else has pushed: {error}", advice, branch=error.branch)
            return self._fail(run, failed.at(name))
        watching = Watching(self.store, self.clock, run.tools.eyes, self.channels)
        try:
            agreed = watching.look(run.project.repository_id)
        except Transient as hindered:
            return self._later(run, name, hindered)
        except Permanent as refused:
            return self._fail(run, refusal(refused).at(name))
        run.say(f"Whose {error.found[:12]} on {error.branch} is was looked into")
        with self.store.reading() as view:
            held = is_held(view, run.operation)
        if held:
            return self._left(run_id)
        return again(AT_ONCE_S if agreed else self.tools.poll_s)

    def end(self, run_id: str) -> None:
        """Write the result, and make the move that follows from it."""
        self._end(run_id, lambda tx, row: succeed(tx, row, self.clock.now(), self.channels))

    def _entered(self, run_id: str) -> Operation | None:
        operation_id, attempt = split(run_id)
        with self.store.reading() as view:
            operation = view.operation(operation_id)
            if operation is None or not is_current(view, operation, attempt):
                return None
            held = is_held(view, operation)
        if operation.state is not OperationState.RUNNING:
            return None
        if held:
            with told(self.store) as tx:
                row = tx.operation(operation_id)
                if row is not None and is_current(tx, row, attempt):
                    self._wait(tx, row, held)
            return None
        return operation

    def _left(self, run_id: str) -> Stepped:
        """A step broke off: for good, or for a hold, which leaves the operation waiting."""
        operation_id, attempt = split(run_id)
        with told(self.store) as tx:
            row = tx.operation(operation_id)
            current = is_current(tx, row, attempt)
            if row is None or not current or row.state is not OperationState.RUNNING:
                return ENDED
            if held := is_held(tx, row):
                self._wait(tx, row, held)
                return ENDED
        # What stopped it is gone again: a hold that was lifted at once.
        return again(AT_ONCE_S)

    def _wait(self, tx: Writes, operation: Operation, why: str) -> None:
        """A hold leaves an operation waiting; lifting it is a new attempt."""
        if operation.state is OperationState.WAITING:
            return
        row = tx.save_operation(replace(operation, state=OperationState.WAITING))
        tx.append([operation_event(Kind.OPERATION_WAITING, row, self.clock.now().at, actor_of(row), why)])

    def _later(self, run: Run, name: str, error: Transient) -> Stepped:
        """It may work later: wait longer each time, and call a person in the end."""
        tries = dict(run.facts.get("tries", {}))
        tries[name] = count = int(tries.get(name, 0)) + 1
        if count > TRIES_MAX:
            reason = f"it did not work in {TRIES_MAX} tries: {error.reason}"
            return self._fail(
                run, Failure(name, Fault.INFRASTRUCTURE, reason, "See what stands in the way, then retry.")
            )
        wait_s = min(PAUSE_MAX_S, self.tools.poll_s * 2.0**count)
        if error.retry_at is not None:
            wait_s = max(wait_s, (error.retry_at - self.clock.now().at).total_seconds())
        try:
            run.keep(tries=tries)
            run.say(f"Once more in {wait_s:.0f} s: {error.reason}")
            run.flush()
        except Superseded:
            return self._left(run.operation.run_id)
        return again(wait_s)

    def _fail(self, run: Run, failure: Failure) -> Stepped:
        clean = replace(
            failure,
            reason=self.tools.redact(failure.reason),
            advice=self.tools.redact(failure.advice),
            evidence=_redacted(failure.evidence, self.tools.redact),
        )
        try:
            run.say(f"Failed: {clean.reason}")
            run.flush()
        except Superseded:
            return self._left(run.operation.run_id)
        return self._end(
            run.operation.run_id, lambda tx, row: fail(tx, row, clean, self.clock.now(), self.channels)
        )

    def _end(self, run_id: str, act: Callable[[Writes, Operation], None]) -> Stepped:
        operation_id, attempt = split(run_id)
        with told(self.store) as tx:
            row = tx.operation(operation_id)
            if row is not None and is_current(tx, row, attempt) and row.state is OperationState.RUNNING:
                act(tx, row)
        return ENDED


def _worked(run: Run, name: str) -> None:
    """It works again: what hindered it before counts no more."""
    tries = dict(run.facts.get("tries", {}))
    if tries.pop(name, None) is not None:
        run.keep(tries=tries)


def _redacted(value: Any, redact: Callable[[str], str]) -> Any:
    """A JSON value without secrets."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {name: _redacted(one, redact) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redacted(one, redact) for one in value]
    return value


def _failure(error: Exception) -> Failed:
    if isinstance(error, Failed):
        return error
    if isinstance(error, Permanent):
        return refusal(error)
    if isinstance(error, Blocked):
        reason = f"GitHub's rules forbid it: {error.reason}"
        return Failed(Fault.PERSON, reason, "See the rules, then retry.")
    return Failed(Fault.PERSON, str(error), "Somebody else has pushed; look at it on GitHub, then retry.")
