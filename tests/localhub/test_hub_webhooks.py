"""Webhooks out: what is sent for what, signed how, kept how, and the faults of deliveries."""

import hashlib
import hmac
import time
import uuid
from pathlib import Path

import httpx
import pytest

from localhub.testing import Hub
from tests.localhub.hub_kit import Receiver

SECRET = "it is not to be told"


@pytest.fixture
def hooked(hub: Hub, receiver: Receiver) -> Receiver:
    hub.add_hook(receiver.url, SECRET)
    return receiver


def _config(receiver: Receiver, **more: str) -> dict[str, str]:
    return {"url": receiver.url, "content_type": "json", **more}


def test_a_delivery_carries_githubs_headers_and_its_signature(hub: Hub, hooked: Receiver) -> None:
    shop = hub.create("shop")
    assert hub.wait_deliveries()
    (got,) = hooked.got
    (hook,) = hub.core.webhooks.hooks(f"org:{hub.org().id}")
    expected = {
        "content-type": "application/json",
        "x-github-event": "repository",
        "x-github-hook-id": str(hook.id),
        "x-github-hook-installation-target-id": str(hub.org().id),
        "x-github-hook-installation-target-type": "organization",
        "x-hub-signature-256": "sha256=" + hmac.new(SECRET.encode(), got.body, hashlib.sha256).hexdigest(),
    }
    assert got.headers | expected == got.headers
    assert str(uuid.UUID(got.guid)) == got.guid
    body = got.payload
    assert (body["action"], body["repository"]["id"], body["organization"]["login"]) == (
        "created",
        shop,
        "acme",
    )
    assert body["sender"] | {"login": "player", "type": "User"} == body["sender"]


def test_without_a_secret_nothing_is_signed(hub: Hub, receiver: Receiver) -> None:
    hub.add_hook(receiver.url)
    hub.create("shop")
    assert hub.wait_deliveries()
    assert "x-hub-signature-256" not in receiver.got[0].headers


def test_each_change_of_a_repository_is_told_once(hub: Hub, http: httpx.Client, hooked: Receiver) -> None:
    def told() -> str:
        hub.wait_deliveries()
        (event,) = hooked.events()
        hooked.got.clear()
        return event

    shop = hub.create("shop", auto_init=True)
    assert told() == "repository.created"
    changes = (
        ({"name": "store"}, "repository.renamed"),
        ({"description": "new"}, "repository.edited"),
        ({"visibility": "public"}, "repository.publicized"),
        ({"private": True}, "repository.privatized"),
        ({"archived": True}, "repository.archived"),
        ({"archived": False}, "repository.unarchived"),
    )
    for change, event in changes:
        assert http.patch(f"/repositories/{shop}", json=change).status_code == 200
        assert told() == event
    hub.delete(shop)
    assert told() == "repository.deleted"
    hub.restore(shop)
    assert told() == "repository.created"
    hub.transfer(shop, "elsewhere")
    assert told() == "repository.transferred"


def test_nothing_is_told_of_a_change_that_changes_nothing(
    hub: Hub, http: httpx.Client, hooked: Receiver
) -> None:
    shop = hub.create("shop", visibility="public")
    http.patch(f"/repositories/{shop}", json={"archived": False, "visibility": "public", "name": "shop"})
    http.patch(f"/repositories/{shop}", json={"description": "undone", "name": ".."})
    assert hub.wait_deliveries()
    assert hooked.events() == ["repository.created"]


def test_the_past_is_told_with_a_change(hub: Hub, hooked: Receiver) -> None:
    shop = hub.create("shop")
    hub.rename(shop, "store")
    hub.wait_deliveries()
    assert hooked.last("repository").payload["changes"] == {"repository": {"name": {"from": "shop"}}}
    hub.org_rename("acme", "apex")
    hub.wait_deliveries()
    renamed = hooked.last("organization").payload
    assert (renamed["action"], renamed["changes"]) == ("renamed", {"login": {"from": "acme"}})
    assert renamed["organization"]["login"] == "apex"
    hub.transfer(shop, "elsewhere")
    hub.wait_deliveries()
    moved = hooked.last("repository").payload
    assert moved["changes"]["owner"]["from"]["organization"]["id"] == hub.org().id
    assert moved["repository"]["owner"]["login"] == "elsewhere"


