"""What a step has in hand: its operation and project, the tools, a memory that outlives crashes, and a log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from steward.app.filing import told
from steward.app.holds import held_words
from steward.app.judging import Eyes
from steward.app.queries import the_project
from steward.domain.agents import Limits, Role
from steward.domain.estimating import Rates
from steward.domain.instant import Instant, elapsed_s
from steward.domain.operations import (
    EXPECTS,
    STEPS,
    Failure,
    Fault,
    Operation,
    OperationState,
    Progress,
)
from steward.domain.project import Project
from steward.domain.repository import Repository
from steward.domain.spec import Spec
from steward.domain.status import Status
from steward.domain.verdict import Rule
from steward.ports import Clock, Permanent, Reads, Store, Writes
from steward.ports.building import Agent, Deployer, ForgeWrite, Probe, Templates, Workshop

FLUSH_S: Final = 1.0
"""How long lines of a log are gathered before they are written."""
GONE: Final = frozenset({Status.MISSING, Status.ARCHIVED})
"""Where nothing is done for a project, whatever the operation."""
STOP_S: Final = 1.0
"""How often a long step asks whether it is still wanted."""


def always_ours() -> bool:
    """Work is never lost to another process."""
    return False


@dataclass(frozen=True, slots=True)
class Tools:
    """The outsides that operations build with. `workdir` is for throw-away clones, and may be emptied any time.

    `redact` takes secrets out of a text; `rule` is what is asked of checks; `poll_s` the pause between two looks
    at something that is waited for; `visibility` that of new repositories; `model` and `network` are what agents
    get. `fenced`: this process has lost its work to another one, so that what runs here should end. `eyes`: what
    tells whose a change is; None: nobody is asked, as where nothing but ourselves writes.
    """

    forge: Callable[[], ForgeWrite]
    workshop: Workshop
    templates: Templates
    agents: Mapping[Role, Agent]
    deployer: Deployer
    probe: Probe
    workdir: Path
    redact: Callable[[str], str] = field(default=str)
    rates: Rates = field(default=Rates())
    limits: Limits = field(default=Limits())
    rule: Rule = field(default=Rule())
    poll_s: float = 1.0
    visibility: str = "private"
    model: str = ""
    network: str = "none"
    fenced: Callable[[], bool] = always_ours
    eyes: Eyes | None = None


class Failed(Exception):
    """The operation cannot go on; why, and what a person can do."""

    def __init__(self, fault: Fault, reason: str, advice: str = "", **evidence: Any) -> None:
        super().__init__(reason)
        self.fault = fault
        self.reason = reason
        self.advice = advice
        self.evidence = evidence

    def at(self, step: str) -> Failure:
        """The same as a value, with the step that it happened in."""
        return Failure(step, self.fault, self.reason, self.advice, self.evidence)


class Superseded(Exception):
    """The attempt is over already: cancelled, overtaken, or its project moved on. Nothing more may be done."""


class TipMoved(Exception):
    """The default branch has moved past the commit that was verified: the new one is verified first."""

    def __init__(self, verified: str, tip: str) -> None:
        super().__init__(f"the default branch moved on from {verified[:12]} to {tip[:12]}")
        self.verified = verified
        self.tip = tip


class Foreign(Exception):
    """A branch is at a commit that is not accounted for: whose it is must be found out before anything goes on."""

    def __init__(self, branch: str, found: str) -> None:
        super().__init__(f"{branch} is at {found[:12]}, which is not accounted for")
        self.branch = branch
        self.found = found


class Sent(Exception):
    """The verification sends the work back: a fault of the product, with its reasons."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


def split(run_id: str) -> tuple[str, int]:
    """The operation and the attempt that a run is."""
    operation_id, _, attempt = run_id.rpartition(":")
    return operation_id, int(attempt)


def is_current(view: Reads, operation: Operation | None, attempt: int) -> bool:
    """Whether that attempt may still do anything: it was not ended, and its project is where it should be."""
    if operation is None or operation.attempt != attempt or not operation.is_open:
        return False
    return fits(operation, project_by_id(view, operation.project_id))


def fits(operation: Operation, project: Project | None) -> bool:
    """Whether the project stands where that operation may work on it."""
    if project is None:
        return False
    wanted = EXPECTS[operation.kind]
    return project.status not in GONE if wanted is None else project.status is wanted


def is_held(view: Reads, operation: Operation) -> str:
    """Why no automation may touch the project now; "" where it may."""
    project = project_by_id(view, operation.project_id)
    return "" if project is None else held_words(view, project)


