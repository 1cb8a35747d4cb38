"""Where Telegram delivers updates. Its secret is the proof; an answer of 200 says that the update was handled."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from steward.faces.http.failures import Failure, answer
from steward.faces.http.guard import GuardedRoute, public
from steward.faces.http.hooks import body_within
from steward.faces.http.site import site
from steward.faces.telegram.door import Closed

router = APIRouter(route_class=GuardedRoute)

BODY_MAX_BYTES: Final = 1024 * 1024
"""More than any update of Telegram's has: a message is 4096 characters long, with its markup."""
WAIT_S: Final = 25.0
"""How long Telegram is kept waiting; it delivers again what was not answered."""
HEADER: Final = "x-telegram-bot-api-secret-token"
_PROBLEM: Final[dict[str, Any]] = {"content": {"application/problem+json": {}}}
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "It was handled, now or when it came before"},
    400: {**_PROBLEM, "description": "The body is no update"},
    401: {**_PROBLEM, "description": "The secret is missing or wrong, or no bot takes deliveries here"},
    413: {**_PROBLEM, "description": "The body is larger than 1 MiB"},
    503: {**_PROBLEM, "description": "It could not be handled now; it is to be delivered again"},
}


@router.post("/hooks/telegram", responses=RESPONSES, tags=["webhooks"])
@public
async def receive(request: Request) -> Response:
    """Take one update of Telegram's, with the secret that the webhook was set with."""
    door = site(request).telegram
    if door is None or not door.proves(request.headers.get(HEADER, "")):
        return _refuse(request, 401, "unproven", "the secret is missing or wrong")
    body = await body_within(request, BODY_MAX_BYTES)
    if body is None:
        return _refuse(request, 413, "too-large", "the body is larger than any update")
    try:
        update = json.loads(body)
    except ValueError:
        update = None
    if not isinstance(update, dict) or not isinstance(update.get("update_id"), int):
        return _refuse(request, 400, "malformed", "the body is no update")
    try:
        async with asyncio.timeout(WAIT_S):
            handled = await asyncio.wrap_future(door.submit(update))
    except (Closed, TimeoutError):
        handled = False
    if not handled:
        return _refuse(request, 503, "busy", "the update could not be handled now")
    return JSONResponse({"state": "handled"})


def _refuse(request: Request, status: int, code: str, detail: str) -> Response:
    headers = {"Retry-After": "5"} if status == 503 else {}
    return answer(request, Failure(status, code, detail, headers=headers))
