"""The engine that runs operations durably: whatever process starts one, another may end it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Stepped:
    """What a step came to: go on (`done`), run it again after `wait_s`, or leave the rest (`ended`)."""

    outcome: str
    wait_s: float = 0.0


GO_ON = Stepped("done")
ENDED = Stepped("ended")


def again(wait_s: float) -> Stepped:
    """The same step once more, after a durable wait."""
    return Stepped("again", wait_s)


class Steps(Protocol):
    """What the engine runs; the application is this. Every call is idempotent, and none raises for a refusal:
    a step that fails writes that down and answers ENDED.
    """

    def begin(self, run_id: str) -> Sequence[str]:
        """Start or go on with an attempt: the names of its steps, in order.

        None where it is over already: then nothing more is called for it.
        """
        ...

    def step(self, run_id: str, name: str) -> Stepped:
        """Run one step."""
        ...

    def end(self, run_id: str) -> None:
        """Every step was done: write the result, and make the move that follows from it."""
        ...


@dataclass(frozen=True, slots=True)
class Lane:
    """How many may run at once: `name` is the kind of operation."""

    name: str
    at_once: int


class Engine(Protocol):
    """Runs attempts. `start` and `cancel` may be called by any process, any number of times."""

    def launch(self, steps: Steps, lanes: Sequence[Lane], *, work: bool) -> None:
        """Begin to serve; with `work` also to run what is queued. Unfinished work of dead processes is taken up."""
        ...

    def start(self, run_id: str, kind: str, project_id: str) -> None:
        """Queue an attempt once, however often it is asked for."""
        ...

    def cancel(self, run_id: str) -> None:
        """Let no further step of it begin. One that runs is told through `Steps`, not from here."""
        ...

    def known(self, run_ids: Sequence[str]) -> dict[str, str]:
        """The engine's own word on attempts: queued, running, ended, cancelled, lost; unknown ones are left out."""
        ...

    def close(self, timeout_s: float) -> None:
        """Stop taking work up, and let what runs come to the end of its step."""
        ...


StopAsked = Callable[[], bool]
"""Whether a running step is to break off: asked from inside long work, about once a second."""
