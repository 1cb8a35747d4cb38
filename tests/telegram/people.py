"""People on the other side: they write, edit, press, send what is no text, join groups and leave them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.telegram.markup import Json, noticed
from tests.telegram.state import Message, Notice, Room, State, User, has_bot_name

if TYPE_CHECKING:
    from tests.telegram.server import TelegramServer

FILE: Final[Json] = {"file_id": "AgADBAADbXXX", "file_unique_id": "AQADbXXX", "file_size": 2048}
MEDIA: Final[dict[str, Json]] = {
    "sticker": {"sticker": FILE | {"type": "regular", "width": 512, "height": 512, "is_animated": False,
                                   "is_video": False, "emoji": "🙂"}},
    "voice": {"voice": FILE | {"duration": 7, "mime_type": "audio/ogg"}},
    "document": {"document": FILE | {"file_name": "brief.docx", "mime_type": "application/msword"}},
    "photo": {"photo": [FILE | {"width": 90, "height": 67}, FILE | {"width": 1280, "height": 960}]},
    "video": {"video": FILE | {"width": 640, "height": 480, "duration": 9}},
    "video_note": {"video_note": FILE | {"length": 240, "duration": 5}},
    "audio": {"audio": FILE | {"duration": 120, "title": "Song"}},
    "animation": {"animation": FILE | {"width": 320, "height": 240, "duration": 3}},
    "location": {"location": {"latitude": 55.75, "longitude": 37.61}},
    "contact": {"contact": {"phone_number": "+70000000000", "first_name": "Ann"}},
    "dice": {"dice": {"emoji": "🎲", "value": 4}},
    "poll": {"poll": {"id": "1", "question": "?", "options": [{"text": "a", "voter_count": 0, "persistent_id": "0"}],
                      "total_voter_count": 0, "is_closed": False, "is_anonymous": True, "type": "regular",
                      "allows_multiple_answers": False, "allows_revoting": True, "members_only": False}},
}  # fmt: skip
"""What can be sent that is no text, as the fields of a message."""


class Group:
    """A group of people that the bot may be in. `topics`: their ids by name."""

    def __init__(self, server: TelegramServer, room: Room) -> None:
        self._state: State = server.state
        self._room = room

    @property
    def id(self) -> int:
        """Its id, which is another once it is a supergroup."""
        return self._room.moved_to or self._room.id

    @property
    def title(self) -> str:
        """What it is called."""
        return self._room.title

    def topic(self, name: str) -> int:
        """A new topic; its id, to be given as `thread`."""
        with self._state.lock:
            room = self._now()
            assert room.is_forum, "only a forum has topics"
            thread = self._state.message_id(room)
            room.topics[thread] = name
            some = next(iter(room.members))
            room.messages[thread] = Message(
                thread,
                room.id,
                some,
                self._state.now(),
                thread_id=thread,
                more={"forum_topic_created": {"name": name, "icon_color": 7322096}},
            )
            return thread

    def closes(self, thread: int) -> None:
        """Nobody but administrators may write to a topic any more."""
        with self._state.lock:
            self._now().closed_topics.add(thread)

    def drops(self, thread: int) -> None:
        """Delete a topic, and all that was written there."""
        with self._state.lock:
            room = self._now()
            room.topics.pop(thread)
            for message in room.messages.values():
                message.deleted = message.deleted or message.thread_id == thread

    def muzzles(self, *, on: bool = True) -> None:
        """The bot may not write there."""
        with self._state.lock:
            self._now().muzzled = on

    def becomes_supergroup(self) -> int:
        """Telegram makes it a supergroup, with another id, which it returns."""
        with self._state.lock:
            old = self._now()
            new = Room(
                -1_001_000_000_000 - abs(old.id),
                "supergroup",
                old.title,
                old.members,
                bot_status=old.bot_status,
            )
            self._state.rooms[new.id] = new
            old.moved_to = new.id
            some = next(iter(old.members))
            for room, more in (
                (old, {"migrate_to_chat_id": new.id}),
                (new, {"migrate_from_chat_id": old.id}),
            ):
                self._service(room, some, more)
            return new.id

    def adds_bot(self, by: Person, status: str = "member") -> None:
        """Somebody adds the bot, or makes it an administrator."""
        self._membership(by, status)
        if status == "member":
            with self._state.lock:
                self._service(self._now(), by.id, {"new_chat_members": [self._state.bot()]})

    def removes_bot(self, by: Person) -> None:
        """Somebody throws the bot out."""
        self._membership(by, "kicked")

    def joined_by(self, person: Person) -> None:
        """A person becomes a member."""
        with self._state.lock:
            self._now().members.add(person.id)

    def _now(self) -> Room:
        return self._state.rooms[self.id]

    def _service(self, room: Room, author: int, more: Json) -> None:
        message = Message(self._state.message_id(room), room.id, author, self._state.now(), more=more)
        room.messages[message.message_id] = message
        if room.bot_status not in ("left", "kicked"):
            self._state.put("message", self._state.message_json(message))

    def _membership(self, by: Person, status: str) -> None:
        with self._state.lock:
            room = self._now()
            was, room.bot_status = room.bot_status, status
            self._state.put("my_chat_member", membership(self._state, room, by.id, was, status))


def membership(state: State, room: Room, by: int, was: str, status: str) -> Json:
    """As `ChatMemberUpdated` of the Bot API."""
    return {
        "chat": state.chat_json(room),
        "from": state.users[by].json(),
        "date": int(state.now()),
        "old_chat_member": _member(state, was),
        "new_chat_member": _member(state, status),
    }


def _member(state: State, status: str) -> Json:
    rights: Json = dict.fromkeys(
        (
            "can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages", "can_manage_video_chats",
            "can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users",
            "can_post_stories", "can_edit_stories", "can_delete_stories", "can_send_welcome_messages",
        ),
        True,
    )  # fmt: skip
    more = rights if status == "administrator" else {"until_date": 0} if status == "kicked" else {}
    return {"status": status, "user": state.bot()} | more


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a Telegram account. What they do answers with the message, or waits for nothing."""

    server: TelegramServer
    user: User

    @property
    def id(self) -> int:
        """The person's id, and that of the private chat."""
        return self.user.id

    @property
    def name(self) -> str:
        """The first name."""
        return self.user.first_name

    def starts(self, payload: str = "") -> Message:
        """Press Start, or follow a link https://t.me/<bot>?start=<payload>."""
        return self.writes(f"/start {payload}".strip())

    def writes(
        self,
        text: str,
        *,
        forwarded_from: str = "",
        in_group: Group | None = None,
        thread: int = 0,
        reply_to: int | None = None,
    ) -> Message:
        """Write a text, or forward what somebody else wrote."""
        more: Json = {}
        if forwarded_from:
            more["forward_origin"] = {
                "type": "hidden_user",
                "sender_user_name": forwarded_from,
                "date": int(self.server.state.now()) - 60,
            }
        return self._sends(text, more, in_group, thread, reply_to)

    def sends(
        self,
        kind: str,
        *,
        caption: str = "",
        in_group: Group | None = None,
        thread: int = 0,
        album: str = "",
        **fields: Any,
    ) -> Message:
        """Send what is no text: a key of MEDIA. `album`: several with the same one belong together."""
        more: Json = dict(MEDIA[kind])
        if fields:
            more[kind] = more[kind] | fields
        more |= {"caption": caption} if caption else {}
        more |= {"media_group_id": album} if album else {}
        return self._sends("", more, in_group, thread, None)

    def _sends(
        self, text: str, more: Json, group: Group | None, thread: int, reply_to: int | None
    ) -> Message:
        state = self.server.state
        with state.lock:
            room = state.rooms[group.id if group else self.id]
            if room.kind == "private" and (not room.started or room.blocked):
                self._opens(room)
            message = Message(state.message_id(room), room.id, self.id, state.now(), text, noticed(text))
            message.thread_id, message.reply_to, message.more = thread, reply_to, more
            room.messages[message.message_id] = message
            if self._is_heard(room, message):
                state.put("message", state.message_json(message))
            return message

    def _opens(self, room: Room) -> None:
        state = self.server.state
        if room.blocked:
            state.put("my_chat_member", membership(state, room, self.id, "kicked", "member"))
        room.started, room.blocked = True, False

    def _is_heard(self, room: Room, message: Message) -> bool:
        """Whether the bot gets it: in groups, with privacy, only what is meant for it."""
        state = self.server.state
        if room.kind == "private":
            return True
        if room.bot_status in ("left", "kicked"):
            return False
        if not state.privacy or room.bot_status == "administrator" or has_bot_name(message.text):
            return True
        replied = room.messages.get(message.reply_to or 0)
        if replied is not None and replied.author == state.bot_id:
            return True
        return message.text.startswith("/") and "@" not in message.text.split()[0]

    def edits(self, message: Message | int, text: str, *, in_group: Group | None = None) -> Message:
        """Change what one wrote."""
        state = self.server.state
        with state.lock:
            room = state.rooms[in_group.id if in_group else self.id]
            found = room.messages[message if isinstance(message, int) else message.message_id]
            assert found.author == self.id, "people edit what they wrote themselves"
            assert not found.deleted, "it is deleted"
            found.text, found.entities, found.edited = text, noticed(text), found.edited + 1
            if self._is_heard(room, found):
                state.put("edited_message", state.message_json(found))
            return found

    def presses(
        self,
        what: str,
        message: Message | int | None = None,
        *,
        in_group: Group | None = None,
        stale: bool = False,
    ) -> str:
        """Press a button, by its text or its data, of a message (None: the newest that has it); the press's id.

        `stale`: `what` is data that stood there before; the person's screen has not caught up.
        """
        state = self.server.state
        with state.lock:
            room = state.rooms[in_group.id if in_group else self.id]
            found = self._pressed(room, what, message, stale=stale)
            data = what if stale else found.button(what).get("callback_data")
            assert data is not None, f"{what!r} opens an address"
            query_id = state.query(self.id)
            shown = state.message_json(found)
            if found.deleted:
                shown = {"message_id": found.message_id, "chat": state.chat_json(room), "date": 0}
            state.put(
                "callback_query",
                {
                    "id": query_id,
                    "from": self.user.json(),
                    "message": shown,
                    "chat_instance": str(room.id),
                    "data": data,
                },
            )
            return query_id

    def _pressed(self, room: Room, what: str, message: Message | int | None, *, stale: bool) -> Message:
        if message is not None:
            found = room.messages[message if isinstance(message, int) else message.message_id]
            assert stale or not found.deleted, "that message is deleted; press it stale"
            return found
        shown = [m for m in room.messages.values() if not m.deleted and m.author == self.server.state.bot_id]
        for candidate in reversed(shown):
            flat = [b for row in candidate.buttons for b in row]
            if stale or any(what in (b["text"], b.get("callback_data")) for b in flat):
                return candidate
        labels = [m.labels for m in shown]
        raise AssertionError(f"no message has a button {what!r}; there are: {labels}")

    def blocks(self) -> None:
        """Stop the bot."""
        state = self.server.state
        with state.lock:
            room = state.rooms[self.id]
            room.blocked = True
            state.put("my_chat_member", membership(state, room, self.id, "member", "kicked"))

    def deletes(self, message: Message | int) -> None:
        """Delete a message in the private chat, for both sides. A bot is not told."""
        with self.server.state.lock:
            room = self.server.state.rooms[self.id]
            room.messages[message if isinstance(message, int) else message.message_id].deleted = True

    def deletes_account(self) -> None:
        """Nobody is there any more."""
        with self.server.state.lock:
            self.user.deleted = True

    def sees(self) -> list[Message]:
        """What the bot shows in the private chat now."""
        return self.server.shown(self.id)

    def notices(self) -> list[Notice]:
        """What answered this person's presses, oldest first."""
        with self.server.state.lock:
            return [notice for notice in self.server.state.notices if notice.person_id == self.id]

    def waits_for(
        self, text: str | Callable[[Message], bool], timeout: float = 10, *, chat: int | None = None
    ) -> Message:
        """The newest message of the bot that says that, once there is one."""
        fits = text if callable(text) else lambda message: text in message.text

        def newest() -> Message | None:
            return next((m for m in reversed(self.server.shown(chat or self.id)) if fits(m)), None)

        found = self.server.wait(newest, timeout, what=str(text))
        assert found is not None
        return found
