"""Where GitHub delivers webhooks. The signature is the proof; what it means is `app.receiving`'s and `app.inbox`'s.

An answer of 202 says that the delivery is stored durably, never that anything was done about it yet.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from steward.app.receiving import BODY_MAX_BYTES, BUSY, TOO_LARGE, Full, Receiver, Refusal
from steward.faces.http.failures import Failure, answer
from steward.faces.http.guard import GuardedRoute, public
from steward.faces.http.site import address_of, site
from steward.ports import StoreUnavailable

router = APIRouter(route_class=GuardedRoute)

WAIT_S: Final = 9.0
"""GitHub waits ten seconds for an answer."""
RETRY_S: Final = 60

_PROBLEM: Final[dict[str, Any]] = {"content": {"application/problem+json": {}}}
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    202: {"description": "It is stored: `accepted`, or `duplicate` of one that came before"},
    400: {**_PROBLEM, "description": "A header is missing or malformed"},
    401: {**_PROBLEM, "description": "The signature is missing or wrong, or no secret is configured"},
    413: {**_PROBLEM, "description": "The body is larger than 25 MiB"},
    415: {**_PROBLEM, "description": "The body is not sent as JSON"},
    503: {**_PROBLEM, "description": "It cannot be stored now; Retry-After says when"},
}


@router.post("/hooks/github", status_code=202, responses=RESPONSES, tags=["webhooks"])
@public
async def receive(request: Request) -> Response:
    """Take one delivery of GitHub's, signed with the webhook's secret."""
    receiver = site(request).receiver
    if (refusal := receiver.unproven(request.headers)) is not None:
        return await _refuse(request, receiver, refusal)
    body = await body_within(request, BODY_MAX_BYTES)
    if body is None:
        return await _refuse(request, receiver, TOO_LARGE)
    checked = receiver.check(request.headers, body)
    if isinstance(checked, Refusal):
        return await _refuse(request, receiver, checked)
    try:
        async with asyncio.timeout(WAIT_S):
            fresh = await asyncio.wrap_future(receiver.submit(checked))
    except (Full, StoreUnavailable, TimeoutError):
        return await _refuse(request, receiver, BUSY)
    return JSONResponse({"state": "accepted" if fresh else "duplicate"}, 202)


async def body_within(request: Request, most: int) -> bytes | None:
    """The body as it came; None if it has more bytes than that, without reading it to its end."""
    told = request.headers.get("content-length", "")
    if told.isascii() and told.isdigit() and int(told[:20]) > most:
        return None
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


async def _refuse(request: Request, receiver: Receiver, refusal: Refusal) -> Response:
    number = getattr(request.state, "request_id", "")
    if refusal.status != BUSY.status:
        # Nothing is asked of a database that cannot follow: GitHub lists what it could not deliver.
        await run_in_threadpool(receiver.refused, refusal, address_of(request), number)
    headers = {"Retry-After": str(RETRY_S)} if refusal.status == BUSY.status else {}
    failure = Failure(refusal.status, refusal.code, refusal.detail, refusal.advice, headers=headers)
    return answer(request, failure)
