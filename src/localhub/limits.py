"""The primary rate limit: so many points an hour for each credential. Secondary limits exist as faults alone.

Source of the numbers: GitHub's "Rate limits for the REST API".
"""

import threading
from dataclasses import dataclass

from localhub.clock import Clock

DEFAULT_POINTS_PER_HOUR = 5_000
ANONYMOUS_POINTS_PER_HOUR = 60
_WINDOW_S = 3_600


@dataclass
class Window:
    """One credential's hour: `reset` is in seconds since the epoch."""

    limit: int
    used: int
    reset: int

    @property
    def remaining(self) -> int:
        """Points that are left."""
        return max(0, self.limit - self.used)

    def headers(self) -> dict[str, str]:
        """The `x-ratelimit-*` headers."""
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-reset": str(self.reset),
            "x-ratelimit-used": str(self.used),
            "x-ratelimit-resource": "core",
        }

    def facts(self) -> dict[str, int | str]:
        """The same in the shape of `GET /rate_limit`."""
        numbers = {"limit": self.limit, "used": self.used, "remaining": self.remaining, "reset": self.reset}
        return {**numbers, "resource": "core"}


class Limits:
    """All windows."""

    def __init__(self, clock: Clock, points_per_hour: int) -> None:
        self._clock = clock
        self._points_per_hour = points_per_hour
        self._windows: dict[str, Window] = {}
        self._lock = threading.Lock()

    def window(self, key: str) -> Window:
        """A copy of the window of a credential, `anonymous` for none."""
        with self._lock:
            held = self._held(key)
            return Window(held.limit, held.used, held.reset)

    def spend(self, key: str, points: int) -> Window:
        """Note the points that a request cost; return the window after it."""
        with self._lock:
            held = self._held(key)
            held.used += points
            return Window(held.limit, held.used, held.reset)

    def _held(self, key: str) -> Window:
        now = int(self._clock.now().timestamp())
        held = self._windows.get(key)
        if held is None or held.reset <= now:
            limit = ANONYMOUS_POINTS_PER_HOUR if key == "anonymous" else self._points_per_hour
            held = self._windows[key] = Window(limit, 0, now + _WINDOW_S)
        return held
