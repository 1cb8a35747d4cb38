"""The tables of people: users, what proves who they are, the audit log, and answers kept for repeats."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Table, UniqueConstraint

from steward.adapters.store.schema_kit import BIG, TEXT, column, index, key_column, metadata

users = Table(
    "users",
    metadata,
    key_column(),
    column("name", TEXT),
    column("created_at", TEXT),
    column("grants", TEXT),
    column("full_name", TEXT),
    column("lang", TEXT, nullable=True),
    column("disabled_at", TEXT, nullable=True),
    UniqueConstraint("name"),
    sqlite_autoincrement=True,
)

passes = Table(
    "passes",
    metadata,
    key_column(),
    column("kind", TEXT),
    column("user_id", BIG, ForeignKey("users.id")),
    column("digest", TEXT),
    column("created_at", TEXT),
    column("expires_at", TEXT),
    column("note", TEXT),
    column("rights", TEXT, nullable=True),
    column("organisation_id", BIG, ForeignKey("organisations.id"), nullable=True),
    column("used_at", TEXT, nullable=True),
    column("ended_at", TEXT, nullable=True),
    column("made_by", TEXT),
    UniqueConstraint("digest"),
    sqlite_autoincrement=True,
)
index("ix_passes_user", passes.c.user_id, passes.c.kind)
index("ix_passes_expires", passes.c.expires_at)

audit = Table(
    "audit",
    metadata,
    key_column(),
    column("at", TEXT),
    column("actor", TEXT),
    column("action", TEXT),
    column("outcome", TEXT),
    column("right", TEXT),
    column("target", TEXT),
    column("reason", TEXT),
    column("request", TEXT),
    column("address", TEXT),
    sqlite_autoincrement=True,
)
index("ix_audit_at", audit.c.at)

# What a request with an idempotency key was answered, so that its repeat gets the same and does nothing.
answers = Table(
    "answers",
    metadata,
    Column("key", TEXT, primary_key=True),
    Column("actor", TEXT, primary_key=True),
    column("fingerprint", TEXT),
    column("at", TEXT),
    column("status", BIG, nullable=True),
    column("body", TEXT),
)
index("ix_answers_at", answers.c.at)
