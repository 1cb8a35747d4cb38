"""One message of somebody who is known, and the ways to answer it: each answer is a post, wanted once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from steward.app import posting
from steward.app.application import Application
from steward.domain.chats import Chat, Post
from steward.domain.people import Principal, User
from steward.domain.talks import Talk
from steward.faces.telegram.arrived import Note
from steward.ports import Writes

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """A note, who wrote it, and the chat that it stands in (None: a group that is not connected).

    `board` is the public address of the web face, "" where there is none.
    """

    app: Application
    note: Note
    by: Principal
    chat: Chat | None
    board: str = ""

    @property
    def user(self) -> User:
        """Who wrote it."""
        assert self.by.user is not None, "who is known here has a user"
        return self.by.user

    @property
    def answered(self) -> Post | None:
        """The answer that it has already: it has come twice, or we died over it."""
        return self.app.callers.answered(self.note.chat_id, self._key)

    @property
    def _key(self) -> str:
        if self.note.album and not self.note.text:
            # Ten pictures that are sent at once are answered once.
            return f"{posting.REPLY}album:{self.note.album}"
        # What is said to an edit is said besides what was said to the message.
        return f"{posting.REPLY}{self.note.message_id}" + (":edited" if self.note.edited else "")

    def say(self, text_key: str, **values: object) -> None:
        """Answer with one of our sentences."""
        self.show("said", text_key=text_key, values=values)

    def show(self, kind: str, /, **data: Any) -> None:
        """Answer with a card."""
        with self.app.store.writing() as tx:
            self.reply(tx, kind, data)

    def say_and_show(self, text_key: str, kind: str, /, **data: Any) -> None:
        """Answer with a sentence, and a card beneath it."""
        with self.app.store.writing() as tx:
            self.reply(tx, "said", {"text_key": text_key, "values": {}})
            self.reply(tx, kind, data, suffix=f":{kind}")

    def settle(self, kind: str, /, **data: Any) -> None:
        """Answer what was asked of this person with a card: it is asked no more."""
        with self.app.store.writing() as tx:
            self._unask(tx)
            self.reply(tx, kind, data)

    def reply(self, tx: Writes, kind: str, data: Mapping[str, Any], suffix: str = "") -> None:
        """Answer in the caller's transaction, once."""
        note, key = self.note, self._key + suffix
        if tx.chat(note.chat_id) is not None and tx.post(note.chat_id, key) is None:
            now = self.app.clock.now().at
            made = Post(note.chat_id, key, kind, now, data, urgent=True)
            tx.save_post(replace(made, thread_id=note.thread_id, reply_to=note.message_id))

    def whisper(self, text_key: str, **values: object) -> None:
        """Say it to the person alone, where this chat is not connected."""
        key = f"{posting.REPLY}{self.note.chat_id}:{self.note.message_id}"
        self.app.callers.want(self.note.account, key, "said", {"text_key": text_key, "values": values})

    # What is asked of the person, and waits for their next message -----------------------------------------

    def asked(self) -> Json | None:
        """What was asked of this person here last: `{do, ...}`; None where nothing is."""
        return asked(self.app, self.note.chat_id, self.user.name)

    def _unask(self, tx: Writes) -> bool:
        post = tx.post(self.note.chat_id, asking_key(self.user.name))
        if post is None or not post.data.get("then"):
            return False
        tx.save_post(replace(post, data={**post.data, "then": None}))
        return True

    def unask(self) -> bool:
        """Ask it no more; whether something was asked."""
        with self.app.store.writing() as tx:
            return self._unask(tx)

    def talk(self) -> Talk | None:
        """The talk that is open with this person here."""
        with self.app.store.reading() as view:
            return view.open_talk(self.user.name, self.note.chat_id)

    def answered_post(self) -> Post | None:
        """The post of ours that the message answers."""
        if self.note.reply_to is None:
            return None
        return self.app.callers.shown(self.note.chat_id, self.note.reply_to)


def asking_key(user: str) -> str:
    """Where it stands in a chat what a user was asked there: one thing at a time."""
    return f"ask:{user}"


def asked(app: Application, chat_id: int, user: str) -> Json | None:
    """What a user was asked in a chat, and did not answer yet."""
    post = app.callers.answered(chat_id, asking_key(user))
    then = post.data.get("then") if post is not None else None
    return dict(then) if then else None
