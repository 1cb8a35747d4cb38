"""What arrived from Telegram, as plain values: nothing below here knows aiogram."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from aiogram.enums import ContentType
from aiogram.types import CallbackQuery, Message

TELEGRAM: Final = 777000
"""The account in whose name Telegram itself writes, and posts of a channel appear in its group."""
_COMMAND: Final = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]{3,64}))?(?:\s+|$)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Note:
    """A message of a person. `account` wrote it; `lang` is what their Telegram speaks, "en" or "ru".

    `kind` is Telegram's name of what it holds ("text", "voice", ...); `text` what is written in it or beneath it.
    `album`: what it was sent together with. `reply_to` is the message that it answers. `for_us`: it is said to the bot, as everything in a private chat is.
    """

    chat_id: int
    message_id: int
    account: int
    lang: str
    text: str
    private: bool = True
    kind: str = "text"
    thread_id: int = 0
    reply_to: int | None = None
    forwarded: bool = False
    edited: bool = False
    for_us: bool = True
    title: str = ""
    album: str = ""

    @property
    def key(self) -> str:
        """What makes it one, however often it arrives."""
        return f"tg:{self.chat_id}:{self.message_id}"

    @property
    def command(self) -> tuple[str, str] | None:
        """The command that it is, in lower case, and what stands behind it; None where it is none."""
        found = _COMMAND.fullmatch(self.text.strip()) if not self.forwarded else None
        return (found[1].lower(), found[3].strip()) if found else None


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button that somebody pressed. `message_id` shows it, None where it is none of a chat."""

    account: int
    lang: str
    data: str
    chat_id: int | None = None
    message_id: int | None = None
    private: bool = True
    thread_id: int = 0


def spoken(code: str | None) -> str:
    """Which of our languages somebody gets whose Telegram speaks that one."""
    return "ru" if (code or "").lower()[:2] in ("ru", "be", "kk", "uk") else "en"


def noted(message: Message, bot: str, *, edited: bool = False) -> Note | None:
    """A message as a value; None for what no person wrote: posts of channels, of other bots, of nobody."""
    writer = message.from_user
    if writer is None or writer.is_bot or writer.id == TELEGRAM or message.sender_chat is not None:
        return None
    if message.via_bot is not None or message.chat.type not in ("private", "group", "supergroup"):
        return None
    private = message.chat.type == "private"
    answered = message.reply_to_message
    text = message.text or message.caption or ""
    return Note(
        chat_id=message.chat.id,
        message_id=message.message_id,
        account=writer.id,
        lang=spoken(writer.language_code),
        text=_without_name(text, bot),
        private=private,
        kind=ContentType(message.content_type).value,
        thread_id=_thread(message),
        reply_to=answered.message_id if answered is not None else None,
        forwarded=message.forward_origin is not None,
        edited=edited,
        for_us=private or _addressed(message, text, bot),
        title=message.chat.title or writer.full_name,
        album=message.media_group_id or "",
    )


def pressed(query: CallbackQuery) -> Pressed:
    """A press as a value."""
    shown = query.message
    return Pressed(
        account=query.from_user.id,
        lang=spoken(query.from_user.language_code),
        data=query.data or "",
        chat_id=shown.chat.id if shown is not None else None,
        message_id=shown.message_id if shown is not None else None,
        private=shown is None or shown.chat.type == "private",
        thread_id=_thread(shown) if isinstance(shown, Message) else 0,
    )


def _thread(message: Message) -> int:
    return message.message_thread_id or 0 if message.is_topic_message else 0


def _addressed(message: Message, text: str, bot: str) -> bool:
    """Whether a message in a group is said to the bot: it answers one of its own, names it, or is a command."""
    answered = message.reply_to_message
    if answered is not None and answered.from_user is not None and answered.from_user.username == bot:
        return True
    if found := _COMMAND.fullmatch(text.strip()):
        return found[2] is None or found[2].lower() == bot.lower()
    return bool(bot) and re.search(rf"@{re.escape(bot)}\b", text, re.IGNORECASE) is not None


def _without_name(text: str, bot: str) -> str:
    """What is said, without the name of whom it is said to; a command keeps its own."""
    if not bot or text.lstrip().startswith("/"):
        return text
    return re.sub(rf"@{re.escape(bot)}\b[,:]?\s*", "", text, flags=re.IGNORECASE)
