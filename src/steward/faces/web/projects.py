"""Pages of projects: the board and the table of one query, one project, the order of a new one, the jump palette."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from steward.app.errors import Invalid
from steward.app.filters import Filter
from steward.domain.people import Right
from steward.domain.project import SLUG_LENGTH_MAX
from steward.faces.http.failures import failure_of
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import commands, principal_of, site
from steward.faces.web import frame
from steward.faces.web.listing import VIEWS, Listing, choices
from steward.faces.web.render import page

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

FOUND_MAX: Final = 8
TITLE_LENGTH_MAX: Final = 200


@router.get("/")
@needs(Right.READ)
def root() -> Response:
    """The projects are the first page."""
    return RedirectResponse("/projects", status_code=303)


@router.get("/projects")
@needs(Right.READ)
def projects(request: Request) -> Response:
    """The board or the table; filter, order and view are all in the address. Raises Invalid."""
    view = request.query_params.get("view", VIEWS[0])
    if view not in VIEWS:
        raise Invalid(f"'{view}' is no view of the projects", f"Possible: {', '.join(VIEWS)}")
    listing = Listing(Filter.read(request.query_params.multi_items()), view)
    board = site(request).app.board(principal_of(request))
    data = board.board(listing.filter) if view == "board" else board.table(listing.filter)
    return page(
        request,
        f"{view}.html",
        here=listing.here,
        listing=listing,
        data=data,
        choices=choices(board.choices()),
    )


@router.get("/jump")
@needs(Right.READ)
def jump(request: Request, q: str = "") -> Response:
    """What the jump palette finds; without a script, a page of its own."""
    text = q.strip()[:100]
    wanted = Filter(q=text, limit=FOUND_MAX)
    board = site(request).app.board(principal_of(request))
    found = board.table(wanted)["rows"] if text else []
    return page(
        request, "jump.html", q=text, found=found, pages=frame.jump_pages(principal_of(request), text)
    )


@router.get("/keys")
@needs(Right.READ)
def keys(request: Request) -> Response:
    """The help on keys, for those without a script."""
    return page(request, "keys.html")


@router.get("/order")
@needs(Right.WRITE)
def order_form(request: Request, slug: str = "", title: str = "", organisation: str = "") -> Response:
    """The form that orders a project; with a slug, told at once whether it can be had."""
    given = {"slug": slug.strip(), "title": title, "organisation": organisation}
    try:
        if given["slug"]:
            commands(request).check_slug(given["slug"])
    except Invalid as wrong:
        return _order_page(request, given, wrong)
    return _order_page(request, given, None)


@router.post("/order")
@needs(Right.WRITE)
def order(
    request: Request,
    slug: Annotated[str, Form()] = "",
    title: Annotated[str, Form()] = "",
    organisation: Annotated[str, Form()] = "",
) -> Response:
    """Order it; what is wrong is said in the form, with everything as it was typed."""
    given = {"slug": slug.strip(), "title": title.strip()[:TITLE_LENGTH_MAX], "organisation": organisation}
    try:
        made = commands(request).order(given["slug"], organisation=organisation or None, title=given["title"])
    except Invalid as wrong:
        request.state.failure = failure_of(wrong)
        return _order_page(request, given, wrong, status_code=422)
    return RedirectResponse(f"/projects/{made['slug']}", status_code=303)


def _order_page(
    request: Request, given: dict[str, str], wrong: Invalid | None, status_code: int = 200
) -> Response:
    values: dict[str, Any] = {
        "given": given,
        "wrong": wrong,
        "homes": commands(request).homes(),
        "slug_max": SLUG_LENGTH_MAX,
    }
    return page(request, "order.html", status_code=status_code, here="projects", **values)
