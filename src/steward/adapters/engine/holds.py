"""Who may work, and whose work is left behind.

DBOS itself gives the unfinished work of a process back to nobody but that process. On SQLite one process works
at a time, under an exclusive file lock that ends with it: whatever another left is taken up at the start. On
PostgreSQL each process renews a row of its own; work of an executor without a live row is taken up by
whichever process sees it first, one of them looking at a time. The time is the database's own.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final, Protocol

import sqlalchemy as sa

from steward.adapters.engine.database import executors
from steward.ports import Permanent, StoreUnavailable

LOCK_FILE: Final = "engine.lock"
_SWEEP_LOCK: Final = 0x5374_6577_456E_6702
"""The advisory lock of whoever looks for dead executors."""


class Hold(Protocol):
    """The right of this process to work, under one executor id at a time."""

    @property
    def lease_s(self) -> float | None:
        """How long it lasts without being renewed; None: as long as the process."""
        ...

    def take(self, executor: str) -> None:
        """Begin to hold. Raises Permanent where another process works."""
        ...

    def renew(self) -> bool:
        """Whether it is still held, and renewed. False: others have taken over."""
        ...

    def drop(self) -> None:
        """Hold no more; others may take up at once what is left."""
        ...

    def living(self) -> AbstractContextManager[set[str] | None]:
        """The executors that live, for as long as the block lasts; None where another process is just looking."""
        ...


class FileHold:
    """The one process that works on a SQLite file."""

    lease_s: float | None = None

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._executor = ""

    def take(self, executor: str) -> None:
        """Take the lock and write into it who has it, or raise Permanent."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise StoreUnavailable(
                f"the lock {self._path} cannot be opened ({error.strerror}); give this user the right to write there"
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = os.read(file, 200).decode(errors="replace")
            os.close(file)
            raise Permanent(
                f"another process ({other or 'unknown'}) runs operations on {self._path.parent}",
                "On SQLite one process works at a time: stop the other one, or move to PostgreSQL.",
            ) from None
        os.ftruncate(file, 0)
        os.write(file, executor.encode())
        self._file, self._executor = file, executor

    def renew(self) -> bool:
        """A file lock is not lost."""
        return self._file is not None

    def drop(self) -> None:
        """Let the lock go."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @contextmanager
    def living(self) -> Iterator[set[str] | None]:
        """This process alone: the lock says so."""
        yield {self._executor}


class RowHold:
    """One of many processes on a PostgreSQL database."""

    def __init__(self, database: sa.Engine, lease_s: float) -> None:
        self._database = database
        self._lease_s = lease_s
        self._executor = ""

    @property
    def lease_s(self) -> float | None:
        """How long a row counts that is not renewed."""
        return self._lease_s

    def take(self, executor: str) -> None:
        """Write the row."""
        with self._database.begin() as connection:
            connection.execute(sa.insert(executors).values(id=executor, seen_at=sa.func.clock_timestamp()))
        self._executor = executor

    def renew(self) -> bool:
        """Renew it, unless it was taken away."""
        mine = sa.update(executors).where(executors.c.id == self._executor)
        with self._database.begin() as connection:
            renewed = connection.execute(mine.values(seen_at=sa.func.clock_timestamp()))
            return renewed.rowcount == 1

    def drop(self) -> None:
        """Take the row away."""
        with self._database.begin() as connection:
            connection.execute(sa.delete(executors).where(executors.c.id == self._executor))

    @contextmanager
    def living(self) -> Iterator[set[str] | None]:
        """Take away the rows that are too old, then tell those that are left."""
        oldest = sa.func.clock_timestamp() - timedelta(seconds=self._lease_s)
        with self._database.begin() as connection:
            if not connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_SWEEP_LOCK))):
                yield None
                return
            connection.execute(sa.delete(executors).where(executors.c.seen_at < oldest))
            yield set(connection.scalars(sa.select(executors.c.id)))
