"""Events over the API: by position, and as a stream."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, StringConstraints, model_validator
from starlette.responses import StreamingResponse

from steward.domain.people import Right
from steward.faces.api.kit import LIMIT_MAX, NUMBER_MAX, Asked, linked
from steward.faces.api.models import Events
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.live import whole
from steward.faces.http.site import queries
from steward.faces.http.streams import stream

router = APIRouter(route_class=GuardedRoute, tags=["events"])
Json = dict[str, Any]


class Wanted(Asked):
    """Which events: those after a position, or the newest before one; the newest of all by themselves."""

    after: int | None = Field(default=None, ge=0, le=NUMBER_MAX)
    before: int | None = Field(default=None, ge=1, le=NUMBER_MAX)
    limit: int = Field(default=50, ge=1, le=LIMIT_MAX)

    @model_validator(mode="after")
    def _one_way(self) -> Wanted:
        if self.after is not None and self.before is not None:
            raise ValueError("name after or before, not both")
        return self


class WantedOf(Wanted):
    """The same, of one project alone."""

    project: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")] | None = (
        Field(default=None, description="Only of this project, by id, slug or name")
    )


@router.get("/events", response_model=Events)
@needs(Right.READ)
def list_events(request: Request, response: Response, wanted: Annotated[WantedOf, Query()]) -> Json:
    """What happened, oldest first; the newest events, unless `after` or `before` is given."""
    return page(request, response, wanted, wanted.project)


@router.get(
    "/events/stream",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events: `id` is the position, `event` the kind, `data` the event as JSON.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    },
    openapi_extra={
        "parameters": [
            {
                "name": "Last-Event-ID",
                "in": "header",
                "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
            },
            {"name": "last", "in": "query", "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"}},
        ]
    },
)
@needs(Right.READ)
async def stream_events(request: Request) -> StreamingResponse:
    """Follow what happens, without a gap: after `Last-Event-ID` (or `last`), else from now on."""
    return stream(request, whole)


def page(request: Request, response: Response, wanted: Wanted, project: str | None) -> Json:
    """Some events, with links to those before and after them."""
    asked = queries(request)
    last = asked.last_position()
    if wanted.after is not None:
        found = asked.events(after=wanted.after, project=project, limit=wanted.limit)
        more = len(found) == wanted.limit
    else:
        found = asked.events(before=wanted.before or last + 1, project=project, limit=wanted.limit)
        more = wanted.before is not None
    linked(
        request,
        response,
        next={"after": found[-1]["position"]} if found and more else None,
        prev={"before": found[0]["position"]} if found and found[0]["position"] > 1 else None,
    )
    return {"items": found, "last_position": last}
