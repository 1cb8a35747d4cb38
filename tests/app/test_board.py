"""The board, the table and the numbers beside every page: one filter for all."""

from __future__ import annotations

from typing import Any

import pytest

from steward.app.board import Board
from steward.app.errors import Invalid, Unknown
from steward.app.filters import Filter
from steward.app.policy import Policy
from steward.domain.gates import GATES, waits_for
from steward.domain.lifecycle import Who
from steward.domain.people import Grant, Principal, Role, local, rights_of
from steward.domain.status import Status, Trigger
from steward.ports.hands import Score
from steward.testing.world import ANYONE, World


def somebody(*grants: Grant) -> Principal:
    """A user with these grants."""
    return Principal("user:eve", rights_of(grants))


def board(world: World, by: Principal = ANYONE, **wanted: Any) -> dict[str, Any]:
    """The board of these filters."""
    return world.app.board(by).board(Filter(**wanted))


def cards(shown: dict[str, Any]) -> dict[str, list[str]]:
    """Phase -> the slugs of its cards, of phases that have any."""
    return {p["phase"]: [card["slug"] for card in p["cards"]] for p in shown["phases"] if p["cards"]}


def slugs(world: World, *pairs: tuple[str, str], by: Principal = ANYONE) -> list[str]:
    """The rows of a table, all its pages."""
    wanted, found = Filter.read(pairs), []
    while True:
        shown = world.app.board(by).table(wanted)
        found += [row["slug"] for row in shown["rows"]]
        if shown["next"] is None:
            assert shown["count"] == len(found)
            return found
        wanted = Filter.read([*wanted.pairs(), ("after", shown["next"])])


def test_a_board_shows_each_project_once_in_its_phase(world: World) -> None:
    world.commands().order("portal")
    shown = board(world)
    assert cards(shown) == {
        "inception": ["portal"],
        "materialization": ["tickets", "shop", "bot", "blog", "api"],
    }
    assert [p["count"] for p in shown["phases"]] == [1, 5, 0, 0, 0]
    assert shown["phases"][1]["statuses"] == [{"status": "discovered", "count": 5}]
    assert (shown["count"], shown["troubled"]["count"], shown["incidents"]) == (6, 0, [])


def test_a_card_says_what_the_project_waits_for(world: World) -> None:
    world.commands().order("portal")
    gate = cards_by_slug(board(world))["portal"]["gate"]
    assert (gate["trigger"], gate["reason"]) == ("approved", "guard")
    assert "the brief must be approved first" in gate["refused"]
    viewer = somebody(Grant(Role.VIEWER))
    gate = cards_by_slug(board(world, viewer))["portal"]["gate"]
    assert (gate["reason"], gate["askers"]) == ("role", ["approver"])
    assert cards_by_slug(board(world))["shop"]["gate"] is None


def cards_by_slug(shown: dict[str, Any]) -> dict[str, Any]:
    """Every card of a board."""
    return {card["slug"]: card for phase in shown["phases"] for card in phase["cards"]}


def test_who_ordered_is_told_that_another_pair_of_eyes_is_needed(world: World) -> None:
    world.commands().order("portal")
    for actor, reason in (("local:anna", "role"), ("local:bert", "guard")):
        own = Board(world.store, world.clock, local(actor), policy=Policy(four_eyes=True))
        assert cards_by_slug(own.board(Filter()))["portal"]["gate"]["reason"] == reason


def test_an_absence_shows_at_once_and_leads(world: World) -> None:
    gone = world.app.queries(ANYONE).project("blog")["repository"]["id"]
    world.forge.delete(gone)
    world.beat()
    shown = board(world)
    (card,) = shown["troubled"]["cards"]
    assert (card["slug"], card["confirming"]) == ("blog", {"absences": 1, "needed": 3})
    assert card["repository"]["state"] == "absent"
    world.settle()
    (card,) = board(world)["troubled"]["cards"]
    assert (card["status"], card["phase"], card["confirming"]) == ("missing", "materialization", None)
    assert card["incident"]["cause"] == "missing"
    assert world.app.board(ANYONE).counts()["incidents"] == {"unresolved": 1, "open": 1, "worst": "warning"}
    world.app.attending(ANYONE).acknowledge(card["incident"]["id"])
    assert world.app.board(ANYONE).counts()["incidents"] == {"unresolved": 1, "open": 0, "worst": None}


