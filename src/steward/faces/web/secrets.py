"""The page of one project's secrets: names go out, values only come in, also where a form is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from steward.app.errors import Invalid, Undriven
from steward.app.secrets import Secrets
from steward.domain.needs import Sort
from steward.domain.people import Right
from steward.domain.vault import NAME, RULE, Place
from steward.faces.http.failures import failure_of
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import principal_of, queries, site
from steward.faces.web.render import page
from steward.faces.words import _
from steward.ports import Permanent, Transient

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

REFUSALS: Final = (Invalid, Undriven, Permanent, Transient)
Text = Annotated[str, Form()]
Ticks = Annotated[list[str], Form()]


@dataclass(frozen=True, slots=True)
class Typed:
    """What a form brings back after a refusal: everything but the value."""

    name: str = ""
    sort: str = Sort.SECRET
    places: tuple[str, ...] = (Place.RUN,)
    waived: str = ""
    reason: str = ""


def secrets_of(request: Request) -> Secrets:
    """What whoever asks may do with secrets."""
    return site(request).app.secrets(principal_of(request))


def keeps(request: Request) -> bool:
    """Whether this Steward keeps secrets."""
    return site(request).app.vault is not None


@router.get("/projects/{slug}/secrets")
@needs(Right.READ)
def secrets(request: Request, slug: str, name: str = "", waive: str = "") -> Response:
    """The names that are kept, and what a deployment waits for. Raises Unknown.

    `name` is put into the form that sets a value, `waive` into that which does without one.
    """
    typed = _about(request, slug, name) if name else Typed(waived=_name(waive))
    return _page(request, slug, typed=typed)


@router.post("/projects/{slug}/secrets")
@needs(Right.WRITE)
def keep(
    request: Request,
    slug: str,
    name: Text = "",
    value: Text = "",
    sort: Text = Sort.SECRET.value,
    place: Ticks = [],  # noqa: B006 - the form's default, which nobody changes
    act: Text = "set",
    replace: Text = "",
) -> Response:
    """Keep a value, or have one made up; a refusal is said on the page. Raises Forbidden, Unknown."""
    name = name.strip()
    typed = Typed(_name(name), sort, tuple(place))
    try:
        places = frozenset(Place(one) for one in place if one in set(Place))
        if act == "generate":
            made = secrets_of(request).generate(slug, name, places=places, replacing=bool(replace))
        else:
            kind = Sort.VARIABLE if sort == Sort.VARIABLE else Sort.SECRET
            made = secrets_of(request).set(slug, name, value, kind, places)
    except REFUSALS as refusal:
        return _page(request, slug, refusal, typed)
    return _page(request, slug, notes=made["notes"], about=name) if made["notes"] else _back(slug)


@router.post("/projects/{slug}/secrets/waive")
@needs(Right.WRITE)
def waive(request: Request, slug: str, name: Text = "", reason: Text = "", waive: Text = "yes") -> Response:
    """Do without a name, or ask for it again; a refusal is said on the page. Raises Forbidden, Unknown."""
    name = name.strip()
    try:
        if waive == "no":
            secrets_of(request).unwaive(slug, name)
        else:
            secrets_of(request).waive(slug, name, reason)
    except REFUSALS as refusal:
        return _page(request, slug, refusal, Typed(waived=_name(name), reason=reason))
    return _back(slug)


@router.get("/projects/{slug}/secrets/{name}/unset")
@needs(Right.READ)
def unset_form(request: Request, slug: str, name: str) -> Response:
    """The page that says what forgetting a value means. Raises Unknown."""
    return _unset_page(request, slug, name)


@router.post("/projects/{slug}/secrets/{name}/unset")
@needs(Right.WRITE)
def unset(request: Request, slug: str, name: str) -> Response:
    """Forget a value; a refusal is said on the page. Raises Forbidden, Unknown."""
    try:
        secrets_of(request).unset(slug, name)
    except REFUSALS as refusal:
        return _unset_page(request, slug, name, refusal)
    return _back(slug)


@router.post("/projects/{slug}/secrets/send")
@needs(Right.WRITE)
def send(request: Request, slug: str) -> Response:
    """Give GitHub what its checks read; what it did not take is said on the page. Raises Forbidden, Unknown."""
    try:
        result = secrets_of(request).send(slug)
    except REFUSALS as refusal:
        return _page(request, slug, refusal)
    return _page(request, slug, failed=result["failed"]) if result["failed"] else _back(slug)


def _name(name: str) -> str:
    """A name as it may be shown again: what is none may be a value that was typed in its place."""
    return name if NAME.fullmatch(name) else ""


def _about(request: Request, slug: str, name: str) -> Typed:
    """What is known of a name, for the form that sets it."""
    if not keeps(request):
        return Typed()
    listed = secrets_of(request).listed(slug)
    kept = next((one for one in listed["secrets"] if one["name"] == name), None)
    return Typed(name, kept["sort"], tuple(kept["places"])) if kept else Typed(_name(name))


def _page(
    request: Request,
    slug: str,
    refusal: Exception | None = None,
    typed: Typed | None = None,
    **more: Any,
) -> Response:
    project = queries(request).project(slug)
    failure = failure_of(refusal) if refusal else None
    request.state.failure = failure
    nothing: dict[str, Any] = {"secrets": [], "waivers": [], "lacking": []}
    listed = secrets_of(request).listed(slug) if keeps(request) else nothing
    return page(
        request,
        "secrets.html",
        status_code=failure.status if failure else 200,
        here="projects",
        failure=failure,
        project=project,
        keeps=keeps(request),
        sends=site(request).app.writing is not None,
        secrets=listed["secrets"],
        waivers=[one for one in listed["waivers"] if not RULE.fullmatch(one["name"])],
        lacking=listed["lacking"],
        typed=typed or Typed(),
        **{"notes": [], "about": "", "failed": [], **more},
    )


def _unset_page(request: Request, slug: str, name: str, refusal: Exception | None = None) -> Response:
    project = queries(request).project(slug)
    known = {one["name"] for one in secrets_of(request).listed(slug)["secrets"]}
    if name not in known and refusal is None:
        refusal = Invalid(_("nothing is kept under that name"), _("Look at the list as it is now."))
    failure = failure_of(refusal) if refusal else None
    request.state.failure = failure
    return page(
        request,
        "secret_unset.html",
        status_code=failure.status if failure else 200,
        here="projects",
        failure=failure,
        project=project,
        name=name if name in known else "",
    )


def _back(slug: str) -> Response:
    return RedirectResponse(f"/projects/{slug}/secrets", status_code=303)
