"""Projects: found by every name they have, listed, and changed by compare-and-set, on both databases."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from steward.adapters.store.store import SqlStore
from steward.domain.lifecycle import Move, Position
from steward.domain.project import Management, Project, Tracked
from steward.domain.status import Status, Trigger
from steward.ports import Conflict, Expected, ProjectQuery
from tests.contract.store.kit import NOW, adopt, after, connect, lost, project, record, row


def slugs(store: SqlStore, **query: object) -> list[str]:
    """The slugs that a query lists."""
    with store.reading() as view:
        return [found.slug for found, _ in view.projects(ProjectQuery(**query))]  # type: ignore[arg-type]  # by name


def slug_of(found: Tracked | Project | None) -> str | None:
    """The slug of what a reference leads to."""
    project = found.project if isinstance(found, Tracked) else found
    return project.slug if project else None


def test_a_project_comes_back_as_it_was_stored(store: SqlStore) -> None:
    connect(store)
    full = Project(
        "p-1",
        "shop",
        1,
        Status.MISSING,
        NOW,
        after(1),
        after(2),
        interrupted=(Status.ACTIVE, Status.ERROR),
        management=Management.DRIVE,
        version=4,
        title="Лавка «У моста»",
        owner="anna",
        expects="shop",
        marker="m-1",
        repository_id=9,
        live={"commit": "c0ffee", "url": None},
    )
    with store.writing() as tx:
        tx.add_projects([full, project("bare")])
        tx.save_repositories([row(9, name="shop", project_id="p-1")], NOW)
    with store.reading() as view:
        assert view.project("p-1") == Tracked(row(9, name="shop", project_id="p-1"), full)
        assert view.project("bare") == project("bare")
        assert view.projects(ProjectQuery()) == [
            (project("bare"), None),
            (full, row(9, name="shop", project_id="p-1")),
        ]


def test_a_taken_slug_is_a_conflict_and_nothing_is_written(store: SqlStore) -> None:
    connect(store)
    adopt(store, "shop", 1)
    with pytest.raises(Conflict, match="slug"), store.writing() as tx:
        tx.add_projects([project("fresh"), project("shop", id="another")])
    assert slugs(store) == ["shop"]


def test_a_block_that_swallows_a_failed_statement_does_not_commit(store: SqlStore) -> None:
    connect(store)
    adopt(store, "shop", 1)

    def swallow() -> None:
        with store.writing() as tx:
            tx.set_setting("a", 1)
            with suppress(Conflict):
                tx.add_projects([project("shop", id="another")])

    with pytest.raises(Conflict):
        swallow()
    with store.reading() as view:
        assert view.setting("a") is None


def test_a_project_is_found_by_each_of_its_names(store: SqlStore) -> None:
    connect(store)
    adopt(store, "shop", 1)
    record(store, row(1, name="Market", project_id="id-shop"), seconds=1)
    record(store, row(1, name="Bazaar", owner_login="Acme-2", project_id="id-shop"), seconds=2)
    with store.reading() as view:
        for name in ("id-shop", "shop", "SHOP", " shop ", "bazaar", "acme-2/BAZAAR", "market", "Acme/market"):
            assert slug_of(view.project(name)) == "shop", name
        for name in ("acme/bazaar", "nothing", "", "acme", "%", "id-SHOP"):
            assert view.project(name) is None, name


def test_a_name_that_several_bear_leads_to_the_likeliest(store: SqlStore) -> None:
    connect(store)
    for number, slug in enumerate(("first", "second", "third"), start=1):
        adopt(store, slug, number)
    record(store, row(1, name="web", project_id="id-first"), row(2, name="web", project_id="id-second"))
    record(store, row(1, name="x", project_id="id-first"), seconds=5)
    record(store, row(2, name="y", project_id="id-second"), seconds=9)
    with store.reading() as view:
        assert slug_of(view.project("web")) == "second"  # the newest of the earlier names
    record(store, replace(lost(3, 1, name="web"), project_id="id-third"), seconds=1)
    with store.reading() as view:
        assert slug_of(view.project("web")) == "third"  # a present name, though of a lost one
    record(store, row(1, name="web", project_id="id-first"), seconds=10)
    with store.reading() as view:
        assert slug_of(view.project("web")) == "first"  # a present name of one that is there
    adopt(store, "web", 4)
    with store.reading() as view:
        assert slug_of(view.project("web")) == "web"  # the slug


def test_projects_are_listed_by_slug_and_filtered(store: SqlStore) -> None:
    connect(store)
    other = connect(store, "Other")
    adopt(store, "shop", 1, title="Лавка")
    adopt(store, "blog", 2, status=Status.ACTIVE, management=Management.DRIVE)
    with store.writing() as tx:
        tx.add_projects(
            [project("z-draft", organisation_id=other.id, status=Status.DRAFT, title="100% done")]
        )
    assert slugs(store) == ["blog", "shop", "z-draft"]
    assert slugs(store, limit=2) == ["blog", "shop"]
    assert slugs(store, limit=2, after_slug="shop") == ["z-draft"]
    assert slugs(store, statuses=[Status.ACTIVE, "draft"]) == ["blog", "z-draft"]
    assert slugs(store, organisation_ids=[other.id]) == ["z-draft"]
    assert slugs(store, management=["drive"]) == ["blog"]
    assert slugs(store, text="ЛАВ") == ["shop"]
    assert slugs(store, text="ACME/b") == ["blog"]
    assert slugs(store, text="0% d") == ["z-draft"]
    assert slugs(store, text="_") == []
    assert slugs(store, statuses=["active"], text="shop") == []


def test_slugs_sort_by_code_point_on_every_database(store: SqlStore) -> None:
    connect(store)
    with store.writing() as tx:
        tx.add_projects([project(slug) for slug in ("ab", "a-b", "a-", "a1", "aa", "a")])
    assert slugs(store) == sorted(["ab", "a-b", "a-", "a1", "aa", "a"])


def test_statuses_are_counted(store: SqlStore) -> None:
    connect(store)
    with store.writing() as tx:
        assert tx.status_counts() == {}
        tx.add_projects([project("a"), project("b"), project("c", status=Status.ACTIVE)])
        assert tx.status_counts() == {"discovered": 2, "active": 1}


def test_taken_slugs_are_found_for_their_bases(store: SqlStore) -> None:
    connect(store)
    long = "x" * 63
    taken = ["shop", "shop-2", "shop-17", "shopping", "sho", "blog-2", long, long[:61] + "-2"]
    with store.writing() as tx:
        tx.add_projects([project(slug) for slug in taken])
    with store.reading() as view:
        assert view.slugs_like(["shop"]) == {"shop", "shop-2", "shop-17"}
        assert view.slugs_like(["blog", "nothing"]) == {"blog-2"}
        assert view.slugs_like([long]) == {long, long[:61] + "-2"}
        assert view.slugs_like([]) == set()


def test_a_mistyped_slug_has_its_like_named_best_first(store: SqlStore) -> None:
    connect(store)
    with store.writing() as tx:
        tx.add_projects([project(slug) for slug in ("tickets", "ticket-shop", "blog", "thickets")])
    with store.reading() as view:
        assert view.near_slugs("tikets", 5)[0] == "tickets"
        assert view.near_slugs("tikets", 1) == ["tickets"]
        assert view.near_slugs("zzzzzz", 5) == []


def test_what_provisioning_waits_for_is_listed_until_it_is_there(store: SqlStore) -> None:
    connect(store)
    waiting = project("shop", status=Status.PROVISIONING, expects="Shop", marker="m-1")
    with store.writing() as tx:
        tx.add_projects([waiting, project("no-marker", expects="x"), project("other")])
    with store.reading() as view:
        assert view.expected(1) == [Expected(waiting, "Shop", "m-1")]
        assert view.expected(2) == []
    with store.writing() as tx:
        tx.save_repositories([row(3, name="Shop", project_id=waiting.id)], NOW)
        tx.save_project(replace(waiting, repository_id=3), NOW)
        assert tx.expected(1) == []


def test_a_move_is_stored_where_the_project_stands_as_it_was_read(store: SqlStore) -> None:
    connect(store)
    read = adopt(store, "shop", 1, status=Status.ACTIVE).project
    assert read is not None
    gone = Move(Trigger.REPOSITORY_GONE, read.position, Position(Status.MISSING, (Status.ACTIVE,)))
    with store.writing() as tx:
        now = tx.move(read, gone, after(5))
    expected = replace(
        read,
        status=Status.MISSING,
        interrupted=(Status.ACTIVE,),
        version=2,
        entered_at=after(5),
        updated_at=after(5),
    )
    assert now == expected
    with store.reading() as view:
        assert view.project("shop") == Tracked(row(1, name="shop", project_id=read.id), expected)


@pytest.mark.parametrize("stale", ["version", "status", "stack"])
def test_a_move_from_what_is_no_more_is_a_conflict(store: SqlStore, stale: str) -> None:
    connect(store)
    there = project("shop", status=Status.MISSING, interrupted=(Status.ACTIVE,))
    with store.writing() as tx:
        tx.add_projects([there])
    read, before = there, there.position
    if stale == "version":
        read = replace(there, version=7)
    if stale == "status":
        before = Position(Status.ERROR, (Status.ACTIVE,))
    if stale == "stack":
        before = Position(Status.MISSING, (Status.DISCOVERED,))

    def move() -> None:
        with store.writing() as tx:
            tx.set_setting("beside", 1)
            tx.move(read, Move(Trigger.RETURNED, before, Position(Status.ACTIVE)), NOW)

    with pytest.raises(Conflict, match="shop"):
        move()
    with store.reading() as view:
        assert view.project("shop") == there
        assert view.setting("beside") is None


def test_facets_are_saved_by_version_and_leave_the_status_alone(store: SqlStore) -> None:
    connect(store)
    read = project("shop")
    with store.writing() as tx:
        tx.add_projects([read])
    wanted = replace(
        read,
        slug="market",
        title="New",
        owner="boris",
        management=Management.DRIVE,
        live={"commit": "1"},
        expects="x",
        marker="m",
        status=Status.ACTIVE,
        interrupted=(Status.ERROR,),
    )
    with store.writing() as tx:
        now = tx.save_project(wanted, after(1))
        assert (now.version, now.updated_at) == (2, after(1))
    with store.reading() as view:
        found = view.project("market")
    assert found == replace(now, status=Status.DISCOVERED, interrupted=())
    with pytest.raises(Conflict), store.writing() as tx:
        tx.save_project(read, after(2))


def test_a_project_cannot_be_moved_into_existence(store: SqlStore) -> None:
    with pytest.raises(ValueError, match="added"), store.writing() as tx:
        tx.move(project("x"), Move(Trigger.ORDERED, None, Position(Status.DRAFT)), NOW)
