"""The heartbeat by example: each sentence of the design about what is believed, and what follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from steward.domain.guards import Guard
from steward.domain.lifecycle import Position, Who, advance
from steward.domain.project import Project
from steward.domain.repository import Forbidden, NotFound, Presence
from steward.domain.status import Status, Trigger
from steward.ports import Uninstalled, Unreachable
from steward.testing.forge import Stale
from steward.testing.world import World


def repo_named(world: World, name: str) -> int:
    """The id of a living repository of acme."""
    return next(repo.id for repo in world.forge.live("acme").values() if repo.name == name)


def put(world: World, repo_id: int, status: Status, live: bool = False) -> Project:
    """Bring the project of a repository into a status, past the gates, as later operations would."""
    project = world.tracked(repo_id).project
    assert project is not None
    now = world.clock.now().at
    with world.store.writing() as tx:
        proofs = frozenset(Guard)
        move = advance(project.position, Trigger.ADOPTED, Who.PERSON, proofs, Status.ACTIVE)
        project = tx.move(project, replace(move, after=Position(status)), now)
        return tx.save_project(replace(project, live={"url": "http://x"} if live else None), now)


def test_the_first_look_is_a_baseline_with_one_digest(make_world: Callable[..., World]) -> None:
    world = make_world()
    for number in range(7):
        world.forge.create("acme", f"repo-{number}")
    report = world.beat()
    assert (report.state, report.observed, report.changes["discovered"]) == ("ok", 7, 7)
    assert {p.status for p in world.projects()} == {Status.DISCOVERED}
    assert {p.management.value for p in world.projects()} == {"watch"}
    assert world.deliver() == ["acme: 7 repositories came in"]
    assert world.incidents() == []


def test_a_new_repository_is_discovered_once(world: World) -> None:
    world.deliver()
    world.forge.create("acme", "fresh")
    assert world.beat().changes["discovered"] == 1
    assert world.beat().changes["discovered"] == 0
    assert world.deliver()[1:] == ["acme: 1 new on GitHub"]


def test_an_archived_repository_is_discovered_and_archived_in_two_moves(world: World) -> None:
    repo = world.forge.create("acme", "old", archived=True)
    world.beat()
    project = world.tracked(repo.id).project
    assert project is not None
    assert (project.status, project.interrupted) == (Status.ARCHIVED, (Status.DISCOVERED,))
    moves = [e.data["to"] for e in world.events() if e.project_id == project.id]
    assert moves == ["discovered", "archived"]
    assert world.incidents() == []


def test_an_unchanged_beat_writes_nothing_but_its_own_row(world: World) -> None:
    world.beat()
    before = contents(world)
    report = world.beat()
    assert (report.cost.requests, report.cost.not_modified, report.cost.points) == (1, 1, 0)
    assert contents(world) == before


def contents(world: World) -> dict[str, object]:
    """Everything recorded but the looks themselves."""
    with world.store.reading() as view:
        shown: dict[str, object] = {"organisations": view.organisations(), "outbox": view.outbox_counts()}
        ids = list(view.digests(world.organisations[0].id))
        shown["tracked"] = sorted(view.tracked(ids), key=lambda t: t.repository.repo.id)
        shown["marks"] = view.marks(world.organisations[0].id)
    return {**shown, "projects": world.projects(), "events": world.events(), "incidents": world.incidents()}


def test_a_deleted_repository_is_missing_within_two_minutes_of_being_noticed(world: World) -> None:
    gone = repo_named(world, "shop")
    world.forge.delete(gone)
    assert world.beat().changes["absent"] == 1
    record = world.tracked(gone).repository
    assert (record.presence.value, record.absences) == ("absent", 1)
    assert world.status(gone) == "discovered"
    began = world.clock.now()
    while world.status(gone) != "missing":
        world.clock.advance(1)
        world.round()
    assert 39 <= world.clock.now().tick_s - began.tick_s <= 42
    assert world.open_causes() == ["missing"]
    evidence = world.incidents()[0]["evidence"]
    assert (evidence["absences"], evidence["full_name"]) == (3, "acme/shop")


def test_reads_that_come_too_soon_do_not_count(world: World) -> None:
    gone = repo_named(world, "shop")
    world.forge.delete(gone)
    for _ in range(10):
        world.beat()
        world.clock.advance(1)
    assert world.tracked(gone).repository.absences == 1


def test_confirmations_survive_a_restart(world: World) -> None:
    gone = repo_named(world, "shop")
    world.forge.delete(gone)
    for expected in (1, 2):
        world.beat()
        assert world.tracked(gone).repository.absences == expected
        world.restart()
        world.clock.advance(20)
    world.beat()
    assert world.status(gone) == "missing"


@pytest.mark.parametrize("jump_s", [-7200.0, 7200.0])
def test_a_clock_that_jumps_neither_hurries_nor_stalls_a_confirmation(world: World, jump_s: float) -> None:
    gone = repo_named(world, "shop")
    world.forge.delete(gone)
    world.beat()
    world.jump(jump_s)
    world.beat()
    assert world.tracked(gone).repository.absences == 1
    world.clock.advance(20)
    world.round()
    assert world.tracked(gone).repository.absences == 2


def test_a_blip_marks_nothing_missing(world: World) -> None:
    shop = repo_named(world, "shop")
    world.forge.delete(shop)
    world.beat()
    world.forge.restore(shop)
    world.beat()
    assert (world.state(shop), world.status(shop), world.open_causes()) == ("seen", "discovered", [])
    assert world.kinds()[-2:] == ["repository.absent", "repository.seen_again"]


@pytest.mark.parametrize(
    ("status", "live", "severity"),
    [
        (Status.ACTIVE, True, "critical"),
        (Status.ACTIVE, False, "error"),
        (Status.INITIALIZED, False, "error"),
        (Status.ERROR, True, "critical"),
    ],
)
def test_severity_follows_what_users_feel(world: World, status: Status, live: bool, severity: str) -> None:
    shop = repo_named(world, "shop")
    if status is Status.ERROR:
        project = put(world, shop, Status.ACTIVE, live)
        with world.store.writing() as tx:
            proofs = frozenset({Guard.CAUSE_KNOWN})
            tx.move(
                project,
                advance(project.position, Trigger.FAILED, Who.HEALTH_CHECK, proofs),
                project.updated_at,
            )
    else:
        put(world, shop, status, live)
    world.forge.delete(shop)
    world.settle()
    assert [(i["cause"], i["severity"]) for i in world.incidents()] == [("missing", severity)]
    world.forge.restore(shop)
    world.beat()
    assert world.status(shop) == status.value
    assert world.open_causes() == []


def test_a_draft_without_a_repository_is_left_alone(world: World) -> None:
    world.commands().order("idea")
    world.settle()
    assert next(p for p in world.projects() if p.slug == "idea").status is Status.DRAFT
    assert world.open_causes() == []


def test_provisioning_is_recognised_by_name_and_marker_together(world: World) -> None:
    world.commands().order("portal")
    project = next(p for p in world.projects() if p.slug == "portal")
    with world.store.writing() as tx:
        tx.save_project(replace(project, expects="portal", marker="steward:abc"), project.updated_at)
    impostor = world.forge.create("acme", "portal-x", description="made by steward:abc")
    ours = world.forge.create("acme", "Portal", description="steward:abc")
    world.beat()
    assert world.tracked(impostor.id).project != world.tracked(ours.id).project
    found = world.tracked(ours.id).project
    assert found is not None
    assert (found.slug, found.repository_id, found.status) == ("portal", ours.id, Status.DRAFT)
    assert "repository.born" in world.kinds()


def test_an_archived_project_whose_repository_vanishes_stays_archived(world: World) -> None:
    shop = repo_named(world, "shop")
    world.commands().archive("shop", "over")
    world.forge.delete(shop)
    world.settle()
    assert world.status(shop) == "archived"
    assert world.tracked(shop).repository.lost_at is not None
    assert world.open_causes() == []
    assert world.kinds().count("repository.lost") == 1


def test_reopening_a_project_whose_repository_is_gone_ends_in_missing(world: World) -> None:
    shop = repo_named(world, "shop")
    world.commands().archive("shop")
    world.forge.delete(shop)
    world.settle()
    world.commands().reopen("shop")
    world.settle()
    assert world.status(shop) == "missing"


def test_an_ignored_project_goes_missing_without_a_word(world: World) -> None:
    shop = repo_named(world, "shop")
    world.commands().manage("shop", "ignore")
    world.deliver()
    world.forge.delete(shop)
    world.settle()
    assert world.status(shop) == "missing"
    assert world.deliver() == ["acme: 5 repositories came in"]


def test_a_restored_repository_resolves_its_incident_and_says_what_may_be_lost(world: World) -> None:
    shop = repo_named(world, "shop")
    world.forge.delete(shop)
    world.settle()
    world.forge.restore(shop)
    world.beat()
    incident = world.incidents()[0]
    assert (incident["state"], world.status(shop)) == ("resolved", "discovered")
    assert "secrets" in incident["resolution"]


def test_a_loss_that_only_a_single_look_noticed_waits_for_a_whole_one(world: World) -> None:
    shop = repo_named(world, "shop")
    world.forge.delete(shop)
    world.beat()
    record = world.tracked(shop).repository
    with world.store.writing() as tx:
        tx.save_repositories([replace(record, absent_look=10**6)], world.clock.now().at)
    for _ in range(4):
        world.clock.advance(20)
        report = world.round()
    assert report is not None
    assert report.wants_look
    assert world.status(shop) == "discovered"


def test_driving_a_discovered_project_asks_for_its_setup(world: World) -> None:
    shown = world.commands().manage("shop", "drive")
    assert (shown["status"], shown["management"]) == ("setup_required", "drive")


def test_two_organisations_are_judged_alone(make_world: Callable[..., World]) -> None:
    world = make_world("acme", "globex")
    for login in ("acme", "globex"):
        for name in ("one", "two", "three"):
            world.forge.create(login, name)
        world.beat(login)
    world.clock.advance(600)
    gone = next(iter(world.forge.live("globex")))
    world.forge.delete(gone)
    world.forge.set_reachable("acme", reachable=False)
    assert world.beat("acme").whole is False
    world.settle("globex")
    assert world.status(gone) == "missing"
    assert world.organisation("acme").state.value == "misconfigured"
    assert world.organisation("globex").state.value == "ok"


def test_a_repository_moved_between_our_organisations_stays_the_same_project(
    make_world: Callable[..., World],
) -> None:
    world = make_world("acme", "globex")
    repo = world.forge.create("acme", "shop")
    for login in ("acme", "globex"):
        world.forge.create(login, "other")
        world.beat(login)
    before = world.tracked(repo.id).project
    world.forge.transfer(repo.id, "globex")
    world.beat("acme")
    world.beat("globex")
    after = world.tracked(repo.id)
    assert before is not None
    assert after.project is not None
    assert after.project.id == before.id
    assert after.repository.organisation_id == world.organisations[1].id
    assert (after.project.status, world.open_causes()) == (Status.DISCOVERED, [])


def test_a_name_without_the_marker_is_not_what_provisioning_asked_for(world: World) -> None:
    world.commands().order("portal")
    project = next(p for p in world.projects() if p.slug == "portal")
    with world.store.writing() as tx:
        tx.save_project(replace(project, expects="portal", marker="steward:abc"), project.updated_at)
    stranger = world.forge.create("acme", "portal", description="somebody else's")
    world.beat()
    found = world.tracked(stranger.id).project
    assert found is not None
    assert (found.slug, found.status) == ("portal-2", Status.DISCOVERED)


def test_a_last_page_that_is_gone_is_noticed_though_no_other_page_changed(
    make_world: Callable[..., World],
) -> None:
    world = make_world(page_size=3)
    repos = [world.forge.create("acme", f"r{number}") for number in range(4)]
    world.beat()
    world.clock.advance(600)
    world.forge.delete(repos[-1].id)
    assert world.beat().changes["absent"] == 1


def test_what_a_single_look_changed_makes_the_next_look_compare(world: World) -> None:
    shop = repo_named(world, "shop")
    world.forge.delete(shop)
    world.beat()
    world.clock.advance(20)
    world.round()
    organisation = world.organisation()
    assert organisation.marks_revision is None or organisation.revision > organisation.marks_revision


def test_access_that_is_lost_while_reading_makes_no_404_believed(make_world: Callable[..., World]) -> None:
    world = make_world()
    canary = world.forge.create("acme", "canary")
    other = world.forge.create("acme", "other")
    world.forge.create("acme", "open", visibility="public")
    world.beat()
    world.clock.advance(600)
    world.forge.script_listings("acme", Stale(frozenset([other.id])))
    world.forge.script_reads(other.id, Forbidden())
    world.beat()
    assert world.state(other.id) == "inaccessible"
    world.forge.delete(other.id)
    world.forge.script_reads(canary.id, None, NotFound())
    world.forge.touch(canary.id)
    world.beat()
    assert world.state(other.id) == "inaccessible"
    world.forge.touch(canary.id)
    world.beat()
    assert (world.state(other.id), world.tracked(other.id).repository.absences) == ("absent", 1)


def test_an_app_that_was_uninstalled_is_a_configuration_error(world: World) -> None:
    world.forge.script_listings("acme", Uninstalled("installation 1 is gone", "Install the App again."))
    assert world.beat().state == "misconfigured"
    assert (world.organisation().frozen is not None, world.open_causes()) == (True, ["misconfigured"])
    assert world.beat().state == "ok"


def test_a_configuration_error_freezes_and_heals(world: World) -> None:
    world.forge.set_reachable("acme", reachable=False)
    assert world.beat().state == "misconfigured"
    frozen = world.organisation().frozen
    assert frozen is not None
    assert (frozen.by, world.open_causes()) == ("guard:configuration", ["misconfigured"])
    assert {p.status for p in world.projects()} == {Status.DISCOVERED}
    world.forge.set_reachable("acme", reachable=True)
    assert world.beat().state == "ok"
    assert (world.organisation().frozen, world.open_causes()) == (None, [])


def test_a_mass_loss_behind_a_configuration_error_stays_frozen_when_that_heals(world: World) -> None:
    world.forge.add_organisation("elsewhere")
    for name in ("shop", "tickets", "blog", "bot"):
        world.forge.transfer(repo_named(world, name), "elsewhere")
    world.forge.set_reachable("acme", reachable=False)
    assert world.beat().state == "misconfigured"
    world.forge.set_reachable("acme", reachable=True)
    world.settle()
    frozen = world.organisation().frozen
    assert frozen is not None
    assert (frozen.by, world.open_causes()) == ("guard:mass_loss", ["mass_loss"])


def test_a_fault_that_may_pass_is_an_incident_only_when_it_stays(world: World) -> None:
    for expected in ([], [], ["look_failed"], ["look_failed"]):
        world.forge.script_listings("acme", Unreachable("timed out"))
        assert world.beat().whole is False
        assert world.open_causes() == expected
    world.beat()
    assert world.open_causes() == []


def test_validators_are_not_kept_while_a_loss_is_held(world: World) -> None:
    marks = world.organisation().marks_revision
    for name in ("shop", "tickets", "blog", "bot"):
        world.forge.delete(repo_named(world, name))
    world.settle()
    assert world.open_causes() == ["mass_loss"]
    after = world.organisation()
    assert after.marks_revision is None or after.marks_revision < after.revision
    assert marks is not None


def test_the_guard_counts_every_loss_of_the_hour_in_a_large_organisation(
    make_world: Callable[..., World],
) -> None:
    world = make_world()
    ids = [world.forge.create("acme", f"r{number}").id for number in range(10_500)]
    world.beat()
    world.clock.advance(600)
    concluded = ids[:1049]
    records = [world.tracked(repo_id).repository for repo_id in concluded]
    with world.store.writing() as tx:
        lost = [replace(r, presence=Presence.ABSENT, lost_at=world.clock.now(), look=9) for r in records]
        tx.save_repositories(lost, world.clock.now().at)
    for repo_id in [*concluded, ids[1050]]:
        world.forge.delete(repo_id)
    world.settle()
    assert world.open_causes() == ["missing"], "1,050 of 10,500 are not more than a tenth"
    world.forge.delete(ids[1051])
    world.settle()
    assert world.open_causes() == ["mass_loss", "missing"]
