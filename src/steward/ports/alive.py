"""What an installation tells the outside of itself: that it is alive, and how far its history has come."""

from __future__ import annotations

from typing import Protocol

from steward.domain.restored import HighWater


class Pulse(Protocol):
    """Somebody outside who raises an alarm when they hear nothing."""

    def send(self) -> None:
        """Tell them that all is well. Raises Transient or Permanent; no error names the address."""
        ...


class HighWaterMark(Protocol):
    """How far the history has come, kept apart from the database."""

    def read(self) -> HighWater:
        """What was kept last; an empty one where nothing can be read."""
        ...

    def write(self, mark: HighWater) -> None:
        """Keep it, whole or not at all. Raises StoreUnavailable."""
        ...
