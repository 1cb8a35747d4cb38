"""Webhooks over the API: their health, registering, deliveries. What GitHub delivers comes in elsewhere."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, StringConstraints

from steward.app.webhooks import Webhooks
from steward.domain.deliveries import State
from steward.domain.people import Right
from steward.faces.api.kit import LIMIT_MAX, NUMBER_MAX, Asked, Name, Number, linked
from steward.faces.api.models_base import Page
from steward.faces.api.models_hooks import Delivery, Hook, Hooks, Registered, Swept
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import principal_of, site

router = APIRouter(route_class=GuardedRoute, tags=["webhooks"])
Json = dict[str, Any]


def webhooks(request: Request) -> Webhooks:
    """What whoever asks may ask of webhooks."""
    return site(request).app.webhooks(principal_of(request))


class Organisations(Asked):
    """Which organisations."""

    organisations: list[Name] = Field(default=[], max_length=100, description="By login; none: all")


class Registration(Organisations):
    """Where GitHub is to deliver."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]+$")] = Field(
        description="The address of this server that GitHub reaches"
    )


class WantedDeliveries(Asked):
    """Which deliveries."""

    state: list[State] = Field(default=[], max_length=10)
    before: int | None = Field(default=None, ge=1, le=NUMBER_MAX, description="Only those with a smaller id")
    limit: int = Field(default=50, ge=1, le=LIMIT_MAX)


@router.get("/webhooks", response_model=Hooks)
@needs(Right.WEBHOOKS)
def show_webhooks(request: Request) -> Json:
    """Show every webhook with its health, and what the inbox holds."""
    return webhooks(request).status()


@router.post("/webhooks/register", response_model=list[Registered])
@needs(Right.WEBHOOKS)
def register_webhooks(request: Request, wanted: Registration) -> list[Json]:
    """Have GitHub deliver to that address. One that is there is set right instead of made twice."""
    return webhooks(request).register(wanted.url, wanted.organisations)


@router.post("/webhooks/ping", response_model=list[Hook])
@needs(Right.WEBHOOKS)
def ping_webhooks(request: Request, wanted: Organisations | None = None) -> list[Json]:
    """Have GitHub send a ping."""
    return webhooks(request).ping(wanted.organisations if wanted else [])


@router.post("/webhooks/sweep", response_model=list[Swept])
@needs(Right.WEBHOOKS)
def sweep_webhooks(request: Request, wanted: Organisations | None = None) -> list[Json]:
    """Take in what GitHub could not deliver."""
    return webhooks(request).sweep(wanted.organisations if wanted else [])


@router.get("/deliveries", response_model=Page[Delivery])
@needs(Right.WEBHOOKS)
def list_deliveries(
    request: Request, response: Response, wanted: Annotated[WantedDeliveries, Query()]
) -> Json:
    """List deliveries, newest first, never their bodies."""
    found = webhooks(request).deliveries(states=wanted.state, before=wanted.before, limit=wanted.limit + 1)
    shown = found[: wanted.limit]
    before = shown[-1]["id"] if len(found) > len(shown) else None
    linked(request, response, next={"before": before} if before else None)
    return {"items": shown, "next": str(before) if before else None}


@router.post("/deliveries/{number}/retry", response_model=Delivery)
@needs(Right.WEBHOOKS)
def retry_delivery(request: Request, number: Number) -> Json:
    """Have one worked on anew."""
    return webhooks(request).retry(number)