def test_what_is_wrong_with_an_organisation_stands_beside_its_projects(world: World) -> None:
    for name in ("shop", "tickets", "blog", "bot"):
        world.forge.delete(world.app.queries(ANYONE).project(name)["repository"]["id"])
    world.settle()
    assert [incident["cause"] for incident in board(world)["incidents"]] == ["mass_loss"]
    assert world.app.board(ANYONE).counts()["frozen"] == ["acme"]
    assert cards_by_slug(board(world))["shop"]["holds"][0]["kind"] == "organisation_frozen"


def test_only_the_first_cards_are_read_and_the_rest_is_counted(world: World) -> None:
    shown = world.app.board(ANYONE).board(Filter(), per_phase=2)
    assert (len(shown["phases"][1]["cards"]), shown["phases"][1]["more"]) == (2, 3)


def test_what_is_archived_or_ignored_is_out_until_it_is_named(world: World) -> None:
    world.commands().archive("shop")
    world.commands().manage("bot", "ignore")
    assert board(world)["hidden"] == {"archived": 1, "ignored": 1}
    assert slugs(world) == ["api", "blog", "tickets"]
    assert slugs(world, ("status", "archived")) == ["shop"]
    assert slugs(world, ("management", "ignore")) == ["bot"]
    assert board(world, q="sho")["hidden"] == {"archived": 1, "ignored": 0}
    assert world.app.board(ANYONE).counts()["projects"] == 3


def test_filters_add_up(world: World) -> None:
    world.commands().own("shop", "Anna")
    world.commands().order("shop-portal")
    assert slugs(world, ("q", "shop")) == ["shop", "shop-portal"]
    assert slugs(world, ("q", "shop"), ("owner", "Anna")) == ["shop"]
    assert slugs(world, ("q", "shop"), ("owner", "-")) == ["shop-portal"]
    assert slugs(world, ("phase", "inception,production"), ("organisation", "ACME")) == ["shop-portal"]
    assert world.app.board(ANYONE).choices() == {"owners": ["Anna"], "organisations": ["acme"]}


def test_what_is_stale_and_what_waits(world: World) -> None:
    world.commands().order("portal")
    assert (slugs(world, ("stale", "24h")), slugs(world, ("waiting", "yes"))) == ([], ["portal"])
    world.clock.advance(90_000)
    assert slugs(world, ("stale", "yes")) == ["portal"]
    assert slugs(world, ("stale", "2d")) == []
    assert cards_by_slug(board(world))["portal"]["stale"]
    counts = world.app.board(ANYONE).counts()
    assert (counts["projects"], counts["waiting"], counts["stale"]) == (6, 1, 1)
    assert slugs(world, ("waiting", "yes"), by=somebody(Grant(Role.OPERATOR))) == []


def test_pages_are_stable_while_projects_come_in(world: World) -> None:
    shown = world.app.board(ANYONE).table(Filter(sort="slug", limit=2))
    assert [row["slug"] for row in shown["rows"]] == ["api", "blog"]
    world.commands().order("aaa")
    more = world.app.board(ANYONE).table(Filter(sort="slug", limit=2, after=shown["next"]))
    assert [row["slug"] for row in more["rows"]] == ["bot", "shop"]


