"""What a card is made with: the chat, whoever may see it there, and what they may be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from steward.app.application import Application
from steward.domain.chats import Button, Chat, ChatKind, Post, Press, Rendered
from steward.domain.people import Principal, Right, Role, rights_of
from steward.faces.telegram.markup import BUTTON_MAX, Page, is_public, link, plain
from steward.faces.telegram.signs import moment
from steward.ports import Reads

Json = dict[str, Any]
Row = tuple[Button, ...]


@dataclass(frozen=True, slots=True)
class Desk:
    """Where one card is made. `public_url` is the address of the web face, "" where it has none."""

    app: Application
    chat: Chat
    post: Post
    by: Principal
    public_url: str = ""

    @property
    def data(self) -> Mapping[str, Any]:
        """What the post is about."""
        return self.post.data

    @property
    def now(self) -> datetime:
        """This moment."""
        return self.app.clock.now().at

    def when(self, stamp: str | datetime | None) -> str:
        """A moment as this chat reads it."""
        return moment(self.chat, stamp, self.now)

    def may(self, right: Right, organisation_id: int | None = None) -> bool:
        """Whether whoever reads here may do that; in a group somebody may, and each press is looked at."""
        return self.by.may(right, organisation_id) if organisation_id else self.by.may_somewhere(right)

    def page(self, path: str, words: str) -> str:
        """A line that opens a page of the web face; "" where it has no address."""
        return link(words, self.public_url.rstrip("/") + path) if self.public_url else ""

    def open_button(self, path: str, words: str) -> Row:
        """A row with a button that opens a page; none where Telegram would refuse its address."""
        url = self.public_url.rstrip("/") + path
        return (Button(words, url=url),) if is_public(url) else ()

    def open_line(self, path: str, words: str) -> str:
        """The same as a line of the text, where there can be no button."""
        return "" if is_public(self.public_url) else self.page(path, words)


def person(view: Reads, name: str) -> Principal | None:
    """A user as whoever acts; None for one that is gone."""
    user = view.user(name)
    if user is None or user.disabled_at is not None:
        return None
    return Principal(f"user:{user.name}", MappingProxyType(rights_of(user.grants)), user)


def reader(view: Reads, chat: Chat) -> Principal | None:
    """Whoever may see what is shown in a chat; None where nobody may any more.

    In a group that is what its connector may see of the organisation that it follows. Words are offered there to
    all: each press is by somebody, whose own rights count.
    """
    by = person(view, chat.user)
    if by is None:
        return None
    if chat.kind is ChatKind.PRIVATE:
        return by if by.may_somewhere(Right.READ) else None
    homes = [None, *(home.id for home in view.organisations())]
    if chat.organisation_id is not None:
        homes = [chat.organisation_id]
    seen = {home: Role.APPROVER.rights for home in homes if by.may(Right.READ, home)}
    return Principal(by.actor, MappingProxyType(seen), by.user) if seen else None


def press(words: str, room: str, verb: str, ref: object, version: int = 0, arg: str = "") -> Button:
    """A button of ours."""
    return Button(plain(words, BUTTON_MAX) or "…", Press(room, verb, str(ref), version, arg).pack())


def rows(*found: Row) -> tuple[Row, ...]:
    """Rows of buttons; empty ones are left out."""
    return tuple(row for row in found if row)


def card(page: Page, *found: Row, silent: bool = False) -> Rendered:
    """What a post says, with its buttons."""
    return Rendered(page.text(), rows(*found), silent)


def project_path(slug: str) -> str:
    """The page of a project."""
    return f"/projects/{quote(slug, safe='')}"
