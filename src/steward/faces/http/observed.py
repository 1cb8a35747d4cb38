"""Counts every request, and writes a line of it to the log. The outermost layer, so that refusals count too.

Neither holds an address as it came, a query or a header: they may bear secrets, and have no end.
"""

from __future__ import annotations

import logging
from time import perf_counter
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from steward.faces.http.frame import request_id
from steward.faces.http.site import Site

log = logging.getLogger("steward.access")

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE: Final = "none"
OTHER: Final = "other"
CUT_OFF: Final = 499
"""The status of a request whose reader went before it was answered, as some servers write it."""


class Observed:
    """Sees a request come and go."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        seen = _Seen(send)
        try:
            await self._app(scope, receive, seen)
        except Exception:
            seen.status = 500
            raise
        finally:
            self._note(scope, seen)

    def _note(self, scope: Scope, seen: _Seen) -> None:
        taken_s = perf_counter() - seen.began_s
        route: str = getattr(scope.get("route"), "path", NO_ROUTE)
        method = scope["method"] if scope["method"] in METHODS else OTHER
        self._site.meters.answered(route, method, seen.status, seen.wait_s or taken_s)
        by = scope.get("state", {}).get("by")
        told = {
            "method": method,
            "route": route,
            "status": seen.status,
            "ms": round(taken_s * 1000, 1),
            "request_id": request_id.get(),
            **({"actor": by.actor} if by is not None else {}),
        }
        log.info("%s %s %d %s ms", method, route, seen.status, told["ms"], extra=told)


class _Seen:
    """Sends on, and keeps the status and when it was told."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.began_s = perf_counter()
        self.wait_s: float | None = None
        self.status = CUT_OFF

    async def __call__(self, message: Message) -> Any:
        if message["type"] == "http.response.start":
            self.wait_s = perf_counter() - self.began_s
            self.status = message["status"]
        await self._send(message)
