"""What is kept of building: one open operation per project, logs in order, numbers without a gap, one live release."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text

from steward.adapters.store import open_store
from steward.adapters.store.building_rows import operation_row
from steward.adapters.store.schema import operations
from steward.adapters.store.schema_building import IS_OPEN
from steward.adapters.store.store import SqlStore
from steward.domain.operations import OPEN, Failure, Fault, Operation, OperationState, Progress
from steward.domain.spec import TemplateRef
from steward.ports import Built, Conflict, LogLine, Writes
from steward.ports.records import LINE_MAX, LOG_MAX
from tests.contract.store.kit import (
    NOW,
    after,
    connect,
    estimate,
    operation,
    project,
    release,
    run,
    spec,
    wanted,
)

generated = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
"""A generated test shares its store between examples: each takes a project of its own."""

_fresh = itertools.count()

S = OperationState


@pytest.fixture
def shop(store: SqlStore) -> SqlStore:
    """A store with an organisation and two projects."""
    connect(store)
    with store.writing() as tx:
        tx.add_projects([project("shop"), project("market")])
    return store


def new_project(store: SqlStore) -> str:
    """A project that no other example has; its id."""
    made = project(f"p{next(_fresh)}")
    with store.writing() as tx:
        if not tx.organisations():
            tx.add_organisation("Acme", "https://api.github.test")
        tx.add_projects([made])
    return made.id


def at_once(store: SqlStore, count: int, act: Callable[[Any, int], Any]) -> list[Any]:
    """What so many threads got, each in a transaction of its own; a Conflict is its result."""

    def one(number: int) -> Any:
        try:
            with store.writing() as tx:
                return act(tx, number)
        except Conflict as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


# Operations --------------------------------------------------------------------------------------------


def test_an_operation_comes_back_as_it_was_saved(shop: SqlStore) -> None:
    first = operation("op-1")
    full = replace(
        first,
        state=S.FAILED,
        attempt=3,
        progress=Progress("merge", 7, 7, "it waits\x00"),
        facts={"sha": "abc", "лавка": [1, None, {"a": 0.5}]},
        result={"pull": 7},
        failure=Failure("merge", Fault.INFRASTRUCTURE, "no answer", "try later", {"status": 502}),
        update=4,
        started_at=after(1),
        finished_at=after(2),
        wait_until=after(3),
    )
    with shop.writing() as tx:
        tx.add_operation(first)
        assert tx.operation("op-1") == tx.open_operation("id-shop") == first
        saved = tx.save_operation(full)
        assert saved == replace(full, version=2)
    with shop.reading() as view:
        assert view.operation("op-1") == saved
        assert view.open_operation("id-shop") is None
        assert view.operation("op-2") is None


def test_an_operation_is_saved_by_whoever_read_it_last(shop: SqlStore) -> None:
    first = operation("op-1")
    with shop.writing() as tx:
        tx.add_operation(first)
        second = tx.save_operation(replace(first, state=S.RUNNING))
    with pytest.raises(Conflict, match="changed meanwhile"), shop.writing() as tx:
        tx.save_operation(replace(first, state=S.CANCELLED))
    with pytest.raises(Conflict), shop.writing() as tx:
        tx.save_operation(operation("unheard-of", "id-market"))
    with shop.reading() as view:
        assert view.operation("op-1") == second


def test_a_project_has_one_operation_that_has_not_ended(shop: SqlStore) -> None:
    first, second = operation("op-1"), operation("op-2")
    with shop.writing() as tx:
        tx.add_operation(first)
        with pytest.raises(Conflict, match=r"design.*op-1"):
            tx.add_operation(second)
        tx.add_operation(operation("op-3", "id-market"))
        first = tx.save_operation(replace(first, state=S.FAILED, finished_at=NOW))
        tx.add_operation(second)
        with pytest.raises(Conflict, match="op-2"):
            tx.save_operation(replace(first, state=S.QUEUED, attempt=2))
    with shop.reading() as view:
        assert [found.id for found in view.operations("id-shop")] == ["op-2", "op-1"]
        assert view.current_operations(["id-shop", "id-market", "id-none"]) == {
            "id-shop": second,
            "id-market": operation("op-3", "id-market"),
        }
        assert view.current_operations([]) == {}


def test_an_id_is_taken_once(shop: SqlStore) -> None:
    with shop.writing() as tx:
        tx.add_operation(operation("op-1"))
    with pytest.raises(Conflict), shop.writing() as tx:
        tx.add_operation(operation("op-1", "id-market"))


def test_the_database_itself_refuses_a_second_open_operation(shop: SqlStore) -> None:
    with shop.writing() as tx:
        tx.add_operation(operation("op-1"))
    for state in OPEN:
        with pytest.raises(Conflict), shop.writing() as tx:
            tx._write(insert(operations).values(operation_row(operation("op-2", state=state))))
    with shop.writing() as tx:
        tx._write(insert(operations).values(operation_row(operation("op-2", state=S.SUCCEEDED))))


def test_the_index_of_open_operations_names_their_states() -> None:
    assert {state for state in S if f"'{state}'" in IS_OPEN} == OPEN


def test_operations_are_listed_by_the_order_of_their_adding(shop: SqlStore) -> None:
    names = ["f0", "03", "a1", "9c", "77"]
    with shop.writing() as tx:
        for place, name in enumerate(names):
            ended = S.QUEUED if place == len(names) - 1 else S.SUCCEEDED
            tx.add_operation(operation(name, state=ended, created_at=after(-place)))
        tx.add_operation(operation("of-market", "id-market"))
    with shop.reading() as view:
        assert [found.id for found in view.operations("id-shop")] == names[::-1]
        assert [found.id for found in view.operations("id-shop", limit=2)] == ["77", "9c"]
        assert [found.id for found in view.operations("id-shop", before="9c", limit=2)] == ["a1", "03"]
        assert view.operations("id-shop", before="f0") == []
        assert view.operations("id-shop", before="unheard-of") == []
        assert [found.id for found in view.open_operations()] == ["77", "of-market"]
        assert [found.id for found in view.open_operations(1)] == ["77"]


ACTS = st.lists(st.tuples(st.integers(0, 1), st.sampled_from(["read", "add", *S])), min_size=4, max_size=25)


@generated
@given(ACTS)
def test_two_that_work_from_what_they_once_read_never_make_a_second_open_operation(
    store: SqlStore, acts: list[tuple[int, str]]
) -> None:
    """Each of two workers reads, and later adds or saves by what it read, the other in between."""
    mine = new_project(store)
    known: dict[str, Operation] = {}
    hands: dict[int, Operation | None] = {0: None, 1: None}
    for number, (worker, act) in enumerate(acts):
        held = hands[worker]
        if act == "read":
            with store.reading() as view:
                newest = view.operations(mine, limit=1)
            hands[worker] = newest[0] if newest else None
            continue
        open_now = [found for found in known.values() if found.is_open]
        if act == "add":
            wish = operation(f"{mine}-{number}", mine)
            may = not open_now
        elif held is not None:
            wish = replace(held, state=S(act), facts={"turn": number})
            other = any(found.id != held.id for found in open_now)
            may = known[held.id].version == held.version and not (wish.is_open and other)
        else:
            continue
        try:
            with store.writing() as tx:
                saved = tx.save_operation(wish) if act != "add" else wish
                if act == "add":
                    tx.add_operation(wish)
        except Conflict:
            assert not may
        else:
            assert may
            known[saved.id] = saved
    with store.reading() as view:
        found = {one.id: one for one in view.operations(mine)}
        assert found == known
        assert sum(one.is_open for one in found.values()) <= 1


def test_of_threads_that_add_at_once_one_succeeds(shop: SqlStore) -> None:
    results = at_once(shop, 6, lambda tx, number: tx.add_operation(operation(f"op-{number}")))
    assert sum(result is None for result in results) == 1
    with shop.reading() as view:
        assert len(view.operations("id-shop")) == 1


def test_of_threads_that_save_at_once_one_succeeds(shop: SqlStore) -> None:
    first = operation("op-1")
    with shop.writing() as tx:
        tx.add_operation(first)
    results = at_once(shop, 6, lambda tx, number: tx.save_operation(replace(first, facts={"by": number})))
    (winner,) = (result for result in results if isinstance(result, Operation))
    with shop.reading() as view:
        assert view.operation("op-1") == winner


# Logs --------------------------------------------------------------------------------------------------


@generated
@given(st.lists(st.lists(st.text(max_size=5), max_size=4), max_size=6), st.integers(1, 4))
def test_a_log_is_numbered_in_order_and_read_in_pieces(
    store: SqlStore, batches: list[list[str]], piece: int
) -> None:
    mine = new_project(store)
    with store.writing() as tx:
        tx.add_operation(operation(mine, mine))
    for number, texts in enumerate(batches):
        with store.writing() as tx:
            tx.append_log(mine, number, after(number), f"step-{number}", texts)
    read: list[LogLine] = []
    with store.reading() as view:
        while found := view.operation_log(mine, read[-1].number if read else 0, piece):
            assert len(found) <= piece
            read += found
    assert [line.number for line in read] == list(range(1, len(read) + 1))
    flat = [(number, one) for number, texts in enumerate(batches) for one in texts]
    assert [(line.attempt, line.text) for line in read] == [
        (number, one.replace("\0", "\ufffd")) for number, one in flat
    ]
    assert [(line.step, line.at) for line in read] == [(f"step-{n}", after(n)) for n, _ in flat]


def test_threads_that_write_one_log_leave_no_gap_and_keep_their_lines_together(shop: SqlStore) -> None:
    with shop.writing() as tx:
        tx.add_operation(operation("op-1"))
    at_once(shop, 5, lambda tx, number: tx.append_log("op-1", number, NOW, "", [str(number)] * 20))
    with shop.reading() as view:
        lines = view.operation_log("op-1")
    assert [line.number for line in lines] == list(range(1, 101))
    batches = [{line.text for line in lines[start : start + 20]} for start in range(0, 100, 20)]
    assert sorted(map(sorted, batches)) == [[str(number)] for number in range(5)]


def test_a_long_line_is_cut_and_a_long_log_ends_with_a_word_of_it(shop: SqlStore) -> None:
    with shop.writing() as tx:
        tx.add_operation(operation("op-1"))
        tx.append_log("op-1", 1, NOW, "", ["x" * LINE_MAX, "y" * (LINE_MAX + 1)])
        exact, cut = tx.operation_log("op-1")
        assert exact.text == "x" * LINE_MAX
        assert cut.text == "y" * (LINE_MAX - 1) + "…"
        tx.append_log("op-1", 1, NOW, "", ["z"] * (LOG_MAX - 3))
        assert tx.operation_log("op-1", LOG_MAX - 2)[0].text == "z"
        tx.append_log("op-1", 1, NOW, "", [])
        assert tx.operation_log("op-1", LOG_MAX - 1) == []
        tx.append_log("op-1", 1, NOW, "", ["more", "and more"])
        tx.append_log("op-1", 2, NOW, "", ["and more"])
        (last,) = tx.operation_log("op-1", LOG_MAX - 1)
    assert (last.number, last.text) == (LOG_MAX, "The log ends here: it has 20,000 lines.")


def test_a_log_is_only_added_to(shop: SqlStore) -> None:
    with shop.writing() as tx:
        tx.add_operation(operation("op-1"))
        tx.append_log("op-1", 1, NOW, "", ["kept"])
    for statement in ("UPDATE operation_log SET text = 'other'", "DELETE FROM operation_log"):
        with pytest.raises(Conflict, match="only ever added"), shop.writing() as tx:
            tx._write(text(statement))
    with pytest.raises(Conflict, match="unheard-of is not recorded"), shop.writing() as tx:
        tx.append_log("unheard-of", 1, NOW, "", ["lost"])
    with shop.reading() as view:
        assert [line.text for line in view.operation_log("op-1")] == ["kept"]
        assert view.operation_log("unheard-of") == []


# Specs, estimates, releases, updates ---------------------------------------------------------------------


def test_the_versions_of_a_spec_are_kept_and_never_replaced(shop: SqlStore) -> None:
    first, second = spec(1), spec(2, template=TemplateRef("https://git.test/t"), answers={}, criteria=())
    with shop.writing() as tx:
        tx.add_spec(first)
        tx.add_spec(second)
        with pytest.raises(Conflict, match="version 2"):
            tx.add_spec(second)
    with shop.reading() as view:
        assert view.specs("id-shop") == [first, second]
        assert view.spec("id-shop") == second
        assert view.spec("id-shop", 1) == first
        assert (view.spec("id-shop", 3), view.spec("id-market"), view.specs("id-market")) == (None, None, [])


def test_an_estimate_takes_the_place_of_the_earlier_one(shop: SqlStore) -> None:
    with shop.writing() as tx:
        tx.save_estimate(estimate(1))
        tx.save_estimate(estimate(2))
        tx.save_estimate(again := estimate(1, cost_usd=0.1, basis=(), effort_hours=1 / 3))
    with shop.reading() as view:
        assert view.estimate("id-shop", 1) == again
        assert view.estimate("id-shop", 2) == estimate(2)
        assert view.estimate("id-shop", 3) is None


def test_a_release_keeps_its_number_and_a_live_one_supersedes_the_other(shop: SqlStore) -> None:
    with shop.writing() as tx:
        one = tx.save_release(release("aaa"))
        tx.save_release(release("of-market", "id-market"))
        two = tx.save_release(release("bbb", proof="process", health="up", checked_at=after(90)))
        assert (one.number, two.number) == (1, 2)
        assert tx.releases("id-shop") == [two, replace(one, state="superseded")]
        broken = tx.save_release(release("ccc", state="failed"))
        assert [found.commit for found in tx.live_releases()] == ["of-market", "bbb"]
        back = tx.save_release(release("aaa", made_at=after(99), operation_id="op-9"))
        assert back == release("aaa", number=1, made_at=after(99), operation_id="op-9")
        gone = tx.save_release(replace(two, state="rolled_back"))
        assert tx.releases("id-shop") == [broken, gone, back]
        assert tx.releases("id-shop", limit=1) == [broken]
        assert tx.save_release(replace(back, number=7, health="down")).number == 1


def test_updates_are_numbered_and_changed_in_place(shop: SqlStore) -> None:
    with shop.writing() as tx:
        one, two = tx.save_update(wanted("a cart")), tx.save_update(wanted("a till"))
        assert (one.number, two.number) == (1, 2)
        assert tx.save_update(wanted("elsewhere", "id-market")).number == 1
        assert tx.open_update("id-shop") is None
        one = tx.save_update(replace(one, state="open", spec_version=2))
        assert tx.open_update("id-shop") == one
        one = tx.save_update(replace(one, state="shipped", ended_at=after(9)))
        assert tx.updates("id-shop") == [one, two]
        assert tx.open_update("id-shop") is None


def test_numbers_given_at_once_have_neither_gap_nor_double(shop: SqlStore) -> None:
    def both(tx: Any, number: int) -> tuple[int, int]:
        made = tx.save_release(release(f"commit-{number}")).number
        return made, tx.save_update(wanted(str(number))).number

    pairs = at_once(shop, 6, both)
    assert sorted(pairs) == [(number, number) for number in range(1, 7)]
    with shop.reading() as view:
        states = [found.state for found in view.releases("id-shop")]
    assert states == ["live", *["superseded"] * 5]


RELEASES = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["live", "failed", "rolled_back"])), max_size=15
)


@generated
@given(RELEASES)
def test_there_is_one_release_per_commit_and_one_that_is_live(
    store: SqlStore, saves: list[tuple[str, str]]
) -> None:
    mine = new_project(store)
    states: dict[str, str] = {}
    for commit, state in saves:
        if state == "live":
            states = {known: "superseded" if was == "live" else was for known, was in states.items()}
        states[commit] = state
        with store.writing() as tx:
            saved = tx.save_release(release(commit, mine, state=state))
        assert saved.number == list(states).index(commit) + 1
    with store.reading() as view:
        assert {found.commit: found.state for found in view.releases(mine)} == states
        live = [found.commit for found in view.live_releases() if found.project_id == mine]
    assert live == [commit for commit, state in states.items() if state == "live"]
    assert len(live) <= 1


# Costs and the history that estimates stand on -----------------------------------------------------------


def test_what_is_not_known_of_costs_counts_as_nothing(shop: SqlStore) -> None:
    with shop.writing() as tx:
        assert (tx.spent_usd("id-shop"), tx.agent_runs("id-shop")) == (0.0, [])
        late = run("a", started_at=after(5))
        unknown = run("b", cost_usd=None, cost_source="unknown")
        for one in (late, unknown, run("elsewhere", "id-market")):
            tx.save_agent_run(one)
        assert tx.agent_runs("id-shop") == [unknown, late]
        assert tx.spent_usd("id-shop") == 0.25
        tx.save_agent_run(replace(unknown, cost_usd=1.5, outcome="limit"))
        assert tx.spent_usd("id-shop") == 1.75
        assert len(tx.agent_runs("id-shop")) == 2


def test_a_budget_is_set_replaced_and_taken_away(shop: SqlStore) -> None:
    with shop.writing() as tx:
        assert tx.budget_usd("id-shop") is None
        tx.set_budget("id-shop", 10)
        tx.set_budget("id-shop", 0.0)
        assert (tx.budget_usd("id-shop"), tx.budget_usd("id-market")) == (0.0, None)
        tx.set_budget("id-shop", None)
        assert tx.budget_usd("id-shop") is None


def test_what_was_built_is_the_first_road_of_projects_that_came_to_be_live(shop: SqlStore) -> None:
    day = 86_400.0
    with shop.writing() as tx:
        for slug in ("shop", "market"):
            tx.add_spec(spec(1, f"id-{slug}"))
            tx.save_estimate(estimate(1, f"id-{slug}", effort_hours=8.0))
        tx.save_release(release("bad", state="failed", made_at=after(day)))
        tx.save_release(release("good", made_at=after(2 * day)))
        tx.save_agent_run(run("on-the-road"))
        tx.save_agent_run(run("unknown", cost_usd=None))
        # What came after the first live release is not the road's, nor does it change what it was.
        tx.save_agent_run(run("later", started_at=after(3 * day)))
        tx.add_spec(spec(2, template=TemplateRef("other")))
        tx.save_estimate(estimate(2, effort_hours=99.0))
        tx.save_release(release("better", made_at=after(4 * day)))
        tx.save_release(release("good", state="rolled_back", made_at=after(5 * day)))
    road = Built("id-shop", "starter", 8.0, 2.0, 0.25)
    with shop.writing() as tx:
        assert tx.built("starter") == [road]
        assert tx.built("other") == []
        tx.save_release(release("c", "id-market", made_at=after(6 * day)))
        market = Built("id-market", "starter", 8.0, 6.0, 0.0)
        assert tx.built("starter") == [market, road]
        assert tx.built("starter", limit=1) == [market]


def test_nothing_of_building_is_kept_for_a_project_that_is_not_recorded(shop: SqlStore) -> None:
    writes: list[Callable[[Writes], Any]] = [
        lambda tx: tx.add_operation(operation("op", "id-none")),
        lambda tx: tx.add_spec(spec(1, "id-none")),
        lambda tx: tx.save_release(release("abc", "id-none")),
        lambda tx: tx.save_agent_run(run("r", "id-none")),
        lambda tx: tx.set_budget("id-none", 1.0),
    ]
    for write in writes:
        with pytest.raises(Conflict), shop.writing() as tx:
            write(tx)


def test_no_read_of_building_goes_through_a_whole_table(tmp_path: Path) -> None:
    """SQLite's plans for what the views ask, taken from the statements that they run."""
    store = open_store(f"sqlite:///{tmp_path}/steward.db")
    asked: list[str] = []
    with store.reading() as view:
        raw = view._connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.set_trace_callback(asked.append)
        view.operation("op")
        view.operations("id-shop", before="op")
        view.open_operation("id-shop")
        view.open_operations()
        view.current_operations(["id-shop"])
        view.operation_log("op", 7)
        view.spec("id-shop")
        view.specs("id-shop")
        view.estimate("id-shop", 1)
        view.releases("id-shop")
        view.live_releases()
        view.updates("id-shop")
        view.open_update("id-shop")
        view.agent_runs("id-shop")
        view.spent_usd("id-shop")
        view.budget_usd("id-shop")
        raw.set_trace_callback(None)
        plans = [
            (plan[3], statement)
            for statement in asked
            for plan in raw.execute(f"EXPLAIN QUERY PLAN {statement}")
        ]
    store.close()
    assert len(asked) >= 16
    small = ("ix_operations_open", "uq_releases_live", "VIRTUAL TABLE")
    assert [
        found
        for found in plans
        if found[0].startswith("SCAN") and not any(name in found[0] for name in small)
    ] == []
    assert any("uq_operations_open" in plan for plan, _ in plans)
