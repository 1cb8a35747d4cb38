"""The `Messenger` over aiogram: its calls run in an event loop of their own, in one thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from typing import Any, Final, TypeVar

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import AiogramError
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, ReplyParameters

from steward.adapters.telegram.errors import is_no_message, is_same, meant
from steward.domain.chats import Rendered
from steward.ports import Clock, Unreachable
from steward.ports.chats import Place

T = TypeVar("T")
TIMEOUT_S: Final = 30.0
"""How long Telegram may take to answer one call."""
CLOSE_S: Final = 5.0
_NO_PREVIEW: Final = LinkPreviewOptions(is_disabled=True)


class TelegramMessenger:
    """Sends as the bot with that token, through the Bot API at `api_url`. Made without a call; close it."""

    def __init__(self, token: str, api_url: str, clock: Clock, timeout_s: float = TIMEOUT_S) -> None:
        self._token = token
        self._server = TelegramAPIServer.from_base(api_url)
        self._clock = clock
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._bot: Bot | None = None
        self._name = ""

    def me(self) -> str:
        """The bot's name on Telegram, without the @; asked once."""
        if not self._name:
            self._name = self._call(lambda bot: bot.get_me()).username or ""
        return self._name

    def send(self, place: Place, shown: Rendered) -> int:
        """Send a message; return its id. A message that it answers may be gone by now."""
        answers = None
        if place.reply_to is not None:
            answers = ReplyParameters(message_id=place.reply_to, allow_sending_without_reply=True)
        sent = self._call(
            lambda bot: bot.send_message(
                place.chat_id,
                shown.text,
                message_thread_id=place.thread_id or None,
                parse_mode="HTML",
                link_preview_options=_NO_PREVIEW,
                disable_notification=shown.silent,
                reply_parameters=answers,
                reply_markup=_keyboard(shown),
            )
        )
        return sent.message_id

    def edit(self, chat_id: int, message_id: int, shown: Rendered) -> None:
        """Change a message; nothing where it says that already. Raises Gone."""
        self._call(
            lambda bot: bot.edit_message_text(
                shown.text,
                chat_id=chat_id,
                message_id=message_id,
                parse_mode="HTML",
                link_preview_options=_NO_PREVIEW,
                reply_markup=_keyboard(shown),
            ),
            is_same,
        )

    def delete(self, chat_id: int, message_id: int) -> None:
        """Delete a message; nothing where it is gone. Raises Gone where it is too old to be."""
        self._call(lambda bot: bot.delete_message(chat_id, message_id), is_no_message)

    def close(self) -> None:
        """End the connections and the thread, and calls that wait with them; a later call opens them anew."""
        with self._lock:
            loop, thread, bot = self._loop, self._thread, self._bot
            self._loop = self._thread = self._bot = None
        if loop is None or thread is None or bot is None:
            return
        asyncio.run_coroutine_threadsafe(_end(bot), loop).result(CLOSE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()

    def _call(
        self,
        asked: Callable[[Bot], Coroutine[Any, Any, T]],
        is_nothing: Callable[[AiogramError], bool] = lambda _error: False,
    ) -> T:
        """Ask, and wait for the answer. What `is_nothing` says is none raises nothing (and gives nothing)."""
        with self._lock:
            loop, bot = self._open()
            answer = asyncio.run_coroutine_threadsafe(asked(bot), loop)
        try:
            return answer.result()
        except CancelledError:
            raise Unreachable("the connection to Telegram was closed") from None
        except AiogramError as error:
            if is_nothing(error):
                return None  # type: ignore[return-value]  # only where the answer is of no use
            # The cause may hold the address of the call, and the token with it.
            raise meant(error, self._clock.now().at) from None

    def _open(self) -> tuple[asyncio.AbstractEventLoop, Bot]:
        """The loop and the bot; the caller holds the lock."""
        if self._loop is None or self._bot is None:
            session = AiohttpSession(api=self._server, timeout=self._timeout_s)
            self._bot = Bot(self._token, session=session)
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=_run, args=(self._loop,), name="telegram-sending", daemon=True
            )
            self._thread.start()
        return self._loop, self._bot


async def _end(bot: Bot) -> None:
    """End what still waits for an answer, and the connections."""
    waiting = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await bot.session.close()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _keyboard(shown: Rendered) -> InlineKeyboardMarkup | None:
    if not shown.buttons:
        return None
    rows = [
        [
            InlineKeyboardButton(text=b.text, url=b.url or None, callback_data=None if b.url else b.data)
            for b in row
        ]
        for row in shown.buttons
    ]
    return InlineKeyboardMarkup(inline_keyboard=rows)
