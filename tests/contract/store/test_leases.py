"""Leases: one holder at a time, dead holders let go, and a token that fences late writers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from steward.adapters.store import open_store
from steward.adapters.store.lease import SessionLocks
from steward.adapters.store.store import SqlStore
from steward.ports import Lease, LeaseLost

HOLD = """
import sys
from steward.adapters.store import open_store
lease = open_store(sys.argv[1]).acquire("loops", "child")
print(lease.token if lease else "none", flush=True)
sys.stdin.read()
"""


def taken(store: SqlStore, holder: str = "first", name: str = "loops") -> Lease:
    """Take a lease that nobody holds."""
    lease = store.acquire(name, holder)
    assert lease is not None
    return lease


@contextmanager
def child(url: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lease until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def other(store: SqlStore, store_url: str) -> Iterator[SqlStore]:
    """A second store on the same database."""
    opened = open_store(store_url, busy_timeout_s=5.0)
    yield opened
    opened.close()


def test_a_lease_has_one_holder_and_its_token_grows(store: SqlStore, other: SqlStore) -> None:
    assert store.holder("loops") is None
    first = taken(store)
    assert first == Lease("loops", 1, "first")
    assert other.acquire("loops", "second") is None
    assert store.acquire("loops", "again") is None
    assert (store.holder("loops"), other.holder("loops")) == ("first", "first")
    store.release(first)
    assert (store.holder("loops"), other.holder("loops")) == (None, None)
    second = taken(other, "second")
    assert (second.token, store.holder("loops")) == (2, "second")


def test_leases_of_different_names_do_not_meet(store: SqlStore, other: SqlStore) -> None:
    taken(store, name="loops")
    assert other.acquire("another name/..", "second") is not None
    assert store.holder("another name/..") == "second"


def test_a_lease_is_written_under_until_it_is_released(store: SqlStore) -> None:
    lease = taken(store)
    with store.writing(lease) as tx:
        tx.set_setting("a", 1)
    store.release(lease)
    with pytest.raises(LeaseLost), store.writing(lease) as tx:
        tx.set_setting("a", 2)
    store.release(lease)
    with store.reading() as view:
        assert view.setting("a") == 1


def test_a_lease_belongs_to_the_store_that_took_it(store: SqlStore, other: SqlStore) -> None:
    lease = taken(store)
    with pytest.raises(LeaseLost), other.writing(lease):
        pass
    other.release(lease)
    assert other.holder("loops") == "first"


def test_a_holder_whose_token_was_overtaken_cannot_write(store: SqlStore) -> None:
    lease = taken(store)
    with store.writing() as tx:
        tx._write(text("UPDATE leases SET token = token + 1, holder = 'second'"))
    with pytest.raises(LeaseLost, match="taken over"), store.writing(lease) as tx:
        tx.set_setting("a", 1)
    with store.reading() as view:
        assert view.setting("a") is None


def test_a_killed_holder_lets_go(store: SqlStore, store_url: str) -> None:
    with child(store_url) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "1"
        assert store.acquire("loops", "parent") is None
        assert store.holder("loops") == "child"
        process.kill()
        process.wait()
        for _ in range(200):
            lease = store.acquire("loops", "parent")
            if lease is not None:
                break
        assert lease is not None, "the lock outlived its process"
        assert (lease.token, store.holder("loops")) == (2, "parent")


def test_closing_a_store_lets_its_leases_go(store: SqlStore, store_url: str) -> None:
    second = open_store(store_url)
    taken(second)
    second.close()
    assert store.holder("loops") is None


def test_a_lease_whose_connection_broke_is_lost(store: SqlStore) -> None:
    if store.database.kind == "sqlite":
        assert store.database.path is not None, "a file's lock has no connection that could break"
        return
    lease = taken(store)
    locks = store._leases._locks
    assert isinstance(locks, SessionLocks)
    with store.database.writing() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks"
                " WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
            )
        )
    with pytest.raises(LeaseLost), store.writing(lease):
        pass
    assert taken(store, "second").token == 2


def test_leases_in_memory_have_one_holder_too() -> None:
    store = open_store("sqlite://")
    lease = taken(store)
    assert (store.acquire("loops", "second"), store.holder("loops")) == (None, "first")
    with store.writing(lease) as tx:
        tx.set_setting("a", 1)
    store.release(lease)
    assert store.holder("loops") is None
    assert taken(store, "second").token == 2
    store.close()


def test_many_looks_at_the_holder_never_spoil_an_attempt(store: SqlStore, other: SqlStore) -> None:
    for _ in range(20):
        assert other.holder("loops") is None
        store.release(taken(store))
