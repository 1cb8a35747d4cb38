"""Deployments that are broken off, killed, or fail halfway."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from steward.adapters.deploy.deployer import PLAYBOOKS
from steward.adapters.deploy.files import is_seized, read_json, seize
from steward.ports.building import Deployed
from tests.contract.deploy.kit import ONE, TWO, Scene, await_true, free_range, processes

SLOW = "time.sleep(600)"


def runs_of(scene: Scene) -> list[str]:
    """Processes that belong to a run of Ansible of this scene."""
    mark = str(scene.deployer._folders.root)
    return [line for line in processes().values() if mark in line]


def in_the_background(act: Callable[[], Deployed]) -> tuple[threading.Thread, list[Deployed]]:
    """Begin something; the thread, and where its end will be."""
    ends: list[Deployed] = []
    thread = threading.Thread(target=lambda: ends.append(act()))
    thread.start()
    return thread, ends


def candidate(scene: Scene) -> dict[str, object]:
    """What the keeper says of the candidate."""
    return read_json(scene.local.site("shop") / "status.json").get("candidate") or {}


def test_a_cancelled_deployment_leaves_no_process_and_the_old_release(scene: Scene) -> None:
    url = scene.quick(scene.order(ONE))
    asked = threading.Event()
    order = scene.order(TWO, extra=SLOW, secrets={"KEY": "a-secret-value"})
    thread, ends = in_the_background(lambda: scene.deploy(order, asked.is_set))
    await_true(lambda: bool(candidate(scene).get("alive")), 60)
    asked.set()
    thread.join()
    assert ends[0].outcome == "cancelled"
    assert runs_of(scene) == []
    assert candidate(scene) == {}
    assert scene.commit_at(url) == ONE
    assert scene.releases() == [ONE]
    assert list(scene.deployer._folders.root.glob("run-*")) == []
    left = [path for path in scene.state.rglob("*") if path.is_file() and b"a-secret" in path.read_bytes()]
    assert left == []


def test_one_that_takes_too_long_is_ended_and_hosts_are_locked_meanwhile(scene: Scene) -> None:
    order = replace(scene.order(ONE, extra=SLOW), timeout_s=2.0)
    thread, ends = in_the_background(lambda: scene.deploy(order))
    await_true(lambda: is_seized(scene.state / "deploy" / "here.lock"))
    told: list[str] = []
    other = replace(scene.order(ONE, slug="inn"), timeout_s=0.3)
    second = scene.deployer.deploy(other, told.append, lambda: False)
    assert (second.outcome, told) == ("timeout", ["Waiting for another deployment on here ..."])
    assert (
        scene.deployer.deploy(scene.order(ONE, slug="inn"), told.append, lambda: True).outcome == "cancelled"
    )
    thread.join()
    assert ends[0].outcome == "timeout"
    assert ends[0].reason == "it took longer than 2 s"
    assert runs_of(scene) == []
    assert not is_seized(scene.state / "deploy" / "here.lock")


def test_what_a_killed_run_left_is_swept_up_and_what_runs_is_not(scene: Scene) -> None:
    folders = scene.deployer._folders
    with folders.one() as mine:
        dead = folders.root / "run-dead"
        dead.mkdir()
        (dead / "vault-password").write_text("x")
        (dead / ".lock").touch()
        assert folders.sweep() == 1
        assert mine.exists()
        assert mine.stat().st_mode & 0o777 == 0o700
        assert not dead.exists()
    assert not mine.exists()


def test_a_lock_ends_with_its_holder(tmp_path: Path) -> None:
    held = seize(tmp_path / "lock")
    assert held is not None
    assert seize(tmp_path / "lock") is None
    os.close(held)
    assert not is_seized(tmp_path / "lock")


def with_playbook(scene: Scene, change: Callable[[str], str], tmp_path: Path) -> Scene:
    """The same scene with another local.yml."""
    folder = tmp_path / "playbooks"
    shutil.copytree(PLAYBOOKS, folder)
    (folder / "local.yml").write_text(change((folder / "local.yml").read_text()))
    return replace(scene, playbooks=folder)


@pytest.mark.soak
def test_a_playbook_that_fails_halfway_leaves_the_old_release(scene: Scene, tmp_path: Path) -> None:
    url = scene.ok(scene.order(ONE)).url
    broken = with_playbook(
        scene,
        lambda text: text.replace(
            "    - name: Switch to",
            "    - name: Break\n      ansible.builtin.fail:\n        msg: the disk is full\n\n    - name: Switch to",
        ),
        tmp_path,
    )
    ended = broken.deploy(scene.order(TWO))
    assert (ended.outcome, ended.failed_task, ended.reason) == ("failed", "Break", "the disk is full")
    assert candidate(scene) == {}
    assert scene.commit_at(url) == ONE
    assert scene.releases() == [ONE]
    scene.ok(scene.order(TWO))
    assert scene.commit_at(url) == TWO


@pytest.mark.soak
def test_a_playbook_that_cannot_be_read_is_told_with_its_fault(scene: Scene, tmp_path: Path) -> None:
    broken = with_playbook(scene, lambda _text: "- hosts: [", tmp_path)
    ended = broken.deploy(scene.order(ONE))
    assert ended.outcome == "failed"
    assert ended.reason
    assert "local.yml" in ended.tail + ended.reason


CHILD = """
import sys
from pathlib import Path
from tests.contract.deploy.kit import Scene, ONE, TWO
scene = Scene(Path(sys.argv[1]), Path(sys.argv[2]), (int(sys.argv[3]), int(sys.argv[3]) + 3))
order = scene.order(TWO, secrets={"KEY": "a-secret-value"})
scene.deployer.deploy(order, lambda said: print(said, flush=True), lambda: False)
"""


@pytest.mark.soak
@pytest.mark.parametrize(
    "moment",
    [
        "Put the files",
        "Write the env",
        "Start the new",
        "Switch to",
        "Switch to the new release and remove old ones:",
    ],
)
def test_after_a_kill_at_any_moment_deploying_again_ends_right(
    scene: Scene, tmp_path: Path, moment: str
) -> None:
    url = scene.quick(scene.order(ONE))
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(scene.state), str(scene.trees), str(scene.ports[0])],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert child.stdout is not None
    for line in child.stdout:
        if line.startswith(moment):
            break
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    await_true(lambda: runs_of(scene) == [])
    assert scene.commit_at(url) in {ONE, TWO}
    ended = scene.ok(scene.order(TWO, secrets={"KEY": "a-secret-value"}))
    assert scene.commit_at(ended.url) == TWO
    assert scene.releases() == [ONE, TWO]
    status = read_json(scene.local.site("shop") / "status.json")
    assert status["candidate"] is None
    await_true(lambda: read_json(scene.local.site("shop") / "status.json")["draining"] == 0, 20)
    assert list(scene.deployer._folders.root.glob("run-*")) == []


@pytest.mark.soak
def test_without_bubblewrap_a_cancel_ends_every_process_too(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    from steward.adapters.deploy import playing

    monkeypatch.setattr(playing, "bubblewrap", lambda: None)
    asked = threading.Event()
    order = scene.order(TWO, extra=SLOW)
    thread, ends = in_the_background(lambda: scene.deploy(order, asked.is_set))
    await_true(lambda: bool(candidate(scene).get("alive")), 60)
    asked.set()
    thread.join()
    assert ends[0].outcome == "cancelled"
    await_true(lambda: runs_of(scene) == [])


@pytest.mark.soak
def test_two_projects_are_deployed_beside_each_other_on_one_host(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "state", tmp_path / "trees", free_range(4))
    try:
        orders = [scene.order(ONE, slug=slug) for slug in ("shop", "inn")]
        begun = [
            in_the_background(lambda order=order: scene.deployer.deploy(order, print, lambda: False))  # type: ignore[misc] # a default binds the loop's value
            for order in orders
        ]
        for thread, _ends in begun:
            thread.join()
        assert [ends[0].outcome for _thread, ends in begun] == ["ok", "ok"]
        assert len({ends[0].url for _thread, ends in begun}) == 2
    finally:
        scene.local.suspend()
