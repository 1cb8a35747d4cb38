"""Drives: starts what is due, hands attempts to the engine, ends what was overtaken. The leader's loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from steward.app.filing import told
from steward.app.holds import held_words
from steward.app.operations.context import Tools, fits, is_held, project_by_id
from steward.app.operations.ending import (
    again_as,
    cancel,
    fail,
    make_move,
    now_seen,
    operation_event,
    queue,
)
from steward.app.policy import Policy
from steward.domain.driving import NEXT, next_work, opens
from steward.domain.guards import Guard
from steward.domain.journal import Kind
from steward.domain.lifecycle import Who
from steward.domain.operations import Failure, Fault, Operation, OperationState, Work
from steward.domain.project import Project
from steward.domain.spec import Update
from steward.domain.status import Trigger
from steward.ports import Clock, Conflict, ProjectQuery, Store, Writes
from steward.ports.engine import Engine, Lane

ACTOR: Final = "steward"
GIVEN_UP: Final = frozenset({None, "lost", "ended", "cancelled"})
"""What the engine says of an attempt that it will not go on with; None: it has never heard of it."""
LOST_MAX: Final = 3
"""How many attempts of an operation may be lost by the engine before a person is called."""


@dataclass(frozen=True, slots=True)
class Driver:
    """One tick does what is due; every part of it may be repeated."""

    store: Store
    clock: Clock
    engine: Engine
    policy: Policy
    channels: Sequence[str]

    def tick(self) -> bool:
        """Whether anything was done."""
        begun = self._start_next()
        opened = [self._open(update) for update in self._queued()]
        with self.store.reading() as view:
            waiting = view.open_operations()
        handed = [one.run_id for one in waiting if one.state is not OperationState.WAITING]
        words = self.engine.known(handed) if handed else {}
        done = [self._tend(operation, words.get(operation.run_id)) for operation in waiting]
        return begun or any(opened) or any(done)

    def _tend(self, operation: Operation, word: str | None) -> bool:
        """`word` is the engine's on this attempt, asked for after the operation was read; None: it knows of none."""
        with self.store.reading() as view:
            project = project_by_id(view, operation.project_id)
            held = is_held(view, operation)
        if not fits(operation, project):
            where = project.status.value if project else "gone"
            return self._overtaken(operation, f"the project is {where} by now")
        if operation.state is OperationState.QUEUED and word is None:
            self.engine.start(operation.run_id, operation.kind.value, operation.project_id)
            return False
        if operation.state is not OperationState.WAITING and word in GIVEN_UP:
            # One that ended meanwhile has another version by now, and is left alone.
            return self._take_up(operation)
        if operation.state is OperationState.WAITING and not held:
            return self._again(operation, "what held it is gone")
        return False

    def _overtaken(self, operation: Operation, why: str) -> bool:
        self.engine.cancel(operation.run_id)
        with told(self.store) as tx:
            row = tx.operation(operation.id)
            if row is None or not row.is_open:
                return False
            cancel(tx, row, self.clock.now().at, ACTOR, why)
        return True

    def _again(self, operation: Operation, why: str) -> bool:
        """The next attempt of the same operation; what it found and made is kept."""
        with told(self.store) as tx:
            row = tx.operation(operation.id)
            if row is None or row.version != operation.version:
                return False
            requeue(tx, row, ACTOR, why, self.clock)
        return True

    def _take_up(self, operation: Operation) -> bool:
        """An attempt that the engine gave up: once more, a few times."""
        lost = int(operation.facts.get("lost", 0)) + 1
        with told(self.store) as tx:
            row = tx.operation(operation.id)
            if row is None or row.version != operation.version:
                return False
            if lost > LOST_MAX:
                reason = f"the engine lost it {LOST_MAX} times; see the log of Steward"
                failure = Failure(row.progress.step, Fault.INFRASTRUCTURE, reason, "Retry.")
                fail(tx, row, failure, self.clock.now(), self.channels)
                return True
            row = tx.save_operation(replace(row, facts={**row.facts, "lost": lost}))
            requeue(tx, row, ACTOR, "the engine had lost it", self.clock)
        return True

    def _start_next(self) -> bool:
        """Start what follows in the road of projects that stand in a settled status."""
        begun = False
        with self.store.reading() as view:
            found = [
                project
                for status in NEXT
                for project, _ in view.projects(ProjectQuery(statuses=[status], management=["drive"]))
            ]
        for project in found:
            begun = self._start(project) or begun
        return begun

    def _queued(self) -> list[Update]:
        with self.store.reading() as view:
            return view.queued_updates()

    def _open(self, update: Update) -> bool:
        """Open the next update in line, as who asked for it would."""
        try:
            with told(self.store) as tx:
                project = project_by_id(tx, update.project_id)
                line = tx.updates(update.project_id)
                if project is None or update not in line:
                    return False
                held = bool(held_words(tx, project))
                if not opens(project, tx.operations(project.id), line, held=held):
                    return False
                seen = now_seen(tx, project.organisation_id, self.clock.now())
                tx.save_update(replace(update, state="open"))
                proofs, why = frozenset({Guard.UPDATE_DESCRIBED}), update.text[:200]
                make_move(
                    tx, project, Trigger.UPDATE_REQUESTED, proofs, why, seen, Who.PERSON, update.asked_by
                )
        except Conflict:
            return False
        return True

    def _start(self, project: Project) -> bool:
        with self.store.reading() as view:
            if not due(
                view.operations(project.id), project, self.policy, held=bool(held_words(view, project))
            ):
                return False
        try:
            with told(self.store) as tx:
                return start_work(tx, project.id, self.policy, self.clock, ACTOR, Who.SYSTEM)
        except Conflict:
            return False


