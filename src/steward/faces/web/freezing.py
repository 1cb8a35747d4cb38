"""Pages that stop all automation and let it go on, and the page of a database that was restored."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from steward.app.errors import Invalid
from steward.domain.people import Right
from steward.faces.http.failures import failure_of
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import deciding, principal_of, queries, site
from steward.faces.standing import sections
from steward.faces.web.render import page
from steward.faces.web.sync import PLAN_MAX
from steward.ports import Transient

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)
Text = Annotated[str, Form()]


@router.get("/freeze")
@needs(Right.READ)
def freeze_form(request: Request) -> Response:
    """What is frozen, and the forms that stop all automation or let it go on."""
    return _freeze_page(request, None)


@router.post("/freeze")
@needs(Right.FREEZE)
def freeze(request: Request, organisation: Text = "", reason: Text = "") -> Response:
    """Stop all automation in an organisation, or in all. Raises Forbidden, Unknown."""
    try:
        deciding(request).freeze(organisation or None, reason.strip())
    except Invalid as refusal:
        return _freeze_page(request, refusal, reason)
    return RedirectResponse("/freeze", status_code=303)


@router.post("/unfreeze")
@needs(Right.DECIDE)
def unfreeze(request: Request, organisation: Text = "", plan: Text = "") -> Response:
    """Let automation go on; after a restore `plan` is the digest of what was seen. Raises Forbidden, Unknown."""
    try:
        deciding(request).unfreeze(organisation or None, plan)
    except (Invalid, Transient) as refusal:
        # After a restore GitHub is read first, and may not answer: nothing was changed then.
        return _restored_page(request, None, refusal) if plan else _freeze_page(request, refusal)
    return RedirectResponse("/freeze", status_code=303)


def _freeze_page(request: Request, refusal: Exception | None, reason: str = "") -> Response:
    return _page(request, "freeze.html", refusal, organisations=queries(request).pulse(), reason=reason)


@router.get("/restored")
@needs(Right.READ)
def restored(request: Request) -> Response:
    """That the database was restored; planning reads GitHub, so it is a button's to do."""
    return _restored_page(request, None, None)


@router.post("/restored")
@needs(Right.LOOK)
def plan_restored(request: Request) -> Response:
    """What would happen if automation went on now; nothing is written."""
    return _restored_page(request, site(request).app.restoring(principal_of(request)).plan(), None)


def _restored_page(request: Request, plan: dict[str, Any] | None, refusal: Exception | None) -> Response:
    mark = site(request).app.restoring(principal_of(request)).mark()
    return _page(
        request, "restored.html", refusal, mark=mark, plan=plan, shown_max=PLAN_MAX, sections=sections
    )


def _page(request: Request, template: str, refusal: Exception | None, **values: Any) -> Response:
    failure = failure_of(refusal) if refusal else None
    request.state.failure = failure
    status_code = failure.status if failure else 200
    return page(request, template, status_code=status_code, failure=failure, **values)
