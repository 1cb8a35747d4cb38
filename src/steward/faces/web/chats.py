"""The page of Telegram: how to connect, the chats that are connected and what is chosen for each, what did not go out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Path
from starlette.requests import Request
from starlette.responses import Response

from steward.app.chats import Chats
from steward.app.errors import Invalid
from steward.domain.chats import ChatKind
from steward.domain.people import Right
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.idempotency import unrepeatable
from steward.faces.http.site import principal_of, site
from steward.faces.web import times
from steward.faces.web.settings import Text, back, me, settings_page
from steward.faces.words import _

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

TAB: Final = "/settings/telegram"
ZONES: Final = (
    "UTC",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Kaliningrad",
    "Europe/Moscow",
    "Europe/Samara",
    "Asia/Tbilisi",
    "Asia/Yekaterinburg",
    "Asia/Almaty",
    "Asia/Novosibirsk",
    "Asia/Vladivostok",
    "America/New_York",
    "America/Los_Angeles",
)
"""Zones that the field proposes; any other may be written."""
Id = Annotated[int, Path(ge=-(2**63), lt=2**63)]


@dataclass(frozen=True, slots=True)
class Typed:
    """What the form of one chat brings back after a refusal."""

    chat: int
    quiet: str
    zone: str


def kind_words(kind: str) -> str:
    """A kind of post in words."""
    return {
        "brief": _("the brief of a talk"),
        "update": _("a change that is talked about"),
        "project": _("the card of a project"),
        "gate": _("a question to decide"),
        "estimate": _("an estimate"),
        "sure": _("a question whether it is meant"),
        "live": _("a new release"),
        "incident": _("an incident"),
        "form": _("a form for a secret"),
    }.get(kind, _("an answer"))


def chats_of(request: Request) -> Chats:
    """What whoever asks may do about chats."""
    return site(request).app.chats(principal_of(request))


@router.get(TAB)
@needs(Right.OWN)
def telegram(request: Request) -> Response:
    """The bot, one's chats, and for who sees to people everybody's."""
    return _page(request)


def _page(
    request: Request, wrong: Invalid | None = None, made: Any = None, typed: Typed | None = None
) -> Response:
    own, name = site(request).app, me(request)
    status = chats_of(request).status()
    # Of groups one has connected oneself, and of one's own chats.
    mine = [chat for chat in status["chats"] if chat["user"] == name]
    return settings_page(
        request,
        "settings_telegram.html",
        TAB,
        wrong,
        status_code=200 if made is None else 201,
        has_bot=own.messenger is not None,
        status=status,
        private=[chat for chat in mine if chat["kind"] == ChatKind.PRIVATE],
        groups=[chat for chat in mine if chat["kind"] == ChatKind.GROUP],
        others=[chat for chat in status["chats"] if chat["user"] != name],
        titles={chat["id"]: chat["title"] or chat["user"] for chat in status["chats"]},
        muted={chat["id"] for chat in status["chats"] if _is_muted(request, chat)},
        zones=ZONES,
        made=made,
        kind_words=kind_words,
        typed=typed,
    )


def _is_muted(request: Request, chat: dict[str, Any]) -> bool:
    until = chat["muted_until"]
    return until is not None and times.parsed(until) > site(request).app.clock.now().at


@router.post(f"{TAB}/code")
@needs(Right.OWN)
@unrepeatable
def make_code(request: Request) -> Response:
    """Make a code that connects an account; the page shows it, this once."""
    try:
        made = chats_of(request).code()
    except Invalid as wrong:
        return _page(request, wrong)
    return _page(request, made=made)


@router.post(f"{TAB}/{{chat}}")
@needs(Right.OWN)
def prefer(request: Request, chat: Id, lang: Text = "en", quiet: Text = "", zone: Text = "UTC") -> Response:
    """Choose a chat's language, quiet hours and zone. Raises Forbidden, Unknown."""
    quiet, zone = quiet.strip(), zone.strip()
    typed = Typed(chat, quiet, zone)
    return _do(request, lambda own: own.prefer(chat, lang=lang, quiet=quiet, zone=zone), typed)


@router.post(f"{TAB}/{{chat}}/mute")
@needs(Right.OWN)
def mute_chat(request: Request, chat: Id, for_s: Annotated[int, Form()] = 0) -> Response:
    """Show nothing there for so many seconds; 0: again from now on. Raises Forbidden, Unknown."""
    return _do(request, lambda own: own.mute(chat, for_s))


@router.post(f"{TAB}/{{chat}}/unlink")
@needs(Right.OWN)
def unlink_chat(request: Request, chat: Id, user: Text = "") -> Response:
    """Forget a chat; of others with the right to see to people. Raises Forbidden, Unknown."""
    return _do(request, lambda own: own.unlink(user or None, chat))


def _do(request: Request, act: Callable[[Chats], Any], typed: Typed | None = None) -> Response:
    try:
        act(chats_of(request))
    except Invalid as wrong:
        return _page(request, wrong, typed=typed)
    return back(TAB)
