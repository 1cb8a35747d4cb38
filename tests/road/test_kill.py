"""Workers killed with -9 in the middle of the road: the site goes live, with one of everything.

The seed of the moments is printed; STEWARD_TEST_SEED replays it.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from steward.app.describing import Wish
from steward.domain.operations import STEPS, Work
from tests.road.kit import Road, road

FIRST: Final = (Work.SPECIFY, Work.PROVISION, Work.DESIGN, Work.IMPLEMENT, Work.VERIFY, Work.DEPLOY)
PLACES: Final = [
    f"{when}:{kind}.{name}"
    for kind in FIRST
    for name in ("begin", *STEPS[kind], "end")
    for when in ("before", "after")
]
"""Everywhere that a worker can die at in a first road."""
RECOVERS_S: Final = 20.0
"""A loaded machine starts a worker in some seconds; the engine itself takes up what was left in about five."""


class Workers:
    """Worker processes of one installation."""

    def __init__(self, own: Road, url: str, folder: Path, ports: tuple[int, int]) -> None:
        self._words = [
            *(sys.executable, "-m", "tests.road.worker", url, str(folder), own.hub.url, own.hub.token),
            *map(str, ports),
        ]
        self.alive: list[subprocess.Popen[bytes]] = []

    def start(self, die: str = "") -> subprocess.Popen[bytes]:
        """Start one; return once it works, or is dead already."""
        process = subprocess.Popen(
            self._words,
            env={**os.environ, "ROAD_DIE": die, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.alive.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() in (b"ready\n", b"")
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill it with -9."""
        self.alive.remove(process)
        process.send_signal(signal.SIGKILL)
        process.communicate()

    def end(self) -> None:
        """Let none stay."""
        for process in list(self.alive):
            self.kill(process)


@contextmanager
def working(folder: Path, url: str, ports: tuple[int, int]) -> Iterator[tuple[Road, Workers]]:
    """An installation whose work is done by processes that can be killed."""
    with road(folder, url, ports=ports, work=False) as own:
        workers = Workers(own, url, folder, ports)
        try:
            yield own, workers
        finally:
            workers.end()


def drive(own: Road, seconds: float, *statuses: str) -> bool:
    """Let the leader work for so long; whether the project came to one of these."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        own.driver.tick()
        if own.project("shop")["status"] in statuses:
            return True
        time.sleep(0.05)
    return False


def killed(folder: Path, url: str, ports: tuple[int, int], *, at_once: int, kills: int) -> None:
    """Order; kill one worker after another at moments that nobody chose, each time with one in its place."""
    seed = int(os.environ.get("STEWARD_TEST_SEED", random.randrange(10**9)))
    print(f"seed: {seed}")
    dice = random.Random(seed)
    with working(folder, url, ports) as (own, workers):
        for _ in range(at_once):
            workers.start()
        own.ordered()
        died = time.monotonic()
        for _ in range(kills):
            if drive(own, dice.uniform(0.3, 4.0), "active", "error"):
                break
            status = own.project("shop")["status"]
            workers.kill(dice.choice(workers.alive))
            died = time.monotonic()
            workers.start()
            moved = drive(own, RECOVERS_S, *_others(status))
            print(f"killed in {status}; moved on after {time.monotonic() - died:.1f} s: {moved}")
        shown = own.until("shop", "active")
        print(f"active {time.monotonic() - died:.1f} s after the last death")
        own.judge_once()
        assert shown["live"]["commit"] == own.get("commits/main")["sha"]


def _others(status: str) -> list[str]:
    """Every status of the road but that one."""
    known = ["provisioning", "initialized", "designing", "designed", "implementing", "implemented"]
    return [one for one in [*known, "verifying", "verified", "deploying", "active"] if one != status]


@pytest.mark.soak
def test_a_worker_killed_on_sqlite_is_replaced_by_the_next(tmp_path: Path) -> None:
    killed(tmp_path, f"sqlite:///{tmp_path}/steward.db", (18720, 18729), at_once=1, kills=1)


@pytest.mark.soak
@pytest.mark.parametrize("number", range(20))
def test_workers_killed_at_any_moment_on_postgresql(tmp_path: Path, postgres_only: str, number: int) -> None:
    killed(tmp_path, postgres_only, (18730, 18739), at_once=2, kills=4)


@pytest.mark.soak
@pytest.mark.parametrize("place", PLACES)
def test_a_worker_that_dies_at_any_single_step_leaves_nothing_doubled(tmp_path: Path, place: str) -> None:
    url, ports = f"sqlite:///{tmp_path}/steward.db", (18740, 18749)
    with working(tmp_path, url, ports) as (own, workers):
        doomed = workers.start(place)
        own.building().draft("shop", wish=Wish())
        own.building().approve("shop")
        at = time.monotonic()
        while doomed.poll() is None and time.monotonic() - at < 90:
            if drive(own, 0.2, "estimated"):
                own.building().confirm("shop")
        assert doomed.poll() == 137
        died = time.monotonic()
        workers.kill(doomed)
        workers.start()
        if own.project("shop")["status"] == "draft":
            own.until("shop", "estimated")
        if own.project("shop")["status"] == "estimated":
            own.building().confirm("shop")
        own.until("shop", "active")
        print(f"{place}: active {time.monotonic() - died:.1f} s after the death")
        own.judge_once()
