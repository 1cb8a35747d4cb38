"""Rows 13 to 18, 23, 24, 43 and 45: names change, ids do not; and what is gone may come back."""

from __future__ import annotations

import pytest

from steward.domain.project import OrgState
from steward.domain.status import Status
from steward.testing.world import ANYONE
from tests.faults.conftest import MakeScene
from tests.faults.scene import Scene, changes


def shop_of(scene: Scene) -> int:
    """The id of the repository that came in as `shop`."""
    return int(scene.hub.repo("shop").id)


def slug_found(scene: Scene, reference: str) -> str:
    """The slug of the project that a person finds under this name."""
    return str(scene.app.queries(ANYONE).project(reference)["slug"])


def test_fault_13_a_rename_keeps_the_row_and_its_history(scene: Scene) -> None:
    shop = shop_of(scene)
    before = scene.project(shop)
    scene.hub.rename(shop, "store")
    report = scene.beat()
    assert (report.whole, changes(report)) == (True, {"renamed": 1})
    record = scene.tracked(shop)
    assert record.repository.repo.full_name == "acme/store"
    assert record.project == before
    assert len(scene.projects()) == 5
    assert scene.names(shop) == ["acme/shop", "acme/store"]
    assert [slug_found(scene, name) for name in ("shop", "store", "acme/shop", "acme/store")] == ["shop"] * 4
    event = scene.events()[-1]
    assert (event.kind, event.data["full_name"], event.data["now"]) == (
        "repository.renamed",
        "acme/shop",
        "acme/store",
    )
    assert scene.incidents() == []
    assert changes(scene.beat()) == {}


def test_fault_14_an_impostor_under_an_old_name_is_told_apart_by_id(scene: Scene) -> None:
    shop = shop_of(scene)
    scene.hub.rename(shop, "store")
    impostor = scene.create_one("shop")
    report = scene.beat()
    assert changes(report) == {"discovered": 1, "renamed": 1}
    assert (scene.project(shop).slug, scene.project(impostor).slug) == ("shop", "shop-2")
    assert scene.project(shop).status is Status.DISCOVERED
    incident = scene.the_incident("name_reused")
    assert (incident["state"], incident["project"], incident["severity"]) == ("open", "shop-2", "warning")
    assert incident["evidence"] == {
        "repository_id": impostor,
        "full_name": "acme/shop",
        "once_the_name_of": {"repository_id": shop, "full_name": "acme/store", "project": "shop"},
    }
    scene.settle()
    assert scene.the_incident("name_reused")["count"] == 1
    assert scene.open_causes() == ["name_reused"]
    scene.hub.rename(impostor, "kiosk")
    scene.beat()
    assert scene.the_incident("name_reused")["state"] == "resolved"


def test_fault_15_two_repositories_that_swap_names_do_not_collide(scene: Scene) -> None:
    shop, blog = shop_of(scene), int(scene.hub.repo("blog").id)
    projects = scene.project(shop), scene.project(blog)
    scene.hub.rename(shop, "in-between")
    scene.hub.rename(blog, "shop")
    scene.hub.rename(shop, "blog")
    report = scene.beat()
    assert (report.whole, changes(report)) == (True, {"renamed": 2})
    assert (scene.project(shop), scene.project(blog)) == projects
    assert scene.names(shop) == ["acme/shop", "acme/blog"]
    assert scene.names(blog) == ["acme/blog", "acme/shop"]
    assert set(scene.presences().values()) == {"seen"}
    assert scene.incidents() == []
    assert changes(scene.settle()) == {}


def test_fault_16_deleted_and_made_again_is_one_loss_with_a_link_to_the_new_one(scene: Scene) -> None:
    old = shop_of(scene)
    scene.hub.delete(old)
    new = scene.create_one("shop")
    report = scene.beat()
    assert changes(report) == {"discovered": 1, "absent": 1}
    assert scene.project(old).status is Status.DISCOVERED
    assert scene.open_causes() == []
    scene.settle()
    assert (scene.project(old).status, scene.project(new).status) == (Status.MISSING, Status.DISCOVERED)
    assert (scene.project(old).slug, scene.project(new).slug) == ("shop", "shop-2")
    assert [i["cause"] for i in scene.incidents()] == ["missing"]
    incident = scene.the_incident("missing")
    assert (incident["project"], incident["count"]) == ("shop", 1)
    assert incident["evidence"]["repository_id"] == old
    assert incident["evidence"]["recreated_as"] == {
        "repository_id": new,
        "full_name": "acme/shop",
        "project": "shop-2",
    }


def test_fault_16_a_person_gives_the_project_its_new_repository(scene: Scene) -> None:
    old = shop_of(scene)
    scene.hub.delete(old)
    new = scene.create_one("shop")
    scene.settle()
    scene.app.commands(ANYONE).relink("shop", str(new))
    assert scene.project(new).slug == "shop"
    assert scene.statuses() | {"shop": "discovered", "shop-2": "archived"} == scene.statuses()
    assert scene.open_causes() == []
    assert changes(scene.settle()) == {}


