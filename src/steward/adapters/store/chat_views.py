"""Chats and their posts: read and written."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import delete, func, or_, select, text

from steward.adapters.store.chat_rows import chat_from, chat_row, post_from, post_row
from steward.adapters.store.schema import settings
from steward.adapters.store.schema_chats import IS_UNSETTLED, chats, posts
from steward.adapters.store.values import clean, json_text, json_value, stamp
from steward.adapters.store.view import View, among, replacing
from steward.domain.chats import Chat, Post, PostState
from steward.ports import Conflict

_c, _p, _s = chats.c, posts.c, settings.c
# The methods of the views bear the names of some tables.
_CHATS, _POSTS = chats, posts

_UNSETTLED: Final = text(IS_UNSETTLED)
_SETTLED: Final = (PostState.SHOWN.value, PostState.FAILED.value)
_REPLIES: Final = "reply:"
FOLLOWED: Final = "posts.followed"
"""The setting that keeps up to which event posts were made."""


class ChatReads(View):
    """What is read of chats and posts; the contract is `ports.chats.ChatReads`."""

    def chat(self, chat_id: int) -> Chat | None:
        """By its id."""
        row = self._first(select(_CHATS).where(_c.id == chat_id))
        return None if row is None else chat_from(row)

    def chats(self, user: str | None = None) -> list[Chat]:
        """All, or those of one user, by id."""
        found = select(_CHATS).order_by(_c.id)
        if user is not None:
            found = found.where(_c.user_name == user)
        return [chat_from(row) for row in self._all(found)]

    def post(self, chat_id: int, key: str) -> Post | None:
        """By chat and key."""
        row = self._first(select(_POSTS).where(_p.chat_id == chat_id, _p.key == clean(key)))
        return None if row is None else post_from(row)

    def post_of(self, chat_id: int, message_id: int) -> Post | None:
        """The post that a message shows."""
        mine = select(_POSTS).where(_p.chat_id == chat_id, _p.message_id == message_id)
        row = self._first(mine.order_by(_p.wanted_at.desc(), _p.key).limit(1))
        return None if row is None else post_from(row)

    def posts_due(self, at: datetime, limit: int) -> list[Post]:
        """Those that may be sent now, oldest wish first."""
        moment = stamp(at)
        due = or_(_p.next_at.is_(None), _p.next_at <= moment)
        open_to_it = (_c.blocked_at.is_(None), or_(_c.flood_until.is_(None), _c.flood_until <= moment))
        found = select(_POSTS).join(_CHATS, _c.id == _p.chat_id).where(_UNSETTLED, due, *open_to_it)
        rows = self._all(found.order_by(_p.wanted_at, _p.chat_id, _p.key).limit(limit))
        return [post_from(row) for row in rows]

    def posts(self, states: Collection[str] = (), limit: int = 50) -> list[Post]:
        """Newest wish first, in these states."""
        found = select(_POSTS).order_by(_p.wanted_at.desc(), _p.chat_id, _p.key).limit(limit)
        if states:
            found = found.where(_p.state.in_([str(state) for state in states]))
        return [post_from(row) for row in self._all(found)]

    def posts_about(self, keys: Collection[str]) -> list[Post]:
        """Of all chats those with one of these keys, by chat."""
        mine = among(_p.key, [clean(key) for key in keys])
        rows = self._all(select(_POSTS).where(mine).order_by(_p.chat_id, _p.key))
        return [post_from(row) for row in rows]

    def post_counts(self) -> dict[str, int]:
        """How many per state."""
        return {row[0]: row[1] for row in self._all(select(_p.state, func.count()).group_by(_p.state))}

    def followed(self) -> int:
        """The position of the last event that posts were made of."""
        found = self._value(select(_s.value).where(_s.name == FOLLOWED))
        return 0 if found is None else int(json_value(found))


class ChatWrites(ChatReads):
    """What is written of chats and posts; the contract is `ports.chats.ChatWrites`."""

    def save_chat(self, chat: Chat) -> None:
        """Insert or replace, by its id."""
        self._insert_many(_CHATS, [chat_row(chat)], replacing(_CHATS))

    def drop_chat(self, chat_id: int) -> bool:
        """Forget a chat and its posts; whether there was one."""
        self._write(delete(_POSTS).where(_p.chat_id == chat_id))
        return self._write(delete(_CHATS).where(_c.id == chat_id)) > 0

    def save_post(self, post: Post) -> None:
        """Insert or replace, by chat and key. Raises Conflict where the chat was forgotten."""
        # Said before the database refuses it: a statement that failed spoils the transaction.
        if self._value(select(_c.id).where(_c.id == post.chat_id)) is None:
            raise Conflict(f"the chat {post.chat_id} is not connected any more")
        self._insert_many(_POSTS, [post_row(post)], replacing(_POSTS))

    def drop_post(self, chat_id: int, key: str) -> bool:
        """Forget a post; whether there was one."""
        return self._write(delete(_POSTS).where(_p.chat_id == chat_id, _p.key == clean(key))) > 0

    def prune_posts(self, before: datetime) -> int:
        """Delete settled replies that were wanted before then; return how many."""
        over = (_p.wanted_at < stamp(before), _p.state.in_(_SETTLED))
        return self._write(delete(_POSTS).where(_p.key.startswith(_REPLIES), *over))

    def follow_to(self, position: int) -> None:
        """Posts were made of all events up to that one."""
        self._insert_many(settings, [(FOLLOWED, json_text(position))], replacing(settings))
