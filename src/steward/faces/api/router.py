"""The API as one router under /api/v1, with its own description."""

from __future__ import annotations

import json
from functools import cache
from typing import Final

from fastapi import APIRouter, Depends
from starlette.responses import Response

from steward.faces.api import (
    building,
    chats,
    events,
    hands,
    hooks,
    incidents,
    lifecycle,
    people,
    projects,
    readiness,
    secrets,
    setup,
    syncs,
    talks,
)
from steward.faces.api.describing import described
from steward.faces.api.kit import json_alone
from steward.faces.http.guard import GuardedRoute, public
from steward.faces.http.hooks import router as inbound

PREFIX: Final = "/api/v1"
PARTS: Final = tuple(
    part.router
    for part in (
        projects,
        building,
        hands,
        readiness,
        secrets,
        talks,
        setup,
        incidents,
        events,
        syncs,
        lifecycle,
        hooks,
        people,
        chats,
    )
)

router = APIRouter(prefix=PREFIX, route_class=GuardedRoute, dependencies=[Depends(json_alone)])
for part in PARTS:
    router.include_router(part)


@router.get("/openapi.json", include_in_schema=False)
@public
def show_description() -> Response:
    """Describe the API, as OpenAPI 3.1."""
    return Response(description(), media_type="application/json")


@cache
def description() -> bytes:
    """The description; it is the same for everybody."""
    return json.dumps(described(router, PREFIX, PARTS, inbound), ensure_ascii=False).encode()
