"""The readiness list: each rule holds or says its fix."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from steward.app.errors import Unknown
from steward.domain.people import Grant, Principal, Role, rights_of
from steward.domain.readiness_rules import RULES
from steward.testing.world import ANYONE, World


def lines(world: World, slug: str) -> dict[str, dict[str, Any]]:
    """The list of a project, by rule."""
    return {line["rule"]: line for line in world.app.readiness(ANYONE).lines(slug)["lines"]}


def lacking(world: World, slug: str) -> set[str]:
    """The rules that do not hold."""
    return {rule for rule, line in lines(world, slug).items() if not line["ok"]}


def test_a_repository_that_came_in_lacks_what_people_give(world: World) -> None:
    assert lacking(world, "shop") == {"owner", "description", "webhook", "life"}
    shown = lines(world, "shop")
    assert shown["owner"]["fix"]["action"] == "owner"
    assert (
        shown["description"]["fix"]["url"]
        == world.app.queries(ANYONE).project("shop")["repository"]["html_url"]
    )
    assert shown["webhook"]["fix"]["command"] == "steward webhook register"
    assert shown["repository"] == {
        "rule": "repository",
        "ok": True,
        "words": "the repository was seen by the last look",
        "weight": 5,
        "severity": "error",
        "own": False,
        "detail": {},
        "waived": None,
        "fix": None,
    }
    counts = world.app.readiness(ANYONE).lines("shop")
    # What is known of a branch rule, checks, secrets, state, the template and drift is nothing: they do not apply.
    assert (counts["ready"], counts["of"]) == (len(RULES) - 9 - 4, len(RULES) - 9)
    weights = {line["rule"]: line["weight"] for line in counts["lines"]}
    lost = sum(weights[rule] for rule in ("owner", "description", "webhook", "life"))
    assert counts["percent"] == 100 * (sum(weights.values()) - lost) // sum(weights.values())


def test_what_is_given_is_lacking_no_more(world: World) -> None:
    world.commands().own("shop", "Anna")
    world.forge.edit(world.app.queries(ANYONE).project("shop")["repository"]["id"], description="A shop")
    world.beat()
    assert lacking(world, "shop") == {"webhook", "life"}


def test_facts_of_a_repository_that_is_not_seen_are_not_judged(world: World) -> None:
    world.forge.delete(world.app.queries(ANYONE).project("blog")["repository"]["id"])
    world.beat()
    assert lines(world, "blog")["repository"]["fix"]["command"] == "steward sync run acme"
    assert not {"description", "default_branch", "not_archived"} & set(lines(world, "blog"))
    world.settle()
    number = world.incidents()[0]["id"]
    assert lines(world, "blog")["no_incident"]["fix"]["command"] == f"steward incident show {number}"


def test_an_organisation_that_is_frozen_or_unreadable_is_told(world: World) -> None:
    world.deciding().freeze("acme")
    home = replace(world.organisation(), state=type(world.organisation().state)("degraded"))
    with world.store.writing() as tx:
        tx.save_organisation(home)
    assert {"not_frozen", "access"} <= lacking(world, "shop")
    assert lines(world, "shop")["not_frozen"]["fix"]["command"] == "steward unfreeze acme"


def test_an_archived_repository_is_told(world: World) -> None:
    world.forge.edit(world.app.queries(ANYONE).project("bot")["repository"]["id"], archived=True)
    world.beat()
    assert "not_archived" in lacking(world, "bot")
    assert lines(world, "bot")["not_archived"]["fix"]["command"] == "steward project archive bot"


def test_a_draft_is_asked_nothing_of_a_repository(world: World) -> None:
    world.commands().order("portal")
    assert set(lines(world, "portal")) == {
        "owner",
        "access",
        "not_frozen",
        "no_hold",
        "webhook",
        "no_incident",
    }


def test_an_archived_project_is_asked_nothing(world: World) -> None:
    world.commands().archive("shop")
    assert world.app.readiness(ANYONE).lines("shop") == {
        "ready": 0,
        "of": 0,
        "percent": None,
        "lines": [],
    }


def test_what_may_not_be_seen_is_unknown(make_world: Any) -> None:
    world = make_world("acme", "globex")
    world.forge.create("acme", "shop")
    world.beat("acme")
    eve = Principal("user:eve", rights_of([Grant(Role.ADMIN, world.organisation("globex").id)]))
    with pytest.raises(Unknown):
        world.app.readiness(eve).lines("shop")
