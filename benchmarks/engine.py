"""What the engine adds to a step, against the least that durability costs, and how attempts go through it.

The floor is one durable commit in the same database, by the same driver, within the same run: a row of the
size that a step's record has. The throughput is told for information: attempts of three steps that do nothing,
through one worker on SQLite, and through 1, 2 and 4 worker processes on PostgreSQL. Queues are looked at ten
times as often as by default, else that would be what is measured.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from benchmarks.measure import Result
from steward.adapters.clock import SystemClock
from steward.adapters.engine import DurableEngine, open_engine
from steward.ports.engine import GO_ON, Lane, Stepped
from steward.testing.postgres import fresh_database, server

LIMIT = {"SQLite": 4.0, "PostgreSQL": 12.0}
"""The throw-away PostgreSQL never syncs: a commit costs a fraction there of what it costs on a disk."""
STEPS, ROUNDS = 300, 3
ATTEMPTS = 400
LANES = [Lane("build", 64)]
POLL_S = 0.02


class Nothing:
    """Implements Steps: so many steps, none of which does anything. Tells how long they took in all."""

    def __init__(self, steps: int) -> None:
        self._names = [str(number) for number in range(steps)]
        self._began = 0.0
        self.took_s = float("inf")
        self.over = threading.Event()

    def begin(self, run_id: str) -> Sequence[str]:
        """The names."""
        self._began = time.perf_counter()
        return self._names

    def step(self, run_id: str, name: str) -> Stepped:
        """Nothing."""
        return GO_ON

    def end(self, run_id: str) -> None:
        """Look at the watch."""
        self.took_s = min(self.took_s, time.perf_counter() - self._began)
        self.over.set()


def commits(url: str, count: int) -> float:
    """The seconds that so many durable commits take, one after the other."""
    database = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    table = sa.Table(
        "records", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("text", sa.Text)
    )
    with database.begin() as connection:
        if database.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        table.drop(connection, checkfirst=True)
        table.create(connection)
    began = time.perf_counter()
    for number in range(count):
        with database.begin() as connection:
            connection.execute(table.insert().values(id=number, text="x" * 200))
    took_s = time.perf_counter() - began
    database.dispose()
    return took_s


def per_step(kind: str, url: str, floor_url: str, folder: Path) -> Result:
    """One attempt of many steps, in turns with as many commits."""
    steps = Nothing(STEPS)
    engine = open_engine(url, state_dir=folder, holder="bench", clock=SystemClock())
    engine.launch(steps, LANES, work=True)
    floor_s = float("inf")
    for number in range(ROUNDS):
        steps.over.clear()
        engine.start(f"{kind}:{number}", "build", "shop")
        assert steps.over.wait(120)
        floor_s = min(floor_s, commits(floor_url, STEPS))
    engine.close(10.0)
    detail = f"{steps.took_s / STEPS * 1e3:.2f} ms against {floor_s / STEPS * 1e3:.2f} ms"
    return Result(
        f"a step of an attempt on {kind}, against one commit", steps.took_s / floor_s, LIMIT[kind], detail
    )


def through(engine: DurableEngine, label: str) -> float:
    """Attempts per second, queued at once, until all are over."""
    run_ids = [f"{label}:{number}" for number in range(ATTEMPTS)]
    began = time.perf_counter()
    for run_id in run_ids:
        engine.start(run_id, "build", "shop")
    while set(engine.known(run_ids).values()) != {"ended"}:
        threading.Event().wait(0.05)
    return ATTEMPTS / (time.perf_counter() - began)


@contextmanager
def workers(url: str, folder: Path, count: int) -> Iterator[None]:
    """So many processes that work."""
    command = [sys.executable, "-m", "benchmarks.engine", url, str(folder)]
    running = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(count)]
    try:
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
        yield
    finally:
        for process in running:
            process.communicate()


def work(url: str, folder: str) -> None:
    """One of those processes: works until standard input ends."""
    engine = open_engine(url, state_dir=Path(folder), holder="bench", clock=SystemClock(), poll_s=POLL_S)
    engine.launch(Nothing(3), LANES, work=True)
    print("ready", flush=True)
    sys.stdin.read()
    engine.close(10.0)


def throughput(kind: str, url: str, folder: Path, counts: Sequence[int]) -> Iterator[Result]:
    """Operations of one step per second; the ratio is to one worker."""
    asking = open_engine(url, state_dir=folder, holder="ask", clock=SystemClock())
    asking.launch(Nothing(3), LANES, work=False)
    single = 0.0
    for count in counts:
        with workers(url, folder, count):
            rate = through(asking, f"{kind}-{count}")
        single = single or rate
        name = f"attempts through {count} worker{'s' if count > 1 else ''} on {kind}, against one"
        yield Result(name, rate / single, None, f"{rate:.0f} attempts/s of three steps, 64 at once")
    asking.close(1.0)


def engine() -> Iterator[Result]:
    """All of it, on both databases."""
    with tempfile.TemporaryDirectory() as name, server() as postgres:
        folder = Path(name)
        sqlite = f"sqlite:///{folder / 'bench.db'}"
        yield per_step("SQLite", sqlite, f"sqlite:///{folder / 'floor.db'}", folder)
        yield from throughput("SQLite", sqlite, folder, [1])
        url = fresh_database(postgres)
        yield per_step("PostgreSQL", url, url, folder)
        yield from throughput("PostgreSQL", url, folder, [1, 2, 4])


if __name__ == "__main__":
    work(*sys.argv[1:])
