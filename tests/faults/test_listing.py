"""Rows 1 to 12 of the fault matrix: what a server does to a listing, and that nothing false follows from it."""

from __future__ import annotations

import httpx
import pytest

from steward.domain.project import OrgState
from tests.faults.conftest import MakeScene
from tests.faults.scene import Scene, changes


def aborts(scene: Scene, reason: str) -> None:
    """A look ends for `reason`: the organisation is degraded, nothing else recorded has changed."""
    before = scene.recorded()
    report = scene.beat()
    assert not report.whole
    assert reason in report.reason
    assert changes(report) == {}
    organisation = scene.organisation()
    assert (organisation.state, organisation.frozen) == (OrgState.DEGRADED, None)
    assert reason in organisation.reason
    assert scene.recorded() == before
    scene.confirm()
    assert scene.recorded() == before


def heals(scene: Scene) -> None:
    """With the faults gone one whole look is enough, and it finds every repository where it was."""
    scene.hub.clear_faults()
    report = scene.beat()
    assert report.whole
    assert scene.organisation().state is OrgState.OK
    assert scene.organisation().reason == ""
    assert report.observed == len(scene.hub.ids())
    assert scene.presences() == dict.fromkeys(scene.hub.ids(), "seen")
    assert scene.open_causes() == []
    scene.beat()  # a full last page that comes with 304 is probed once more, and the probe remembered
    quiet = scene.beat()
    assert (quiet.cost.points, changes(quiet)) == (0, {})


def came_in(scene: Scene) -> None:
    """The first look brought every repository, and nothing else happened."""
    report = scene.beat()
    assert report.whole
    assert changes(report) == {"discovered": len(scene.hub.ids())}


def test_fault_01_a_403_on_page_5_of_10_aborts_the_look(make_scene: MakeScene) -> None:
    scene = make_scene(repos=1_000)
    came_in(scene)
    gone = scene.hub.ids()[450]
    scene.hub.delete(gone)
    scene.hub.fault("status", code=403, path="/repos$", page=5)
    aborts(scene, "page 5 answered 403")
    assert scene.incidents() == []
    scene.hub.restore(gone)
    heals(scene)


def test_fault_01_what_the_other_pages_showed_is_used(make_scene: MakeScene) -> None:
    scene = make_scene(repos=330)
    came_in(scene)
    renamed, gone = scene.hub.ids()[5], scene.hub.ids()[320]
    scene.hub.rename(renamed, "store")
    scene.hub.delete(gone)
    scene.hub.fault("status", code=403, path="/repos$", page=3)
    report = scene.beat()
    assert (report.whole, changes(report)) == (False, {"renamed": 1})
    assert scene.tracked(renamed).repository.repo.name == "store"
    assert scene.presences()[gone] == "seen"
    scene.confirm()
    assert scene.presences()[gone] == "seen"
    scene.hub.clear_faults()
    scene.settle()
    assert scene.project(gone).status.value == "missing"


def test_fault_02_a_404_on_page_2_aborts_the_look(make_scene: MakeScene) -> None:
    scene = make_scene(repos=230)
    came_in(scene)
    scene.hub.fault("status", code=404, path="/repos$", page=2, message="Not Found")
    aborts(scene, "page 2 answered 404")
    heals(scene)


def test_fault_03_a_401_in_the_middle_degrades_the_organisation(make_scene: MakeScene) -> None:
    scene = make_scene(repos=330)
    came_in(scene)
    scene.hub.fault("status", code=401, path="/repos$", page=3, message="Bad credentials")
    aborts(scene, "refused the credential (401)")
    aborts(scene, "refused the credential (401)")
    incident = scene.the_incident("look_failed")
    assert (incident["state"], incident["severity"], incident["count"]) == ("open", "error", 2)
    assert "STEWARD_GITHUB_TOKEN" in incident["evidence"]["advice"]
    heals(scene)
    assert scene.the_incident("look_failed")["state"] == "resolved"


@pytest.mark.parametrize("page", [1, 2])
def test_fault_04_an_empty_page_in_the_list_aborts_the_look(make_scene: MakeScene, page: int) -> None:
    scene = make_scene(repos=230)
    came_in(scene)
    scene.hub.fault("empty_page", page=page)
    aborts(scene, "does not agree with itself, twice")
    assert scene.incidents() == []
    heals(scene)


def test_fault_04_an_empty_last_page_contradicts_the_first(make_scene: MakeScene) -> None:
    scene = make_scene(repos=230)
    scene.hub.fault("empty_page", page=3)
    report = scene.beat()
    assert (report.whole, scene.organisation().state) == (False, OrgState.DEGRADED)
    assert "page 3 is the last, and it is page 2" in report.reason
    assert (scene.projects(), scene.organisation().baseline) == ([], False)
    heals(scene)
    assert len(scene.projects()) == 230


def test_fault_04_an_empty_last_page_after_unchanged_ones_is_checked_by_id(make_scene: MakeScene) -> None:
    """Pages that answer 304 say nothing of the end any more; the reads by id find everything alive."""
    scene = make_scene(repos=230)
    came_in(scene)
    before = scene.recorded()
    scene.hub.fault("empty_page", page=3)
    report = scene.settle()
    assert (report.whole, report.observed, changes(report)) == (True, 200, {})
    assert scene.recorded()["tracked"] == before["tracked"]
    assert (scene.organisation().frozen, scene.incidents()) == (None, [])
    heals(scene)


