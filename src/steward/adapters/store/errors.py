"""What drivers and SQLAlchemy raise, said in the port's errors with what to do next.

Nothing of SQLAlchemy, sqlite3 or psycopg leaves the adapter as an exception; each stays attached as the
cause. Messages name the database without its password.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from sqlalchemy import URL
from sqlalchemy import exc as sa

from steward.ports import Conflict, SchemaMismatch, StoreUnavailable

DRIVER_ERRORS: Final = (sa.SQLAlchemyError, sqlite3.Error, psycopg.Error)

_SQLITE: Final = {
    "SQLITE_BUSY": "{name} is locked by another process; wait for it or stop it, then try again",
    "SQLITE_LOCKED": "{name} is locked by another process; wait for it or stop it, then try again",
    "SQLITE_FULL": "there is no room left to write {name}; free some space, then try again",
    "SQLITE_READONLY": "{name} cannot be written; give this user the right to write the file and its folder",
    "SQLITE_PERM": "{name} cannot be opened; give this user the right to read and write it",
    "SQLITE_AUTH": "{name} cannot be opened; give this user the right to read and write it",
    "SQLITE_CANTOPEN": "{name} cannot be opened; see that its folder exists and that this user may write there",
    "SQLITE_IOERR": "reading or writing {name} failed ({detail}); see whether its disk is full or failing",
    "SQLITE_CORRUPT": "{name} is damaged; look with `steward db check`, then restore it with `steward db restore`",
    "SQLITE_NOTADB": "{name} is no SQLite database, or is damaged; correct STEWARD_DATABASE_URL, or restore it"
    " with `steward db restore`",
    "SQLITE_TOOBIG": "a value is larger than {name} can hold ({detail})",
    "SQLITE_NOMEM": "there is not enough memory to work on {name}; free some, then try again",
}
"""By primary result code (https://www.sqlite.org/rescode.html)."""

_POSTGRESQL: Final = {
    "08": "the connection to {name} broke ({detail}); see that the server runs, then try again",
    "25006": "{name} takes no writes (it is read-only or a standby); name the primary in STEWARD_DATABASE_URL",
    "28": "{name} refused the login ({detail}); correct user and password in STEWARD_DATABASE_URL",
    "3D": "{name} does not exist; create it with `createdb`, or correct STEWARD_DATABASE_URL",
    "40": "{name} was busy with a conflicting transaction; try again",
    "42501": "{name} does not let this user do that ({detail}); grant it the right to its schema",
    "53100": "the disk of {name} is full; free some space, then try again",
    "53200": "{name} is out of memory; free some, then try again",
    "53300": "{name} takes no more connections; raise max_connections or stop some clients",
    "55P03": "{name} is locked by another process; wait for it or stop it, then try again",
    "57": "{name} is shutting down or starting ({detail}); try again in a moment",
    "58": "the server of {name} failed at its files ({detail}); see its log",
    "XX": "{name} is damaged ({detail}); see the server's log, then restore it with `steward db restore`",
}
"""By SQLSTATE, or its class (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""


def display_name(url: URL) -> str:
    """How messages call the database: never with its password."""
    if url.get_backend_name() == "sqlite":
        return f"the database {url.database}" if url.database else "the database in memory"
    return f"the database {url.render_as_string(hide_password=True).replace('+psycopg', '')}"


@contextmanager
def translated(name: str, secret: str = "") -> Iterator[None]:
    """Raise what the drivers raise in this block as the port's errors.

    Raises Conflict for a broken constraint, SchemaMismatch for missing tables, StoreUnavailable where it
    may work later, RuntimeError for the rest (a fault in this program). `secret` is blotted out.
    """
    try:
        yield
    except DRIVER_ERRORS as error:
        raise _translate(error, name, secret) from error


def _translate(error: Exception, name: str, secret: str) -> Exception:
    cause: BaseException = error
    if isinstance(error, sa.DBAPIError) and error.orig is not None:
        cause = error.orig
    lines = str(cause).strip().splitlines() or [type(cause).__name__]
    detail = "; ".join(line.strip() for line in lines)
    if secret:
        detail = detail.replace(secret, "***")
    if isinstance(error, sa.TimeoutError):
        return StoreUnavailable(f"every connection to {name} is in use; try again in a moment")
    if isinstance(cause, sqlite3.Error):
        return _sqlite(cause, name, detail)
    if isinstance(cause, psycopg.Error):
        return _postgresql(cause, name, detail)
    return RuntimeError(f"{name}: {detail}")


def _sqlite(cause: sqlite3.Error, name: str, detail: str) -> Exception:
    code = "_".join(getattr(cause, "sqlite_errorname", "").split("_")[:2])
    if code == "SQLITE_CONSTRAINT":
        return Conflict(f"{name} refused the change: {detail}")
    if code in _SQLITE:
        return StoreUnavailable(_SQLITE[code].format(name=name, detail=detail))
    if detail.startswith(("no such table", "no such column")):
        return _incomplete(name, detail)
    return RuntimeError(f"{name}: {detail}")


def _postgresql(cause: psycopg.Error, name: str, detail: str) -> Exception:
    state = cause.sqlstate or ""
    if state.startswith("23"):
        return Conflict(f"{name} refused the change: {detail}")
    if state in {"42P01", "42703"}:
        return _incomplete(name, detail)
    words = _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2])
    if words:
        return StoreUnavailable(words.format(name=name, detail=detail))
    if not state and isinstance(cause, psycopg.OperationalError):
        return StoreUnavailable(
            f"{name} cannot be reached ({detail}); see that the server runs and STEWARD_DATABASE_URL is right"
        )
    return RuntimeError(f"{name}: {detail}")


def _incomplete(name: str, detail: str) -> SchemaMismatch:
    return SchemaMismatch(f"{name} lacks a part of its schema ({detail})", "Look with `steward db check`.")
