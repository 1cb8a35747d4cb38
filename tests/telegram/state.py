"""What a Telegram server knows: people, groups, messages, updates that wait. Change it only under its `lock`."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from tests.telegram.markup import BadRequest, Json, units

TOKEN: Final = "4242000001:" + "AAsteward_bot_token_for_tests_0123456"
BOT: Final = "StewardTestBot"
QUERY_S: Final = 600
PACE_OVERALL: Final = 30
PACE_GROUP: Final = 20
BURST: Final = 3
"""Messages that one chat takes at once; then one in a second."""
QUIET_UPDATES: Final = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
"""Kinds that a bot gets only where it asks for them."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong with the next `times` calls of a method ("": of any), in one chat or in any.

    `kind`: "429" (with `retry_after`), "500", "502" (a page, no JSON), "403", "400" (with `text`), "break" (the
    connection breaks before the effect), "break_after" (after it), "hang" (no answer, no effect), "hang_after" (no
    answer, the effect is there), "slow" (answered after `seconds`).
    """

    kind: str
    method: str = ""
    times: int = 1
    chat_id: int | None = None
    retry_after: int = 3
    seconds: float = 0.2
    text: str = "broken on purpose"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the bot: what it was given, and the HTTP status and JSON that it was answered with (0: none)."""

    method: str
    params: Json
    status: int
    answer: Json
    at: float


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person sees after pressing a button: a line at the top, or an alert to close."""

    person_id: int
    query_id: str
    text: str
    alert: bool


@dataclass(slots=True)
class Message:
    """One message in a chat, whoever wrote it."""

    message_id: int
    chat_id: int
    author: int
    at: float
    text: str = ""
    entities: list[Json] = field(default_factory=list)
    html: str = ""
    buttons: list[list[Json]] = field(default_factory=list)
    thread_id: int = 0
    reply_to: int | None = None
    silent: bool = False
    edited: int = 0
    deleted: bool = False
    more: Json = field(default_factory=dict)

    @property
    def labels(self) -> list[list[str]]:
        """What stands on its buttons."""
        return [[button["text"] for button in row] for row in self.buttons]

    def button(self, what: str) -> Json:
        """The button with that text or that data. Raises AssertionError, which lists what there is."""
        flat = [button for row in self.buttons for button in row]
        found = [button for button in flat if what in (button["text"], button.get("callback_data"))]
        assert found, f"no button {what!r} under message {self.message_id}; there are: {self.labels}"
        return found[0]

    @property
    def links(self) -> list[str]:
        """Addresses behind words in its text."""
        return [entity["url"] for entity in self.entities if entity["type"] == "text_link"]


@dataclass(slots=True)
class Room:
    """A chat: private (its id is that of the person), "group" or "supergroup"."""

    id: int
    kind: str
    title: str = ""
    members: set[int] = field(default_factory=set)
    topics: dict[int, str] = field(default_factory=dict)
    closed_topics: set[int] = field(default_factory=set)
    is_forum: bool = False
    bot_status: str = "left"
    blocked: bool = False
    started: bool = False
    muzzled: bool = False
    moved_to: int = 0
    messages: dict[int, Message] = field(default_factory=dict)
    sent: deque[float] = field(default_factory=deque)


@dataclass(slots=True)
class User:
    """A person's account."""

    id: int
    first_name: str
    username: str
    lang: str
    deleted: bool = False

    def json(self) -> Json:
        """As `User` of the Bot API."""
        told: Json = {"id": self.id, "is_bot": False, "first_name": self.first_name}
        told |= {"username": self.username} if self.username else {}
        return told | ({"language_code": self.lang} if self.lang else {})


@dataclass(slots=True)
class Webhook:
    """Where updates are delivered to; `url` "" is nowhere."""

    url: str = ""
    secret: str = ""
    error: str = ""
    error_at: float = 0.0
    max_connections: int = 40


