"""What only the engine on DBOS has: holds, files, what it leans on within DBOS, and how it goes when it must."""

from __future__ import annotations

import logging
import sqlite3
import stat
import threading
from pathlib import Path

import psycopg
import pytest
from dbos import DBOS

from steward.adapters.clock import SystemClock
from steward.adapters.engine import open_engine
from steward.ports import BadSettings, Permanent, StoreUnavailable
from steward.ports.engine import Lane, again
from tests.contract.engine.conftest import Opening
from tests.contract.engine.kit import Gate, Rig, Script, Times, until

LANES = [Lane("build", 2)]


def test_a_process_that_does_not_work_queues_for_one_that_does(opening: Opening) -> None:
    asks, works, script = opening(), opening(), Script()
    asks.launch(Script(), LANES, work=False)
    asks.start("a:1", "build", "shop")
    assert asks.known(["a:1"]) == {"a:1": "queued"}
    assert not asks.fenced
    works.launch(script, LANES, work=True)
    assert Rig(asks).settle("a:1") == {"a:1": "ended"}
    assert script.of("a:1") == ["begin", "one", "two", "three", "end"]


def test_one_that_does_not_work_cancels_a_wait_in_one_that_does(opening: Opening) -> None:
    asks, works = opening(), opening()
    script = Script(does={"one": Times(again(3600))})
    works.launch(script, [Lane("build", 1)], work=True)
    asks.launch(Script(), [Lane("build", 1)], work=False)
    works.start("a:1", "build", "shop")
    until(lambda: script.of("a:1") == ["begin", "one"])
    works.start("b:1", "build", "shop")
    asks.cancel("a:1")
    assert Rig(asks).settle("a:1", "b:1") == {"a:1": "cancelled", "b:1": "ended"}


def test_only_one_engine_works_in_a_process(opening: Opening) -> None:
    first, second = opening(), opening()
    first.launch(Script(), LANES, work=True)
    with pytest.raises(Permanent, match="another engine works"):
        second.launch(Script(), LANES, work=True)
    with pytest.raises(Permanent, match="runs already"):
        first.launch(Script(), LANES, work=True)
    with pytest.raises(RuntimeError, match="not launched"):
        second.known(["a:1"])
    first.close(5.0)
    second.launch(Script(), LANES, work=True)


def test_on_sqlite_only_one_process_works(tmp_path: Path) -> None:
    held = (tmp_path / "engine.lock").open("w")
    held.write("somebody:1")
    held.flush()
    import fcntl

    fcntl.flock(held, fcntl.LOCK_EX)
    engine = open_engine("sqlite:///x.db", state_dir=tmp_path, holder="me", clock=SystemClock())
    with pytest.raises(Permanent, match=r"another process \(somebody:1\)"):
        engine.launch(Script(), LANES, work=True)
    engine.launch(Script(), LANES, work=False)
    engine.start("a:1", "build", "shop")
    engine.close(1.0)
    held.close()
    engine.launch(Script(), LANES, work=True)
    assert Rig(engine).settle("a:1") == {"a:1": "ended"}
    engine.close(5.0)


def test_the_sqlite_file_is_the_owners_in_wal_mode_and_synced(tmp_path: Path) -> None:
    engine = open_engine("sqlite:///x.db", state_dir=tmp_path / "new", holder="me", clock=SystemClock())
    engine.launch(Script(), LANES, work=True)
    file = tmp_path / "new" / "engine.db"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    connection = sqlite3.connect(file)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
    engine.close(5.0)


def test_what_is_recorded_is_json(tmp_path: Path) -> None:
    engine = open_engine("sqlite:///x.db", state_dir=tmp_path, holder="me", clock=SystemClock())
    engine.launch(Script(), LANES, work=True)
    engine.start("a:1", "build", "shop")
    Rig(engine).settle("a:1")
    engine.close(5.0)
    connection = sqlite3.connect(tmp_path / "engine.db")
    rows = connection.execute("SELECT serialization, function_name, output FROM operation_outputs").fetchall()
    connection.close()
    assert {row[0] for row in rows} == {"portable_json"}
    assert rows[0][1:] == ("begin", '["one","two","three"]')


