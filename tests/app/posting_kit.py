"""A small Steward with a bot: chats, posts that say what they are told to, a messenger that is a fake."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from steward.app.application import Application
from steward.app.posting import want
from steward.app.showing import Posting
from steward.domain.chats import Button, Chat, ChatKind, Post, PostState, Rendered
from steward.ports import Store
from steward.testing.messenger import FakeMessenger
from steward.testing.world import World

PRIVATE, GROUP = 11, -22
GO = ((Button("Go", "p:now:1:1"),),)


def render(_app: Any, _chat: Chat, post: Post) -> Rendered | None:
    """What the post's data says: `text` (None: nothing any more); marked where it may be there already."""
    text = post.data["text"]
    if text is None:
        return None
    if text == "broken":
        raise KeyError(text)
    return Rendered(f"{post.key}={text}{' (again)' if post.data.get('again') else ''}", GO)


class Desk:
    """A world's posting loop; `restart` makes another one, as a new process would."""

    def __init__(self, world: World, store: Store | None = None) -> None:
        self.world = world
        self.store = store or world.store
        self.fake = FakeMessenger()
        self.app: Application = replace(
            world.app, store=self.store, messenger=lambda: self.fake, render=render
        )
        at = world.clock.now().at
        with world.store.writing() as tx:
            tx.save_chat(Chat(PRIVATE, ChatKind.PRIVATE, "anna", at))
            tx.save_chat(Chat(GROUP, ChatKind.GROUP, "anna", at))
        self.posting: Posting
        self.restart()

    def restart(self) -> None:
        """A new process, which knows only what the database does."""
        self.posting = Posting(self.app, self.world.lease)

    def wants(
        self, key: str, text: str | None, chat: int = PRIVATE, *, urgent: bool = False, **more: Any
    ) -> Post:
        """Have a post shown."""
        post = Post(chat, key, "said", self.now(), {"text": text}, urgent=urgent, **more)
        with self.world.store.writing() as tx:
            return want(tx, post)

    def now(self) -> datetime:
        """The wall clock."""
        return self.world.clock.now().at

    def ticks(self, seconds: float = 3, step_s: float = 0.5) -> None:
        """Let the loop run for so long."""
        for _ in range(int(seconds / step_s)):
            self.posting.tick()
            self.world.clock.advance(step_s)

    def post(self, key: str, chat: int = PRIVATE) -> Post:
        """How it stands."""
        with self.world.store.reading() as view:
            found = view.post(chat, key)
        assert found is not None, f"no post {key}"
        return found

    def chat(self, chat: int = PRIVATE) -> Chat:
        """The chat as it is kept."""
        with self.world.store.reading() as view:
            found = view.chat(chat)
        assert found is not None
        return found

    def sets(self, chat: int = PRIVATE, **fields: Any) -> None:
        """Change a chat."""
        changed = replace(self.chat(chat), **fields)
        with self.world.store.writing() as tx:
            tx.save_chat(changed)

    def texts(self, chat: int = PRIVATE) -> list[str]:
        """What the chat shows, oldest first."""
        return [shown.says.text for shown in self.fake.seen(chat)]

    def is_shown(self, key: str, chat: int = PRIVATE) -> bool:
        """Whether it is shown as it is wanted."""
        return self.post(key, chat).state is PostState.SHOWN