def project_by_id(view: Reads, project_id: str) -> Project | None:
    """A project as it is now."""
    found = view.project(project_id)
    return None if found is None else the_project(found)


class Run:
    """One attempt, in one of its steps. Not shared between threads."""

    def __init__(self, store: Store, clock: Clock, tools: Tools, operation: Operation, step: str) -> None:
        self.store = store
        self.clock = clock
        self.tools = tools
        self.operation = operation
        self.step = step
        self._lines: list[str] = []
        self._flushed: Instant = clock.now()
        self._asked: Instant | None = None
        self._stopped = False
        with store.reading() as view:
            project = project_by_id(view, operation.project_id)
        assert project is not None, "an operation's project is never deleted"
        self.project: Project = project

    @property
    def facts(self) -> Mapping[str, Any]:
        """What earlier steps, and earlier tries of this one, found and made."""
        return self.operation.facts

    def keep(self, **facts: Any) -> None:
        """Remember these over a crash. Raises Superseded."""
        self._save(lambda row: replace(row, facts={**row.facts, **facts}))

    def forget(self, *names: str) -> None:
        """Remember these no longer. Raises Superseded."""
        kept = {name: value for name, value in self.facts.items() if name not in names}
        if len(kept) < len(self.facts):
            self._save(lambda row: replace(row, facts=kept))

    def keep_in(self, tx: Writes, **facts: Any) -> None:
        """The same in a transaction that writes more. Raises Superseded."""
        self._saved(tx, lambda row: replace(row, facts={**row.facts, **facts}))

    def say(self, text: str) -> None:
        """Tell people what happens now: the progress shows it, the log keeps it."""
        clean = self.tools.redact(text).strip()
        if not clean:
            return
        self._lines.append(clean)
        if elapsed_s(self._flushed, self.clock.now()) >= FLUSH_S:
            self.flush()

    def flush(self) -> None:
        """Write what was said. Raises Superseded."""
        self._flushed = self.clock.now()
        lines, self._lines = self._lines, []
        if not lines:
            return
        names = STEPS[self.operation.kind]
        number = names.index(self.step) + 1 if self.step in names else 0
        progress = Progress(self.step, number, len(names), lines[-1][:300])
        with self.store.writing() as tx:
            tx.append_log(self.operation.id, self.operation.attempt, self._flushed.at, self.step, lines)
            self._saved(tx, lambda row: replace(row, progress=progress))

    def stopped(self) -> bool:
        """Whether the attempt is not wanted any more, or its project is held; asked of the database once a
        second at most.
        """
        now = self.clock.now()
        if self.tools.fenced():
            return True
        if self._stopped or (self._asked is not None and elapsed_s(self._asked, now) < STOP_S):
            return self._stopped
        self._asked = now
        with self.store.reading() as view:
            row = view.operation(self.operation.id)
            current = is_current(view, row, self.operation.attempt)
            runs = current and row is not None and row.state is OperationState.RUNNING
            self._stopped = not runs or bool(is_held(view, self.operation))
        return self._stopped

    def must_go_on(self) -> None:
        """Raise Superseded where the attempt is over: asked right before each effect on the outside."""
        self._asked = None
        if self.stopped():
            raise Superseded

    def _save(self, change: Callable[[Operation], Operation]) -> None:
        with told(self.store) as tx:
            self._saved(tx, change)

    def _saved(self, tx: Writes, change: Callable[[Operation], Operation]) -> None:
        row = tx.operation(self.operation.id)
        current = is_current(tx, row, self.operation.attempt)
        if row is None or not current or row.state is not OperationState.RUNNING:
            raise Superseded
        self.operation = tx.save_operation(change(row))

    def spec(self) -> Spec:
        """The spec that this operation works to."""
        with self.store.reading() as view:
            found = view.spec(self.project.id, self.facts.get("spec_version"))
        if found is None:
            raise Failed(Fault.INPUT, "the project has no spec", "Revise the order, then retry.")
        return found

    def repository(self) -> Repository:
        """The project's repository, as recorded."""
        with self.store.reading() as view:
            found = view.tracked([self.project.repository_id or 0])
        if not found:
            raise Failed(Fault.INFRASTRUCTURE, "the project's repository is not recorded")
        return found[0].repository

    @property
    def folder(self) -> Path:
        """A place for this operation's throw-away files; it may be gone at the next step."""
        return self.tools.workdir / self.operation.id


def refusal(error: Permanent) -> Failed:
    """A thing that a person must change, as a failure."""
    return Failed(Fault.INFRASTRUCTURE, error.reason, error.advice)
