"""Incidents as people work through them, and the history in pages, as the application tells them."""

from __future__ import annotations

from typing import Any

import pytest

from steward.app.activity import EventFilter
from steward.app.errors import Invalid, Unknown
from steward.app.exits import ACTIONS, WAYS, exits, web_address
from steward.domain.incidents import Cause, Group, Incident
from steward.domain.people import Grant, Principal, Role, rights_of
from steward.domain.project import Organisation
from steward.testing.world import ANYONE, World
from tests.contract.store.kit import NOW


def lose(world: World, *slugs: str) -> None:
    """Delete the repositories of these projects and let it be noticed."""
    for slug in slugs:
        world.forge.delete(world.app.queries(ANYONE).project(slug)["repository"]["id"])
    world.settle()
    world.store.publish()


def groups(world: World, by: Principal = ANYONE) -> dict[str, list[str]]:
    """Group -> the projects of its incidents."""
    shown = world.app.attention(by).inbox()["groups"]
    return {g["group"]: [i["project"] for i in g["incidents"]] for g in shown if g["incidents"]}


def test_an_incident_moves_through_the_groups(world: World) -> None:
    lose(world, "shop")
    number = world.incidents()[0]["id"]
    people = world.app.attending(ANYONE)
    assert groups(world) == {"needs": ["shop"]}
    people.acknowledge(number)
    assert groups(world) == {"acknowledged": ["shop"]}
    people.mute(number, 3600)
    assert groups(world) == {"muted": ["shop"]}
    world.clock.advance(3601)
    assert groups(world) == {"acknowledged": ["shop"]}
    world.commands().archive("shop")
    assert groups(world) == {}
    assert [i["id"] for i in world.app.attention(ANYONE).page(Group.RESOLVED)["incidents"]] == [number]


def test_one_incident_has_its_history_and_who_was_told(world: World) -> None:
    lose(world, "shop", "blog")
    world.deliver()
    number = next(i["id"] for i in world.incidents() if i["project"] == "shop")
    world.clock.advance(60)
    world.app.attending(ANYONE).acknowledge(number)
    shown = world.app.attention(ANYONE).incident(number)
    kinds = [event["kind"] for event in shown["history"]]
    assert kinds[0] == "incident.acknowledged"
    assert kinds.count("repository.absent") == 2
    assert {"project.moved", "incident.opened", "repository.lost"} <= set(kinds)
    assert "project.ordered" not in kinds
    assert {event["project"] for event in shown["history"]} == {"shop"}
    assert shown["notices"] == [
        {
            "at": shown["first_at"],
            "channel": "recorder",
            "about": "opened",
            "state": "sent",
            "attempts": 1,
            "error": None,
            "next_at": None,
        }
    ]


def test_a_cause_that_stands_says_why_nobody_may_resolve_it(world: World) -> None:
    lose(world, "shop")
    world.forge.archive(world.app.queries(ANYONE).project("bot")["repository"]["id"])
    world.beat()
    by_cause = {i["cause"]: i["id"] for i in world.incidents()}
    attention = world.app.attention(ANYONE)
    refused = attention.incident(by_cause["missing"])
    assert refused["resolvable"] == {
        "may": False,
        "why": "its cause stands; it closes by itself when that goes",
    }
    with pytest.raises(Invalid):
        world.app.attending(ANYONE).resolve(by_cause["missing"])
    assert attention.incident(by_cause["archived_on_github"])["resolvable"]["may"]
    world.app.attending(ANYONE).resolve(by_cause["archived_on_github"], "on purpose")
    done = attention.incident(by_cause["archived_on_github"])
    assert (done["group"], done["resolvable"]["may"], done["exits"]) == ("resolved", False, [])


def test_a_wide_incident_has_the_history_of_its_organisation(world: World) -> None:
    lose(world, "shop", "blog", "bot", "tickets")
    number = next(i["id"] for i in world.incidents() if i["cause"] == "mass_loss")
    shown = world.app.attention(ANYONE).incident(number)
    assert {"loss.held", "organisation.frozen", "incident.opened"} <= {e["kind"] for e in shown["history"]}
    assert {e["project"] for e in shown["history"]} == {None}
    held = world.app.holding(ANYONE).held("acme")
    assert (held["count"], held["live"], len(held["projects"])) == (4, 0, 4)
    digest = world.app.holding(ANYONE).digest("acme")
    assert digest is not None
    assert digest["repositories"] == 5


def test_a_group_is_read_in_pages(world: World) -> None:
    with world.store.writing() as tx:
        for number in range(5):
            tx.save_incident(Incident(0, f"k{number}", "missing", "error", "x", NOW, NOW, 1))
    attention, found, cursor = world.app.attention(ANYONE), [], ""
    while True:
        page = attention.page(Group.NEEDS, cursor, 2)
        found += [i["id"] for i in page["incidents"]]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert found == [5, 4, 3, 2, 1]
    for bad in ("&&", "W10", "WzEsMl0"):
        with pytest.raises(Invalid, match="cursor"):
            attention.page(Group.NEEDS, bad)


