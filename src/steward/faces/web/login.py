"""Signing in by a one-time link, and out again. Looking at a link uses nothing up: only its button does."""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from steward.app.access import SESSION_LASTS
from steward.app.errors import NotSignedIn
from steward.domain.people import AuditLine, Right, User
from steward.faces.http.guard import GuardedRoute, public
from steward.faces.http.site import COOKIE, address_of, signed_in, site
from steward.faces.web.actions import own_path
from steward.faces.web.render import page
from steward.faces.words import said

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

Text = Annotated[str, Form()]
BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("YaBrowser", "Yandex Browser"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@router.get("/login")
@public
def login(request: Request, token: str = "", next: str = "/") -> Response:  # noqa: A002 # the name in the address
    """How to sign in; with a link's secret, the button that does. Raises TooMany."""
    by = signed_in(request)
    if not token:
        if by is not None and by.may_somewhere(Right.READ):
            return RedirectResponse(own_path(next), status_code=303)
        return _page(request, next)
    try:
        return _page(request, next, token=token, user=_peek(request, token))
    except NotSignedIn as refusal:
        return _refused(request, refusal, next)


@router.post("/login")
@public
def sign_in(request: Request, token: Text = "", next: Text = "/") -> Response:  # noqa: A002 # the name in the form
    """Use the link up and begin a session. Raises TooMany."""
    own, address = site(request), address_of(request)
    own.guesses.check(address)
    try:
        secret, _user = own.app.access.sign_in(token, _where(request), address)
    except NotSignedIn as refusal:
        return _refused(request, refusal, next)
    before = signed_in(request)
    if before is not None and COOKIE in request.cookies:
        own.app.access.sign_out(before, address)
    response = RedirectResponse(own_path(next), status_code=303)
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(SESSION_LASTS.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=_over_https(request),
    )
    return response


@router.post("/logout")
@public
def sign_out(request: Request) -> Response:
    """End this session."""
    by = signed_in(request)
    if by is not None and "authorization" not in request.headers:
        site(request).app.access.sign_out(by, address_of(request))
    response = RedirectResponse("/login", status_code=303)
    response.delete_cookie(COOKIE)
    return response


def _peek(request: Request, token: str) -> User:
    site(request).guesses.check(address_of(request))
    return site(request).app.access.peek(token)


def _page(
    request: Request,
    wanted: str,
    *,
    token: str = "",
    user: User | None = None,
    wrong: str = "",
    status_code: int = 200,
) -> Response:
    return page(
        request,
        "login.html",
        status_code=status_code,
        token=token,
        user=user,
        wrong=wrong,
        wanted=own_path(wanted),
        here_on=site(request).public_url or str(request.base_url).rstrip("/"),
    )


def _refused(request: Request, refusal: NotSignedIn, wanted: str) -> Response:
    """Say why; count it as a guess, and keep it in the audit log while it is worth a line."""
    own, address = site(request), address_of(request)
    if own.guesses.failed(address):
        line = AuditLine(
            at=own.app.clock.now().at,
            actor="nobody",
            action="sign.in",
            outcome="refused",
            target=refusal.name,
            reason=refusal.why,
            request=getattr(request.state, "request_id", ""),
            address=address,
        )
        own.app.access.audit([line])
    return _page(request, wanted, wrong=said(refusal.why), status_code=401)


def _over_https(request: Request) -> bool:
    """Whether the browser came by https: to us, or to a proxy before us that has our public name."""
    if request.url.scheme == "https":
        return True
    public_url = site(request).public_url
    return public_url.startswith("https://") and request.headers.get("host") == public_url.partition("://")[2]


def _where(request: Request) -> str:
    """What a session was opened with, in a few words: its list is to be read by people."""
    agent = request.headers.get("user-agent", "")
    browser = next((name for sign, name in BROWSERS if re.search(rf"\b{sign}", agent)), "")
    system = next((name for sign, name in SYSTEMS if sign in agent), "")
    parts = [part for part in (browser, system) if part]
    return " · ".join([*parts, address_of(request)] if parts else [agent[:60], address_of(request)])