@pytest.mark.parametrize("sort", ["slug", "status", "since", "updated", "owner", "readiness"])
def test_every_order_shows_all_of_them_once(world: World, sort: str) -> None:
    world.commands().own("shop", "Anna")
    world.commands().archive("bot")
    scored = [p.id for p in world.projects() if p.slug in ("api", "tickets")]
    with world.store.writing() as tx:
        tx.save_scores([Score(key, 40, (), world.clock.now().at) for key in scored])
    for order in (sort, f"-{sort}"):
        assert sorted(slugs(world, ("sort", order), ("limit", "2"))) == ["api", "blog", "shop", "tickets"]


def test_a_principal_sees_only_the_organisations_that_it_may(make_world: Any) -> None:
    world = make_world("acme", "globex")
    world.forge.create("acme", "shop")
    world.forge.create("globex", "plant")
    world.beat("acme")
    world.beat("globex")
    eve = somebody(Grant(Role.VIEWER, world.organisation("globex").id))
    assert slugs(world, by=eve) == ["plant"]
    assert world.app.board(eve).counts()["projects"] == 1
    assert world.app.board(eve).choices()["organisations"] == ["globex"]
    with pytest.raises(Unknown, match="acme"):
        world.app.board(eve).board(Filter(organisation="acme"))
    nobody = somebody()
    assert (slugs(world, by=nobody), board(world, nobody)["count"]) == ([], 0)
    assert world.app.board(nobody).counts()["projects"] == 0


@pytest.mark.parametrize(
    ("name", "value", "possible"),
    [
        ("phase", "limbo", "inception"),
        ("status", "done", "verified"),
        ("management", "own", "drive"),
        ("stale", "soon", "24h"),
        ("stale", "99999999999d", "24h"),
        ("waiting", "perhaps", "yes"),
        ("sort", "colour", "owner"),
        ("limit", "0", "200"),
        ("limit", "9999", "200"),
        ("limit", "²", "200"),
        ("q", "x" * 201, "Shorten"),
        ("after", "&&&", "first page"),
        ("after", "W10", "first page"),
        ("after", "WyJzbHVnIiwxLDJd", "first page"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(
    world: World, name: str, value: str, possible: str
) -> None:
    with pytest.raises(Invalid) as refused:
        world.app.board(ANYONE).table(Filter.read([("sort", "slug"), (name, value)]))
    assert possible in refused.value.advice


def test_a_cursor_of_another_order_is_refused(world: World) -> None:
    shown = world.app.board(ANYONE).table(Filter(sort="since", limit=1))
    with pytest.raises(Invalid, match="another order"):
        world.app.board(ANYONE).table(Filter(sort="owner", after=shown["next"]))


def test_a_filter_is_written_as_it_is_read() -> None:
    pairs = [
        ("phase", "inception"),
        ("phase", "production"),
        ("status", "ordered"),
        ("owner", "-"),
        ("organisation", "acme"),
        ("management", "watch,drive"),
        ("q", "a & b"),
        ("stale", "36h"),
        ("waiting", "yes"),
        ("sort", "-since"),
        ("limit", "20"),
        ("view", "board"),
        ("after", "abc"),
    ]
    wanted = Filter.read(pairs)
    assert (wanted.status, wanted.stale_s, wanted.narrows) == (("draft",), 129_600.0, True)
    assert Filter.read(wanted.pairs(after="abc")) == wanted
    assert Filter.read(wanted.pairs(q="", phase=())).phase == ()
    assert Filter.read([("sort", "owner"), ("view", "table")]).narrows is False
    assert Filter().pairs() == []


def test_the_gates_are_the_table_s() -> None:
    assert {status: row.trigger for status, row in GATES.items()} == {
        Status.DRAFT: Trigger.APPROVED,
        Status.ESTIMATED: Trigger.CONFIRMED,
        Status.SETUP_REQUIRED: Trigger.ADOPTED,
        Status.VERIFIED: Trigger.STARTED,
        Status.MAINTENANCE: Trigger.NEW_SPEC,
    }
    assert waits_for([Who.PERSON]) == {Status.SETUP_REQUIRED}
    assert waits_for([]) == frozenset()
