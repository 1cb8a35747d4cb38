"""What is kept of hands off: a ledger that only grows, one hold per reason, watches, patches, scans and scores."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, text

from steward.adapters.store import open_store, upgrade
from steward.adapters.store.engine import connect as open_database
from steward.adapters.store.hand_rows import hold_row
from steward.adapters.store.hand_views import PATCHES_KEPT
from steward.adapters.store.inbox_rows import delivery_row
from steward.adapters.store.migrate import run
from steward.adapters.store.rows import project_row
from steward.adapters.store.schema import deliveries, holds, metadata, projects
from steward.adapters.store.store import SqlStore
from steward.adapters.store.view import written_columns
from steward.domain.deliveries import Delivery
from steward.domain.hands import EntryKind, HandsOff, Hold, Reason, Sender
from steward.domain.project import Management, Tracked
from steward.domain.status import Status
from steward.ports import Conflict
from steward.ports.hands import PATCH_MAX, Score
from tests.contract.store.kit import (
    NOW,
    adopt,
    after,
    connect,
    entry,
    hold,
    lost,
    patch,
    project,
    record,
    row,
    scan,
    watch,
)

EVE = Sender(77, "eve", "User")
ROBOT = Sender(78, "dependabot[bot]", "Bot")


@pytest.fixture
def shop(store: SqlStore) -> SqlStore:
    """A store with an organisation and two projects."""
    connect(store)
    with store.writing() as tx:
        tx.add_projects([project("shop"), project("market")])
    return store


# The ledger --------------------------------------------------------------------------------------------


def test_an_intent_is_written_first_and_what_is_seen_of_it_later(shop: SqlStore) -> None:
    merge = entry(None, kind=EntryKind.MERGE, head="h", pull=7, made=False, operation_id="op-1")
    with shop.writing() as tx:
        pushed = tx.enter(entry(branch="steward/op-1\x00", before=None))
        intent = tx.enter(merge)
        elsewhere = tx.enter(entry(repository_id=2**62))
    assert 0 < pushed.id < intent.id < elsewhere.id
    pushed = replace(pushed, branch="steward/op-1\ufffd")
    with shop.writing() as tx:
        assert tx.ledger(1) == [intent, pushed]
        seen = replace(intent, before="a2", after="c", made=True)
        assert tx.enter(seen) == tx.enter(seen) == seen, "telling it again changes nothing"
        later = tx.enter(entry("d"))
    with shop.reading() as view:
        assert view.ledger(1) == [later, seen, pushed], "newest first"
        assert view.ledger(1, limit=1) == [later]
        assert view.ledger(1, "main") == [later, seen]
        assert view.ledger(1, pushed.branch) == [pushed]
        assert view.ledger(2**62) == [elsewhere]
        assert view.ledger(3) == []


def test_an_entry_that_was_made_is_history(shop: SqlStore) -> None:
    with shop.writing() as tx:
        made = tx.enter(entry())
        intent = tx.enter(entry(None, made=False))
    changes: list[dict[str, Any]] = [{"after": "z"}, {"made": False}, {"by": "user:eve"}, {"branch": "x"}]
    for change in changes:
        with pytest.raises(Conflict, match="until it is made"), shop.writing() as tx:
            tx.enter(replace(made, **change))
    with pytest.raises(Conflict, match="until it is made"), shop.writing() as tx:
        tx.enter(replace(intent, head="another"))
    with pytest.raises(Conflict, match="never taken out"), shop.writing() as tx:
        tx._write(text("DELETE FROM ledger"))
    with pytest.raises(Conflict, match="99 of the ledger is not recorded"), shop.writing() as tx:
        tx.enter(replace(made, id=99))
    with shop.reading() as view:
        assert view.ledger(1) == [intent, made]


def test_what_a_newer_steward_wrote_is_read_as_its_text(shop: SqlStore) -> None:
    with shop.writing() as tx:
        tx.enter(entry())
        tx.save_hold(hold())
        tx._write(text("INSERT INTO ledger (repository_id, branch, kind, at, by, made) SELECT"
                       " repository_id, branch, 'rewritten', at, by, made FROM ledger"))  # fmt: skip
        tx._write(text("UPDATE holds SET reason = 'court order'"))
        tx._write(text("UPDATE projects SET hands_off = 'ask the cat'"))
    with shop.reading() as view:
        newest, known = view.ledger(1)
        assert (newest.kind, newest.kind.value, str(known.kind)) == ("rewritten", "rewritten", "push")
        (found,) = view.holds("id-shop")
        assert (found.reason, found.stands) == ("court order", True)
        assert found.reason not in list(Reason)
        assert view.standing_holds(["id-shop"]) == {"id-shop": [found]}
        shown = view.project("shop")
        assert not isinstance(shown, Tracked)
        assert shown is not None
        assert shown.hands_off is HandsOff.HOLD
    with shop.writing() as tx:
        tx.save_hold(replace(found, lifted_at=NOW))
        assert tx.holds("id-shop", lifted=True)[0].reason == "court order", "written back as it was read"


# Holds -------------------------------------------------------------------------------------------------


def test_holds_come_back_as_they_were_saved_and_are_lifted(shop: SqlStore) -> None:
    with shop.writing() as tx:
        foreign = tx.save_hold(hold(until_green=True))
        paused = tx.save_hold(hold(reason=Reason.PAUSED, evidence={}, since=after(-5)))
        other = tx.save_hold(hold("id-market"))
    with shop.writing() as tx:
        assert tx.holds("id-shop") == [foreign, paused]
        assert tx.holds("id-shop", limit=1) == [foreign]
        assert tx.hold(foreign.id) == foreign
        assert tx.hold(99) is None
        assert tx.standing_holds(["id-shop", "id-market", "id-none"]) == {
            "id-shop": [foreign, paused],
            "id-market": [other],
        }
        assert tx.standing_holds([]) == {}
        assert tx.foreign_holds(1) == [foreign]
        assert tx.foreign_holds(2) == []
        lifted = tx.save_hold(replace(foreign, lifted_at=after(9), lifted_by="user:anna", exit="ship"))
        lifted_too = tx.save_hold(replace(paused, lifted_at=after(8), lifted_by="user:anna"))
        again = tx.save_hold(hold())
    with shop.reading() as view:
        assert view.holds("id-shop") == [again]
        assert view.holds("id-shop", lifted=True) == [lifted, lifted_too], "newest first"
        assert view.holds("id-shop", lifted=True, limit=1) == [lifted]
        assert view.foreign_holds(1) == []
        assert view.standing_holds(["id-shop"]) == {"id-shop": [again]}
    with pytest.raises(Conflict, match="99 is not recorded"), shop.writing() as tx:
        tx.save_hold(hold(reason=Reason.FILE, id=99))


def test_the_database_itself_refuses_a_second_standing_hold(shop: SqlStore) -> None:
    with shop.writing() as tx:
        tx.save_hold(hold())
        with pytest.raises(Conflict, match="held for that reason already: foreign"):
            tx.save_hold(hold(words="again"))
        tx.save_hold(hold(lifted_at=NOW))
    with pytest.raises(Conflict), shop.writing() as tx:
        tx._write(insert(holds).values(hold_row(hold())))
    with shop.reading() as view:
        assert len(view.holds("id-shop")) == 1


ACTS = st.lists(
    st.tuples(st.sampled_from(["place", "lift", "stand again"]), st.sampled_from(Reason), st.integers(0, 9)),
    min_size=3,
    max_size=20,
)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ACTS)
def test_whatever_is_placed_and_lifted_at_most_one_stands_per_reason(
    shop: SqlStore, acts: list[tuple[str, Reason, int]]
) -> None:
    with shop.writing() as tx:
        for old in tx.holds("id-shop"):
            tx.save_hold(replace(old, lifted_at=NOW))
        known: list[Hold] = []
        for act, reason, number in acts:
            standing = {one.reason for one in known if one.stands}
            if act == "place":
                wish = hold(reason=reason)
            elif known:
                chosen = known[number % len(known)]
                wish = replace(chosen, lifted_at=NOW if act == "lift" else None)
            else:
                continue
            others = {one.reason for one in known if one.stands and one.id != wish.id}
            if wish.stands and wish.reason in others:
                with pytest.raises(Conflict):
                    tx.save_hold(wish)
                assert wish.reason in standing
                continue
            saved = tx.save_hold(wish)
            known = [one for one in known if one.id != saved.id] + [saved]
        assert tx.holds("id-shop") == sorted((one for one in known if one.stands), key=lambda one: one.id)
        assert len(tx.holds("id-shop")) == len({one.reason for one in known if one.stands})


# Watches and senders -----------------------------------------------------------------------------------


def test_what_is_watched_is_replaced_and_forgotten(shop: SqlStore) -> None:
    bare = replace(
        watch(2, "id-market"), tips={}, pushed_at=None, read_at=None, topics=(), marked=False, wanted={}
    )
    with shop.writing() as tx:
        tx.save_watch(watch())
        tx.save_watch(bare)
        assert tx.watches([1, 2, 3]) == {1: watch(), 2: bare}
        changed = watch(tips={"main": "z"}, shown={})
        tx.save_watch(changed)
        tx.drop_watch(2)
        tx.drop_watch(3)
        assert tx.watches([1, 2]) == {1: changed}
        assert tx.watches([]) == {}
    with pytest.raises(Conflict), shop.writing() as tx:
        tx.save_watch(watch(4, "id-none"))


def test_what_is_driven_and_has_a_repository_is_watched(store: SqlStore) -> None:
    connect(store)
    connect(store, "Other")
    drive = {"management": Management.DRIVE, "hands_off": HandsOff.CONTINUE}
    second = adopt(store, "second", 20, **drive)
    first = adopt(store, "first", 10, **drive)
    adopt(store, "watched", 30)
    with store.writing() as tx:
        tx.add_projects([project("planned", management=Management.DRIVE)])
        tx.add_projects([project("gone", repository_id=40, management=Management.DRIVE)])
        tx.add_projects([project("far", repository_id=50, organisation_id=2, management=Management.DRIVE)])
    record(store, lost(40, 1, project_id="id-gone"), row(50, 2, project_id="id-far"))
    with store.reading() as view:
        assert view.watched_projects(1) == [first, second]
        assert first.project is not None
        assert first.project.hands_off is HandsOff.CONTINUE
        assert [tracked.repository.repo.id for tracked in view.watched_projects(2)] == [50]


def test_who_pushed_is_what_the_newest_delivery_tells(store: SqlStore) -> None:
    connect(store)

    def pushed(guid: str, sha: str, sender: Sender | None, **more: Any) -> Delivery:
        made = Delivery(7, guid, "push", NOW, b"{}", ref="refs/heads/main", after=sha, sender=sender)
        return replace(made, organisation_id=1, **{"repository_id": 5, **more})

    with store.writing() as tx:
        tx.deliver(
            [
                pushed("1", "a", EVE),
                pushed("2", "a", ROBOT, ref="refs/heads/other"),
                pushed("3", "b", ROBOT),
                pushed("4", "c", None),
                pushed("5", "d", EVE, repository_id=6),
            ]
        )
        tx.prune_deliveries(after(9), after(-9))
    with store.reading() as view:
        assert view.senders(5, ["a", "b", "c", "d", "e"]) == {"a": ROBOT, "b": ROBOT}
        assert view.senders(5, ["a", "b"], "main") == {"a": EVE, "b": ROBOT}
        assert view.senders(6, ["d"]) == {"d": EVE}
        assert view.senders(5, []) == {}
        (found,) = view.deliveries(before=2)
        assert (found.after, found.sender) == ("a", EVE)


# Patches, scans and scores -----------------------------------------------------------------------------


def test_the_newest_patches_of_a_project_are_kept(shop: SqlStore) -> None:
    with shop.writing() as tx:
        other = tx.keep_patch(patch("theirs", "id-market"))
        kept = [tx.keep_patch(patch(f"+{number}\n")) for number in range(PATCHES_KEPT + 3)]
        assert tx.patches("id-shop") == kept[:2:-1]
        assert tx.patches("id-shop", 2) == [kept[-1], kept[-2]]
        assert tx.patches("id-market") == [other]
        line = "+" + "x" * 98 + "\n"
        long = tx.keep_patch(patch(line * (PATCH_MAX // 100) + "+the line that is too much\n"))
        assert (long.cut, long.text) == (True, line * (PATCH_MAX // 100))
        assert tx.patches("id-shop", 1) == [long]


def test_a_project_has_one_scan_and_its_last_result(shop: SqlStore) -> None:
    done = scan(
        state="done",
        reason="too large",
        advice="ask again",
        commit="c0ffee",
        done_at=after(4),
        result={"needs": [{"name": "ЛАВКА", "lines": [1]}]},
        attempts=2,
    )
    with shop.writing() as tx:
        assert tx.scan("id-shop") is None
        tx.save_scan(scan(asked_at=after(1)))
        tx.save_scan(scan("id-market"))
        assert [found.project_id for found in tx.scans(["queued", "running"])] == ["id-market", "id-shop"]
        assert [found.project_id for found in tx.scans(["queued"], 1)] == ["id-market"]
        tx.save_scan(done)
        assert tx.scan("id-shop") == done
        assert tx.scans(["done"]) == [replace(done, result=None)]
        assert tx.scans(["failed"]) == tx.scans([]) == []
        assert tx.scan_counts() == {"done": 1, "queued": 1}


def test_scores_that_are_missing_or_too_old_are_asked_for_oldest_first(store: SqlStore) -> None:
    connect(store)
    with store.writing() as tx:
        tx.add_projects(
            [
                project("never"),
                project("old"),
                project("older"),
                project("fresh"),
                project("changed", updated_at=after(30)),
                project("put-away", status=Status.ARCHIVED, interrupted=(Status.ACTIVE,)),
                project("ignored", management=Management.IGNORE),
            ]
        )
        tx.save_scores(
            [
                Score("id-old", 50, ("owner", "checks"), after(9)),
                Score("id-older", 0, (), after(8)),
                Score("id-fresh", 100, (), after(10)),
                Score("id-changed", 1, (), after(20)),
            ]
        )
        asked = ["id-never", "id-older", "id-old", "id-changed"]
        assert tx.unscored(after(10), 10) == asked
        assert tx.unscored(after(10), 2) == asked[:2]
        assert tx.unscored(after(0), 10) == ["id-never", "id-changed"]
        tx.save_scores([Score("id-changed", 2, ("x",), after(31)), Score("id-never", 3, (), after(31))])
        assert tx.unscored(after(0), 10) == []
        assert tx.scores(["id-changed", "id-old", "id-none"]) == {
            "id-changed": Score("id-changed", 2, ("x",), after(31)),
            "id-old": Score("id-old", 50, ("owner", "checks"), after(9)),
        }


# Projects, and older databases -------------------------------------------------------------------------


def test_what_a_persons_push_does_is_kept_with_the_project(shop: SqlStore) -> None:
    made = project("shop")
    assert made.hands_off is HandsOff.HOLD
    with shop.writing() as tx:
        saved = tx.save_project(replace(made, hands_off=HandsOff.NOTIFY), after(1))
    with shop.reading() as view:
        assert view.project("shop") == saved
    with pytest.raises(Conflict), shop.writing() as tx:
        tx.save_project(replace(made, hands_off=HandsOff.CONTINUE), after(2))


def test_a_database_of_the_schema_before_is_brought_up_with_its_rows(store_url: str) -> None:
    database = open_database(store_url, create=True)
    with database.writing() as connection:
        metadata.drop_all(connection)
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
    with database.writing() as connection:
        run(connection, "0003")
        fields = (
            "login, server, aliases, state, reason, baseline, revision, marks_credential, last_whole_look"
        )
        connection.execute(
            text(f"INSERT INTO organisations ({fields}) VALUES ('acme', 'x', '[]', 'ok', '', true, 0, '', 0)")
        )
        before(connection, "projects", written_columns(projects), project_row(project("shop")))
        told = Delivery(7, "g", "push", NOW, ref="refs/heads/main", organisation_id=1, repository_id=5)
        before(connection, "deliveries", written_columns(deliveries), delivery_row(told, "sqlite"))
    database.close()
    upgrade(store_url)
    store = open_store(store_url)
    with store.writing() as tx:
        assert tx.project("shop") == project("shop")
        assert tx.deliveries() == [replace(told, id=1)]
        assert tx.senders(5, ["", "a"]) == {}
        assert tx.unscored(NOW, 5) == ["id-shop"]
        assert tx.standing_holds(["id-shop"]) == {}
        tx.save_hold(hold())
    store.close()


def before(connection: Connection, table: str, columns: list[str], row: tuple[Any, ...]) -> None:
    """Insert a row as the schema before had it."""
    later = ("hands_off", "after", "sender")
    values = {name: value for name, value in zip(columns, row, strict=True) if name not in later}
    names = ", ".join(values)
    slots = ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({slots})"), values)
