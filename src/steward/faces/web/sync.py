"""Pages of the looks at GitHub: how they go, what one would change, what is held after a mass loss."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from steward.app.errors import Invalid
from steward.domain.people import Right
from steward.faces import lines
from steward.faces.http.failures import failure_of
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import deciding, principal_of, queries, site
from steward.faces.web.render import page
from steward.faces.words import _

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

PLAN_MAX: Final = 500
"""How many changes of one organisation a plan shows; the count is always whole."""
Text = Annotated[str, Form()]


@router.get("/sync")
@needs(Right.READ)
def sync(request: Request) -> Response:
    """How the looks go, for each organisation."""
    own, by = site(request).app, principal_of(request)
    status = queries(request).sync_status()
    holding = own.holding(by)
    digests = {one["login"]: holding.digest(one["login"]) for one in status["organisations"]}
    return page(request, "sync.html", status=status, digests=digests, change_label=lines.change_label)


@router.post("/sync/look")
@needs(Right.LOOK)
def look(request: Request) -> Response:
    """Ask for a look at every organisation that whoever asks may look at; then back to where they were."""
    site(request).app.sync(principal_of(request)).ask()
    return RedirectResponse(_here(request), status_code=303)


def _here(request: Request) -> str:
    """The page that a form was sent from, if it is one of ours; else that of the looks."""
    came = urlsplit(request.headers.get("referer", ""))
    ours = (
        came.netloc == request.headers.get("host", "") and came.path.startswith("/") and came.path[1:2] != "/"
    )
    return came.path + (f"?{came.query}" if came.query else "") if ours else "/sync"


@router.get("/sync/plan")
@needs(Right.LOOK)
def plan_form(request: Request) -> Response:
    """The page that asks what a look would change; asking reads GitHub, so it is a button's to do."""
    return page(request, "plan.html", plans=None, shown_max=PLAN_MAX, change_text=lines.change_text)


@router.post("/sync/plan")
@needs(Right.LOOK)
def plan(request: Request) -> Response:
    """What a look would change now; nothing is written."""
    plans = site(request).app.sync(principal_of(request)).plan()["organisations"]
    return page(request, "plan.html", plans=plans, shown_max=PLAN_MAX, change_text=lines.change_text)


@router.get("/sync/held/{login}")
@needs(Right.READ)
def held(request: Request, login: str) -> Response:
    """What a mass loss holds in an organisation, and what either decision means. Raises Unknown."""
    return _held_page(request, login, None)


@router.post("/sync/held/{login}")
@needs(Right.DECIDE)
def decide(request: Request, login: str, decision: Text = "", count: Text = "") -> Response:
    """Release or reject what is held. `count` is how many were shown: of others nobody decided.

    Raises Unknown, Forbidden.
    """
    if decision not in ("release", "reject"):
        raise Invalid(
            _("'{value}' is no decision", value=decision), _("Possible: {codes}", codes="release, reject")
        )
    now = site(request).app.holding(principal_of(request)).held(login)["count"]
    if count != str(now):
        changed = Invalid(
            _("what is held has changed since this page was made"),
            _("Look at it as it is now, and decide anew."),
        )
        return _held_page(request, login, changed)
    try:
        if decision == "release":
            deciding(request).release(login)
        else:
            deciding(request).reject(login)
    except Invalid as refusal:
        return _held_page(request, login, refusal)
    return RedirectResponse("/sync", status_code=303)


def _held_page(request: Request, login: str, refusal: Exception | None) -> Response:
    failure = failure_of(refusal) if refusal else None
    request.state.failure = failure
    values: dict[str, Any] = site(request).app.holding(principal_of(request)).held(login)
    return page(
        request, "held.html", status_code=failure.status if failure else 200, failure=failure, **values
    )
