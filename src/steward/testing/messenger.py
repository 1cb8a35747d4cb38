"""A messenger that keeps what it was given, with the rules of a chat and the faults of a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from steward.domain.chats import Rendered
from steward.ports.chats import Blocked, Gone, Moved, Place, Refused


@dataclass(frozen=True, slots=True)
class Shown:
    """One message as people see it now."""

    message_id: int
    place: Place
    says: Rendered
    edits: int = 0


@dataclass(slots=True)
class FakeMessenger:
    """Implements ports.chats.Messenger. `chats` are those there are (None: any), with their topics.

    `fail_with` is raised by the next calls, one each: before the effect, or, of those in `lose`, after it. `before` is
    called ahead of each call, with its name. Messages that are `aged` cannot be deleted any more.
    """

    chats: dict[int, set[int]] | None = None
    fail_with: list[Exception | None] = field(default_factory=list)
    lose: list[Exception | None] = field(default_factory=list)
    blocked: set[int] = field(default_factory=set)
    moved: dict[int, int] = field(default_factory=dict)
    aged: set[int] = field(default_factory=set)
    before: Callable[[str], None] = lambda _call: None
    messages: dict[int, Shown] = field(default_factory=dict)
    calls: list[tuple[str, int]] = field(default_factory=list)
    closed: int = 0
    _ids: int = 100

    def me(self) -> str:
        """A bot's name."""
        return "StewardTestBot"

    def send(self, place: Place, shown: Rendered) -> int:
        """Keep it as a new message."""
        self._meet("send", place.chat_id)
        if not shown.text.strip():
            raise Refused("message text is empty", "")
        if self.chats is not None and place.thread_id not in self.chats[place.chat_id] | {0}:
            raise Refused("message thread not found", "")
        self._ids += 1
        self.messages[self._ids] = Shown(self._ids, place, shown)
        self._lose()
        return self._ids

    def edit(self, chat_id: int, message_id: int, shown: Rendered) -> None:
        """Keep what it says now."""
        self._meet("edit", chat_id)
        known = self._known(chat_id, message_id)
        if known is None:
            raise Gone("message to edit not found", "")
        self.messages[message_id] = Shown(message_id, known.place, shown, known.edits + 1)
        self._lose()

    def delete(self, chat_id: int, message_id: int) -> None:
        """Forget it."""
        self._meet("delete", chat_id)
        if self._known(chat_id, message_id) is None:
            return
        if message_id in self.aged:
            raise Gone("message can't be deleted for everyone", "")
        del self.messages[message_id]
        self._lose()

    def close(self) -> None:
        """Count it."""
        self.closed += 1

    def seen(self, chat_id: int) -> list[Shown]:
        """What that chat shows, oldest first."""
        return [one for one in self.messages.values() if one.place.chat_id == chat_id]

    def _known(self, chat_id: int, message_id: int) -> Shown | None:
        known = self.messages.get(message_id)
        return known if known is not None and known.place.chat_id == chat_id else None

    def _meet(self, call: str, chat_id: int) -> None:
        self.calls.append((call, chat_id))
        self.before(call)
        error = self.fail_with.pop(0) if self.fail_with else None
        if error is not None:
            raise error
        if chat_id in self.moved:
            raise Moved(self.moved[chat_id])
        if chat_id in self.blocked:
            raise Blocked("bot was blocked by the user", "")
        if self.chats is not None and chat_id not in self.chats:
            raise Refused("chat not found", "")

    def _lose(self) -> None:
        error = self.lose.pop(0) if self.lose else None
        if error is not None:
            raise error
