"""The ASGI application: routes, and what every answer goes through.

A request passes faults, the caller's credential, the rate limit and its handler, in this order; the answer gets
its validator (ETag), the headers that GitHub always sends, and a line in the log. Every path is served at the
root and, as on GitHub Enterprise Server, under `/api/v3`. A path that GitHub has and localhub has not answers 501.

Handlers run in threads, so that none holds up another.
"""

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace

import anyio
import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import BaseRoute
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from localhub import faults, gitserver
from localhub.clock import stamp
from localhub.core import Core, Logged
from localhub.limits import Window
from localhub.rest import TABLE
from localhub.tokens import ANONYMOUS
from localhub.wire import Answer, Call, Problem, Route, not_found

ENTERPRISE_PREFIX = "/api/v3"
ADMIN_PREFIX = "/_localhub"
_JSON = "application/json; charset=utf-8"
_MAX_BODY_BYTES = 64 * 1024 * 1024
_KNOWN = re.compile(
    "/(_localhub|advisories|apps?|assignments|classrooms|codes_of_conduct|emojis|enterprises|events|feeds|gists|"
    "gitignore|graphql|installation|issues|licenses|markdown|marketplace|networks|notifications|organizations|orgs|"
    "projects|repos|repositories|search|teams|users?|versions|zen)(/|$)"
)
"""First parts of GitHub's API paths: what is below them and has no handler is missing here, not unknown."""


def build(core: Core) -> ASGIApp:
    """The application over one localhub: REST, then git, then a plain answer for what is missing."""
    handlers: dict[str, dict[str, Route]] = {}
    for route in TABLE:
        for path in _paths(route.path):
            handlers.setdefault(path, {})[route.method] = route
    served: list[BaseRoute] = [
        StarletteRoute(prefix + path, _Endpoint(core, prefix, methods))
        for prefix in ("", ENTERPRISE_PREFIX)
        for path, methods in handlers.items()
    ]
    missing = [
        StarletteRoute(prefix + "/{path:path}", _Endpoint(core, prefix, {}))
        for prefix in (ENTERPRISE_PREFIX, "")
    ]
    return Starlette(routes=[*served, *gitserver.routes(core), *missing])


def _paths(path: str) -> list[str]:
    """A path under a repository's name can also be written with its id."""
    named = "/repos/{owner}/{repo}"
    return (
        [path, "/repositories/{repository_id}" + path.removeprefix(named)]
        if path.startswith(named)
        else [path]
    )


class _Endpoint:
    """One path, with a handler for each of its methods."""

    def __init__(self, core: Core, prefix: str, methods: Mapping[str, Route]) -> None:
        self._core = core
        self._prefix = prefix
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        call = await self._call(request)
        delay_s, dropped, answer = await run_in_threadpool(self._answer, call)
        if delay_s:
            await anyio.sleep(delay_s)
        body: bytes = answer.body
        headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
        if answer.status not in {204, 304}:
            headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if dropped is not None:
            # The announced length is never reached, so the server closes the connection.
            sent = body[: min(dropped, max(0, len(body) - 1))]
            await send({"type": "http.response.body", "body": sent, "more_body": True})
            return
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})

    async def _call(self, request: Request) -> Call:
        site = f"{request.url.scheme}://{request.url.netloc}"
        method = "GET" if request.method == "HEAD" else request.method
        route = self._methods.get(method)
        path = request.url.path.removeprefix(self._prefix)
        body = bytearray()
        async for chunk in request.stream():
            if (
                len(body) <= _MAX_BODY_BYTES
            ):  # the rest of an overlong body is let go, and `handle` refuses it
                body += chunk
        return Call(
            core=self._core,
            caller=ANONYMOUS,
            method=method,
            path=path,
            base=site + self._prefix,
            site=site,
            params=dict(request.path_params),
            query=dict(request.query_params),
            headers=request.headers,
            body=bytes(body),
            route=route,
        )

    def _answer(self, call: Call) -> tuple[float, int | None, Answer]:
        """The encoded answer, how long to wait before it, and after how many bytes to break off."""
        on = [] if call.path.startswith(ADMIN_PREFIX) else self._core.faults.matching(call)
        call.conditional = not any(one.changes_body for one in on)
        try:
            call.caller = self._core.tokens.caller(call.headers.get("authorization"))
            refused = None
        except Problem as problem:
            refused = problem.answer()
        limited = self._core.limits.window(call.caller.key)
        if refused is None and limited.remaining == 0 and not _free(call, on):
            refused = Problem(
                403, f"API rate limit exceeded for {call.caller.login or 'this address'}."
            ).answer()
        answer = next((found for one in on if (found := one.instead(call))), None) or refused or handle(call)
        for one in on:
            answer = one.alter(call, answer)
        answer = _encoded(call, answer)
        window = self._spend(call, answer, free=_free(call, on))
        answer = replace(answer, headers=_headers(call, answer, None if _unlimited(on) else window))
        delay_s = sum(one.delay_s for one in on if isinstance(one, faults.Slow))
        drops = [one.after_bytes for one in on if isinstance(one, faults.Drop)]
        return delay_s, drops[0] if drops else None, answer

    def _spend(self, call: Call, answer: Answer, *, free: bool) -> Window:
        points = 0 if free or answer.status == 304 else 1
        core = self._core
        query = "&".join(f"{name}={value}" for name, value in call.query.items())
        key = call.caller.login or call.caller.kind
        line = Logged(stamp(core.clock.now()), call.method, call.path, query, answer.status, points, key)
        if not call.path.startswith(ADMIN_PREFIX):
            core.log.append(line)
        return core.limits.spend(call.caller.key, points)


