"""What the commands ask for of people and their chats, wherever it is answered; see `asking`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

Json = dict[str, Any]


class People(Protocol):
    """What can be done about people; see `app.people`."""

    def me(self) -> Json: ...

    def users(self) -> list[Json]: ...

    def add(
        self,
        name: str,
        role: str | None = None,
        organisation: str | None = None,
        full_name: str = "",
        lang: str | None = None,
    ) -> Json: ...

    def grant(self, name: str, role: str, organisation: str | None = None) -> Json: ...

    def ungrant(self, name: str, role: str, organisation: str | None = None) -> Json: ...

    def disable(self, name: str) -> Json: ...

    def enable(self, name: str) -> Json: ...

    def link(self, name: str) -> Json: ...

    def tokens(self, name: str | None = None, *, ended: bool = False) -> list[Json]: ...

    def create_token(
        self,
        name: str,
        note: str,
        rights: Collection[str] | None = None,
        organisation: str | None = None,
        days: int = 90,
    ) -> Json: ...

    def end(self, pass_id: int) -> Json: ...

    def audit(
        self,
        *,
        before: int | None = None,
        limit: int = 100,
        actor: str = "",
        outcome: str = "",
        text: str = "",
    ) -> list[Json]: ...


class Chats(Protocol):
    """What can be done about chats; see `app.chats`."""

    def status(self) -> Json: ...

    def code(self, name: str | None = None) -> Json: ...

    def unlink(self, name: str | None = None, chat_id: int | None = None) -> list[Json]: ...

    def test(self, name: str | None = None) -> Json: ...

    def tested(self, name: str | None = None) -> Json: ...
