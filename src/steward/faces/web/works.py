"""The pages of building: what runs and ran for a project, its log, its specs, its releases; retry and rollback."""

from __future__ import annotations

from bisect import bisect_left
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from steward.app.errors import Invalid, Stale, Unknown
from steward.domain.lifecycle import Refused
from steward.domain.people import Right
from steward.faces.http.failures import failure_of
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import commands, principal_of, queries, site, works
from steward.faces.web import asking, spec_form, working
from steward.faces.web.gates import REASON_LENGTH_MAX, dollars, ways_back
from steward.faces.web.render import page
from steward.ports.records import LOG_MAX

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

SHOWN: Final = 50
"""Operations on one page."""
LOG_SHOWN: Final = 400
"""Lines of a log on one page."""
Text = Annotated[str, Form()]
Version = Annotated[int, Form()]


@router.get("/projects/{slug}/operations")
@needs(Right.READ)
def operations(request: Request, slug: str, before: str = "") -> Response:
    """What ran for a project, newest first."""
    project = queries(request).project(slug)
    found = works(request).operations(slug, SHOWN + 1, before or None)
    older = found[SHOWN - 1]["id"] if len(found) > SHOWN else None
    return page(
        request,
        "operations.html",
        here="projects",
        project=project,
        operations=found[:SHOWN],
        older=older,
        paged=bool(before),
        drives=_drives(request),
    )


@router.get("/projects/{slug}/operations/{operation_id}")
@needs(Right.READ)
def operation(request: Request, slug: str, operation_id: str, after: int | None = None) -> Response:
    """One operation: its steps, its log (the newest lines, unless `after` names others), what it came to."""
    project, told = queries(request).project(slug), works(request)
    found = told.operation(slug, operation_id)
    # The store counts lines from 1 and gives those after a number: the last number is where none come after.
    last = bisect_left(range(LOG_MAX), 1, key=lambda n: not told.log(slug, operation_id, n, 1))
    begins = max(0, last - LOG_SHOWN) if after is None else min(max(0, after), last)
    asks = asking.asks(project)
    mine = project["operation"] is not None and project["operation"]["id"] == operation_id
    return page(
        request,
        "operation.html",
        here="projects",
        project=project,
        operation=found,
        log=told.log(slug, operation_id, begins, LOG_SHOWN),
        earlier=max(0, begins - LOG_SHOWN) if begins else None,
        later=after is not None and begins + LOG_SHOWN < last,
        follows=after is None and working.is_open(found),
        asks=asks if mine else [],
        mine=mine,
    )


@router.get("/projects/{slug}/spec")
@needs(Right.READ)
def spec(request: Request, slug: str) -> Response:
    """All versions of a project's spec, newest first, each with its estimate and what it changed."""
    project, told = queries(request).project(slug), works(request)
    specs = told.specs(slug)
    before = [None, *specs][: len(specs)]
    shown = [
        {**one, "changes": spec_form.differences(older, one)}
        for older, one in zip(before, specs, strict=True)
    ]
    return page(
        request,
        "spec.html",
        here="projects",
        project=project,
        specs=list(reversed(shown)),
        updates=list(reversed(told.updates(slug))),
        costs=told.costs(slug),
        may_describe=_drives(request)
        and project["status"] in ("draft", "maintenance")
        and principal_of(request).may_somewhere(Right.WRITE),
        drives=_drives(request),
    )


@router.get("/projects/{slug}/releases")
@needs(Right.READ)
def releases(request: Request, slug: str) -> Response:
    """What was deployed, newest first."""
    project = queries(request).project(slug)
    return page(
        request,
        "releases.html",
        here="projects",
        project=project,
        releases=works(request).releases(slug),
        drives=_drives(request),
    )


@router.get("/projects/{slug}/releases/{number}/rollback")
@needs(Right.READ)
def rollback_form(request: Request, slug: str, number: int) -> Response:
    """The page that says what going back to an earlier release does."""
    return _rollback_page(request, slug, number)


