"""Pages of projects: the board and the table of one query, the jump palette."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from steward.app.errors import Invalid
from steward.app.filters import Filter
from steward.domain.people import Right
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import principal_of, site
from steward.faces.web import frame
from steward.faces.web.listing import VIEWS, Listing, choices
from steward.faces.web.render import page

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

FOUND_MAX: Final = 8


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
