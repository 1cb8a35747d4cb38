"""The shapes of the API's answers about chats: what `app.chats` gives."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from steward.faces.api.models_base import Time


class Chat(BaseModel):
    """A chat on Telegram that is connected. `quiet`: "22:00-08:00" in `zone`, or "".

    A group follows an organisation (null: all that its user may see). `blocked_at`: nothing can be sent any more;
    `flood_until`: Telegram asked to wait until then.
    """

    id: int
    kind: Literal["private", "group"]
    user: str
    title: str
    lang: str
    thread: int
    organisation: str | None
    quiet: str
    zone: str
    joined_at: Time
    muted_until: Time | None
    blocked_at: Time | None
    flood_until: Time | None


class FailedPost(BaseModel):
    """A message that was given up, with the reason."""

    chat: int
    key: str
    kind: str
    wanted_at: Time
    attempts: int
    error: str


class Chats(BaseModel):
    """The bot's name (null: not known yet), the chats, how many posts are in which state, and those given up."""

    bot: str | None
    chats: list[Chat]
    posts: dict[str, int]
    failed: list[FailedPost]


class ChatCode(BaseModel):
    """A one-time code that connects a Telegram account; `link` opens the bot with it, where its name is known."""

    user: str
    code: str
    link: str | None
    expires_at: Time


class TestedChat(Chat):
    """A chat with the state of its test message; null where none was asked for."""

    state: Literal["wanted", "sending", "uncertain", "shown", "failed"] | None
    error: str


class Tested(BaseModel):
    """What became of a test."""

    bot: str | None
    chats: list[TestedChat]
