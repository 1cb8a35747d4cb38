"""The pages of what Steward is connected with: GitHub's organisations and the credential; the ways to reach people."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from steward.domain.people import Right
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import principal_of, queries, site
from steward.faces.web.settings import back, settings_page

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)


@router.get("/settings/github")
@needs(Right.READ)
def github(request: Request) -> Response:
    """The organisations, how their looks go, and what the credential may do in each."""
    own, by = site(request).app, principal_of(request)
    declared = {told["organisation"]: told for told in own.credentials(by).status()}
    return settings_page(
        request,
        "settings_github.html",
        "/settings/github",
        status=queries(request).sync_status(),
        declared=declared,
        server=own.server,
        builder=own.builder is not None,
        drives=own.templates is not None,
    )


@router.post("/settings/github/check")
@needs(Right.LOOK)
def check_credential(request: Request) -> Response:
    """Ask GitHub anew what the credential may do. Raises what the settings or GitHub refuse with."""
    site(request).app.credentials(principal_of(request)).check()
    return back("/settings/github")


@router.get("/settings/notifications")
@needs(Right.READ)
def notifications(request: Request) -> Response:
    """The channels, and what became of the notices; never an address of a channel."""
    status = site(request).app.notices(principal_of(request)).status()
    return settings_page(request, "settings_notifications.html", "/settings/notifications", status=status)
