"""Leases: who alone runs the loops. A lock that dies with its process, and a token that fences what it wrote.

The lock is an exclusive file lock beside a SQLite file, a session advisory lock on PostgreSQL, and a set
in memory. It says whether a holder lives; the row in `leases` says who it is, and its token, that grows
with each holder, is verified within every write transaction of a lease.
"""

from __future__ import annotations

import fcntl
import os
import re
import threading
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from sqlalchemy import Connection, insert, select, update

from steward.adapters.store.engine import Database
from steward.adapters.store.errors import DRIVER_ERRORS
from steward.adapters.store.schema import leases
from steward.adapters.store.values import clean
from steward.ports import Lease, LeaseLost, StoreUnavailable

_CLASS: Final = 0x5374_6577
"""The first half of every lease's advisory lock on PostgreSQL; the second is the name's checksum."""

_TRIES, _PAUSE_S = 10, 0.01
"""A look at who holds a file lock takes it for an instant; an attempt outlasts such a look."""


class Locks(Protocol):
    """Locks by name that end with the process that holds them."""

    def take(self, name: str) -> bool:
        """Take it without waiting; False if it is held."""
        ...

    def free(self, name: str) -> None:
        """Let it go."""
        ...

    def mine(self, name: str) -> bool:
        """Whether this store holds it still."""
        ...

    def held(self, name: str) -> bool:
        """Whether anybody holds it."""
        ...


class MemoryLocks:
    """Locks of a database that lives in this process."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._guard = threading.Lock()

    def take(self, name: str) -> bool:
        """Take it without waiting; False if it is held."""
        with self._guard:
            taken = name in self._names
            self._names.add(name)
            return not taken

    def free(self, name: str) -> None:
        """Let it go."""
        self._names.discard(name)

    def mine(self, name: str) -> bool:
        """Whether this store holds it still."""
        return name in self._names

    def held(self, name: str) -> bool:
        """Whether anybody holds it."""
        return name in self._names


class FileLocks:
    """`flock` on a file beside the database. The file stays; the lock goes with the process."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._files: dict[str, int] = {}
        self._pause = threading.Event()

    def take(self, name: str) -> bool:
        """Take it without waiting (for longer than a look at it lasts); False if it is held."""
        if name in self._files:
            return False
        file = self._open(name)
        for _ in range(_TRIES):
            if _lock(file, fcntl.LOCK_EX):
                self._files[name] = file
                return True
            self._pause.wait(_PAUSE_S)
        os.close(file)
        return False

    def free(self, name: str) -> None:
        """Let it go."""
        file = self._files.pop(name, None)
        if file is not None:
            os.close(file)

    def mine(self, name: str) -> bool:
        """Whether this store holds it still."""
        return name in self._files

    def held(self, name: str) -> bool:
        """Whether anybody holds it."""
        if name in self._files:
            return True
        file = self._open(name)
        try:
            return not _lock(file, fcntl.LOCK_SH)
        finally:
            os.close(file)

    def _open(self, name: str) -> int:
        path = self._database.with_name(f"{self._database.name}.lock-{re.sub(r'[^A-Za-z0-9_.-]', '-', name)}")
        try:
            return os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise StoreUnavailable(
                f"the lock {path} cannot be opened ({error.strerror}); give this user the right to write there"
            ) from error


def _lock(file: int, how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class SessionLocks:
    """PostgreSQL's session advisory locks, each on a connection of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connections: dict[str, Connection] = {}

    def take(self, name: str) -> bool:
        """Take it without waiting; False if it is held."""
        if self.mine(name):
            return False
        with self._database.translated():
            connection = self._connect()
            keys = (_CLASS, _key(name))
            if connection.exec_driver_sql("SELECT pg_try_advisory_lock(%s, %s)", keys).scalar():
                self._connections[name] = connection
                return True
            connection.close()
            return False

    def free(self, name: str) -> None:
        """Let it go: at once where the session answers, and in any case by ending the session."""
        connection = self._connections.pop(name, None)
        if connection is None:
            return
        # The server ends a session some moments after its client has left; nobody should see it held so long.
        with suppress(*DRIVER_ERRORS):
            connection.exec_driver_sql("SELECT pg_advisory_unlock(%s, %s)", (_CLASS, _key(name)))
        connection.invalidate()
        connection.close()

    def mine(self, name: str) -> bool:
        """Whether this store holds it still: the session lives."""
        connection = self._connections.get(name)
        if connection is None:
            return False
        try:
            connection.exec_driver_sql("SELECT 1")
        except DRIVER_ERRORS:
            self.free(name)
            return False
        return True

    def held(self, name: str) -> bool:
        """Whether anybody holds it, without taking it."""
        with self._database.translated(), self._connect() as connection:
            found = connection.exec_driver_sql(
                "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2"
                " AND classid::bigint = %s AND objid::bigint = %s"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                (_CLASS, _key(name) & 0xFFFF_FFFF),
            )
            return found.first() is not None

    def _connect(self) -> Connection:
        return self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")


def _key(name: str) -> int:
    """A checksum of the name as a signed 32-bit number."""
    return int.from_bytes(zlib.crc32(name.encode()).to_bytes(4, "big"), "big", signed=True)


class Leases:
    """The leases of one store: those it holds, and who holds the others."""

    def __init__(self, database: Database, locks: Locks) -> None:
        self._database = database
        self._locks = locks
        self._mine: dict[str, Lease] = {}

    def acquire(self, name: str, holder: str) -> Lease | None:
        """Take it without waiting; None if it is held."""
        if not self._locks.take(name):
            return None
        try:
            with self._database.writing() as connection:
                lease = Lease(name, _next_token(connection, name, clean(holder)), clean(holder))
        except BaseException:
            self._locks.free(name)
            raise
        self._mine[name] = lease
        return lease

    def release(self, lease: Lease) -> None:
        """Let it go; one that is lost already is let be."""
        if self._mine.get(lease.name) == lease:
            del self._mine[lease.name]
            self._locks.free(lease.name)

    def holder(self, name: str) -> str | None:
        """Who holds it now; None if nobody does."""
        if not self._locks.held(name):
            return None
        with self._database.reading() as connection:
            return connection.execute(select(leases.c.holder).where(leases.c.name == name)).scalar()

    def check_lock(self, lease: Lease) -> None:
        """Raise LeaseLost unless this store took it and its lock lives. Called outside transactions."""
        if self._mine.get(lease.name) != lease or not self._locks.mine(lease.name):
            raise LeaseLost(f"the lease {lease.name!r} is not held by {lease.holder} any more")

    def check_token(self, lease: Lease, connection: Connection) -> None:
        """Raise LeaseLost if a later holder's token is stored. Called within the write transaction."""
        current = connection.execute(select(leases.c.token).where(leases.c.name == lease.name)).scalar()
        if current != lease.token:
            raise LeaseLost(f"the lease {lease.name!r} of {lease.holder} was taken over by another process")

    def close(self) -> None:
        """Let all go."""
        for lease in list(self._mine.values()):
            self.release(lease)


def _next_token(connection: Connection, name: str, holder: str) -> int:
    mine = leases.c.name == name
    token = int(connection.execute(select(leases.c.token).where(mine)).scalar() or 0) + 1
    if token == 1:
        connection.execute(insert(leases).values(name=name, token=token, holder=holder))
    else:
        connection.execute(update(leases).where(mine).values(token=token, holder=holder))
    return token
