"""Rate limits of one credential: what the server told, what it asks us to wait, and the reserve we keep.

A meter sends nothing and waits for nothing: it says whether a request may leave now, and until when not.
Waits are measured on the steady clock, and from the server's own time where it tells it, so that a wall clock
that is wrong or jumps lengthens none of them.

Source of the rules: GitHub's "Rate limits for the REST API" and "Best practices for using the REST API".
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from steward.adapters.github.answer import Answer
from steward.domain.instant import Instant, elapsed_s
from steward.domain.repository import Budget
from steward.ports.errors import RateLimited
from steward.ports.outside import Clock

SECONDARY_WAIT_S = 60.0
"""The least wait after a secondary limit that names none."""

SECONDARY_WAIT_MAX_S = 900.0
"""Where its doubling ends."""


@dataclass(frozen=True, slots=True)
class _Wait:
    """No request before `wait_s` after `told`."""

    told: Instant
    wait_s: float
    reason: str

    def left_s(self, now: Instant) -> float:
        return self.wait_s - elapsed_s(self.told, now)


class Meter:
    """The limits of one credential. Safe to use from several threads."""

    def __init__(self, clock: Clock, reserve: float) -> None:
        self._clock = clock
        self._reserve = reserve
        self._lock = threading.Lock()
        self._limit: int | None = None
        self._remaining: int | None = None
        self._window: _Wait | None = None
        self._pause: _Wait | None = None
        self._strikes = 0

    def require(self, *, urgent: bool) -> None:
        """Raise RateLimited if no request may leave now. Urgent ones may use the reserve."""
        now = self._clock.now()
        with self._lock:
            if self._pause is not None and self._pause.left_s(now) > 0:
                raise _limited(self._pause, now)
            if self._window is None or self._window.left_s(now) <= 0:
                return
            if self._remaining is None or self._limit is None:
                return
            floor = 0 if urgent else int(self._limit * self._reserve)
            if self._remaining <= floor:
                raise _limited(self._window, now)

    def note(self, answer: Answer) -> None:
        """Learn from the answer's headers. Raises RateLimited if it is the refusal of a limit."""
        now = self._clock.now()
        with self._lock:
            self._learn(answer, now)
            pause = self._refusal(answer, now)
            if pause is None:
                if answer.status < 400:
                    self._strikes = 0
                return
            if self._pause is None or self._pause.left_s(now) < pause.left_s(now):
                self._pause = pause
            raise _limited(self._pause, now)

    def budget(self) -> Budget:
        """The primary limit as last told; its reset in our own time."""
        with self._lock:
            if self._window is None:
                return Budget()
            reset_at = self._window.told.at + timedelta(seconds=self._window.wait_s)
            return Budget(self._limit, self._remaining, reset_at)

    def _learn(self, answer: Answer, now: Instant) -> None:
        limit, remaining = _number(answer, "x-ratelimit-limit"), _number(answer, "x-ratelimit-remaining")
        reset = _number(answer, "x-ratelimit-reset")
        if limit is None or remaining is None or reset is None:
            return
        if answer.status == 401:
            # A refused credential has no limits; these are the address's own, sixty an hour on github.com.
            return
        window = _Wait(now, _until_s(reset, answer, now), "the rate limit is nearly used up")
        if self._window is not None and self._remaining is not None and self._window.left_s(now) > 0:
            # Answers overtake each other: one of an hour that is over says nothing any more, and within
            # one hour the least remaining is the newest.
            if window.left_s(now) <= 0:
                return
            if abs(window.left_s(now) - self._window.left_s(now)) <= 60:
                remaining = min(remaining, self._remaining)
        self._limit, self._remaining, self._window = limit, remaining, window

    def _refusal(self, answer: Answer, now: Instant) -> _Wait | None:
        if answer.status not in {403, 429}:
            return None
        wait_s = _retry_after_s(answer, now)
        if wait_s is not None:
            return _Wait(now, max(wait_s, 1.0), "the server asks to wait")
        reset = _number(answer, "x-ratelimit-reset")
        if answer.header("x-ratelimit-remaining") == "0" and reset is not None:
            wait_s = _until_s(reset, answer, now)
            return _Wait(now, wait_s if wait_s > 0 else SECONDARY_WAIT_S, "the rate limit is used up")
        if answer.status == 429 or _speaks_of_limits(answer):
            return self._strike(now)
        return None

    def _strike(self, now: Instant) -> _Wait:
        """Several requests refused at once are one strike."""
        if self._pause is not None and self._pause.left_s(now) > 0:
            return self._pause
        wait_s = min(SECONDARY_WAIT_S * 2**self._strikes, SECONDARY_WAIT_MAX_S)
        self._strikes = min(self._strikes + 1, 10)
        return _Wait(now, wait_s, "a secondary rate limit was hit")


def retry_at(answer: Answer, now: Instant) -> datetime | None:
    """When the server asks to come back, in our own time; None if it does not say."""
    wait_s = _retry_after_s(answer, now)
    return None if wait_s is None else now.at + timedelta(seconds=wait_s)


def server_time(answer: Answer) -> datetime | None:
    """The server's clock as its Date header tells it, to the second."""
    try:
        at = parsedate_to_datetime(answer.header("date") or "")
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _limited(wait: _Wait, now: Instant) -> RateLimited:
    at = now.at + timedelta(seconds=wait.left_s(now))
    return RateLimited(f"{wait.reason}; next request at {at:%H:%M:%S} UTC", retry_at=at)


def _number(answer: Answer, name: str) -> int | None:
    text = answer.header(name)
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else None


def _until_s(epoch_s: int, answer: Answer, now: Instant) -> float:
    """Seconds from now to a moment of the server's clock."""
    return epoch_s - (server_time(answer) or now.at).timestamp()


def _retry_after_s(answer: Answer, now: Instant) -> float | None:
    """RFC 9110 allows seconds or a date."""
    seconds = _number(answer, "retry-after")
    if seconds is not None:
        return float(min(seconds, 7 * 86_400))
    text = answer.header("retry-after")
    if not text:
        return None
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return SECONDARY_WAIT_S
    return max(0.0, _until_s(int(at.timestamp()), answer, now))


def _speaks_of_limits(answer: Answer) -> bool:
    """A secondary limit without headers is told by its message alone."""
    problem = answer.problem()
    message = problem.message.lower() if problem else ""
    return "rate limit" in message or "abuse detection" in message
