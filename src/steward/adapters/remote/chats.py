"""Chats on Telegram, at a Steward elsewhere; see `app.chats`."""

from __future__ import annotations

from dataclasses import dataclass

from steward.adapters.remote.shapes import Json
from steward.adapters.remote.wire import Wire


@dataclass(frozen=True, slots=True)
class RemoteChats:
    """What can be done about chats."""

    wire: Wire

    def status(self) -> Json:
        """The bot, the chats that may be seen, and how posts do."""
        return self.wire.get(Json, "/telegram")

    def code(self, name: str | None = None) -> Json:
        """Make a one-time code; the answer holds it."""
        return self.wire.send(Json, "POST", "/telegram/codes", {"user": name})

    def unlink(self, name: str | None = None, chat_id: int | None = None) -> list[Json]:
        """Forget the chats of a user, or one of them; return those that stay."""
        return self.wire.send(list[Json], "POST", "/telegram/unlink", {"user": name, "chat": chat_id})

    def test(self, name: str | None = None) -> Json:
        """Have a message shown in the chats of a user."""
        return self.wire.send(Json, "POST", "/telegram/test", {"user": name})

    def tested(self, name: str | None = None) -> Json:
        """What became of it."""
        return self.wire.get(Json, "/telegram/test", user=name)
