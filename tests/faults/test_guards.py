"""Rows 32 to 36 and 42: two looks at once, two processes, plans that stand, limits and graces."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, replace
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from steward.adapters.store import open_store
from steward.app import looking
from steward.app.errors import LeaseHeld
from steward.app.heartbeat import NEWEST, Heartbeat
from steward.app.inbox import Inbox
from steward.app.outbox import Outbox
from steward.app.service import OrganisationLoop
from steward.app.sync import LEASE
from steward.domain.belief import Context
from steward.domain.drift import Change
from steward.domain.instant import Instant
from steward.domain.project import OrgState
from steward.domain.status import Status
from steward.ports import LeaseLost
from steward.testing.clock import FakeClock
from steward.testing.world import ANYONE
from tests.faults.conftest import MakeScene
from tests.faults.scene import Scene, changes

# 32: a single look during a full one ---------------------------------------------------------------------


def absent_shop(scene: Scene) -> int:
    """Delete `shop` and let one read by id miss it."""
    shop = scene.hub.delete("shop")
    assert changes(scene.beat()) == {"absent": 1}
    scene.clock.advance(scene.rules.confirm_spacing_s)
    return shop


def test_fault_32_a_listing_without_it_does_not_undo_a_newer_look_that_saw_it(scene: Scene) -> None:
    shop = absent_shop(scene)

    def restored_and_looked_at() -> None:
        scene.hub.restore(shop)
        report = scene.round()
        assert report is not None
        assert changes(report) == {"returned": 1}

    scene.line.after_next_listing(restored_and_looked_at)
    report = scene.beat()
    assert (report.whole, report.observed, changes(report)) == (True, 4, {})
    record = scene.tracked(shop).repository
    assert (record.presence.value, record.absences) == ("seen", 0)
    assert changes(scene.settle()) == {}
    assert set(scene.presences().values()) == {"seen"}
    assert (set(scene.statuses().values()), scene.incidents()) == ({"discovered"}, [])


def test_fault_32_a_listing_with_it_does_not_undo_a_newer_look_that_missed_it(scene: Scene) -> None:
    shop = absent_shop(scene)
    scene.hub.restore(shop)

    def deleted_and_looked_at() -> None:
        scene.hub.delete(shop)
        report = scene.round()
        assert report is not None
        assert changes(report) == {"absent": 1}

    scene.line.after_next_listing(deleted_and_looked_at)
    report = scene.beat()
    assert (report.whole, report.observed, changes(report)) == (True, 5, {})
    assert scene.tracked(shop).repository.absences == 2
    scene.settle()
    assert scene.project(shop).status is Status.MISSING


def test_fault_32_a_look_that_was_overtaken_is_followed_by_one_that_compares(scene: Scene) -> None:
    """Its validators describe what the fence kept out of the record: unchanged pages may not be trusted."""
    shop = absent_shop(scene)
    scene.hub.restore(shop)

    def missed_by_id() -> None:
        scene.hub.fault("not_found", repo=shop, by="id", times=1)
        report = scene.round()
        assert report is not None
        assert changes(report) == {"absent": 1}

    scene.line.after_next_listing(missed_by_id)
    scene.beat()
    assert scene.presences()[shop] == "absent"
    report = scene.beat()
    assert (report.cost.not_modified, changes(report)) == (1, {"returned": 1})
    assert changes(scene.settle()) == {}
    assert (set(scene.presences().values()), scene.incidents()) == ({"seen"}, [])


# 33: two replicas ----------------------------------------------------------------------------------------


@pytest.fixture
def replicas(make_scene: MakeScene, tmp_path: Path) -> Iterator[tuple[Scene, Scene]]:
    """A leading process, and a second one that has just taken the lease from it on the same database.

    The file behind the first one's lock was removed under it, so that it does not know.
    """
    url = f"sqlite:///{tmp_path / 'steward.db'}"
    first = make_scene(store=open_store(url), holder="first")
    first.create("shop", "tickets", "blog", "bot", "api")
    first.beat()
    store = open_store(url)
    assert store.acquire(LEASE, "second") is None
    assert store.holder(LEASE) == "first"
    (lock,) = tmp_path.glob("*.lock-*")
    lock.unlink()
    second = Scene(first.hub, first.clock, store, holder="second")
    yield first, second
    second.close()
    store.close()


def test_fault_33_the_lease_has_one_holder_and_a_second_service_is_refused(
    make_scene: MakeScene, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'steward.db'}"
    scene = make_scene(store=open_store(url), holder="first")
    before = scene.recorded()
    other = open_store(url)
    service = replace(scene.app, store=other, holder="second").service()
    with pytest.raises(LeaseHeld) as caught:
        service.run(Event(), lambda line: None)
    assert caught.value.holder == "first"
    assert scene.recorded() == before
    scene.close()
    lease = other.acquire(LEASE, "second")
    assert lease is not None
    assert lease.token == scene.lease.token + 1
    other.close()


def test_fault_33_a_holder_that_was_replaced_can_write_nothing(replicas: tuple[Scene, Scene]) -> None:
    first, second = replicas
    assert second.lease.token == first.lease.token + 1
    before, looks = second.recorded(), second.app.queries(ANYONE).sync_status()
    first.hub.rename("shop", "store")
    with pytest.raises(LeaseLost):
        first.beat()
    with pytest.raises(LeaseLost):
        Outbox(first.store, [first.recorder], first.clock).deliver(first.lease)
    assert first.recorder.sent == []
    assert (second.recorded(), second.app.queries(ANYONE).sync_status()) == (before, looks)
    assert changes(second.beat()) == {"renamed": 1}
    assert changes(second.beat()) == {}


def test_fault_33_a_holder_that_is_replaced_in_the_middle_of_a_look_applies_nothing(
    make_scene: MakeScene, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'steward.db'}"
    first = make_scene(store=open_store(url), holder="first")
    first.create("shop", "tickets", "blog")
    first.beat()
    shop = first.hub.delete("shop")
    taken: list[Scene] = []

    def another_takes_over() -> None:
        first.store.release(first.lease)
        taken.append(Scene(first.hub, first.clock, open_store(url), holder="second"))

    first.line.after_next_listing(another_takes_over)
    with pytest.raises(LeaseLost):
        first.beat()
    (second,) = taken
    assert second.presences()[shop] == "seen"
    assert "repository.absent" not in second.kinds()
    second.settle()
    assert second.project(shop).status is Status.MISSING
    assert second.kinds().count("repository.lost") == 1
    assert second.the_incident("missing")["count"] == 1
    second.close()
    second.store.close()


# 34: the plan is a value ---------------------------------------------------------------------------------


def planned(scene: Scene) -> list[Change]:
    """What a look would change now, as the values that are applied."""
    organisation, now = scene.organisation(), scene.clock.now()
    with scene.store.reading() as view:
        marks = looking.known_marks(view, organisation)
    seen = looking.survey(scene.forge, scene.store, organisation, marks, NEWEST, now, scene.rules)
    with scene.store.reading() as view:
        context = Context(
            organisation=organisation,
            homes=looking.homes(view, organisation),
            evidence=seen.readings.evidence,
            expected=(),
            look=NEWEST,
            now=now,
            server_at=now.at,
            rules=scene.rules,
        )
        shown = list(looking.shown_changes(view, seen, context))
        return [*shown, *looking.missed_changes(view, seen, context)]


def frozen_throughout(value: object) -> None:
    """No part of a value can be changed in place: frozen dataclasses of immutable parts, all the way down."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            with pytest.raises(FrozenInstanceError):
                setattr(value, field.name, None)
            frozen_throughout(getattr(value, field.name))
    else:
        assert not isinstance(value, list | set | dict | bytearray)


