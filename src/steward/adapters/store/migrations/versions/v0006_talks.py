"""Talks: chats with their posts, talks with what was said, calls of models."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def _text(*names: str, nullable: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, TEXT, nullable=nullable) for name in names]


def _big(*names: str, nullable: bool = False) -> list[sa.Column[int]]:
    return [sa.Column(name, BIG, nullable=nullable) for name in names]


def _bool(*names: str) -> list[sa.Column[bool]]:
    return [sa.Column(name, sa.Boolean(), nullable=False) for name in names]


def _key() -> sa.Column[int]:
    return sa.Column("id", BIG, sa.Identity(), nullable=False)


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [to], name=f"fk_{table}_{column}")


def _index(name: str, table: str, columns: list[str], where: str = "") -> None:
    clause = sa.text(where) if where else None
    op.create_index(name, table, columns, sqlite_where=clause, postgresql_where=clause)


def upgrade() -> None:
    """Add the tables."""
    _chats()
    _posts()
    _talks()
    _said()
    _mind_calls()


def _chats() -> None:
    op.create_table(
        "chats",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        *_text("kind", "user_name", "joined_at", "lang", "title"),
        *_big("thread_id"),
        *_big("organisation_id", nullable=True),
        *_text("quiet", "zone"),
        *_text("muted_until", "blocked_at", "flood_until", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_chats"),
        _refers("chats", "organisation_id", "organisations.id"),
    )
    _index("ix_chats_user", "chats", ["user_name"])


def _posts() -> None:
    op.create_table(
        "posts",
        sa.Column("chat_id", BIG, autoincrement=False, nullable=False),
        *_text("key", "kind", "wanted_at", "data", "state"),
        *_big("thread_id"),
        *_big("reply_to", nullable=True),
        *_bool("urgent"),
        *_big("message_id", "old_id", nullable=True),
        *_text("shown"),
        *_big("version", "attempts"),
        *_text("next_at", nullable=True),
        *_text("error"),
        sa.PrimaryKeyConstraint("chat_id", "key", name="pk_posts"),
        _refers("posts", "chat_id", "chats.id"),
    )
    _index("ix_posts_unsettled", "posts", ["wanted_at"], "state IN ('wanted', 'sending', 'uncertain')")
    _index("ix_posts_message", "posts", ["chat_id", "message_id"], "message_id IS NOT NULL")
    _index("ix_posts_key", "posts", ["key"])


def _talks() -> None:
    op.create_table(
        "talks",
        _key(),
        *_text("key", "user_name", "opened_at", "changed_at", "purpose", "state", "brief", "asked"),
        *_text("project_id", nullable=True),
        *_big("chat_id", nullable=True),
        *_big("thread_id", "version"),
        sa.PrimaryKeyConstraint("id", name="pk_talks"),
        sa.UniqueConstraint("key", name="uq_talks_key"),
        _refers("talks", "project_id", "projects.id"),
        sqlite_autoincrement=True,
    )
    _index("ix_talks_user", "talks", ["user_name", "state", "changed_at"])
    _index("ix_talks_project", "talks", ["project_id", "id"], "project_id IS NOT NULL")


def _said() -> None:
    op.create_table(
        "said",
        _key(),
        *_big("talk_id"),
        *_text("key", "at", "text"),
        *_bool("forwarded"),
        *_text("answers"),
        *_bool("folded"),
        *_text("edited_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_said"),
        sa.UniqueConstraint("talk_id", "key", name="uq_said_talk_id_key"),
        _refers("said", "talk_id", "talks.id"),
        sqlite_autoincrement=True,
    )
    _index("ix_said_unfolded", "said", ["talk_id"], "NOT folded")


def _mind_calls() -> None:
    op.create_table(
        "mind_calls",
        _key(),
        *_text("at", "user_name"),
        *_big("talk_id"),
        *_text("project_id", nullable=True),
        *_text("model"),
        *_big("input_tokens", "output_tokens"),
        sa.Column("cost_usd", sa.Double(), nullable=True),
        *_text("source", "outcome"),
        sa.PrimaryKeyConstraint("id", name="pk_mind_calls"),
        _refers("mind_calls", "talk_id", "talks.id"),
        _refers("mind_calls", "project_id", "projects.id"),
        sqlite_autoincrement=True,
    )
    _index("ix_mind_calls_user", "mind_calls", ["user_name", "at"])
    _index("ix_mind_calls_talk", "mind_calls", ["talk_id"])
    _index("ix_mind_calls_project", "mind_calls", ["project_id"], "project_id IS NOT NULL")
