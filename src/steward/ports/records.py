"""What the store keeps of building: operations with their logs, specs, estimates, releases, updates, agents' runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from steward.domain.estimating import Built as Built  # noqa: PLC0414 - kept things are taken from this port, this one too
from steward.domain.operations import Operation
from steward.domain.spec import Estimate, Release, Spec, Update

LINE_MAX: Final = 4_000
"""The characters of one line of a log; a longer one is cut, and ends with "…"."""

LOG_MAX: Final = 20_000
"""The lines of one operation's log; the last of so many says that it ends."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of an operation's log, redacted before it got here. `number` counts from 1 per operation."""

    number: int
    attempt: int
    at: datetime
    step: str
    text: str


@dataclass(frozen=True, slots=True)
class AgentRun:
    """One run of an agent, for the costs. `cost_usd` is None where nobody knows."""

    run_id: str
    project_id: str
    operation_id: str
    role: str
    agent: str
    outcome: str
    started_at: datetime
    finished_at: datetime
    cost_usd: float | None = None
    cost_source: str = "unknown"


class RecordReads(Protocol):
    """What can be read of building."""

    def operation(self, operation_id: str) -> Operation | None: ...

    def operations(self, project_id: str, *, before: str | None = None, limit: int = 50) -> list[Operation]:
        """Those of a project, newest first by the order of adding; with `before`, those older than that one."""
        ...

    def open_operation(self, project_id: str) -> Operation | None:
        """The one that has not ended; there is at most one."""
        ...

    def open_operations(self, limit: int = 1000) -> list[Operation]:
        """All that have not ended, oldest first."""
        ...

    def current_operations(self, project_ids: Sequence[str]) -> dict[str, Operation]:
        """Per project the open operation, for lists of projects. One query."""
        ...

    def operation_log(self, operation_id: str, after: int = 0, limit: int = 500) -> list[LogLine]:
        """Lines after that number, in order."""
        ...

    def spec(self, project_id: str, version: int | None = None) -> Spec | None:
        """One version; the newest where none is named."""
        ...

    def specs(self, project_id: str) -> list[Spec]:
        """All versions, oldest first."""
        ...

    def estimate(self, project_id: str, spec_version: int) -> Estimate | None: ...

    def releases(self, project_id: str, limit: int = 50) -> list[Release]:
        """Newest first."""
        ...

    def live_releases(self) -> list[Release]:
        """Every release that is live, for the probes; by project."""
        ...

    def updates(self, project_id: str) -> list[Update]:
        """Oldest first."""
        ...

    def open_update(self, project_id: str) -> Update | None:
        """The one in the state "open"; a queued one is not."""
        ...

    def queued_updates(self) -> list[Update]:
        """The first queued update of each project that has one and is `active`, by project."""
        ...

    def agent_runs(self, project_id: str) -> list[AgentRun]:
        """Oldest first."""
        ...

    def spent_usd(self, project_id: str) -> float:
        """What agents' runs of a project are known to have cost."""
        ...

    def built(self, template: str, limit: int = 100) -> list[Built]:
        """Projects of that template source that came to be live, newest first: what estimates stand on.

        The template and the hours are those of the first spec that was estimated; the road ends when a
        release was live for the first time, and costs are those of the runs that began before that.
        """
        ...

    def budget_usd(self, project_id: str) -> float | None:
        """What a project's agents may cost in all; None: nothing was set."""
        ...


class RecordWrites(Protocol):
    """What can be written of building, within one transaction."""

    def add_operation(self, operation: Operation) -> None:
        """Add one. Raises Conflict where the project has one that has not ended."""
        ...

    def save_operation(self, operation: Operation) -> Operation:
        """Write it if its row still has `operation.version`; the row with its next version. Raises Conflict."""
        ...

    def renumber_attempts(self) -> int:
        """For a database that was put back: count the attempts of every operation that did not succeed from the next
        hundred on, and queue those that are open; how many those were.

        The engine may know later attempts of them, which did what the record does not tell.
        """
        ...

    def append_log(
        self, operation_id: str, attempt: int, at: datetime, step: str, texts: Sequence[str]
    ) -> None:
        """Add lines to its log; a line is cut at LINE_MAX, a log ends at LOG_MAX lines with one that says so.

        Raises Conflict for an operation that is not recorded.
        """
        ...

    def add_spec(self, spec: Spec) -> None:
        """Add a version. Raises Conflict where that version is there."""
        ...

    def save_estimate(self, estimate: Estimate) -> None:
        """Write the estimate of a version, in the place of an earlier one."""
        ...

    def save_release(self, release: Release) -> Release:
        """Write a release by (project, commit); `number` 0 gives it the next, and one that is there keeps its own.

        One saved as "live" makes the project's earlier live one "superseded". Returned with its number.
        """
        ...

    def save_update(self, update: Update) -> Update:
        """Write an update by (project, number); `number` 0 gives it the next."""
        ...

    def save_agent_run(self, run: AgentRun) -> None:
        """Write a run by its id; a repeat replaces it."""
        ...

    def set_budget(self, project_id: str, usd: float | None) -> None: ...
