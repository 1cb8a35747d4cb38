"""The tables of the vault: values and data keys as ciphertext, what is done without, and uses."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, ForeignKey, LargeBinary, Table

from steward.adapters.store.schema_kit import BIG, TEXT, column, index, key_column, metadata


def _project(**options: Any) -> Column[Any]:
    return column("project_id", TEXT, ForeignKey("projects.id"), **options)


vault_values = Table(
    "vault_values",
    metadata,
    _project(primary_key=True),
    column("name", TEXT, primary_key=True),
    column("sort", TEXT),
    column("places", TEXT),
    column("set_at", TEXT),
    column("set_by", TEXT),
    column("generated", Boolean),
    column("length", BIG),
    # The one column that the ciphertext is not bound to: it is written when GitHub was given the value.
    column("sent_at", TEXT, nullable=True),
    column("version", BIG),
    column("key_version", BIG),
    column("cipher", LargeBinary),
)

vault_keys = Table(
    "vault_keys",
    metadata,
    _project(primary_key=True),
    column("version", BIG),
    column("master_id", TEXT),
    column("wrapped", LargeBinary),
)

vault_waivers = Table(
    "vault_waivers",
    metadata,
    _project(primary_key=True),
    column("name", TEXT, primary_key=True),
    column("reason", TEXT),
    column("waived_by", TEXT),
    column("at", TEXT),
)

vault_uses = Table(
    "vault_uses",
    metadata,
    key_column(),
    _project(),
    column("name", TEXT),
    column("used_for", TEXT),
    column("used_by", TEXT),
    column("at", TEXT),
    sqlite_autoincrement=True,
)
index("ix_vault_uses_project", vault_uses.c.project_id, vault_uses.c.id)
