"""What fails under a running heartbeat: it says so, what was recorded stays, and it goes on by itself.

Messages and exit codes of the command line are tested with the command line.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from localhub.testing import Hub
from steward.adapters.store import open_store
from steward.adapters.store.store import SqlStore
from steward.domain.project import OrgState
from steward.ports import StoreUnavailable
from steward.testing.clock import FakeClock
from steward.testing.world import ANYONE
from tests.faults.conftest import MakeScene
from tests.faults.scene import Scene, ServerClock, changes


def test_a_token_that_is_not_accepted_any_more(scene: Scene) -> None:
    before = scene.recorded()
    scene.hub.revoke_token(scene.hub.token)
    for _ in range(3):
        report = scene.beat()
        assert (report.whole, report.state) == (False, "degraded")
        assert "refused the credential (401)" in report.reason
        assert scene.round() is None
    assert scene.recorded() == before
    incident = scene.the_incident("look_failed")
    assert (incident["count"], incident["severity"]) == (3, "error")
    assert "STEWARD_GITHUB_TOKEN" in incident["evidence"]["advice"]
    scene.hub.add_token(scene.hub.token)
    assert scene.beat().whole
    assert (scene.open_causes(), scene.recorded()) == ([], before)


def test_a_token_that_is_refused_while_a_loss_is_confirmed(scene: Scene) -> None:
    gone = scene.hub.delete("shop")
    scene.beat()
    scene.hub.revoke_token(scene.hub.token)
    scene.confirm()
    scene.beat()
    assert scene.tracked(gone).repository.absences == 1
    scene.hub.add_token(scene.hub.token)
    scene.settle()
    assert scene.project(gone).status.value == "missing"
    assert scene.app.queries(ANYONE).sync_status()["budget"]["limit"] == 1_000_000


def test_a_server_that_is_down_and_comes_back(tmp_path: Path) -> None:
    clock, store = FakeClock(), open_store("sqlite://")
    with Hub(data_dir=tmp_path, clock=ServerClock(clock)) as hub:
        port = int(hub.url.rpartition(":")[2])
        scene = Scene(hub, clock, store)
        scene.create("shop", "tickets", "blog")
        scene.beat()
    before = scene.recorded()
    for number in range(3):
        report = scene.beat()
        assert (report.whole, report.state) == (False, "degraded")
        assert f"{hub.url} did not answer" in report.reason
        assert scene.open_causes() == (["look_failed"] if number == 2 else [])
    assert scene.recorded() == before
    with Hub(data_dir=tmp_path, clock=ServerClock(clock), port=port):
        report = scene.beat()
        assert (report.whole, report.observed, changes(report)) == (True, 3, {})
        assert scene.organisation().state is OrgState.OK
        assert (scene.open_causes(), scene.recorded()) == ([], before)
    scene.close()
    store.close()


def test_a_server_that_answers_with_web_pages(scene: Scene) -> None:
    before = scene.recorded()
    scene.hub.fault("html")
    report = scene.beat()
    assert (report.whole, report.state) == (False, "degraded")
    assert "not JSON but text/html" in report.reason
    scene.restart()
    report = scene.beat()
    assert (report.whole, report.state) == (False, "degraded")
    assert "Is this the API address?" in report.reason
    assert "/api/v3" in scene.the_incident("look_failed")["evidence"]["advice"]
    assert scene.recorded() == before
    scene.hub.clear_faults()
    assert scene.beat().whole
    assert (scene.open_causes(), scene.recorded()) == ([], before)


# The database, in the middle of a look ---------------------------------------------------------------------


@pytest.fixture
def filed(make_scene: MakeScene, tmp_path: Path) -> tuple[Scene, SqlStore, Path]:
    """A scene on a database file that gives up waiting for a lock soon."""
    path = tmp_path / "steward.db"
    store = open_store(f"sqlite:///{path}", busy_timeout_s=0.05)
    scene = make_scene(store=store)
    scene.create("shop", "tickets", "blog", "bot", "api")
    scene.beat()
    return scene, store, path


def test_a_database_that_is_locked_in_the_middle_of_a_look(filed: tuple[Scene, SqlStore, Path]) -> None:
    scene, _, path = filed
    before, events = scene.recorded(), scene.kinds()
    scene.hub.rename("shop", "store")
    gone = scene.hub.delete("blog")
    other = sqlite3.connect(path, isolation_level=None)
    scene.line.after_next_listing(lambda: other.execute("BEGIN IMMEDIATE").close())
    with pytest.raises(StoreUnavailable, match="locked by another process; wait for it or stop it"):
        scene.beat()
    with pytest.raises(StoreUnavailable, match="locked"):
        scene.beat()
    assert scene.recorded() == before
    other.execute("ROLLBACK").close()
    other.close()
    assert scene.kinds() == events
    assert changes(scene.beat()) == {"renamed": 1, "absent": 1}
    scene.settle()
    assert scene.project(gone).status.value == "missing"
    assert scene.kinds().count("repository.renamed") == 1


def test_a_disk_that_is_full_in_the_middle_of_a_look(filed: tuple[Scene, SqlStore, Path]) -> None:
    """SQLite is told that the file may not grow, and fails as it does where no block is left."""
    scene, store, _ = filed
    before, events = scene.recorded(), scene.kinds()
    scene.create(*(f"late-{number}" for number in range(200)))

    def allow(pages: int) -> None:
        with store.database.engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    scene.line.after_next_listing(lambda: allow(1))
    with pytest.raises(StoreUnavailable, match=r"no room left to write .*; free some space"):
        scene.beat()
    assert scene.recorded() == before
    allow(1_000_000)
    assert scene.kinds() == events
    report = scene.beat()
    assert (report.whole, changes(report)) == (True, {"discovered": 200})
    assert len(scene.projects()) == 205
    assert changes(scene.beat()) == {}