def test_a_push_is_told_with_times_in_seconds(hub: Hub, http: httpx.Client, hooked: Receiver) -> None:
    hub.create("shop", auto_init=True)
    http.put("/repos/acme/shop/contents/x", json={"message": "Add x", "content": "eA=="})
    hub.wait_deliveries()
    push = hooked.last("push").payload
    assert (push["ref"], push["head_commit"]["message"]) == ("refs/heads/main", "Add x")
    assert abs(push["repository"]["pushed_at"] - time.time()) < 30  # a real server's clock
    assert isinstance(http.get("/repos/acme/shop").json()["pushed_at"], str)


def test_one_event_has_one_guid_whatever_the_number_of_hooks(
    hub: Hub, http: httpx.Client, receiver: Receiver
) -> None:
    hub.create("shop")
    hub.add_hook(receiver.url)
    made = http.post("/repos/acme/shop/hooks", json={"config": _config(receiver), "events": ["repository"]})
    hub.wait_deliveries()
    receiver.got.clear()
    hub.archive("shop")
    assert hub.wait_deliveries()
    assert len(receiver.got) == 2
    assert len({one.guid for one in receiver.got}) == 1
    targets = {one.headers["x-github-hook-installation-target-type"] for one in receiver.got}
    assert targets == {"organization", "repository"}
    assert {one.headers["x-github-hook-id"] for one in receiver.got} > {str(made.json()["id"])}


def test_a_hook_is_made_pinged_changed_and_removed(hub: Hub, http: httpx.Client, receiver: Receiver) -> None:
    config = _config(receiver, secret=SECRET)
    made = http.post("/orgs/acme/hooks", json={"name": "web", "config": config, "events": ["repository"]})
    hook = made.json()
    assert (made.status_code, hook["config"]["secret"], hook["events"]) == (201, "********", ["repository"])
    hub.wait_deliveries()
    ping = receiver.last("ping").payload
    assert (ping["hook_id"], ping["hook"]["id"]) == (hook["id"], hook["id"])
    assert http.get("/orgs/acme/hooks").json() == [hook]
    url = f"/orgs/acme/hooks/{hook['id']}"
    changed = http.patch(url, json={"add_events": ["push"], "active": False}).json()
    assert (changed["events"], changed["active"]) == (["repository", "push"], False)
    hub.create("shop")
    assert http.post(f"{url}/pings").status_code == 204
    hub.wait_deliveries()
    assert receiver.events() == ["ping", "ping"]
    assert http.delete(url).status_code == 204
    assert http.get(url).status_code == 404


@pytest.mark.parametrize(
    "asked",
    [
        {"config": {}},
        {"config": {"url": "ftp://x"}},
        {"config": {"url": "http://x", "content_type": "form"}},
        {"config": {"url": "http://x"}, "events": []},
        {"config": {"url": "http://x"}, "name": "email"},
    ],
)
def test_a_hook_that_cannot_be_is_refused(http: httpx.Client, asked: dict[str, object]) -> None:
    assert http.post("/orgs/acme/hooks", json=asked).status_code == 422
    assert http.get("/orgs/acme/hooks").json() == []


def test_the_same_hook_is_not_made_twice(http: httpx.Client) -> None:
    asked = {"config": {"url": "http://127.0.0.1:9/"}}
    assert [http.post("/orgs/acme/hooks", json=asked).status_code for _ in range(2)] == [201, 422]


def test_deliveries_are_kept_listed_and_made_again(hub: Hub, http: httpx.Client, receiver: Receiver) -> None:
    receiver.status = 500
    url = f"/orgs/acme/hooks/{hub.add_hook(receiver.url, SECRET)}/deliveries"
    hub.create("shop")
    hub.wait_deliveries()
    (listed,) = http.get(url).json()
    assert (listed["event"], listed["action"], listed["status_code"]) == ("repository", "created", 500)
    assert (listed["guid"], listed["redelivery"]) == (receiver.got[0].guid, False)
    whole = http.get(f"{url}/{listed['id']}").json()
    assert whole["request"]["payload"]["repository"]["name"] == "shop"
    assert whole["request"]["headers"]["X-GitHub-Event"] == "repository"
    assert whole["response"]["payload"] == "seen"
    receiver.status = 200
    assert http.post(f"{url}/{listed['id']}/attempts").status_code == 202
    hub.wait_deliveries()
    again = receiver.got[1]
    assert (again.guid, again.body) == (receiver.got[0].guid, receiver.got[0].body)
    latest = http.get(url).json()[0]
    assert (latest["redelivery"], latest["status_code"], latest["guid"]) == (True, 200, again.guid)
    assert len(http.get(url, params={"status": "failure"}).json()) == 1


