"""An engine in memory: one thread, no clock of its own, and it can be made to crash at any call.

It interprets attempts as the durable engine does and passes the same contract suite. What it has recorded
outlives a crash, as a database would; what it was just doing does not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar

from steward.ports import Clock, Transient
from steward.ports.engine import Lane, Stepped, Steps

TURNS_MAX: Final = 100_000
"""Calls in one `run_all`: an attempt that is never over is a fault."""
TRIES_MAX: Final = 8
"""How often a call that raises Transient is tried in all."""
PAUSE_S, PAUSE_MAX_S = 0.2, 10.0

_log = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")


class Crashed(BaseException):
    """The process "died" where it was told to. No Exception: nothing but a test catches it."""


@dataclass
class _Attempt:
    """One attempt and what is recorded of it. `done` counts the steps that are over."""

    run_id: str
    kind: str
    state: str = "queued"
    names: list[str] | None = None
    done: int = 0
    wakes_at: datetime | None = None
    tries: int = 0


@dataclass
class InlineEngine:
    """Implements ports.engine.Engine. Nothing runs before `run_all`.

    `calls` counts the calls of `Steps` that were made; `errors` holds what made an attempt lost.
    """

    calls: int = 0
    errors: dict[str, Exception] = field(default_factory=dict)
    _steps: Steps | None = None
    _lanes: dict[str, int] = field(default_factory=dict)
    _attempts: dict[str, _Attempt] = field(default_factory=dict)
    _crash_at: int | None = None
    _crash_after: bool = False

    def launch(self, steps: Steps, lanes: Sequence[Lane], *, work: bool) -> None:
        """Serve; without `work`, `run_all` runs nothing."""
        self._steps = steps if work else None
        self._lanes = {lane.name: lane.at_once for lane in lanes}

    def start(self, run_id: str, kind: str, project_id: str) -> None:  # noqa: ARG002 - the port's shape
        """Queue an attempt once. Raises ValueError for a kind without a lane."""
        if kind not in self._lanes:
            raise ValueError(f"there is no lane for {kind!r}")
        self._attempts.setdefault(run_id, _Attempt(run_id, kind))

    def cancel(self, run_id: str) -> None:
        """Let no further step of it begin."""
        attempt = self._attempts.get(run_id)
        if attempt is not None and attempt.state in {"queued", "running"}:
            attempt.state = "cancelled"

    def known(self, run_ids: Sequence[str]) -> dict[str, str]:
        """The state of each attempt that is known."""
        return {run_id: self._attempts[run_id].state for run_id in run_ids if run_id in self._attempts}

    def close(self, timeout_s: float) -> None:  # noqa: ARG002 - nothing is left running to be waited for
        """Run nothing more before the next `launch`; what is recorded stays."""
        self._steps = None

    def crash_at(self, call: int, *, after: bool) -> None:
        """Raise Crashed at that call of `Steps` from now on, counted from 1: before it, or after its effect
        and before that is recorded. Once; then `run_all` goes on as a new process would.
        """
        self._crash_at, self._crash_after = self.calls + call, after

    def run_some(self, clock: Clock, calls: int) -> None:
        """Make at most so many calls; otherwise as `run_all`."""
        for _ in range(calls):
            ready = self._ready(clock.now().at) if self._steps is not None else None
            if ready is None:
                wakes = [attempt.wakes_at for attempt in self._open() if attempt.wakes_at is not None]
                if self._steps is None or not wakes:
                    return
                clock.wait(max(0.0, (min(wakes) - clock.now().at).total_seconds()))
                continue
            self._turn(ready, clock)

    def run_all(self, clock: Clock) -> None:
        """Run until nothing is queued or running; waits let the clock pass. Raises Crashed where it was told to,
        RuntimeError where attempts are never over.
        """
        for _ in range(TURNS_MAX):
            if self._steps is None or not self._open():
                return
            ready = self._ready(clock.now().at)
            if ready is None:
                wakes = [attempt.wakes_at for attempt in self._open() if attempt.wakes_at is not None]
                clock.wait(max(0.0, (min(wakes) - clock.now().at).total_seconds()))
                continue
            self._turn(ready, clock)
        raise RuntimeError(f"attempts are not over after {TURNS_MAX} calls: {sorted(self._attempts)}")

    def _open(self) -> list[_Attempt]:
        return [attempt for attempt in self._attempts.values() if attempt.state in {"queued", "running"}]

    def _ready(self, now: datetime) -> _Attempt | None:
        """The next to be served: one that runs and does not wait, else the oldest queued with room in its lane."""
        for attempt in self._open():
            if attempt.state == "running" and (attempt.wakes_at is None or attempt.wakes_at <= now):
                return attempt
        for attempt in self._open():
            running = [a for a in self._open() if a.kind == attempt.kind and a.state == "running"]
            if attempt.state == "queued" and len(running) < self._lanes.get(attempt.kind, 0):
                return attempt
        return None

    def _turn(self, attempt: _Attempt, clock: Clock) -> None:
        """Make one call for an attempt and record what it came to."""
        attempt.state, attempt.wakes_at = "running", None
        try:
            self._advance(attempt, clock)
        except Transient as hindrance:
            attempt.tries += 1
            if attempt.tries >= TRIES_MAX:
                self._lose(attempt, hindrance)
                return
            pause_s = min(PAUSE_S * 2 ** (attempt.tries - 1), PAUSE_MAX_S)
            at = clock.now().at + timedelta(seconds=pause_s)
            attempt.wakes_at = max(at, hindrance.retry_at) if hindrance.retry_at else at
        except Exception as error:  # noqa: BLE001 - any fault of the application is an attempt lost, here as there
            self._lose(attempt, error)
        else:
            attempt.tries = 0

    def _advance(self, attempt: _Attempt, clock: Clock) -> None:
        steps = self._steps
        assert steps is not None, "only one that works runs"
        run_id = attempt.run_id
        if attempt.names is None:
            attempt.names = self._call(lambda: list(steps.begin(run_id)))
            if not attempt.names:
                self._over(attempt)
        elif attempt.done == len(attempt.names):
            self._call(lambda: steps.end(run_id))
            self._over(attempt)
        else:
            name = attempt.names[attempt.done]
            self._record(attempt, self._call(lambda: steps.step(run_id, name)), clock)

    def _record(self, attempt: _Attempt, stepped: Stepped, clock: Clock) -> None:
        if stepped.outcome == "done":
            attempt.done += 1
        elif stepped.outcome == "again":
            attempt.wakes_at = clock.now().at + timedelta(seconds=stepped.wait_s)
        elif stepped.outcome == "ended":
            self._over(attempt)
        else:
            raise ValueError(f"a step came to {stepped.outcome!r}")

    def _over(self, attempt: _Attempt) -> None:
        if attempt.state == "running":
            attempt.state = "ended"

    def _lose(self, attempt: _Attempt, error: Exception) -> None:
        _log.error("the attempt %s is lost", attempt.run_id, exc_info=error)
        self.errors[attempt.run_id] = error
        if attempt.state == "running":
            attempt.state = "lost"

    def _call(self, call: Callable[[], _Answer]) -> _Answer:
        """One call of `Steps`, or the crash that is due at it."""
        self.calls += 1
        due = self.calls == self._crash_at
        if due and not self._crash_after:
            raise Crashed
        answer = call()
        if due:
            raise Crashed
        return answer
