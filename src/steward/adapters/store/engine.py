"""Connections: which database a URL names, how each is opened, and how transactions begin.

Knows nothing of tables. SQLite runs in WAL mode with synchronous=FULL; a write transaction begins
IMMEDIATE, because a deferred one that turns into a writer fails at once whatever the time-out. On
PostgreSQL a write transaction takes one advisory lock, so that on both databases there is one writer at a
time and what a transaction has read stays true until it commits.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool, StaticPool

from steward.adapters.store.errors import display_name, translated
from steward.ports import BadSettings, StoreUnavailable

BUSY_TIMEOUT_S: Final = 30.0
WRITE_LOCK: Final = 0x5374_6577_6172_6400
"""The advisory lock that every write transaction on PostgreSQL takes ("Steward")."""

_BEGIN: Final = "steward_begin"


@dataclass
class Database:
    """An engine, what to call it, and the rule that one thread has one transaction at a time."""

    engine: Engine
    name: str
    busy_timeout_s: float
    path: Path | None = None
    memory: bool = False
    secret: str = ""
    gate: threading.Lock = field(default_factory=threading.Lock)
    thread: threading.local = field(default_factory=threading.local)

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    def translated(self) -> AbstractContextManager[None]:
        """Raise what the drivers raise as the port's errors."""
        return translated(self.name, self.secret)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view; nothing is written."""
        with self._alone(), self.translated(), self.engine.connect() as raw:
            snapshot = " ISOLATION LEVEL REPEATABLE READ READ ONLY" if self.kind == "postgresql" else ""
            connection = raw.execution_options(**{_BEGIN: f"BEGIN{snapshot}"})
            with connection.begin() as transaction:
                yield connection
                transaction.rollback()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One write transaction, the only one at this time; commits at the end of the block."""
        with self._alone(), self._queued(), self.translated(), self.engine.connect() as raw:
            immediate = " IMMEDIATE" if self.kind == "sqlite" else ""
            connection = raw.execution_options(**{_BEGIN: f"BEGIN{immediate}"})
            with connection.begin():
                if self.kind == "postgresql":
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")
                yield connection

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One transaction per thread; in memory, where there is one connection, one at all."""
        if getattr(self.thread, "busy", False):
            raise RuntimeError("this thread has a transaction open already; use its view, or end it first")
        if self.memory and not self.gate.acquire(timeout=self.busy_timeout_s):
            raise StoreUnavailable(f"{self.name} is locked by another thread; try again")
        self.thread.busy = True
        try:
            yield
        finally:
            self.thread.busy = False
            if self.memory:
                self.gate.release()

    @contextmanager
    def _queued(self) -> Iterator[None]:
        """The writers of this process one after the other.

        SQLite itself has a writer that waits look again now and then: one that writes all the time would starve it.
        """
        if self.path is None:
            yield
            return
        if not self.gate.acquire(timeout=self.busy_timeout_s):
            raise StoreUnavailable(f"{self.name} is locked by another thread; try again")
        try:
            yield
        finally:
            self.gate.release()

    def close(self) -> None:
        """Close every connection that is not in use."""
        with self.translated():
            self.engine.dispose()


def connect(url: str, *, create: bool, busy_timeout_s: float = BUSY_TIMEOUT_S) -> Database:
    """Open a database by URL, without looking at what is in it.

    Raises BadSettings for a URL of another kind, StoreUnavailable where it is missing and not to be
    created. A new SQLite file, like the folder above it, is readable by its owner only.
    """
    parsed = _parse(url)
    name = display_name(parsed)
    if parsed.get_backend_name() == "postgresql":
        return _postgresql(parsed, name, busy_timeout_s)
    if parsed.database in (None, "", ":memory:"):
        return _memory(name, busy_timeout_s)
    path = Path(str(parsed.database)).expanduser().absolute()
    if not path.exists():
        if not create:
            raise StoreUnavailable(
                f"there is no database {path}; correct STEWARD_DATABASE_URL, or make it with `steward up`"
            )
        _make_file(path)
    return _sqlite_file(parsed.set(database=str(path)), path, name, busy_timeout_s)


def _parse(url: str) -> URL:
    advice = "Write sqlite:////absolute/path/steward.db or postgresql://user:password@host/name."
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise BadSettings("STEWARD_DATABASE_URL is no database address", advice) from None
    if parsed.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        return parsed.set(drivername="sqlite+pysqlite")
    raise BadSettings(f"STEWARD_DATABASE_URL names a database of kind {parsed.drivername!r}", advice)


def _make_file(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreUnavailable(
            f"the database {path} cannot be made ({error.strerror}); see its folder"
        ) from error


def _sqlite_file(url: URL, path: Path, name: str, busy_timeout_s: float) -> Database:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=8,
        max_overflow=56,
        pool_timeout=busy_timeout_s,
        hide_parameters=True,
        connect_args={"timeout": busy_timeout_s, "check_same_thread": False, "isolation_level": None},
    )

    def on_connect(connection: Any, _record: object) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", _begin)
    return Database(engine, name, busy_timeout_s, path=path)


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))


def _memory(name: str, busy_timeout_s: float) -> Database:
    """A database of this process, on one connection.

    All of them share one dialect and its compiled statements: tests open thousands.
    """

    def open_connection() -> Any:
        connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        connection.execute("PRAGMA foreign_keys=ON")
        return connection

    engine = Engine(StaticPool(open_connection), _memory_dialect(), _MEMORY_URL, hide_parameters=True)
    engine.update_execution_options(compiled_cache=_MEMORY_STATEMENTS)
    event.listen(engine, "begin", _begin)
    return Database(engine, name, busy_timeout_s, memory=True)


_MEMORY_URL: Final = make_url("sqlite+pysqlite://")
_MEMORY_STATEMENTS: Final[dict[Any, Any]] = {}


@cache
def _memory_dialect() -> SQLiteDialect_pysqlite:
    """The dialect as `create_engine` sets it up, initialised once."""
    engine = create_engine(_MEMORY_URL)
    with engine.connect():
        dialect = engine.dialect
    engine.dispose()
    assert isinstance(dialect, SQLiteDialect_pysqlite)
    return dialect


def _postgresql(url: URL, name: str, busy_timeout_s: float) -> Database:
    engine = create_engine(
        url,
        pool_size=8,
        max_overflow=24,
        pool_timeout=busy_timeout_s,
        pool_pre_ping=True,
        hide_parameters=True,
        # Transactions begin with the statement that `_begin` sends: one round trip, whatever their kind.
        isolation_level="AUTOCOMMIT",
        connect_args={
            "connect_timeout": 10,
            "keepalives_idle": 30,
            "application_name": "steward",
            "options": f"-c lock_timeout={int(busy_timeout_s * 1000)}",
        },
    )
    event.listen(engine, "begin", _begin)
    secret = str(url.password) if url.password else ""
    return Database(engine, name, busy_timeout_s, secret=secret)
