"""What a person asks of projects, organisations and incidents: each sentence of the design by example."""

from __future__ import annotations

from datetime import timedelta

import pytest

from steward.app.errors import Invalid, Unknown
from steward.domain.lifecycle import Refused
from steward.domain.people import local
from steward.domain.status import Status
from steward.testing.world import ANYONE, World

Json = dict[str, object]


def id_of(world: World, slug: str) -> int:
    """The repository id of a project."""
    repository = world.app.queries(ANYONE).project(slug)["repository"]
    assert repository is not None
    return int(repository["id"])


def lose(world: World, *slugs: str) -> None:
    """Delete the repositories of these projects and let it be noticed."""
    for slug in slugs:
        world.forge.delete(id_of(world, slug))
    world.settle()


def test_an_order_is_a_draft_without_a_repository(world: World) -> None:
    shown = world.commands().order("portal", title="Tickets for a theatre")
    assert (shown["status"], shown["phase"], shown["repository"]) == ("draft", "inception", None)
    assert world.app.queries(ANYONE).history("portal")[-1]["actor"] == "local:anna"


@pytest.mark.parametrize("slug", ["", "-a", "a-", "UPPER", "a b", "a" * 64, "ä", "a_b", "../x"])
def test_a_bad_slug_is_refused_with_an_example(world: World, slug: str) -> None:
    with pytest.raises(Invalid) as refused:
        world.commands().order(slug)
    assert "for example" in refused.value.advice
    assert len(world.projects()) == 5


def test_a_taken_slug_is_refused_and_a_free_one_named(world: World) -> None:
    with pytest.raises(Invalid, match="taken") as refused:
        world.commands().order("shop")
    assert "shop-2" in refused.value.advice


def test_slugs_collide_with_a_suffix_and_survive_renames(world: World) -> None:
    world.commands().order("portal")
    repo = world.forge.create("acme", "Portal")
    world.beat()
    assert world.app.queries(ANYONE).project("portal-2")["repository"]["id"] == repo.id
    world.forge.rename(repo.id, "gateway")
    world.beat()
    shown = world.app.queries(ANYONE).project("acme/gateway")
    assert (shown["slug"], shown["repository"]["previous_names"]) == ("portal-2", ["acme/Portal"])
    assert world.app.queries(ANYONE).project("acme/Portal")["slug"] == "portal-2"


def test_an_unknown_project_suggests_the_near_one(world: World) -> None:
    with pytest.raises(Unknown) as unknown:
        world.app.queries(ANYONE).project("shpo")
    assert "shop" in unknown.value.near


def test_a_move_that_is_not_allowed_says_so_and_changes_nothing(world: World) -> None:
    world.commands().archive("shop")
    with pytest.raises(Refused) as refused:
        world.commands().archive("shop")
    assert refused.value.reason == "edge"
    assert "reopened" in refused.value.words


def test_archive_and_reopen(world: World) -> None:
    assert world.commands().archive("shop", "over")["status"] == "archived"
    assert world.commands().reopen("shop")["status"] == "discovered"


def test_management_is_a_facet_of_its_own(world: World) -> None:
    assert world.commands().manage("shop", "ignore")["management"] == "ignore"
    shown = world.commands().manage("shop", "watch")
    assert (shown["management"], shown["status"]) == ("watch", "discovered")


def test_relink_gives_a_missing_project_another_repository(world: World) -> None:
    lose(world, "shop")
    old = world.app.queries(ANYONE).project("shop")["repository"]["id"]
    new = world.forge.create("acme", "shop")
    world.beat()
    assert world.app.queries(ANYONE).project("shop-2")["repository"]["id"] == new.id
    shown = world.commands().relink("shop", str(new.id))
    assert (shown["status"], shown["repository"]["id"]) == ("discovered", new.id)
    assert world.open_causes() == []
    left = world.app.queries(ANYONE).project("shop-2")
    assert (left["status"], left["repository"]) == ("archived", None)
    assert world.tracked(old).project is None
    world.forge.rename(new.id, "store")
    world.forge.restore(old)
    world.beat()
    returned = world.tracked(old).project
    assert returned is not None
    assert returned.slug == "shop-3"


def test_relink_needs_a_missing_project_and_a_repository_that_is_there(world: World) -> None:
    with pytest.raises(Refused):
        world.commands().relink("shop", "acme/blog")
    lose(world, "shop")
    with pytest.raises(Unknown):
        world.commands().relink("shop", "acme/nowhere")
    with pytest.raises(Invalid, match="not seen"):
        world.commands().relink("shop", "acme/shop")
    world.commands().manage("blog", "drive")
    with pytest.raises(Invalid, match="belongs to the project blog"):
        world.commands().relink("shop", "acme/blog")


def test_archiving_a_missing_project_closes_its_incident(world: World) -> None:
    lose(world, "shop")
    assert world.commands().archive("shop", "over")["status"] == "archived"
    assert world.open_causes() == []


def test_freeze_stops_one_organisation_and_looking_goes_on(world: World) -> None:
    world.deciding().freeze("acme", "holiday")
    world.deciding().freeze("acme", "again")
    hold = world.app.queries(ANYONE).project("shop")["holds"][0]
    assert (hold["kind"], hold["reason"], hold["by"]) == (
        "organisation_frozen",
        "holiday",
        "person:local:anna",
    )
    lose(world, "shop")
    assert world.app.queries(ANYONE).project("shop")["status"] == "missing"
    world.deciding().unfreeze(None)
    assert world.app.queries(ANYONE).project("shop")["holds"] == []


