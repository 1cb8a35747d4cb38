"""What is to be shown in chats: wanted in the transaction that it tells of, shown by the loop of `Posting`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from steward.domain.chats import Chat, Post, PostState
from steward.ports import Writes

REPLY: Final = "reply:"
"""How the keys of replies begin: what is said once, to one message, and never changes."""


def want(tx: Writes, post: Post) -> Post:
    """Have a post shown as it is wanted now; one that is there already keeps its message, which is edited."""
    known = tx.post(post.chat_id, post.key)
    if known is not None:
        post = replace(
            known,
            kind=post.kind,
            data=post.data,
            wanted_at=post.wanted_at,
            urgent=post.urgent or known.urgent,
            state=PostState.UNCERTAIN if known.state is PostState.UNCERTAIN else PostState.WANTED,
            version=known.version + 1,
            attempts=0,
            next_at=None,
            error="",
        )
    tx.save_post(post)
    return post


def move_down(tx: Writes, post: Post) -> Post:
    """Have a post shown as a new message at the end of its chat; the message that showed it so far is deleted."""
    known = tx.post(post.chat_id, post.key)
    wanted = want(tx, post)
    if known is not None and known.message_id is not None:
        wanted = replace(wanted, message_id=None, old_id=known.message_id, shown="", thread_id=post.thread_id)
        tx.save_post(wanted)
    return wanted


def reply(
    tx: Writes,
    chat: Chat,
    message_id: int,
    kind: str,
    at: datetime,
    *,
    thread_id: int = 0,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Answer a message, once: it may arrive twice, or be worked on again after a crash."""
    key = f"{REPLY}{message_id}"
    if tx.post(chat.id, key) is None:
        made = Post(chat.id, key, kind, at, data or {}, thread_id=thread_id, reply_to=message_id, urgent=True)
        tx.save_post(made)
