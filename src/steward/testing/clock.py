"""A clock that moves only when it is told to, and whose wall time can jump."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from steward.domain.instant import Instant

START = datetime(2026, 1, 1, tzinfo=UTC)


class FakeClock:
    """Implements ports.Clock, within one boot of one machine."""

    def __init__(self) -> None:
        self._tick_s = 1000.0
        self._wall = START

    def now(self) -> Instant:
        """This moment."""
        return Instant(self._wall, "boot", self._tick_s)

    def wait(self, timeout_s: float) -> bool:
        """Let the time pass at once; nobody ever asks this clock to stop."""
        self.advance(timeout_s)
        return False

    def advance(self, seconds: float) -> None:
        """Let time pass, on both clocks."""
        self._tick_s += seconds
        self._wall += timedelta(seconds=seconds)

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back; the steady clock does not move."""
        self._wall += timedelta(seconds=seconds)
