"""What a principal may do and see, beneath every face: per organisation, per role, per policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

import pytest

from steward.app.application import Application
from steward.app.errors import Forbidden, Stale, Unknown
from steward.app.policy import Policy
from steward.domain.lifecycle import Refused
from steward.domain.people import Grant, Principal, Right, Role, rights_of
from steward.domain.status import Trigger
from steward.ports import ProjectQuery, Store
from steward.testing.world import ANYONE, World


@pytest.fixture
def two(store: Store) -> World:
    """Two organisations with a repository each, and a draft in the first."""
    world = World(store, ("acme", "umbrella"))
    world.forge.create("acme", "shop")
    world.forge.create("acme", "site")
    world.forge.create("umbrella", "lab")
    world.beat("acme")
    world.beat("umbrella")
    world.clock.advance(600)
    world.commands().order("idea", organisation="acme")
    return world


def somebody(world: World, role: Role, login: str | None = None, name: str = "anna") -> Principal:
    place = world.organisation(login).id if login else None
    return Principal(f"user:{name}", MappingProxyType(rights_of([Grant(role, place)])))


def test_who_may_read_one_organisation_sees_nothing_of_another(two: World) -> None:
    queries = two.app.queries(somebody(two, Role.VIEWER, "umbrella"))
    assert [p["slug"] for p in queries.projects(ProjectQuery())] == ["lab"]
    acme = two.organisation("acme").id
    assert queries.projects(ProjectQuery(organisation_ids=[acme])) == []
    assert {e["organisation"] for e in queries.events()} == {"umbrella"}
    assert [o["login"] for o in queries.sync_status()["organisations"]] == ["umbrella"]
    for reference in ("shop", "acme/shop", two.app.queries(ANYONE).project("shop")["id"]):
        with pytest.raises(Unknown) as refused:
            queries.project(reference)
        assert refused.value.near == [], "names of what may not be seen are not given away"


def test_incidents_of_another_organisation_are_not_there(two: World) -> None:
    two.forge.delete(two.app.queries(ANYONE).project("shop")["repository"]["id"])
    two.settle("acme")
    (incident,) = two.incidents("open")
    lab = somebody(two, Role.ADMIN, "umbrella")
    assert two.app.queries(lab).incidents() == []
    with pytest.raises(Unknown):
        two.app.queries(lab).incident(incident["id"])
    with pytest.raises(Unknown):
        two.app.attending(lab).acknowledge(incident["id"])
    with pytest.raises(Forbidden):
        two.app.attending(somebody(two, Role.VIEWER)).acknowledge(incident["id"])
    assert two.incidents()[0]["state"] == "open"


def test_whoever_may_nothing_sees_nothing(two: World) -> None:
    nobody = Principal("user:guest")
    assert two.app.queries(nobody).projects(ProjectQuery()) == []
    assert two.app.queries(nobody).events() == []


Act = Callable[[Application, Principal], object]
ACTS: dict[str, Act] = {
    "order": lambda app, by: app.commands(by).order("new", organisation="acme"),
    "archive": lambda app, by: app.commands(by).archive("shop"),
    "manage": lambda app, by: app.commands(by).manage("shop", "ignore"),
    "own": lambda app, by: app.commands(by).own("shop", "Anna"),
    "relink": lambda app, by: app.commands(by).relink("shop", "umbrella/lab"),
    "freeze": lambda app, by: app.deciding(by).freeze("acme"),
    "unfreeze": lambda app, by: app.deciding(by).unfreeze("acme"),
    "release": lambda app, by: app.deciding(by).release("acme"),
    "reject": lambda app, by: app.deciding(by).reject("acme"),
    "look": lambda app, by: app.sync(by).run(["acme"], progress=lambda _text: None),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_viewer_may_do_nothing_and_nothing_is_changed(two: World, act: str) -> None:
    before = two.projects(), two.kinds(), two.organisation("acme").frozen
    with pytest.raises(Forbidden, match="user:anna may not"):
        ACTS[act](two.app, somebody(two, Role.VIEWER))
    assert (two.projects(), two.kinds(), two.organisation("acme").frozen) == before


@pytest.mark.parametrize("act", ["order", "archive", "freeze"])
def test_a_grant_in_one_organisation_gives_nothing_in_another(two: World, act: str) -> None:
    with pytest.raises((Forbidden, Unknown)):
        ACTS[act](two.app, somebody(two, Role.ADMIN, "umbrella"))
    reader = somebody(two, Role.ADMIN, "umbrella")
    rights = {**reader.rights, two.organisation("acme").id: frozenset({Right.READ})}
    with pytest.raises(Forbidden, match="in acme"):
        ACTS[act](two.app, replace(reader, rights=rights))
    ACTS[act](two.app, somebody(two, Role.OPERATOR, "acme"))


def test_a_refused_move_says_which_of_the_three_refused_it(two: World) -> None:
    operator, approver = somebody(two, Role.OPERATOR), somebody(two, Role.APPROVER)
    with pytest.raises(Refused, match="approver") as refused:
        two.app.commands(operator).ask("idea", Trigger.APPROVED)
    assert refused.value.reason == "role"
    with pytest.raises(Refused, match="estimate") as refused:
        two.app.commands(approver).ask("idea", Trigger.APPROVED)
    assert (refused.value.reason, len(refused.value.unmet)) == ("guard", 3)
    with pytest.raises(Refused, match="not possible from draft; possible: approved, archived") as refused:
        two.app.commands(approver).ask("idea", Trigger.CONFIRMED)
    assert refused.value.reason == "edge"
    assert two.app.queries(ANYONE).project("idea")["status"] == "draft"


def test_what_the_heartbeat_alone_may_do_is_no_persons_move(two: World) -> None:
    with pytest.raises(Refused) as refused:
        two.app.commands(ANYONE).ask("shop", Trigger.REPOSITORY_GONE)
    assert refused.value.reason == "edge"


def test_a_draft_can_be_cancelled_and_reopened(two: World) -> None:
    shown = two.app.commands(somebody(two, Role.OPERATOR)).ask("idea", Trigger.CANCELLED, "no budget")
    assert shown["status"] == "archived"
    event = two.app.queries(ANYONE).history("idea")[-1]
    assert (event["actor"], event["why"]) == ("user:anna", "no budget")
    assert two.commands().ask("idea", Trigger.REOPENED)["status"] == "draft"


def test_four_eyes_whoever_ordered_does_not_approve(two: World) -> None:
    careful = replace(two.app, policy=Policy(four_eyes=True))
    anna, ben = somebody(two, Role.APPROVER), somebody(two, Role.APPROVER, name="ben")
    careful.commands(anna).order("pair", organisation="acme")
    with pytest.raises(Refused, match="ask another approver") as refused:
        careful.commands(anna).ask("pair", Trigger.APPROVED)
    assert refused.value.reason == "role"
    with pytest.raises(Refused) as refused:
        careful.commands(ben).ask("pair", Trigger.APPROVED)
    assert refused.value.reason == "guard", "another approver passes to what must still be proven"


def test_a_change_decided_on_an_older_version_is_refused(two: World) -> None:
    version = two.app.queries(ANYONE).project("shop")["version"]
    assert two.app.commands(ANYONE, version).own("shop", "Anna")["version"] == version + 1
    with pytest.raises(Stale) as stale:
        two.app.commands(ANYONE, version).archive("shop")
    assert (stale.value.expected, stale.value.found) == (version, version + 1)
    assert two.app.queries(ANYONE).project("shop")["status"] == "discovered"


def test_what_can_be_done_is_shown_with_what_stands_against_it(two: World) -> None:
    viewer = two.app.queries(somebody(two, Role.VIEWER)).project("idea")["actions"]
    assert {action["reason"] for action in viewer} == {"role"}
    operator = two.app.queries(somebody(two, Role.OPERATOR)).project("idea")["actions"]
    assert {action["trigger"]: action["reason"] for action in operator} == {
        "approved": "role",
        "archived": None,
        "cancelled": None,
    }
