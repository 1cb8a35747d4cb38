"""One press of a button, and what acting on it takes: who pressed, what it was drawn for, the card that it stands on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from steward.app.application import Application
from steward.app.errors import Stale, Unknown
from steward.domain.chats import Post, Press
from steward.domain.people import Principal, User
from steward.faces.telegram.arrived import Pressed
from steward.faces.telegram.turn import asking_key

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """What the presser is told at once; `alert`: in a window that they close themselves."""

    text: str = ""
    alert: bool = False


@dataclass(frozen=True, slots=True)
class Hand:
    """One press of somebody who is known, with the post whose button it is (None where that is forgotten)."""

    app: Application
    pressed: Pressed
    press: Press
    by: Principal
    chat_id: int
    post: Post | None

    @property
    def user(self) -> User:
        """Who pressed."""
        assert self.by.user is not None, "who is known here has a user"
        return self.by.user

    @property
    def ref(self) -> str:
        """What the press is about."""
        return self.press.ref

    @property
    def number(self) -> int:
        """The same as a number. Raises Unknown for what is none."""
        if not self.ref.isascii() or not self.ref.isdigit() or len(self.ref) > 18:
            raise Unknown("incident" if self.press.room == "i" else "talk", self.ref)
        return int(self.ref)

    def project(self) -> Json:
        """The project as it is now, if it is still as the button was drawn for. Raises Unknown, Stale."""
        shown = self.app.queries(self.by).project(self.ref)
        if shown["version"] != self.press.version:
            raise Stale(f"the project {shown['slug']}", self.press.version, shown["version"])
        return shown

    def again(self) -> None:
        """Have the card drawn again whose button this is."""
        if self.post is not None and self.post.kind != "said":
            self.want(self.post.key, self.post.kind, **self.post.data)

    def want(self, key: str, kind: str, /, *, below: bool = False, **data: Any) -> None:
        """Have a card shown in this chat."""
        thread = self.pressed.thread_id
        self.app.callers.want(self.chat_id, key, kind, data, thread_id=thread, below=below)

    def ask(self, text_key: str, then: Json, **values: object) -> None:
        """Ask the presser for their next message."""
        key = asking_key(self.user.name)
        self.want(key, "said", below=True, text_key=text_key, values=values, then=then)
