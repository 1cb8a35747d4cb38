"""Backups: the whole database in one file of gzipped JSON lines, taken in one consistent view.

The same file fills SQLite and PostgreSQL. Its first line names the schema; then come, per table, a line
with its columns and a line per row; then the counters of the keys; the last line counts the rows, so that
a file cut short is known. Nothing outside the database (settings, secrets, lock files) is in it.
"""

from __future__ import annotations

import base64
import gzip
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import chain, groupby
from pathlib import Path
from typing import IO, Any, Final

import msgspec
from sqlalchemy import Connection, LargeBinary, MetaData, Table, func, inspect, select, text

from steward.adapters.store.engine import Database, connect
from steward.adapters.store.opening import BASE, EMPTY, create_schema, refuse_unless_older, revision
from steward.adapters.store.schema import HEAD
from steward.adapters.store.store import SqlStore, SqlWrites
from steward.adapters.store.view import View
from steward.app.marking import mark_restored
from steward.ports import Permanent, StoreUnavailable

FORMAT: Final = "steward-backup-1"
VERSIONS: Final = "alembic_version"
RESTORED_AT: Final = "restored_at"
"""The setting that tells when the database was last restored."""


def backup(url: str, target: Path) -> None:
    """Copy the whole database into a new file; it may be in use meanwhile.

    The copy is read back before it gets its name. Raises Permanent if `target` exists,
    StoreUnavailable if it cannot be written or the database cannot be read.
    """
    database = connect(url, create=False)
    try:
        back_up(database, target)
    finally:
        database.close()


def back_up(database: Database, target: Path) -> None:
    """The same for a database that is open."""
    if target.exists():
        raise Permanent(f"{target} exists already", "Name a new file.")
    partial = target.with_name(f".{target.name}.partial")
    try:
        with _owner_only(partial) as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as packed:
            _dump(database, packed)
        for _ in _lines(partial):
            pass  # reading to the end verifies every line, the count and the checksum
        partial.replace(target)
    except OSError as error:
        raise StoreUnavailable(
            f"the backup {target} cannot be written ({error.strerror}); see its folder and the room on its disk"
        ) from error
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _owner_only(path: Path) -> Iterator[IO[bytes]]:
    """A file that its owner alone may read, on the disk when the block ends."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _dump(database: Database, out: gzip.GzipFile) -> None:
    def line(value: Any) -> None:
        out.write(msgspec.json.encode(value) + b"\n")

    with database.reading() as connection:
        tables = _tables(connection)
        line({"format": FORMAT, "schema": revision(connection), "at": _now(connection).isoformat()})
        count = 0
        for table in tables:
            line({"table": str(table.name), "columns": [str(column.name) for column in table.columns]})
            ordered = select(table).order_by(*table.primary_key.columns)
            for row in connection.execution_options(yield_per=1000).execute(ordered):
                line(list(row))
                count += 1
        line({"counters": _counters(connection, tables)})
        line({"rows": count})


def _tables(connection: Connection) -> list[Table]:
    """The tables as the database has them, those that are referred to first."""
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != VERSIONS]


def _counters(connection: Connection, tables: Iterable[Table]) -> dict[str, int]:
    """The last key that was given in each table, be its row there still or not."""
    if connection.dialect.name == "sqlite":
        # SQLite makes this table with the first one that counts.
        if not connection.execute(text("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'")).first():
            return {}
        return {row[0]: row[1] for row in connection.execute(text("SELECT name, seq FROM sqlite_sequence"))}
    query = text(
        "SELECT COALESCE(pg_sequence_last_value(CAST(pg_get_serial_sequence(:table, 'id') AS REGCLASS)), 0)"
    )
    counted = [table.name for table in tables if _is_counted(table)]
    return {name: int(connection.execute(query, {"table": name}).scalar_one()) for name in counted}


def _is_counted(table: Table) -> bool:
    return any(column.identity is not None for column in table.columns)


def _lines(source: Path) -> Iterator[Any]:
    """Every line of a backup but the last, which is verified. Raises Permanent for a file that is no backup."""
    rows, counted = 0, -1
    try:
        with gzip.open(source, "rb") as packed:
            for number, line in enumerate(packed):
                value = msgspec.json.decode(line)
                if number == 0 and (not isinstance(value, dict) or value.get("format") != FORMAT):
                    raise Permanent(f"{source} is no backup that this Steward can read", "Name another file.")
                rows += isinstance(value, list)
                counted = value["rows"] if isinstance(value, dict) and "rows" in value else -1
                yield value
    except (EOFError, zlib.error, gzip.BadGzipFile, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Permanent(f"{source} is no whole backup ({error})", "Name another file.") from error
    except OSError as error:
        raise StoreUnavailable(f"{source} cannot be read ({error.strerror})") from error
    if counted != rows:
        raise Permanent(f"{source} was cut short: its last line is not there", "Name another file.")


def restore(url: str, source: Path, *, force: bool = False) -> None:
    """Fill a database from a backup, in one transaction; every organisation comes back frozen, nobody signed in.

    `force` replaces what it holds. Raises Permanent if it holds anything (without `force`) or the file is
    no whole backup, SchemaMismatch if the backup is of a newer Steward, StoreUnavailable if the database
    is in use or cannot be written. Nothing is changed then.
    """
    schema, made_at = BASE, None
    for line in _lines(source):
        if isinstance(line, dict):
            schema, made_at = line.get("schema", schema), line.get("at", made_at)
    database = connect(url, create=True)
    try:
        refuse_unless_older(database, schema)
        _refuse_if_running(database)
        with database.writing() as connection:
            _make_room(database, connection, force=force)
            _load(database, connection, source, schema)
            writes, now = SqlWrites(database, connection), _now(connection)
            mark_restored(writes, now, "steward db restore", _moment(made_at))
            writes.set_setting(RESTORED_AT, now.isoformat())
            _end_passes(writes, now)
    finally:
        database.close()


def _refuse_if_running(database: Database) -> None:
    store = SqlStore(database)
    with database.reading() as connection:
        if not inspect(connection).has_table("leases"):
            return
        names = [row[0] for row in connection.execute(text("SELECT name FROM leases"))]
    for name in names:
        holder = store.holder(name)
        if holder is not None:
            raise StoreUnavailable(f"{database.name} is in use ({holder}); stop Steward, then restore")


def _make_room(database: Database, connection: Connection, *, force: bool) -> None:
    """Leave no table behind; refuse to drop one that holds anything, unless forced."""
    found = MetaData()
    found.reflect(connection)
    for table in found.sorted_tables:
        if force or table.name == VERSIONS:
            continue
        if connection.execute(select(func.count()).select_from(table)).scalar():
            raise Permanent(
                f"{database.name} is not empty",
                "Restore into a new database, or replace this one with --force.",
            )
    found.drop_all(connection)


def _load(database: Database, connection: Connection, source: Path, schema: str) -> None:
    """Make the schema of the backup, fill it, and bring it up to this version's."""
    if schema == HEAD:
        create_schema(connection)
    elif schema not in (EMPTY, BASE):
        from steward.adapters.store.migrate import run

        run(connection, schema)
    tables = {table.name: table for table in _tables(connection)}
    view = View(database, connection)
    for table, rows in _by_table(source, tables):
        view.insert_whole(table, rows)
    _set_counters(connection, source)
    if schema != HEAD:
        from steward.adapters.store.migrate import run

        run(connection, "head")


