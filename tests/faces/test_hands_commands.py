"""Hands off at the command line, here and through a server: holds, ways out, patches, changed settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from steward.adapters.remote import connect
from steward.adapters.store import open_store
from steward.app.errors import Invalid
from steward.testing.building import FakeForgeWrite
from steward.testing.touched import PATCH, TIP, drift, keep_patch, touch
from steward.testing.world import World
from tests.faces.http.api_kit import api
from tests.faces.remote_kit import Line, likened, names


def touched(folder: Path) -> World:
    """A world with a project that a person pushed to."""
    world = World(open_store(f"sqlite:///{folder}.db"))
    world.forge.create("acme", "shop", visibility="public")
    world.settle()
    build = FakeForgeWrite(world.forge)
    world.app = replace(world.app, writing=lambda: build)
    world.commands().manage("shop", "drive")
    touch(world, "shop")
    keep_patch(world, "shop")
    drift(world, "shop", "visibility", "private", "public")
    return world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = touched(tmp_path / "here")
    yield made
    made.store.close()


@pytest.fixture
def steward(world: World) -> Line:
    return Line(world.app)


def flat(text: str) -> str:
    return " ".join(text.split())


def test_holds_show_who_did_what_and_each_way_out_with_its_command(steward: Line) -> None:
    told = flat(steward("project", "holds", "shop").stdout)
    for words in (
        "boris pushed 2 commits to main",
        f"{TIP[:7]} A hint <b>for</b> the usher boris",
        "modified: seats.py",
        "checks red",
        "steward project resume shop --by hand_over",
        "Kept patches",
    ):
        assert words in told, words
    shown = json.loads(steward("--json", "project", "holds", "shop").stdout)
    assert [hold["reason"] for hold in shown["holds"]] == ["foreign"]
    assert [way["exit"] for way in shown["holds"][0]["exits"]] == ["resume", "hand_over", "stop"]
    russian = flat(steward("--lang", "ru", "project", "holds", "shop").stdout)
    assert "boris: 2 коммита в main" in russian
    assert "pushed" not in russian


def test_a_held_project_does_not_look_as_if_it_ran(steward: Line) -> None:
    assert "held" in steward("project", "list").stdout
    assert "held by boris pushed 2 commits to main" in flat(steward("project", "show", "shop").stdout)
    assert len(json.loads(steward("--json", "project", "list", "--held").stdout)) == 1
    assert steward("project", "resume", "shop").code == 0
    assert "held" not in steward("project", "list").stdout
    assert "Nothing holds it." in steward("project", "holds", "shop").stdout


def test_what_cannot_be_taken_back_is_asked_about_in_words(steward: Line) -> None:
    asked = steward("project", "resume", "shop", "--by", "hand_over")
    assert asked.code == 2
    assert "Leave the project to them: Steward watches, and touches nothing" in asked.stderr
    looked = steward("project", "resume", "shop", "--by", "hand_over", "--dry-run")
    assert "Would: shop: Leave the project to them" in looked.stdout
    assert json.loads(steward("--json", "project", "holds", "shop").stdout)["holds"]
    done = json.loads(steward("--json", "project", "resume", "shop", "--by", "hand_over", "--yes").stdout)
    assert (done["management"], done["holds"]) == ("watch", [])


def test_a_pause_is_a_persons_word_until_the_next(steward: Line) -> None:
    paused = json.loads(steward("--json", "project", "pause", "shop", "--reason", "a demonstration").stdout)
    pause = next(hold for hold in paused["holds"] if hold["kind"] == "paused")
    assert (pause["reason"], pause["evidence"]) == ("paused: a demonstration", {"why": "a demonstration"})
    left = json.loads(steward("--json", "project", "resume", "shop", "--hold", str(pause["id"])).stdout)
    assert [hold["kind"] for hold in left["holds"]] == ["foreign"]
    refused = steward("project", "resume", "shop", "--by", "ship", "--yes")
    assert refused.code != 0
    assert "'ship' is no way out of it now; there is: hand_over, resume, stop" in refused.stderr
    assert "paused" in steward("project", "history", "shop").stdout


def test_a_policy_is_said_with_what_it_does(steward: Line) -> None:
    done = steward("project", "hands-off", "shop", "notify")
    assert "When a person pushes: People are told; the work goes on." in done.stderr
    assert json.loads(steward("--json", "project", "holds", "shop").stdout)["policy"] == "notify"
    assert steward("project", "hands-off", "shop", "never").code == 2


def test_a_kept_patch_is_printed_byte_by_byte_or_written(steward: Line, tmp_path: Path) -> None:
    assert steward("project", "patch", "shop").stdout == PATCH
    file = tmp_path / "kept.patch"
    assert steward("project", "patch", "shop", "--id", "1", "--output", str(file)).code == 0
    assert file.read_text() == PATCH
    again = steward("project", "patch", "shop", "--output", str(file))
    assert again.code != 0
    assert "is there already" in again.stderr
    assert "no such kept patch" in steward("project", "patch", "shop", "--id", "9").stderr


def test_a_changed_setting_is_set_right_or_taken_as_it_is(world: World, steward: Line) -> None:
    repo_id = world.projects()[0].repository_id
    assert repo_id is not None
    assert steward("project", "mend", "shop", "visibility").code == 0
    assert world.forge.live("acme")[repo_id].visibility == "private"
    assert "as it was set" in steward("project", "mend", "shop", "visibility").stderr
    drift(world, "shop", "default_branch", "main", "other")
    assert steward("project", "keep-setting", "shop", "default_branch").code == 0
    assert "as it was set" in steward("project", "mend", "shop", "default_branch").stderr
    told = steward("project", "history", "shop").stdout
    assert "set right on GitHub: visibility: private" in told
    assert "wanted as it is now: default branch: other" in told
    assert "steward webhook register" in steward("project", "mend", "shop", "webhook").stderr


def test_it_is_the_same_through_a_server(world: World, tmp_path: Path) -> None:
    there = touched(tmp_path / "there")
    with api(there) as served:
        file = tmp_path / "token"
        file.write_text(served.token() + "\n")
        remote = Line(None, ("--server", served.address, "--token-file", str(file)))
        for step in (
            "project holds shop",
            "project pause shop --reason noon",
            "project hands-off shop continue",
            "project show shop",
            "project resume shop --by rebase",
            "project resume shop --hold 1",
            "project resume shop",
            "project patch shop",
            "project mend shop visibility",
            "project keep-setting shop visibility",
            "project holds shop",
        ):
            args = (*step.split(), *(("--json",) if "patch" not in step else ()))
            here = likened(Line(world.app)(*args), names(world))
            assert likened(remote(*args), names(there)) == here, step
        with closing(connect(served.address, served.token())) as client, pytest.raises(Invalid):
            client.hands.patch("shop", 9)
    there.store.close()
