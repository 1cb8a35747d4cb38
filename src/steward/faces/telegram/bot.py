"""Runs the receiving half: fetches updates from Telegram, or takes those that are delivered, until it is asked to stop.

What stands in the way (a refused token, another poller, no network) is waited out, told as an incident where a person
must act, and cleared when it works again.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeVar

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramConflictError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.types import BotCommand, Update
from pydantic import ValidationError

from steward.app.application import Application
from steward.faces.telegram.door import Arrival, Door, hook_secret
from steward.faces.telegram.menu import menu
from steward.faces.telegram.receiving import DIRECT_S, WANTED, NotNow, Receiving
from steward.faces.words import LANGUAGES, _, speaking
from steward.ports import Permanent, StoreUnavailable
from steward.settings.talking import TelegramSection

log = logging.getLogger(__name__)
T = TypeVar("T")

POLL_S: Final = 25
"""Seconds that Telegram holds a question for updates open."""
BATCH: Final = 50
BACKOFF_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Waits after failures that may pass by themselves; the last one again and again."""
STUCK_S: Final = 30.0
"""Between two attempts where a person must act first."""
WATCH_S: Final = 0.1
GRACE_S: Final = 1.2
"""How long an update may go on that is being handled when we are asked to stop. It comes again otherwise."""


class _Halted(Exception):
    """We were asked to stop."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long is waited: in a question for updates, after failures, and where a person must act first."""

    poll_s: float = POLL_S
    backoff_s: tuple[float, ...] = BACKOFF_S
    stuck_s: float = STUCK_S


def run(
    app: Application,
    section: TelegramSection,
    stop: threading.Event,
    note: Callable[[str], None],
    *,
    board: str = "",
    door: Door | None = None,
    pace: Pace = Pace(),
) -> None:
    """Receive until `stop` is set, and end within two seconds then. Raises Permanent where it cannot begin.

    `board` is the public address of the web face; with webhooks, deliveries come through `door`.
    """
    if section.token is None:
        raise Permanent(
            _("there is no bot: no token is set"),
            _(
                "Write /newbot to @BotFather on Telegram, put the token that it gives into a file, and set STEWARD_TELEGRAM_TOKEN_FILE"
            ),
        )
    token = section.token.get_secret_value()
    if section.updates == "webhook" and (door is None or not board):
        raise Permanent(
            _("webhooks of Telegram need the public address of the web face, in the same process"),
            _("Set STEWARD_WEB_PUBLIC_URL, or STEWARD_TELEGRAM_UPDATES=polling"),
        )
    running = _Running(app, section, token, stop, note, board, door, pace)
    asyncio.run(running.main())


