"""Recorded repositories: the fence, the names, and every question asked of them, on both databases."""

from __future__ import annotations

from dataclasses import replace

from steward.adapters.store.store import SqlStore
from steward.domain.project import Tracked
from steward.domain.repository import Presence, Repo, Repository
from steward.ports import NameRecord
from tests.contract.store.kit import NOW, adopt, after, connect, lost, moment, record, repo, row


def ids(found: list[Tracked]) -> list[int]:
    """Their ids, in the order given."""
    return [tracked.repository.repo.id for tracked in found]


def test_a_repository_comes_back_as_it_was_stored(store: SqlStore) -> None:
    connect(store)
    facts = Repo(
        id=5_000_000_000,
        name="Shop",
        owner_id=7,
        owner_login="Acme",
        digest=(1 << 63) - 1,
        node_id="R_x",
        visibility="internal",
        default_branch="main",
        description="A shop — «лавка» 🛒 'quoted' \\ \"x\" %s ?",
        archived=True,
        disabled=True,
        fork=True,
        topics=("shop", "лавка"),
        html_url="https://github.test/Acme/Shop",
        created_at=NOW,
        pushed_at=after(5),
    )
    full = Repository(
        facts,
        1,
        None,
        Presence.ABSENT,
        absences=2,
        absent_since=moment(1),
        confirmed=moment(2),
        absent_look=7,
        lost_at=moment(3),
        held=True,
        vouched="person:anna",
        look=9,
    )
    bare = row(6)
    assert record(store, full, bare) == 2
    with store.reading() as view:
        assert view.tracked([5_000_000_000, 6, 7]) == [Tracked(bare, None), Tracked(full, None)]
        assert view.tracked([]) == []


def test_what_no_database_can_hold_in_text_is_replaced(store: SqlStore) -> None:
    connect(store)
    strange = row(1)
    record(store, replace(strange, repo=replace(strange.repo, description="nul \x00, half \ud83d of a pair")))
    with store.reading() as view:
        (found,) = view.tracked([1])
    assert found.repository.repo.description is not None
    assert found.repository.repo.description.startswith("nul \ufffd, half \ufffd")


def test_digests_are_those_of_what_is_seen(store: SqlStore) -> None:
    connect(store)
    connect(store, "Other")
    record(
        store,
        row(1, digest=-5),
        row(2, presence=Presence.ABSENT),
        row(3, presence=Presence.BLOCKED),
        row(4, 2),
    )
    with store.reading() as view:
        assert view.digests(1) == {1: -5, 2: None, 3: None}
        assert list(view.digests(2)) == [4]
        assert view.digests(3) == {}


def test_an_older_look_never_overwrites_what_a_newer_one_recorded(store: SqlStore) -> None:
    connect(store)
    assert record(store, row(1, name="old", look=5), row(2, look=5)) == 2
    late = [row(1, name="late", look=4), row(2, look=6, digest=8), row(3, look=4)]
    assert record(store, *late, seconds=1) == 2
    with store.reading() as view:
        by_id = {tracked.repository.repo.id: tracked.repository for tracked in view.tracked([1, 2, 3])}
        assert by_id[1].repo.name == "old"
        assert by_id[2].repo.digest == 8
        assert [record.full_name for record in view.names(1)] == ["Acme/old"]
    assert record(store, row(1, name="same-look", look=5)) == 1


def test_names_are_kept_with_their_times(store: SqlStore) -> None:
    connect(store)
    record(store, row(1, name="a"))
    record(store, row(1, name="a", digest=3), seconds=1)
    record(store, row(1, name="b"), seconds=2)
    record(store, row(1, name="b", owner_login="Acme2"), seconds=3)
    record(store, row(1, name="a", owner_login="Acme"), seconds=4)
    with store.reading() as view:
        assert view.names(1) == [
            NameRecord(1, "Acme/a", NOW, after(2)),
            NameRecord(1, "Acme/b", after(2), after(3)),
            NameRecord(1, "Acme2/b", after(3), after(4)),
            NameRecord(1, "Acme/a", after(4)),
        ]
        assert view.names(2) == []


def test_two_repositories_swap_their_names(store: SqlStore) -> None:
    connect(store)
    record(store, row(1, name="a"), row(2, name="b"))
    assert record(store, row(1, name="b"), row(2, name="a"), seconds=1) == 2
    with store.reading() as view:
        assert [t.repository.repo.name for t in view.tracked([1, 2])] == ["b", "a"]
        found = view.namesakes(1, ["A", "b"])
        assert {name: ids(bearers) for name, bearers in found.items()} == {"a": [1, 2], "b": [1, 2]}


def test_namesakes_are_of_one_organisation_and_come_with_their_projects(store: SqlStore) -> None:
    connect(store)
    connect(store, "Other")
    shop = adopt(store, "Shop".lower(), 1)
    record(store, row(2, 2, name="shop"), row(3, name="Blog"))
    with store.reading() as view:
        assert view.namesakes(1, ["SHOP", "nothing"]) == {"shop": [shop]}
        assert {name: ids(found) for name, found in view.namesakes(1, ["blog"]).items()} == {"blog": [3]}
        assert view.namesakes(1, []) == {}


