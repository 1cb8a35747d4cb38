"""Organisations, looks, page marks, requests and settings, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from steward.adapters.store.store import SqlStore
from steward.domain.project import Freeze, Organisation, OrgState
from steward.domain.repository import PageMark
from steward.ports import Conflict, LookRequest
from tests.contract.store.kit import NOW, after, connect, look, moment


def test_an_organisation_comes_back_as_it_was_stored(store: SqlStore) -> None:
    made = connect(store)
    assert made == Organisation(made.id, "Acme", "https://api.github.test")
    full = replace(
        made,
        login="acme-2",
        owner_id=77,
        aliases=("Acme", "acme-old"),
        state=OrgState.DEGRADED,
        reason="no answer — «нет ответа»",
        frozen=Freeze(NOW, "person:anna", "a move"),
        baseline=True,
        revision=5,
        marks_revision=4,
        marks_credential="c1",
        last_whole_look=9,
    )
    with store.writing() as tx:
        tx.save_organisation(full)
        assert tx.organisation(made.id) == full
    with store.reading() as view:
        assert view.organisations() == [full]


def test_organisations_come_by_login_whatever_its_case(store: SqlStore) -> None:
    for login in ("beta", "Alpha", "Zeta", "gamma"):
        connect(store, login)
    with store.reading() as view:
        assert [o.login for o in view.organisations()] == ["Alpha", "beta", "gamma", "Zeta"]


def test_an_organisation_is_connected_once(store: SqlStore) -> None:
    connect(store, "Acme")
    with pytest.raises(Conflict, match="connected already"):
        connect(store, "ACME")
    with store.reading() as view:
        assert len(view.organisations()) == 1


def test_an_unknown_organisation_is_refused(store: SqlStore) -> None:
    with pytest.raises(Conflict), store.reading() as view:
        view.organisation(12)
    with pytest.raises(Conflict), store.writing() as tx:
        tx.save_organisation(Organisation(12, "x", "y"))


def test_looks_begin_with_growing_ids_and_keep_their_end(store: SqlStore) -> None:
    connect(store)
    with store.writing() as tx:
        first, second = tx.begin_look(look()), tx.begin_look(look("single", asked_by="delivery:1"))
        assert second > first
        ended = replace(
            look(),
            id=first,
            outcome="whole",
            finished_at=after(3),
            reason="a reason",
            observed=12,
            requests=3,
            not_modified=2,
            points=1,
            held=4,
            changes={"discovered": 1},
        )
        tx.finish_look(ended)
    with store.reading() as view:
        assert view.look(first) == ended
        assert view.look(999) is None
        assert [found.id for found in view.looks(1, 10)] == [second, first]
        assert [found.id for found in view.looks(1, 1)] == [second]
        assert view.looks(1, 1)[0].asked_by == "delivery:1"


def test_running_looks_are_ended_as_interrupted_and_ended_ones_are_kept(store: SqlStore) -> None:
    connect(store)
    with store.writing() as tx:
        ended, running = tx.begin_look(look()), tx.begin_look(look())
        tx.finish_look(replace(look(), id=ended, outcome="whole", finished_at=after(1)))
        assert tx.interrupt_looks(after(9)) == 1
        assert tx.interrupt_looks(after(9)) == 0
    with store.reading() as view:
        shown = {found.id: (found.outcome, found.finished_at) for found in view.looks(1, 10)}
    assert shown == {ended: ("whole", after(1)), running: ("interrupted", after(9))}


def test_the_end_of_a_look_that_never_began_is_refused(store: SqlStore) -> None:
    connect(store)
    with pytest.raises(Conflict), store.writing() as tx:
        tx.finish_look(replace(look(), id=5))


def test_a_pruned_look_gives_its_id_to_nobody(store: SqlStore) -> None:
    connect(store)
    with store.writing() as tx:
        old = tx.begin_look(look())
        tx.finish_look(replace(look(), id=old, outcome="failed", finished_at=NOW))
    with store.writing() as tx:
        assert tx.prune(after(1)) == 1
        assert tx.begin_look(look()) > old


def test_pruning_keeps_what_changed_something_and_what_is_still_needed(store: SqlStore) -> None:
    made = connect(store)
    with store.writing() as tx:
        ids = [tx.begin_look(look()) for _ in range(6)]
        running, idle, changed, held, last, recent = ids
        done = replace(look(), outcome="whole", finished_at=NOW, changes={"discovered": 0})
        tx.finish_look(replace(done, id=idle))
        tx.finish_look(replace(done, id=changed, changes={"discovered": 2}))
        tx.finish_look(replace(done, id=held, held=1))
        tx.finish_look(replace(done, id=last))
        tx.finish_look(replace(done, id=recent, finished_at=after(60)))
        tx.save_organisation(replace(made, last_whole_look=last))
        assert tx.prune(after(1)) == 1
        assert [found.id for found in tx.looks(1, 10)] == sorted([running, changed, held, last, recent])[::-1]


def test_page_marks_are_replaced_and_those_beyond_the_end_dropped(store: SqlStore) -> None:
    connect(store)
    marks = {n: PageMark(n, f'W/"{n}"', 2, n < 3, 3 if n == 1 else None) for n in (1, 2, 3)}
    entries = {n: {n * 10: (1 << 62) + n, n * 10 + 1: -n} for n in (1, 2, 3)}
    with store.writing() as tx:
        tx.save_marks(1, {n: (marks[n], entries[n]) for n in (3, 1, 2)}, 3)
    with store.reading() as view:
        assert view.marks(1) == [marks[1], marks[2], marks[3]]
        assert view.page_entries(1, [1, 3, 9]) == {1: entries[1], 3: entries[3]}
        assert view.marks(2) == []
    shorter = replace(marks[2], etag="new", has_next=False)
    with store.writing() as tx:
        tx.save_marks(1, {2: (shorter, {})}, 2)
        assert tx.marks(1) == [marks[1], shorter]
        assert tx.page_entries(1, [1, 2, 3]) == {1: entries[1], 2: {}}


def test_a_thousand_pages_are_remembered(store: SqlStore) -> None:
    connect(store)
    pages = {
        n: (PageMark(n, f"e{n}", 100, n < 1000), {n * 100 + i: i for i in range(100)}) for n in range(1, 1001)
    }
    with store.writing() as tx:
        tx.save_marks(1, pages, 1000)
    with store.reading() as view:
        assert len(view.marks(1)) == 1000
        assert view.page_entries(1, range(1, 1001)) == {n: entries for n, (_, entries) in pages.items()}


def test_requests_for_a_look_wait_until_they_are_served(store: SqlStore) -> None:
    connect(store)
    with store.writing() as tx:
        first, second = (tx.ask_look(1, who, NOW) for who in ("local:anna", "local:boris"))
    asked = LookRequest(first, 1, "local:anna", NOW)
    with store.reading() as view:
        assert [request.id for request in view.look_requests()] == [first, second]
        assert view.look_request(first) == asked
        assert view.look_request(99) is None
    with store.writing() as tx:
        tx.serve_look_requests([first], 41)
        assert [request.id for request in tx.look_requests()] == [second]
        assert tx.look_request(first) == replace(asked, look=41)


def test_settings_hold_json_and_are_replaced(store: SqlStore) -> None:
    value = {"remaining": 12, "list": [1, None, "ы\u0000"], "nested": {"a": True}}
    with store.writing() as tx:
        assert tx.setting("budget") is None
        tx.set_setting("budget", value)
        tx.set_setting("other", 5)
    with store.writing() as tx:
        assert tx.setting("budget") == value
        tx.set_setting("budget", [1])
    with store.reading() as view:
        assert (view.setting("budget"), view.setting("other")) == ([1], 5)


def test_times_come_back_in_utc_whatever_zone_they_were_given_in(store: SqlStore) -> None:
    made = connect(store)
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    with store.writing() as tx:
        tx.save_organisation(replace(made, frozen=Freeze(elsewhere, "guard", "r")))
        begun = tx.begin_look(replace(look(), started=replace(moment(), at=elsewhere)))
    with store.reading() as view:
        frozen = view.organisation(made.id).frozen
        assert frozen is not None
        assert (frozen.at, frozen.at.utcoffset()) == (NOW, timedelta(0))
        found = view.look(begun)
        assert found is not None
        assert (found.started, found.started.at.utcoffset()) == (moment(), timedelta(0))


def test_a_time_without_its_zone_is_refused_and_nothing_is_written(store: SqlStore) -> None:
    made = connect(store)
    zoneless = replace(made, frozen=Freeze(NOW.replace(tzinfo=None), "guard", "r"))

    def write() -> None:
        with store.writing() as tx:
            tx.set_setting("a", 1)
            tx.save_organisation(zoneless)

    with pytest.raises(ValueError, match="without its zone"):
        write()
    with store.reading() as view:
        assert view.setting("a") is None
