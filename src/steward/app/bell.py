"""A bell that wakes the loops of this process. It carries nothing; what is due is in the database."""

from __future__ import annotations

import threading


class Bell:
    """Wakes the loops of this process when deliveries have arrived. Other processes are found by polling."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._rung = 0

    @property
    def rung(self) -> int:
        """How often it was rung."""
        return self._rung

    def ring(self) -> None:
        """Wake whoever waits."""
        with self._changed:
            self._rung += 1
            self._changed.notify_all()

    def wait(self, rung: int, timeout_s: float) -> None:
        """Wait until it was rung more often than that, at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: self._rung != rung, timeout_s)
