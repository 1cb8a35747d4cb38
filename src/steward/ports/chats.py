"""What the database keeps of chats, posts and talks, and whoever delivers posts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from steward.domain.chats import Chat, Post, Rendered
from steward.domain.spending import MindCall
from steward.domain.talks import Said, Talk
from steward.ports.errors import Permanent, RateLimited


class ChatReads(Protocol):
    """What can be read of chats, posts and talks."""

    def chat(self, chat_id: int) -> Chat | None: ...

    def chats(self, user: str | None = None) -> list[Chat]:
        """All, or those of one user, by id."""
        ...

    def post(self, chat_id: int, key: str) -> Post | None: ...

    def post_of(self, chat_id: int, message_id: int) -> Post | None:
        """The post that a message shows."""
        ...

    def posts_due(self, at: datetime, limit: int) -> list[Post]:
        """Those wanted, uncertain or stuck in sending whose `next_at` has come or is None, oldest wish first; none
        of a chat that is blocked or that must wait for its `flood_until`."""
        ...

    def posts(self, states: Collection[str] = (), limit: int = 50) -> list[Post]:
        """Newest wish first, in these states (none: in any)."""
        ...

    def posts_about(self, keys: Collection[str]) -> list[Post]:
        """Of all chats those with one of these keys."""
        ...

    def post_counts(self) -> dict[str, int]:
        """How many per state."""
        ...

    def followed(self) -> int:
        """The position of the last event that posts were made of; 0 at first."""
        ...

    def talk(self, talk_id: int) -> Talk | None: ...

    def talk_by_key(self, key: str) -> Talk | None: ...

    def open_talk(self, user: str, chat_id: int | None) -> Talk | None:
        """The newest open one of that user in that chat (None: anywhere)."""
        ...

    def talks(self, user: str | None = None, states: Collection[str] = (), limit: int = 50) -> list[Talk]:
        """Newest change first."""
        ...

    def talk_about(self, project_id: str) -> Talk | None:
        """The newest one that became that project, or that is to change it."""
        ...

    def said(self, talk_id: int) -> list[Said]:
        """What was said in it, in the order in which it was said."""
        ...

    def talks_to_fold(self, before: datetime, limit: int) -> list[Talk]:
        """Open talks with messages that are not in the brief yet, the newest of them said before that moment."""
        ...

    def mind_calls(
        self, *, user: str | None = None, project_id: str | None = None, since: datetime | None = None
    ) -> list[MindCall]:
        """Newest first. A call before its talk became a project is one of that project."""
        ...

    def mind_spent(
        self, *, user: str | None = None, project_id: str | None = None, since: datetime | None = None
    ) -> tuple[float, int]:
        """What these calls cost in USD, as far as that is known, and how many they are."""
        ...


class ChatWrites(ChatReads, Protocol):
    """What can be written of chats, posts and talks, within one transaction."""

    def save_chat(self, chat: Chat) -> None:
        """Insert or replace, by its id."""
        ...

    def drop_chat(self, chat_id: int) -> bool:
        """Forget a chat and its posts; whether there was one. Its talks stay."""
        ...

    def save_post(self, post: Post) -> None:
        """Insert or replace, by chat and key. Raises Conflict where the chat is not there (any more)."""
        ...

    def drop_post(self, chat_id: int, key: str) -> bool: ...

    def prune_posts(self, before: datetime) -> int:
        """Delete replies (key "reply:...") that are settled and were wanted before that moment; return how many."""
        ...

    def follow_to(self, position: int) -> None:
        """Posts were made of all events up to that one."""
        ...

    def add_talk(self, talk: Talk) -> Talk:
        """Insert (its id is given); return it. Raises Conflict if its key is taken."""
        ...

    def save_talk(self, talk: Talk) -> Talk:
        """Store it as the next version; return that. Raises Conflict unless it is still of `talk.version`."""
        ...

    def say(self, said: Said) -> Said:
        """Insert or replace, by talk and key; return it with its id, which a replaced one keeps."""
        ...

    def unsay(self, talk_id: int, key: str) -> bool:
        """Forget a message; whether there was one."""
        ...

    def add_mind_call(self, call: MindCall) -> None: ...


class Blocked(Permanent):
    """Nothing can be sent to that chat any more: the person has stopped the bot, or it was removed."""


class Refused(Permanent):
    """The message is not taken as it is: too long, bad markup, no such chat or topic."""


class Gone(Permanent):
    """The message that was to be changed is not there any more, or cannot be changed."""


class Moved(Permanent):
    """The group is another chat by now, with the id `now`: Telegram gave it a new one."""

    def __init__(self, now: int) -> None:
        super().__init__(f"the group is the chat {now} by now", "")
        self.now = now


class Flooded(RateLimited):
    """Telegram asks to wait before anything more is sent to that chat."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message goes: a chat, a topic of it (0: none), the message that it answers."""

    chat_id: int
    thread_id: int = 0
    reply_to: int | None = None


class Messenger(Protocol):
    """Sends to chats. Each call raises Flooded, Blocked, Moved, Refused, Transient, Unauthorised.

    Unreachable: no answer came, it may be done all the same. Any other Transient: it was not done.
    """

    def me(self) -> str:
        """The bot's name on Telegram, without the @; asked once."""
        ...

    def send(self, place: Place, shown: Rendered) -> int:
        """Send a message; return its id."""
        ...

    def edit(self, chat_id: int, message_id: int, shown: Rendered) -> None:
        """Change a message; nothing where it says that already. Raises Gone."""
        ...

    def delete(self, chat_id: int, message_id: int) -> None:
        """Delete a message; nothing where it is gone. Raises Gone where it is too old to be."""
        ...

    def close(self) -> None: ...
