"""What surrounds every request: its number, the Host check, a bound on its body, and the security headers."""

from __future__ import annotations

import re
from contextvars import ContextVar
from http import HTTPStatus
from secrets import token_hex
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from steward.faces.http.site import Site, speak_to

BODY_MAX_BYTES: Final = 256 * 1024
"""Enough for any form or API call. Webhooks have a bound of their own."""
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The number of the present request, for log lines."""

CSP: Final = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class _TooLarge(Exception):
    """A body went past its bound."""


class Frame:
    """The outermost layer, without a view of routes or people."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        number = _number(headers.get("x-request-id"))
        scope.setdefault("state", {})["request_id"] = number
        request_id.set(number)
        # Here already: what no route answers is said in words too.
        speak_to(HTTPConnection(scope))
        framed = self._dressed(scope, send, number)
        if not self._site.knows(headers.get("host", "")):
            await _refuse(421, "this server does not bear that name", scope, receive, framed)
            return
        bounded = receive
        if not scope["path"].startswith("/hooks/"):
            if _length(headers) > BODY_MAX_BYTES:
                await _refuse(413, "the body is larger than this address takes", scope, receive, framed)
                return
            bounded = _bounded(receive)
        try:
            await self._app(scope, bounded, framed)
        except _TooLarge:
            await _refuse(413, "the body is larger than this address takes", scope, receive, framed)

    def _dressed(self, scope: Scope, send: Send, number: str) -> Send:
        secure = scope.get("scheme") == "https"

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                headers["X-Request-Id"] = number
                if secure:
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            await send(message)

        return dressed


def _number(given: str | None) -> str:
    """The number of a request: the one that came with it, if it is of the usual form."""
    return given if given and _REQUEST_ID.fullmatch(given) else token_hex(8)


def _length(headers: Headers) -> int:
    told = headers.get("content-length", "0")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 18 else 0


def _bounded(receive: Receive) -> Receive:
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > BODY_MAX_BYTES:
            raise _TooLarge
        return message

    return bounded


async def _refuse(status: int, detail: str, scope: Scope, receive: Receive, send: Send) -> None:
    code = {413: "too-large", 421: "wrong-host"}[status]
    advice = "Use the address that STEWARD_WEB_PUBLIC_URL names." if status == 421 else "Send less."
    told: dict[str, Any] = {
        "type": f"urn:steward:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": scope["path"],
        "request_id": scope["state"]["request_id"],
        "advice": advice,
    }
    response = JSONResponse(told, status, media_type="application/problem+json")
    await response(scope, receive, send)