def handle(call: Call) -> Answer:
    """What the handler of this call says, problems included; 501 where GitHub has more than localhub."""
    if call.route is None:
        if not _KNOWN.match(call.path):
            return not_found().answer()
        words = f"localhub does not implement {call.method} {call.path}"
        return Problem(
            501, words, more={"hint": f"it serves a part of GitHub, which GET {ADMIN_PREFIX} lists"}
        ).answer()
    if len(call.body) > _MAX_BODY_BYTES:
        return Problem(413, f"The body is larger than {_MAX_BODY_BYTES} bytes").answer()
    try:
        return call.route.handler(call)
    except Problem as problem:
        return problem.answer()


def _free(call: Call, on: Iterable[faults.Matched]) -> bool:
    return call.path == "/rate_limit" or call.path.startswith(ADMIN_PREFIX) or _unlimited(on)


def _unlimited(on: Iterable[faults.Matched]) -> bool:
    return any(isinstance(one, faults.NoRateHeaders) for one in on)


def _encoded(call: Call, answer: Answer) -> Answer:
    """The answer with its body as bytes and its validator, or 304 where the caller has that body already."""
    body = answer.body
    headers = dict(answer.headers)
    if body is None:
        encoded = b""
    elif isinstance(body, bytes):
        encoded = body
    else:
        encoded = msgspec.json.encode(body)
        headers.setdefault("content-type", _JSON)
    answer = replace(answer, body=encoded, headers=headers)
    if call.method != "GET" or answer.status not in {200, 304}:
        return answer
    etag = answer.etag or call.etag(encoded)
    headers |= {"etag": etag, "cache-control": "private, max-age=60, s-maxage=60"}
    if answer.status == 304 or (call.conditional and call.has(etag)):
        return Answer(304, b"", {name: headers[name] for name in ("etag", "cache-control")})
    return answer


def _headers(call: Call, answer: Answer, window: Window | None) -> dict[str, str]:
    """What GitHub sends with every answer; what a handler or a fault has set stays."""
    headers = {
        "x-github-request-id": uuid.uuid4().hex[:24].upper(),
        "x-github-media-type": "github.v3; format=json",
        "x-github-api-version-selected": call.headers.get("x-github-api-version", "2022-11-28"),
        "vary": "Accept, Authorization, Cookie, Accept-Encoding",
    }
    if call.caller.kind == "user":
        headers["x-oauth-scopes"] = ", ".join(sorted(call.caller.scopes))
    if window is not None:
        headers |= window.headers()
    return headers | {name: str(value) for name, value in answer.headers.items()}
