"""Talks over the API: from the first words to the order, once per key, decided on a version, one's own alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from steward.adapters.store import open_store
from steward.adapters.templates import CopierTemplates
from steward.app.folding import Folding
from steward.domain.people import Role
from steward.testing.world import World
from tests.faces.http.api_kit import Api, api

TOKEN = "ghp_" + "a1B2c3D4e5" * 4


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Api]:
    """An installation that builds."""
    world = World(open_store(f"sqlite:///{tmp_path}/s.db"), templates=CopierTemplates(tmp_path / "templates"))
    world.beat()
    with api(world) as served:
        yield served
    world.store.close()


@pytest.fixture
def client(here: Api) -> Iterator[httpx.Client]:
    with here.client(Role.APPROVER) as client:
        yield client


def begin(client: httpx.Client, key: str = "one") -> dict[str, Any]:
    made = client.post("talks", json={"key": key})
    assert made.status_code == 201, made.text
    shown: dict[str, Any] = made.json()
    return shown


def say(here: Api, client: httpx.Client, number: int, text: str) -> dict[str, Any]:
    said = client.post(f"talks/{number}/messages", json={"key": str(abs(hash(text))), "text": text})
    assert said.status_code == 200, said.text
    here.world.clock.advance(5)
    Folding(here.world.app).tick()
    shown: dict[str, Any] = client.get(f"talks/{number}").json()
    return shown


def test_from_the_first_words_to_the_order(here: Api, client: httpx.Client) -> None:
    talk = begin(client)
    assert begin(client)["id"] == talk["id"], "the same key is the same talk"
    assert client.get("talks").json() == [talk]
    talk = say(here, client, talk["id"], "A page where guests book a table")
    assert (talk["waiting"], talk["lacks"], talk["mind"]) == (0, [], False)
    assert talk["asked"][0]["name"] == "users"
    set_by_hand = {"version": talk["version"], "title": "Tables", "features": ["Book a table"]}
    talk = client.patch(f"talks/{talk['id']}/brief", json=set_by_hand).json()
    assert (talk["brief"]["title"], talk["brief"]["features"]) == ("Tables", ["Book a table"])
    done = client.post(f"talks/{talk['id']}/order", json={"version": talk["version"]})
    assert done.status_code == 200, done.text
    project = client.get(f"projects/{done.json()['project']}").json()
    assert (project["slug"], project["title"]) == ("tables", "Tables")
    assert client.get("projects/tables/spec").json()["criteria"] == ["Book a table"]


def test_what_is_said_again_is_said_once(here: Api, client: httpx.Client) -> None:
    number = begin(client)["id"]
    for _ in range(2):
        answer = client.post(f"talks/{number}/messages", json={"key": "k", "text": "A bot"})
        assert [one["text"] for one in answer.json()["said"]] == ["A bot"]


def test_an_older_version_is_told_so(here: Api, client: httpx.Client) -> None:
    talk = begin(client)
    say(here, client, talk["id"], "A bot for the residents")
    for act in ("order", "drop", "skip"):
        stale = client.post(f"talks/{talk['id']}/{act}", json={"version": talk["version"]})
        assert (stale.status_code, stale.json()["expected"]) == (412, talk["version"])


def test_a_secret_is_refused(here: Api, client: httpx.Client) -> None:
    number = begin(client)["id"]
    refused = client.post(f"talks/{number}/messages", json={"key": "k", "text": f"token: {TOKEN}"})
    assert refused.status_code == 422
    assert TOKEN not in refused.text
    assert client.get(f"talks/{number}").json()["said"] == []


def test_talks_are_ones_own(here: Api, client: httpx.Client) -> None:
    number = begin(client)["id"]
    with here.client(Role.ADMIN) as other, here.client(Role.VIEWER) as viewer:
        assert other.get("talks").json() == []
        assert other.get(f"talks/{number}").status_code == 404
        assert other.post(f"talks/{number}/drop", json={"version": 1}).status_code == 404
        assert viewer.post("talks", json={"key": "mine"}).status_code == 403


def test_an_update_is_of_what_is_live(client: httpx.Client) -> None:
    client.post("projects", json={"slug": "shop", "spec": {"answers": {"features": "Cart: adds"}}})
    refused = client.post("talks", json={"key": "u", "purpose": "update", "project": "shop"})
    assert refused.status_code == 409
    unknown = client.post("talks", json={"key": "u", "purpose": "update", "project": "ship"})
    assert unknown.status_code == 404
    assert client.post("talks", json={"key": "u", "purpose": "update"}).status_code == 422


def test_a_talk_is_given_up_and_questions_are_left_out(here: Api, client: httpx.Client) -> None:
    talk = begin(client)
    talk = say(here, client, talk["id"], "A bot for the residents")
    assert client.post(f"talks/{talk['id']}/skip", json={"version": talk["version"]}).status_code == 200
    here.world.clock.advance(5)
    Folding(here.world.app).tick()
    talk = client.get(f"talks/{talk['id']}").json()
    assert talk["asked"][0]["name"] == "features"
    out = client.post(f"talks/{talk['id']}/pick", json={"version": talk["version"], "index": 7})
    assert out.status_code == 422
    assert (
        client.post(f"talks/{talk['id']}/drop", json={"version": talk["version"]}).json()["state"]
        == "dropped"
    )
