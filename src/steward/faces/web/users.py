"""The pages of people: who there is, what each may do and where, their sign-in links, sessions and tokens."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from steward.app.errors import Invalid
from steward.app.people import FULL_NAME_MAX
from steward.domain.people import Right, Role
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.idempotency import unrepeatable
from steward.faces.http.site import site
from steward.faces.web.settings import Text, back, logins, me, people, settings_page

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

TAB = "/settings/users"
ROLES = tuple(Role)


@router.get("/settings/users")
@needs(Right.USERS)
def users(request: Request) -> Response:
    """All users, and the form that adds one."""
    return _users(request)


def _users(request: Request, wrong: Invalid | None = None, given: dict[str, str] | None = None) -> Response:
    fresh = {"name": "", "full_name": "", "role": Role.VIEWER.value, "organisation": ""}
    return settings_page(
        request,
        "settings_users.html",
        TAB,
        wrong,
        users=people(request).users(),
        roles=ROLES,
        logins=logins(request),
        given={**fresh, **(given or {})},
        full_name_max=FULL_NAME_MAX,
    )


@router.post("/settings/users")
@needs(Right.USERS)
def add_user(
    request: Request, name: Text = "", full_name: Text = "", role: Text = "", organisation: Text = ""
) -> Response:
    """Add a user, with a role or none yet."""
    given = {"name": name, "full_name": full_name, "role": role, "organisation": organisation}
    try:
        people(request).add(name, role or None, organisation or None, full_name)
    except Invalid as wrong:
        return _users(request, wrong, given)
    return back(_address(name))


@router.get("/settings/users/{name}")
@needs(Right.USERS)
def user(request: Request, name: str) -> Response:
    """One user. Raises Unknown."""
    return _user(request, name)


def _user(request: Request, name: str, wrong: Invalid | None = None, link: Any = None) -> Response:
    own = people(request)
    url = ""
    if link is not None:
        home = site(request).public_url or str(request.base_url).rstrip("/")
        url = f"{home}/login?token={link['secret']}"
    return settings_page(
        request,
        "settings_user.html",
        TAB,
        wrong,
        status_code=200 if link is None else 201,
        user=own.user(name),
        sessions=own.sessions(name),
        tokens=own.tokens(name),
        roles=ROLES,
        logins=logins(request),
        myself=name == me(request),
        url=url,
    )


@router.post("/settings/users/{name}/grant")
@needs(Right.USERS)
def grant(request: Request, name: str, role: Text = "", organisation: Text = "") -> Response:
    """Give a role. Raises Unknown."""
    try:
        people(request).grant(name, role, organisation or None)
    except Invalid as wrong:
        return _user(request, name, wrong)
    return back(_address(name))


@router.post("/settings/users/{name}/ungrant")
@needs(Right.USERS)
def ungrant(request: Request, name: str, role: Text = "", organisation: Text = "") -> Response:
    """Take a role. Raises Unknown."""
    try:
        people(request).ungrant(name, role, organisation or None)
    except Invalid as wrong:
        return _user(request, name, wrong)
    return back(_address(name))


@router.post("/settings/users/{name}/disable")
@needs(Right.USERS)
def disable(request: Request, name: str) -> Response:
    """Let a user in no more. Raises Unknown."""
    try:
        people(request).disable(name)
    except Invalid as wrong:
        return _user(request, name, wrong)
    return back(_address(name))


@router.post("/settings/users/{name}/enable")
@needs(Right.USERS)
def enable(request: Request, name: str) -> Response:
    """Let a disabled user in again. Raises Unknown."""
    people(request).enable(name)
    return back(_address(name))


@router.post("/settings/users/{name}/link")
@needs(Right.USERS)
@unrepeatable
def make_link(request: Request, name: str) -> Response:
    """Make a sign-in link; the page shows it, this once. Raises Unknown."""
    try:
        made = people(request).link(name)
    except Invalid as wrong:
        return _user(request, name, wrong)
    return _user(request, name, link=made)


@router.post("/settings/users/{name}/sessions/end")
@needs(Right.USERS)
def end_sessions_of(request: Request, name: str) -> Response:
    """End every session of a user. Raises Unknown."""
    people(request).end_sessions(name)
    return back(_address(name))


@router.post("/settings/users/{name}/passes/{number}/end")
@needs(Right.USERS)
def end_pass_of(request: Request, name: str, number: int) -> Response:
    """End a session or token of a user. Raises Unknown."""
    people(request).end(number)
    return back(_address(name))


def _address(name: str) -> str:
    return f"{TAB}/{quote(name, safe='')}"
