"""What monitors ask of the database, on both databases."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import text

from steward.adapters.store.store import SqlStore
from steward.domain.deliveries import Delivery, State
from steward.domain.operations import OperationState
from steward.domain.project import Look
from tests.contract.store.kit import NOW, after, connect, look, operation, project


def begin(store: SqlStore, organisation_id: int = 1) -> Look:
    """A look that runs."""
    begun = look(organisation_id=organisation_id)
    with store.writing() as tx:
        return replace(begun, id=tx.begin_look(begun))


def end(store: SqlStore, begun: Look, outcome: str, seconds: int) -> None:
    """End it so many seconds from now; a whole one is the organisation's newest."""
    with store.writing() as tx:
        tx.finish_look(replace(begun, outcome=outcome, finished_at=after(seconds)))
        if outcome == "whole":
            organisation = tx.organisation(begun.organisation_id)
            tx.save_organisation(replace(organisation, last_whole_look=begun.id))


def test_the_schema_is_current_until_somebody_moves_it(store: SqlStore) -> None:
    with store.reading() as view:
        assert view.schema_is_current()
    with store.database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with store.reading() as view:
        assert not view.schema_is_current()


def test_looks_are_found_above_an_id_and_by_id(store: SqlStore) -> None:
    for login in ("acme", "umbrella"):
        connect(store, login)
    with store.reading() as view:
        assert (view.newest_look(), view.looks_among(0, [], 10)) == (0, [])
    looks = [begin(store, 1 + number % 2) for number in range(5)]
    ids = [one.id for one in looks]
    with store.reading() as view:
        assert view.newest_look() == ids[4]
        assert [one.id for one in view.looks_among(ids[2], [], 10)] == ids[3:]
        assert [one.id for one in view.looks_among(ids[2], [ids[0], ids[3]], 10)] == [ids[0], *ids[3:]]
        assert [one.id for one in view.looks_among(0, [ids[4]], 2)] == [*ids[:2], ids[4]]


def test_the_newest_whole_look_tells_when_it_ended(store: SqlStore) -> None:
    for login in ("acme", "umbrella"):
        connect(store, login)
    first, failed, other = begin(store), begin(store), begin(store, 2)
    end(store, first, "whole", 5)
    end(store, failed, "failed", 9)
    with store.reading() as view:
        assert view.whole_look_times() == {1: after(5)}
    end(store, other, "whole", 7)
    with store.reading() as view:
        assert view.whole_look_times() == {1: after(5), 2: after(7)}


def test_only_a_delivery_that_waits_counts_as_waiting(store: SqlStore) -> None:
    rows = [
        Delivery(7, "a", "push", NOW, state=State.DONE),
        Delivery(7, "b", "push", after(3)),
        Delivery(7, "c", "push", after(5)),
    ]
    with store.reading() as view:
        assert view.oldest_waiting_delivery() is None
    with store.writing() as tx:
        tx.deliver(rows)
    with store.reading() as view:
        assert view.oldest_waiting_delivery() == after(3)


def test_operations_that_have_ended_are_not_counted(store: SqlStore) -> None:
    connect(store)
    with store.writing() as tx:
        tx.add_projects([project("shop"), project("market"), project("cafe")])
        tx.add_operation(operation("a"))
        tx.add_operation(operation("b", "id-market"))
        tx.add_operation(operation("c", "id-cafe", state=OperationState.RUNNING))
        done = tx.operation("b")
        assert done is not None
        tx.save_operation(replace(done, state=OperationState.SUCCEEDED))
    with store.reading() as view:
        assert view.operation_counts() == {("design", "queued"): 1, ("design", "running"): 1}
