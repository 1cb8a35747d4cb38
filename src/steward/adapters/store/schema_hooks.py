"""The tables of webhooks in: the hooks that GitHub has of us, and the inbox of their deliveries."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, LargeBinary, Table, UniqueConstraint

from steward.adapters.store.schema_kit import (
    BIG,
    TEXT,
    column,
    index,
    key_column,
    metadata,
    organisation_column,
)

hooks = Table(
    "hooks",
    metadata,
    # GitHub's own number of the hook.
    Column("id", BIG, primary_key=True, autoincrement=False),
    organisation_column(),
    column("url", TEXT),
    column("events", TEXT),
    column("active", Boolean),
    column("registered_at", TEXT),
    column("checked_at", TEXT, nullable=True),
    column("pinged_at", TEXT, nullable=True),
    column("swept_at", TEXT, nullable=True),
    column("swept_to", BIG),
    column("failure", TEXT),
)
index("ix_hooks_organisation", hooks.c.organisation_id)

deliveries = Table(
    "deliveries",
    metadata,
    key_column(),
    column("hook_id", BIG),
    column("guid", TEXT),
    column("event", TEXT),
    column("received_at", TEXT),
    column("body", LargeBinary),
    column("headers", TEXT),
    column("state", TEXT),
    column("attempts", BIG),
    column("error", TEXT),
    column("action", TEXT, server_default=""),
    # GitHub's numeric ids, as the body names them; null where it names none.
    column("owner_id", BIG, nullable=True),
    column("repository_id", BIG, nullable=True),
    column("next_at", TEXT, nullable=True),
    column("done_at", TEXT, nullable=True),
    column("look", BIG, nullable=True),
    column("source", TEXT, server_default="webhook"),
    # Ours, by the hook or by what the body names; null where none of ours is meant.
    column("organisation_id", BIG, nullable=True),
    column("ref", TEXT, server_default=""),
    # Of a push: where the ref is now, and who moved it (id, login, kind of account) as GitHub told.
    column("after", TEXT, server_default=""),
    column("sender", TEXT, nullable=True),
    UniqueConstraint("hook_id", "guid"),
    sqlite_autoincrement=True,
)
index("ix_deliveries_state", deliveries.c.state, deliveries.c.id)
index("ix_deliveries_hook", deliveries.c.hook_id, deliveries.c.id)
index("ix_deliveries_received", deliveries.c.received_at)
index(
    "ix_deliveries_pending",
    deliveries.c.organisation_id,
    deliveries.c.id,
    where="state = 'pending'",
)
index(
    "ix_deliveries_pushed",
    deliveries.c.repository_id,
    deliveries.c.after,
    where="sender IS NOT NULL",
)
