"""How statements reach the database: run, read, and write many rows at once. Knows no table by name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import islice
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Double,
    Executable,
    FromClause,
    LargeBinary,
    Select,
    Table,
    Text,
    cast,
    literal,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from steward.adapters.store.engine import Database

CHUNK: Final = 5_000
"""Rows per statement: enough to make its cost vanish, few enough to keep memory flat."""


class _Elements(FunctionElement[Any]):
    """The elements of a JSON array, as rows of one column `value`."""

    name = "elements"
    inherit_cache = True


@compiles(_Elements, "sqlite")
def _elements_sqlite(element: _Elements, compiler: Any, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(_Elements, "postgresql")
def _elements_postgresql(element: _Elements, compiler: Any, **options: Any) -> str:
    return f"jsonb_array_elements_text(CAST({compiler.process(element.clauses, **options)} AS JSONB))"


def elements(values: Collection[Any], *, numbers: bool) -> Select[Any]:
    """These values as a subquery of one column, passed as one parameter however many they are."""
    packed = literal(msgspec.json.encode(list(values)).decode(), Text())
    source: FromClause = _Elements(packed).table_valued("value")
    return select(cast(source.c.value, BigInteger() if numbers else Text()).label("value"))


def among(column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Whether the column is one of these values."""
    numbers = isinstance(column.type, BigInteger)
    return column.in_(elements(values, numbers=numbers))


class View:
    """A transaction to run statements in. A statement that fails spoils it: it cannot commit any more."""

    def __init__(self, database: Database, connection: Connection) -> None:
        self._database = database
        self._connection = connection
        self._kind = database.kind
        self.failure: Exception | None = None

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            with self._database.translated():
                yield
        except Exception as error:
            self.failure = error
            raise

    def _all(self, statement: Executable) -> Sequence[Any]:
        with self._guarded():
            return self._connection.execute(statement).all()

    def _first(self, statement: Executable) -> Any | None:
        with self._guarded():
            return self._connection.execute(statement).first()

    def _value(self, statement: Executable) -> Any:
        with self._guarded():
            return self._connection.execute(statement).scalar()

    def _write(self, statement: Executable) -> int:
        """Run it; return how many rows it wrote."""
        with self._guarded():
            return self._connection.execute(statement).rowcount

    def _raw(self, statement: str, parameters: tuple[Any, ...]) -> Any:
        """Run plain SQL with `?` for parameters; return the driver's cursor, past SQLAlchemy's rows."""
        if self._kind == "postgresql":
            statement = statement.replace("?", "%s")
        with self._guarded():
            return self._connection.exec_driver_sql(statement, parameters).cursor

    def _insert_many(self, table: Table, rows: Iterable[tuple[Any, ...]], conflict: str = "") -> int:
        """Insert rows of every column but a key that the database gives; return how many were written.

        `conflict` is an ON CONFLICT clause. PostgreSQL takes a chunk as one JSON parameter; SQLite, which
        is in this process, runs one prepared statement over it (three times as fast there as JSON).
        """
        return self._insert(
            insert_statement(table, tuple(written_columns(table)), self._kind, conflict), rows
        )

    def insert_whole(self, table: Table, rows: Iterable[tuple[Any, ...]]) -> int:
        """The same with the keys, as a backup holds them."""
        names = tuple(column.name for column in table.columns)
        return self._insert(insert_statement(table, names, self._kind, ""), rows)

    def _insert(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> int:
        rows, written = iter(rows), 0
        while chunk := list(islice(rows, CHUNK)):
            if self._kind == "postgresql":
                parameters: Any = (pack(chunk),)
            else:
                parameters = chunk
            with self._guarded():
                written += self._connection.exec_driver_sql(statement, parameters).rowcount
        return written


def written_columns(table: Table) -> list[str]:
    """The columns that an insert names: all but a key that the database gives."""
    return [column.name for column in table.columns if column.identity is None]


@cache
def insert_statement(table: Table, names: tuple[str, ...], kind: str, conflict: str) -> str:
    """The INSERT that takes a chunk of rows of these columns, in the manner of that database."""
    quoted = (f'"{name}"' for name in names)  # some are words of SQL
    head = f"INSERT INTO {table.name} ({', '.join(quoted)})"
    if kind == "sqlite":
        return f"{head} VALUES ({', '.join('?' * len(names))}) {conflict}"
    values = ", ".join(_from_json(table, name, place) for place, name in enumerate(names))
    source = "FROM jsonb_array_elements(%s::jsonb)"
    return f"{head} SELECT {values} {source} {conflict}"


def replacing(table: Table) -> str:
    """The clause of an INSERT that replaces the row with the same key."""
    keys = [column.name for column in table.primary_key]
    others = [column.name for column in table.columns if column.name not in keys]
    assignments = ", ".join(f'"{name}" = excluded."{name}"' for name in others)
    return f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {assignments}"


def _from_json(table: Table, name: str, place: int) -> str:
    kind = table.columns[name].type
    if isinstance(kind, LargeBinary):
        return f"decode(value->>{place}, 'base64')"
    if isinstance(kind, Text):
        return f"value->>{place}"
    if isinstance(kind, Double):
        return f"(value->>{place})::double precision"
    return f"(value->>{place})::{'bigint' if isinstance(kind, BigInteger) else 'boolean'}"


def pack(rows: Sequence[Sequence[Any]]) -> str:
    """Write rows as JSON that PostgreSQL can read."""
    return msgspec.json.encode(rows).decode()
