"""The furnished installation holds something of everything, and is the same every time."""

from __future__ import annotations

from pathlib import Path

import pytest

from steward.adapters.store import open_store
from steward.domain.deliveries import State
from steward.domain.hands import Reason
from steward.domain.incidents import Group
from steward.domain.repository import Presence
from steward.domain.status import Status
from steward.ports import IncidentQuery
from steward.testing.showcase import NOW, furnish
from steward.testing.world import World
from tests.faces.building_kit import templates


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return furnish(open_store("sqlite://"), templates(tmp_path_factory.mktemp("showcase")))


def test_every_status_has_a_project(world: World) -> None:
    assert {project.status for project in world.projects()} == set(Status)


def test_every_kind_of_trouble_and_every_group_of_incidents_is_there(world: World) -> None:
    with world.store.reading() as view:
        unseen = [t.repository.presence for t in view.unseen(world.organisations[0].id, list(Presence), 99)]
        held = view.held(world.organisations[1].id)
        groups = {group for group in Group if view.attention(IncidentQuery(NOW, [group]))}
        states = set(view.delivery_counts())
    assert {Presence.ABSENT, Presence.INACCESSIBLE, Presence.BLOCKED} <= set(unseen)
    assert len(held) == 5
    assert groups == set(Group)
    assert states == set(State)


def test_a_person_touched_one_project_and_paused_another(world: World) -> None:
    ids = {project.slug: project.id for project in world.projects()}
    with world.store.reading() as view:
        held = view.standing_holds(list(ids.values()))
        kept = view.patches(ids["theatre-seats"])
    found = {slug: [hold.reason for hold in held[key]] for slug, key in ids.items() if key in held}
    assert found == {"theatre-seats": [Reason.FOREIGN], "school-portal": [Reason.PAUSED]}
    assert len(kept) == 1
    assert "foreign_change" in world.open_causes()


def test_it_is_the_same_every_time(world: World, tmp_path: Path) -> None:
    again = furnish(open_store("sqlite://"), templates(tmp_path))
    assert again.clock.now().at == world.clock.now().at == NOW

    def told(one: World) -> list[tuple[object, ...]]:
        return [(event.kind, event.at, event.actor, event.why, event.position) for event in one.events()]

    assert told(again) == told(world)
