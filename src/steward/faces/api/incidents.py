"""Incidents over the API: listed worst first, shown, attended to."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from steward.app.attending import MUTE_MAX_S
from steward.app.errors import Invalid
from steward.domain.people import Right
from steward.faces.api.kit import LIMIT_MAX, Asked, Number, Text, linked, packed, unpacked
from steward.faces.api.models import Incident
from steward.faces.api.models_base import Page
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import attending, queries

router = APIRouter(route_class=GuardedRoute, tags=["incidents"])
Json = dict[str, Any]


class Wanted(Asked):
    """Which incidents."""

    state: list[Literal["open", "acknowledged", "resolved"]] = Field(default=[], max_length=10)
    limit: int = Field(default=50, ge=1, le=LIMIT_MAX)
    cursor: str = Field(default="", max_length=200, description="The `next` of the part before this one")


class Resolution(Asked):
    """Why an incident is accepted as it is."""

    reason: Text = ""


class Mute(Asked):
    """For how long nothing is sent."""

    for_s: float = Field(gt=0, le=MUTE_MAX_S, description="Seconds, at most 90 days")


@router.get("/incidents", response_model=Page[Incident])
@needs(Right.READ)
def list_incidents(request: Request, response: Response, wanted: Annotated[Wanted, Query()]) -> Json:
    """List incidents, worst first, then newest."""
    after = _place(wanted.cursor) if wanted.cursor else None
    found = queries(request).incidents(wanted.state, wanted.limit + 1, after)
    shown = found[: wanted.limit]
    following = None
    if len(found) > len(shown):
        following = packed(shown[-1]["severity"], shown[-1]["id"])
    linked(request, response, next={"cursor": following} if following else None)
    return {"items": shown, "next": following}


def _place(cursor: str) -> tuple[str, int]:
    values = unpacked(cursor)
    if [type(value) for value in values] != [str, int]:
        raise Invalid("the cursor cannot be read", "Start from the first page.")
    return values[0], values[1]


@router.get("/incidents/{number}", response_model=Incident)
@needs(Right.READ)
def show_incident(request: Request, number: Number) -> Json:
    """Show one incident with its evidence and the ways out."""
    return queries(request).incident(number)


@router.post("/incidents/{number}/acknowledge", response_model=Incident)
@needs(Right.ATTEND)
def acknowledge_incident(request: Request, number: Number) -> Json:
    """Say that somebody looks after it."""
    return attending(request).acknowledge(number)


@router.post("/incidents/{number}/resolve", response_model=Incident)
@needs(Right.ATTEND)
def resolve_incident(request: Request, number: Number, wanted: Resolution | None = None) -> Json:
    """Accept an incident as it is. Most close by themselves when their cause goes, and cannot be closed."""
    return attending(request).resolve(number, wanted.reason if wanted else "")


@router.post("/incidents/{number}/mute", response_model=Incident)
@needs(Right.ATTEND)
def mute_incident(request: Request, number: Number, wanted: Mute) -> Json:
    """Send nothing about it for a while."""
    return attending(request).mute(number, wanted.for_s)


@router.post("/incidents/{number}/unmute", response_model=Incident)
@needs(Right.ATTEND)
def unmute_incident(request: Request, number: Number) -> Json:
    """Let it be heard again."""
    return attending(request).unmute(number)
