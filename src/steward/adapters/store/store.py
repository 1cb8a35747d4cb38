"""The store: one database behind the port. Transactions, leases, the publication of events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from steward.adapters.store.access_views import AccessReads, AccessWrites
from steward.adapters.store.attention_views import AttentionReads
from steward.adapters.store.board_views import BoardReads
from steward.adapters.store.building_views import BuildingReads, BuildingWrites
from steward.adapters.store.chat_views import ChatReads, ChatWrites
from steward.adapters.store.engine import Database
from steward.adapters.store.hand_views import HandReads, HandWrites
from steward.adapters.store.inbox_views import InboxReads, InboxWrites
from steward.adapters.store.journal_views import JournalReads, JournalWrites
from steward.adapters.store.lease import FileLocks, Leases, Locks, MemoryLocks, SessionLocks
from steward.adapters.store.measure_views import MeasureReads
from steward.adapters.store.organisation_views import OrganisationReads, OrganisationWrites
from steward.adapters.store.project_views import ProjectReads, ProjectWrites
from steward.adapters.store.readiness_views import ReadinessReads
from steward.adapters.store.repository_views import RepositoryReads, RepositoryWrites
from steward.adapters.store.talk_views import TalkReads, TalkWrites
from steward.adapters.store.times_views import TimesReads
from steward.adapters.store.vault_views import VaultReads, VaultWrites
from steward.ports import Lease


class SqlReads(
    OrganisationReads,
    RepositoryReads,
    ProjectReads,
    BoardReads,
    TimesReads,
    AttentionReads,
    JournalReads,
    AccessReads,
    InboxReads,
    MeasureReads,
    BuildingReads,
    ReadinessReads,
    HandReads,
    VaultReads,
    ChatReads,
    TalkReads,
):
    """A consistent view; the contract is `ports.Reads`."""


class SqlWrites(
    SqlReads,
    OrganisationWrites,
    RepositoryWrites,
    ProjectWrites,
    JournalWrites,
    AccessWrites,
    InboxWrites,
    BuildingWrites,
    HandWrites,
    VaultWrites,
    ChatWrites,
    TalkWrites,
):
    """A write transaction; the contract is `ports.Writes`."""


class SqlStore:
    """A database; the contract is `ports.Store`. Threads may share it; each has one transaction at a time.

    A second transaction within one, in the same thread, raises RuntimeError on every database, because
    one of them has a single connection.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._leases = Leases(database, _locks(database))

    @contextmanager
    def reading(self) -> Iterator[SqlReads]:
        """A consistent read-only view."""
        with self.database.reading() as connection:
            yield SqlReads(self.database, connection)

    @contextmanager
    def writing(self, lease: Lease | None = None) -> Iterator[SqlWrites]:
        """A write transaction; with a lease, LeaseLost if it is not current.

        A block that goes on after one of its statements failed raises that failure at its end and
        commits nothing: on PostgreSQL such a transaction is void, whatever the block did since.
        """
        if lease is not None:
            self._leases.check_lock(lease)
        with self.database.writing() as connection:
            if lease is not None:
                self._leases.check_token(lease, connection)
            view = SqlWrites(self.database, connection)
            yield view
            if view.failure is not None:
                raise view.failure

    def acquire(self, name: str, holder: str) -> Lease | None:
        """Take a lease without waiting; None if it is held."""
        return self._leases.acquire(name, holder)

    def release(self, lease: Lease) -> None:
        """Let a lease go."""
        self._leases.release(lease)

    def holder(self, name: str) -> str | None:
        """Who holds it now, as it named itself; None if nobody."""
        return self._leases.holder(name)

    def publish(self) -> int:
        """Give committed events their positions, in order, one publisher at a time; return how many."""
        with self.reading() as view:
            if not view.unpublished():
                return 0
        with self.writing() as view:
            return view.publish()

    def close(self) -> None:
        """Let the leases go and close the connections."""
        self._leases.close()
        self.database.close()


def _locks(database: Database) -> Locks:
    if database.path is not None:
        return FileLocks(database.path)
    return MemoryLocks() if database.memory else SessionLocks(database)
