"""The API's endpoints: what they answer, what they refuse, and that lists in parts lose and double nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steward.adapters.store import open_store
from steward.domain.people import Role
from steward.testing.world import World
from tests.faces.http.api_kit import Api, api, ids, walk

SMALL = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Api]:
    world = World(open_store(f"sqlite:///{tmp_path}/steward.db"), ("acme", "umbrella"))
    for name in ("alpha", "beta", "gamma"):
        world.forge.create("acme", name)
    world.forge.create("umbrella", "delta")
    world.beat("acme")
    world.beat("umbrella")
    world.store.publish()
    with api(world) as served:
        yield served
    world.store.close()


@pytest.fixture
def admin(here: Api) -> Iterator[httpx.Client]:
    with here.client() as client:
        yield client


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and type of a failure, which is of the one shape that failures have."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    told = answer.json()
    assert {"type", "title", "status", "detail", "instance", "request_id"} <= set(told)
    assert told["status"] == answer.status_code
    assert told["request_id"] == answer.headers["x-request-id"]
    return answer.status_code, told["type"].removeprefix("urn:steward:problem:")


# Projects ------------------------------------------------------------------------------------------------


def test_a_project_is_ordered_shown_changed_and_moved(here: Api, admin: httpx.Client) -> None:
    made = admin.post("projects", json={"slug": "shop", "organisation": "acme", "title": "The shop"})
    assert (made.status_code, made.headers["etag"], made.json()["status"]) == (201, '"1"', "draft")
    shown = admin.get(here.address + made.headers["location"])
    assert (shown.status_code, shown.headers["etag"], shown.json()["title"]) == (200, '"1"', "The shop")
    assert [event["kind"] for event in shown.json()["history"]] == ["project.moved"]

    changed = admin.patch("projects/shop", json={"owner": "Anna", "management": "watch"})
    assert (changed.json()["owner"], changed.json()["management"]) == ("Anna", "watch")
    assert changed.headers["etag"] == '"2"', "both at once are one change"
    assert admin.patch("projects/shop", json={"owner": None}).json()["owner"] is None

    options = admin.get("projects/shop/transitions")
    assert {o["trigger"]: o["to"] for o in options.json()} == {
        "approved": "estimated",
        "archived": "archived",
        "cancelled": "archived",
    }
    moved = admin.post("projects/shop/transitions", json={"to": "archived", "reason": "no more"})
    assert (moved.status_code, moved.json()["status"]) == (200, "archived")
    back = admin.post("projects/shop/transitions", json={"trigger": "reopened"})
    assert back.json()["status"] == "draft"
    whys = [event["why"] for event in admin.get("projects/shop/events").json()["items"]]
    assert "no more" in whys


def test_a_refused_move_says_what_is_possible(admin: httpx.Client) -> None:
    admin.post("projects", json={"slug": "shop", "organisation": "acme"})
    for wanted, code in (({"to": "active"}, "refused-edge"), ({"trigger": "approved"}, "refused-guard")):
        answer = admin.post("projects/shop/transitions", json=wanted)
        assert problem(answer) == (409, code)
        allowed = {o["trigger"]: (o["reason"], o["refused"]) for o in answer.json()["allowed"]}
        assert allowed["archived"] == (None, None)
        assert allowed["approved"][0] == "guard"
        assert "brief" in (allowed["approved"][1] or "")


def test_a_role_is_named_where_it_is_what_refuses(here: Api, admin: httpx.Client) -> None:
    admin.post("projects", json={"slug": "shop", "organisation": "acme"})
    with here.client(Role.OPERATOR) as operator:
        answer = operator.post("projects/shop/transitions", json={"trigger": "approved"})
    assert problem(answer) == (403, "refused-role")
    assert "approver" in answer.json()["detail"]


def test_a_version_is_compared(admin: httpx.Client) -> None:
    project = admin.get("projects/alpha")
    mine = {"If-Match": project.headers["etag"]}
    assert admin.patch("projects/alpha", json={"owner": "Anna"}, headers=mine).status_code == 200
    calls: list[Callable[[], httpx.Response]] = [
        lambda: admin.patch("projects/alpha", json={"owner": "Boris"}, headers=mine),
        lambda: admin.post("projects/alpha/transitions", json={"to": "archived"}, headers=mine),
        lambda: admin.post("projects/alpha/relink", json={"repository": "acme/beta"}, headers=mine),
    ]
    for call in calls:
        answer = call()
        assert problem(answer) == (412, "stale")
        assert answer.json()["version"] == 2
    assert admin.get("projects/alpha").json()["owner"] == "Anna"
    assert admin.patch("projects/alpha", json={"owner": "B"}, headers={"If-Match": "*"}).status_code == 200
    for unreadable in ("2", 'W/"2"', '"x"', '"1", "2"', f'"{"9" * 30}"'):
        answer = admin.patch("projects/alpha", json={"owner": "C"}, headers={"If-Match": unreadable})
        assert problem(answer) == (422, "invalid"), unreadable


def test_projects_are_found_by_every_name(admin: httpx.Client) -> None:
    project = admin.get("projects/alpha").json()
    for reference in (project["id"], "alpha", "acme:alpha"):
        assert admin.get(f"projects/{reference}").json()["id"] == project["id"]
    answer = admin.get("projects/alhpa")
    assert (problem(answer), answer.json()["near"][0]) == ((404, "unknown"), "alpha")


@pytest.mark.parametrize(
    ("query", "slugs"),
    [
        ("", ["alpha", "beta", "delta", "gamma"]),
        ("organisation=umbrella", ["delta"]),
        ("q=alph", ["alpha"]),
        ("status=discovered&status=active&sort=-slug", ["gamma", "delta", "beta", "alpha"]),
        ("status=archived", []),
        ("status=ordered", []),
        ("owner=-&phase=materialization&limit=200", ["alpha", "beta", "delta", "gamma"]),
        ("management=ignore", []),
    ],
)
def test_projects_are_filtered_as_the_pages_are(admin: httpx.Client, query: str, slugs: list[str]) -> None:
    answer = admin.get(f"projects?{query}")
    assert ids(answer.json()["items"], "slug") == slugs
    assert answer.json()["count"] == len(slugs)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("nothing=1", "malformed"),
        ("status=happy", "malformed"),
        ("limit=0", "malformed"),
        ("limit=201", "malformed"),
        ("sort=colour", "malformed"),
        ("cursor=%00", "invalid"),
        ("cursor=zzz", "invalid"),
        ("q=%00", "malformed"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(admin: httpx.Client, query: str, code: str) -> None:
    assert problem(admin.get(f"projects?{query}")) == (422, code)


def test_who_may_see_one_organisation_sees_no_other(here: Api) -> None:
    with here.client(Role.ADMIN, "umbrella") as client:
        assert ids(client.get("projects").json()["items"], "slug") == ["delta"]
        for path in ("projects/alpha", "projects/alpha/events", "projects/alpha/transitions", "users"):
            answer = client.get(path)
            assert answer.status_code in (403, 404)
            assert "acme" not in answer.text.replace("api-admin", "")
        assert {e["organisation"] for e in client.get("events").json()["items"]} == {"umbrella"}
        assert [o["login"] for o in client.get("syncs").json()["organisations"]] == ["umbrella"]
        assert [o["login"] for o in client.get("syncs/plan").json()["organisations"]] == ["umbrella"]
        assert problem(client.post("organisations/acme/freeze", json={})) == (404, "unknown")
        assert [o["login"] for o in client.post("organisations/freeze", json={}).json()] == ["umbrella"]
        assert problem(client.post("projects", json={"slug": "x", "organisation": "acme"})) == (
            404,
            "unknown",
        )


# Parts of lists ------------------------------------------------------------------------------------------


@SMALL
@given(
    size=st.integers(1, 4),
    newcomers=st.lists(st.text("az09", min_size=1, max_size=4), max_size=8, unique=True),
    sort=st.sampled_from(["slug", "-slug", "since", "-status", "owner"]),
)
def test_no_project_is_lost_or_doubled_while_others_come(size: int, newcomers: list[str], sort: str) -> None:
    world = World(open_store("sqlite://"))
    for number in range(7):
        world.commands().order(f"old-{number}")
        world.clock.advance(1)
    with api(world) as here, here.client() as client:
        seen: list[str] = []
        for items in walk(client, "projects", limit=size, sort=sort):
            seen += ids(items, "slug")
            if newcomers:
                world.commands().order(f"new-{newcomers.pop()}")
    world.store.close()
    assert len(seen) == len(set(seen))
    assert {f"old-{number}" for number in range(7)} <= set(seen)


def test_events_are_walked_both_ways_without_a_gap(here: Api, admin: httpx.Client) -> None:
    whole = [event.position for event in here.world.events()]
    forward: list[int] = []
    after = 0
    while items := admin.get("events", params={"after": after, "limit": 3}).json()["items"]:
        forward += ids(items, "position")
        after = forward[-1]
        here.world.commands().order(f"p{after}", organisation="acme") if after < 12 else None
        here.world.store.publish()
    assert forward == [event.position for event in here.world.events()]
    assert forward[: len(whole)] == whole
    back: list[int] = []
    answer = admin.get("events", params={"limit": 4})
    while True:
        back = [*ids(answer.json()["items"], "position"), *back]
        link = answer.links.get("prev")
        if link is None:
            break
        answer = admin.get(here.address + link["url"])
    assert back == forward
    assert answer.json()["last_position"] == forward[-1]


def test_incidents_are_walked_worst_first(here: Api, admin: httpx.Client) -> None:
    world = here.world
    world.clock.advance(600)  # past the first seconds of a repository, in which an absence means nothing
    for repo_id in list(world.forge.live("acme"))[:2]:
        world.forge.delete(repo_id)
    world.settle("acme")
    whole = admin.get("incidents?limit=200").json()["items"]
    assert len(whole) >= 2
    walked = [item for items in walk(admin, "incidents", limit=1) for item in items]
    assert walked == whole
    number = whole[0]["id"]
    assert admin.post(f"incidents/{number}/acknowledge").json()["state"] == "acknowledged"
    assert ids(admin.get("incidents?state=acknowledged").json()["items"]) == [number]
    assert admin.post(f"incidents/{number}/mute", json={"for_s": 60}).json()["muted_until"]
    assert admin.post(f"incidents/{number}/unmute").json()["muted_until"] is None
    assert problem(admin.post(f"incidents/{number}/resolve", json={"reason": "so"})) == (422, "invalid")
    assert problem(admin.get("incidents/999")) == (404, "unknown")
    assert problem(admin.get("incidents?cursor=WyJ4Il0")) == (422, "invalid")


def test_the_audit_log_is_walked_whole(admin: httpx.Client) -> None:
    for number in range(5):
        admin.post("projects", json={"slug": f"p{number}", "organisation": "acme"})
    lines = [line for items in walk(admin, "audit", limit=2) for line in items]
    assert [line["action"] for line in lines] == ["POST order_project"] * 5
    assert ids(lines) == sorted(ids(lines), reverse=True)


# The stream ----------------------------------------------------------------------------------------------


def test_events_are_streamed_whole_after_the_one_seen_last(here: Api, admin: httpx.Client) -> None:
    events = admin.get("events?after=0&limit=200").json()["items"]
    seen = events[1]["position"]
    heard: list[dict[str, Any]] = []
    with admin.stream("GET", "events/stream", headers={"Last-Event-ID": str(seen)}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("data: "):
                heard.append(json.loads(line.removeprefix("data: ")))
            if len(heard) == len(events) - 2:
                break
    assert heard == events[2:]
    assert problem(admin.get("events/stream?last=x")) == (422, "invalid")


# Looks ---------------------------------------------------------------------------------------------------


def test_a_look_is_asked_for_and_waited_for(here: Api, admin: httpx.Client) -> None:
    asked = admin.post("syncs", json={"organisations": ["acme"]})
    assert asked.status_code == 202
    (look,) = asked.json()["items"]
    assert (look["organisation"], look["report"]) == ("acme", None)
    assert look["asked_by"] == "token:test of api-admin-all"
    waiting = threading.Timer(
        0.3, here.world.heartbeat.beat, [here.world.organisation("acme").id, "", [look["id"]]]
    )
    waiting.start()
    made = admin.get(f"syncs/{look['id']}?wait_s=20").json()
    waiting.join()
    assert (made["report"]["login"], made["report"]["whole"]) == ("acme", True)
    assert problem(admin.get("syncs/999")) == (404, "unknown")
    assert problem(admin.post("syncs", json={"organisations": ["nowhere"]})) == (404, "unknown")
    here.world.store.release(here.world.lease)
    assert problem(admin.post("syncs")) == (503, "unavailable")


# What cannot be meant ------------------------------------------------------------------------------------

BODIES: list[tuple[bytes, str, tuple[int, str]]] = [
    (b"{", "application/json", (400, "malformed")),
    (b"\xff\xfe\x00", "application/json", (400, "malformed")),
    (b"[" * 100_000, "application/json", (400, "malformed")),
    (b'{"slug": ' + b"1" * 6000 + b"}", "application/json", (400, "malformed")),
    (b'"slug"', "application/json", (422, "malformed")),
    (b"null", "application/json", (422, "malformed")),
    (b"", "application/json", (422, "malformed")),
    (b'{"slug": 1e999}', "application/json", (422, "malformed")),
    (b'{"slug": "\\ud800"}', "application/json", (422, "invalid")),
    (b'{"\\ud800": 1, "slug": "a"}', "application/json", (422, "malformed")),
    (b'{"slug": "a\\u0000"}', "application/json", (422, "invalid")),
    (b'{"slug": "a", "title": "\\u0000"}', "application/json", (422, "malformed")),
    (b'{"slug": "a", "colour": "red"}', "application/json", (422, "malformed")),
    (b'{"slug": "a", "organisation": "acme"}', "text/plain", (415, "media-type")),
    (b"slug=a&organisation=acme", "application/x-www-form-urlencoded", (415, "media-type")),
    (b"--x\r\nbroken", "multipart/form-data; boundary=x", (415, "media-type")),
    (b'{"slug": "a"}' + b" " * 300_000, "application/json", (413, "too-large")),
]


@pytest.mark.parametrize(("body", "kind", "expected"), BODIES, ids=range(len(BODIES)))
def test_a_body_that_cannot_be_meant_is_a_problem_and_changes_nothing(
    here: Api, admin: httpx.Client, body: bytes, kind: str, expected: tuple[int, str]
) -> None:
    answer = admin.post("projects", content=body, headers={"Content-Type": kind})
    assert problem(answer) == expected
    assert len(here.world.projects()) == 4


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("nothing", 404),
        ("projects/%00", 422),
        ("projects/%ff", 404),
        ("projects/" + "a" * 500, 422),
        ("projects/a/b/c", 404),
        ("incidents/0", 422),
        ("incidents/-1", 422),
        ("incidents/9223372036854775808", 422),
        ("incidents/" + "9" * 5000, 422),
        ("incidents/one", 422),
        ("events?after=1&before=2", 422),
        ("events?project=%ED%A0%80", 404),
        ("syncs/1.5", 422),
    ],
)
def test_an_address_that_leads_nowhere_is_a_problem(admin: httpx.Client, path: str, status: int) -> None:
    assert problem(admin.get(path))[0] == status


def test_a_method_that_is_not_taken_is_a_problem(admin: httpx.Client) -> None:
    assert problem(admin.delete("projects/alpha")) == (405, "method")


def test_whoever_shows_nothing_is_told_how_to_sign_in(here: Api) -> None:
    answer = httpx.get(f"{here.address}/api/v1/projects", trust_env=False)
    assert problem(answer) == (401, "not-signed-in")
    assert "Bearer" in answer.headers["www-authenticate"]


def test_a_viewer_changes_nothing(here: Api) -> None:
    with here.client(Role.VIEWER) as viewer:
        calls: list[Callable[[], httpx.Response]] = [
            lambda: viewer.post("projects", json={"slug": "a"}),
            lambda: viewer.patch("projects/alpha", json={"owner": "me"}),
            lambda: viewer.post("projects/alpha/transitions", json={"to": "archived"}),
            lambda: viewer.post("organisations/acme/freeze"),
            lambda: viewer.post("syncs"),
            lambda: viewer.get("users"),
            lambda: viewer.get("audit"),
            lambda: viewer.post("webhooks/ping"),
        ]
        for call in calls:
            assert problem(call())[0] == 403
        assert viewer.get("me").json()["rights"] == ["read", "own"]
    assert {project.status.value for project in here.world.projects()} == {"discovered"}
