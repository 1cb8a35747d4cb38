"""Times in status, out of the history of moves."""

from __future__ import annotations

from typing import Any

import pytest

from steward.app.times import share
from steward.domain.people import Grant, Principal, Role, rights_of
from steward.testing.world import ANYONE, World

DAY_S = 86_400


def row(world: World, status: str, by: Principal = ANYONE) -> dict[str, Any]:
    """What the table says of one status."""
    return next(r for r in world.app.times(by).table()["statuses"] if r["status"] == status)


def test_what_was_left_is_measured_from_when_it_was_entered(world: World) -> None:
    for slug, hours in (("shop", 1), ("blog", 3), ("bot", 8)):
        world.clock.advance(hours * 3600)
        world.commands().archive(slug)
    shown = row(world, "discovered")
    # They came in 600 s before the first hour began.
    assert (shown["now"], shown["left"]) == (2, 3)
    assert (shown["median_s"], shown["p95_s"]) == (600 + 4 * 3600, 600 + 12 * 3600)
    assert shown["leaves"] == [{"trigger": "archived", "to": "archived", "who": "person", "count": 3}]
    assert row(world, "archived") | {"phase": ""} == {
        "status": "archived",
        "phase": "",
        "now": 3,
        "left": 0,
        "median_s": None,
        "p95_s": None,
        "leaves": [],
    }


def test_moves_within_the_window_follow_each_other(world: World) -> None:
    world.clock.advance(40 * DAY_S)
    world.commands().archive("shop")
    world.clock.advance(2 * DAY_S)
    world.commands().reopen("shop")
    world.clock.advance(5 * DAY_S)
    world.commands().archive("shop")
    assert row(world, "archived")["median_s"] == 2 * DAY_S
    assert row(world, "discovered")["p95_s"] == 600 + 40 * DAY_S
    assert row(world, "discovered")["median_s"] == 5 * DAY_S
    world.clock.advance(24 * DAY_S)
    # The first archiving is out of the window; the reopening is measured from it nevertheless.
    assert (row(world, "discovered")["left"], row(world, "archived")["median_s"]) == (1, 2 * DAY_S)
    world.clock.advance(10 * DAY_S)
    assert (row(world, "discovered")["left"], row(world, "archived")["left"]) == (0, 0)


def test_what_may_not_be_seen_is_not_measured(make_world: Any) -> None:
    world = make_world("acme", "globex")
    for login in ("acme", "globex"):
        world.forge.create(login, f"{login}-one")
        world.beat(login)
    world.clock.advance(60)
    world.commands().archive("acme-one")
    eve = Principal("user:eve", rights_of([Grant(Role.VIEWER, world.organisation("globex").id)]))
    assert row(world, "discovered", eve) == {**row(world, "discovered", eve), "now": 1, "left": 0}
    assert row(world, "archived", eve)["now"] == 0
    assert row(world, "discovered")["left"] == 1


def test_ignored_projects_are_not_counted_as_being_there(world: World) -> None:
    world.commands().manage("shop", "ignore")
    assert row(world, "discovered")["now"] == 4


@pytest.mark.parametrize(
    ("values", "part", "found"),
    [
        ([], 0.5, None),
        ([1.0], 0.95, 1.0),
        ([1.0, 2.0], 0.5, 1.0),
        ([*range(1, 101)], 0.95, 95),
        ([1, 2, 3], 0, 1),
    ],
)
def test_shares_are_of_what_was_measured(values: list[float], part: float, found: float | None) -> None:
    assert share(values, part) == found
