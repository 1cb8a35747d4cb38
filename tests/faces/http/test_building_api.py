"""Building over the API: specs, gates with a budget, operations and their logs, releases, updates, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from steward.adapters.store import open_store
from steward.domain.people import Role
from steward.testing.world import World
from tests.faces.building_kit import URL, advance, driving, finish, go_wrong, lay
from tests.faces.http.api_kit import Api, api, walk

SPEC = {"answers": {"accent": "teal", "features": "Cart: adds"}, "brief": "Sell", "criteria": ["Quick"]}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Api]:
    world = driving(tmp_path / "world")
    with api(world) as served:
        yield served
    world.store.close()


@pytest.fixture
def client(here: Api) -> Iterator[httpx.Client]:
    with here.client() as client:
        yield client


def code(answer: httpx.Response) -> tuple[int, str]:
    """The status of a refusal, and the last part of its type."""
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


def order(client: httpx.Client, slug: str = "shop", **spec: Any) -> dict[str, Any]:
    made = client.post("projects", json={"slug": slug, "title": "Shop", "spec": {**SPEC, **spec}})
    assert made.status_code == 201, made.text
    shown: dict[str, Any] = made.json()
    return shown


def test_an_order_is_stored_with_its_spec_or_not_at_all(client: httpx.Client) -> None:
    bad = client.post("projects", json={"slug": "shop", "spec": {"answers": {"accent": "mauve", "no": 1}}})
    assert code(bad) == (422, "invalid")
    assert all(word in bad.json()["advice"] for word in ("mauve", "indigo", "no:"))
    assert {one["name"] for one in bad.json()["problems"]} == {"accent", "no"}
    assert client.get("projects/shop").status_code == 404
    order(client)
    spec = client.get("projects/shop/spec").json()
    assert (spec["version"], spec["brief"], spec["criteria"]) == (1, "Sell", ["Quick"])
    assert spec["answers"] == {"accent": "teal", "features": "Cart: adds", "title": "Shop"}
    assert client.get("projects/shop/spec", params={"version": 2}).status_code == 404
    nowhere = client.post("projects", json={"slug": "two", "spec": {"template": "https://127.0.0.1:9/x.git"}})
    assert nowhere.status_code in (422, 503)
    assert client.get("projects/two").status_code == 404


def test_a_template_says_what_it_asks(client: httpx.Client, here: Api) -> None:
    shown = client.get("template").json()
    asked = {question["name"]: question for question in shown["questions"]}
    assert asked["accent"]["choices"][0] == asked["accent"]["default"] == "indigo"
    assert client.get("template", params={"source": "file:///etc"}).status_code == 422
    with here.client(Role.VIEWER) as viewer:
        assert code(viewer.get("template")) == (403, "forbidden")


def test_a_spec_is_replaced_with_the_version_one_knows(client: httpx.Client, here: Api) -> None:
    made = order(client)
    client.post("projects/shop/transitions", json={"trigger": "approved"})
    finish(here.world, "shop")
    shown = client.get("projects/shop")
    stale = client.put("projects/shop/spec", json=SPEC, headers={"If-Match": f'"{made["version"]}"'})
    assert code(stale) == (412, "stale")
    wanted = {**SPEC, "answers": {"accent": "rose"}, "reason": "better"}
    done = client.put("projects/shop/spec", json=wanted, headers={"If-Match": shown.headers["etag"]})
    assert (done.status_code, done.json()["status"]) == (200, "draft")
    assert done.headers["etag"] == f'"{done.json()["version"]}"'
    specs = client.get("projects/shop/specs").json()
    assert [(spec["version"], bool(spec["estimate"])) for spec in specs] == [(1, True), (2, False)]
    assert client.put("projects/shop/spec", json={"answers": {}, "odd": 1}).status_code == 422


def test_a_confirmation_may_set_a_budget(client: httpx.Client, here: Api) -> None:
    order(client)
    way = "projects/shop/transitions"
    for body in (
        {"trigger": "approved", "budget_usd": 1},
        {"to": "provisioning", "budget_usd": -1},
        {"trigger": "confirmed", "budget_usd": "much"},
    ):
        assert code(client.post(way, json=body)) == (422, "malformed")
    early = client.post(way, json={"trigger": "confirmed", "budget_usd": 1})
    assert code(early) == (409, "refused-edge")
    assert {option["trigger"] for option in early.json()["allowed"]} >= {"approved", "cancelled"}
    client.post(way, json={"trigger": "approved"})
    finish(here.world, "shop")
    done = client.post(way, json={"to": "provisioning", "budget_usd": 7.5})
    assert (done.status_code, done.json()["operation"]["kind"]) == (200, "provision")
    costs = client.get("projects/shop/costs").json()
    talks = {"calls": 0, "usd": 0.0, "unknown": 0}
    assert costs == {"spent_usd": 0.0, "budget_usd": 7.5, "runs": 0, "unknown": 0, "talks": talks}


def test_operations_come_in_parts_and_their_logs_after_a_line(client: httpx.Client, here: Api) -> None:
    order(client)
    assert client.get("projects/shop/operations/latest").status_code == 404
    client.post("projects/shop/transitions", json={"trigger": "approved"})
    advance(here.world, "shop", 1, "Reading")
    advance(here.world, "shop", 2, "Checking")
    shown = client.get("projects/shop/operations/latest").json()
    assert shown["progress"] == {"step": "check_answers", "number": 2, "total": 3, "text": "Checking"}
    log = f"projects/shop/operations/{shown['id']}/log"
    first = client.get(log, params={"limit": 1}).json()
    assert ([line["text"] for line in first["items"]], first["after"]) == (["Reading"], 1)
    rest = client.get(log, params={"after": first["after"]}).json()
    assert [line["text"] for line in rest["items"]] == ["Checking"]
    assert client.get(log, params={"after": 9}).json() == {"items": [], "after": 9}
    finish(here.world, "shop")
    client.post("projects/shop/transitions", json={"trigger": "confirmed"})
    finish(here.world, "shop")
    parts = list(walk(client, "projects/shop/operations", limit=2))
    assert [[one["kind"] for one in part] for part in parts] == [["design", "provision"], ["specify"]]
    order(client, "other")
    assert client.get(f"projects/other/operations/{shown['id']}").status_code == 404
    assert client.get("projects/shop/operations/%00").status_code == 422


def test_what_failed_is_shown_retried_and_resolved(client: httpx.Client, here: Api) -> None:
    order(client)
    assert code(client.post("projects/shop/retry")) == (409, "refused-edge")
    client.post("projects/shop/transitions", json={"trigger": "approved"})
    finish(here.world, "shop")
    client.post("projects/shop/transitions", json={"trigger": "confirmed"})
    go_wrong(here.world, "shop")
    failure = client.get("projects/shop").json()["operation"]["failure"]
    assert (failure["fault"], failure["advice"]) == ("infrastructure", "Start the host again, then retry.")
    key = {"Idempotency-Key": str(uuid4())}
    first = client.post("projects/shop/retry", json={"reason": "up"}, headers=key)
    again = client.post("projects/shop/retry", json={"reason": "up"}, headers=key)
    assert first.json() == again.json()
    assert again.headers["idempotent-replay"] == "true"
    assert first.json()["operation"]["attempt"] == 2
    finish(here.world, "shop")
    go_wrong(here.world, "shop")
    assert code(client.post("projects/shop/resolve", json={"to": "active"})) == (409, "refused-choice")
    done = client.post("projects/shop/resolve", json={"to": "initialized", "reason": "so"})
    assert done.json()["status"] == "initialized"


def test_updates_releases_and_rollback(client: httpx.Client, here: Api) -> None:
    lay(here.world, "shop")
    assert client.get("projects/shop").json()["live"]["url"] == URL
    assert code(client.post("projects/shop/updates", json={"text": " "})) == (409, "refused-guard")
    asked = client.post("projects/shop/updates", json={"text": "Sell bread"}).json()
    assert (asked["status"], asked["update"]["text"]) == ("maintenance", "Sell bread")
    with here.client(Role.OPERATOR) as operator:
        for path in ("updates/build", "rollback"):
            assert code(operator.post(f"projects/shop/{path}")) == (403, "forbidden")
        assert operator.get("projects/shop/updates").json()[0]["state"] == "open"
    built = client.post("projects/shop/updates/build", json={"design": True}).json()
    assert built["operation"]["kind"] == "design"
    for _work in ("design", "implement", "verify", "deploy"):
        finish(here.world, "shop")
    releases = client.get("projects/shop/releases").json()
    assert [(one["number"], one["state"]) for one in releases] == [(2, "live"), (1, "superseded")]
    assert code(client.post("projects/shop/rollback", json={"release": 2})) == (409, "refused-edge")
    back = client.post("projects/shop/rollback", json={"release": 1})
    assert (back.status_code, back.json()["operation"]["kind"]) == (200, "rollback")


def test_where_nothing_is_driven_it_says_so(tmp_path: Path) -> None:
    world = World(open_store(f"sqlite:///{tmp_path}/world.db"))
    world.beat()
    with api(world) as served, served.client() as client:
        assert code(client.post("projects", json={"slug": "shop", "spec": {}})) == (409, "not-driving")
        assert client.post("projects", json={"slug": "shop"}).status_code == 201
        for method, path in (
            ("GET", "template"),
            ("PUT", "projects/shop/spec"),
            ("POST", "projects/shop/retry"),
        ):
            answer = client.request(method, path, json={} if method == "PUT" else None)
            assert code(answer) == (409, "not-driving"), path
        assert client.get("projects/shop/releases").json() == []
        assert client.get("projects/shop/spec").status_code == 404
    world.store.close()
