"""The bot's receiving half: one update after another, each confirmed once it was handled.

Telegram keeps an update until it is confirmed, so that nothing is lost when we die over it; it then comes again, and
finds done what was done. One that fails again and again is set aside, so that the others go on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from aiogram import Bot, Dispatcher, Router
from aiogram.exceptions import TelegramAPIError
from aiogram.types import CallbackQuery, ChatMemberUpdated, Message, Update

from steward.app.application import Application
from steward.app.errors import placed
from steward.faces.telegram.arrived import Note, noted, pressed
from steward.faces.telegram.hand import Told
from steward.faces.telegram.meeting import Meeting
from steward.faces.telegram.pressing import press
from steward.faces.telegram.sentences import SENTENCES
from steward.faces.words import speaking
from steward.ports import StoreUnavailable

log = logging.getLogger(__name__)

TRIES: Final = 3
"""Times that one update may fail before it is set aside."""
DIRECT_S: Final = 10
"""Seconds that a call to Telegram may take that somebody waits for."""
WANTED: Final = ("message", "edited_message", "callback_query", "my_chat_member")
"""The kinds of update that are asked for."""
OUT: Final = frozenset({"kicked", "left"})


class NotNow(Exception):
    """An update could not be handled yet: it must come again."""


@dataclass(slots=True)
class Receiving:
    """Takes updates in. `name` is the bot's, without the @."""

    app: Application
    bot: Bot
    name: str
    board: str = ""
    failures: dict[int, int] = field(default_factory=dict)
    meeting: Meeting = field(init=False)
    dispatcher: Dispatcher = field(init=False)

    def __post_init__(self) -> None:
        self.meeting = Meeting(self.app, self.board)
        self.dispatcher = Dispatcher(disable_fsm=True)
        self.dispatcher.include_router(self._router())

    async def take(self, update: Update) -> None:
        """Handle one update, once in effect. Raises NotNow where it must come again."""
        number = update.update_id
        try:
            if await asyncio.to_thread(self.app.callers.handled, number):
                return
            await self.dispatcher.feed_update(self.bot, update)
            await asyncio.to_thread(self.app.callers.note, number)
        except StoreUnavailable as error:
            log.warning("an update waits for the database: %s", error.reason)
            raise NotNow from error
        except Exception as error:  # noqa: BLE001 - whatever it is, the updates behind it must go on
            await self._fail(update, error)
        self.failures.pop(number, None)

    async def _fail(self, update: Update, error: Exception) -> None:
        """Count a failure; the last one sets the update aside. What was written in it is never logged."""
        number = update.update_id
        self.failures[number] = self.failures.get(number, 0) + 1
        told = placed(error)
        if self.failures[number] < TRIES:
            log.warning("update %d failed: %s; it is tried again", number, told)
            raise NotNow from error
        log.error("update %d failed %d times and is set aside: %s", number, TRIES, told)
        try:
            await self._apologise(update)
            await asyncio.to_thread(self.app.callers.note, number)
        except StoreUnavailable as waits:
            raise NotNow from waits

    async def _apologise(self, update: Update) -> None:
        if update.callback_query is not None:
            with speaking(pressed(update.callback_query).lang):
                await self._answer(update.callback_query, Told(SENTENCES["try_again"](), alert=True))
        elif update.message is not None and (note := noted(update.message, self.name)) is not None:
            await asyncio.to_thread(self.meeting.failed, note)

    def _router(self) -> Router:
        router = Router(name="steward")
        router.message.register(self._on_message)
        router.edited_message.register(self._on_edit)
        router.callback_query.register(self._on_press)
        router.my_chat_member.register(self._on_member)
        return router

    async def _on_message(self, message: Message) -> None:
        if message.migrate_to_chat_id is not None:
            await asyncio.to_thread(self.app.callers.moved, message.chat.id, message.migrate_to_chat_id)
        elif (note := noted(message, self.name)) is not None:
            await self._receive(note)

    async def _on_edit(self, message: Message) -> None:
        if (note := noted(message, self.name, edited=True)) is not None:
            await self._receive(note)

    async def _receive(self, note: Note) -> None:
        deleted: bool | None = None
        if await asyncio.to_thread(self.meeting.holds_secret, note):
            deleted = await self._delete(note)
        words = await asyncio.to_thread(self.meeting.receive, note, deleted=deleted)
        if words:
            # There is no chat to keep a post for: it is said at once, or never.
            send = self.bot.send_message(
                note.chat_id, words, message_thread_id=note.thread_id or None, request_timeout=DIRECT_S
            )
            await self._try("an answer to somebody who is not known here", send)

    async def _delete(self, note: Note) -> bool:
        call = self.bot.delete_message(note.chat_id, note.message_id, request_timeout=DIRECT_S)
        reason = await self._try("the deletion of a message that held a secret", call)
        return reason is None or "not found" in reason

    async def _on_press(self, query: CallbackQuery) -> None:
        told = await asyncio.to_thread(press, self.app, pressed(query))
        await self._answer(query, told)

    async def _answer(self, query: CallbackQuery, told: Told) -> None:
        call = self.bot.answer_callback_query(
            query.id, told.text or None, show_alert=told.alert, request_timeout=DIRECT_S
        )
        await self._try("the answer to a button", call)

    async def _on_member(self, changed: ChatMemberUpdated) -> None:
        out = changed.new_chat_member.status in OUT
        blocked: Callable[..., None] = self.app.callers.blocked
        await asyncio.to_thread(blocked, changed.chat.id, blocked=out)

    async def _try(self, what: str, call: Awaitable[Any]) -> str | None:
        """Make a call that nothing depends on; why it came to nothing, in lower case, or None."""
        try:
            await call
        except (TelegramAPIError, TimeoutError, OSError) as error:
            log.info("%s did not arrive: %s", what, type(error).__name__)
            return str(error).lower()
        return None
