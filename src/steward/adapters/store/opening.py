"""Opening a database: made at the newest schema if empty, refused or upgraded if older, refused if newer.

Alembic is imported only where something is to be migrated; the usual start reads one row.
"""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, text

from steward.adapters.store.engine import BUSY_TIMEOUT_S, Database, connect
from steward.adapters.store.schema import HEAD, REVISIONS, TRIGGERS, metadata
from steward.adapters.store.store import SqlStore
from steward.ports import SchemaMismatch

EMPTY: Final = ""
"""What stands for the revision of a database without any table."""

BASE: Final = "base"
"""What stands for the revision before the first."""


def open_store(
    url: str, *, create: bool = True, upgrade: bool = False, busy_timeout_s: float = BUSY_TIMEOUT_S
) -> SqlStore:
    """Open the store at `sqlite:////path`, `sqlite://` (in memory) or `postgresql://...`.

    `create` makes a missing or empty one; `upgrade` migrates an older one. Raises BadSettings for an
    address of another kind, SchemaMismatch, StoreUnavailable.
    """
    database = connect(url, create=create, busy_timeout_s=busy_timeout_s)
    try:
        if database.memory:
            _clone_template(database)
        else:
            _bring_to_head(database, create=create, upgrade=upgrade)
    except BaseException:
        database.close()
        raise
    return SqlStore(database)


def upgrade(url: str) -> str:
    """Bring the schema of a database up to this version's; return what was done, in words.

    A SQLite file is backed up beside itself first. Raises SchemaMismatch, StoreUnavailable.
    """
    database = connect(url, create=False)
    try:
        with database.reading() as connection:
            found = revision(connection)
        _bring_to_head(database, create=True, upgrade=True)
    finally:
        database.close()
    if found == HEAD:
        return f"the schema was up to date ({HEAD})"
    return f"the schema was brought from {found or 'nothing'} to {HEAD}"


def _bring_to_head(database: Database, *, create: bool, upgrade: bool) -> None:
    with database.reading() as connection:
        found = revision(connection)
    if found == HEAD:
        return
    if found == EMPTY and create:
        with database.writing() as connection:
            found = revision(connection)
            if found == EMPTY:
                create_schema(connection)
        if found in (EMPTY, HEAD):
            return
    refuse_unless_older(database, found)
    if not upgrade:
        raise SchemaMismatch(
            f"{database.name} has an older schema ({found or 'none'}; this Steward needs {HEAD})",
            "Back it up with `steward db backup`, then run `steward db upgrade`.",
        )
    _migrate(database, found)


def _migrate(database: Database, found: str) -> None:
    from steward.adapters.store.backups import back_up
    from steward.adapters.store.migrate import migrate

    if database.path is not None:
        copy = database.path.with_name(f"{database.path.name}.before-{found or 'none'}-to-{HEAD}.gz")
        if not copy.exists():
            back_up(database, copy)
    migrate(database)


def refuse_unless_older(database: Database, found: str) -> None:
    """Raise SchemaMismatch for a schema that this version does not know."""
    if found in (EMPTY, BASE, *REVISIONS):
        return
    raise SchemaMismatch(
        f"{database.name} has the schema {found!r}, which is newer than this Steward ({HEAD})",
        "Install the Steward that wrote it, or a newer one.",
    )


def revision(connection: Connection) -> str:
    """The revision of the schema, EMPTY or BASE. Raises SchemaMismatch for somebody else's database."""
    names = _tables(connection)
    if "alembic_version" in names:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or BASE
    if names:
        raise SchemaMismatch(
            f"the database holds tables that are not Steward's ({', '.join(sorted(names)[:3])}, ...)",
            "Give Steward a database of its own in STEWARD_DATABASE_URL.",
        )
    return EMPTY


def _tables(connection: Connection) -> set[str]:
    if connection.dialect.name == "sqlite":
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    else:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    return {row[0] for row in connection.execute(text(query))}


def create_schema(connection: Connection) -> None:
    """Make every table of an empty database, as the migrations would."""
    metadata.create_all(connection, checkfirst=False)
    for trigger in TRIGGERS[connection.dialect.name]:
        connection.exec_driver_sql(trigger)
    connection.execute(
        text(
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL"
            ", CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
        )
    )
    connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


@cache
def _template() -> bytes:
    """An empty database at the newest schema, as SQLite stores it."""
    database = connect("sqlite://", create=True)
    with database.writing() as connection:
        create_schema(connection)
    with database.engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        image: bytes = raw.serialize()
    database.close()
    return image


def _clone_template(database: Database) -> None:
    with database.engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.deserialize(_template())
