"""Rows 19 to 22 and 37 to 41: what our credential may see, and what the settings name."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from localhub.clock import SystemClock
from steward.adapters.github import App, Token
from steward.domain.project import OrgState
from steward.domain.status import Status
from steward.testing.clock import START
from steward.testing.world import ANYONE
from tests.faults.conftest import MakeScene
from tests.faults.scene import Scene, changes

NAMES = ("shop", "tickets", "blog", "bot", "api")


@pytest.fixture(scope="module")
def app_key() -> str:
    """The private key of a GitHub App."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    kind, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(kind, form, serialization.NoEncryption()).decode()


@pytest.fixture
def app_scene(make_scene: MakeScene, app_key: str) -> Scene:
    """Five private repositories, seen as a GitHub App.

    Its tokens are checked against the machine's own clock, so this scene begins shortly before now.
    """
    start_s = (SystemClock().now() - START).total_seconds() - 300
    scene = make_scene(start_s=start_s, credential=App("1", app_key))
    scene.create(*NAMES)
    assert scene.beat().whole
    return scene


def test_fault_19_a_repository_that_left_the_selection_is_inaccessible(app_scene: Scene) -> None:
    scene = app_scene
    left, kept = scene.hub.ids()[0], scene.hub.ids()[1:]
    before = scene.statuses()
    scene.hub.select_repositories(kept)
    report = scene.settle()
    assert report.whole
    assert scene.presences() == {left: "inaccessible", **dict.fromkeys(kept, "seen")}
    assert scene.statuses() == before
    assert scene.open_causes() == ["inaccessible"]
    incident = scene.the_incident("inaccessible")
    assert (incident["count"], incident["severity"], incident["project"]) == (1, "warning", None)
    assert incident["evidence"] == {"count": 1, "repositories": ["acme/shop"]}
    event = next(e for e in scene.events() if e.kind == "repository.inaccessible")
    assert "selected repositories only" in event.why
    scene.hub.select_repositories(None)
    assert changes(scene.beat()) == {"returned": 1}
    assert scene.presences()[left] == "seen"
    assert scene.the_incident("inaccessible")["state"] == "resolved"


def test_fault_19_under_a_selection_only_a_person_can_say_that_one_is_gone(app_scene: Scene) -> None:
    scene = app_scene
    gone, kept = scene.hub.ids()[0], scene.hub.ids()[1:]
    scene.hub.select_repositories([gone, *kept])
    scene.beat()
    scene.hub.delete(gone)
    scene.settle()
    assert (scene.presences()[gone], scene.project(gone).status) == ("inaccessible", Status.DISCOVERED)
    scene.app.deciding(ANYONE).release("acme", "shop")
    scene.settle()
    assert scene.project(gone).status is Status.MISSING
    assert scene.open_causes() == ["missing"]
    assert scene.the_incident("missing")["evidence"]["vouched"] == "person:local:anna"


def test_fault_20_a_token_that_lost_the_private_scope_concludes_nothing_of_private_ones(
    make_scene: MakeScene,
) -> None:
    """A guard per visibility: at the same time a public repository is truly deleted, and found missing."""
    scene = make_scene()
    private = scene.create(*NAMES)
    public = scene.create("site", "docs", "www", visibility="public")
    scene.beat()
    scene.hub.add_token(scene.hub.token, scopes=["public_repo"])
    scene.hub.delete(public[0])
    report = scene.settle()
    assert report.whole
    presences = scene.presences()
    assert {presences[repo_id] for repo_id in private} == {"inaccessible"}
    assert {scene.project(repo_id).status for repo_id in private} == {Status.DISCOVERED}
    assert scene.project(public[0]).status is Status.MISSING
    assert {presences[repo_id] for repo_id in public[1:]} == {"seen"}
    assert scene.open_causes() == ["inaccessible", "missing"]
    assert scene.the_incident("inaccessible")["evidence"]["count"] == 5
    assert scene.organisation().frozen is None
    scene.hub.add_token(scene.hub.token)
    assert changes(scene.beat()) == {"returned": 5}
    assert scene.open_causes() == ["missing"]