def test_tracked_repositories_come_with_the_project_that_they_are_recorded_for(store: SqlStore) -> None:
    connect(store)
    shop = adopt(store, "shop", 1)
    record(store, row(2))
    with store.reading() as view:
        assert view.tracked([1]) == [shop]
        assert view.tracked([2])[0].project is None


def test_a_repository_may_be_recorded_before_its_project_in_one_transaction(store: SqlStore) -> None:
    connect(store)
    made = adopt(store, "one", 1).project
    assert made is not None
    later = replace(made, id="id-two", slug="two", repository_id=2)
    with store.writing() as tx:
        tx.save_repositories([row(2, project_id="id-two")], NOW)
        tx.add_projects([later])
    with store.reading() as view:
        assert view.tracked([2])[0].project == later


def test_absences_come_least_recently_read_first(store: SqlStore) -> None:
    connect(store)
    record(
        store,
        row(1, confirmed=moment(30), presence=Presence.ABSENT),
        row(2, confirmed=moment(10), presence=Presence.ABSENT),
        row(3, presence=Presence.ABSENT),
        row(4, held=True, presence=Presence.ABSENT),
        lost(5, 1),
        row(6),
        row(7, presence=Presence.INACCESSIBLE),
        row(8, confirmed=moment(-3600), presence=Presence.ABSENT),
    )
    with store.reading() as view:
        assert ids(view.absences(1, 10)) == [3, 8, 2, 1]
        assert ids(view.absences(1, 2)) == [3, 8]
        assert view.absences(2, 10) == []


def test_unseen_ones_come_by_presence(store: SqlStore) -> None:
    connect(store)
    record(
        store,
        row(4, presence=Presence.INACCESSIBLE),
        row(2, presence=Presence.BLOCKED),
        row(3, presence=Presence.INACCESSIBLE),
        row(5, presence=Presence.TRANSFERRED, lost_at=moment()),
        row(6),
    )
    with store.reading() as view:
        assert ids(view.unseen(1, [Presence.INACCESSIBLE, Presence.BLOCKED], 10)) == [2, 3, 4]
        assert ids(view.unseen(1, ["inaccessible"], 1)) == [3]
        assert view.unseen(1, ["transferred"], 10) == []
        assert view.unseen(1, [], 10) == []


def test_held_ones_come_by_id(store: SqlStore) -> None:
    connect(store)
    record(store, row(9, held=True), row(2, held=True, presence=Presence.TRANSFERRED), row(3))
    with store.reading() as view:
        assert ids(view.held(1)) == [2, 9]
        assert view.held(2) == []


def test_presences_are_counted_by_visibility_without_the_lost(store: SqlStore) -> None:
    connect(store)
    record(
        store,
        row(1),
        row(2),
        row(3, visibility="public"),
        row(4, visibility="public", presence=Presence.ABSENT),
        lost(5, 1),
    )
    with store.reading() as view:
        assert view.presence_counts(1) == {
            ("private", "seen"): 2,
            ("public", "seen"): 1,
            ("public", "absent"): 1,
        }


def test_losses_come_newest_first_and_as_many_as_asked(store: SqlStore) -> None:
    connect(store)
    record(store, *(lost(n, n) for n in range(1, 1003)), row(2000))
    with store.reading() as view:
        moments = view.lost_since(1, 1000)
    assert moments[0] == moment(1002)
    assert moments == [moment(n) for n in range(1002, 2, -1)]


def test_canaries_are_the_lowest_seen_ones_of_a_visibility(store: SqlStore) -> None:
    connect(store)
    record(
        store,
        row(5),
        row(1, presence=Presence.ABSENT),
        row(3),
        row(2, visibility="public"),
        row(4),
        row(6, 1),
    )
    with store.reading() as view:
        assert view.canaries(1, "private", 2) == [3, 4]
        assert view.canaries(1, "public", 2) == [2]
        assert view.canaries(1, "internal", 2) == []


def test_many_are_saved_at_once_and_read_back_whole(store: SqlStore) -> None:
    connect(store)
    many = [row(n, digest=n * 7) for n in range(1, 12_001)]
    assert record(store, *many) == 12_000
    changed = [replace(item, repo=repo(item.repo.id, f"new-{item.repo.id}", digest=1)) for item in many[::2]]
    assert record(store, *changed, seconds=1) == 6_000
    with store.reading() as view:
        digests = view.digests(1)
        assert len(digests) == 12_000
        assert (digests[1], digests[2]) == (1, 14)
        assert len(view.tracked(range(1, 12_001))) == 12_000
        assert [name.full_name for name in view.names(11_999)] == ["Acme/repo-11999", "Acme/new-11999"]
        assert [name.full_name for name in view.names(12_000)] == ["Acme/repo-12000"]
