"""What is to be shown in chats: wanted in the transaction that it tells of. `Posting` of `app.showing` shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from steward.domain.chats import Chat, Post, PostState
from steward.ports import Writes

REPLY: Final = "reply:"
"""How the keys of replies begin: what is said once, to one message, and never changes."""
POSTS_MAX: Final = 100_000
"""More than there are."""


def want(tx: Writes, post: Post) -> Post:
    """Have a post shown as it is wanted now; one that is there already keeps its message, which is edited."""
    known = tx.post(post.chat_id, post.key)
    if known is not None:
        # One that is being sent for the first time may be there already, should nobody hear of it any more.
        is_open = known.state is PostState.UNCERTAIN or (
            known.state is PostState.SENDING and known.message_id is None
        )
        post = replace(
            known,
            kind=post.kind,
            data=post.data,
            wanted_at=post.wanted_at,
            urgent=post.urgent or known.urgent,
            state=PostState.UNCERTAIN if is_open else PostState.WANTED,
            version=known.version + 1,
            attempts=0,
            next_at=None,
            error="",
        )
    tx.save_post(post)
    return post


def move_down(tx: Writes, post: Post) -> Post:
    """Have a post shown as a new message at the end of its chat; the message that showed it so far is deleted.

    One that was moved a moment ago, its former message still to be deleted, stays where it is.
    """
    known = tx.post(post.chat_id, post.key)
    wanted = want(tx, post)
    if known is not None and known.message_id is not None and known.old_id is None:
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


def move_chat(tx: Writes, old_id: int, new_id: int) -> bool:
    """A group has a new id: its posts are shown there anew, whether or not it is known there. Whether it was here."""
    chat = tx.chat(old_id)
    if chat is None:
        return False
    if tx.chat(new_id) is None:
        tx.save_chat(replace(chat, id=new_id, thread_id=0, flood_until=None, blocked_at=None))
    for post in tx.posts((), POSTS_MAX):
        if post.chat_id == old_id and not post.key.startswith(REPLY) and tx.post(new_id, post.key) is None:
            tx.save_post(replace(_anew(post), chat_id=new_id, thread_id=0))
    tx.drop_chat(old_id)
    return True


def _anew(post: Post) -> Post:
    """To be shown as a new message, of which nothing is known yet."""
    state = post.state if post.state in (PostState.UNCERTAIN, PostState.FAILED) else PostState.WANTED
    return replace(post, state=state, message_id=None, old_id=None, reply_to=None, shown="", next_at=None)
