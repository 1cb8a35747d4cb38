"""The page on which a person does without a rule of readiness, or asks for it again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from steward.app.errors import Invalid, Unknown
from steward.domain.people import Right
from steward.faces.http.failures import failure_of
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import principal_of, queries, site
from steward.faces.web.render import page

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

Text = Annotated[str, Form()]


@router.get("/projects/{slug}/readiness/{rule}/waiver")
@needs(Right.READ)
def waiver_form(request: Request, slug: str, rule: str) -> Response:
    """The page that says what doing without a rule means. Raises Unknown."""
    return _waiver_page(request, slug, rule)


@router.post("/projects/{slug}/readiness/{rule}/waiver")
@needs(Right.WRITE)
def waive(request: Request, slug: str, rule: str, waive: Text = "yes", reason: Text = "") -> Response:
    """Do without it, or ask for it again; a reason that is none is said on the page. Raises Forbidden, Unknown."""
    asked = site(request).app.readiness(principal_of(request))
    try:
        if waive == "no":
            asked.unwaive(slug, rule)
        else:
            asked.waive(slug, rule, reason)
    except Invalid as refusal:
        return _waiver_page(request, slug, rule, refusal, reason)
    return RedirectResponse(f"/projects/{slug}#readiness", status_code=303)


def _waiver_page(
    request: Request, slug: str, rule: str, refusal: Exception | None = None, reason: str = ""
) -> Response:
    project = queries(request).project(slug)
    lines = site(request).app.readiness(principal_of(request)).lines(slug)["lines"]
    line = next((line for line in lines if line["rule"] == rule), None)
    if line is None:
        raise Unknown("rule", rule, [line["rule"] for line in lines if not line["ok"]][:3])
    failure = failure_of(refusal) if refusal else None
    request.state.failure = failure
    return page(
        request,
        "waiver.html",
        status_code=failure.status if failure else 200,
        here="projects",
        failure=failure,
        project=project,
        line=line,
        reason=reason,
    )
