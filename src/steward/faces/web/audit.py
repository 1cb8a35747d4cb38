"""The page of the audit log: who did what, and who was refused; filtered by its address, paged by the line's id."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from steward.domain.people import Right
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.web.settings import people, settings_page

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

LINES: Final = 50
OUTCOMES: Final = ("done", "refused", "failed")
Filter = Annotated[str, Query(max_length=200)]


@router.get("/settings/audit")
@needs(Right.AUDIT)
def audit(
    request: Request,
    before: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    actor: Filter = "",
    outcome: Filter = "",
    text: Filter = "",
) -> Response:
    """One page of the log, newest first."""
    wanted = {"actor": actor.strip(), "outcome": outcome if outcome in OUTCOMES else "", "text": text.strip()}
    lines = people(request).audit(before=before, limit=LINES + 1, **wanted)
    shown, more = lines[:LINES], len(lines) > LINES
    kept = {name: value for name, value in wanted.items() if value}
    return settings_page(
        request,
        "settings_audit.html",
        "/settings/audit",
        lines=shown,
        wanted=wanted,
        outcomes=OUTCOMES,
        newest=f"/settings/audit?{urlencode(kept)}" if before else None,
        older=f"/settings/audit?{urlencode({**kept, 'before': shown[-1]['id']})}" if more else None,
    )