def test_fault_34_a_plan_is_one_frozen_value_per_repository(scene: Scene) -> None:
    scene.hub.rename("shop", "store")
    scene.hub.archive("tickets")
    scene.hub.delete("blog")
    scene.hub.transfer("bot", "elsewhere")
    scene.create("fresh")
    found = planned(scene)
    assert sorted(change.kind for change in found) == [
        "absent",
        "changed",
        "discovered",
        "renamed",
        "transferred",
    ]
    for change in found:
        frozen_throughout(change)
    again = planned(scene)
    assert again is not found
    assert again == found


def test_fault_34_a_look_applies_what_it_saw_not_what_an_earlier_plan_said(scene: Scene) -> None:
    scene.hub.rename("shop", "store")
    gone = scene.hub.delete("blog")
    before = scene.recorded()
    plan = scene.app.sync(ANYONE).plan()
    assert plan == scene.app.sync(ANYONE).plan()
    assert scene.recorded() == before
    (told,) = plan["organisations"]
    assert [(c["kind"], c["project"]) for c in told["changes"]] == [("renamed", "shop"), ("absent", "blog")]
    scene.hub.rename("store", "emporium")
    scene.hub.restore(gone)
    kept = str(plan)
    assert changes(scene.beat()) == {"renamed": 1}
    assert scene.names(scene.hub.repo("emporium").id) == ["acme/shop", "acme/emporium"]
    assert scene.presences()[gone] == "seen"
    assert str(plan) == kept


