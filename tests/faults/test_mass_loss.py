"""Row 44 of the fault matrix: too much lost at once is held until a person decides."""

from __future__ import annotations

import pytest

from steward.app.errors import Invalid
from steward.domain.rules import Rules
from steward.domain.status import Status
from steward.testing.world import ANYONE
from tests.faults.conftest import MakeScene
from tests.faults.scene import Scene, changes

TEN = tuple(f"project-{number}" for number in range(10))


@pytest.fixture
def ten(make_scene: MakeScene) -> Scene:
    """Ten repositories that have come in, all of which people were told of."""
    scene = make_scene()
    scene.create(*TEN)
    scene.beat()
    scene.deliver()
    return scene


def mass_loss(scene: Scene, count: int = 5) -> list[int]:
    """Delete that many and let every confirmation run out; all of them are held. Return their ids."""
    gone = [scene.hub.delete(name) for name in TEN[:count]]
    scene.settle()
    return gone


def held(scene: Scene) -> list[str]:
    """What `sync status` shows as held."""
    (shown,) = scene.app.queries(ANYONE).sync_status()["organisations"]
    return list(shown["held"])


def test_fault_44_a_mass_loss_is_held_as_a_whole_and_a_person_is_paged(ten: Scene) -> None:
    gone = mass_loss(ten)
    assert set(ten.statuses().values()) == {"discovered"}
    assert held(ten) == [f"acme/{name}" for name in TEN[:5]]
    frozen = ten.organisation().frozen
    assert frozen is not None
    assert frozen.by == "guard:mass_loss"
    incident = ten.the_incident("mass_loss")
    assert (incident["state"], incident["severity"], incident["organisation"]) == ("open", "error", "acme")
    assert incident["evidence"] == {"count": 5, "repositories": held(ten)}
    assert ten.open_causes() == ["mass_loss"]
    assert ten.deliver()[1:] == ["acme: 5 repositories would be lost at once; held"]
    assert "repository.lost" not in ten.kinds()
    for _ in range(3):
        ten.settle()
    assert ten.the_incident("mass_loss")["count"] == incident["count"]
    assert {ten.presences()[repo_id] for repo_id in gone} == {"absent"}
    assert len(ten.deliver()) == 2


def test_fault_44_what_is_held_is_not_buried_under_unchanged_pages(ten: Scene) -> None:
    """Every page answers 304, and yet each look compares: whoever comes back in silence is noticed."""
    gone = mass_loss(ten)
    for _ in range(3):
        report = ten.beat()
        assert (report.cost.not_modified, report.held, changes(report)) == (1, 5, {})
    assert {ten.tracked(repo_id).repository.held for repo_id in gone} == {True}
    organisation = ten.organisation()
    assert organisation.marks_revision != organisation.revision


def test_fault_44_released_by_hand_every_loss_is_concluded(ten: Scene) -> None:
    gone = mass_loss(ten)
    with pytest.raises(Invalid) as caught:
        ten.app.deciding(ANYONE).unfreeze("acme")
    assert "sync release acme" in caught.value.advice
    ten.app.deciding(ANYONE).release("acme")
    assert ten.organisation().frozen is None
    assert ten.the_incident("mass_loss")["resolution"] == "released"
    ten.settle()
    assert {ten.project(repo_id).status for repo_id in gone} == {Status.MISSING}
    assert list(ten.statuses().values()).count("discovered") == 5
    assert ten.open_causes() == ["missing"] * 5
    assert {i["evidence"]["vouched"] for i in ten.incidents("open")} == {"person:local:anna"}
    assert (held(ten), ten.organisation().frozen) == ([], None)
    assert changes(ten.settle()) == {}
    assert ten.beat().cost.points == 0


def test_fault_44_rejected_by_hand_every_status_is_kept(ten: Scene) -> None:
    gone = mass_loss(ten)
    ten.app.deciding(ANYONE).reject("acme")
    for _ in range(3):
        ten.settle()
    assert {ten.presences()[repo_id] for repo_id in gone} == {"inaccessible"}
    assert set(ten.statuses().values()) == {"discovered"}
    assert ten.organisation().frozen is None
    assert ten.open_causes() == ["inaccessible"]
    assert ten.the_incident("inaccessible")["evidence"]["count"] == 5
    for repo_id in gone:
        ten.hub.restore(repo_id)
    assert changes(ten.beat()) == {"returned": 5}
    assert set(ten.presences().values()) == {"seen"}
    assert ten.open_causes() == []


