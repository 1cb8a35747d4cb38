"""Pages of taking in: what was found of many repositories, and the checklist of one that is to be adopted."""

from __future__ import annotations

from collections import defaultdict
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from steward.app.adopting import Adopting, Wanted
from steward.app.errors import Invalid, Stale
from steward.app.setup import ENTERING, ROWS
from steward.domain.lifecycle import Refused
from steward.domain.needs import Sort
from steward.domain.people import Right
from steward.domain.vault import Place
from steward.faces import setup_words
from steward.faces.http.failures import failure_of
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import principal_of, queries, site
from steward.faces.web.render import page
from steward.faces.web.secrets import keeps, secrets_of
from steward.faces.words import _
from steward.ports import Permanent, Transient

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

WAIVE: Final = "waive-"
"""How the fields begin that hold the reason why a name or a line is done without."""
WORDS: Final = {
    name: getattr(setup_words, name)
    for name in (
        "line_words",
        "fix_words",
        "entry_words",
        "demand_label",
        "scan_label",
        "yes_no",
        "taken_words",
    )
}
Text = Annotated[str, Form()]
Json = dict[str, Any]


async def _posted(request: Request) -> FormData:
    return await request.form()


Posted = Annotated[FormData, Depends(_posted)]


def _setup(request: Request, expecting: int | None = None) -> Adopting:
    return site(request).app.setup(principal_of(request), expecting)


@router.get("/import")
@needs(Right.READ)
def imported(request: Request, q: str = "", organisation: str = "", after: str = "") -> Response:
    """What is discovered or being set up, with what was found of each; many can be taken in at once."""
    return _import_page(request, q, organisation, after, [])


def _import_page(request: Request, q: str, organisation: str, after: str, taken: list[Json]) -> Response:
    asked, text = _setup(request), q.strip()[:200]
    rows = asked.table(organisation, text, after=after)
    more = {"q": text, "organisation": organisation, "after": rows[-1]["slug"]} if len(rows) == ROWS else None
    return page(
        request,
        "import.html",
        here="projects",
        rows=rows,
        progress=asked.progress(),
        q=text,
        organisation=organisation,
        taken=[row for row in taken if row["state"] == "refused"],
        older=f"/import?{urlencode(more)}" if more else None,
        scans=asked.surveying is not None,
        **WORDS,
    )


@router.post("/import")
@needs(Right.WRITE)
def take_in(request: Request, form: Posted) -> Response:
    """Take in what was chosen; what is refused is said above the table."""
    chosen = [str(value) for value in form.getlist("project")]
    q, organisation = str(form.get("q") or ""), str(form.get("organisation") or "")
    if not chosen and not form.get("all"):
        raise Invalid(_("nothing is chosen"), _("Choose projects in the table, or take all of them in."))
    rows = _setup(request).take_in([] if form.get("all") else chosen, organisation=organisation, text=q)
    if any(row["state"] == "refused" for row in rows):
        return _import_page(request, q, organisation, "", rows)
    kept = urlencode({name: value for name, value in (("q", q), ("organisation", organisation)) if value})
    return RedirectResponse("/import" + (f"?{kept}" if kept else ""), status_code=303)


@router.get("/projects/{slug}/setup")
@needs(Right.READ)
def checklist(request: Request, slug: str) -> Response:
    """What a project lacks before it can be adopted, each line with its fix, and where it may enter."""
    return _setup_page(request, slug)


@router.post("/projects/{slug}/setup/scan")
@needs(Right.WRITE)
def scan(request: Request, slug: str) -> Response:
    """Have it scanned again. What cannot be done is said on the page."""
    try:
        _setup(request).ask(slug)
    except Invalid as refusal:
        return _setup_page(request, slug, refusal)
    return _back(slug)


@router.post("/projects/{slug}/setup")
@needs(Right.WRITE)
def adopt(request: Request, slug: str, form: Posted) -> Response:
    """Adopt it; what stands against that is said on the page, with what was typed. Raises Forbidden, Unknown."""
    typed = {name: str(value) for name, value in form.items() if isinstance(value, str)}
    try:
        _setup(request, _version(typed)).adopt(slug, _wanted(typed))
    except (Refused, Invalid, Stale, Permanent, Transient) as refusal:
        return _setup_page(request, slug, refusal, typed)
    return RedirectResponse(f"/projects/{slug}", status_code=303)


@router.post("/projects/{slug}/setup/secret")
@needs(Right.WRITE)
def keep(request: Request, slug: str, name: Text, value: Text = "", act: Text = "set") -> Response:
    """Set one needed value, or have it generated; it is never shown again, not even where it is refused."""
    need = next((one for one in _setup(request).scan(slug)["needs"] if one["name"] == name), None)
    if need is None:
        strange = Invalid(_("nothing asks for that name"), _("Look at the checklist as it is now."))
        return _setup_page(request, slug, strange)
    secrets = secrets_of(request)
    try:
        places = frozenset(Place(one) for one in need["purposes"]) or frozenset({Place.RUN})
        if act == "generate":
            secrets.generate(slug, name, places=places)
        else:
            secrets.set(slug, name, value, Sort(need["sort"]), places)
    except (Refused, Invalid, Stale, Permanent) as refusal:
        return _setup_page(request, slug, refusal)
    return _back(slug)


def _version(typed: dict[str, str]) -> int:
    try:
        return int(typed.get("version", ""))
    except ValueError:
        raise Invalid(_("the form names no version"), _("Load the page again and send it anew.")) from None


def _wanted(typed: dict[str, str]) -> Wanted:
    waive = {
        name.removeprefix(WAIVE): value.strip()
        for name, value in typed.items()
        if name.startswith(WAIVE) and value.strip()
    }
    return Wanted.of(
        entry=typed.get("entry") or None,
        owner=typed.get("owner", "").strip() or None,
        proof="attested" if typed.get("attested") else None,
        url=typed.get("url", "").strip() or None,
        reason=typed.get("reason", ""),
        accept_self_deploy=bool(typed.get("accept")),
        waive=waive,
    )


def _setup_page(
    request: Request, slug: str, refusal: Exception | None = None, typed: dict[str, str] | None = None
) -> Response:
    project = queries(request).project(slug)
    if project["status"] not in ENTERING and refusal is None:
        return RedirectResponse(f"/projects/{project['slug']}", status_code=303)
    failure = failure_of(refusal) if refusal else None
    request.state.failure = failure
    asked = _setup(request)
    shown = {**asked.checklist(slug), "project": project}
    return page(
        request,
        "setup.html",
        status_code=failure.status if failure else 200,
        here="projects",
        failure=failure,
        typed=defaultdict(str, typed or {}),
        keeps=keeps(request),
        scans=asked.surveying is not None,
        adoptable=any(one["supported"] for one in shown["candidates"]),
        **shown,
        **WORDS,
    )


def _back(slug: str) -> Response:
    return RedirectResponse(f"/projects/{slug}/setup", status_code=303)
