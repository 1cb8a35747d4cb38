"""The streams of live events, for pages and for programs, and whether their reader may still listen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import StreamingResponse

from steward.app.errors import Invalid, NotSignedIn
from steward.domain.people import Right
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.live import Json, signal
from steward.faces.http.site import principal_of, site
from steward.ports import StoreUnavailable

router = APIRouter(route_class=GuardedRoute)


@router.get("/live", include_in_schema=False)
@needs(Right.READ)
async def live(request: Request) -> StreamingResponse:
    """Signals for an open page: `event: change`, after `Last-Event-ID` or `?last=`."""
    return stream(request, signal)


def stream(request: Request, shape: Callable[[Json], str]) -> StreamingResponse:
    """A stream of events for whoever asks. Raises Invalid for a position that is none."""
    after = position(request)
    events = site(request).live.stream(principal_of(request), after, _gone(request), shape)
    headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


def position(request: Request) -> int | None:
    """The position that the reader saw last; None if it says nothing."""
    given = request.headers.get("last-event-id") or request.query_params.get("last")
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise Invalid(f"'{given[:40]}' is no position", "Send the id of the last event that came.")
    return int(given)


def _gone(request: Request) -> Callable[[], Awaitable[bool]]:
    by = principal_of(request)

    async def gone() -> bool:
        return await request.is_disconnected() or not await run_in_threadpool(_still)

    def _still() -> bool:
        try:
            return by.by is None or site(request).app.access.holds(by.by)
        except (StoreUnavailable, NotSignedIn):
            return False

    return gone
