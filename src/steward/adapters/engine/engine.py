"""The engine as the port has it: opens the database, asks and orders through a client, works through a worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from steward.adapters.engine.attempt import PATIENCE_S
from steward.adapters.engine.client import Client
from steward.adapters.engine.database import Place, connect, locate, prepare
from steward.adapters.engine.holds import LOCK_FILE, FileHold, RowHold
from steward.adapters.engine.quiet import quiet
from steward.adapters.engine.worker import Worker, Working
from steward.ports import Clock, Permanent
from steward.ports.engine import Lane, Steps

LEASE_S: Final = 4.0
POLL_S: Final = 0.2
"""Costs about a fiftieth of a core for each lane of a process that works."""


def open_engine(
    url: str,
    *,
    state_dir: Path,
    holder: str,
    clock: Clock,
    lease_s: float = LEASE_S,
    patience_s: float = PATIENCE_S,
    poll_s: float = POLL_S,
) -> DurableEngine:
    """The engine of the application whose database `url` names.

    `state_dir` is where its file lies on SQLite; `holder` names this process to people. A process whose lease
    was not renewed for `lease_s` stops; a call that raises Transient is tried again for `patience_s`; a queue
    is looked at every `poll_s`, so that is what an attempt waits at most before it begins. Raises BadSettings
    for a URL of another kind. Nothing is opened before `launch`.
    """
    quiet()
    place = locate(url, state_dir)
    return DurableEngine(place, state_dir, holder, clock, Timing(lease_s, patience_s, poll_s))


@dataclass(frozen=True, slots=True)
class Timing:
    """What `open_engine` was given, in seconds."""

    lease_s: float
    patience_s: float
    poll_s: float


class DurableEngine:
    """Implements ports.engine.Engine. One that works per process: DBOS is one per process.

    Threads: DBOS's own, and one that renews the lease each second. `start`, `cancel` and `known` may be called
    from any thread; they block for one transaction and raise StoreUnavailable where the database is away.
    """

    def __init__(self, place: Place, state_dir: Path, holder: str, clock: Clock, timing: Timing) -> None:
        self._place = place
        self._lock_path = state_dir / LOCK_FILE
        self._holder = holder
        self._clock = clock
        self._timing = timing
        self._lanes: Sequence[Lane] = ()
        self._database: sa.Engine | None = None
        self._client: Client | None = None
        self._worker: Worker | None = None

    @property
    def fenced(self) -> bool:
        """Whether this process is to work but may not: its lease was not renewed in time.

        No step begins while it is so. One that runs has perhaps begun elsewhere as well: it does well to end.
        Once those have ended, the process goes on under a new lease by itself.
        """
        return self._worker is not None and self._worker.fenced

    def launch(self, steps: Steps, lanes: Sequence[Lane], *, work: bool) -> None:
        """Open the database and, to work, launch DBOS and take up what dead processes left.

        Raises Permanent where this process works already or, on SQLite, another does; StoreUnavailable and
        BadSettings where the database cannot be used. After any of them nothing is held.
        """
        if self._client is not None:
            raise Permanent("the engine runs already", "Close it before it is launched again.")
        self._lanes = tuple(lanes)
        database = connect(self._place)
        try:
            prepare(self._place, database)
            client = Client(self._place, database)
            if work:
                client.open_lanes(lanes, self._timing.poll_s)
                self._worker = self._working(steps, database, client)
        except BaseException:
            database.dispose()
            raise
        self._database, self._client = database, client

    def start(self, run_id: str, kind: str, project_id: str) -> None:
        """Queue an attempt once. Raises ValueError for a kind without a lane: nobody would run it."""
        if kind not in {lane.name for lane in self._lanes}:
            raise ValueError(f"there is no lane for {kind!r}")
        self._reached.enqueue(run_id, kind, project_id)

    def cancel(self, run_id: str) -> None:
        """Let no further step of it begin; in other processes within about a second."""
        self._reached.cancel(run_id)
        if self._worker is not None:
            self._worker.cancelled(run_id)

    def known(self, run_ids: Sequence[str]) -> dict[str, str]:
        """The state of each attempt that is known: queued, running, ended, cancelled, lost."""
        return self._reached.known(run_ids)

    def close(self, timeout_s: float) -> None:
        """Begin no step, wait `timeout_s` for those that run, then let everything go. May be called again.

        Where a step still runs then, its result will not be recorded; its hold ends with it (on PostgreSQL: with
        the lease), so that it is not begun elsewhere while it runs here.
        """
        if self._worker is not None:
            self._worker.close(timeout_s)
            self._worker = None
        if self._client is not None:
            self._client.close()
            self._client = None
        if self._database is not None:
            self._database.dispose()
            self._database = None

    @property
    def _reached(self) -> Client:
        if self._client is None:
            raise RuntimeError("the engine was not launched, or is closed")
        return self._client

    def _working(self, steps: Steps, database: sa.Engine, client: Client) -> Worker:
        path = self._place.path
        hold = RowHold(database, self._timing.lease_s) if path is None else FileHold(self._lock_path)
        threads = sum(lane.at_once for lane in self._lanes)
        worker = Worker(
            Working(self._place, self._holder, steps, self._clock, threads, self._timing.patience_s),
            hold,
            client,
        )
        worker.start()
        return worker
