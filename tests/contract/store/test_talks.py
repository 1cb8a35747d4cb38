"""Talks, what was said in them and what models cost for them, on both databases."""

from __future__ import annotations

import threading
from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from steward.adapters.store import open_store
from steward.adapters.store.store import SqlStore
from steward.domain.brief import Brief
from steward.domain.spending import Usage
from steward.domain.talks import Purpose, Said, Talk, TalkState
from steward.ports import Conflict, SchemaMismatch
from tests.contract.store.kit import NOW, after, call, connect, project, talk, words


@pytest.fixture
def shop(store: SqlStore) -> SqlStore:
    """A store with an organisation and two projects."""
    connect(store)
    with store.writing() as tx:
        tx.add_projects([project("shop"), project("market")])
    return store


def open_talks(store: SqlStore, *talks: Talk) -> list[Talk]:
    """Add talks."""
    with store.writing() as tx:
        return [tx.add_talk(one) for one in talks]


def to_fold(store: SqlStore, seconds: float, limit: int = 50) -> list[int]:
    """The ids of the talks to be folded then."""
    with store.reading() as view:
        return [one.id for one in view.talks_to_fold(after(seconds), limit)]


FULL = Brief(
    "Лавка",
    "to sell\nthings",
    "neighbours",
    ("a cart", "«поиск»"),
    ("payments",),
    ("Which city?",),
    "gallery",
    MappingProxyType({"name": "lavka", "size": None, "modules": ["a", {"b": 1.5}], "on": True}),
)


# Talks -------------------------------------------------------------------------------------------------


def test_a_talk_comes_back_as_it_was_added(shop: SqlStore) -> None:
    full = Talk(
        0,
        "tg:-1001:5",
        "anna",
        NOW,
        after(1),
        Purpose.UPDATE,
        TalkState.DONE,
        FULL,
        ("name", "Which city?"),
        "id-shop",
        -1001,
        12,
        3,
    )
    first, second = open_talks(shop, full, talk())
    assert (first, second) == (replace(full, id=first.id), talk(id=second.id))
    assert 0 < first.id < second.id
    with shop.reading() as view:
        assert view.talk(first.id) == view.talk_by_key("tg:-1001:5") == first
        assert view.talk(second.id) == second
        assert view.talk(99) is view.talk_by_key("none") is None


