"""Chats on Telegram over the API: which are connected, codes that connect one, a test."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import Field

from steward.app.chats import Chats
from steward.domain.people import Right
from steward.faces.api import models_chats as models
from steward.faces.api.kit import NUMBER_MAX, Asked, Name, Text
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.idempotency import unrepeatable
from steward.faces.http.site import principal_of, site

router = APIRouter(route_class=GuardedRoute, tags=["telegram"])
Json = dict[str, Any]


def chats(request: Request) -> Chats:
    """What whoever asks may do about chats."""
    return site(request).app.chats(principal_of(request))


class Whose(Asked):
    """Whose chats: one's own, or, with the right `users`, anybody's."""

    user: Name | None = Field(default=None, description="By name; null: whoever asks")


class Unlinked(Whose):
    """Which chats are to be forgotten."""

    chat: int | None = Field(
        default=None, ge=-NUMBER_MAX, le=NUMBER_MAX, description="Telegram's number of it; null: all"
    )


@router.get("/telegram", response_model=models.Chats)
@needs(Right.OWN)
def show_chats(request: Request) -> Json:
    """Show the bot, one's own chats (with the right `users`: all), and messages that could not be sent."""
    return chats(request).status()


@router.post("/telegram/codes", response_model=models.ChatCode, status_code=201)
@needs(Right.OWN)
@unrepeatable
def make_chat_code(request: Request, wanted: Whose | None = None) -> Json:
    """Make a one-time code that connects a Telegram account, good for a quarter of an hour. It is shown once."""
    return chats(request).code(wanted.user if wanted else None)


@router.post("/telegram/unlink", response_model=list[models.Chat])
@needs(Right.OWN)
def forget_chats(request: Request, wanted: Unlinked | None = None) -> list[Json]:
    """Forget chats, with what was shown in them; return those that stay."""
    return chats(request).unlink(*((wanted.user, wanted.chat) if wanted else ()))


@router.post("/telegram/test", response_model=models.Tested)
@needs(Right.OWN)
def send_test(request: Request, wanted: Whose | None = None) -> Json:
    """Have a message shown in a user's chats, to see whether it arrives."""
    return chats(request).test(wanted.user if wanted else None)


@router.get("/telegram/test", response_model=models.Tested)
@needs(Right.OWN)
def show_test(
    request: Request,
    user: Annotated[Text, Query(description="Whose; with the right `users` anybody's")] = "",
) -> Json:
    """Show what became of it."""
    return chats(request).tested(user or None)