# 35, 36: limits ------------------------------------------------------------------------------------------


def loop_of(scene: Scene, log: list[str]) -> OrganisationLoop:
    """The loop that a running Steward has for the organisation."""
    number = scene.organisation().id
    inbox = Inbox(scene.app, scene.lease, number)
    return OrganisationLoop(scene.app, scene.heartbeat, number, log.append, inbox)


@pytest.mark.parametrize("page", [1, 2])
def test_fault_35_a_secondary_limit_without_retry_after_is_waited_for(
    make_scene: MakeScene, page: int
) -> None:
    scene = make_scene(repos=230)
    log: list[str] = []
    loop = loop_of(scene, log)
    loop.tick()
    before = scene.recorded()
    scene.clock.advance(400)
    scene.hub.fault("secondary_limit", path="/repos$", page=page, times=1)
    loop.tick()
    assert scene.organisation().state is OrgState.DEGRADED
    assert "secondary rate limit" in log[-1]
    scene.hub.clear_requests()
    for _ in range(11):
        scene.clock.advance(5)
        loop.tick()
        report = scene.beat()
        assert (report.whole, report.retry_at is not None) == (False, True)
    assert scene.hub.requests() == []
    assert scene.recorded() == before
    scene.clock.advance(5)
    loop.tick()
    assert scene.organisation().state is OrgState.OK
    assert len(scene.hub.requests()) == 3
    assert scene.recorded() == before
    assert scene.open_causes() == []


def test_fault_35_the_wait_doubles_with_each_strike_and_ends_with_a_success(scene: Scene) -> None:
    scene.hub.fault("secondary_limit", times=3)
    waits = []
    for _ in range(3):
        report = scene.beat()
        assert report.retry_at is not None
        wait_s = (report.retry_at - scene.clock.now().at).total_seconds()
        waits.append(wait_s)
        scene.clock.advance(wait_s)
    assert waits == [60, 120, 240]
    assert scene.open_causes() == ["look_failed"]
    assert scene.beat().whole
    assert scene.open_causes() == []
    scene.hub.fault("secondary_limit", times=1)
    report = scene.beat()
    assert report.retry_at is not None
    assert (report.retry_at - scene.clock.now().at).total_seconds() == 60
    assert set(scene.statuses().values()) == {"discovered"}


def test_fault_35_a_limit_in_the_middle_of_confirmations_concludes_nothing(scene: Scene) -> None:
    gone = scene.hub.delete("shop")
    scene.beat()
    scene.hub.fault("secondary_limit", path="/repositories/", times=1)
    scene.clock.advance(20)
    report = scene.round()
    assert report is not None
    assert "secondary rate limit" in report.reason
    assert scene.tracked(gone).repository.absences == 1
    quiet = scene.beat()
    assert (quiet.whole, changes(quiet)) == (False, {})
    scene.clock.advance(60)
    scene.hub.fault("secondary_limit", path="/repositories/", times=1)
    quiet = scene.beat()
    assert (quiet.whole, changes(quiet), quiet.cost.not_modified) == (True, {}, 1)
    assert "secondary rate limit" in quiet.reason
    assert scene.tracked(gone).repository.absences == 1
    for _ in range(4):
        scene.confirm()
    assert scene.project(gone).status is Status.MISSING