def _by_table(source: Path, tables: dict[str, Table]) -> Iterator[tuple[Table, Iterator[tuple[Any, ...]]]]:
    table: Table | None = None

    def place(line: Any) -> Table | None:
        nonlocal table
        if isinstance(line, dict) and "table" in line:
            table = tables[line["table"]]
        return table

    for found, lines in groupby(_lines(source), place):
        if found is not None:
            yield found, _rows(found, lines)


def _rows(table: Table, lines: Iterator[Any]) -> Iterator[tuple[Any, ...]]:
    """The rows of one table, in the order of its columns here."""
    head = next(lines)["columns"]
    order = [head.index(column.name) for column in table.columns]
    binary = [isinstance(column.type, LargeBinary) for column in table.columns]
    for line in lines:
        if isinstance(line, list):
            values = (line[place] for place in order)
            yield tuple(
                base64.b64decode(value) if packed else value
                for value, packed in zip(values, binary, strict=True)
            )


def _set_counters(connection: Connection, source: Path) -> None:
    lines = (line["counters"] for line in _lines(source) if isinstance(line, dict) and "counters" in line)
    for name, last in chain.from_iterable(counters.items() for counters in lines):
        values = {"name": name, "last": last}
        if connection.dialect.name == "sqlite":
            connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), values)
            connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), values)
        elif last:
            connection.execute(text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :last)"), values)


def _end_passes(tx: SqlWrites, at: datetime) -> None:
    """End every session, link and token: some may have been ended, or their users disabled, since the backup.

    A connected chat is such a proof, too, and is forgotten; its talks stay.
    """
    tx.end_passes([made.id for made in tx.passes()], at)
    for chat in tx.chats():
        tx.drop_chat(chat.id)


def _moment(said: Any) -> datetime | None:
    """When the backup was made; one of an earlier Steward does not tell."""
    try:
        return datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return None


def _now(connection: Connection) -> datetime:
    """The time by the database's clock: this room has no other."""
    if connection.dialect.name == "sqlite":
        query = "SELECT strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now')"
    else:
        query = (
            "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') || '+00:00'"
        )
    return datetime.fromisoformat(connection.exec_driver_sql(query).scalar_one())
