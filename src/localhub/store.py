"""The SQLite database under localhub: its tables, transactions, ids that are never reused, and records.

It knows no rule of GitHub's. A *record* is a JSON document of some kind (a label, a hook, a pull request) in a
scope (one repository or one owner), found by its id or by a key that is unique in that scope.

One connection is shared by all threads under one lock; localhub has one process, so this is all the ordering
that it needs.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE counter (kind TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE note (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE owner (
    id INTEGER PRIMARY KEY, login TEXT NOT NULL, login_key TEXT NOT NULL UNIQUE, type TEXT NOT NULL,
    served INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, version INTEGER NOT NULL,
    extra TEXT NOT NULL);
CREATE TABLE former_login (
    login_key TEXT PRIMARY KEY, owner_id INTEGER NOT NULL REFERENCES owner(id)) WITHOUT ROWID;
CREATE TABLE repo (
    id INTEGER PRIMARY KEY, owner_id INTEGER NOT NULL REFERENCES owner(id), name TEXT NOT NULL,
    name_key TEXT NOT NULL, visibility TEXT NOT NULL, archived INTEGER NOT NULL, description TEXT,
    default_branch TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, pushed_at TEXT,
    deleted_at TEXT, version INTEGER NOT NULL, seed TEXT NOT NULL, extra TEXT NOT NULL);
CREATE UNIQUE INDEX repo_name ON repo(owner_id, name_key) WHERE deleted_at IS NULL;
CREATE INDEX repo_created ON repo(owner_id, created_at, id, visibility, version) WHERE deleted_at IS NULL;
CREATE INDEX repo_visibility ON repo(owner_id, visibility) WHERE deleted_at IS NULL;
CREATE TABLE former_name (
    owner_id INTEGER NOT NULL, name_key TEXT NOT NULL, repo_id INTEGER NOT NULL REFERENCES repo(id),
    PRIMARY KEY (owner_id, name_key)) WITHOUT ROWID;
CREATE TABLE token (
    digest TEXT PRIMARY KEY, login TEXT NOT NULL, scopes TEXT NOT NULL, installation_id INTEGER,
    repositories TEXT, permissions TEXT, expires_at TEXT) WITHOUT ROWID;
CREATE TABLE record (
    kind TEXT NOT NULL, id INTEGER NOT NULL, scope TEXT NOT NULL, key TEXT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (kind, id), UNIQUE (kind, scope, key)) WITHOUT ROWID;
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY, hook_id INTEGER NOT NULL, guid TEXT NOT NULL, event TEXT NOT NULL, action TEXT,
    repository_id INTEGER, payload BLOB NOT NULL, queued_at TEXT NOT NULL, redelivery INTEGER NOT NULL,
    delivered_at TEXT, duration_s REAL, status TEXT, status_code INTEGER, request_headers TEXT,
    response_headers TEXT, response_body TEXT);
CREATE INDEX delivery_hook ON delivery(hook_id, id);
"""


class NewerData(RuntimeError):
    """The data directory was written by another version of localhub."""


class Taken(ValueError):
    """A record with this key exists already in its scope."""


@dataclass(frozen=True)
class Record:
    """One JSON document with its id; `key` is unique in the scope."""

    id: int
    scope: str
    key: str
    data: dict[str, Any]


