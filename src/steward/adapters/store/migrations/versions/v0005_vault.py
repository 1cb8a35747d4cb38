"""The vault: values and data keys of projects as ciphertext, waivers, uses."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, TEXT, nullable=False) for name in names]


def _big(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, BIG, nullable=False) for name in names]


def _of_project(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=f"fk_{table}_project_id")


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "vault_values",
        *_text("project_id", "name", "sort", "places", "set_at", "set_by"),
        sa.Column("generated", sa.Boolean(), nullable=False),
        *_big("length"),
        sa.Column("sent_at", TEXT, nullable=True),
        *_big("version", "key_version"),
        sa.Column("cipher", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "name", name="pk_vault_values"),
        _of_project("vault_values"),
    )
    op.create_table(
        "vault_keys",
        *_text("project_id"),
        *_big("version"),
        *_text("master_id"),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", name="pk_vault_keys"),
        _of_project("vault_keys"),
    )
    op.create_table(
        "vault_waivers",
        *_text("project_id", "name", "reason", "waived_by", "at"),
        sa.PrimaryKeyConstraint("project_id", "name", name="pk_vault_waivers"),
        _of_project("vault_waivers"),
    )
    op.create_table(
        "vault_uses",
        sa.Column("id", BIG, sa.Identity(), nullable=False),
        *_text("project_id", "name", "used_for", "used_by", "at"),
        sa.PrimaryKeyConstraint("id", name="pk_vault_uses"),
        _of_project("vault_uses"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_vault_uses_project", "vault_uses", ["project_id", "id"])
