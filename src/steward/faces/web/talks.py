"""Talks on the web: the same that go on in a chat. What is said is stored at once; the brief follows from it.

A text that holds a secret is refused before anything of it is stored, and a form is offered that takes the secret.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Path
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from steward.app.errors import Forbidden, Invalid, Stale, Unkept, Unknown
from steward.app.talks import Talks
from steward.domain import pasted
from steward.domain.brief import LINE_MAX, TEXT_MAX, TITLE_MAX
from steward.domain.lifecycle import Refused
from steward.domain.people import Right
from steward.domain.talks import SAID_MAX, Purpose, TalkState
from steward.faces.http.failures import Failure, failure_of
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import principal_of, queries, site
from steward.faces.talk_words import part_words, problem_words, state_words
from steward.faces.web.render import page
from steward.faces.words import _
from steward.ports import Permanent, Transient

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

REFUSALS: Final = (Invalid, Stale, Refused, Permanent, Transient)
LISTS: Final = ("features", "out_of_scope")
PARTS: Final = ("title", "goal", "users", *LISTS)
"""The parts of a brief that are set by hand, in order."""
Text = Annotated[str, Form()]
Version = Annotated[int, Form()]
Number = Annotated[int, Path(ge=1, lt=2**63)]
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Typed:
    """What a page brings back after a refusal. `form` takes the secret that was cut out of the text ("": none)."""

    text: str = ""
    secret: bool = False
    form: str = ""
    parts: Json | None = None


def talks_of(request: Request) -> Talks:
    """What whoever asks may do about talks."""
    return site(request).app.talks(principal_of(request))


WORDS: Final = {"part": part_words, "state": state_words, "problem": problem_words}


@router.get("/talks")
@needs(Right.READ)
def talks(request: Request) -> Response:
    """One's own talks: those that go on, and those that ended."""
    every = talks_of(request).list()
    going = [talk for talk in every if talk["state"] == TalkState.OPEN]
    ended = [talk for talk in every if talk["state"] != TalkState.OPEN]
    names = {one: _project(request, one) for one in {talk["project"] for talk in every}}
    return page(request, "talks.html", here="talks", say=WORDS, going=going, ended=ended, projects=names)


@router.get("/talks/new")
@needs(Right.WRITE)
def new_talk(request: Request, project: str = "") -> Response:
    """The first question: what is wanted, or what is to change of a project. Raises Unknown."""
    return _new_page(request, project)


@router.post("/talks/new")
@needs(Right.WRITE)
def open_talk(request: Request, text: Text = "", project: Text = "", once: Text = "") -> Response:
    """Begin a talk with what is wanted; it begins without, where that holds a secret. Raises Forbidden, Unknown."""
    if not text.strip():
        return _new_page(
            request, project, Invalid(_("nothing was said"), _("Say in a few words what you want."))
        )
    purpose = Purpose.UPDATE if project else Purpose.NEW
    try:
        talk = talks_of(request).open(f"web:{once}", purpose=purpose, project=project or None)
        if spans := pasted.secrets_in(text):
            return _talk_page(request, talk["id"], typed=_apart(request, talk["id"], text, spans))
        talks_of(request).say(talk["id"], f"web:{once}", text)
    except REFUSALS as refusal:
        return _new_page(request, project, refusal, text)
    return _to(talk["id"])


def _new_page(request: Request, project: str, refusal: Exception | None = None, text: str = "") -> Response:
    about = queries(request).project(project) if project else None
    failure = _failed(request, refusal)
    return page(
        request,
        "talk_new.html",
        status_code=failure.status if failure else 200,
        here="talks",
        say=WORDS,
        failure=failure,
        about=about,
        typed=Typed(text),
        text_max=SAID_MAX,
    )


@router.get("/talks/{number}")
@needs(Right.READ)
def talk(request: Request, number: Number) -> Response:
    """One talk: what was said, the brief so far, what is asked. Raises Unknown."""
    return _talk_page(request, number)


@router.post("/talks/{number}/say")
@needs(Right.WRITE)
def say(request: Request, number: Number, text: Text = "", once: Text = "") -> Response:
    """Say more. Raises Forbidden, Unknown."""
    if spans := pasted.secrets_in(text):
        return _talk_page(request, number, typed=_apart(request, number, text, spans))
    return _do(request, number, lambda own: own.say(number, f"web:{once}", text), Typed(text))


@router.post("/talks/{number}/pick")
@needs(Right.WRITE)
def pick(request: Request, number: Number, version: Version, index: Annotated[int, Form()]) -> Response:
    """Answer the question with one of its choices. Raises Forbidden, Unknown."""
    return _do(request, number, lambda own: own.pick(number, version, index))


@router.post("/talks/{number}/skip")
@needs(Right.WRITE)
def skip(request: Request, number: Number, version: Version) -> Response:
    """Leave the question unanswered. Raises Forbidden, Unknown."""
    return _do(request, number, lambda own: own.skip(number, version))