def test_others_see_nothing_of_it(world: World) -> None:
    lose(world, "shop")
    eve = Principal("user:eve", rights_of([Grant(Role.ADMIN, 99)]))
    assert groups(world, eve) == {}
    with pytest.raises(Unknown):
        world.app.attention(eve).incident(1)
    assert world.app.activity(eve).page(EventFilter())["events"] == []
    with pytest.raises(Unknown):
        world.app.holding(eve).held("acme")


@pytest.mark.parametrize("cause", Cause)
def test_every_way_out_can_be_drawn(cause: str) -> None:
    home = Organisation(1, "acme", "https://api.github.com")
    evidence = {"full_name": "acme/shop"}
    incident = Incident(7, "k", cause, "error", "t", NOW, NOW, 1, "p", evidence=evidence)
    ways = exits(incident, "shop", home)
    assert ways
    for way in ways:
        assert set(way) == {"action", "command", "text", "url"}
        assert way["action"] in ACTIONS
        assert way["url"] is None or way["url"].startswith("https://github.com/")
        assert "{" not in (way["command"] or "")
    assert set(WAYS) | {"name_reused"} >= set(Cause)


def test_github_s_own_pages_are_linked_to_where_they_can_be_told() -> None:
    assert web_address("https://api.github.com") == "https://github.com"
    assert web_address("https://git.acme.test/api/v3") == "https://git.acme.test"
    assert web_address("http://127.0.0.1:8080") is None
    missing = Incident(7, "k", "missing", "error", "t", NOW, NOW, 1, "p")
    home = Organisation(1, "acme", "https://api.github.com")
    assert (
        exits(missing, "shop", home)[0]["url"]
        == "https://github.com/organizations/acme/settings/deleted_repositories"
    )
    moved = Incident(
        8,
        "k",
        "transferred",
        "error",
        "t",
        NOW,
        NOW,
        1,
        evidence={"new_place": {"url": "https://github.com/x/y"}},
    )
    assert exits(moved, "shop", home)[0]["url"] == "https://github.com/x/y"
    hostile = Incident(
        9,
        "k",
        "transferred",
        "error",
        "t",
        NOW,
        NOW,
        1,
        evidence={"new_place": {"url": "javascript:alert(1)"}},
    )
    assert exits(hostile, "shop", home)[0]["url"] is None


# Activity -----------------------------------------------------------------------------------------------


def page(world: World, *pairs: tuple[str, str]) -> dict[str, Any]:
    """One page of the history."""
    world.store.publish()
    return world.app.activity(ANYONE).page(EventFilter.read(pairs))


def test_the_history_is_read_in_pages_both_ways(world: World) -> None:
    whole = [e["position"] for e in page(world)["events"]]
    assert whole == sorted(whole, reverse=True)
    older: list[int] = []
    shown = page(world, ("limit", "3"))
    assert shown["newer"] is None
    while True:
        older += [e["position"] for e in shown["events"]]
        if shown["older"] is None:
            break
        shown = page(world, ("limit", "3"), ("before", str(shown["older"])))
    assert older == whole
    newer = [e["position"] for e in shown["events"]]
    while shown["newer"] is not None:
        shown = page(world, ("limit", "3"), ("after", str(shown["newer"])))
        newer = [e["position"] for e in shown["events"]] + newer
    assert newer == whole


def test_the_history_is_narrowed(world: World) -> None:
    lose(world, "shop")
    world.app.commands(ANYONE).own("blog", "Anna")

    def kinds(*pairs: tuple[str, str]) -> set[str]:
        return {e["kind"] for e in page(world, *pairs)["events"]}

    assert kinds(("topic", "status"), ("project", "shop")) == {"project.moved"}
    assert kinds(("topic", "github"), ("project", "shop")) == {"repository.absent", "repository.lost"}
    assert kinds(("topic", "incidents")) == {"incident.opened"}
    assert kinds(("topic", "people")) == {"project.changed"}
    assert kinds(("actor", "local:anna")) == {"project.changed"}
    assert kinds(("actor", "local:an")) == set()
    assert "organisation.imported" in kinds(("organisation", "acme"))
    assert page(world, ("topic", "people"))["older"] is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("topic", "weather"),
        ("before", "0"),
        ("before", "x"),
        ("after", "-1"),
        ("limit", "201"),
        ("after", "9" * 30),
    ],
)
def test_what_cannot_be_asked_of_the_history_is_refused(name: str, value: str) -> None:
    with pytest.raises(Invalid, match=value[:20]):
        EventFilter.read([(name, value)])


def test_a_page_has_one_end_to_begin_from() -> None:
    with pytest.raises(Invalid):
        EventFilter.read([("before", "4"), ("after", "2")])


def test_a_filter_of_events_is_written_as_it_is_read() -> None:
    pairs = [
        ("project", "shop"),
        ("organisation", "acme"),
        ("topic", "github"),
        ("actor", "user:anna"),
        ("limit", "9"),
    ]
    wanted = EventFilter.read([*pairs, ("after", "7"), ("view", "x")])
    assert wanted.pairs() == pairs
    assert EventFilter.read(wanted.pairs(before=3)).before == 3