def test_fault_20_the_only_private_repository_has_no_canary_and_is_inaccessible(
    make_scene: MakeScene,
) -> None:
    scene = make_scene()
    secret = scene.create_one("secret")
    scene.create("site", "docs", visibility="public")
    scene.beat()
    scene.hub.add_token(scene.hub.token, scopes=["public_repo"])
    scene.settle()
    assert (scene.presences()[secret], scene.project(secret).status) == ("inaccessible", Status.DISCOVERED)
    assert scene.open_causes() == ["inaccessible"]
    scene.hub.add_token(scene.hub.token)
    scene.beat()
    assert scene.open_causes() == []


def test_fault_20_scope_that_is_lost_between_two_confirmations_stops_the_count(scene: Scene) -> None:
    gone = scene.hub.delete("shop")
    scene.beat()
    scene.clock.advance(20)
    scene.round()
    assert scene.tracked(gone).repository.absences == 2
    scene.hub.add_token(scene.hub.token, scopes=["public_repo"])
    scene.confirm()
    assert scene.project(gone).status is Status.DISCOVERED
    scene.settle()
    assert scene.project(gone).status is Status.DISCOVERED
    scene.hub.add_token(scene.hub.token)
    scene.beat()  # brings the canaries back
    scene.settle()
    assert scene.project(gone).status is Status.MISSING
    assert scene.open_causes() == ["missing"]


def test_fault_20_a_token_that_may_be_limited_is_believed_only_where_the_counts_agree(
    make_scene: MakeScene,
) -> None:
    """A fine-grained token: one repository is hidden from it, another is deleted, and a third is new."""
    scene = make_scene()
    hidden, *others = scene.create(*NAMES)
    scene.restart(Token(scene.hub.add_token("github_pat_limited")))
    scene.beat()
    scene.hub.fault("selection", repositories=others)
    scene.settle()
    assert (scene.presences()[hidden], scene.project(hidden).status) == ("inaccessible", Status.DISCOVERED)
    scene.hub.clear_faults()
    scene.beat()
    assert scene.open_causes() == []
    gone = scene.hub.delete("api")
    scene.create("fresh")
    assert changes(scene.beat()) == {"absent": 1, "discovered": 1}
    scene.settle()
    assert scene.project(gone).status is Status.MISSING
    assert scene.open_causes() == ["missing"]


def test_fault_21_archived_on_github_is_a_flag_and_an_incident_never_a_removal(scene: Scene) -> None:
    shop = scene.hub.ids()[0]
    scene.put(shop, Status.ACTIVE)
    scene.hub.archive(shop)
    report = scene.beat()
    assert changes(report) == {"changed": 1}
    assert scene.tracked(shop).repository.repo.archived
    assert (scene.presences()[shop], scene.project(shop).status) == ("seen", Status.ACTIVE)
    incident = scene.the_incident("archived_on_github")
    assert (incident["state"], incident["project"], incident["count"]) == ("open", "shop", 1)
    assert incident["evidence"] == {"repository_id": shop, "full_name": "acme/shop"}
    scene.settle()
    assert scene.the_incident("archived_on_github")["count"] == 1
    scene.hub.archive(shop, archived=False)
    scene.beat()
    assert not scene.tracked(shop).repository.repo.archived
    assert scene.the_incident("archived_on_github")["state"] == "resolved"


