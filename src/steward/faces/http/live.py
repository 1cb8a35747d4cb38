"""Live events: one poll of the database for every open page, and a stream for each.

A stream begins after the position that the browser saw last, so that neither a reconnection nor a restart of
the server loses a change. It carries signals, not facts: what changed, for pages to fetch anew.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from starlette.concurrency import run_in_threadpool

from steward.app.application import Application
from steward.app.queries import Queries
from steward.domain.people import Principal, local
from steward.ports import StoreUnavailable

log = logging.getLogger(__name__)

POLL_S: Final = 0.1
BATCH: Final = 500
HEARTBEAT_S: Final = 15.0
RETRY_MS: Final = 1000

Json = dict[str, Any]


class Live:
    """The newest position of the journal, awaited by every open stream of this process."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._newest = local("live")
        self._position = -1
        # One event per change, replaced as it is set. A condition's lock would not outlive readers that leave
        # while they are woken: they are cancelled several times over, and would give back what others hold.
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._ended = False
        self.streams = 0

    async def start(self) -> None:
        """Begin to poll."""
        self._task = asyncio.create_task(self._poll())

    async def stop(self) -> None:
        """End every stream, so that the server can stop."""
        self._ended = True
        self._wake()
        if self._task is not None:
            self._task.cancel()

    async def _poll(self) -> None:
        while not self._ended:
            try:
                position = await run_in_threadpool(self._app.queries(self._newest).last_position)
            except StoreUnavailable as error:
                log.warning("live events wait for the database: %s", error.reason)
                await asyncio.sleep(10 * POLL_S)
                continue
            if position != self._position:
                self._position = position
                self._wake()
            await asyncio.sleep(POLL_S)

    def _wake(self) -> None:
        """Tell everybody who waits, and let the next wait be for what comes after."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def stream(
        self,
        by: Principal,
        after: int | None,
        gone: Callable[[], Awaitable[bool]],
        shape: Callable[[Json], str],
    ) -> AsyncIterator[str]:
        """The events after that position (None: from now on), as server-sent events, until the reader is gone.

        Raises nothing: where the database does not answer, the stream ends, and the browser comes again.
        """
        queries = self._app.queries(by)
        last = await run_in_threadpool(queries.last_position) if after is None else after
        heard = asyncio.get_running_loop().time()
        self.streams += 1
        try:
            yield f"retry: {RETRY_MS}\nid: {last}\n: after {last}\n\n"
            while not self._ended:
                # What this reader may not see moves the position too: wait for what is newer than this look.
                looked_at = self._position
                events = await run_in_threadpool(_after, queries, last)
                for event in events:
                    last = event["position"]
                    yield f"id: {last}\n{shape(event)}\n\n"
                if len(events) < BATCH:
                    await self._news(looked_at)
                if asyncio.get_running_loop().time() - heard >= HEARTBEAT_S:
                    heard = asyncio.get_running_loop().time()
                    if await gone():
                        return
                    yield ": still here\n\n"
        except StoreUnavailable:
            return
        finally:
            self.streams -= 1

    async def _news(self, looked_at: int) -> None:
        """Wait until there may be something newer than that, at most for a heartbeat."""
        changed = self._changed
        if self._ended or self._position > looked_at:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), HEARTBEAT_S)


def _after(queries: Queries, last: int) -> list[Json]:
    return queries.events(after=last, limit=BATCH)


def signal(event: Json) -> str:
    """What a page is told of an event: enough to know what to fetch anew."""
    told = {
        "position": event["position"],
        "kind": event["kind"],
        "project": event["project"],
        "incident_id": event["data"].get("incident_id"),
        "organisation": event["organisation"],
    }
    return f"event: change\ndata: {json.dumps(told, ensure_ascii=False)}"


def whole(event: Json) -> str:
    """What a program is told of an event: all of it."""
    return f"event: {event['kind']}\ndata: {json.dumps(event, ensure_ascii=False)}"