class State:
    """All of it. `now` gives seconds since 1970; `floods` says whether too much too quickly is refused."""

    def __init__(
        self, now: Callable[[], float] = time.time, *, floods: bool = True, token: str = TOKEN
    ) -> None:
        self.now = now
        self.floods = floods
        self.token = token
        self.privacy = True
        self.rival = False
        self.lock = threading.Condition(threading.RLock())
        self.users: dict[int, User] = {}
        self.rooms: dict[int, Room] = {}
        self.updates: deque[Json] = deque()
        self.all_updates: list[Json] = []
        self.allowed: frozenset[str] | None = None
        self.webhook = Webhook()
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.notices: list[Notice] = []
        self.queries: dict[str, tuple[int, float, bool]] = {}
        self.commands: dict[str, list[Json]] = {}
        self.sent: deque[float] = deque()
        self.poll_number = 0
        self.closed = False
        self._private_ids = 0
        self._update_id = 1000
        self._query_id = 0

    @property
    def bot_id(self) -> int:
        """The bot's own id: the head of its token."""
        return int(self.token.partition(":")[0])

    def bot(self) -> Json:
        """The bot as `User`."""
        return {"id": self.bot_id, "is_bot": True, "first_name": "Steward", "username": BOT}

    def message_id(self, room: Room) -> int:
        """The next id: a supergroup counts for itself, all else of the bot together."""
        if room.kind == "supergroup":
            return max(room.messages, default=0) + 1
        self._private_ids += 1
        return self._private_ids

    def put(self, kind: str, value: Json) -> Json | None:
        """Have an update wait for the bot; None where it asked not to get those."""
        wanted = kind in self.allowed if self.allowed else kind not in QUIET_UPDATES
        if not wanted:
            return None
        self._update_id += 1
        update = {"update_id": self._update_id, kind: value}
        self.updates.append(update)
        self.all_updates.append(update)
        self.lock.notify_all()
        return update

    def query(self, person_id: int) -> str:
        """A new id of a press that waits for its answer."""
        self._query_id += 1
        query_id = f"73{self._query_id:016d}"
        self.queries[query_id] = (person_id, self.now(), False)
        return query_id

    def room_for(self, chat: Any) -> Room:
        """The chat that the bot means, where it may send there. Raises BadRequest: 400, 403."""
        try:
            room = self.rooms.get(int(chat))
        except (TypeError, ValueError):
            room = None
        if room is None:
            raise BadRequest("chat not found" if chat not in (None, "") else "chat_id is empty")
        if room.moved_to:
            raise BadRequest("group chat was upgraded to a supergroup chat", migrate_to_chat_id=room.moved_to)
        if room.kind == "private":
            self._may_write_to(room)
        elif room.bot_status in ("left", "kicked"):
            word = "kicked from" if room.bot_status == "kicked" else "is not a member of"
            verb = "bot was " if room.bot_status == "kicked" else "bot "
            raise BadRequest(f"{verb}{word} the {room.kind} chat", 403)
        return room

    def _may_write_to(self, room: Room) -> None:
        if self.users[room.id].deleted:
            raise BadRequest("user is deactivated", 403)
        if room.blocked:
            raise BadRequest("bot was blocked by the user", 403)
        if not room.started:
            raise BadRequest("bot can't initiate conversation with a user", 403)

    def pace(self, room: Room) -> None:
        """Count a message against the limits. Raises BadRequest 429."""
        if not self.floods:
            return
        now = self.now()
        _forget(self.sent, now - 1)
        _forget(room.sent, now - 60)
        wait_s = 0.0
        if len(self.sent) >= PACE_OVERALL:
            wait_s = 1
        if room.kind != "private" and len(room.sent) >= PACE_GROUP:
            wait_s = max(wait_s, room.sent[0] + 60 - now)
        lately = [at for at in room.sent if at > now - BURST]
        if room.kind == "private" and len(lately) >= BURST:
            wait_s = max(wait_s, lately[0] + BURST - now)
        if wait_s > 0:
            seconds = max(1, int(wait_s + 0.999))
            raise BadRequest(f"retry after {seconds}", 429, retry_after=seconds)
        self.sent.append(now)
        room.sent.append(now)

    def fault(self, method: str, chat: Any) -> Fault | None:
        """The planned fault that this call meets; it is used up once."""
        for number, fault in enumerate(self.faults):
            if fault.method not in ("", method):
                continue
            if fault.chat_id is not None and str(fault.chat_id) != str(chat):
                continue
            left = fault.times - 1
            rest = [
                Fault(
                    fault.kind,
                    fault.method,
                    left,
                    fault.chat_id,
                    fault.retry_after,
                    fault.seconds,
                    fault.text,
                )
            ]
            self.faults[number : number + 1] = rest if left > 0 else []
            return fault
        return None

    def message_json(self, message: Message, *, deep: bool = True) -> Json:
        """As `Message` of the Bot API."""
        room = self.rooms[message.chat_id]
        author = self.bot() if message.author == self.bot_id else self.users[message.author].json()
        told: Json = {
            "message_id": message.message_id,
            "from": author,
            "chat": self.chat_json(room),
            "date": int(message.at),
        }
        if message.text:
            told |= {"text": message.text} | ({"entities": message.entities} if message.entities else {})
        if message.buttons:
            told["reply_markup"] = {"inline_keyboard": message.buttons}
        if message.thread_id:
            told |= {"message_thread_id": message.thread_id, "is_topic_message": True}
        if message.edited:
            told["edit_date"] = int(message.at) + message.edited
        replied = room.messages.get(message.reply_to or 0)
        if deep and replied is not None:
            told["reply_to_message"] = self.message_json(replied, deep=False)
        return told | message.more

    def chat_json(self, room: Room) -> Json:
        """As `Chat` of the Bot API."""
        if room.kind == "private":
            user = self.users[room.id]
            told: Json = {"id": room.id, "type": "private", "first_name": user.first_name}
            return told | ({"username": user.username} if user.username else {})
        told = {"id": room.id, "type": room.kind, "title": room.title}
        return told | ({"is_forum": True} if room.is_forum else {})


def _forget(times: deque[float], before: float) -> None:
    while times and times[0] <= before:
        times.popleft()


def has_bot_name(text: str) -> bool:
    """Whether a text names the bot."""
    return f"@{BOT.lower()}" in text.lower()


def fits_alert(text: str) -> bool:
    """Whether an answer to a press is short enough."""
    return units(text) <= 200