class Store:
    """The database in one file."""

    def __init__(self, path: Path) -> None:
        """Open it, and make it when it is not there. Raises NewerData for an unknown version of it."""
        self.lock = threading.RLock()
        self._depth = 0
        path.touch(mode=0o600)  # it holds the secrets of hooks
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if version == 0:
            self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        elif version != SCHEMA_VERSION:
            self._db.close()
            raise NewerData(
                f"{path} holds data of version {version}; this localhub reads version {SCHEMA_VERSION}. "
                "Use the localhub that wrote it, or another --data-dir."
            )

    def close(self) -> None:
        """Close the file. The store cannot be used afterwards."""
        with self.lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all that is inside, or nothing; one within another belongs to the outer one."""
        with self.lock:
            if self._depth == 0:
                self._db.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._db.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._db.execute("COMMIT")

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self.lock:
            return self._db.execute(sql, values).fetchall()

    def row(self, sql: str, *values: object) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        with self.lock:
            found: sqlite3.Row | None = self._db.execute(sql, values).fetchone()
            return found

    def run(self, sql: str, *values: object) -> int:
        """Run a change; return how many rows it touched."""
        with self.lock:
            return self._db.execute(sql, values).rowcount

    def run_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a change once for each row of values."""
        with self.lock:
            self._db.executemany(sql, rows)

    def next_ids(self, kind: str, count: int, *, first: int = 1) -> range:
        """`count` ids of a kind that were never given before; the very first of all is `first`."""
        with self.transaction():
            row = self.row("SELECT next FROM counter WHERE kind = ?", kind)
            start = first if row is None else int(row["next"])
            self._set_counter(kind, start + count)
        return range(start, start + count)

    def next_id(self, kind: str, *, first: int = 1) -> int:
        """An id of a kind that was never given before."""
        return self.next_ids(kind, 1, first=first)[0]

    def reserve_id(self, kind: str, used: int) -> None:
        """Note that an id from elsewhere is in use, so that none up to it is given again."""
        with self.transaction():
            row = self.row("SELECT next FROM counter WHERE kind = ?", kind)
            self._set_counter(kind, max(used + 1, 1 if row is None else int(row["next"])))

    def _set_counter(self, kind: str, value: int) -> None:
        self.run(
            "INSERT INTO counter VALUES (?, ?) ON CONFLICT (kind) DO UPDATE SET next = excluded.next",
            kind,
            value,
        )

    def note(self, key: str) -> str | None:
        """A value that was noted under this key, or None."""
        row = self.row("SELECT value FROM note WHERE key = ?", key)
        return None if row is None else str(row["value"])

    def set_note(self, key: str, value: str) -> None:
        """Note a value under a key, in place of what was there."""
        self.run(
            "INSERT INTO note VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            key,
            value,
        )

    def add(self, kind: str, scope: str, key: str | None, data: dict[str, Any]) -> Record:
        """Add a record; without a key its id is its key. Raises Taken for a key that is in use."""
        with self.transaction():
            number = self.next_id(kind)
            name = str(number) if key is None else key
            try:
                self.run("INSERT INTO record VALUES (?, ?, ?, ?, ?)", kind, number, scope, name, _json(data))
            except sqlite3.IntegrityError as error:
                raise Taken(f"{kind} {name} exists already") from error
        return Record(number, scope, name, data)

    def change(self, kind: str, record: Record) -> None:
        """Write a record's key and data anew. Raises Taken when another has that key."""
        sql = "UPDATE record SET key = ?, data = ? WHERE kind = ? AND id = ?"
        try:
            self.run(sql, record.key, _json(record.data), kind, record.id)
        except sqlite3.IntegrityError as error:
            raise Taken(f"{kind} {record.key} exists already") from error

    def remove(self, kind: str, record_id: int) -> None:
        """Remove a record; nothing happens when it is not there."""
        self.run("DELETE FROM record WHERE kind = ? AND id = ?", kind, record_id)

    def records(self, kind: str, scope: str) -> list[Record]:
        """All records of a kind in a scope, by id."""
        found = self.rows("SELECT * FROM record WHERE kind = ? AND scope = ? ORDER BY id", kind, scope)
        return [_record(row) for row in found]

    def everywhere(self, kind: str) -> list[Record]:
        """All records of a kind in all scopes, by id."""
        return [_record(row) for row in self.rows("SELECT * FROM record WHERE kind = ? ORDER BY id", kind)]

    def by_key(self, kind: str, scope: str, key: str) -> Record | None:
        """The record with this key in a scope, or None."""
        row = self.row("SELECT * FROM record WHERE kind = ? AND scope = ? AND key = ?", kind, scope, key)
        return None if row is None else _record(row)

    def by_id(self, kind: str, scope: str, record_id: int) -> Record | None:
        """The record with this id, if it is in this scope."""
        row = self.row("SELECT * FROM record WHERE kind = ? AND id = ?", kind, record_id)
        return None if row is None or row["scope"] != scope else _record(row)


def _record(row: sqlite3.Row) -> Record:
    return Record(row["id"], row["scope"], row["key"], msgspec.json.decode(row["data"]))


def _json(data: dict[str, Any]) -> str:
    return msgspec.json.encode(data).decode()