@router.post("/talks/{number}/drop")
@needs(Right.WRITE)
def drop(request: Request, number: Number, version: Version) -> Response:
    """Give it up. Raises Forbidden, Unknown."""
    return _do(request, number, lambda own: own.drop(number, version))


@router.post("/talks/{number}/order")
@needs(Right.WRITE)
def order_talk(request: Request, number: Number, version: Version) -> Response:
    """Have the brief become a draft, approved where one may. Raises Forbidden, Unknown."""
    return _do(request, number, lambda own: own.order(number, version))


@router.post("/talks/{number}/ask")
@needs(Right.WRITE)
def ask_talk(request: Request, number: Number, version: Version) -> Response:
    """Ask for the update that was talked about. Raises Forbidden, Unknown."""
    return _do(request, number, lambda own: own.ask(number, version))


@router.get("/talks/{number}/edit")
@needs(Right.READ)
def edit_form(request: Request, number: Number) -> Response:
    """The parts of the brief, to be set by hand. Raises Unknown."""
    return _edit_page(request, number)


@router.post("/talks/{number}/edit")
@needs(Right.WRITE)
def edit(
    request: Request,
    number: Number,
    version: Version,
    title: Text = "",
    goal: Text = "",
    users: Text = "",
    features: Text = "",
    out_of_scope: Text = "",
) -> Response:
    """Set them; what is refused is said in the form. Raises Forbidden, Unknown."""
    given = {"title": title, "goal": goal, "users": users, "features": features, "out_of_scope": out_of_scope}
    whole = "\n".join(given.values())
    if spans := pasted.secrets_in(whole):
        cleaned = {name: pasted.without(part, pasted.secrets_in(part)) for name, part in given.items()}
        return _edit_page(
            request, number, typed=replace(_apart(request, number, whole, spans), parts=cleaned)
        )
    brief = talks_of(request).show(number)["brief"]
    parts = {name: _lines(part) if name in LISTS else _text(part) for name, part in given.items()}
    # What is set by hand stands against what is said later: only what was changed is.
    changed = {name: part for name, part in parts.items() if part != brief[name]}
    try:
        if changed:
            talks_of(request).edit(number, version, changed)
    except REFUSALS as refusal:
        return _edit_page(request, number, refusal, Typed(parts=given))
    return _to(number)


def _text(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _lines(text: str) -> list[str]:
    return [line.strip().removeprefix("- ") for line in text.splitlines() if line.strip()]


def _do(
    request: Request, number: int, act: Callable[[Talks], object], typed: Typed | None = None
) -> Response:
    """Do it, then show the talk; a refusal is said there."""
    try:
        act(talks_of(request))
    except REFUSALS as refusal:
        return _talk_page(request, number, refusal, typed)
    return _to(number)


def _apart(request: Request, number: int, text: str, spans: Any) -> Typed:
    """The text without its secrets, and the form that takes the first of them."""
    rest = pasted.without(text, spans).strip()
    try:
        made = site(request).app.forms(principal_of(request)).make(f"talk:{number}", spans[0].name)
    except (Unkept, Invalid, Forbidden):
        return Typed(rest, secret=True)
    return Typed(rest, secret=True, form=made["url_path"])


def _failed(request: Request, refusal: Exception | None, typed: Typed | None = None) -> Failure | None:
    """The refusal as the page's status and as the audit log is told it."""
    if typed is not None and typed.secret:
        refusal = Invalid(
            _("what was said holds a secret"), _("Give it by the form; nothing of it was stored.")
        )
    failure = failure_of(refusal) if refusal else None
    request.state.failure = failure
    return failure


def _talk_page(
    request: Request, number: int, refusal: Exception | None = None, typed: Typed | None = None
) -> Response:
    failure = _failed(request, refusal, typed)
    shown = talks_of(request).show(number)
    return page(
        request,
        "talk.html",
        status_code=failure.status if failure else 200,
        here="talks",
        say=WORDS,
        failure=failure,
        talk=shown,
        about=_project(request, shown["project"]),
        typed=typed or Typed(),
        text_max=SAID_MAX,
    )


def _edit_page(
    request: Request, number: int, refusal: Exception | None = None, typed: Typed | None = None
) -> Response:
    failure, shown = _failed(request, refusal, typed), talks_of(request).show(number)
    brief = shown["brief"]
    parts = {name: "\n".join(brief[name]) if name in LISTS else brief[name] for name in PARTS}
    return page(
        request,
        "talk_edit.html",
        status_code=failure.status if failure else 200,
        here="talks",
        say=WORDS,
        failure=failure,
        talk=shown,
        about=_project(request, shown["project"]),
        typed=typed or Typed(),
        parts={**parts, **((typed and typed.parts) or {})},
        maxima={"title": TITLE_MAX, "text": TEXT_MAX, "list": LINE_MAX * 30},
    )


def _project(request: Request, reference: str | None) -> Json | None:
    """The project that a talk became, or is to change; None where there is none, or none may be seen any more."""
    try:
        return queries(request).project(reference) if reference else None
    except Unknown:
        return None


def _to(number: int) -> Response:
    return RedirectResponse(f"/talks/{number}", status_code=303)
