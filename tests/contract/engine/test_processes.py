"""Real processes, killed with -9 and stopped: nothing is lost, nothing that was recorded runs again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Self

import pytest

from steward.adapters.clock import SystemClock
from steward.adapters.engine import DurableEngine, open_engine
from steward.ports.engine import Lane
from tests.contract.engine.kit import Script, until
from tests.contract.engine.worker import NAMES

ROOT = Path(__file__).parents[3]


class Note(NamedTuple):
    """One line of a worker."""

    pid: int
    run_id: str
    what: str
    name: str
    at: float


class Workers:
    """Starts workers on one database, reads what they wrote, and lets none of them stay."""

    def __init__(self, url: str, folder: Path, step_s: float, at_once: int = 4, lease_s: float = 4.0) -> None:
        self._arguments = [url, str(folder), str(step_s), str(at_once), str(lease_s)]
        self._folder = folder
        self.alive: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        """One more, not waited for."""
        self.alive.append(
            subprocess.Popen(
                [sys.executable, "-m", "tests.contract.engine.worker", *self._arguments],
                stdin=subprocess.PIPE,
                cwd=ROOT,
            )
        )
        return self.alive[-1]

    def kill(self, process: subprocess.Popen[bytes]) -> float:
        """Kill it with -9; when that was."""
        self.alive.remove(process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return time.monotonic()

    def __enter__(self) -> Self:
        """Themselves."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let none of them stay, however the test ended."""
        for process in list(self.alive):
            self.kill(process)

    def stop(self) -> None:
        """End those that are left, in peace."""
        while self.alive:
            process = self.alive.pop()
            process.communicate(timeout=30)
            assert process.returncode == 0

    def notes(self) -> list[Note]:
        """What all of them wrote, in order."""
        log = self._folder / "log"
        return [Note(*json.loads(line)) for line in log.read_text().splitlines()] if log.exists() else []

    def ready(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until it works."""
        until(lambda: any(note.pid == process.pid and note.what == "ready" for note in self.notes()))

    def in_step(self, process: subprocess.Popen[bytes], name: str) -> None:
        """Wait until it is within that step of some attempt."""
        until(
            lambda: any(n.pid == process.pid and n.name == name and n.what == "begun" for n in self.notes())
        )


@contextmanager
def asking(url: str, folder: Path) -> Iterator[DurableEngine]:
    """An engine that does not work: it queues and asks."""
    engine = open_engine(url, state_dir=folder, holder="asking", clock=SystemClock())
    engine.launch(Script(), [Lane("build", 4)], work=False)
    try:
        yield engine
    finally:
        engine.close(1.0)


def doubled(notes: list[Note]) -> dict[tuple[str, str], int]:
    """The steps that were begun more than once: how often. Each was in flight, for none after it was begun before."""
    begun: dict[tuple[str, str], list[int]] = defaultdict(list)
    for note in notes:
        if note.what == "begun":
            begun[note.run_id, note.name].append(note.pid)
    again = {key: pids for key, pids in begun.items() if len(pids) > 1}
    for (run_id, name), pids in again.items():
        follower = dict(pairwise(NAMES)).get(name)
        for pid in pids[:-1]:
            went_on = [
                n for n in notes if (n.pid, n.run_id, n.name, n.what) == (pid, run_id, follower, "begun")
            ]
            assert not went_on, f"{name} of {run_id} was recorded, and ran again"
    return {key: len(pids) for key, pids in again.items()}


def judge(notes: list[Note], run_ids: list[str]) -> dict[tuple[str, str], int]:
    """Every attempt has gone through all its steps, in order; what was doubled."""
    for run_id in run_ids:
        first = {
            note.name: note.at for note in reversed(notes) if note.run_id == run_id and note.what == "done"
        }
        assert list(dict(sorted(first.items(), key=lambda item: item[1]))) == ["begin", *NAMES, "end"]
    return doubled(notes)


def ended(engine: DurableEngine, run_ids: list[str]) -> bool:
    """Whether all are."""
    return set(engine.known(run_ids).values()) == {"ended"}


def test_on_sqlite_a_new_process_takes_up_what_a_killed_one_left(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/steward.db"
    run_ids = ["a:1", "b:1"]
    with asking(url, tmp_path) as engine, Workers(url, tmp_path, 0.15) as workers:
        for run_id in run_ids:
            engine.start(run_id, "build", "shop")
        first = workers.start()
        workers.in_step(first, "three")
        workers.kill(first)
        second = workers.start()
        until(lambda: ended(engine, run_ids))
        workers.stop()
    again = judge(workers.notes(), run_ids)
    assert 1 <= len(again) <= 2
    assert {name for _, name in again} <= {"two", "three", "four"}
    assert {note.pid for note in workers.notes()} == {first.pid, second.pid}


def test_on_postgresql_a_living_process_takes_up_what_a_killed_one_left(
    postgres_database: str, tmp_path: Path
) -> None:
    seed = int(os.environ.get("STEWARD_TEST_SEED", random.randrange(10**9)))
    print(f"seed: {seed}")
    dice = random.Random(seed)
    run_ids = [f"run-{n}:1" for n in range(16)]
    with (
        asking(postgres_database, tmp_path) as engine,
        Workers(postgres_database, tmp_path, 0.1, at_once=4, lease_s=2.0) as workers,
    ):
        both = [workers.start(), workers.start()]
        for process in both:
            workers.ready(process)
        for run_id in run_ids:
            engine.start(run_id, "build", "shop")
        name = dice.choice(NAMES)
        until(lambda: any(note.name == name for note in workers.notes()))
        pid = next(note.pid for note in workers.notes() if note.name == name)
        victim = next(process for process in both if process.pid == pid)
        killed_at = workers.kill(victim)
        until(lambda: ended(engine, run_ids), 60)
        workers.stop()
    notes = workers.notes()
    again = judge(notes, run_ids)
    assert len(again) <= 4
    assert set(again.values()) <= {2}
    left = {note.run_id for note in notes if note.pid == victim.pid and note.run_id}
    taken_up = [note.at for note in notes if note.run_id in left and note.pid != victim.pid]
    if taken_up:
        print(f"taken up {min(taken_up) - killed_at:.1f} s after the kill, with a lease of 2 s")
        assert min(taken_up) - killed_at < 10


@pytest.mark.soak
def test_a_process_that_stands_still_keeps_its_work_for_a_lease_and_not_for_longer(
    postgres_database: str, tmp_path: Path
) -> None:
    with (
        asking(postgres_database, tmp_path) as engine,
        Workers(postgres_database, tmp_path, 0.4, at_once=1, lease_s=3.0) as workers,
    ):
        both = [workers.start(), workers.start()]
        for process in both:
            workers.ready(process)
        short = stopped_for(1.0, "short:1", engine, workers)
        notes = workers.notes()
        assert doubled(notes) == {}
        assert {note.pid for note in notes if note.run_id == "short:1"} == {short}
        long = stopped_for(5.0, "long:1", engine, workers)
        until(lambda: any(note.what == "free" for note in workers.notes()))
        workers.stop()
    notes = [note for note in workers.notes() if note.pid == long]
    assert set(judge(workers.notes(), ["short:1", "long:1"])) == {("long:1", "two")}
    assert [note.what for note in notes if note.run_id == ""] == ["ready", "fenced", "free"]
    woke_at = next(note.at for note in notes if note.what == "fenced")
    assert {note.name for note in notes if note.run_id == "long:1" and note.at > woke_at} <= {"two"}


def stopped_for(still_s: float, run_id: str, engine: DurableEngine, workers: Workers) -> int:
    """Stop whichever process is within the second step of a new attempt for that long; which one it was."""
    engine.start(run_id, "build", "shop")
    until(lambda: any(note.run_id == run_id and note.name == "two" for note in workers.notes()))
    sleeper = next(note.pid for note in workers.notes() if note.run_id == run_id and note.name == "two")
    os.kill(sleeper, signal.SIGSTOP)
    time.sleep(still_s)
    os.kill(sleeper, signal.SIGCONT)
    until(lambda: ended(engine, [run_id]))
    return sleeper


@pytest.mark.soak
def test_kill_after_kill_loses_nothing(postgres_database: str, tmp_path: Path) -> None:
    seed = int(os.environ.get("STEWARD_TEST_SEED", random.randrange(10**9)))
    print(f"seed: {seed}")
    dice = random.Random(seed)
    run_ids = [f"run-{n}:1" for n in range(400)]
    kills: dict[int, float] = {}
    with (
        asking(postgres_database, tmp_path) as engine,
        Workers(postgres_database, tmp_path, 0.05, at_once=4) as workers,
    ):
        for run_id in run_ids:
            engine.start(run_id, "build", "shop")
        for _ in range(3):
            workers.ready(workers.start())
        while not ended(engine, run_ids) and len(kills) < 25:
            time.sleep(dice.uniform(0.2, 3.0))
            victim = dice.choice(workers.alive)
            kills[victim.pid] = workers.kill(victim)
            workers.start()
        until(lambda: ended(engine, run_ids), 600)
        workers.stop()
    notes = workers.notes()
    again = judge(notes, run_ids)
    assert sum(count - 1 for count in again.values()) <= 4 * len(kills)
    print(f"{len(kills)} kills, {len(again)} steps twice; taken up after {delays(notes, kills)} s")


def delays(notes: list[Note], kills: dict[int, float]) -> list[float]:
    """For each kill, how long it took until an attempt that it broke off went on elsewhere."""
    found = []
    for pid, at in kills.items():
        open_ = {n.run_id for n in notes if n.pid == pid and n.run_id} - {
            n.run_id for n in notes if n.pid == pid and n.name == "end"
        }
        later = [n.at - at for n in notes if n.run_id in open_ and n.pid != pid and n.at > at]
        found += [round(min(later), 1)] if later else []
    return sorted(found)
