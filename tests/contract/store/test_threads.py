"""Threads and processes at once: writers take turns, views stay as they were, readers skip no event."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from steward.adapters.store import open_store
from steward.adapters.store.store import SqlStore
from steward.ports import StoreUnavailable
from tests.contract.store.kit import connect, happened, project


def test_writers_take_turns_so_that_what_was_read_stays_true(store: SqlStore) -> None:
    def count(_: int) -> None:
        for _turn in range(10):
            with store.writing() as tx:
                tx.set_setting("count", (tx.setting("count") or 0) + 1)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(count, range(6)))
    with store.reading() as view:
        assert view.setting("count") == 60


def test_a_view_stays_as_it_was_while_others_write(store: SqlStore) -> None:
    connect(store)

    def write() -> None:
        with store.writing() as tx:
            tx.set_setting("a", 2)
            tx.add_projects([project("new")])

    with store.writing() as tx:
        tx.set_setting("a", 1)
    with store.reading() as view:
        assert view.setting("a") == 1
        with ThreadPoolExecutor(1) as pool:
            pool.submit(write).result()
        assert view.setting("a") == 1
        assert view.project("new") is None
    with store.reading() as view:
        assert view.setting("a") == 2
        assert view.project("new") is not None


def test_no_reader_of_the_stream_skips_an_event_however_writers_and_publishers_race(store: SqlStore) -> None:
    done = threading.Event()
    seen: list[int] = []

    def write(writer: int) -> None:
        for number in range(20):
            with store.writing() as tx:
                tx.append([happened(f"{writer}-{number}-{part}") for part in range(3)])

    def publish(_: int) -> None:
        while not done.is_set():
            store.publish()

    def follow() -> None:
        while True:
            ended = done.is_set()
            with store.reading() as view:
                found = view.events(after=seen[-1] if seen else 0, limit=7)
            seen.extend(event.position for event in found)
            if ended and not found:
                return

    with ThreadPoolExecutor(8) as pool:
        reader = pool.submit(follow)
        publishers = [pool.submit(publish, number) for number in range(2)]
        for writer in [pool.submit(write, number) for number in range(4)]:
            writer.result()
        done.set()
        for publisher in publishers:
            publisher.result()
        store.publish()
        reader.result()
    with store.reading() as view:
        rest = [event.position for event in view.events(after=seen[-1] if seen else 0, limit=1000)]
        written = view.events(limit=1000)
    assert seen + rest == list(range(1, 241))
    assert len({event.why for event in written}) == 240


def test_events_are_published_in_the_order_in_which_they_were_stored(store: SqlStore) -> None:
    for batch in range(5):
        with store.writing() as tx:
            tx.append([happened(f"{batch}-{part}") for part in range(4)])
        if batch % 2:
            store.publish()
    store.publish()
    with store.reading() as view:
        found = view.events()
    assert [event.position for event in found] == list(range(1, 21))
    assert [event.id for event in found] == sorted(event.id for event in found)


@pytest.fixture
def memory() -> Iterator[SqlStore]:
    """A store in memory."""
    opened = open_store("sqlite://", busy_timeout_s=0.05)
    yield opened
    opened.close()


def nested(store: SqlStore, outer: str, inner: str) -> Callable[[], None]:
    """A transaction within another."""

    def enter() -> None:
        with getattr(store, outer)(), getattr(store, inner)():
            pass

    return enter


@pytest.mark.parametrize("inner", ["reading", "writing"])
@pytest.mark.parametrize("outer", ["reading", "writing"])
def test_a_transaction_within_another_is_refused_on_every_database(
    store: SqlStore, memory: SqlStore, outer: str, inner: str
) -> None:
    for any_store in (store, memory):
        with pytest.raises(RuntimeError, match="transaction open already"):
            nested(any_store, outer, inner)()
        nested(any_store, outer, "__class__")  # the first one has ended: the next may begin
        with any_store.writing() as tx:
            tx.set_setting("a", 1)


def test_threads_share_a_database_in_memory_by_turns(memory: SqlStore) -> None:
    patient = open_store("sqlite://")

    def count(_: int) -> None:
        for _turn in range(20):
            with patient.writing() as tx:
                tx.set_setting("count", (tx.setting("count") or 0) + 1)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(4)))
    with patient.reading() as view:
        assert view.setting("count") == 80
    patient.close()
    with memory.reading(), ThreadPoolExecutor(1) as pool, pytest.raises(StoreUnavailable, match="locked"):
        pool.submit(nested(memory, "reading", "reading")).result()


WRITE = """
import sys
from steward.adapters.store import open_store
store = open_store(sys.argv[1])
for number in range(1, 6):
    with store.writing() as tx:
        tx.set_setting("count", number)
    print("committed", flush=True)
with store.writing() as tx:
    tx.set_setting("count", 99)
    for number in range(20000):
        tx.set_setting(f"half-{number % 500}", "x" * 2000)
        if number == 500:
            print("writing", flush=True)
"""


def test_a_writer_that_is_killed_leaves_what_it_committed_and_nothing_more(
    store: SqlStore, store_url: str
) -> None:
    process = subprocess.Popen([sys.executable, "-c", WRITE, store_url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline().strip() for _ in range(6)]
    process.kill()
    process.communicate()
    assert lines == ["committed"] * 5 + ["writing"]
    with store.writing() as tx:
        assert tx.setting("count") == 5
        assert tx.setting("half-1") is None
        tx.set_setting("count", 6)
    with store.reading() as view:
        assert view.setting("count") == 6
