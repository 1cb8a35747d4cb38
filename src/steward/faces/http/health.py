"""Whether this process lives, and whether it is ready, for whoever keeps it running.

Both are for anybody, so they name what was examined and nothing else: no version, no error, no address.
"""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse

from steward.faces.http.failures import Failure
from steward.faces.http.guard import GuardedRoute, public
from steward.faces.http.site import site

live_router = APIRouter(route_class=GuardedRoute)
router = APIRouter(route_class=GuardedRoute)

RETRY_S: Final = 5
_PROBLEM: Final[dict[str, Any]] = {"content": {"application/problem+json": {}}}


@live_router.get("/livez", tags=["health"])
@public
async def livez() -> JSONResponse:
    """Whether the process answers at all; a restart is due where this does not answer."""
    return JSONResponse({"status": "ok"})


@router.get(
    "/readyz", tags=["health"], responses={503: {**_PROBLEM, "description": "Not all of `checks` hold"}}
)
@public
def readyz(request: Request) -> JSONResponse:
    """Whether it can do its work: the database answers at the right schema; where loops belong to it, they run."""
    checks = {**site(request).app.in_order(), **site(request).ready()}
    if all(checks.values()):
        return JSONResponse({"status": "ok", "checks": checks})
    lacking = ", ".join(name for name, holds in checks.items() if not holds)
    failure = Failure(503, "not-ready", f"not ready: {lacking}", "See the log of this process.")
    return JSONResponse(
        {**failure.problem(request), "checks": checks},
        failure.status,
        headers={"Retry-After": str(RETRY_S)},
        media_type="application/problem+json",
    )