TEXTS = st.text(max_size=30).map(lambda words: words.replace("\x00", ""))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
LISTS = st.lists(TEXTS, max_size=3).map(tuple)
BRIEFS = st.builds(
    Brief, TEXTS, TEXTS, TEXTS, LISTS, LISTS, LISTS, TEXTS, st.dictionaries(TEXTS, JSON, max_size=3)
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(brief=BRIEFS, asked=LISTS)
def test_whatever_a_brief_says_comes_back(brief: Brief, asked: tuple[str, ...]) -> None:
    store = open_store("sqlite://")
    with store.writing() as tx:
        made = tx.add_talk(talk())
        saved = tx.save_talk(replace(made, brief=brief, asked=asked))
        assert tx.talk(made.id) == saved == replace(made, brief=brief, asked=asked, version=2)
    store.close()


def test_a_key_opens_one_talk(store: SqlStore) -> None:
    (first,) = open_talks(store, talk())
    with pytest.raises(Conflict, match="tg:7:1 was opened already"):
        open_talks(store, talk(user="boris"))
    with store.writing() as tx:
        with pytest.raises(Conflict):
            tx.add_talk(talk())
        tx.add_talk(talk("tg:7:2"))
    with store.reading() as view:
        assert view.talk_by_key("tg:7:1") == first
        assert len(view.talks()) == 2, "the refusal spoiled nothing"


def test_a_talk_is_saved_as_the_version_that_follows(shop: SqlStore) -> None:
    (made,) = open_talks(shop, talk())
    changed = replace(
        made,
        changed_at=after(1),
        purpose=Purpose.UPDATE,
        state=TalkState.DROPPED,
        brief=FULL,
        asked=("name",),
        project_id="id-shop",
        chat_id=8,
        thread_id=9,
    )
    with shop.writing() as tx:
        saved = tx.save_talk(changed)
        assert saved == replace(changed, version=2)
        assert tx.talk(made.id) == saved
        with pytest.raises(Conflict, match="went on meanwhile"):
            tx.save_talk(replace(changed, state=TalkState.DONE))
        with pytest.raises(Conflict, match="99"):
            tx.save_talk(replace(saved, id=99))
        assert tx.save_talk(replace(saved, key="other", user="eve", opened_at=after(9))).version == 3
        assert tx.talk(made.id) == replace(saved, version=3), "who opened it, when and by what stays"


def test_of_two_who_save_at_once_one_is_told(store: SqlStore) -> None:
    (made,) = open_talks(store, talk())
    together, outcomes = threading.Barrier(2), list[str]()

    def save(goal: str) -> None:
        together.wait()
        try:
            with store.writing() as tx:
                tx.save_talk(replace(made, brief=Brief(goal=goal)))
            outcomes.append(goal)
        except Conflict:
            outcomes.append("refused")

    threads = [threading.Thread(target=save, args=(goal,)) for goal in ("sell", "buy")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.reading() as view:
        kept = view.talk(made.id)
    assert kept is not None
    assert sorted(outcomes) == sorted([kept.brief.goal, "refused"])
    assert kept.version == 2


def test_the_talk_that_goes_on_is_the_newest_open_one(store: SqlStore) -> None:
    here, there, _, hers, _ = open_talks(
        store,
        talk("1", chat_id=7),
        talk("2", chat_id=8),
        talk("3", chat_id=7, state=TalkState.DONE),
        talk("4", user="eve", chat_id=7),
        talk("5", user="eve", chat_id=7, state=TalkState.DROPPED),
    )
    with store.reading() as view:
        assert view.open_talk("anna", 7) == here
        assert view.open_talk("anna", None) == there
        assert view.open_talk("anna", 9) is None
        assert view.open_talk("eve", 7) == hers
        assert view.open_talk("boris", None) is None


def test_talks_are_listed_by_their_last_change(shop: SqlStore) -> None:
    first, second, third = open_talks(
        shop,
        talk("1", changed_at=after(5), project_id="id-shop"),
        talk("2", state=TalkState.DONE, project_id="id-shop"),
        talk("3", user="eve", changed_at=after(1)),
    )
    with shop.reading() as view:
        assert view.talks() == [first, third, second]
        assert view.talks(limit=1) == [first]
        assert view.talks("anna") == [first, second]
        assert view.talks("anna", [TalkState.DONE, TalkState.DROPPED]) == [second]
        assert view.talk_about("id-shop") == second, "the newest"
        assert view.talk_about("id-market") is None


# What was said -----------------------------------------------------------------------------------------


def test_what_was_said_comes_back_in_order(store: SqlStore) -> None:
    made, other = open_talks(store, talk("1"), talk("2"))
    full = Said(made.id, "tg:7:9", after(1), "«да»\x00", True, "name", True, after(2))
    with store.writing() as tx:
        late = tx.say(full)
        early = tx.say(words(made.id, "tg:7:1"))
        again = tx.say(words(made.id, "tg:7:2"))
        elsewhere = tx.say(words(other.id, "tg:7:1"))
    with store.reading() as view:
        assert view.said(made.id) == [early, again, replace(late, text="«да»\ufffd")]
        assert view.said(other.id) == [elsewhere]
        assert view.said(99) == []


def test_what_is_said_again_takes_the_place_of_what_was_said(store: SqlStore) -> None:
    (made,) = open_talks(store, talk())
    with store.writing() as tx:
        first = tx.say(words(made.id, "a", folded=True))
        second = tx.say(words(made.id, "b"))
        edited = tx.say(words(made.id, "a", text="better", edited_at=after(9)))
        assert edited.id == first.id
        assert tx.said(made.id) == [edited, second]
        assert tx.unsay(made.id, "a")
        assert not tx.unsay(made.id, "a")
        assert tx.said(made.id) == [second]


def test_talks_are_folded_once_nothing_more_was_said_for_a_while(store: SqlStore) -> None:
    patient, hasty, done, folded, silent = open_talks(
        store, talk("1"), talk("2"), talk("3", state=TalkState.DONE), talk("4"), talk("5")
    )
    with store.writing() as tx:
        tx.say(words(patient.id, "a", 1))
        tx.say(words(patient.id, "b", 5))
        tx.say(words(hasty.id, "a", 2))
        tx.say(words(hasty.id, "b", 9, folded=True))
        tx.say(words(done.id, "a"))
        tx.say(words(folded.id, "a", folded=True))
    assert to_fold(store, 2) == [], "said at that moment is not before it"
    assert to_fold(store, 3) == [hasty.id]
    assert to_fold(store, 6) == [hasty.id, patient.id], "who waits longest comes first"
    assert to_fold(store, 6, limit=1) == [hasty.id]
    with store.writing() as tx:
        tx.say(words(hasty.id, "a", 2, edited_at=after(7)))
    assert to_fold(store, 6) == [patient.id]
    assert to_fold(store, 8) == [patient.id, hasty.id]
    assert silent.id not in to_fold(store, 99)


# What models cost --------------------------------------------------------------------------------------


def test_calls_of_models_are_kept_and_added_up(shop: SqlStore) -> None:
    draft, update, hers = open_talks(
        shop, talk("1"), talk("2", project_id="id-shop"), talk("3", user="eve", project_id="id-shop")
    )
    usage = Usage("anthropic:claude", 2**40, 7, 1.5, "computed")
    with shop.writing() as tx:
        tx.add_mind_call(call(draft.id, 0.25, 0))
        tx.add_mind_call(call(update.id, None, 1, outcome="timeout"))
        tx.add_mind_call(call(update.id, 0.5, 2, project_id="id-market"))
        tx.add_mind_call(call(hers.id, seconds=3, user="eve", usage=usage, project_id="id-shop"))
    with shop.reading() as view:
        eve, market, unknown, first = view.mind_calls()
        assert eve == call(hers.id, seconds=3, user="eve", usage=usage, project_id="id-shop", id=eve.id)
        assert unknown == call(update.id, None, 1, outcome="timeout", id=unknown.id)
        assert view.mind_calls(user="anna") == [market, unknown, first]
        assert view.mind_calls(user="anna", since=after(1)) == [market, unknown]
        assert view.mind_calls(project_id="id-shop") == [eve, unknown]
        assert view.mind_spent() == (2.25, 4)
        assert view.mind_spent(user="anna") == (0.75, 3)
        assert view.mind_spent(user="anna", since=after(1)) == (0.5, 2)
        assert view.mind_spent(user="anna", since=after(9)) == (0.0, 0)
        assert view.mind_spent(project_id="id-shop") == (1.5, 2)
        assert view.mind_spent(project_id="id-market") == (0.5, 1)


def test_what_was_spent_before_there_was_a_project_is_that_projects(shop: SqlStore) -> None:
    (made,) = open_talks(shop, talk())
    with shop.writing() as tx:
        tx.add_mind_call(call(made.id, 0.25))
        assert tx.mind_spent(project_id="id-shop") == (0.0, 0)
        tx.save_talk(replace(made, project_id="id-shop"))
        assert tx.mind_spent(project_id="id-shop") == (0.25, 1)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("UPDATE talks SET state = 'asleep'", "the talk 1"),
        ("UPDATE talks SET purpose = 'poetry'", "the talk 1"),
        ("UPDATE talks SET brief = '{\"colour\": 1}'", "the talk 1"),
        ("UPDATE said SET at = 'once'", "the message 1"),
    ],
)
def test_what_cannot_be_read_is_named(store: SqlStore, change: str, named: str) -> None:
    (made,) = open_talks(store, talk())
    with store.writing() as tx:
        tx.say(words(made.id, "a"))
        tx._write(text(change))
    with pytest.raises(SchemaMismatch, match=named), store.reading() as view:
        assert [view.talk(made.id), view.said(made.id)] == []


def test_a_talk_of_a_project_that_is_not_recorded_is_refused(store: SqlStore) -> None:
    with pytest.raises(Conflict):
        open_talks(store, talk(project_id="id-none"))