def test_fault_22_a_blocked_repository_keeps_its_status_and_the_look_goes_on(scene: Scene) -> None:
    blocked, renamed, *others = scene.hub.ids()
    scene.hub.fault("selection", repositories=[renamed, *others])
    scene.hub.fault("blocked", repo=blocked)
    scene.hub.rename(renamed, "store")
    report = scene.beat()
    assert (report.whole, report.state) == (True, "ok")
    assert changes(report) == {"blocked": 1, "renamed": 1}
    assert (scene.presences()[blocked], scene.project(blocked).status) == ("blocked", Status.DISCOVERED)
    incident = scene.the_incident("blocked")
    assert (incident["project"], incident["state"]) == ("shop", "open")
    assert incident["evidence"] == {"full_name": "acme/shop", "reason": "dmca"}
    scene.settle()
    assert scene.project(blocked).status is Status.DISCOVERED
    assert scene.the_incident("blocked")["count"] == 1
    scene.hub.clear_faults()
    assert changes(scene.beat()) == {"returned": 1}
    assert scene.presences()[blocked] == "seen"
    assert scene.the_incident("blocked")["state"] == "resolved"


def test_fault_37_a_new_token_looks_anew_and_changes_nothing(make_scene: MakeScene) -> None:
    scene = make_scene(repos=230)
    scene.beat()
    quiet = scene.beat()
    assert (quiet.cost.not_modified, quiet.cost.points) == (3, 0)
    before = scene.recorded()
    credential = scene.organisation().marks_credential
    scene.hub.revoke_token(scene.hub.token)
    scene.restart(Token(scene.hub.add_token("ghp_rotated")))
    cold = scene.beat()
    assert (cold.whole, cold.observed, changes(cold)) == (True, 230, {})
    assert (cold.cost.requests, cold.cost.not_modified, cold.cost.points) == (3, 0, 3)
    after = scene.recorded()
    assert {**before, "marks": after["marks"]} == after
    assert before["marks"] != after["marks"]
    assert scene.organisation().marks_credential != credential
    warm = scene.beat()
    assert (warm.cost.not_modified, warm.cost.points) == (3, 0)
    assert scene.incidents() == []


@pytest.mark.parametrize("count", [230, 200])
def test_fault_38_a_304_on_page_1_loses_no_page(make_scene: MakeScene, count: int) -> None:
    """A 304 brings no Link header: what the pages said of each other is remembered per page."""
    scene = make_scene(repos=count)
    scene.beat()
    scene.beat()
    quiet = scene.beat()
    assert (quiet.whole, quiet.observed, quiet.cost.points) == (True, count, 0)
    assert quiet.cost.not_modified == quiet.cost.requests == 3
    late = scene.create_one("late")
    scene.hub.clear_requests()
    report = scene.beat()
    assert [line.status for line in sorted(scene.hub.requests(), key=lambda line: line.query)] == [
        304,
        304,
        200,
    ]
    assert (report.whole, report.observed, changes(report)) == (True, count + 1, {"discovered": 1})
    assert scene.project(late).status is Status.DISCOVERED
    assert set(scene.presences().values()) == {"seen"}


def test_fault_38_a_deletion_behind_pages_that_did_not_change_is_found(make_scene: MakeScene) -> None:
    scene = make_scene(repos=230)
    scene.beat()
    gone = scene.hub.ids()[220]
    scene.hub.delete(gone)
    report = scene.beat()
    assert (report.cost.not_modified, changes(report)) == (2, {"absent": 1})
    scene.settle()
    assert scene.project(gone).status is Status.MISSING


def is_misconfigured(scene: Scene, observed: dict[str, object]) -> None:
    """The look failed for the settings: the organisation is frozen, `observed` is all that is recorded."""
    report = scene.beat()
    assert (report.whole, report.state, changes(report)) == (False, "misconfigured", {})
    organisation = scene.organisation()
    assert organisation.state is OrgState.MISCONFIGURED
    assert organisation.frozen is not None
    assert organisation.frozen.by == "guard:configuration"
    assert dict(scene.recorded()) == observed
    incident = scene.the_incident("misconfigured")
    assert (incident["state"], incident["severity"]) == ("open", "error")
    assert "STEWARD_GITHUB_ORGS" in incident["evidence"]["advice"]


