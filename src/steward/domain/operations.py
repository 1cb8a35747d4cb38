"""Operations: what runs for a project, as values. What each does is `steward.app.operations`.

The row of an operation is the intent: it is written in the transaction of the status change that it is entered
with, and closed only by what was observed. Old ones stay, as history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from steward.domain.status import OPERATION_OF, Status


class Work(StrEnum):
    """The kinds of operation."""

    SPECIFY = "specify"
    PROVISION = "provision"
    DESIGN = "design"
    IMPLEMENT = "implement"
    VERIFY = "verify"
    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    REVERT = "revert"
    ADOPT = "adopt"


STEPS: Final[dict[Work, tuple[str, ...]]] = {
    Work.SPECIFY: ("read_template", "check_answers", "estimate"),
    Work.PROVISION: (
        "reserve_name",
        "create_repository",
        "record_repository",
        "set_branch_rule",
        "set_labels",
        "check_webhook",
    ),
    Work.DESIGN: ("find_base", "render_template", "run_architect", "open_pull", "await_checks", "merge"),
    Work.IMPLEMENT: ("find_base", "run_developer", "open_pull", "await_checks", "merge"),
    Work.VERIFY: ("bind_commit", "await_checks", "run_tester", "judge"),
    Work.DEPLOY: ("bind_release", "run_playbook", "prove_life", "record_release"),
    Work.ROLLBACK: ("choose_release", "run_playbook", "prove_life", "record_release"),
    Work.REVERT: ("find_merged", "run_playbook", "push_branch", "open_pull", "await_checks", "merge"),
    Work.ADOPT: ("record",),
}
"""What each kind does, in order. Every step is an idempotent "ensure": after a crash it runs again.

An adoption is recorded as done: it is what the road of a project goes on from that we did not make.
"""


EXPECTS: Final[dict[Work, Status | None]] = {
    Work.SPECIFY: Status.DRAFT,
    **{Work(kind): status for status, kind in OPERATION_OF.items()},
    Work.ROLLBACK: None,
    Work.REVERT: None,
    Work.ADOPT: None,
}
"""The status that a project must be in while an operation runs; None: whatever it is in."""


class OperationState(StrEnum):
    """How far an operation is. `waiting`: for a hold to be lifted, or for a moment that is named."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN: Final = frozenset({OperationState.QUEUED, OperationState.RUNNING, OperationState.WAITING})
"""Not ended yet: a project has at most one operation in these."""


OVERTAKEN: Final = "overtaken"
"""The fact of a cancelled operation that nobody gave up: what it worked on has moved on, and the road leads on."""


THEIRS: Final = "theirs"
"""The fact of an operation whose update is what a person has pushed already: nothing is asked of agents for it."""


class Fault(StrEnum):
    """Whose fault a failure is. Only a product fault ever sends work back to the developer."""

    PRODUCT = "product"
    INFRASTRUCTURE = "infrastructure"
    INPUT = "input"
    BUDGET = "budget"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an operation failed. `evidence` holds JSON values; `advice` says what a person can do."""

    step: str
    fault: Fault
    reason: str
    advice: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far: the `number` of the step that runs, from 1, of `total`, its name, and a sentence about now."""

    step: str = ""
    number: int = 0
    total: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `attempt` counts from 1; a retry is the same operation's next attempt.

    `facts` is what its steps found and made, by name (JSON values): a step that runs again reads there what it
    did already. `result` is what it ended with. `update` is the number of the update it serves, None for the
    first road. `wait_until` is when a waiting one goes on by itself, None where a person must act.
    """

    id: str
    project_id: str
    organisation_id: int
    kind: Work
    state: OperationState
    asked_by: str
    created_at: datetime
    attempt: int = 1
    progress: Progress = field(default=Progress())
    facts: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)
    failure: Failure | None = None
    update: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    wait_until: datetime | None = None
    version: int = 1

    @property
    def run_id(self) -> str:
        """The name of this attempt: the engine starts each at most once."""
        return f"{self.id}:{self.attempt}"

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.state in OPEN
