"""Killed with -9 while deliveries arrive, Steward has every one that it answered 202, and works on each.

A real process takes signed deliveries over HTTP; the seed of its deaths is printed, STEWARD_TEST_SEED replays it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import httpx
import pytest

from localhub.testing import Hub
from steward.adapters.store import check, open_store
from steward.domain.deliveries import Delivery
from tests.faults.receiving import SECRET, headers
from tests.simulation.test_kill import environment, steward


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def started(env: dict[str, str], folder: Path, url: str) -> subprocess.Popen[bytes]:
    """A Steward that takes deliveries."""
    process = subprocess.Popen(
        steward("up"), env=env, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    for _ in range(600):
        try:
            httpx.post(f"{url}/hooks/github", content=b"{}", timeout=5)
        except httpx.TransportError:
            assert process.poll() is None, "it started"
            time.sleep(0.05)
        else:
            return process
    raise AssertionError("it does not listen")


def send_until_killed(url: str, process: subprocess.Popen[bytes], ids: list[int], number: int) -> list[str]:
    """Deliver as quickly as it answers, and kill it in the middle of what follows that many; return what was answered 202."""
    taken: list[str] = []
    killer: threading.Timer | None = None
    with httpx.Client(timeout=60) as client:
        while True:
            body = json.dumps({"action": "edited", "repository": {"id": ids[len(taken) % len(ids)]}}).encode()
            told = headers("repository", body)
            if len(taken) >= number and killer is None:
                killer = threading.Timer(0.01, process.send_signal, [signal.SIGKILL])
                killer.start()
            try:
                answer = client.post(f"{url}/hooks/github", content=body, headers=told)
            except httpx.TransportError:
                break
            if answer.status_code == 202:
                taken.append(told["X-GitHub-Delivery"])
    process.wait()
    return taken


def inbox(folder: Path) -> list[Delivery]:
    """All that is stored."""
    store = open_store(f"sqlite:///{folder / 'steward.db'}")
    with store.reading() as view:
        rows = view.deliveries(limit=1_000_000)
    store.close()
    return rows


def kill_loop(folder: Path, kills: int) -> None:
    """Kill while it takes deliveries; at the end none that was taken is lost, and all are worked on."""
    seed = int(os.environ.get("STEWARD_TEST_SEED", random.randrange(10**9)))
    print(f"seed: {seed}")
    dice, port = random.Random(seed), free_port()
    url = f"http://127.0.0.1:{port}"
    with Hub(orgs=["acme"], repos=20) as hub:
        env = environment(hub, folder) | {
            "STEWARD_GITHUB_WEBHOOK_SECRET": SECRET,
            "STEWARD_WEB_PORT": str(port),
            "STEWARD_SYNC_INTERVAL_S": "3600",
        }
        taken: list[str] = []
        for _ in range(kills):
            process = started(env, folder, url)
            taken += send_until_killed(url, process, hub.ids(), dice.randint(3, 60))
        process = started(env, folder, url)
        try:
            end = time.monotonic() + 120
            while any(row.state == "pending" for row in inbox(folder)):
                assert time.monotonic() < end, "everything is worked on"
                time.sleep(0.2)
        finally:
            process.terminate()
            process.wait(60)
    states = {row.guid: row.state for row in inbox(folder)}
    assert [guid for guid in taken if guid not in states] == []
    assert "done" in {states[guid] for guid in taken}
    assert {states[guid] for guid in taken} <= {"done", "ignored"}, (
        "ignored: before the first look told the owner"
    )
    assert check(f"sqlite:///{folder / 'steward.db'}") == []


@pytest.mark.soak
def test_what_was_answered_202_outlives_thirty_kills(tmp_path: Path) -> None:
    kill_loop(tmp_path, kills=30)
