"""What the tables are made of: column kinds, keys, indexes, and the one `metadata` that holds them all."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Index, Integer, MetaData, Text, text
from sqlalchemy.dialects import postgresql

BIG = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits, signed. SQLite makes only an INTEGER key its row id."""

TEXT = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""Text that sorts by code point on both databases, whatever the server's locale."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def column(name: str, kind: Any, *more: Any, **options: Any) -> Column[Any]:
    """A column that is never null unless `nullable` says so."""
    return Column(name, kind, *more, **{"nullable": False, **options})


def key_column() -> Column[Any]:
    """A number that only grows, never given twice."""
    return Column("id", BIG, Identity(), primary_key=True)


def organisation_column() -> Column[Any]:
    """The organisation that a row belongs to."""
    return column("organisation_id", BIG, ForeignKey("organisations.id"))


def index(name: str, *columns: Column[Any], where: str = "", unique: bool = False) -> Index:
    """An index, partial with `where`."""
    clause = text(where) if where else None
    return Index(name, *columns, unique=unique, sqlite_where=clause, postgresql_where=clause)
