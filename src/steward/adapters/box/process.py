"""A started command: its output line by line, its bounds watched, and its end.

No thread is needed: everything happens in `line`, in the thread that started it. That thread also has to be the one
that goes on living, since bubblewrap dies with the thread that it was started by.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import time
from collections import deque
from collections.abc import Callable
from typing import IO, Final

from steward.ports.box import BoxEnd, BoxOrder, Line, Why

LOOK_S: Final = 0.2
"""How often bounds are looked at."""

CHUNK: Final = 65536
PATIENCE_S: Final = 10.0


class Process:
    """A running command as `ports.box.Running`.

    `killing` ends all of it; `measured` gives (bytes of memory, processes) of all of it, or None where that is
    not known; `broken` raises where the box itself could not be built, and is asked at the end.
    """

    def __init__(
        self,
        popen: subprocess.Popen[bytes],
        order: BoxOrder,
        *,
        killing: Callable[[], None],
        measured: Callable[[], tuple[int, int] | None],
        ended: Callable[[bytes], None],
    ) -> None:
        self._popen = popen
        self._order = order
        self._killing = killing
        self._measured = measured
        self._ended = ended
        self._why = Why.EXITED
        self._ready: deque[Line] = deque()
        self._parts = {
            False: _Splitter(order.line_bytes, error=False),
            True: _Splitter(order.line_bytes, error=True),
        }
        self._errors = b""
        self._left = order.output_bytes
        self._deadline = time.monotonic() + order.wall_s
        self._look_at = 0.0
        self._gone = False
        self._selector = selectors.DefaultSelector()
        for stream, error in ((popen.stdout, False), (popen.stderr, True)):
            assert stream is not None
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream, selectors.EVENT_READ, error)
        self._unsent = (order.stdin or "").encode()
        if popen.stdin is not None:
            os.set_blocking(popen.stdin.fileno(), False)
            self._selector.register(popen.stdin, selectors.EVENT_WRITE)

    @property
    def over(self) -> bool:
        """Everything it said was read, and nothing of it is alive."""
        return self._gone and not self._ready

    def line(self, timeout_s: float) -> Line | None:
        """The next line; None where none came in that time, or it is over."""
        until = time.monotonic() + timeout_s
        while not self._ready and not self._gone:
            left = until - time.monotonic()
            if left <= 0:
                return None
            self._turn(min(left, LOOK_S))
        return self._ready.popleft() if self._ready else None

    def kill(self, why: Why = Why.KILLED) -> None:
        """End all of it at once. What it had said can still be read."""
        if self._gone or self._why is not Why.EXITED:
            return
        self._why = why
        self._killing()

    def end(self) -> BoxEnd:
        """How it ended; until it does it is waited for, and what it says is dropped."""
        while not self._gone:
            self._turn(LOOK_S)
        code = self._popen.returncode
        return BoxEnd(self._why, code if self._why is Why.EXITED else None)

    def _turn(self, timeout_s: float) -> None:
        """Wait for something to happen, and deal with it."""
        for key, _ in self._selector.select(timeout_s):
            if key.fileobj is self._popen.stdin:
                self._write(self._popen.stdin)
            else:
                self._read(key.fd, error=key.data)
        self._look()
        if not self._reading() and self._popen.poll() is not None:
            self._finish()

    def _reading(self) -> bool:
        return any(key.events & selectors.EVENT_READ for key in self._selector.get_map().values())

    def _write(self, stdin: IO[bytes]) -> None:
        try:
            sent = os.write(stdin.fileno(), self._unsent[:CHUNK]) if self._unsent else 0
        except BlockingIOError:
            return
        except BrokenPipeError:
            sent = len(self._unsent)
        self._unsent = self._unsent[sent:]
        if not self._unsent:
            self._selector.unregister(stdin)
            stdin.close()

    def _read(self, descriptor: int, *, error: bool) -> None:
        try:
            chunk = os.read(descriptor, CHUNK)
        except BlockingIOError:
            return
        if not chunk:
            self._selector.unregister(descriptor)
            self._ready.extend(self._parts[error].rest())
            return
        if error:
            self._errors = (self._errors + chunk)[-4096:]
        self._left -= len(chunk)
        if self._left < 0:
            # What came over the bound is not kept: after the kill the pipes are only emptied.
            self.kill(Why.OUTPUT)
            return
        self._ready.extend(self._parts[error].add(chunk))

    def _look(self) -> None:
        """Hold it to its bounds."""
        now = time.monotonic()
        if now < self._look_at or self._why is not Why.EXITED:
            return
        self._look_at = now + LOOK_S
        if now >= self._deadline:
            self.kill(Why.WALL)
            return
        found = self._measured()
        if found is None:
            return
        memory, processes = found
        if memory > self._order.memory_bytes:
            self.kill(Why.MEMORY)
        elif processes > self._order.processes_max:
            self.kill(Why.PROCESSES)

    def _finish(self) -> None:
        self._gone = True
        self._selector.close()
        for stream in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._ended(self._errors if self._why is Why.EXITED else b"")


class _Splitter:
    """Cuts a stream into lines of bounded length."""

    def __init__(self, most: int, *, error: bool) -> None:
        self._most = most
        self._error = error
        self._held = b""
        self._cut = False

    def add(self, chunk: bytes) -> list[Line]:
        """The lines that are whole by now."""
        *whole, last = (self._held + chunk).split(b"\n")
        lines = [self._line(text) for text in whole]
        if len(last) > self._most:
            last, self._cut = last[: self._most], True
        self._held = last
        return lines

    def rest(self) -> list[Line]:
        """What came after the last end of line."""
        held, self._held = self._held, b""
        return [self._line(held)] if held else []

    def _line(self, text: bytes) -> Line:
        cut, self._cut = self._cut or len(text) > self._most, False
        return Line(text[: self._most].removesuffix(b"\r"), self._error, cut)
