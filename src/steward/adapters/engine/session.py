"""One stretch of work of this process under one executor id: what it may still do, and what it is to leave.

A session ends in one of two ways: it is closed, or it is lost (others have taken over what it had). Threads
that run attempts ask it before every step and wait through it, so that both reach them at once.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from steward.domain.instant import Instant, elapsed_s
from steward.ports import Clock
from steward.ports.engine import Steps

_LOOK_S: Final = 0.1
"""How often a thread that waits for its lease looks again."""


class Abandoned(BaseException):
    """This thread leaves its attempt as it stands: nothing is recorded, and another takes it up.

    No Exception, so that neither DBOS nor a step takes it for an answer.
    """


class Session:
    """Made for each launch. `lease_s` is None where the hold cannot be lost while the process lives."""

    def __init__(self, executor: str, steps: Steps, clock: Clock, lease_s: float | None) -> None:
        self.executor = executor
        self.steps = steps
        self.clock = clock
        self._lease_s = lease_s
        self._seen: Instant = clock.now()
        self._leave = threading.Event()
        self._lost = False
        self._over = False
        self._running: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()
        self._cancelled: set[str] = set()
        self._change = threading.Condition()
        self._when_idle: Callable[[], None] | None = None

    @property
    def owned(self) -> bool:
        """Whether what runs here is certainly ours: the lease was renewed in time."""
        if self._lost:
            return False
        return self._lease_s is None or elapsed_s(self._seen, self.clock.now()) < self._lease_s

    @property
    def over(self) -> bool:
        """Whether DBOS was taken down: whoever still runs may not touch the database."""
        return self._over

    def renewed(self, began: Instant) -> None:
        """The lease was renewed by a request that began then."""
        self._seen = began

    def lose(self) -> None:
        """Others have taken over: nothing that runs here counts any more."""
        self._lost = True
        self.leave()

    def leave(self) -> None:
        """Begin no step any more, and break off waits."""
        self._leave.set()
        with self._change:
            self._change.notify_all()

    def end(self, released: Callable[[], None]) -> None:
        """DBOS is down. `released` is called once no attempt runs here: now, or when the last step ends."""
        self._over = True
        with self._change:
            if self._running:
                self._when_idle = released
                return
        released()

    def cancelled(self, run_id: str) -> None:
        """That attempt was cancelled: its waits end."""
        with self._change:
            if run_id in self._running:
                self._cancelled.add(run_id)
                self._change.notify_all()

    def waiting(self) -> list[str]:
        """The attempts that wait between two steps."""
        with self._change:
            return list(self._waiting)

    def idle(self, timeout_s: float) -> bool:
        """Wait until no attempt runs here; whether it came to that."""
        with self._change:
            return self._change.wait_for(lambda: not self._running, timeout_s)

    @contextmanager
    def attempt(self, run_id: str) -> Iterator[None]:
        """Count an attempt as running here for as long as the block lasts."""
        with self._change:
            self._running[run_id] += 1
        try:
            yield
        finally:
            with self._change:
                _down(self._running, run_id)
                if run_id not in self._running:
                    self._cancelled.discard(run_id)
                last = self._when_idle if not self._running else None
                self._change.notify_all()
            if last is not None:
                last()

    def check(self, run_id: str) -> None:
        """Return once a step may begin. Raises Abandoned where none may any more."""
        while True:
            if self._leave.is_set() or run_id in self._cancelled:
                raise Abandoned
            if self.owned:
                return
            self._leave.wait(_LOOK_S)

    def confirm(self) -> None:
        """Return once it is certain that what a step just did here counts. Raises Abandoned where it does not."""
        while not self._over:
            if self.owned:
                return
            if self._leave.wait(_LOOK_S):
                break
        raise Abandoned

    def pause(self, run_id: str, until: float) -> None:
        """Wait until that time (seconds since the epoch). Raises Abandoned as soon as the attempt is to be left."""
        with self._change:
            self._waiting[run_id] += 1
            try:
                while (left := until - self.clock.now().at.timestamp()) > 0:
                    if self._leave.is_set() or run_id in self._cancelled:
                        raise Abandoned
                    # A wall clock that jumps is noticed within a second.
                    self._change.wait(min(left, 1.0))
            finally:
                _down(self._waiting, run_id)


def _down(counts: Counter[str], name: str) -> None:
    counts[name] -= 1
    if counts[name] <= 0:
        del counts[name]
