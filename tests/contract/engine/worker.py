"""A process that works, to be killed and stopped: it writes down when each step begins and is done.

Run as `python -m tests.contract.engine.worker`; it ends when its standard input does.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from steward.adapters.clock import SystemClock
from steward.adapters.engine import open_engine
from steward.ports.engine import GO_ON, Lane, Stepped

NAMES = ("one", "two", "three", "four", "five")


class Noting:
    """Implements Steps: each step takes a while and is written down before and after."""

    def __init__(self, log: Path, step_s: float) -> None:
        self._file = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        self._step_s = step_s
        self._pause = threading.Event()

    def note(self, run_id: str, what: str, name: str) -> None:
        """One line, written whole."""
        line = json.dumps([os.getpid(), run_id, what, name, time.monotonic()])
        os.write(self._file, f"{line}\n".encode())

    def begin(self, run_id: str) -> Sequence[str]:
        """The names."""
        self.note(run_id, "done", "begin")
        return NAMES

    def step(self, run_id: str, name: str) -> Stepped:
        """Take a while."""
        self.note(run_id, "begun", name)
        self._pause.wait(self._step_s)
        self.note(run_id, "done", name)
        return GO_ON

    def end(self, run_id: str) -> None:
        """Write it down."""
        self.note(run_id, "done", "end")


def main() -> None:
    """Work until standard input ends."""
    url, folder, step_s, at_once, lease_s = sys.argv[1:]
    steps = Noting(Path(folder) / "log", float(step_s))
    clock = SystemClock()
    engine = open_engine(url, state_dir=Path(folder), holder="worker", clock=clock, lease_s=float(lease_s))
    engine.launch(steps, [Lane("build", int(at_once))], work=True)
    steps.note("", "ready", "")
    fenced = threading.Thread(target=watch, args=(engine, steps), daemon=True)
    fenced.start()
    sys.stdin.read()
    engine.close(10.0)


def watch(engine: object, steps: Noting) -> None:
    """Write down when the process is fenced, and when no more."""
    was = False
    while True:
        now = bool(getattr(engine, "fenced", False))
        if now != was:
            steps.note("", "fenced" if now else "free", "")
        was = now
        time.sleep(0.01)


if __name__ == "__main__":
    main()
