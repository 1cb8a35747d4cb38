"""A moment as a machine saw it, so that waits survive restarts and clocks that jump."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Instant:
    """`at`: the wall clock, aware, UTC. `boot` names the boot of the machine, `tick_s` is its steady clock.

    An empty `boot` means that only the wall clock is known.
    """

    at: datetime
    boot: str = ""
    tick_s: float = 0.0

    def encode(self) -> str:
        """Write it as one line of text."""
        return f"{self.at.isoformat()}|{self.boot}|{self.tick_s:.3f}"

    @classmethod
    def decode(cls, text: str) -> Instant:
        """Read what `encode` wrote. Raises ValueError otherwise."""
        at, boot, tick_s = text.split("|")
        return cls(datetime.fromisoformat(at), boot, float(tick_s))


def elapsed_s(since: Instant, now: Instant) -> float:
    """Seconds from `since` to `now`, never negative.

    Within one boot the steady clock decides, whatever the wall clock did; across boots and machines the
    wall clock is all there is.
    """
    if since.boot and since.boot == now.boot:
        return max(0.0, now.tick_s - since.tick_s)
    return max(0.0, (now.at - since.at).total_seconds())
