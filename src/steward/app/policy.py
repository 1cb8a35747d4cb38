"""What an installation asks of people beyond their rights."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """`four_eyes`: who ordered a project may not approve or confirm it."""

    four_eyes: bool = False
