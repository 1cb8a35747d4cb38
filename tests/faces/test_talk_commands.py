"""The commands of talks, here and through a server: from the first words to the order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from steward.app.folding import Folding
from steward.testing.world import World
from tests.faces.building_kit import driving
from tests.faces.http.api_kit import Api, api
from tests.faces.remote_kit import Line
from tests.faces.test_remote_building import through

TOKEN = "ghp_" + "a1B2c3D4e5" * 4


@pytest.fixture
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One installation behind a server."""
    made = driving(tmp_path_factory.mktemp("served") / "here")
    with api(made) as running:
        yield running
    made.store.close()


@pytest.fixture
def world(served: Api, clean: None) -> World:
    return served.world


@pytest.fixture(params=["here", "there"])
def run(
    request: pytest.FixtureRequest, served: Api, clean: None, tmp_path_factory: pytest.TempPathFactory
) -> Line:
    if request.param == "here":
        return Line(served.world.app)
    return through(served, tmp_path_factory.mktemp("there"))


def fold(world: World) -> None:
    world.clock.advance(5)
    Folding(world.app).tick()


def test_from_the_first_words_to_the_order(world: World, run: Line) -> None:
    assert "Nothing was talked about yet" in run("talk", "list").stdout
    begun = run("talk", "new", "A", "page", "where", "guests", "book", "a", "table", "--json").json
    number = str(begun["id"])
    assert begun["waiting"] == 1
    fold(world)
    shown = run("talk", "show", number)
    assert "Who will use it?" in shown.stdout
    assert run("talk", "say", number, "Guests and waiters").code == 0
    fold(world)
    assert (
        run("talk", "edit", number, "--title", "Tables", "--feature", "Book", "--feature", "Cancel").code == 0
    )
    assert run("talk", "skip", number).code == 0
    fold(world)
    assert "Tables" in run("talk", "list").stdout
    rehearsed = run("--dry-run", "talk", "order", number)
    assert "Would: ask for «Tables»" in rehearsed.stdout
    done = run("talk", "order", number, "--json").json
    assert (done["state"], done["brief"]["features"]) == ("done", ["Book", "Cancel"])
    assert run("project", "show", done["project"], "--json").json["slug"] == "tables"


def test_what_is_refused_is_said(world: World, run: Line) -> None:
    begun = run("talk", "new", "A bot", "--json").json
    number = str(begun["id"])
    refused = run("talk", "say", number, f"token: {TOKEN}")
    assert refused.code != 0
    assert "holds a secret" in refused.stderr
    assert TOKEN not in refused.stderr
    assert run("talk", "edit", number).code == 2
    assert run("talk", "show", "999").code != 0
    assert run("talk", "drop", number, "--json").json["state"] == "dropped"
    assert "over" in run("talk", "say", number, "more").stderr


def test_an_update_is_of_what_is_live(world: World, run: Line) -> None:
    run("project", "order", "shop", "--title", "Shop")
    assert "nothing of this project is" in run("talk", "new", "Add payments", "--project", "shop").stderr
