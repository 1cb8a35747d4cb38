"""Bounds on guessing: how many wrong links, sessions and tokens an address may show before it has to wait.

Counted in this process alone. Secrets are too long to be guessed; this keeps floods of guesses cheap.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from time import monotonic
from typing import Final

FAILURES_MAX: Final = 20
WINDOW_S: Final = 300.0
ADDRESSES_MAX: Final = 10_000


class TooMany(Exception):
    """Too many wrong attempts from one address."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"too many attempts; wait {wait_s:.0f} s")
        self.wait_s = wait_s


class Guesses:
    """Wrong attempts by address, over a sliding window."""

    def __init__(self) -> None:
        self._times: OrderedDict[str, deque[float]] = OrderedDict()
        self._guard = threading.Lock()

    def check(self, address: str) -> None:
        """Raise TooMany if this address has to wait."""
        with self._guard:
            times = self._recent(address)
            if len(times) >= FAILURES_MAX:
                raise TooMany(times[0] + WINDOW_S - monotonic())

    def failed(self, address: str) -> bool:
        """Count a wrong attempt; False once there are too many to be worth a line each."""
        with self._guard:
            times = self._recent(address)
            times.append(monotonic())
            self._times[address] = times
            self._times.move_to_end(address)
            while len(self._times) > ADDRESSES_MAX:
                self._times.popitem(last=False)
            return len(times) <= FAILURES_MAX

    def _recent(self, address: str) -> deque[float]:
        times = self._times.get(address, deque())
        oldest = monotonic() - WINDOW_S
        while times and times[0] < oldest:
            times.popleft()
        return times
