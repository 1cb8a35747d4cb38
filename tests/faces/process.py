"""Runs `steward up`, `steward serve` as real processes, as somebody at a shell would."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from steward.adapters.clock import SystemClock
from steward.domain.instant import elapsed_s

BIN = Path(sys.executable).parent


@dataclass
class Process:
    """A running `steward up` or `steward serve`, its lines as they come."""

    child: subprocess.Popen[str]
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)

    def wait_for(self, pattern: str, timeout_s: float = 40) -> str:
        """The first line on standard output that the pattern is found in."""
        clock = SystemClock()
        began = clock.now()
        while elapsed_s(began, clock.now()) < timeout_s:
            for line in list(self.out):
                if re.search(pattern, line):
                    return line
            assert self.child.poll() is None, f"it ended with {self.child.returncode}: {self.out} {self.err}"
            clock.wait(0.05)
        raise AssertionError(f"'{pattern}' did not come in {timeout_s} s: {self.out} {self.err}")

    def board(self) -> str:
        """The address of its web face."""
        return self.wait_for(r"^  board ").split()[1]

    def token(self) -> str:
        """The secret of the sign-in link that it printed."""
        return self.wait_for("login\\?token=").partition("token=")[2]

    def end(self, how: signal.Signals = signal.SIGINT) -> int:
        """Ask it to stop; return its exit code."""
        self.child.send_signal(how)
        return self.child.wait(30)


class Starter(Protocol):
    """Starts `steward up ARGS`, or another command, with these settings."""

    def __call__(self, *args: str, command: str = "up", **environ: str) -> Process: ...


def _read(stream: IO[str], lines: list[str]) -> None:
    with stream:
        while line := stream.readline():
            lines.append(line.rstrip("\n"))


QUICK = {
    "STEWARD_WEB_PORT": "0",
    "STEWARD_DEMO_PORT": "0",
    "STEWARD_SYNC_INTERVAL_S": "1",
    "STEWARD_SYNC_CONFIRM_SPACING_S": "1",
    "STEWARD_SYNC_GRACE_S": "0",
}


@contextmanager
def starting(cwd: Path) -> Iterator[Starter]:
    """Starts processes in that directory; those that a test leaves behind are killed."""
    running: list[Process] = []
    readers: list[threading.Thread] = []

    def starter(*args: str, command: str = "up", **environ: str) -> Process:
        child = subprocess.Popen(
            [BIN / "steward", command, *args],
            cwd=cwd,
            env=os.environ | QUICK | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        process = Process(child)
        for stream, lines in ((child.stdout, process.out), (child.stderr, process.err)):
            assert stream is not None
            readers.append(threading.Thread(target=_read, args=(stream, lines)))
            readers[-1].start()
        running.append(process)
        return process

    try:
        yield starter
    finally:
        for process in running:
            if process.child.poll() is None:
                process.child.kill()
                process.child.wait()
        for reader in readers:
            reader.join()
