"""People who talk with a small Steward, and the loop that makes briefs of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from steward.app.connecting import connect
from steward.app.folding import QUIET, Folding
from steward.app.policy import Policy
from steward.app.talks import Talks
from steward.domain.chats import Chat, ChatKind, Post
from steward.domain.people import Grant, Principal, Role, User, rights_of
from steward.domain.spending import Allowance, MindCall
from steward.domain.talks import Said, Talk
from steward.ports import Store
from steward.ports.building import Templates
from steward.ports.mind import Mind
from steward.testing.driven import Driven, GatedStore
from steward.testing.gate import Gate

CHAT = 77


class Talking:
    """Anna, who may approve, in a private chat in Russian; others by `by`. `gate` passes every write of the talks."""

    def __init__(self, store: Store, workdir: Path, policy: Policy | None = None) -> None:
        self.driven = Driven(store, workdir, policy=policy)
        self.gate = Gate()
        self.app = replace(self.driven.app, store=cast("Store", GatedStore(store, self.gate)))
        self.store, self.clock = store, self.driven.clock
        self.people: dict[str, User] = {}
        self.add("anna", Role.APPROVER)
        self.chat(Chat(CHAT, ChatKind.PRIVATE, "anna", self.clock.now().at, lang="ru"))
        self.folding = Folding(self.app)

    def add(self, name: str, *roles: Role) -> None:
        with self.store.writing() as tx:
            user = User(0, name, self.clock.now().at, tuple(Grant(role) for role in roles))
            self.people[name] = tx.add_user(user)

    def second(self, login: str = "globex") -> int:
        """Another organisation; its id."""
        found = connect(self.store, [login], self.driven.forge.server, self.clock.now().at)
        return found[0].id

    def chat(self, chat: Chat) -> None:
        with self.store.writing() as tx:
            tx.save_chat(chat)

    def by(self, name: str = "anna") -> Talks:
        user = self.people[name]
        return self.app.talks(Principal(f"user:{name}", rights_of(user.grants), user))

    def furnish(self, templates: Templates) -> None:
        """Have projects made of those from here on."""
        self.app = replace(self.app, templates=templates)
        self.folding = Folding(self.app)

    def modelled(self, mind: Mind, allowance: Allowance | None = None) -> None:
        """Have that model make the briefs from here on."""
        self.app = replace(self.app, mind=lambda: mind, allowance=allowance or Allowance())
        self.folding = Folding(self.app)

    def fold(self, seconds: float | None = None) -> None:
        """Let the loop do what is due once nothing was said for a while."""
        self.clock.advance(QUIET.total_seconds() + 0.5 if seconds is None else seconds)
        self.folding.tick()

    def told(self, text: str = "Хочу магазин керамики", key: str = "tg:77:1", **more: Any) -> dict[str, Any]:
        """A talk in the chat in which that was said and made sense of."""
        talks = self.by()
        talk_id = talks.open(key, chat_id=CHAT, **more)["id"]
        talks.say(talk_id, key, text)
        self.fold()
        return talks.show(talk_id)

    # What is recorded ----------------------------------------------------------------------------------

    def rows(self, talk_id: int) -> list[Said]:
        with self.store.reading() as view:
            return view.said(talk_id)

    def talks(self) -> list[Talk]:
        with self.store.reading() as view:
            return view.talks()

    def calls(self) -> list[MindCall]:
        with self.store.reading() as view:
            return view.mind_calls()

    def card(self, talk_id: int) -> Post:
        with self.store.reading() as view:
            post = view.post(CHAT, f"talk:{talk_id}")
        assert post is not None, "the talk has a card"
        return post

    def shown(self, post: Post, message_id: int) -> None:
        """The post was sent, as that message."""
        with self.store.writing() as tx:
            tx.save_post(replace(post, message_id=message_id, shown="x"))
