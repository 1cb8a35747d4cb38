"""The settings pages: what they share, and the first of them: oneself, one's language, theme and sessions."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from steward.app.errors import Invalid
from steward.app.people import FULL_NAME_MAX, People
from steward.domain.people import Principal, Right
from steward.faces import people as say
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import principal_of, site
from steward.faces.web.render import page
from steward.faces.words import _

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

Json = dict[str, Any]
Text = Annotated[str, Form()]
TABS: Final = (
    ("/settings", "user", Right.OWN),
    ("/settings/tokens", "key-round", Right.OWN),
    ("/settings/telegram", "send", Right.OWN),
    ("/settings/spending", "activity", Right.OWN),
    ("/settings/users", "users", Right.USERS),
    ("/settings/github", "folder-git-2", Right.READ),
    ("/settings/webhooks", "webhook", Right.WEBHOOKS),
    ("/settings/notifications", "bell", Right.READ),
    ("/settings/audit", "shield", Right.AUDIT),
)
"""The pages with their icons, and the right that each needs."""


def tabs(by: Principal, present: str) -> list[Json]:
    """Links to the settings pages that this principal may open."""
    names = {
        "/settings": _("Profile"),
        "/settings/tokens": _("API tokens"),
        "/settings/telegram": "Telegram",
        "/settings/spending": _("Spending"),
        "/settings/users": _("People"),
        "/settings/github": _("GitHub"),
        "/settings/webhooks": _("Webhooks"),
        "/settings/notifications": _("Notifications"),
        "/settings/audit": _("Audit log"),
    }
    return [
        {"href": href, "text": names[href], "sign": sign, "current": href == present}
        for href, sign, right in TABS
        if by.may_somewhere(right)
    ]


def settings_page(
    request: Request,
    template: str,
    tab: str,
    wrong: Invalid | None = None,
    status_code: int = 200,
    **values: Any,
) -> Response:
    """One of the settings pages; `wrong` is what was refused of the form that was sent."""
    return page(
        request,
        template,
        status_code=422 if wrong is not None else status_code,
        here="settings",
        tabs=tabs(principal_of(request), tab),
        wrong=wrong,
        say=say,
        **values,
    )


def people(request: Request) -> People:
    """What whoever asks may do about people."""
    return site(request).app.people(principal_of(request))


def me(request: Request) -> str:
    """The name of the user who asks. Raises Invalid for whoever is none."""
    user = principal_of(request).user
    if user is None:
        raise Invalid("this is for users alone", "Sign in with a link: steward user link NAME")
    return user.name


def logins(request: Request) -> list[str]:
    """The organisations that whoever asks may see."""
    return [one["login"] for one in site(request).app.queries(principal_of(request)).pulse()]


def back(where: str) -> Response:
    """Lead on to a page after a form was done."""
    return RedirectResponse(where, status_code=303)


@router.get("/settings")
@needs(Right.OWN)
def profile(request: Request) -> Response:
    """Oneself: name, language, theme, sessions."""
    return _profile(request)


def _profile(request: Request, wrong: Invalid | None = None) -> Response:
    own, name = people(request), me(request)
    return settings_page(
        request,
        "settings_profile.html",
        "/settings",
        wrong,
        user=own.user(name),
        sessions=own.sessions(name),
        me=own.me(),
        spending=site(request).app.spending(principal_of(request)).mine(),
        full_name_max=FULL_NAME_MAX,
    )


@router.post("/settings")
@needs(Right.OWN)
def change_profile(request: Request, full_name: Text = "") -> Response:
    """Change one's full name."""
    try:
        people(request).change(me(request), full_name=full_name)
    except Invalid as wrong:
        return _profile(request, wrong)
    return back("/settings")


@router.post("/settings/sessions/end")
@needs(Right.OWN)
def end_sessions(request: Request) -> Response:
    """End every session of one's own but this one."""
    people(request).end_sessions(me(request))
    return back("/settings")


@router.post("/settings/sessions/{number}/end")
@needs(Right.OWN)
def end_session(request: Request, number: int) -> Response:
    """End one session of one's own. Raises Unknown."""
    people(request).end(number)
    return back("/settings")