def test_fault_44_what_comes_back_lifts_the_guard_by_itself(ten: Scene) -> None:
    gone = mass_loss(ten)
    for repo_id in gone:
        ten.hub.restore(repo_id)
    assert changes(ten.beat()) == {"returned": 5}
    assert ten.organisation().frozen is None
    assert ten.the_incident("mass_loss")["state"] == "resolved"
    assert set(ten.presences().values()) == {"seen"}
    assert changes(ten.settle()) == {}


def test_fault_44_a_mass_transfer_is_held_too(ten: Scene) -> None:
    moved = [int(ten.hub.repo(name).id) for name in TEN[:5]]
    for repo_id in moved:
        ten.hub.transfer(repo_id, "elsewhere")
    ten.settle()
    assert set(ten.statuses().values()) == {"discovered"}
    assert {ten.presences()[repo_id] for repo_id in moved} == {"transferred"}
    assert (len(held(ten)), ten.open_causes()) == (5, ["mass_loss"])
    ten.app.deciding(ANYONE).release("acme")
    ten.settle()
    assert {ten.project(repo_id).status for repo_id in moved} == {Status.MISSING}
    assert ten.open_causes() == ["transferred"] * 5


def test_fault_44_losses_one_by_one_within_the_hour_are_counted_together(ten: Scene) -> None:
    for name in TEN[:3]:
        ten.hub.delete(name)
        ten.settle()
    assert list(ten.statuses().values()).count("missing") == 3
    fourth = ten.hub.delete(TEN[3])
    ten.settle()
    assert (ten.project(fourth).status, held(ten)) == (Status.DISCOVERED, [f"acme/{TEN[3]}"])
    assert ten.open_causes() == ["mass_loss", "missing", "missing", "missing"]


def test_fault_44_three_losses_are_no_mass_loss(ten: Scene) -> None:
    mass_loss(ten, 3)
    assert (ten.open_causes(), ten.organisation().frozen) == (["missing"] * 3, None)


@pytest.mark.parametrize("count", [2, 3])
def test_fault_44_all_of_a_small_organisation_is_a_mass_loss(make_scene: MakeScene, count: int) -> None:
    """No canary is left, so that here the organisation's own count must vouch for our access."""
    scene = make_scene(rules=Rules(grace_s=0))
    scene.create(*TEN[:count], age_s=0)
    scene.beat()
    mass_loss(scene, count)
    assert set(scene.statuses().values()) == {"discovered"}
    assert scene.open_causes() == ["mass_loss"]
    assert len(held(scene)) == count


def test_fault_44_an_organisation_of_one_can_lose_it(make_scene: MakeScene) -> None:
    scene = make_scene()
    scene.create(TEN[0])
    scene.beat()
    mass_loss(scene, 1)
    assert (list(scene.statuses().values()), scene.open_causes()) == (["missing"], ["missing"])


def test_fault_44_more_than_one_round_can_read_is_held_whole(make_scene: MakeScene) -> None:
    scene = make_scene(repos=230)
    scene.beat()
    before = scene.statuses()
    gone = scene.hub.ids()[50:170]
    assert len(gone) > 2 * scene.rules.reads_per_round
    for repo_id in gone:
        scene.hub.delete(repo_id)
    for _ in range(3):
        scene.settle()
        assert (scene.statuses(), scene.open_causes()) == (before, ["mass_loss"])
    assert len(held(scene)) == 120
    assert scene.the_incident("mass_loss")["evidence"]["count"] == 120
    scene.app.deciding(ANYONE).release("acme")
    scene.settle()
    scene.settle()
    missing = {scene.project(repo_id).status for repo_id in gone}
    assert missing <= {Status.MISSING, Status.ARCHIVED}
    assert all(scene.tracked(repo_id).repository.lost_at is not None for repo_id in gone)
    assert (held(scene), scene.organisation().frozen) == ([], None)


def test_fault_44_after_a_rejection_a_person_may_still_release_a_single_one(ten: Scene) -> None:
    gone = mass_loss(ten)
    commands = ten.app.deciding(ANYONE)
    commands.reject("acme")
    ten.settle()
    commands.release("acme", TEN[0])
    ten.settle()
    assert ten.project(gone[0]).status is Status.MISSING
    assert {ten.presences()[repo_id] for repo_id in gone[1:]} == {"inaccessible"}
    assert ten.open_causes() == ["inaccessible", "missing"]
