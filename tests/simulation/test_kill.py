"""Killed with -9 at any moment, Steward comes back with nothing lost and no change doubled.

A real process works on a real localhub over HTTP and is killed at random moments while repositories come,
go and change their names. The seed of the moments is printed; STEWARD_TEST_SEED replays it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from localhub.testing import Hub
from steward.adapters.store import check, open_store
from steward.domain.journal import Event
from steward.domain.status import Status
from steward.ports import ProjectQuery


def environment(hub: Hub, folder: Path) -> dict[str, str]:
    """Settings of a quick heartbeat on that server, and nothing else of ours."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("STEWARD_", "LOCALHUB_"))}
    return clean | {
        "STEWARD_GITHUB_URL": hub.url,
        "STEWARD_GITHUB_TOKEN": hub.token,
        "STEWARD_GITHUB_ORGS": "acme",
        "STEWARD_DATA_DIR": str(folder),
        "STEWARD_SYNC_INTERVAL_S": "1",
        "STEWARD_SYNC_CONFIRM_SPACING_S": "1",
        "STEWARD_SYNC_GRACE_S": "0",
        "STEWARD_SYNC_LOSS_COUNT_MAX": "1000",
    }


def steward(*arguments: str) -> list[str]:
    """A command line of the installed product."""
    return [str(Path(sys.executable).with_name("steward")), *arguments]


def stir(hub: Hub, dice: random.Random, alive: dict[int, str], number: int) -> None:
    """Change something on GitHub."""
    action = dice.choice(["create", "create", "rename", "delete"])
    if action == "create" or len(alive) < 5:
        name = f"made-{number}"
        alive[hub.create(name)] = name
        return
    repo_id = dice.choice(sorted(alive))
    if action == "rename":
        alive[repo_id] = f"named-{number}"
        hub.rename(repo_id, alive[repo_id])
    else:
        hub.delete(repo_id)
        del alive[repo_id]


def kill_loop(hub: Hub, folder: Path, kills: int) -> None:
    """Kill, restart, and at the end compare with the truth."""
    seed = int(os.environ.get("STEWARD_TEST_SEED", random.randrange(10**9)))
    print(f"seed: {seed}")
    dice = random.Random(seed)
    env = environment(hub, folder)
    alive: dict[int, str] = {hub.create(f"first-{n}"): f"first-{n}" for n in range(8)}
    for number in range(kills):
        process = subprocess.Popen(
            steward("up"), env=env, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for step in range(dice.randint(1, 4)):
            stir(hub, dice, alive, 10 * number + step)
            time.sleep(dice.uniform(0.0, 0.6))
        process.send_signal(signal.SIGKILL)
        process.wait()
    judge(hub, folder, env, alive)


def judge(hub: Hub, folder: Path, env: dict[str, str], alive: dict[int, str]) -> None:
    """Let a last process settle, then hold the record against the truth and against its own history."""
    for _ in range(6):
        ran = subprocess.run(
            steward("sync", "run", "--json"), env=env, cwd=folder, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        time.sleep(1.1)
    assert json.loads(ran.stdout)["organisations"][0]["state"] == "ok"
    url = f"sqlite:///{folder / 'steward.db'}"
    assert check(url) == []
    store = open_store(url)
    store.publish()
    with store.reading() as view:
        shown = view.projects(ProjectQuery())
        events = view.events(limit=10**6)
    store.close()
    there = {r.repo.id: r.repo.name for p, r in shown if r and p.status is not Status.MISSING}
    assert there == alive
    assert all(p.status is Status.DISCOVERED for p, r in shown if r and r.repo.id in alive)
    for project, _ in shown:
        replay(project.id, project.status, events)


def replay(project_id: str, status: Status, events: list[Event]) -> None:
    """A project's moves, each from where the one before led: none lost, none doubled."""
    at: str | None = None
    for event in events:
        if event.project_id == project_id and event.kind == "project.moved":
            assert event.data["from"] == at
            at = event.data["to"]
    assert at == status.value


@pytest.mark.soak
def test_fifty_kills_lose_nothing(tmp_path: Path) -> None:
    with Hub(orgs=["acme"]) as hub:
        kill_loop(hub, tmp_path, kills=50)
