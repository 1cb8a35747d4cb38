"""The page of what calls of the model cost: one's own, with the limits; for who sees to people everybody's."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from steward.domain.people import Right
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import principal_of, site
from steward.faces.web.settings import settings_page

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)


@router.get("/settings/spending")
@needs(Right.OWN)
def spending(request: Request) -> Response:
    """What talks cost oneself today, what is allowed, the newest calls; what they cost others this month."""
    own, by = site(request).app, principal_of(request)
    told = own.spending(by)
    return settings_page(
        request,
        "settings_spending.html",
        "/settings/spending",
        has_mind=own.mind is not None,
        mine=told.mine(),
        people=told.people() if by.may(Right.USERS) else [],
    )
