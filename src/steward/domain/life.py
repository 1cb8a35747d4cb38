"""Whether a release is proven to live, whether it is well since, and how near its certificate's end is.

Pure judgement over looks; what a look is made of belongs to the probe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

GOOD_IN_A_ROW: Final = 3
PROOF_WITHIN: Final = timedelta(seconds=120)
STABLE_S: Final = 60.0
BAD_IN_A_ROW: Final = 3
TLS_WARNING_DAYS: Final = 21.0
TLS_URGENT_DAYS: Final = 7.0


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a release: when, and whether it was alive for its commit.

    `up_s` is how long its process has been running, where the proof is the supervisor's word.
    """

    at: datetime
    alive: bool
    up_s: float | None = None


class Health(StrEnum):
    """`unsure`: it failed, but not often enough yet to say that it is ill."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    UNSURE = "unsure"
    UNHEALTHY = "unhealthy"


class Expiry(StrEnum):
    """How near a certificate's end is: `warning` from 21 days, `urgent` from 7, `over` past it."""

    FINE = "fine"
    WARNING = "warning"
    URGENT = "urgent"
    OVER = "over"


def proven(looks: Sequence[Look], kind: str = "http") -> bool:
    """Whether looks, the oldest first, prove that the release lives.

    A site: the last three were good, and not more than 120 s apart in all. A process: it runs, and has for 60 s,
    by its supervisor's clock or, where that says nothing, over good looks alone. A package or a person's word:
    the last look was good.
    """
    if not looks or not looks[-1].alive:
        return False
    if kind == "http":
        last = looks[-GOOD_IN_A_ROW:]
        good = len(last) == GOOD_IN_A_ROW and all(look.alive for look in last)
        return good and last[-1].at - last[0].at <= PROOF_WITHIN
    if kind == "process":
        return _stable_s(looks) >= STABLE_S
    return True


def _stable_s(looks: Sequence[Look]) -> float:
    if (up_s := looks[-1].up_s) is not None:
        return up_s
    good_since = looks[-1].at
    for look in reversed(looks):
        if not look.alive:
            break
        good_since = look.at
    return (looks[-1].at - good_since).total_seconds()


def out_of_time(started: datetime, now: datetime, kind: str = "http") -> bool:
    """Whether a release has had its time to prove itself: 120 s, a process 60 s more to be stable in."""
    allowed = PROOF_WITHIN + (timedelta(seconds=STABLE_S) if kind == "process" else timedelta())
    return now - started > allowed


def health(alive: Sequence[bool]) -> Health:
    """What looks since the release was proven come to, the oldest first.

    Three failures in a row are an illness; the first good look ends it.
    """
    if not alive:
        return Health.UNKNOWN
    if alive[-1]:
        return Health.HEALTHY
    last = alive[-BAD_IN_A_ROW:]
    return Health.UNHEALTHY if len(last) == BAD_IN_A_ROW and not any(last) else Health.UNSURE


def expiry(days_left: float) -> Expiry:
    """How near the end of a certificate is, by the days it has left."""
    if days_left <= 0:
        return Expiry.OVER
    if days_left <= TLS_URGENT_DAYS:
        return Expiry.URGENT
    return Expiry.WARNING if days_left <= TLS_WARNING_DAYS else Expiry.FINE
