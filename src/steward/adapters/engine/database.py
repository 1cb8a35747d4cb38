"""Where DBOS keeps what it knows, how that is opened, and what drivers raise said in the port's errors.

On SQLite it is a file of its own, so that the steps of attempts and the application's transactions do not
wait for each other. On PostgreSQL it is a schema of its own in the application's database.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from dbos import DBOS
from dbos import error as dbos_error
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from steward.ports import BadSettings, Permanent, StoreUnavailable

FILE: Final = "engine.db"
SCHEMA: Final = "steward_engine"
BUSY_TIMEOUT_S: Final = 30.0

executors: Final = sa.Table(
    "steward_executors",
    sa.MetaData(schema=SCHEMA),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
)
"""Our own table on PostgreSQL: the processes that work, and when each last said so."""

_PREPARE_LOCK: Final = 0x5374_6577_456E_6701
"""The advisory lock under which it is made: PostgreSQL lets two that make one table collide."""

_PRAGMAS: Final = (
    f"busy_timeout={int(BUSY_TIMEOUT_S * 1000)}",
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
)


@dataclass(frozen=True, slots=True)
class Place:
    """One database that DBOS works in. `path` is the file on SQLite; None on PostgreSQL."""

    url: sa.URL
    path: Path | None

    @property
    def name(self) -> str:
        """How messages call it: never with its password."""
        if self.path is not None:
            return f"the engine's file {self.path}"
        return f"the database {self.url.render_as_string(hide_password=True).replace('+psycopg', '')}"


def locate(url: str, state_dir: Path) -> Place:
    """The place that belongs to the application's database. Raises BadSettings for another kind of URL."""
    advice = "Write sqlite:////absolute/path/steward.db or postgresql://user:password@host/name."
    try:
        parsed = sa.make_url(url)
    except ArgumentError:
        raise BadSettings("STEWARD_DATABASE_URL is no database address", advice) from None
    if parsed.drivername in {"sqlite", "sqlite+pysqlite"}:
        path = (state_dir / FILE).absolute()
        return Place(sa.URL.create("sqlite", database=str(path)), path)
    if parsed.drivername in {"postgres", "postgresql", "postgresql+psycopg"}:
        return Place(parsed.set(drivername="postgresql+psycopg"), None)
    raise BadSettings(f"STEWARD_DATABASE_URL names a database of kind {parsed.drivername!r}", advice)


def connect(place: Place, over: Callable[[], bool] | None = None) -> sa.Engine:
    """Open it, without a look at what is in it.

    With `over` it is for DBOS itself, which tries again where a connection has gone stale, and waits without end
    for a database that is away: once `over` says so, every thread that asks for a connection ends.
    """
    made = _sqlite(place) if place.path is not None else _postgresql(place, asked=over is None)
    if over is None:
        return made

    def on_checkout(*_: object) -> None:
        if over():
            raise SystemExit

    sa.event.listen(made, "checkout", on_checkout)
    return made


def _sqlite(place: Place) -> sa.Engine:
    # Threads queue for few connections in turn. With many, all would wait for the one lock within SQLite, which
    # looks again now and then, and some would starve: measured, a fifteenth of the rate at 32 threads.
    made = sa.create_engine(place.url, hide_parameters=True, pool_size=4, max_overflow=0)

    def on_connect(connection: Any, _record: object) -> None:
        # As DBOS opens a file itself: a transaction that writes begins as one.
        connection.isolation_level = "IMMEDIATE"
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}").close()

    sa.event.listen(made, "connect", on_connect)
    return made


def _postgresql(place: Place, *, asked: bool) -> sa.Engine:
    return sa.create_engine(
        place.url,
        hide_parameters=True,
        pool_size=5,
        max_overflow=40,
        pool_pre_ping=asked,
        connect_args={
            "connect_timeout": 10,
            "keepalives_idle": 10,
            "tcp_user_timeout": 10_000,
            "application_name": "steward-engine",
            # One that hangs within a transaction (a process that was stopped) lets its locks go.
            "options": "-c idle_in_transaction_session_timeout=60000",
        },
    )


def prepare(place: Place, database: sa.Engine) -> None:
    """Make the file, its tables and ours, or bring DBOS's tables up to date. Any number of processes at once.

    Raises StoreUnavailable where it cannot be reached or made, BadSettings where this user may not make it.
    """
    if place.path is not None:
        _make_file(place.path)
    with translated(place):
        with database.connect():
            pass  # The first to connect says in time whether it answers; the migration would wait.
        DBOS.migrate(place.url.render_as_string(hide_password=False), schema=SCHEMA)
        if place.path is None:
            with database.begin() as connection:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_PREPARE_LOCK)))
                executors.create(connection, checkfirst=True)


def _make_file(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreUnavailable(
            f"the engine's file {path} cannot be made ({error.strerror}); see its folder"
        ) from error


@contextmanager
def translated(place: Place) -> Iterator[None]:
    """Raise what drivers and DBOS raise in this block as StoreUnavailable or Permanent."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise _forbidden(place) from error
    except (SQLAlchemyError, sqlite3.Error, psycopg.Error) as error:
        if isinstance(getattr(error, "orig", None), psycopg.errors.InsufficientPrivilege):
            raise _forbidden(place) from error
        raise StoreUnavailable(f"{place.name} did not do it ({_told(place, error)}); try again") from error
    except dbos_error.DBOSException as error:
        raise Permanent(
            f"the engine refused ({_told(place, error)})",
            "See whether another version of Steward uses the same database.",
        ) from error


def _forbidden(place: Place) -> BadSettings:
    return BadSettings(
        f"{place.name} does not let this user make the schema {SCHEMA}", "Grant it CREATE on the database."
    )


def _told(place: Place, error: Exception) -> str:
    """The first line of what the driver said, without a password."""
    cause = getattr(error, "orig", None) or error
    line = next(iter(str(cause).strip().splitlines()), type(cause).__name__)
    return line.replace(str(place.url.password), "***") if place.url.password else line
