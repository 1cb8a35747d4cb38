"""Pages of incidents: the inbox in groups, one incident beside it, and what people do with it."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from steward.app.attention import LIMIT, UNRESOLVED
from steward.app.errors import Invalid
from steward.domain.incidents import Group
from steward.domain.people import Right
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import attending, principal_of, site
from steward.faces.web import explaining
from steward.faces.web.render import page
from steward.faces.words import _

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

PER_GROUP: Final = 20
MUTES_S: Final = {"1h": 3600.0, "8h": 28_800.0, "1d": 86_400.0, "7d": 604_800.0}
"""How long an incident can be muted from its page."""
REASON_LENGTH_MAX: Final = 500
Text = Annotated[str, Form()]


@router.get("/incidents")
@needs(Right.READ)
def incidents(request: Request, state: str = "", after: str = "") -> Response:
    """The inbox, with the first incident beside it where there is room. Raises Invalid."""
    groups = _inbox(request, state, after)
    first = next((one["id"] for group in groups["groups"] for one in group["incidents"]), None)
    return _page(request, groups, state, first, alone=False)


@router.get("/incidents/{number}")
@needs(Right.READ)
def incident(request: Request, number: int, state: str = "", after: str = "") -> Response:
    """One incident, beside the inbox where there is room. Raises Unknown, Invalid."""
    return _page(request, _inbox(request, state, after), state, number, alone=True)


def _inbox(request: Request, state: str, after: str) -> dict[str, Any]:
    """The groups of the inbox: those not resolved, or one in pages."""
    attention = site(request).app.attention(principal_of(request))
    if not state:
        return attention.inbox(UNRESOLVED, PER_GROUP)
    if state not in set(Group):
        raise Invalid(
            _("'{value}' is no group of incidents", value=state),
            _("Possible: {codes}", codes=", ".join(Group)),
        )
    shown = attention.inbox((), 1)
    whole = {
        "group": state,
        "count": shown["counts"].get(state),
        **attention.page(Group(state), after, LIMIT),
    }
    return {**shown, "groups": [whole]}


def _page(
    request: Request, inbox: dict[str, Any], state: str, number: int | None, *, alone: bool
) -> Response:
    attention = site(request).app.attention(principal_of(request))
    return page(
        request,
        "incidents.html",
        here="incidents",
        inbox=inbox,
        state=state,
        incident=attention.incident(number) if number is not None else None,
        alone=alone,
        top="h1" if alone else "h2",
        sub="h2" if alone else "h3",
        mutes=list(zip(MUTES_S, (_("1 hour"), _("8 hours"), _("1 day"), _("7 days")), strict=True)),
        explain=explaining.explain,
        facts=explaining.facts,
        told_of=explaining.told_of,
    )


def _back(number: int) -> Response:
    return RedirectResponse(f"/incidents/{number}", status_code=303)


@router.post("/incidents/{number}/acknowledge")
@needs(Right.ATTEND)
def acknowledge(request: Request, number: int) -> Response:
    """Say that somebody looks after it. Raises Unknown, Forbidden, Invalid."""
    attending(request).acknowledge(number)
    return _back(number)


@router.post("/incidents/{number}/mute")
@needs(Right.ATTEND)
def mute(request: Request, number: int, length: Text = "") -> Response:
    """Send nothing about it for a while. Raises Unknown, Forbidden, Invalid."""
    if length not in MUTES_S:
        raise Invalid(
            _("an incident is not muted for '{value}' from here", value=length),
            _("Possible: {codes}", codes=", ".join(MUTES_S)),
        )
    attending(request).mute(number, MUTES_S[length])
    return _back(number)


@router.post("/incidents/{number}/unmute")
@needs(Right.ATTEND)
def unmute(request: Request, number: int) -> Response:
    """Let it be heard again. Raises Unknown, Forbidden, Invalid."""
    attending(request).unmute(number)
    return _back(number)


@router.post("/incidents/{number}/resolve")
@needs(Right.ATTEND)
def resolve(request: Request, number: int, reason: Text = "") -> Response:
    """Accept it as it is; one whose cause stands cannot be. Raises Unknown, Forbidden, Invalid."""
    attending(request).resolve(number, reason.strip()[:REASON_LENGTH_MAX])
    return _back(number)
