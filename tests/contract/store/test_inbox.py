"""Hooks and the inbox of deliveries: each is kept once, found while it waits, and forgotten when it is old."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from steward.adapters.store.store import SqlStore
from steward.domain.deliveries import Delivery, Hook, State
from tests.contract.store.kit import NOW, after, connect


def hook(number: int, **more: Any) -> Hook:
    """A hook of the first organisation."""
    return replace(Hook(number, 1, "https://steward.test/hooks/github", ("push", "meta"), True, NOW), **more)


def delivery(guid: str, hook_id: int = 7, **more: Any) -> Delivery:
    """A delivery for the first organisation that waits."""
    made = Delivery(hook_id, guid, "push", NOW, b'{"a": 1}', {"x-github-event": "push"}, organisation_id=1)
    return replace(made, **more)


def put(store: SqlStore, *rows: Delivery) -> int:
    """Deliver in a transaction of its own."""
    with store.writing() as tx:
        return tx.deliver(rows)


def pending(store: SqlStore, seconds: float = 0, organisation_id: int = 1) -> list[str]:
    """The GUIDs of what waits."""
    with store.reading() as view:
        return [d.guid for d in view.pending_deliveries(organisation_id, after(seconds), 100)]


def test_a_hook_comes_back_as_it_was_saved_and_is_changed_in_place(store: SqlStore) -> None:
    connect(store)
    full = hook(
        12_345_678_901,
        checked_at=after(1),
        pinged_at=after(2),
        swept_at=after(3),
        swept_to=2**62,
        failure="GitHub cannot deliver\x00",
    )
    with store.writing() as tx:
        tx.save_hook(full)
        tx.save_hook(hook(5))
    changed = replace(full, events=("*",), active=False, failure="", pinged_at=None)
    with store.writing() as tx:
        assert tx.hook(full.id) == replace(full, failure="GitHub cannot deliver\ufffd")
        tx.save_hook(changed)
        assert tx.hooks() == tx.hooks(1) == [hook(5), changed]
        assert tx.hooks(2) == []
        tx.forget_hook(5)
        assert tx.hook(5) is None
        assert tx.hooks() == [changed]


def test_a_delivery_comes_back_whole_alone_and_light_in_lists(store: SqlStore) -> None:
    full = delivery(
        "g-1",
        body=b'{"\xd1\x84": "\x00\xff"}',
        headers={"x-github-hook-id": "7"},
        action="deleted",
        ref="refs/heads/main",
        owner_id=2**40,
        repository_id=2**41,
        next_at=after(5),
        error="\x00",
        attempts=2,
        source="sweep",
    )
    assert put(store, full) == 1
    with store.reading() as view:
        (light,) = view.deliveries()
        assert light == replace(full, body=b"", headers={}, error="\ufffd", id=light.id)
        assert view.delivery(light.id) == replace(full, error="\ufffd", id=light.id)
        assert view.delivery(light.id + 1) is None


def test_the_same_delivery_is_kept_once_per_hook(store: SqlStore) -> None:
    assert put(store, delivery("a"), delivery("b"), delivery("a")) == 2
    assert put(store, delivery("a"), delivery("c"), delivery("a", hook_id=-7)) == 2
    with store.reading() as view:
        assert [(d.hook_id, d.guid) for d in view.deliveries()] == [(-7, "a"), (7, "c"), (7, "b"), (7, "a")]
        assert view.known_guids(7, ["a", "b", "x"]) == {"a", "b"}
        assert view.known_guids(9, ["a"]) == set()


def test_a_delivery_that_was_settled_is_not_opened_by_its_double(store: SqlStore) -> None:
    put(store, delivery("a"))
    with store.writing() as tx:
        (waits,) = tx.pending_deliveries(1, NOW, 10)
        tx.save_deliveries([replace(waits, state=State.DONE, look=4, done_at=after(1))])
    assert put(store, delivery("a")) == 0
    assert pending(store, 99) == []


def test_concurrent_doubles_are_one(store: SqlStore) -> None:
    counts: list[int] = []
    start = threading.Barrier(4)

    def send() -> None:
        start.wait()
        counts.append(put(store, *(delivery(f"g{n}") for n in range(20))))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 20
    assert len(pending(store)) == 20


def test_what_waits_is_found_oldest_first_where_it_is_due_and_ours(store: SqlStore) -> None:
    put(store, delivery("now"), delivery("later", next_at=after(10)), delivery("two", organisation_id=2))
    put(store, delivery("none", organisation_id=None), delivery("ignored", state=State.IGNORED))
    put(store, delivery("next"))
    assert pending(store) == ["now", "next"]
    assert pending(store, 10) == ["now", "later", "next"]
    assert pending(store, organisation_id=2) == ["two"]
    with store.reading() as view:
        assert [d.guid for d in view.pending_deliveries(1, NOW, 1)] == ["now"]


def test_outcomes_are_stored_in_sets(store: SqlStore) -> None:
    put(store, *(delivery(f"g{n}") for n in range(1000)))
    with store.writing() as tx:
        waits = tx.pending_deliveries(1, NOW, 1000)
        done = [replace(d, state=State.DONE, look=9, done_at=after(1), attempts=1) for d in waits[:998]]
        again = replace(waits[998], attempts=3, next_at=after(60), error="timed out")
        tx.save_deliveries([*done, again])
        tx.save_deliveries([])
    assert pending(store) == ["g999"]
    with store.reading() as view:
        assert view.deliveries(before=waits[999].id, limit=2) == [again, done[-1]]
        assert view.delivery_counts() == {"done": 998, "pending": 2}
        assert [d.guid for d in view.deliveries(states=["pending"])] == ["g999", "g998"]
        assert len(view.deliveries(hook_id=7, limit=2000)) == 1000
        assert view.deliveries(hook_id=8) == view.deliveries(organisation_ids=[2]) == []
        kept = view.delivery(waits[0].id)
    assert kept is not None
    assert kept.body == b'{"a": 1}', "the outcome leaves the body alone"


def test_the_newest_arrival_per_hook_leaves_out_what_a_sweep_found(store: SqlStore) -> None:
    put(store, delivery("a"), delivery("b", received_at=after(5)), delivery("c", hook_id=8))
    put(store, delivery("d", received_at=after(9), source="sweep"))
    with store.reading() as view:
        assert view.newest_deliveries() == {7: after(5), 8: NOW}


def test_old_bodies_go_first_then_rows_and_what_waits_stays(store: SqlStore) -> None:
    put(store, delivery("old", state=State.DONE), delivery("waits"))
    put(store, delivery("new", state=State.DONE, received_at=after(50)))
    with store.writing() as tx:
        assert tx.prune_deliveries(after(1), NOW) == 0
        bodies = {d.guid: found.body for d in tx.deliveries() if (found := tx.delivery(d.id)) is not None}
        assert bodies == {"old": b"", "waits": b'{"a": 1}', "new": b'{"a": 1}'}
        assert tx.prune_deliveries(after(1), after(1)) == 1
        assert [d.guid for d in tx.deliveries()] == ["new", "waits"]