def test_deliveries_are_paged_with_a_cursor(hub: Hub, http: httpx.Client, receiver: Receiver) -> None:
    url = f"/orgs/acme/hooks/{hub.add_hook(receiver.url)}/deliveries"
    for number in range(5):
        hub.create(f"r{number}")
    hub.wait_deliveries()
    first = http.get(url, params={"per_page": 3})
    second = http.get(first.links["next"]["url"])
    ids = [one["id"] for one in first.json() + second.json()]
    assert ids == sorted(ids, reverse=True)
    assert (len(ids), "next" in second.links) == (5, False)


def test_a_receiver_that_is_down_is_not_tried_again(hub: Hub, http: httpx.Client) -> None:
    url = f"/orgs/acme/hooks/{hub.add_hook('http://127.0.0.1:9/')}/deliveries"
    hub.create("shop")
    hub.wait_deliveries()
    (listed,) = http.get(url).json()
    assert listed["status_code"] == 502


def test_a_drop_is_listed_as_failed_and_never_arrives(
    hub: Hub, http: httpx.Client, receiver: Receiver
) -> None:
    url = f"/orgs/acme/hooks/{hub.add_hook(receiver.url)}/deliveries"
    hub.fault("webhook_drop", rate=0.5, seed=3)
    for number in range(20):
        hub.create(f"r{number}")
    hub.wait_deliveries()
    listed = http.get(url).json()
    assert len(listed) == 20
    assert 0 < len(receiver.got) < 20
    assert len([one for one in listed if one["status_code"] == 502]) == 20 - len(receiver.got)


def test_what_is_too_large_is_neither_sent_nor_listed(
    hub: Hub, http: httpx.Client, hooked: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    (hook,) = http.get("/orgs/acme/hooks").json()
    fault = hub.fault("webhook_drop", listed=False)
    hub.create("a")
    hub.clear_faults(fault)
    monkeypatch.setattr("localhub.webhooks.MAX_PAYLOAD_BYTES", 2_000)
    hub.create("b")
    assert hub.wait_deliveries()
    assert (hooked.got, http.get(f"/orgs/acme/hooks/{hook['id']}/deliveries").json()) == ([], [])


def test_a_double_has_the_same_guid(hub: Hub, hooked: Receiver) -> None:
    hub.fault("webhook_double", events=["repository"])
    hub.create("shop")
    hub.wait_deliveries()
    assert hooked.events() == ["repository.created"] * 2
    assert len({one.guid for one in hooked.got}) == 1


def test_deliveries_arrive_in_another_order(hub: Hub, hooked: Receiver) -> None:
    hub.fault("webhook_reorder", window=3)
    for name in ("a", "b", "c"):
        hub.create(name)
    hub.wait_deliveries()
    assert [one.payload["repository"]["name"] for one in hooked.got] == ["c", "b", "a"]


def test_what_is_held_back_goes_out_when_the_fault_ends(
    hub: Hub, http: httpx.Client, hooked: Receiver
) -> None:
    fault = hub.fault("webhook_reorder", window=9)
    hub.create("a")
    assert hub.wait_deliveries()
    assert hooked.got == []
    assert http.delete(f"/_localhub/faults/{fault}").status_code == 200
    assert hub.wait_deliveries()
    assert hooked.events() == ["repository.created"]


def test_a_delivery_is_delayed(hub: Hub, hooked: Receiver) -> None:
    hub.fault("webhook_delay", delay_s=0.3)
    begun = time.monotonic()
    hub.create("a")
    assert not hub.wait_deliveries(0.1)
    assert hub.wait_deliveries()
    assert time.monotonic() - begun >= 0.3
    assert hooked.events() == ["repository.created"]


def test_what_was_queued_at_the_end_is_sent_at_the_next_start(tmp_path: Path, receiver: Receiver) -> None:
    with Hub(data_dir=tmp_path / "hub") as hub:
        hub.add_hook(receiver.url)
        hub.fault("webhook_delay", delay_s=60)
        hub.create("shop")
    assert receiver.got == []
    with Hub(data_dir=tmp_path / "hub") as hub:
        hub.wait_deliveries()
        assert receiver.events() == ["repository.created"]