def mass_loss(world: World) -> None:
    """More than three of five at once."""
    lose(world, "shop", "tickets", "blog", "bot")
    assert world.open_causes() == ["mass_loss"]
    assert {p.status for p in world.projects()} == {Status.DISCOVERED}
    assert world.organisation().frozen is not None


def test_a_mass_loss_is_held_until_a_person_releases_it(world: World) -> None:
    mass_loss(world)
    with pytest.raises(Invalid, match="held"):
        world.deciding().unfreeze("acme")
    shown = world.deciding().release("acme")
    assert len(shown["release" + "d"]) == 4
    world.round()
    assert sorted(p.slug for p in world.projects() if p.status is Status.MISSING) == [
        "blog",
        "bot",
        "shop",
        "tickets",
    ]
    assert world.organisation().frozen is None
    assert world.open_causes() == ["missing"] * 4


def test_a_rejected_mass_loss_keeps_every_status_until_they_are_seen(world: World) -> None:
    mass_loss(world)
    world.deciding().reject("acme")
    world.settle()
    assert {p.status for p in world.projects()} == {Status.DISCOVERED}
    assert world.open_causes() == ["inaccessible"]
    assert world.organisation().frozen is None
    for repo_id in list(world.forge._deleted):
        world.forge.restore(repo_id)
    world.beat()
    assert world.open_causes() == []


def test_a_held_loss_dissolves_when_everything_returns(world: World) -> None:
    mass_loss(world)
    for repo_id in list(world.forge._deleted):
        world.forge.restore(repo_id)
    world.beat()
    assert (world.open_causes(), world.organisation().frozen) == ([], None)


def test_nothing_held_is_nothing_to_release(world: World) -> None:
    for command in (world.deciding().release, world.deciding().reject):
        with pytest.raises(Invalid, match="nothing is held"):
            command("acme")


def test_a_person_may_vouch_for_one_that_cannot_be_read(world: World) -> None:
    shop = id_of(world, "shop")
    world.forge.select("acme", [i for i in world.forge.live("acme") if i != shop])
    world.beat()
    assert world.state(shop) == "inaccessible"
    assert world.open_causes() == ["inaccessible"]
    world.forge.delete(shop)
    world.deciding().release("acme", "shop")
    world.round()
    assert (world.status(shop), world.open_causes()) == ("missing", ["missing"])


def test_incidents_are_acknowledged_muted_and_close_with_their_cause(world: World) -> None:
    lose(world, "shop")
    world.deliver()
    number = world.incidents()[0]["id"]
    attending = world.app.attending(local("local:anna"))
    assert attending.acknowledge(number)["acknowledged_by"] == "local:anna"
    with pytest.raises(Invalid, match="stands") as refused:
        attending.resolve(number)
    assert "relink" in refused.value.advice
    assert attending.mute(number, 3600)["muted_until"] is not None
    world.forge.restore(next(iter(world.forge._deleted)))
    world.beat()
    assert world.incidents()[0]["state"] == "resolved"
    assert len(world.deliver()) == 2, "what is muted is not told"
    with pytest.raises(Invalid, match="resolved already"):
        attending.acknowledge(number)


def test_a_person_may_accept_what_is_as_it_should_be(world: World) -> None:
    world.forge.archive(id_of(world, "shop"))
    world.beat()
    assert world.open_causes() == ["archived_on_github"]
    number = world.incidents()[0]["id"]
    assert (
        world.app.attending(local("local:anna")).resolve(number, "on purpose")["resolution"] == "on purpose"
    )
    world.beat()
    assert world.open_causes() == []


@pytest.mark.parametrize("for_s", [0, -1, 91 * 86400])
def test_a_mute_has_an_end(world: World, for_s: float) -> None:
    lose(world, "shop")
    with pytest.raises(Invalid, match="90 days"):
        world.app.attending(local("local:anna")).mute(world.incidents()[0]["id"], for_s)


def test_the_status_of_the_sync_tells_what_is_confirmed_and_held(world: World) -> None:
    mass_loss(world)
    shown = world.app.queries(ANYONE).sync_status()["organisations"][0]
    assert (shown["login"], shown["state"], len(shown["held"])) == ("acme", "ok", 4)
    assert shown["repositories"]["absent"] == 4
    assert shown["frozen"]["by"] == "guard:mass_loss"


def test_a_plan_tells_what_a_look_would_change_and_writes_nothing(world: World) -> None:
    world.forge.delete(id_of(world, "shop"))
    world.forge.rename(id_of(world, "blog"), "journal")
    world.forge.create("acme", "fresh")
    before = (world.projects(), world.events(), world.app.queries(ANYONE).sync_status())
    plan = world.app.sync(ANYONE).plan()["organisations"][0]
    assert {(c["kind"], c["repository"]) for c in plan["changes"]} == {
        ("discovered", "acme/fresh"),
        ("renamed", "acme/journal"),
        ("absent", "acme/shop"),
    }
    assert (world.projects(), world.events(), world.app.queries(ANYONE).sync_status()) == before


def test_a_look_on_demand_runs_here_when_nothing_else_runs(world: World) -> None:
    world.store.release(world.lease)
    told: list[str] = []
    shown = world.app.sync(ANYONE).run(progress=told.append)
    assert shown["organisations"][0]["whole"]
    assert told == ["acme: looking"]
    world._start()


def test_connecting_the_same_names_to_another_server_is_refused(world: World) -> None:
    from steward.app.connecting import connect
    from steward.ports import BadSettings

    with pytest.raises(BadSettings, match="recorded at"):
        connect(world.store, ["acme"], "http://other", world.clock.now().at + timedelta(seconds=1))
