"""A process that works, to be killed with -9: `python -m tests.road.worker DATABASE FOLDER HUB TOKEN FIRST LAST`.

It says "ready" and ends when its standard input does. ROAD_DIE names where it is to die: "before:design.merge" or
"after:design.merge" (an operation's kind, and a step of it or begin or end); it dies as killed, without a word.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from steward.adapters.clock import SystemClock
from steward.adapters.engine import open_engine
from steward.adapters.github import Token
from steward.adapters.github.write import connect_write
from steward.adapters.store import open_store
from steward.app.operations.context import split
from steward.app.operations.runner import Runner
from steward.ports.engine import Stepped
from tests.road.kit import LANES, make_tools

DIE: Final = os.environ.get("ROAD_DIE", "")


class Mortal:
    """Implements Steps: the real ones, and a death at one of them."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def begin(self, run_id: str) -> Sequence[str]:
        """As the port says."""
        self._die("before", run_id, "begin")
        names = self._runner.begin(run_id)
        self._die("after", run_id, "begin")
        return names

    def step(self, run_id: str, name: str) -> Stepped:
        """As the port says."""
        self._die("before", run_id, name)
        stepped = self._runner.step(run_id, name)
        self._die("after", run_id, name)
        return stepped

    def end(self, run_id: str) -> None:
        """As the port says."""
        self._die("before", run_id, "end")
        self._runner.end(run_id)
        self._die("after", run_id, "end")

    def _die(self, when: str, run_id: str, name: str) -> None:
        with self._runner.store.reading() as view:
            operation = view.operation(split(run_id)[0])
        if operation is not None and f"{when}:{operation.kind}.{name}" == DIE:
            os._exit(137)


def main() -> None:
    """Work until standard input ends."""
    url, folder, hub, token, first, last = sys.argv[1:]
    clock, tmp = SystemClock(), Path(folder)
    store = open_store(url)
    with connect_write(hub, credential=Token(token), clock=clock) as forge:
        tools, _ = make_tools(tmp, forge, ports=(int(first), int(last)))
        engine = open_engine(url, state_dir=tmp, holder=f"worker-{os.getpid()}", clock=clock)
        engine.launch(Mortal(Runner(store, clock, tools, ["log"])), LANES, work=True)
        print("ready", flush=True)
        sys.stdin.read()
        engine.close(5.0)
    store.close()


if __name__ == "__main__":
    main()