@router.post("/projects/{slug}/releases/{number}/rollback")
@needs(Right.APPROVE)
def rollback(request: Request, slug: str, number: int, version: Version) -> Response:
    """Go back to it; what stands against that is said on the page. Raises Forbidden."""
    try:
        commands(request, version).rollback(slug, number)
    except (Refused, Stale) as refusal:
        return _rollback_page(request, slug, number, refusal)
    return _back(slug)


def _rollback_page(request: Request, slug: str, number: int, refusal: Exception | None = None) -> Response:
    found = works(request).releases(slug)
    wanted = next((one for one in found if one["number"] == number), None)
    if wanted is None:
        raise Unknown("release", str(number), [str(one["number"]) for one in found[:3]])
    return _word_page(request, "rollback.html", slug, refusal, release=wanted)


@router.get("/projects/{slug}/retry")
@needs(Right.READ)
def retry_form(request: Request, slug: str) -> Response:
    """The page that says what beginning once more does."""
    return _retry_page(request, slug)


@router.post("/projects/{slug}/retry")
@needs(Right.WRITE)
def retry(request: Request, slug: str, version: Version, reason: Text = "") -> Response:
    """Once more what failed or was cancelled; what stands against that is said on the page. Raises Forbidden."""
    try:
        commands(request, version).retry(slug, reason.strip()[:REASON_LENGTH_MAX])
    except (Refused, Stale, Invalid) as refusal:
        return _retry_page(request, slug, refusal, reason)
    return _back(slug)


def _retry_page(request: Request, slug: str, refusal: Exception | None = None, reason: str = "") -> Response:
    return _word_page(request, "retry.html", slug, refusal, reason=reason)


@router.get("/projects/{slug}/budget")
@needs(Right.READ)
def budget_form(request: Request, slug: str) -> Response:
    """The form that says what the agents of a project may cost."""
    return _word_page(request, "budget.html", slug, None, usd="", costs=works(request).costs(slug))


@router.post("/projects/{slug}/budget")
@needs(Right.APPROVE)
def set_budget(request: Request, slug: str, version: Version, usd: Text = "") -> Response:
    """Set it; what is no amount is said in the form. Raises Forbidden."""
    try:
        # Nothing typed is no amount here: it would mean no limit.
        commands(request, version).budget(slug, dollars(usd.strip() or "-") or 0.0)
    except (Refused, Stale, Invalid) as refusal:
        return _word_page(request, "budget.html", slug, refusal, usd=usd, costs=works(request).costs(slug))
    return _back(slug)


def _word_page(request: Request, name: str, slug: str, refusal: Exception | None, **values: Any) -> Response:
    failure = failure_of(refusal) if refusal else None
    request.state.failure = failure
    project = queries(request).project(slug)
    status_code = failure.status if failure else 200
    return page(
        request,
        name,
        status_code=status_code,
        here="projects",
        failure=failure,
        project=project,
        ways=ways_back(project) if project["status"] == "error" else [],
        **values,
    )


def _drives(request: Request) -> bool:
    return site(request).app.templates is not None


def _back(slug: str) -> Response:
    return RedirectResponse(f"/projects/{slug}", status_code=303)


def panels(request: Request, project: dict[str, Any]) -> dict[str, Any]:
    """What the page of one project shows of building: values for `project.html`."""
    told, slug = works(request), project["slug"]
    specs, newest = told.specs(slug), told.operations(slug, 1)
    asks = asking.asks(project)
    return {
        "drives": _drives(request),
        "spec": specs[-1] if specs else None,
        "specs": len(specs),
        "newest": newest[0] if newest else None,
        "costs": told.costs(slug),
        "cancel": working.cancelling(project, asks),
        "exits": working.ways_out(asks) if project["status"] == "error" else [],
        "queued": sum(one["state"] == "queued" for one in told.updates(slug)),
        "describes": _drives(request)
        and project["status"] in ("draft", "maintenance")
        and not working.is_open(project["operation"]),
    }
