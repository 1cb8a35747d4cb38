"""The tables of chats: the chats with their posts, talks with what was said in them, calls of models."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, Double, ForeignKey, Table, UniqueConstraint

from steward.adapters.store.schema_kit import BIG, TEXT, column, index, key_column, metadata

IS_UNSETTLED: Final = "state IN ('wanted', 'sending', 'uncertain')"
"""Whether a post is to be shown yet, literally as the partial index says it: only then is it taken."""

IS_OPEN_TALK: Final = "state = 'open'"
"""Whether a talk goes on; likewise."""

IS_UNFOLDED: Final = "NOT folded"
"""Whether the brief lacks a message; likewise."""

chats = Table(
    "chats",
    metadata,
    # Telegram's own number, negative for a group.
    Column("id", BIG, primary_key=True, autoincrement=False),
    column("kind", TEXT),
    column("user_name", TEXT),
    column("joined_at", TEXT),
    column("lang", TEXT),
    column("title", TEXT),
    column("thread_id", BIG),
    column("organisation_id", BIG, ForeignKey("organisations.id"), nullable=True),
    column("quiet", TEXT),
    column("zone", TEXT),
    column("muted_until", TEXT, nullable=True),
    column("blocked_at", TEXT, nullable=True),
    column("flood_until", TEXT, nullable=True),
)
index("ix_chats_user", chats.c.user_name)

posts = Table(
    "posts",
    metadata,
    Column("chat_id", BIG, ForeignKey("chats.id"), primary_key=True, autoincrement=False),
    Column("key", TEXT, primary_key=True),
    column("kind", TEXT),
    column("wanted_at", TEXT),
    column("data", TEXT),
    column("state", TEXT),
    column("thread_id", BIG),
    column("reply_to", BIG, nullable=True),
    column("urgent", Boolean),
    column("message_id", BIG, nullable=True),
    column("old_id", BIG, nullable=True),
    column("shown", TEXT),
    column("version", BIG),
    column("attempts", BIG),
    column("next_at", TEXT, nullable=True),
    column("error", TEXT),
)
index("ix_posts_unsettled", posts.c.wanted_at, where=IS_UNSETTLED)
index("ix_posts_message", posts.c.chat_id, posts.c.message_id, where="message_id IS NOT NULL")
index("ix_posts_key", posts.c.key)

talks = Table(
    "talks",
    metadata,
    key_column(),
    column("key", TEXT),
    column("user_name", TEXT),
    column("opened_at", TEXT),
    column("changed_at", TEXT),
    column("purpose", TEXT),
    column("state", TEXT),
    column("brief", TEXT),
    column("asked", TEXT),
    column("project_id", TEXT, ForeignKey("projects.id"), nullable=True),
    # A chat may be forgotten; its talks stay.
    column("chat_id", BIG, nullable=True),
    column("thread_id", BIG),
    column("version", BIG),
    UniqueConstraint("key"),
    sqlite_autoincrement=True,
)
index("ix_talks_user", talks.c.user_name, talks.c.state, talks.c.changed_at)
index("ix_talks_project", talks.c.project_id, talks.c.id, where="project_id IS NOT NULL")

said = Table(
    "said",
    metadata,
    key_column(),
    column("talk_id", BIG, ForeignKey("talks.id")),
    column("key", TEXT),
    column("at", TEXT),
    column("text", TEXT),
    column("forwarded", Boolean),
    column("answers", TEXT),
    column("folded", Boolean),
    column("edited_at", TEXT, nullable=True),
    UniqueConstraint("talk_id", "key"),
    sqlite_autoincrement=True,
)
index("ix_said_unfolded", said.c.talk_id, where=IS_UNFOLDED)

mind_calls = Table(
    "mind_calls",
    metadata,
    key_column(),
    column("at", TEXT),
    column("user_name", TEXT),
    column("talk_id", BIG, ForeignKey("talks.id")),
    column("project_id", TEXT, ForeignKey("projects.id"), nullable=True),
    column("model", TEXT),
    column("input_tokens", BIG),
    column("output_tokens", BIG),
    column("cost_usd", Double, nullable=True),
    column("source", TEXT),
    column("outcome", TEXT),
    sqlite_autoincrement=True,
)
index("ix_mind_calls_user", mind_calls.c.user_name, mind_calls.c.at)
index("ix_mind_calls_talk", mind_calls.c.talk_id)
index("ix_mind_calls_project", mind_calls.c.project_id, where="project_id IS NOT NULL")
