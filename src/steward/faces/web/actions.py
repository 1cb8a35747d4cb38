"""What people ask of one project, as forms; the language and the theme; a look at once.

Everything that changes a project goes through a page that names its effect, and carries the version that was
decided on. What is refused is said on that page, with what was typed.
"""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from steward.app.errors import Invalid, Stale, Unknown
from steward.domain.lifecycle import Refused
from steward.domain.people import Right
from steward.domain.project import Management
from steward.domain.status import Trigger
from steward.faces.http.failures import failure_of
from steward.faces.http.guard import GuardedRoute, needs, public
from steward.faces.http.site import LANG_COOKIE, THEME_COOKIE, commands, queries, signed_in, site
from steward.faces.web import asking, gates
from steward.faces.web.render import THEMES, page
from steward.faces.words import LANGUAGES

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

YEAR_S: Final = 365 * 86400
Text = Annotated[str, Form()]
Version = Annotated[int, Form()]


@router.get("/projects/{slug}/ask/{trigger}")
@needs(Right.READ)
def ask_form(request: Request, slug: str, trigger: str) -> Response:
    """The page that names what a move does before it is asked for."""
    return _ask_page(request, slug, _trigger(trigger))


@router.post("/projects/{slug}/ask/{trigger}")
@needs(Right.WRITE)
def ask(
    request: Request,
    slug: str,
    trigger: str,
    version: Version,
    reason: Text = "",
    budget: Text = "",
    to: Text = "",
) -> Response:
    """Ask for it. Raises Forbidden, Unknown; what the table refuses is said on the page."""
    wanted, building = _trigger(trigger), commands(request, version)
    try:
        gates.give(building, slug, wanted, reason.strip(), budget, to)
    except (Refused, Stale, Invalid) as refusal:
        return _ask_page(request, slug, wanted, refusal, reason=reason, budget=budget, to=to)
    if wanted is Trigger.REVISED and building.templates is not None:
        return RedirectResponse(f"/projects/{slug}/describe", status_code=303)
    return _back(slug)


def _trigger(text: str) -> Trigger:
    try:
        return Trigger(text.replace("-", " "))
    except ValueError:
        raise Unknown("move", text) from None


def _ask_page(
    request: Request, slug: str, trigger: Trigger, refusal: Exception | None = None, **typed: str
) -> Response:
    project = queries(request).project(slug)
    wanted = next((one for one in asking.asks(project) if one.trigger == trigger), None)
    if wanted is None and refusal is None:
        raise Refused("edge", f"'{trigger}' is not possible from {project['status']}")
    return _form_page(
        request,
        "ask.html",
        refusal,
        project=project,
        ask=wanted,
        trigger=trigger.value,
        typed={"reason": "", "budget": "", "to": "", **typed},
        **gates.known(request, project, trigger),
    )


def _form_page(request: Request, template: str, refusal: Exception | None, **values: Any) -> Response:
    """A form; after a refusal it says why, with the status that tells programs and the audit log the same."""
    failure = failure_of(refusal) if refusal else None
    request.state.failure = failure
    status_code = failure.status if failure else 200
    return page(request, template, status_code=status_code, here="projects", failure=failure, **values)


@router.get("/projects/{slug}/relink")
@needs(Right.READ)
def relink_form(request: Request, slug: str, repository: str = "") -> Response:
    """The form that gives a project another repository."""
    return _relink_page(request, slug, repository)


@router.post("/projects/{slug}/relink")
@needs(Right.WRITE)
def relink(request: Request, slug: str, version: Version, repository: Text = "") -> Response:
    """Give it that repository; what does not fit is said in the form. Raises Forbidden."""
    try:
        commands(request, version).relink(slug, repository.strip())
    except Unknown as unknown:
        if unknown.kind != "repository":
            raise
        return _relink_page(request, slug, repository, unknown)
    except (Invalid, Refused, Stale) as refusal:
        return _relink_page(request, slug, repository, refusal)
    return _back(slug)


def _relink_page(request: Request, slug: str, repository: str, refusal: Exception | None = None) -> Response:
    project = queries(request).project(slug)
    return _form_page(request, "relink.html", refusal, project=project, repository=repository)


@router.get("/projects/{slug}/management")
@needs(Right.READ)
def management_form(request: Request, slug: str) -> Response:
    """The page that says how far Steward may go with a project, and what each choice means."""
    return _form_page(request, "management.html", None, project=queries(request).project(slug))


@router.post("/projects/{slug}/management")
@needs(Right.WRITE)
def manage(request: Request, slug: str, version: Version, management: Text) -> Response:
    """Set it. Raises Forbidden, Invalid, Stale."""
    if management not in set(Management):
        raise Invalid(f"'{management}' is no way to manage a project", f"Possible: {', '.join(Management)}")
    try:
        commands(request, version).manage(slug, management)
    except (Refused, Stale) as refusal:
        project = queries(request).project(slug)
        return _form_page(request, "management.html", refusal, project=project)
    return _back(slug)


@router.get("/projects/{slug}/owner")
@needs(Right.READ)
def owner_form(request: Request, slug: str) -> Response:
    """The form that says who looks after a project."""
    return _owner_page(request, slug, None, None)


@router.post("/projects/{slug}/owner")
@needs(Right.WRITE)
def own(request: Request, slug: str, version: Version, owner: Text = "") -> Response:
    """Set or take away the owner; what does not fit is said in the form. Raises Forbidden."""
    try:
        commands(request, version).own(slug, owner)
    except (Invalid, Stale) as refusal:
        return _owner_page(request, slug, owner, refusal)
    return _back(slug)


def _owner_page(request: Request, slug: str, owner: str | None, refusal: Exception | None) -> Response:
    project = queries(request).project(slug)
    shown = project["owner"] or "" if owner is None else owner
    return _form_page(request, "owner.html", refusal, project=project, owner=shown)


def _back(slug: str) -> Response:
    return RedirectResponse(f"/projects/{slug}", status_code=303)


@router.post("/preferences")
@public
def preferences(request: Request, lang: Text = "", theme: Text = "", next: Text = "/") -> Response:  # noqa: A002 # the name in the form
    """The language and the theme of this browser, the language for one's messages too; back to where one was."""
    by = signed_in(request)
    if lang in LANGUAGES and by is not None and by.user is not None and by.may_somewhere(Right.OWN):
        site(request).app.people(by).change(by.user.name, lang=lang)
    response = RedirectResponse(own_path(next), status_code=303)
    secure = request.url.scheme == "https"
    for name, value, known in ((LANG_COOKIE, lang, LANGUAGES), (THEME_COOKIE, theme, THEMES)):
        if value in known:
            response.set_cookie(
                name, value, max_age=YEAR_S, path="/", samesite="lax", secure=secure, httponly=True
            )
    return response


def own_path(wanted: str) -> str:
    """A path of this server; the start where the wanted one leads anywhere else."""
    parts = urlsplit(wanted)
    ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not parts.netloc
    return wanted if ours and wanted.isprintable() else "/"