def test_fault_17_a_transfer_is_a_loss_at_once_with_the_new_place(scene: Scene) -> None:
    shop = shop_of(scene)
    scene.hub.transfer(shop, "elsewhere")
    report = scene.beat()
    assert (report.whole, changes(report)) == (True, {"transferred": 1})
    assert scene.project(shop).status is Status.MISSING
    assert scene.presences()[shop] == "transferred"
    incident = scene.the_incident("transferred")
    assert (incident["project"], incident["count"]) == ("shop", 1)
    place = incident["evidence"]["new_place"]
    assert (place["now"], place["owner_id"]) == ("elsewhere/shop", scene.hub.org("elsewhere").id)
    assert place["url"].endswith("/elsewhere/shop")
    scene.settle()
    assert scene.the_incident("transferred")["count"] == 1
    scene.hub.transfer(shop, "acme")
    assert changes(scene.beat()) == {"returned": 1}
    assert (scene.project(shop).status, scene.presences()[shop]) == (Status.DISCOVERED, "seen")
    assert scene.the_incident("transferred")["state"] == "resolved"


def test_fault_18_a_transfer_with_a_rename_is_decided_by_id_alone(scene: Scene) -> None:
    """Both names that a reader by name would try lead to other repositories by now."""
    shop = shop_of(scene)
    scene.hub.transfer(shop, "elsewhere", "emporium")
    new = scene.create_one("shop")
    report = scene.beat()
    assert changes(report) == {"discovered": 1, "transferred": 1}
    assert (scene.project(shop).status, scene.project(new).status) == (Status.MISSING, Status.DISCOVERED)
    assert scene.open_causes() == ["transferred"]
    evidence = scene.the_incident("transferred")["evidence"]
    assert (evidence["full_name"], evidence["new_place"]["now"]) == ("acme/shop", "elsewhere/emporium")
    read = [line.path for line in scene.hub.requests() if not line.path.endswith("/repos")]
    assert read
    assert all(path.startswith(("/repositories/", "/organizations/")) for path in read)


def test_fault_23_a_transient_404_is_confirmed_at_intervals_and_nothing_is_made_anew(scene: Scene) -> None:
    shop = shop_of(scene)
    others = [repo_id for repo_id in scene.hub.ids() if repo_id != shop]
    scene.hub.fault("selection", repositories=others)
    assert changes(scene.beat()) == {"absent": 1}
    for _ in range(9):
        scene.clock.advance(2)
        scene.round()
        scene.beat()
    assert scene.tracked(shop).repository.absences == 1
    scene.clock.advance(2)
    scene.round()
    assert scene.tracked(shop).repository.absences == 2
    scene.hub.clear_faults()
    scene.clock.advance(20)
    scene.round()
    assert (scene.presences()[shop], scene.project(shop).status) == ("seen", Status.DISCOVERED)
    assert scene.tracked(shop).repository.absences == 0
    assert scene.incidents() == []
    assert changes(scene.settle()) == {}
    assert {line.method for line in scene.hub.requests()} == {"GET"}
    assert not [line.path for line in scene.hub.requests() if line.path.startswith("/repos/")]
    assert scene.hub.ids() == [shop, *others]


def test_fault_23_an_answer_by_id_that_says_nothing_is_asked_for_again(scene: Scene) -> None:
    """The listing stays as it is, so that every page answers 304; the loss is found all the same."""
    gone = scene.hub.delete("shop")
    scene.hub.fault("html", path="/repositories/")
    for _ in range(3):
        report = scene.beat()
        assert (report.whole, changes(report)) == (True, {})
        scene.confirm()
    assert (scene.presences()[gone], scene.incidents()) == ("seen", [])
    scene.hub.clear_faults()
    assert changes(scene.beat()) == {"absent": 1}
    scene.settle()
    assert scene.project(gone).status is Status.MISSING


def test_fault_24_a_deletion_that_is_heard_of_before_a_rename_stands(scene: Scene) -> None:
    """A look lists the renamed repository; before it is applied a newer look finds the repository gone."""
    shop = shop_of(scene)
    scene.hub.rename(shop, "store")

    def deleted_and_looked_at() -> None:
        scene.hub.delete(shop)
        assert changes(scene.beat()) == {"absent": 1}

    scene.line.after_next_listing(deleted_and_looked_at)
    late = scene.beat()
    assert (late.whole, changes(late)) == (True, {})
    record = scene.tracked(shop).repository
    assert (record.presence.value, record.absences) == ("absent", 1)
    assert "repository.renamed" not in scene.kinds()
    scene.settle()
    assert scene.project(shop).status is Status.MISSING
    assert scene.the_incident("missing")["count"] == 1