def test_fault_04_a_page_that_was_empty_once_is_read_again(make_scene: MakeScene) -> None:
    scene = make_scene(repos=230)
    came_in(scene)
    before = scene.recorded()
    scene.hub.fault("empty_page", page=2, times=1)
    report = scene.beat()
    assert (report.whole, report.observed, changes(report)) == (True, 230, {})
    assert scene.recorded()["tracked"] == before["tracked"]
    heals(scene)


@pytest.mark.parametrize("first", [True, False])
def test_fault_05_a_full_page_without_a_link_is_probed_for_a_further_one(
    make_scene: MakeScene, first: bool
) -> None:
    scene = make_scene(repos=200)
    if not first:
        came_in(scene)
        scene.create("late")
    scene.hub.fault("lost_link")
    scene.hub.clear_requests()
    report = scene.beat()
    assert (report.whole, report.observed) == (True, 200 if first else 201)
    assert scene.pages_asked() == [1, 2, 3]
    assert changes(report) == {"discovered": 200 if first else 1}
    heals(scene)


def test_fault_06_html_with_status_200_aborts_the_look(make_scene: MakeScene) -> None:
    scene = make_scene(repos=230)
    came_in(scene)
    scene.hub.fault("html", path="/repos$", page=2)
    aborts(scene, "page 2 is not JSON but text/html")
    assert scene.incidents() == []
    heals(scene)


def test_fault_07_an_error_object_in_place_of_a_list_aborts_the_look(make_scene: MakeScene) -> None:
    scene = make_scene(repos=230)
    came_in(scene)
    scene.hub.fault("error_object", page=3)
    aborts(scene, "page 3 is not a list but")
    assert scene.incidents() == []
    heals(scene)


@pytest.mark.parametrize("page", [1, 3])
def test_fault_08_null_entries_are_unknown_never_absent(make_scene: MakeScene, page: int) -> None:
    scene = make_scene(repos=230)
    came_in(scene)
    scene.hub.fault("null_entries", page=page, positions=[0, 7])
    aborts(scene, f"page {page} cannot be used whole")
    assert scene.incidents() == []
    heals(scene)


@pytest.mark.parametrize("keep", [0, 40, 99])
@pytest.mark.parametrize("page", [1, 2])
def test_fault_09_a_short_page_in_the_middle_aborts_the_look(
    make_scene: MakeScene, page: int, keep: int
) -> None:
    scene = make_scene(repos=330)
    came_in(scene)
    scene.hub.fault("short_page", page=page, keep=keep)
    aborts(scene, "does not agree with itself, twice")
    assert scene.incidents() == []
    heals(scene)


def test_fault_09_a_short_last_page_looks_whole_and_is_checked_by_id(make_scene: MakeScene) -> None:
    """No listing can tell it from thirty deletions; the reads by id can, and they find them all alive."""
    scene = make_scene(repos=230)
    came_in(scene)
    before = scene.recorded()
    scene.hub.fault("short_page", page=3, keep=1)
    report = scene.beat()
    assert (report.whole, report.observed, changes(report)) == (True, 201, {})
    assert scene.recorded()["tracked"] == before["tracked"]
    scene.confirm()
    assert scene.recorded()["tracked"] == before["tracked"]
    assert scene.organisation().frozen is None
    assert scene.incidents() == []
    heals(scene)


def test_fault_10_reaching_the_page_cap_is_an_error(make_scene: MakeScene) -> None:
    scene = make_scene(repos=300, page_cap=3)
    came_in(scene)
    scene.create("one-too-many")
    aborts(scene, "cap of 3 pages")
    assert "page_cap" in scene.organisation().reason
    scene.page_cap = 4
    scene.restart()
    heals(scene)
    assert scene.statuses()["one-too-many"] == "discovered"


def test_fault_10_a_listing_without_an_end_is_an_error(make_scene: MakeScene) -> None:
    scene = make_scene(repos=300, page_cap=8)
    came_in(scene)
    scene.hub.fault("endless_paging")
    aborts(scene, "does not agree with itself, twice")
    heals(scene)


def test_fault_11_a_deletion_in_the_middle_of_the_list_hides_a_neighbour_that_is_read_by_id(
    make_scene: MakeScene,
) -> None:
    """The first entry of page 2 slips to page 1, which was read already: the listing lacks a living one."""
    scene = make_scene(repos=230)
    came_in(scene)
    deleted, slipped = scene.hub.ids()[50], scene.hub.ids()[100]
    scene.hub.fault("after_page", page=1, action="delete", repo=deleted)
    scene.hub.clear_requests()
    report = scene.beat()
    assert (report.whole, changes(report)) == (True, {})
    assert f"/repositories/{slipped}" in [line.path for line in scene.hub.requests()]
    assert scene.presences() == dict.fromkeys([deleted, *scene.hub.ids()], "seen")
    scene.settle()
    assert scene.project(deleted).status.value == "missing"
    assert scene.project(slipped).status.value == "discovered"
    assert [e.data["repository_id"] for e in scene.events() if e.kind == "repository.absent"] == [deleted] * 2
    assert scene.open_causes() == ["missing"]


def test_fault_12_pushes_during_the_look_move_nothing(make_scene: MakeScene) -> None:
    scene = make_scene(repos=230)
    came_in(scene)
    pushed = scene.hub.ids()[229]
    scene.hub.fault("after_page", page=1, action="push", repo=pushed)
    scene.hub.clear_requests()
    report = scene.beat()
    assert (report.whole, report.observed) == (True, 230)
    asked = [httpx.QueryParams(line.query) for line in scene.hub.requests()]
    assert {(query["sort"], query["direction"]) for query in asked} == {("created", "asc")}
    assert "repository.absent" not in scene.kinds()
    heals(scene)
