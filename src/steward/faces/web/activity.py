"""The page of what happened, of everything that the reader may see, newest first."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from steward.app.activity import EventFilter
from steward.domain.journal import Topic
from steward.domain.people import Right
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import principal_of, site
from steward.faces.web.render import page
from steward.faces.words import _

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)


@router.get("/activity")
@needs(Right.READ)
def activity(request: Request) -> Response:
    """One page of the history; what narrows it is in the address. Raises Invalid, Unknown."""
    own, by = site(request).app, principal_of(request)
    wanted = EventFilter.read(request.query_params.multi_items())

    def address(**changes: object) -> str:
        pairs = wanted.pairs(**changes)
        return f"/activity?{urlencode(pairs)}" if pairs else "/activity"

    names = {
        "": _("All"),
        Topic.STATUS: _("Status"),
        Topic.BUILDING: _("Building"),
        Topic.GITHUB: _("GitHub"),
        Topic.PEOPLE: _("People"),
        Topic.INCIDENTS: _("Incidents"),
    }
    topics = [
        {"href": address(topic=str(code)), "text": words, "current": wanted.topic == code}
        for code, words in names.items()
    ]
    return page(
        request,
        "activity.html",
        here="activity",
        wanted=wanted,
        address=address,
        topics=topics,
        activity=own.activity(by).page(wanted),
        organisations=own.board(by).choices()["organisations"],
        newest=wanted.before is None and wanted.after is None,
    )