def test_fault_24_renamed_and_then_deleted_is_read_by_id(scene: Scene) -> None:
    shop = shop_of(scene)
    scene.hub.rename(shop, "store")
    scene.hub.delete(shop)
    scene.hub.rename("blog", "shop")
    scene.settle()
    assert scene.project(shop).status is Status.MISSING
    assert [i["cause"] for i in scene.incidents()] == ["missing"]
    assert scene.the_incident("missing")["evidence"]["repository_id"] == shop


@pytest.mark.parametrize("status", [Status.DISCOVERED, Status.ACTIVE, Status.IMPLEMENTING])
def test_fault_43_a_restored_repository_resolves_its_incident(scene: Scene, status: Status) -> None:
    shop = shop_of(scene)
    if status is not Status.DISCOVERED:
        scene.put(shop, status)
    scene.hub.delete(shop)
    scene.settle()
    assert (scene.project(shop).status, scene.project(shop).interrupted) == (Status.MISSING, (status,))
    assert scene.the_incident("missing")["state"] == "open"
    scene.hub.restore(shop)
    assert changes(scene.beat()) == {"returned": 1}
    settled = Status.DESIGNED if status is Status.IMPLEMENTING else status
    assert (scene.project(shop).status, scene.project(shop).interrupted) == (settled, ())
    assert scene.presences()[shop] == "seen"
    incident = scene.the_incident("missing")
    assert (incident["state"], incident["resolved_by"]) == ("resolved", "heartbeat")
    for lost in ("branch rules", "secrets", "webhooks"):
        assert lost in incident["resolution"]
    assert scene.deliver()[-2:] == [incident["title"], f"Resolved: {incident['title']}"]
    assert changes(scene.settle()) == {}


def test_fault_45_a_renamed_organisation_is_no_transfer(scene: Scene) -> None:
    projects = scene.projects()
    scene.hub.org_rename("acme", "newco")
    report = scene.beat()
    assert (report.whole, report.login, report.state) == (True, "newco", "ok")
    assert set(changes(report)) <= {"changed"}
    organisation = scene.organisation()
    assert (organisation.login, organisation.aliases) == ("newco", ("acme",))
    assert organisation.owner_id == scene.hub.org("newco").id
    assert scene.projects() == projects
    assert set(scene.presences().values()) == {"seen"}
    shop = shop_of(scene)
    assert scene.tracked(shop).repository.repo.full_name == "newco/shop"
    assert [slug_found(scene, name) for name in ("newco/shop", "acme/shop")] == ["shop", "shop"]
    assert scene.incidents() == []
    kinds = scene.kinds()
    assert kinds.count("organisation.renamed") == 1
    assert not {"repository.renamed", "repository.lost", "repository.changed"} & set(kinds)
    assert changes(scene.settle()) == {}


def test_fault_45_a_read_by_id_under_the_new_name_is_no_transfer_either(make_scene: MakeScene) -> None:
    """The listing is cut short, so that the rest is read by id: each shows another owner's name."""
    scene = make_scene()
    scene.create("shop", "tickets", "blog", "bot", "api")
    scene.beat()
    scene.hub.org_rename("acme", "newco")
    scene.hub.fault("short_page", page=1, keep=1)
    report = scene.beat()
    assert report.whole
    assert "transferred" not in changes(report)
    assert set(scene.presences().values()) == {"seen"}
    assert set(scene.statuses().values()) == {"discovered"}
    assert scene.incidents() == []


def test_fault_45_a_single_look_before_the_new_name_is_known_compares_ids(scene: Scene) -> None:
    shop = scene.hub.delete("shop")
    scene.beat()
    scene.hub.org_rename("acme", "newco")
    scene.hub.restore(shop)
    scene.clock.advance(20)
    report = scene.round()
    assert report is not None
    assert changes(report) == {"returned": 1}
    assert (scene.presences()[shop], scene.project(shop).status) == ("seen", Status.DISCOVERED)
    assert scene.tracked(shop).repository.repo.full_name == "newco/shop"
    assert scene.incidents() == []


def test_fault_45_another_owner_under_the_old_name_is_another_owner(scene: Scene) -> None:
    shop = shop_of(scene)
    scene.hub.org_rename("acme", "newco")
    scene.hub.transfer(shop, "acme")
    assert scene.hub.org("acme").id != scene.hub.org("newco").id
    report = scene.beat()
    assert changes(report)["transferred"] == 1
    assert scene.project(shop).status is Status.MISSING
    assert scene.the_incident("transferred")["evidence"]["new_place"]["now"] == "acme/shop"


def test_fault_45_a_deletion_in_a_renamed_organisation_is_found(scene: Scene) -> None:
    shop = shop_of(scene)
    scene.hub.org_rename("acme", "newco")
    scene.hub.delete(shop)
    scene.settle()
    assert scene.project(shop).status is Status.MISSING
    assert scene.organisation().state is OrgState.OK
    assert scene.open_causes() == ["missing"]
