"""The order of a new project, and the spec of one that is a draft or has an update: forms made of a template's questions.

What does not fit comes back in the form, beside its field, with what was typed; nothing is stored then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from steward.app.describing import Wish
from steward.app.errors import Invalid, Stale
from steward.domain.lifecycle import Refused
from steward.domain.people import Right
from steward.domain.project import SLUG_LENGTH_MAX
from steward.domain.spec import STARTER, Template
from steward.domain.status import Status
from steward.faces.http.failures import failure_of
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import commands, queries, site, works
from steward.faces.web import failing, spec_form
from steward.faces.web.render import page
from steward.faces.web.spec_form import Typed
from steward.faces.words import _, said
from steward.ports import Permanent, Transient

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

TITLE_LENGTH_MAX: Final = 200
DESCRIBED: Final = (Status.DRAFT, Status.MAINTENANCE)
"""Where a spec may be given."""


async def _posted(request: Request) -> FormData:
    return await request.form()


Posted = Annotated[FormData, Depends(_posted)]


@router.get("/order")
@needs(Right.WRITE)
def order_form(
    request: Request,
    slug: str = "",
    title: str = "",
    organisation: str = "",
    template: str = STARTER,
    tag: str = "",
) -> Response:
    """The form that orders a project; with a slug, told at once whether it can be had."""
    given = {"slug": slug.strip(), "title": title, "organisation": organisation}
    return _order_page(
        request, given, Typed(template.strip() or STARTER, tag.strip()), _wrong_slug(request, given)
    )


@router.post("/order/template")
@needs(Right.WRITE)
def order_template(request: Request, form: Posted) -> Response:
    """The same form with the questions of another template, and all else as it was typed. Nothing is stored."""
    return _order_page(request, _basics(form), spec_form.typed(form), {})


@router.post("/order")
@needs(Right.WRITE)
def order(request: Request, form: Posted) -> Response:
    """Order it; what is wrong is said in the form, with everything as it was typed."""
    given, asked = _basics(form), spec_form.typed(form)
    home, title = given["organisation"] or None, given["title"]
    wrong, wanted = _wrong_slug(request, given, must=True), None
    if _drives(request):
        template, unread = _template(request, asked)
        wrong |= unread
        if template is not None:
            wrong |= spec_form.problems(template, asked, title or given["slug"])
            wanted = spec_form.wish(template, asked)
    if not wrong:
        try:
            made = _place(request, given["slug"], home, title, wanted)
        except Invalid as refusal:
            wrong = {"": _words(refusal)}
        else:
            return RedirectResponse(f"/projects/{made['slug']}", status_code=303)
    return _order_page(request, given, asked, wrong, _unfit(wrong))


def _place(request: Request, slug: str, home: str | None, title: str, wish: Wish | None) -> dict[str, Any]:
    if wish is None:
        return commands(request).order(slug, organisation=home, title=title)
    return commands(request).draft(slug, organisation=home, title=title, wish=wish)


def _basics(form: FormData) -> dict[str, str]:
    return {
        "slug": str(form.get("slug") or "").strip(),
        "title": str(form.get("title") or "").strip()[:TITLE_LENGTH_MAX],
        "organisation": str(form.get("organisation") or ""),
    }


def _wrong_slug(request: Request, given: Mapping[str, str], *, must: bool = False) -> dict[str, str]:
    if not given["slug"] and not must:
        return {}
    try:
        commands(request).check_slug(given["slug"])
    except Invalid as wrong:
        return {"slug": _words(wrong)}
    return {}


def _unfit(wrong: Mapping[str, str]) -> Invalid:
    """All that is wrong as one refusal, for the audit log and for the status of the answer."""
    return Invalid("; ".join(f"{name}: {words}" if name else words for name, words in wrong.items()), "")


def _words(wrong: Invalid) -> str:
    return f"{said(wrong.what)}. {said(wrong.advice)}".strip()


def _drives(request: Request) -> bool:
    return site(request).app.templates is not None


def _template(request: Request, asked: Typed) -> tuple[Template | None, dict[str, str]]:
    """The template that is asked for, or what is wrong with it."""
    try:
        return commands(request).read_template(Wish(asked.template, asked.tag)), {}
    except Invalid as unfit:
        return None, {"template": _words(unfit)}
    except (Permanent, Transient) as error:
        advice = error.advice if isinstance(error, Permanent) else _("It may pass: try again shortly.")
        return None, {"template": f"{said(error.reason)}. {said(advice)}"}


def _order_page(
    request: Request,
    given: Mapping[str, str],
    asked: Typed,
    wrong: Mapping[str, str],
    refusal: Exception | None = None,
) -> Response:
    values = {
        "given": given,
        "homes": commands(request).homes(),
        "slug_max": SLUG_LENGTH_MAX,
    }
    return _form_page(request, "order.html", asked, wrong, refusal, **values)


def _form_page(
    request: Request,
    name: str,
    asked: Typed,
    wrong: Mapping[str, str],
    refusal: Exception | None,
    **values: Any,
) -> Response:
    """The form; what was refused bears the status that tells programs and the audit log the same."""
    template = None
    if _drives(request):
        template, unread = _template(request, asked)
        wrong = {**wrong, **unread}
    failure = failure_of(refusal) if refusal else None
    request.state.failure = failure
    return page(
        request,
        name,
        status_code=failure.status if failure else 200,
        here="projects",
        asked=asked,
        wrong=wrong,
        made_of=template,
        drives=_drives(request),
        starter=STARTER,
        fields=spec_form.fields(template, asked.answers, wrong) if template else [],
        brief_max=spec_form.BRIEF_MAX,
        **values,
    )


@router.get("/projects/{slug}/describe")
@needs(Right.WRITE)
def describe_form(request: Request, slug: str) -> Response:
    """The form that gives a draft, or an update, a spec: that of the newest version to begin with."""
    specs = works(request).specs(slug)
    return _describe_page(request, slug, spec_form.of_spec(specs[-1] if specs else None), {})


@router.post("/projects/{slug}/describe/template")
@needs(Right.WRITE)
def describe_template(request: Request, slug: str, form: Posted) -> Response:
    """The same form with the questions of another template. Nothing is stored."""
    return _describe_page(request, slug, spec_form.typed(form), {})


@router.post("/projects/{slug}/describe")
@needs(Right.WRITE)
def describe(request: Request, slug: str, form: Posted) -> Response:
    """Store the next version of the spec; what is wrong is said in the form. Raises Forbidden, Unknown."""
    asked, project = spec_form.typed(form), queries(request).project(slug)
    template, wrong = _template(request, asked)
    if template is None:
        return _describe_page(request, slug, asked, wrong, _unfit(wrong))
    if wrong := spec_form.problems(template, asked, project["title"] or slug):
        return _describe_page(request, slug, asked, wrong, _unfit(wrong))
    try:
        commands(request, _version(form)).describe(slug, spec_form.wish(template, asked))
    except Invalid as refusal:
        return _describe_page(request, slug, asked, {"": _words(refusal)}, refusal)
    except (Refused, Stale) as refusal:
        failure = failure_of(refusal)
        words = f"{failing.detail(failure)} {failing.advice(failure)}".strip()
        return _describe_page(request, slug, asked, {"": words}, refusal)
    return RedirectResponse(f"/projects/{slug}", status_code=303)


def _version(form: FormData) -> int:
    try:
        return int(str(form.get("version")))
    except ValueError:
        raise Invalid(_("the form names no version"), _("Load the page again and send it anew.")) from None


def _describe_page(
    request: Request, slug: str, asked: Typed, wrong: Mapping[str, str], refusal: Exception | None = None
) -> Response:
    project = queries(request).project(slug)
    if project["status"] not in DESCRIBED and refusal is None:
        raise Refused(
            "edge", f"a spec is given to a draft or an update, not to a project that is {project['status']}"
        )
    specs = works(request).specs(slug)
    version = specs[-1]["version"] + 1 if specs else 1
    return _form_page(request, "describe.html", asked, wrong, refusal, project=project, next_version=version)
