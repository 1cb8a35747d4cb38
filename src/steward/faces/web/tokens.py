"""The page of API tokens: one's own, and for who sees to people everybody's. A new one's secret is shown once."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from steward.app.errors import Invalid
from steward.app.passes import NOTE_MAX, TOKEN_DAYS, TOKEN_DAYS_MAX
from steward.domain.people import Right
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.idempotency import unrepeatable
from steward.faces.http.site import principal_of, site
from steward.faces.web.settings import Text, back, logins, me, people, settings_page

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

DAYS: Final = (7, 30, TOKEN_DAYS, 180, TOKEN_DAYS_MAX)


@router.get("/settings/tokens")
@needs(Right.OWN)
def tokens(request: Request) -> Response:
    """The tokens, never their secrets."""
    return _page(request)


def _page(
    request: Request, wrong: Invalid | None = None, given: dict[str, Any] | None = None, made: Any = None
) -> Response:
    by, own, name = principal_of(request), people(request), me(request)
    all_of_them = own.tokens() if by.may(Right.USERS) else []
    fresh = {"note": "", "rights": [Right.READ.value], "organisation": "", "days": TOKEN_DAYS}
    return settings_page(
        request,
        "settings_tokens.html",
        "/settings/tokens",
        wrong,
        status_code=200 if made is None else 201,
        tokens=own.tokens(name),
        others=[token for token in all_of_them if token["user"] != name],
        rights=[right for right in Right if by.may_somewhere(right)],
        logins=logins(request),
        days=DAYS,
        given={**fresh, **(given or {})},
        made=made,
        note_max=NOTE_MAX,
        api=(site(request).public_url or str(request.base_url).rstrip("/")) + "/api/v1",
    )


@router.post("/settings/tokens")
@needs(Right.OWN)
@unrepeatable
def make_token(
    request: Request,
    note: Text = "",
    rights: Annotated[list[str] | None, Form()] = None,
    organisation: Text = "",
    days: Annotated[int, Form()] = TOKEN_DAYS,
) -> Response:
    """Make a token of one's own; the page shows its secret, this once."""
    given = {"note": note, "rights": rights or [], "organisation": organisation, "days": days}
    try:
        made = people(request).create_token(me(request), note, rights or [], organisation or None, days)
    except Invalid as wrong:
        return _page(request, wrong, given)
    return _page(request, made=made)


@router.post("/settings/tokens/{number}/end")
@needs(Right.OWN)
def end_token(request: Request, number: int) -> Response:
    """End a token for good. Raises Unknown."""
    people(request).end(number)
    return back("/settings/tokens")
