"""Runs DBOS in this process, keeps its lease, and takes up what dead processes left."""

from __future__ import annotations

import logging
import threading
import uuid
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from dbos import DBOS, DBOSPortableJSONSerializer

from steward.adapters.engine import attempt
from steward.adapters.engine.client import APPLICATION, THREADS_MAX, THREADS_MIN, VERSION, Client
from steward.adapters.engine.database import SCHEMA, Place, connect, translated
from steward.adapters.engine.holds import Hold
from steward.adapters.engine.quiet import LEVEL
from steward.adapters.engine.session import Session
from steward.domain.instant import Instant, elapsed_s
from steward.ports import Clock, Permanent, Transient
from steward.ports.engine import Steps

RENEW_S: Final = 1.0
LISTEN_S: Final = 0.2
"""How often DBOS looks for messages between workflows, which we do not use; it closes no sooner."""
DRAIN_S: Final = 5.0
"""How long the thread that keeps the lease is waited for at the end; the process may end without it."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Working:
    """What a worker is made of. `threads`: how many attempts may run at once in all lanes."""

    place: Place
    holder: str
    steps: Steps
    clock: Clock
    threads: int
    patience_s: float


class Worker:
    """Runs DBOS for an engine that works, and the thread that keeps its lease."""

    def __init__(self, working: Working, hold: Hold, client: Client) -> None:
        self._working = working
        self._place = working.place
        self._clock = working.clock
        self._hold = hold
        self._client = client
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="steward-engine", daemon=True)
        self._session: Session | None = None
        self._connections: sa.Engine | None = None
        self._away = False
        self._back_at: Instant | None = None

    @property
    def fenced(self) -> bool:
        """Whether nothing that runs here is certainly ours."""
        session = self._session
        return not self._closing.is_set() if session is None else not session.owned

    def start(self) -> None:
        """Begin to work. Raises as `launch` does."""
        if attempt.Current.session is not None:
            raise Permanent(
                "another engine works in this process", "Close it first: DBOS is one per process."
            )
        attempt.Current.patience_s = self._working.patience_s
        self._begin()
        self._thread.start()

    def cancelled(self, run_id: str) -> None:
        """That attempt was cancelled by this process."""
        if self._session is not None:
            self._session.cancelled(run_id)

    def close(self, timeout_s: float) -> None:
        """End it; see the engine."""
        self._closing.set()
        session = self._session
        if session is not None:
            session.leave()
            session.idle(timeout_s)
        self._thread.join(DRAIN_S)
        if self._session is not None:
            self._end(self._session)

    def _begin(self) -> None:
        """A new session: executor id, hold, DBOS, and the work that was left."""
        executor = f"{self._working.holder}:{uuid.uuid4().hex[:12]}"
        with translated(self._place):
            self._hold.take(executor)
        session = Session(executor, self._working.steps, self._clock, self._hold.lease_s)
        try:
            self._launch(session)
            self._sweep()
        except BaseException:
            self._end(session)
            raise
        self._session = session

    def _launch(self, session: Session) -> None:
        attempt.register()
        attempt.Current.session = session
        self._connections = connect(self._place, lambda: session.over)
        with translated(self._place):
            DBOS(
                config={
                    "name": APPLICATION,
                    "system_database_engine": self._connections,
                    "dbos_system_schema": SCHEMA,
                    "application_version": VERSION,
                    "executor_id": session.executor,
                    "max_executor_threads": min(max(self._working.threads, THREADS_MIN), THREADS_MAX),
                    "serializer": DBOSPortableJSONSerializer(),
                    "run_migrations": False,
                    "enable_otlp": False,
                    "log_level": LEVEL,
                    "notification_listener_polling_interval_sec": LISTEN_S,
                }
            )
            DBOS.launch()

    def _end(self, session: Session) -> None:
        """Take DBOS down; the hold goes once no step runs here."""
        session.leave()
        DBOS.destroy()
        attempt.Current.session = None
        self._session = None
        session.end(lambda: self._drop(session.executor))
        if self._connections is not None:
            self._connections.dispose()
            self._connections = None

    def _drop(self, executor: str) -> None:
        try:
            with translated(self._place):
                self._hold.drop()
        except (Transient, Permanent) as error:
            _log.warning("the lease of %s ends by itself: %s", executor, error)

    def _keep(self) -> None:
        """Renew, look for what others left, and begin anew where the lease was lost."""
        while not self._closing.wait(RENEW_S):
            try:
                self._tend()
            except (Transient, Permanent) as error:
                self._away = True
                _log.warning("the engine cannot reach its database: %s", error)

    def _tend(self) -> None:
        session = self._session
        if session is None:
            self._begin()
            return
        began = self._clock.now()
        with translated(self._place):
            held = self._hold.renew()
        if not held:
            self._begin_anew(session)
            return
        session.renewed(began)
        if self._away or elapsed_s(began, self._clock.now()) > RENEW_S:
            self._away, self._back_at = False, began
        for run_id in self._client.cancelled(session.waiting()):
            session.cancelled(run_id)
        if self._hold.lease_s is not None and self._calm(began, self._hold.lease_s):
            self._sweep()

    def _calm(self, now: Instant, lease_s: float) -> bool:
        """Whether others had time to renew theirs since the database was away; else they would look dead."""
        return self._back_at is None or elapsed_s(self._back_at, now) >= lease_s

    def _begin_anew(self, session: Session) -> None:
        """Others have taken over. What runs here comes to its end, unrecorded, before work begins again."""
        _log.warning("the lease of %s was lost: its work went to others", session.executor)
        session.lose()
        while not session.idle(RENEW_S):
            if self._closing.is_set():
                return
        self._end(session)
        self._begin()

    def _sweep(self) -> None:
        with translated(self._place), self._hold.living() as living:
            taken = self._client.take_up(living) if living is not None else 0
        if taken:
            _log.warning("%d attempts of processes that ended were taken up", taken)