def test_a_step_that_outlasts_the_closing_keeps_the_hold_until_it_ends(tmp_path: Path) -> None:
    gate = Gate()
    engine = open_engine("sqlite:///x.db", state_dir=tmp_path, holder="me", clock=SystemClock())
    engine.launch(Script(does={"one": gate}), LANES, work=True)
    engine.start("a:1", "build", "shop")
    assert gate.begun.wait(10)
    engine.close(0.1)
    with pytest.raises(Permanent, match="another process"):
        engine.launch(Script(), LANES, work=True)
    gate.open.set()
    until(lambda: not [thread for thread in threading.enumerate() if "dbos-executor" in thread.name])
    script = Script()
    engine.launch(script, LANES, work=True)
    assert Rig(engine).settle("a:1") == {"a:1": "ended"}
    assert script.of("a:1") == ["one", "two", "three", "end"], "begin was recorded, the step was not"
    engine.close(5.0)


@pytest.mark.parametrize("inner", [True, False])
def test_work_of_dead_executors_is_taken_up_by_the_inner_call_and_by_the_public_one(
    opening: Opening, inner: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(DBOS._recover_pending_workflows), "DBOS has moved it: the public call is all there is now"
    if not inner:
        monkeypatch.delattr(DBOS, "_recover_pending_workflows")
    gate, engine, script = Gate(), opening(), Script()
    engine.launch(Script(does={"two": gate}), [Lane("build", 1)], work=True)
    engine.start("a:1", "build", "shop")
    assert gate.begun.wait(10)
    threading.Timer(0.1, gate.open.set).start()
    engine.close(10.0)
    engine.launch(script, [Lane("build", 1)], work=True)
    assert Rig(engine).settle("a:1") == {"a:1": "ended"}
    assert script.of("a:1") == ["three", "end"]


def test_dbos_says_nothing_at_start_and_the_root_logger_is_let_be(
    opening: Opening, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    before = (logging.root.level, list(logging.root.handlers), list(logging.root.filters))
    engine = opening()
    engine.launch(Script(), LANES, work=True)
    engine.start("a:1", "build", "shop")
    engine.start("a:1", "build", "shop")
    Rig(engine).settle("a:1")
    engine.close(5.0)
    assert caplog.text == ""
    assert capfd.readouterr() == ("", "")
    assert (logging.root.level, list(logging.root.handlers), list(logging.root.filters)) == before


def test_a_lease_that_was_taken_away_is_made_anew_and_work_goes_on(
    postgres_database: str, tmp_path: Path
) -> None:
    gate = Gate()
    script = Script(does={"two": gate})
    engine = open_engine(postgres_database, state_dir=tmp_path, holder="me", clock=SystemClock())
    engine.launch(script, LANES, work=True)
    engine.start("a:1", "build", "shop")
    assert gate.begun.wait(10)
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute("DELETE FROM steward_engine.steward_executors")
    until(lambda: engine.fenced)
    gate.open.set()
    assert Rig(engine).settle("a:1") == {"a:1": "ended"}
    assert script.of("a:1") == ["begin", "one", "two", "two", "three", "end"]
    assert not engine.fenced
    engine.close(5.0)


def test_a_database_that_is_away_is_said_and_nothing_is_held(tmp_path: Path) -> None:
    engine = open_engine(
        "postgresql://me:hidden-word@127.0.0.1:1/none", state_dir=tmp_path, holder="me", clock=SystemClock()
    )
    for _ in range(2):
        with pytest.raises(StoreUnavailable) as told:
            engine.launch(Script(), LANES, work=True)
        assert "hidden-word" not in str(told.value)
    engine.close(1.0)
    with pytest.raises(BadSettings):
        open_engine("mysql://localhost/x", state_dir=tmp_path, holder="me", clock=SystemClock())