def road(operations: Sequence[Operation]) -> Operation | None:
    """The newest operation that is a part of the road, rollbacks and reverts left out."""
    return next((one for one in operations if one.kind not in (Work.ROLLBACK, Work.REVERT)), None)


def due(operations: Sequence[Operation], project: Project, policy: Policy, *, held: bool) -> Work | None:
    """What the project would start now; None while any operation of it is open."""
    if any(one.is_open for one in operations):
        return None
    return next_work(project, road(operations), held=held, deploys=not policy.deploy_asks)


def start_work(
    tx: Writes, project_id: str, policy: Policy, clock: Clock, actor: str, who: Who, *, word: bool = False
) -> bool:
    """Move on along the road and write the operation, in the caller's transaction; False where nothing is due.

    `word`: a person says so, which goes past what policy asks and past an operation that was cancelled.
    """
    project = project_by_id(tx, project_id)
    assert project is not None
    operations = tx.operations(project_id)
    last = road(operations)
    held = bool(held_words(tx, project))
    work = NEXT.get(project.status) if word else due(operations, project, policy, held=held)
    if work is None or last is None or any(one.is_open for one in operations):
        return False
    now = clock.now()
    proofs = {Guard.NOT_HELD, Guard.COMMIT_BOUND, Guard.SAME_COMMIT, Guard.SECRETS_PRESENT}
    seen = now_seen(tx, project.organisation_id, now)
    make_move(tx, project, Trigger.STARTED, frozenset(proofs), "", seen, who, actor)
    if last.kind is work and last.state is OperationState.CANCELLED:
        # It goes on with what it had made: its merge may have landed as it was cancelled.
        requeue(tx, last, actor, "started again", clock, word=word)
    else:
        queue(tx, again_as(last, work, now.at, {}), actor)
    return True


HINDERED: Final = ("tries", "blocked", "looked", "looks")
"""Facts of what went wrong, and since when something is waited for ("since..."): each attempt counts anew."""
COUNTED: Final = (*HINDERED, "lost", "rounds", "reworking")
"""Facts that go on counting until a person says that it is to be tried again."""


def requeue(
    tx: Writes, operation: Operation, actor: str, why: str, clock: Clock, *, word: bool = False
) -> Operation:
    """The next attempt of an operation: what it found and made is kept, what went wrong is not.

    `word`: a person says so, which gives it all its tries and rounds again.
    """
    left = COUNTED if word else HINDERED
    fresh = {
        name: value
        for name, value in operation.facts.items()
        if name not in left and not name.startswith("since")
    }
    row = tx.save_operation(
        replace(
            operation,
            state=OperationState.QUEUED,
            attempt=operation.attempt + 1,
            facts=fresh,
            failure=None,
            result={},
            finished_at=None,
            wait_until=None,
        )
    )
    tx.append([operation_event(Kind.OPERATION_QUEUED, row, clock.now().at, actor, why)])
    return row


def nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Drive:
    """What a process drives projects with. `resume` and `suspend` are called as it starts and stops."""

    tools: Tools
    engine: Engine
    at_once: int = 2
    resume: Callable[[], object] = nothing
    suspend: Callable[[], None] = nothing

    @property
    def lanes(self) -> list[Lane]:
        """How many operations of a kind run at once."""
        return [Lane(kind.value, self.at_once) for kind in Work]
