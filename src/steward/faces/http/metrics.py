"""Where Prometheus asks for the numbers. What they are is in `meters`."""

from __future__ import annotations

from fastapi import APIRouter
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import Response

from steward.domain.people import Right
from steward.faces.http.guard import GuardedRoute, needs, public
from steward.faces.http.site import site

router = APIRouter(route_class=GuardedRoute)
open_router = APIRouter(route_class=GuardedRoute)
"""Served in its place where the settings open the numbers to anybody."""


@router.get("/metrics", tags=["health"])
@needs(Right.METRICS)
def metrics(request: Request) -> Response:
    """The numbers of this installation and this process, in Prometheus's text format."""
    return _told(request)


@open_router.get("/metrics", tags=["health"])
@public
def open_metrics(request: Request) -> Response:
    """The same, for anybody."""
    return _told(request)


def _told(request: Request) -> Response:
    return Response(generate_latest(site(request).meters.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)
