"""Where delivered updates come in: from the web face's thread to the loop that handles them, one after another.

It knows nothing of aiogram, so that the web face does not either.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

WAITING_MAX: Final = 500
"""Deliveries that may wait; more are refused, and Telegram delivers them again."""


class Closed(Exception):
    """Nobody takes deliveries now, or too many wait."""


def hook_secret(token: str) -> str:
    """What deliveries must bear: derived of the token, so that nothing is kept, and of no use elsewhere."""
    return hashlib.sha256(b"steward telegram webhook\0" + token.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Arrival:
    """One delivery. Its sender is told when it was handled, or that it must come again."""

    update: Any
    done: Future[bool] = field(default_factory=Future)

    def settle(self, *, done: bool) -> None:
        """Tell the sender."""
        if self.done.set_running_or_notify_cancel():
            self.done.set_result(done)


class Door:
    """The way in. It is closed until somebody takes deliveries."""

    def __init__(self, token: str) -> None:
        self._secret = hook_secret(token)
        self._guard = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._arrivals: asyncio.Queue[Arrival] | None = None

    def proves(self, secret: str) -> bool:
        """Whether that is what deliveries must bear."""
        return hmac.compare_digest(secret.encode("utf-8", "replace"), self._secret.encode())

    def open(self, loop: asyncio.AbstractEventLoop) -> asyncio.Queue[Arrival]:
        """Take deliveries from here on, in that loop; where they come out."""
        with self._guard:
            self._loop, self._arrivals = loop, asyncio.Queue()
            return self._arrivals

    def close(self) -> None:
        """Take none any more; those that wait must come again."""
        with self._guard:
            arrivals, self._loop, self._arrivals = self._arrivals, None, None
        while arrivals is not None and not arrivals.empty():
            arrivals.get_nowait().settle(done=False)

    def submit(self, update: Any) -> Future[bool]:
        """Hand a delivery in; its result says whether it was handled. Raises Closed."""
        with self._guard:
            if self._loop is None or self._arrivals is None or self._arrivals.qsize() >= WAITING_MAX:
                raise Closed
            arrival = Arrival(update)
            try:
                self._loop.call_soon_threadsafe(self._arrivals.put_nowait, arrival)
            except RuntimeError:
                # The loop ended before it could close the door.
                raise Closed from None
            return arrival.done
