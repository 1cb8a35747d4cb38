"""The guard before every route: who asks, whether they may, and a line in the audit log.

Each endpoint names the right it needs (`needs`), or that anybody may ask (`public`). One that names none is
refused, so that nothing is open because it was forgotten. Rights in one organisation are checked beneath, by
the application, where the organisation is known.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from steward.app.errors import Forbidden, NotSignedIn
from steward.domain.lifecycle import Refused
from steward.domain.people import AuditLine, PassKind, Principal, Right
from steward.faces.http.failures import Failure, answer, failure_of, for_programs, handle
from steward.faces.http.idempotency import Repeats, keeps
from steward.faces.http.limits import TooMany
from steward.faces.http.site import COOKIE, address_of, csrf_token, site, speak_to
from steward.ports import StoreUnavailable

log = logging.getLogger(__name__)

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_MARK: Final = "steward_right"
_PUBLIC: Final = "public"
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Handler = Callable[[Request], Awaitable[Response]]


def needs(right: Right) -> Callable[[Endpoint], Endpoint]:
    """Name the right that an endpoint needs."""

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _MARK, right)
        return endpoint

    return mark


def public(endpoint: Endpoint) -> Endpoint:
    """Say that an endpoint is for anybody."""
    setattr(endpoint, _MARK, _PUBLIC)
    return endpoint


def right_of(endpoint: Any) -> Right | str | None:
    """What an endpoint names: a right, "public", or None for nothing."""
    found: Right | str | None = getattr(endpoint, _MARK, None)
    return found


class GuardedRoute(APIRoute):
    """A route with the guard before it."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        """The route's own handler, behind the guard."""
        inner: Handler = super().get_route_handler()
        named, action = right_of(self.endpoint), self.endpoint.__name__
        repeats = Repeats(keeps(self.endpoint))

        async def guarded(request: Request) -> Response:
            return await Visit(request, named, action, repeats).answer(inner)

        return guarded


def _outcome(failure: Failure) -> str:
    return "refused" if failure.status in (401, 403, 409, 412) else "failed"


