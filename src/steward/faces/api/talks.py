"""Talks over the API: said, answered, set by hand, ordered or asked for, given up. One's own alone."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field, StringConstraints

from steward.app.talks import Talks
from steward.domain.brief import ITEMS_MAX, LINE_MAX, TEXT_MAX, TITLE_MAX
from steward.domain.people import Right
from steward.domain.talks import SAID_MAX, Purpose
from steward.faces.api.kit import NUMBER_MAX, Asked
from steward.faces.api.models_talks import Talk
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import principal_of, site

router = APIRouter(route_class=GuardedRoute, tags=["talks"])
Json = dict[str, Any]
LISTED: Final = 50
Number = Annotated[int, Path(ge=1, le=NUMBER_MAX, description="A talk's id", examples=[1])]
Key = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._:-]+$"),
    Field(description="Makes it one: what is sent again with the same key changes nothing"),
]
Words = Annotated[str, StringConstraints(min_length=1, max_length=SAID_MAX, pattern=r"^[^\x00]*$")]
Line = Annotated[str, StringConstraints(max_length=LINE_MAX, pattern=r"^[^\x00]*$")]
Lines = Annotated[list[Line], Field(max_length=ITEMS_MAX)]
Paragraph = Annotated[str, StringConstraints(max_length=TEXT_MAX, pattern=r"^[^\x00]*$")]


class Opening(Asked):
    """What a talk is about. `project` names the live project that an update is to change."""

    key: Key
    purpose: Purpose = Purpose.NEW
    project: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")] | None = (
        None
    )


class Message(Asked):
    """What is said. A text that holds a secret is refused, and nothing of it is stored."""

    key: Key
    text: Words
    answers: Line = Field(default="", description="The name of the question that it answers; none: the last")


class OfVersion(Asked):
    """The version of the talk that this was decided on."""

    version: int = Field(ge=1, le=NUMBER_MAX)


class Choice(OfVersion):
    """One of the choices of what is asked, counted from 0 over all of them."""

    index: int = Field(ge=0, le=1000)


class Parts(OfVersion):
    """Parts of the brief to set by hand; one that is left out stays."""

    title: Annotated[str, StringConstraints(max_length=TITLE_MAX, pattern=r"^[^\x00]*$")] | None = None
    goal: Paragraph | None = None
    users: Paragraph | None = None
    features: Lines | None = None
    out_of_scope: Lines | None = None
    questions: Lines | None = None
    template: Line | None = None
    organisation: Line | None = None
    answers: dict[Line, Paragraph] | None = Field(default=None, max_length=100)


def talks(request: Request) -> Talks:
    """What whoever asks may do about talks."""
    return site(request).app.talks(principal_of(request))


@router.get("/talks", response_model=list[Talk])
@needs(Right.READ)
def list_talks(request: Request, limit: Annotated[int, Query(ge=1, le=200)] = LISTED) -> list[Json]:
    """List one's own talks, newest change first."""
    return talks(request).list(limit)


@router.post("/talks", response_model=Talk, status_code=201)
@needs(Right.WRITE)
def begin_talk(request: Request, wanted: Opening) -> Json:
    """Begin a talk, once per key. Nothing is said in it yet."""
    return talks(request).open(f"api:{wanted.key}", purpose=wanted.purpose, project=wanted.project)


@router.get("/talks/{number}", response_model=Talk)
@needs(Right.READ)
def show_talk(request: Request, number: Number) -> Json:
    """Show a talk: what was said, the brief so far, what is asked."""
    return talks(request).show(number)


@router.post("/talks/{number}/messages", response_model=Talk)
@needs(Right.WRITE)
def say_in_talk(request: Request, number: Number, wanted: Message) -> Json:
    """Say something, once per key. The brief has it a moment later: then `waiting` is 0 again."""
    return talks(request).say(number, f"api:{wanted.key}", wanted.text, answers=wanted.answers)


@router.patch("/talks/{number}/brief", response_model=Talk)
@needs(Right.WRITE)
def edit_brief(request: Request, number: Number, wanted: Parts) -> Json:
    """Set parts of the brief by hand; they stand against what is said later."""
    given = wanted.model_dump(exclude={"version"}, exclude_none=True)
    return talks(request).edit(number, wanted.version, given)


@router.post("/talks/{number}/pick", response_model=Talk)
@needs(Right.WRITE)
def pick_in_talk(request: Request, number: Number, wanted: Choice) -> Json:
    """Answer with one of the choices of what is asked."""
    return talks(request).pick(number, wanted.version, wanted.index)


@router.post("/talks/{number}/skip", response_model=Talk)
@needs(Right.WRITE)
def skip_in_talk(request: Request, number: Number, wanted: OfVersion) -> Json:
    """Leave out what is asked."""
    return talks(request).skip(number, wanted.version)


@router.post("/talks/{number}/order", response_model=Talk)
@needs(Right.WRITE)
def order_from_talk(request: Request, number: Number, wanted: OfVersion) -> Json:
    """Have the brief ordered: `project` is the draft, approved where whoever asks may approve it."""
    return talks(request).order(number, wanted.version)


@router.post("/talks/{number}/ask", response_model=Talk)
@needs(Right.WRITE)
def ask_from_talk(request: Request, number: Number, wanted: OfVersion) -> Json:
    """Ask for the update that was talked about."""
    return talks(request).ask(number, wanted.version)


@router.post("/talks/{number}/drop", response_model=Talk)
@needs(Right.WRITE)
def drop_talk(request: Request, number: Number, wanted: OfVersion) -> Json:
    """Give the talk up; what it had become stays."""
    return talks(request).drop(number, wanted.version)
