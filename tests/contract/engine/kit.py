"""Steps that follow a script and write down every call, and one way to drive each engine to its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from steward.adapters.clock import SystemClock
from steward.adapters.engine import DurableEngine
from steward.ports import Clock
from steward.ports.engine import GO_ON, Engine, Lane, Stepped, Steps
from steward.testing.clock import FakeClock
from steward.testing.engine import InlineEngine

OVER = {"ended", "cancelled", "lost"}
Does = Callable[[str], Stepped]


@dataclass
class Script:
    """Implements Steps: three steps, each of which goes on, unless `does` says otherwise by name."""

    names: Sequence[str] = ("one", "two", "three")
    does: dict[str, Does] = field(default_factory=dict)
    begins: Callable[[str], None] = lambda run_id: None
    ends: Callable[[str], None] = lambda run_id: None
    calls: list[tuple[str, str]] = field(default_factory=list)

    def begin(self, run_id: str) -> Sequence[str]:
        """Write it down and tell the names."""
        self.calls.append((run_id, "begin"))
        self.begins(run_id)
        return self.names

    def step(self, run_id: str, name: str) -> Stepped:
        """Write it down and do what the script has for it."""
        self.calls.append((run_id, name))
        does = self.does.get(name)
        return does(run_id) if does is not None else GO_ON

    def end(self, run_id: str) -> None:
        """Write it down."""
        self.calls.append((run_id, "end"))
        self.ends(run_id)

    def of(self, run_id: str) -> list[str]:
        """What was called for one attempt, in order."""
        return [what for run, what in list(self.calls) if run == run_id]


class Times:
    """A behaviour that differs for the first calls: an exception is raised, a Stepped answered; then it goes on."""

    def __init__(self, *first: Stepped | Exception) -> None:
        self._first = list(first)

    def __call__(self, run_id: str) -> Stepped:
        """The next of them."""
        answer = self._first.pop(0) if self._first else GO_ON
        if isinstance(answer, Exception):
            raise answer
        return answer


class Rig:
    """An engine of one kind, and how its work is brought to an end."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.clock: Clock = FakeClock() if isinstance(engine, InlineEngine) else SystemClock()

    def launch(self, steps: Steps, **lanes: int) -> None:
        """Work, with these lanes; one of two by default."""
        given = [Lane(name, at_once) for name, at_once in (lanes or {"build": 2}).items()]
        self.engine.launch(steps, given, work=True)

    def settle(self, *run_ids: str) -> dict[str, str]:
        """Let these attempts come to their end; what the engine says of them."""
        if isinstance(self.engine, InlineEngine):
            self.engine.run_all(self.clock)
        else:
            until(lambda: set(self.engine.known(run_ids).values()) <= OVER)
        return self.engine.known(run_ids)


def until(condition: Callable[[], object], timeout_s: float = 30.0) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.05)


class Gate:
    """A step that waits within until it is let go, and tells that it has begun."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.open = threading.Event()

    def __call__(self, run_id: str) -> Stepped:
        """Wait."""
        self.begun.set()
        assert self.open.wait(30)
        return GO_ON


def closed(engine: Engine) -> None:
    """Close it whatever a test left behind."""
    engine.close(5.0)
    if isinstance(engine, DurableEngine):
        assert not engine.fenced