class Visit:
    """One request on its way through the guard."""

    def __init__(self, request: Request, named: Right | str | None, action: str, repeats: Repeats) -> None:
        self._request = request
        self._repeats = repeats
        self._named = named
        self._action = action
        self._by: Principal | None = None

    async def answer(self, inner: Handler) -> Response:
        """Let it through, or say why not."""
        request = self._request
        try:
            await self._admit()
        except (NotSignedIn, Forbidden, Refused) as refusal:
            return await self._turn_away(refusal)
        except (StoreUnavailable, TooMany, ClientDisconnect) as error:
            return await handle(request, error)
        try:
            response, again = await self._act(inner)
        except Exception as error:  # noqa: BLE001 - every failure gets its answer and its audit line here
            failure = failure_of(error)
            if request.method not in SAFE or failure.status in (401, 403):
                await self._note(_outcome(failure), failure.detail)
            return await handle(request, error)
        if request.method not in SAFE and self._named != _PUBLIC:
            # A page may say in its form what was wrong; it leaves the failure here.
            shown: Failure | None = getattr(request.state, "failure", None)
            if shown is not None:
                await self._note(_outcome(shown), shown.detail)
            else:
                await self._note("done", "as before: a repeat, which did nothing" if again else "")
        return response

    async def _act(self, inner: Handler) -> tuple[Response, bool]:
        """The route's answer; of what changes something each repeat is answered as the first one was."""
        if self._request.method in SAFE or self._named == _PUBLIC:
            return await inner(self._request), False
        return await self._repeats.answer(self._request, inner)

    async def _admit(self) -> None:
        if self._named is None:
            # Nothing of ours is open because somebody forgot to say for whom it is.
            raise Refused("role", "this address names no right, so nobody may use it")
        if self._named == _PUBLIC:
            shown = "authorization" in self._request.headers or COOKIE in self._request.cookies
            self._by = await run_in_threadpool(self._identified) if shown else None
            self._request.state.by = self._by
            self._from_here()
            return
        self._by = await run_in_threadpool(self._identify)
        self._request.state.by = self._by
        speak_to(self._request, self._by.user)
        assert isinstance(self._named, Right)
        if self._request.method not in SAFE:
            await self._check_form()
        if not self._by.may_somewhere(self._named):
            raise Forbidden(self._named, self._by.actor)

    def _identify(self) -> Principal:
        access = site(self._request).app.access
        site(self._request).guesses.check(address_of(self._request))
        header = self._request.headers.get("authorization", "")
        scheme, _space, secret = header.partition(" ")
        if header:
            if scheme.lower() != "bearer" or not secret.strip():
                raise NotSignedIn("the Authorization header holds no bearer token")
            return access.identify(secret.strip(), PassKind.TOKEN)
        session = self._request.cookies.get(COOKIE)
        if not session:
            raise NotSignedIn("nobody is signed in")
        return access.identify(session, PassKind.SESSION)

    def _identified(self) -> Principal | None:
        try:
            return self._identify()
        except (NotSignedIn, TooMany):
            return None

    def _from_here(self) -> None:
        """Refuse what another site's page sends. Browsers say where it comes from; programs say nothing."""
        request = self._request
        if request.method in SAFE:
            return
        origin = request.headers.get("origin")
        fetched = request.headers.get("sec-fetch-site", "same-origin")
        ours = origin is None or origin.partition("://")[2] == request.headers.get("host")
        if not ours or fetched not in ("same-origin", "none"):
            raise Refused("role", "this form was sent from another site")

    async def _check_form(self) -> None:
        """A browser's session alone proves no intent: the form must carry what only our pages know."""
        request = self._request
        if "authorization" in request.headers:
            return
        self._from_here()
        shown = request.headers.get("x-csrf-token")
        if shown is None and "form" in request.headers.get("content-type", ""):
            await request.body()  # kept by the request: a form would leave nothing to be read again
            shown = str((await request.form()).get("csrf", ""))
        if not hmac.compare_digest((shown or "").encode(), csrf_token(request.cookies[COOKIE]).encode()):
            raise Refused("role", "this form is of an older session; load the page again and send it anew")

    async def _turn_away(self, refusal: NotSignedIn | Forbidden | Refused) -> Response:
        request = self._request
        failure = failure_of(refusal)
        if isinstance(refusal, NotSignedIn) and refusal.why == "nobody is signed in":
            return self._to_sign_in(failure)
        if isinstance(refusal, NotSignedIn):
            # Guesses are counted by where they come from; a flood of them must not fill the audit log.
            if site(request).guesses.failed(address_of(request)):
                await self._note("refused", failure.detail)
        else:
            await self._note("refused", failure.detail)
        return self._to_sign_in(failure) if isinstance(refusal, NotSignedIn) else answer(request, failure)

    def _to_sign_in(self, failure: Failure) -> Response:
        request = self._request
        if for_programs(request) or request.method not in SAFE:
            return answer(request, failure)
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        response = RedirectResponse(f"/login?{urlencode({'next': path})}", status_code=303)
        response.delete_cookie(COOKIE)
        return response

    async def _note(self, outcome: str, reason: str) -> None:
        request = self._request
        line = AuditLine(
            at=site(request).app.clock.now().at,
            actor=self._by.actor if self._by else "nobody",
            action=f"{request.method} {self._action}",
            outcome=outcome,
            right=self._named.value if isinstance(self._named, Right) else str(self._named or ""),
            target=request.url.path[:200],
            reason=reason[:500],
            request=getattr(request.state, "request_id", ""),
            address=address_of(request),
        )
        try:
            await run_in_threadpool(site(request).app.access.audit, [line])
        except StoreUnavailable:
            # The act itself is in the history; what cannot be audited for want of a database is in the log.
            log.warning("the audit log cannot be written: %s %s by %s", line.action, outcome, line.actor)
