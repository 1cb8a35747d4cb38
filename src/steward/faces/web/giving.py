"""The page that takes one value, opened by a link from a chat: the link is the pass. Looking uses nothing up.

Its secret stands in the query and in a hidden field, never in the path: no log and no audit line holds those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from steward.app.errors import Forbidden, Invalid, Unknown
from steward.app.forms import NoForm
from steward.domain.people import Right
from steward.domain.vault import NAME, Place
from steward.faces.http.failures import Failure, failure_of
from steward.faces.http.guard import GuardedRoute, public
from steward.faces.http.site import address_of, signed_in, site
from steward.faces.web import times
from steward.faces.web.render import page
from steward.ports import Permanent

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

REFUSALS: Final = (Invalid, Forbidden, Unknown, Permanent)
Text = Annotated[str, Form()]
Ticks = Annotated[list[str], Form()]


@dataclass(frozen=True, slots=True)
class Typed:
    """What the form brings back after a refusal: everything but the value."""

    name: str = ""
    places: tuple[str, ...] = (Place.RUN,)


@router.get("/give")
@public
def give_form(request: Request, form: str = "") -> Response:
    """The form, or that there is none behind the link. Raises TooMany."""
    return _page(request, form)


@router.post("/give")
@public
def give(
    request: Request,
    form: Text = "",
    name: Text = "",
    value: Text = "",
    lines: Text = "",
    place: Ticks = [],  # noqa: B006 - the form's default, which nobody changes
) -> Response:
    """Keep the value and use the link up; what is refused is said on the page, and the link stays. Raises TooMany."""
    own, address, name = site(request), address_of(request), name.strip()
    own.guesses.check(address)
    places = frozenset(Place(one) for one in place if one in set(Place))
    # Browsers end the lines of a form with both characters; keys are read with one.
    whole = lines.replace("\r\n", "\n") if lines.strip() else value
    try:
        done = own.app.forms().give(form, name, whole, places, address)
    except REFUSALS as refusal:
        # What is no name may be the value, typed in its place.
        typed = Typed(name if NAME.fullmatch(name) else "", tuple(place))
        return _page(request, form, refusal, typed)
    by = signed_in(request)
    known = by is not None and by.may_somewhere(Right.READ)
    return _shown(request, done=done, project=done["project"] if known else "")


def _page(
    request: Request, secret: str, refusal: Exception | None = None, typed: Typed | None = None
) -> Response:
    own, address = site(request), address_of(request)
    own.guesses.check(address)
    try:
        about = own.app.forms().peek(secret)
    except (NoForm, Forbidden, Unknown) as closed:
        if isinstance(closed, NoForm):
            own.guesses.failed(address)
        return _shown(request, failure_of(closed), status_code=403 if isinstance(closed, Forbidden) else 404)
    failure = failure_of(refusal) if refusal else None
    return _shown(
        request,
        failure,
        status_code=failure.status if failure else 200,
        secret=secret,
        about=about,
        left_s=(times.parsed(about["expires_at"]) - own.app.clock.now().at).total_seconds(),
        typed=typed or Typed(about["name"]),
    )


def _shown(
    request: Request, failure: Failure | None = None, *, status_code: int = 200, **values: Any
) -> Response:
    nothing: dict[str, Any] = {"secret": "", "about": None, "typed": Typed(), "done": None, "project": ""}
    return page(request, "give.html", status_code=status_code, failure=failure, **{**nothing, **values})
