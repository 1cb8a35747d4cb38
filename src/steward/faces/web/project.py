"""The page of one project: where it stands on its road, what comes next, what happened, what is known of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from steward.app.activity import EventFilter
from steward.domain.journal import Kind, Topic
from steward.domain.people import Right
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import principal_of, queries, site
from steward.faces.web import asking, rail, works
from steward.faces.web.render import page

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

MOVES_MAX: Final = 200
TIMELINE: Final = 40


@router.get("/projects/{slug}")
@needs(Right.READ)
def project(request: Request, slug: str) -> Response:
    """One project; by an earlier name it leads to the present one. Raises Unknown, Invalid."""
    found = queries(request).project(slug)
    if found["slug"] != slug:
        return RedirectResponse(f"/projects/{quote(found['slug'])}", status_code=303)
    own = site(request).app
    activity = own.activity(principal_of(request))
    asked = EventFilter.read(request.query_params.multi_items())
    shown = replace(asked, project=slug, organisation="", actor="", limit=TIMELINE)
    moves = activity.page(EventFilter(project=slug, topic=Topic.STATUS, limit=MOVES_MAX))["events"]
    asks = asking.asks(found)
    return page(
        request,
        "project.html",
        here="projects",
        project=found,
        incidents=[incident for incident in found["incidents"] if incident["state"] != "resolved"],
        steps=rail.road(
            found, [m for m in reversed(moves) if m["kind"] == Kind.PROJECT_MOVED], own.clock.now().at
        ),
        asks=asks,
        gate=next((ask for ask in asks if ask.gate), None),
        timeline=activity.page(shown),
        readiness=own.readiness(principal_of(request)).lines(slug),
        hands=own.hands(principal_of(request)).shown(slug),
        topic=shown.topic,
        paged=shown.before is not None,
        talked=own.talks(principal_of(request)).about(found["id"]),
        **works.panels(request, found),
    )