@dataclass(slots=True)
class _Running:
    app: Application
    section: TelegramSection
    token: str
    stop: threading.Event
    note: Callable[[str], None]
    board: str
    door: Door | None
    pace: Pace
    halted: asyncio.Event = field(default_factory=asyncio.Event)
    failures: int = 0
    stuck: str = "unknown"

    async def main(self) -> None:
        """Work until asked to stop; the connection is closed whatever happens."""
        server = TelegramAPIServer.from_base(self.section.api_url)
        bot = Bot(self.token, session=AiohttpSession(api=server))
        work = asyncio.create_task(self._work(bot))
        try:
            while not self.stop.is_set() and not work.done():  # noqa: ASYNC110 - a thread sets it, not this loop
                await asyncio.sleep(WATCH_S)
            self.halted.set()
            await asyncio.wait({work}, timeout=GRACE_S)
            if not work.done():
                work.cancel()
            with suppress(asyncio.CancelledError, _Halted):
                await work
        finally:
            if self.door is not None:
                self.door.close()
            await bot.session.close()

    async def _work(self, bot: Bot) -> None:
        name = await self._insist(lambda: self._meet(bot))
        receiving = Receiving(self.app, bot, name, self.board)
        await self._introduce(bot)
        if self.section.updates == "webhook" and self.door is not None:
            await self._insist(lambda: self._hook(bot))
            self.note(_("Telegram: @{name} answers; updates are delivered.", name=name))
            await self._deliveries(receiving, self.door)
            return
        await self._insist(lambda: bot.delete_webhook(request_timeout=DIRECT_S))
        self.note(_("Telegram: @{name} answers.", name=name))
        await self._poll(bot, receiving)

    async def _meet(self, bot: Bot) -> str:
        me = await bot.get_me(request_timeout=DIRECT_S)
        name = me.username or ""
        await asyncio.to_thread(self.app.callers.named, name)
        return name

    async def _hook(self, bot: Bot) -> bool:
        url, secret = f"{self.board.rstrip('/')}/hooks/telegram", hook_secret(self.token)
        return await bot.set_webhook(
            url, secret_token=secret, allowed_updates=list(WANTED), request_timeout=DIRECT_S
        )

    async def _introduce(self, bot: Bot) -> None:
        """Have Telegram offer our commands as people type. Nothing depends on it."""
        for lang in LANGUAGES:
            with speaking(lang):
                shown = [BotCommand(command=command, description=words) for command, words in menu()]
            code = None if lang == "en" else lang
            with suppress(TelegramAPIError, TimeoutError, OSError):
                await bot.set_my_commands(shown, language_code=code, request_timeout=DIRECT_S)

    async def _poll(self, bot: Bot, receiving: Receiving) -> None:
        """Fetch, handle, confirm: the offset moves behind an update when that was handled, never before."""
        offset: int | None = None
        while not self.halted.is_set():
            asked = offset
            updates = await self._insist(lambda: self._fetch(bot, asked))  # noqa: B023 - awaited in this turn
            for update in updates:
                if self.halted.is_set() or not await self._handled(receiving, update):
                    break
                offset = update.update_id + 1

    async def _handled(self, receiving: Receiving, update: Update) -> bool:
        """Whether it was handled, so that it may be confirmed."""
        try:
            await receiving.take(update)
        except NotNow:
            await self._rest(self.pace.backoff_s[0])
            return False
        return True

    async def _fetch(self, bot: Bot, offset: int | None) -> list[Update]:
        try:
            return await bot.get_updates(
                offset,
                limit=BATCH,
                timeout=int(self.pace.poll_s),
                allowed_updates=list(WANTED),
                request_timeout=int(self.pace.poll_s) + DIRECT_S,
            )
        except ClientDecodeError as error:
            # One of them is of a form that we do not know. The others must not wait for it for ever.
            found = error.data.get("result") if isinstance(error.data, dict) else None
            return [one for raw in found or [] if (one := _read(bot, raw)) is not None]

    async def _deliveries(self, receiving: Receiving, door: Door) -> None:
        arrivals = door.open(asyncio.get_running_loop())
        while True:
            arrival: Arrival = await self._unless_halted(arrivals.get())
            update = _read(receiving.bot, arrival.update)
            try:
                if update is not None:
                    await receiving.take(update)
                arrival.settle(done=True)
            except NotNow:
                arrival.settle(done=False)
            except asyncio.CancelledError:
                arrival.settle(done=False)
                raise

    # Waiting, and what stands in the way -------------------------------------------------------------------

    async def _insist(self, call: Callable[[], Awaitable[T]]) -> T:
        """Call until it works. Raises _Halted."""
        while True:
            try:
                result = await self._unless_halted(call())
            except (TelegramAPIError, TimeoutError, OSError, ClientDecodeError, StoreUnavailable) as error:
                await self._failed(error)
                continue
            self.failures = 0
            if self.stuck:
                await self._report("")
            return result

    async def _failed(self, error: Exception) -> None:
        """Wait before the next attempt, for as long as fits what went wrong. Raises _Halted."""
        if isinstance(error, (TelegramUnauthorizedError, TelegramNotFound)):
            await self._report("token")
            await self._rest(self.pace.stuck_s)
        elif isinstance(error, TelegramConflictError):
            await self._report("poller")
            await self._rest(self.pace.stuck_s)
        elif isinstance(error, TelegramRetryAfter):
            await self._rest(float(error.retry_after))
        else:
            waits = self.pace.backoff_s
            wait_s = waits[min(self.failures, len(waits) - 1)]
            self.failures += 1
            log.warning(
                "Telegram does not answer (%s); the next attempt is in %g s", type(error).__name__, wait_s
            )
            await self._rest(wait_s)

    async def _report(self, trouble: str) -> None:
        """Tell of trouble when it begins, and when it is over."""
        if trouble == self.stuck:
            return
        try:
            await asyncio.to_thread(self.app.callers.bot_works, trouble)
        except StoreUnavailable as error:
            log.warning("the state of the bot could not be stored: %s", error.reason)
            return
        self.stuck = trouble

    async def _rest(self, seconds: float) -> None:
        await self._unless_halted(asyncio.sleep(seconds))

    async def _unless_halted(self, call: Awaitable[T]) -> T:
        """Wait for it, or for the word to stop, whichever comes first. Raises _Halted."""
        task, halt = asyncio.ensure_future(call), asyncio.ensure_future(self.halted.wait())
        try:
            await asyncio.wait({task, halt}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            halt.cancel()
            if not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task
        if task.cancelled():
            raise _Halted
        return task.result()


def _read(bot: Bot, raw: object) -> Update | None:
    """An update as it came; None, with a line in the log, for one that we cannot read."""
    try:
        return Update.model_validate(raw, context={"bot": bot})
    except ValidationError:
        number = raw.get("update_id") if isinstance(raw, dict) else None
        # The error itself quotes what was written.
        log.error("update %s is of a form that is not known, and is set aside", number)  # noqa: TRY400 - see above
        return None