def test_fault_39_an_organisation_that_answers_404_is_a_configuration_error(scene: Scene) -> None:
    before = dict(scene.recorded())
    scene.hub.fault("app_uninstalled", org="acme")
    is_misconfigured(scene, before)
    scene.confirm()
    is_misconfigured(scene, before)
    assert scene.the_incident("misconfigured")["count"] == 2
    assert scene.kinds().count("organisation.frozen") == 1
    scene.hub.clear_faults()
    assert scene.beat().whole
    organisation = scene.organisation()
    assert (organisation.state, organisation.frozen) == (OrgState.OK, None)
    assert scene.the_incident("misconfigured")["state"] == "resolved"
    assert dict(scene.recorded()) == before


def test_fault_39_a_freeze_by_a_person_outlives_the_configuration_error(scene: Scene) -> None:
    scene.app.deciding(ANYONE).freeze("acme", "holiday")
    scene.hub.fault("app_uninstalled", org="acme")
    scene.beat()
    scene.hub.clear_faults()
    scene.beat()
    frozen = scene.organisation().frozen
    assert frozen is not None
    assert frozen.by == "person:local:anna"


def test_fault_39_a_name_with_a_typing_error_is_a_configuration_error(make_scene: MakeScene) -> None:
    scene = make_scene("acme")
    scene.create(*NAMES)
    scene.close()
    typo = Scene(scene.hub, scene.clock, scene.store, logins=["acmee"])
    is_misconfigured(typo, {"marks": [], "entries": {}, "tracked": [], "projects": []})
    assert typo.the_incident("misconfigured")["organisation"] == "acmee"
    assert not typo.organisation().baseline
    typo.close()


def test_fault_39_an_uninstalled_app_is_a_configuration_error_that_keeps_every_status(
    app_scene: Scene,
) -> None:
    scene = app_scene
    before = dict(scene.recorded())
    scene.hub.fault("app_uninstalled", org="acme")
    is_misconfigured(scene, before)
    scene.restart()
    is_misconfigured(scene, before)
    scene.hub.clear_faults()
    assert scene.beat().whole
    assert (scene.organisation().state, scene.organisation().frozen) == (OrgState.OK, None)
    assert scene.open_causes() == []
    assert dict(scene.recorded())["tracked"] == before["tracked"]


def test_fault_40_one_failing_organisation_says_nothing_of_another(make_scene: MakeScene) -> None:
    scene = make_scene("acme", "globex", repos=3)
    scene.beat("acme")
    scene.beat("globex")
    before = scene.recorded("acme")["tracked"]
    lost_here, lost_there = scene.hub.ids("acme")[0], scene.hub.ids("globex")[0]
    scene.hub.delete(lost_here)
    scene.hub.delete(lost_there)
    scene.hub.fault("status", code=403, path=f"/organizations/{scene.hub.org('acme').id}/repos$")
    assert not scene.settle("acme").whole
    assert scene.settle("globex").whole
    assert scene.recorded("acme")["tracked"] == before
    assert (scene.organisation("acme").state, scene.organisation("globex").state) == (
        OrgState.DEGRADED,
        OrgState.OK,
    )
    assert scene.project(lost_here).status.value in {"discovered", "archived"}
    assert scene.presences("globex")[lost_there] == "absent"
    assert [e.organisation_id for e in scene.events() if e.kind == "repository.lost"] == [
        scene.organisation("globex").id
    ]
    scene.hub.clear_faults()
    scene.settle("acme")
    assert scene.organisation("acme").state is OrgState.OK
    assert scene.presences("acme")[lost_here] == "absent"
    assert scene.tracked(lost_here).repository.lost_at is not None


@pytest.mark.parametrize("status", [Status.DRAFT, Status.ESTIMATED, Status.PROVISIONING])
def test_fault_41_a_project_without_a_repository_is_left_alone(scene: Scene, status: Status) -> None:
    scene.app.commands(ANYONE).order("idea")
    if status is not Status.DRAFT:
        scene.put_ordered("idea", status)
    before = scene.recorded()
    events = scene.kinds()
    assert changes(scene.settle()) == {}
    scene.settle()
    assert scene.recorded() == before
    assert scene.statuses()["idea"] == status.value
    assert scene.kinds() == events
    assert scene.incidents() == []