def test_fault_36_without_limit_headers_nothing_is_held_back(make_scene: MakeScene) -> None:
    """The same small budget: where the server tells it, a reserve is kept; where not, there is none."""
    scene = make_scene(points_per_hour=10)
    scene.create("shop")
    told = 0
    while scene.beat().whole:
        told += 1
        scene.hub.push("shop")
    assert scene.app.queries(ANYONE).sync_status()["budget"]["limit"] == 10
    assert scene.app.queries(ANYONE).sync_status()["budget"]["remaining"] == 10 - told
    assert 5 < told < 10
    scene.hub.fault("no_rate_headers")
    scene.restart()
    for _ in range(30):
        scene.hub.push("shop")
        assert scene.beat().whole
    budget = scene.app.queries(ANYONE).sync_status()["budget"]
    assert budget == {"limit": None, "remaining": None, "reset_at": None}
    assert scene.organisation().state is OrgState.OK


# 42: grace -----------------------------------------------------------------------------------------------


class Skewed:
    """Our clock, with a wall clock that is wrong by `skew_s`."""

    def __init__(self, clock: FakeClock, skew_s: float) -> None:
        self._clock = clock
        self._skew = timedelta(seconds=skew_s)

    def now(self) -> Instant:
        """This moment, as a wrong clock tells it."""
        now = self._clock.now()
        return replace(now, at=now.at + self._skew)

    def wait(self, timeout_s: float) -> bool:
        """Let the time pass."""
        return self._clock.wait(timeout_s)


def test_fault_42_a_replica_that_lags_behind_a_creation_makes_nothing_absent(scene: Scene) -> None:
    fresh = scene.create_one("fresh", age_s=0)
    assert changes(scene.beat()) == {"discovered": 1}
    scene.hub.fault("replica_lag", lag_s=90)
    for _ in range(4):
        scene.clock.advance(20)
        assert scene.round() is None
        report = scene.beat()
        assert (report.whole, report.observed, changes(report)) == (True, 5, {})
        assert scene.presences()[fresh] == "seen"
    scene.clock.advance(20)
    report = scene.beat()
    assert (report.observed, changes(report)) == (6, {})
    assert (scene.project(fresh).status, scene.incidents()) == (Status.DISCOVERED, [])
    assert "repository.absent" not in scene.kinds()


def test_fault_42_after_the_grace_an_absence_counts(scene: Scene) -> None:
    fresh = scene.create_one("fresh", age_s=0)
    scene.beat()
    scene.hub.delete(fresh)
    for _ in range(5):
        scene.clock.advance(20)
        assert changes(scene.beat()) == {}
    assert scene.presences()[fresh] == "seen"
    scene.clock.advance(21)
    assert changes(scene.beat()) == {"absent": 1}
    scene.settle()
    assert scene.project(fresh).status is Status.MISSING


@pytest.mark.parametrize("jump_s", [-7200.0, 7200.0])
def test_fault_42_the_grace_is_measured_by_the_server_not_by_our_clock(
    make_scene: MakeScene, jump_s: float
) -> None:
    """Our wall clock is two hours wrong; the server's dates and the age of the repository are its own."""
    scene = make_scene()
    scene.create("shop", "tickets")
    fresh = scene.create_one("fresh", age_s=60)
    server = scene.hub.core.clock
    scene.beat()
    ours = Skewed(scene.clock, jump_s)
    assert server.now() == scene.clock.now().at
    scene.heartbeat = Heartbeat(scene.store, scene.forge, ours, scene.rules, [], scene.lease)
    scene.hub.fault("replica_lag", lag_s=90)
    assert changes(scene.beat()) == {}
    assert scene.presences()[fresh] == "seen"
    gone = scene.hub.delete("tickets")
    assert changes(scene.beat()) == {"absent": 1}
    scene.settle()
    assert (scene.project(gone).status, scene.presences()[fresh]) == (Status.MISSING, "seen")
