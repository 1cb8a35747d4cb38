"""`steward up` as a real process: the sample organisation, what happens to it, the end, and the second start."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import httpx
import pytest

from localhub.testing import Hub
from steward.adapters.clock import SystemClock
from tests.faces.process import BIN, QUICK, Starter

pytestmark = pytest.mark.usefixtures("clean")


def steward(cwd: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "steward", *args], cwd=cwd, env=os.environ | QUICK, capture_output=True, text=True, check=False
    )


def projects(cwd: Path) -> dict[str, str]:
    return {
        row["slug"]: row["status"] for row in json.loads(steward(cwd, "project", "list", "--json").stdout)
    }


def shell(line: str, cwd: Path) -> None:
    """Run a line as a person would who pasted it."""
    subprocess.run(line, shell=True, cwd=cwd, check=True, capture_output=True, timeout=30)


def test_a_newcomer_sees_the_sample_come_in_and_a_deletion_believed(start: Starter, tmp_path: Path) -> None:
    process = start()
    assert "SAMPLE" in process.wait_for("Steward runs on")
    process.wait_for("repositories came in")
    runtime = tmp_path / ".steward" / "demo" / "runtime.json"
    assert runtime.stat().st_mode & 0o777 == 0o600
    told = json.loads(runtime.read_text())
    assert told["pid"] == process.child.pid
    assert told["web"] == process.board()

    clone = process.wait_for("git clone ").strip()
    shell(f"GIT_CONFIG_GLOBAL=/dev/null {clone} copy", tmp_path)
    assert (tmp_path / "copy" / "README.md").exists()
    shell(process.wait_for("repo create my-idea").strip(), tmp_path)
    process.wait_for("my-idea +Discovered")
    shell(process.wait_for("repo delete my-idea").strip(), tmp_path)
    process.wait_for("acme/my-idea is absent, being confirmed")
    process.wait_for("acme/my-idea is gone")
    assert projects(tmp_path)["my-idea"] == "missing"

    looked = steward(tmp_path, "sync", "run", "--json")
    assert looked.returncode == 0, looked.stderr
    assert json.loads(looked.stdout)["organisations"][0]["whole"] is True

    second = steward(tmp_path, "up")
    assert second.returncode == 1
    assert f"process {process.child.pid}" in second.stderr

    before = projects(tmp_path)
    assert process.end() == 0
    assert not runtime.exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(told["server"])

    again = start()
    again.wait_for("What happens")
    assert projects(tmp_path) == before
    assert not any("came in" in line for line in again.out)
    assert again.end(signal.SIGTERM) == 0


def test_the_child_ends_with_a_parent_that_is_killed(start: Starter, tmp_path: Path) -> None:
    process = start()
    process.wait_for("repositories came in")
    server = json.loads((tmp_path / ".steward" / "demo" / "runtime.json").read_text())["server"]
    assert httpx.get(f"{server}/meta").status_code == 200
    process.end(signal.SIGKILL)
    clock = SystemClock()
    for _ in range(200):
        try:
            httpx.get(f"{server}/meta")
        except httpx.TransportError:
            break
        clock.wait(0.05)
    else:
        raise AssertionError("the sample organisation is still served")
    start().wait_for("What happens")


@pytest.mark.parametrize("setting", ["STEWARD_DEMO_PORT", "STEWARD_WEB_PORT", "STEWARD_WEB_HOOKS_PORT"])
def test_a_taken_port_is_named_with_the_setting_that_changes_it(
    start: Starter, tmp_path: Path, setting: str
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        process = start(**{setting: port})
        assert process.child.wait(30) == 1
    told = " ".join(process.err)
    assert port in told
    assert setting in told
    assert not (tmp_path / ".steward" / "demo" / "runtime.json").exists()


def test_a_configured_organisation_is_kept_in_step(start: Starter, tmp_path: Path) -> None:
    with Hub(orgs=["globex"]) as hub:
        for name in ("shop", "blog", "bot"):
            hub.create(name)
        environ = {
            "STEWARD_GITHUB_URL": hub.url,
            "STEWARD_GITHUB_TOKEN": hub.token,
            "STEWARD_GITHUB_ORGS": "globex",
        }
        process = start("--json", **environ)
        imported = json.loads(process.wait_for("organisation.imported"))
        assert imported["data"]["repositories"] == 3
        hub.rename("shop", "store")
        renamed = json.loads(process.wait_for("repository.renamed"))
        assert renamed["data"]["now"] == "globex/store"
        assert process.end() == 0
    assert all(json.loads(line)["kind"] for line in process.out)
    assert (tmp_path / ".steward" / "steward.db").exists()
    assert not (tmp_path / ".steward" / "demo").exists()
