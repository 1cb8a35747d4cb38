"""An older database: refused by commands, upgraded by `db upgrade`, backed up and upgraded by `up`."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from steward.main import Wiring
from steward.ports import SchemaMismatch
from steward.settings import load
from steward.testing.world import ANYONE
from tests.faces.cli import Runner


@pytest.fixture
def older(run: Runner) -> Path:
    """The sample organisation's database as a Steward before the first schema would have left it."""
    file = Path(".steward/demo/steward.db")
    file.parent.mkdir(parents=True)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        # What every SQLite database with counted rows has.
        connection.executescript("CREATE TABLE x (id INTEGER PRIMARY KEY AUTOINCREMENT); DROP TABLE x")
    return file


def test_a_command_refuses_an_older_database_and_names_the_upgrade(run: Runner, older: Path) -> None:
    done = run("project", "list")
    assert done.code == 1
    assert "steward db upgrade" in done.stderr
    assert run("db", "check").code == 1
    assert run("db", "upgrade", "--dry-run").code == 0
    assert run("project", "list").code == 1
    assert run("db", "upgrade").code == 0
    assert run("db", "check").code == 0
    assert run("project", "list", "--json").json == []


def test_up_backs_an_older_database_up_before_it_upgrades_it(run: Runner, older: Path) -> None:
    with ExitStack() as opened:
        app = Wiring().application(load(), opened, "steward up", upgrade=True)
        assert app.queries(ANYONE).last_position() == 0
    (backup,) = older.parent.glob("steward.db.before-*")
    assert backup.stat().st_size > 0
    assert run("project", "list").code == 0


def test_up_leaves_a_newer_database_alone(run: Runner, older: Path) -> None:
    with closing(sqlite3.connect(older)) as connection:
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
        connection.commit()
    with ExitStack() as opened, pytest.raises(SchemaMismatch):
        Wiring().application(load(), opened, "steward up", upgrade=True)
    assert list(older.parent.glob("steward.db.before-*")) == []
