"""Bad input: each case has an exit code and a message that says what to do next, and leaves the state as it was."""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from localhub.testing import Hub
from tests.faces.cli import Runner


@pytest.fixture
def hub(clean: None, monkeypatch: pytest.MonkeyPatch, run: Runner) -> Iterator[Hub]:
    """A connected organisation that was looked at once."""
    with Hub(orgs=["acme"]) as hub:
        hub.create("shop")
        hub.create("blog")
        monkeypatch.setenv("STEWARD_GITHUB_URL", hub.url)
        monkeypatch.setenv("STEWARD_GITHUB_TOKEN", hub.token)
        monkeypatch.setenv("STEWARD_GITHUB_ORGS", "acme")
        assert run("sync", "run").code == 0
        yield hub


@pytest.fixture
def database(hub: Hub) -> Path:
    """Its database."""
    return Path(".steward/steward.db").absolute()


def state(run: Runner) -> list[tuple[str, str]]:
    return [(row["slug"], row["status"]) for row in run("project", "list", "--json").json]


KEPT = [("blog", "discovered"), ("shop", "discovered")]


class Html(BaseHTTPRequestHandler):
    """Answers every request with a page for people."""

    def do_GET(self) -> None:
        body = b"<html><title>Sign in</title></html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Say nothing."""


@pytest.fixture
def html() -> Iterator[str]:
    """The address of a server that answers HTML."""
    with HTTPServer(("127.0.0.1", 0), Html) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_wrong_token(hub: Hub, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEWARD_GITHUB_TOKEN", "wrong-hunter2")
    done = run("sync", "run")
    assert done.code == 1
    assert "refused" in done.stderr or "401" in done.stderr
    assert "steward doctor" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    examined = run("doctor")
    assert examined.code == 1
    assert "→" in examined.stdout
    assert state(run) == KEPT


def test_an_organisation_that_does_not_exist(hub: Hub, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEWARD_GITHUB_ORGS", "acme,nowhere")
    done = run("sync", "run", "--json")
    assert done.code == 1
    acme, nowhere = done.json["organisations"]
    assert acme["whole"] is True
    assert (nowhere["whole"], nowhere["state"]) == (False, "misconfigured")
    assert state(run) == KEPT
    assert run("sync", "run", "nobody").code == 1


def test_a_server_that_cannot_be_reached(hub: Hub, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEWARD_DATA_DIR", "other")
    monkeypatch.setenv("STEWARD_GITHUB_URL", "http://127.0.0.1:9")
    done = run("sync", "run")
    assert done.code == 1
    assert "127.0.0.1:9" in done.stderr or "reach" in done.stderr or "refused" in done.stderr
    assert "Nothing was concluded" in done.stderr
    monkeypatch.delenv("STEWARD_DATA_DIR")
    monkeypatch.setenv("STEWARD_GITHUB_URL", hub.url)
    assert state(run) == KEPT


def test_another_server_than_the_recorded_one(hub: Hub, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEWARD_GITHUB_URL", "http://127.0.0.1:9")
    done = run("sync", "run")
    assert done.code == 2
    assert "is recorded at" in done.stderr
    assert "STEWARD_DATA_DIR" in done.stderr


def test_html_instead_of_json(clean: None, run: Runner, html: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEWARD_GITHUB_URL", html)
    monkeypatch.setenv("STEWARD_GITHUB_TOKEN", "t")
    monkeypatch.setenv("STEWARD_GITHUB_ORGS", "acme")
    done = run("sync", "run")
    assert done.code == 1
    assert "HTML" in done.stderr or "/api/v3" in done.stderr
    assert run("project", "list", "--json").json == []


def test_a_database_of_a_newer_version(hub: Hub, run: Runner, database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = database.read_bytes()
    done = run("project", "list")
    assert done.code == 1
    assert "newer" in done.stderr
    assert json.loads(run("sync", "run", "--json").stderr)["error"]["code"] == "schema_mismatch"
    assert database.read_bytes() == before


def test_a_locked_database(hub: Hub, run: Runner, database: Path) -> None:
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        done = run("project", "order", "idea")
    finally:
        connection.execute("ROLLBACK")
        connection.close()
    assert done.code == 1
    assert "lock" in done.stderr
    assert "Nothing was changed" in done.stderr
    assert state(run) == KEPT


def test_a_full_disk(hub: Hub, run: Runner, database: Path) -> None:
    script = Path(sys.executable).parent / "steward"
    room = 90_000

    def shrink() -> None:
        # No file may grow beyond this, which is less than what is to be written: a disk without room.
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    done = subprocess.run(
        [script, "project", "order", "idea", "--title", "x" * 100_000],
        env=os.environ.copy(),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=shrink,
    )
    assert done.returncode == 1, done.stderr
    assert "Error:" in done.stderr
    assert "Nothing was changed" in done.stderr
    assert "Traceback" not in done.stderr
    assert state(run) == KEPT


def test_a_bad_setting(hub: Hub, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEWARD_SYNC_JITTER", "7")
    done = run("sync", "run")
    assert done.code == 2
    assert "STEWARD_SYNC_JITTER" in done.stderr
    monkeypatch.delenv("STEWARD_SYNC_JITTER")
    assert state(run) == KEPT


def test_the_sample_organisation_that_is_not_served(clean: None, run: Runner) -> None:
    done = run("sync", "run")
    assert done.code == 1
    assert "steward up" in done.stderr
