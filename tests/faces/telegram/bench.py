"""A small Steward with a bot on a loopback Telegram: updates go through the real dispatcher, posts through the loop.

Nothing runs by itself: a test says when updates are taken, talks folded and posts shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Update

from steward.adapters.store import open_store
from steward.adapters.telegram import TelegramMessenger
from steward.app.application import Application
from steward.app.folding import Folding
from steward.app.following import Following
from steward.app.showing import Posting
from steward.domain.people import Principal
from steward.faces.telegram.cards import render
from steward.faces.telegram.receiving import NotNow, Receiving
from steward.testing.driven import Driven
from steward.testing.world import ANYONE
from tests.telegram.people import Person
from tests.telegram.server import TelegramServer
from tests.telegram.state import Message

Json = dict[str, Any]
BOARD: Final = "https://steward.acme.example"
ROUNDS: Final = 40


class Bench:
    """One installation and its bot. `app` is what the bot is given: a test may put another one in its place."""

    def __init__(self, world: Driven, server: TelegramServer, closing: ExitStack) -> None:
        self.world = world
        self.server = server
        messenger = TelegramMessenger(server.token, server.url, world.clock)
        closing.callback(messenger.close)
        shown = partial(render, public_url=BOARD)
        world.app = replace(world.app, messenger=lambda: messenger, render=shown)
        self.app: Application = world.app
        self.loop = asyncio.new_event_loop()
        closing.callback(self.loop.close)
        api = TelegramAPIServer.from_base(server.url)
        self.bot = Bot(server.token, session=AiohttpSession(api=api))
        closing.callback(lambda: self.loop.run_until_complete(self.bot.session.close()))
        closing.callback(lambda: self.loop.run_until_complete(self.loop.shutdown_default_executor()))
        self.offset = 0
        self.begin()

    def begin(self) -> None:
        """A new process: nothing that the last one knew is left but the database."""
        self.receiving = Receiving(self.app, self.bot, self.server.username, BOARD)
        self.posting = Posting(self.world.app, self.world.lease)
        self.folding = Folding(self.world.app, self.world.lease)
        self.following = Following(self.world.app, self.world.lease)

    # People ------------------------------------------------------------------------------------------------

    def person(
        self, name: str, role: str | None = "admin", lang: str = "en", where: str | None = None
    ) -> Person:
        """Somebody with an account here who is connected; role None: a user who may do nothing."""
        people = self.app.people(ANYONE)
        people.add(name.lower(), role, where, lang=lang)
        person = self.server.person(name, lang=lang)
        person.starts(self.code(name.lower()))
        self.settle()
        return person

    def by(self, name: str) -> Principal:
        """Whoever is called so, as the bot takes them."""
        with self.app.store.reading() as view:
            account = next(chat.id for chat in view.chats(name) if chat.id > 0)
        found = self.app.callers.principal(account)
        assert found is not None
        return found

    def code(self, name: str) -> str:
        """A code that connects somebody."""
        made: str = self.app.chats(ANYONE).code(name)["code"]
        return made

    # Time --------------------------------------------------------------------------------------------------

    def fetch(self) -> list[Json]:
        """The updates that wait, as Telegram tells them."""
        _status, answer = self.server.call("getUpdates", offset=self.offset, timeout=0)
        found: list[Json] = answer["result"]
        return found

    def take(self, raw: Json) -> bool:
        """Have one update handled; whether it was."""
        update = Update.model_validate(raw, context={"bot": self.bot})
        try:
            self.loop.run_until_complete(self.receiving.take(update))
        except NotNow:
            return False
        self.offset = max(self.offset, raw["update_id"] + 1)
        return True

    def receive(self) -> list[Json]:
        """Have all updates handled that wait; those."""
        taken: list[Json] = []
        while found := self.fetch():
            for raw in found:
                assert self.take(raw), "the update is handled"
                taken.append(raw)
        return taken

    def settle(self) -> None:
        """Let everything come to rest: updates handled, briefs made, posts shown."""
        for _ in range(ROUNDS):
            busy = bool(self.receive())
            self.world.clock.advance(2)
            self.folding.tick()
            self.world.store.publish()
            self.following.tick()
            self.posting.tick()
            with self.app.store.reading() as view:
                counts = view.post_counts()
                due = view.posts_due(self.world.clock.now().at, 10)
                folds = view.talks_to_fold(self.world.clock.now().at, 10)
            # What quiet hours hold rests, too.
            if not (busy or due or folds):
                return
        raise AssertionError(f"it does not come to rest: {counts}")

    # What is shown -----------------------------------------------------------------------------------------

    def last(self, person: Person) -> Message:
        """The newest message of the bot in somebody's private chat."""
        return person.sees()[-1]

    def told(self, person: Person) -> str:
        """What the newest press of somebody was answered with."""
        return person.notices()[-1].text

    def talks(self, name: str) -> list[Json]:
        """Somebody's talks, newest change first."""
        return self.app.talks(self.by(name)).list()


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """One of these, with a database of its own."""
    with ExitStack() as closing:
        store = open_store(f"sqlite:///{folder}/steward.db")
        closing.callback(store.close)
        world = Driven(store, folder / "work")

        def now() -> float:
            return world.clock.now().at.timestamp()

        server = closing.enter_context(TelegramServer(now, floods=False))
        yield Bench(world, server, closing)
