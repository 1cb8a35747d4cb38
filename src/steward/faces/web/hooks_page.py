"""The page of webhooks: whether deliveries arrive, what became of each, and the buttons that see to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from steward.app.errors import Invalid
from steward.app.webhooks import LAPTOP, Webhooks
from steward.domain.deliveries import State
from steward.domain.people import Right
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import principal_of, site
from steward.faces.web.settings import Text, back, settings_page
from steward.faces.words import _, label
from steward.ports import Permanent, Transient

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

TAB: Final = "/settings/webhooks"
ROWS: Final = 50
Id = Annotated[int | None, Query(ge=1, lt=2**63)]


def webhooks(request: Request) -> Webhooks:
    """What whoever asks may do about webhooks."""
    return site(request).app.webhooks(principal_of(request))


@router.get(TAB)
@needs(Right.WEBHOOKS)
def hooks(request: Request, before: Id = None, state: Annotated[str, Query(max_length=20)] = "") -> Response:
    """The hooks with their health, and one page of deliveries, newest first."""
    return _page(request, before=before, state=state)


def _page(
    request: Request,
    wrong: Invalid | None = None,
    *,
    before: int | None = None,
    state: str = "",
    url: str = "",
    status_code: int = 200,
) -> Response:
    own = webhooks(request)
    status = own.status()
    wanted = [state] if state in set(State) else []
    rows = own.deliveries(states=wanted, before=before, limit=ROWS + 1)
    shown = rows[:ROWS]
    kept = {"state": state} if wanted else {}
    older = {**kept, "before": str(shown[-1]["id"])} if len(rows) > ROWS else None
    return settings_page(
        request,
        "settings_webhooks.html",
        TAB,
        wrong,
        status_code=status_code,
        status=status,
        deliveries=shown,
        filters=_filters(status["deliveries"], wanted),
        url=url or site(request).public_url,
        laptop=LAPTOP,
        newest=f"{TAB}?{urlencode(kept)}" if before else None,
        older=f"{TAB}?{urlencode(older)}" if older else None,
    )


def _filters(counts: Mapping[str, int], wanted: Sequence[str]) -> list[dict[str, Any]]:
    """Links to the deliveries in each state, with their number."""
    links = [{"href": TAB, "text": _("All"), "current": not wanted, "count": None, "sign": ""}]
    for state, number in counts.items():
        words = label("delivery", state)
        address = f"{TAB}?{urlencode({'state': state})}"
        links.append(
            {"href": address, "text": words, "current": state in wanted, "count": number, "sign": ""}
        )
    return links


def _do(request: Request, act: Callable[[Webhooks], Any], url: str = "") -> Response:
    """Do it, then show the page; say there what was refused, by us or by GitHub."""
    try:
        act(webhooks(request))
    except Invalid as wrong:
        return _page(request, wrong, url=url)
    except Permanent as error:
        return _page(request, Invalid(error.reason, error.advice), url=url)
    except Transient as error:
        return _page(request, Invalid(error.reason, _("It may pass: try again shortly.")), url=url)
    return back(TAB)


@router.post(f"{TAB}/register")
@needs(Right.WEBHOOKS)
def register_hooks(request: Request, url: Text = "") -> Response:
    """Have GitHub deliver to that address."""
    return _do(request, lambda own: own.register(url), url)


@router.post(f"{TAB}/ping")
@needs(Right.WEBHOOKS)
def ping_hooks(request: Request, organisation: Text = "") -> Response:
    """Have GitHub send a ping."""
    return _do(request, lambda own: own.ping([organisation] if organisation else []))


@router.post(f"{TAB}/sweep")
@needs(Right.WEBHOOKS)
def sweep_hooks(request: Request, organisation: Text = "") -> Response:
    """Take in what GitHub could not deliver."""
    return _do(request, lambda own: own.sweep([organisation] if organisation else []))


@router.post(f"{TAB}/deliveries/{{number}}/retry")
@needs(Right.WEBHOOKS)
def retry_delivery(request: Request, number: int) -> Response:
    """Have one delivery worked on anew. Raises Unknown."""
    return _do(request, lambda own: own.retry(number))
