"""Readiness at the command line: lists sorted and filtered by it, the list of a project, waivers."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from steward.adapters.store import open_store
from steward.app.judging import judge
from steward.app.scoring import Scoring
from steward.testing.world import World
from tests.faces.remote_kit import Line


@pytest.fixture
def steward() -> Iterator[Line]:
    """`steward` on a small world whose scores are counted."""
    world = World(open_store("sqlite://"))
    for name in ("shop", "blog"):
        world.forge.create("acme", name)
    world.settle()
    world.commands().own("shop", "Anna")
    Scoring(world.store, world.clock, judge(world.app), world.lease).tick()
    yield Line(world.app)
    world.store.close()


def test_projects_are_sorted_and_filtered_by_readiness(steward: Line) -> None:
    rows = json.loads(steward("--json", "project", "list", "--sort", "readiness").stdout)
    assert [row["slug"] for row in rows] == ["blog", "shop"]
    least = rows[0]["readiness"]["percent"] + 1
    few = json.loads(steward("--json", "project", "list", "--ready-below", str(least)).stdout)
    assert [row["slug"] for row in few] == ["blog"]
    assert json.loads(steward("--json", "project", "list", "--held").stdout) == []
    told = steward("project", "list", "--sort=-readiness").stdout
    assert "readiness" in told
    assert told.index("shop") < told.index("blog")
    assert f"{least - 1} %" in told
    wrong = steward("project", "list", "--sort", "colour")
    assert wrong.code == 2
    assert "nothing is sorted by 'colour'" in wrong.stderr


def test_the_list_of_a_project_says_what_lacks_with_its_fix(steward: Line) -> None:
    shown = json.loads(steward("--json", "project", "readiness", "blog").stdout)
    told = steward("project", "readiness", "blog").stdout
    assert f"ready {shown['percent']} %" in told
    assert "nobody looks after it" in told
    assert "steward project owner blog NAME" in " ".join(told.split())
    assert f"{shown['percent']} %" in steward("project", "show", "blog").stdout


def test_a_rule_is_waived_with_a_reason_and_asked_for_again(steward: Line) -> None:
    before = json.loads(steward("--json", "project", "readiness", "blog").stdout)["percent"]
    assert steward("project", "waive-rule", "blog", "life").code == 2
    told = steward("project", "waive-rule", "blog", "life", "--reason", "a library")
    assert told.code == 0
    assert "waived: a library" in told.stdout
    again = json.loads(steward("--json", "project", "unwaive-rule", "blog", "life").stdout)
    assert again["percent"] == before
    assert steward("project", "unwaive-rule", "blog", "life").code != 0
