"""The running Steward: every loop under one lease, in threads, until it is asked to stop.

One thread per organisation (beats, confirmations, looks asked for), so that a slow organisation delays no
other; one for the outbox; one that publishes events and does the housekeeping.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from steward.app.alive import AliveLoop, Ticks
from steward.app.bell import Bell
from steward.app.connecting import connect
from steward.app.credentials import CredentialLoop
from steward.app.driving import Drive, Driver
from steward.app.errors import LeaseHeld
from steward.app.filing import incident_event, incident_notice
from steward.app.folding import AT_ONCE as FOLDED_AT_ONCE
from steward.app.folding import Folding
from steward.app.following import Following
from steward.app.health import Health
from steward.app.heartbeat import Heartbeat, Report
from steward.app.inbox import Inbox, Waiting
from steward.app.noticing import WaterLoop, notice_restored
from steward.app.operations.runner import Runner
from steward.app.outbox import Outbox
from steward.app.parts import Parts, end_unfinished
from steward.app.scanning import AT_ONCE, Scanning, ask_scan
from steward.app.scoring import scoring
from steward.app.showing import Posting
from steward.app.sweeping import Sweep
from steward.app.sync import LEASE
from steward.app.watching import Watching, no_rescan
from steward.domain.deliveries import BODIES_KEPT, ROWS_KEPT
from steward.domain.instant import Instant, elapsed_s
from steward.domain.journal import Kind
from steward.domain.project import Organisation, Project
from steward.ports import Lease, StoreUnavailable, Writes

TICK_S = 0.5
PUBLISH_S = 0.2
STORE_WAIT_S = 5.0
PRUNE_S = 3600.0
LOOKS_KEPT = timedelta(days=30)
PASSES_KEPT = timedelta(days=30)
"""Beyond their end, so that a list of sessions and tokens still tells of them."""
ANSWERS_KEPT = timedelta(hours=24)
DRIVE_S = 0.3
WATCH_S = 30.0
"""Between two rounds over branches that no look asked for."""
CLOSE_S = 15.0
"""How long a step that runs may go on when the process is asked to stop; it is taken up at the next start."""
CROWD_S = 5.0
"""Between two whole looks that deliveries cause by their number."""

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Service:
    """Runs the loops. One process at a time; the others are refused with LeaseHeld."""

    parts: Parts

    def run(self, stop: threading.Event, log: Log) -> None:
        """Block until `stop` is set. Raises LeaseHeld at the start, and what a loop died of at the end."""
        lease = self.parts.store.acquire(LEASE, self.parts.holder)
        if lease is None:
            raise LeaseHeld(self.parts.store.holder(LEASE) or "unknown")
        try:
            notice_restored(self.parts, log, lease)
            organisations = connect(
                self.parts.store, self.parts.logins, self.parts.server, self.parts.clock.now().at
            )
            self._run_loops(organisations, lease, stop, log)
        finally:
            with suppress(StoreUnavailable):
                self.parts.store.publish()
            self.parts.store.release(lease)

    def _run_loops(
        self, organisations: Sequence[Organisation], lease: Lease, stop: threading.Event, log: Log
    ) -> None:
        died: list[BaseException] = []
        own = self.parts
        end_unfinished(own, lease)
        heartbeat = Heartbeat(own.store, own.forge(), own.clock, own.rules, own.channels, lease)
        outbox = Outbox(self.parts.store, self.parts.notifiers, self.parts.clock)
        ticks, ids = Ticks(), [o.id for o in organisations]
        loops: list[tuple[str, Callable[[], float]]] = [
            (
                f"look:{o.login}",
                OrganisationLoop(own, heartbeat, o.id, log, Inbox(own, lease, o.id), ticks).tick,
            )
            for o in organisations
        ]
        loops.append(("high-water", WaterLoop(own, log).tick))
        loops.append(("alive", AliveLoop(own, lease, ids, ticks, log).tick))
        loops.append(("outbox", lambda: TICK_S if outbox.deliver(lease) == 0 else 0.0))
        loops.append(("housekeeping", Housekeeping(self.parts, lease).tick))
        loops.append(("credential", CredentialLoop(self.parts).tick))
        loops.append(("webhooks", WebhookLoop(self.parts).tick))
        loops.append(("readiness", scoring(own, lease).tick))
        loops.append(("publisher", lambda: PUBLISH_S if self.parts.store.publish() == 0 else 0.0))
        loops += scanning(own)
        loops += folding(own, lease)
        with driving(own) as more, showing(own, lease) as posts:
            self._run([*loops, *more, *posts], stop, log, died)

    def _run(
        self,
        loops: Sequence[tuple[str, Callable[[], float]]],
        stop: threading.Event,
        log: Log,
        died: list[BaseException],
    ) -> None:
        own = self.parts
        threads = [
            threading.Thread(target=_loop, args=(tick, stop, log, died, own.bell), name=name, daemon=True)
            for name, tick in loops
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if died:
            raise died[0]


def scanning(parts: Parts) -> list[tuple[str, Callable[[], float]]]:
    """The loops that scan repositories, as many as are scanned at once; none where no credential may read them."""
    if parts.surveying is None:
        return []
    scans = Scanning(parts.store, parts.clock, parts.surveying(), parts.forge())
    return [(f"scan:{number}", scans.tick) for number in range(1, AT_ONCE + 1)]


def folding(parts: Parts, lease: Lease) -> list[tuple[str, Callable[[], float]]]:
    """The loops that make briefs of what is said in talks."""
    shares = range(FOLDED_AT_ONCE)
    return [(f"fold:{n + 1}", Folding(parts, lease, n, FOLDED_AT_ONCE).tick) for n in shares]


@contextmanager
def showing(parts: Parts, lease: Lease) -> Iterator[list[tuple[str, Callable[[], float]]]]:
    """The loops that want and show what is news in chats, for the length of the block; none where there is no bot."""
    if parts.messenger is None:
        yield []
        return
    with closing(Posting(parts, lease)) as posting:
        yield [("following", Following(parts, lease).tick), ("telegram", posting.tick)]


@contextmanager
def driving(parts: Parts) -> Iterator[list[tuple[str, Callable[[], float]]]]:
    """The engine at work for the length of the block, and the leader's loops for it; none where nothing is driven."""
    if parts.drive is None:
        yield []
        return
    with working(parts, parts.drive()) as drive:
        driver = Driver(parts.store, parts.clock, drive.engine, parts.policy, parts.channels)
        health = Health(parts.store, parts.clock, drive.tools.probe, parts.channels)

        def look() -> float:
            health.tick()
            return TICK_S

        loops = [("driver", lambda: 0.1 if driver.tick() else DRIVE_S), ("health", look)]
        yield [*loops, *watching(parts, drive)]


def rescanned(tx: Writes, project: Project, asked_by: str, at: datetime) -> None:
    """Ask for a new scan of what a project needs."""
    ask_scan(tx, project, asked_by, at)


def watching(parts: Parts, drive: Drive) -> list[tuple[str, Callable[[], float]]]:
    """The loops that watch over branches, one for each organisation; with the credential that only reads, if any."""
    eyes = drive.tools.eyes
    if eyes is None:
        return []
    if parts.watching is not None:
        eyes = replace(eyes, forge=parts.watching)
    rescan = rescanned if parts.surveying is not None else no_rescan
    over = Watching(parts.store, parts.clock, eyes, parts.channels, rescan)
    with parts.store.reading() as view:
        known = [o for o in view.organisations() if o.server == parts.server]
    return [(f"watch:{o.login}", WatchLoop(over, parts, o.id).tick) for o in known]


@contextmanager
def working(parts: Parts, drive: Drive) -> Iterator[Drive]:
    """The engine at work, for the length of the block."""
    drive.resume()
    runner = Runner(parts.store, parts.clock, drive.tools, parts.channels)
    drive.engine.launch(runner, drive.lanes, work=True)
    try:
        yield drive
    finally:
        drive.engine.close(CLOSE_S)
        drive.suspend()


def _loop(
    tick: Callable[[], float], stop: threading.Event, log: Log, died: list[BaseException], bell: Bell
) -> None:
    """Call `tick` until `stop`; each call returns the seconds to wait before the next, or until the bell rings."""
    while not stop.is_set():
        rung = bell.rung
        try:
            wait_s = tick()
        except StoreUnavailable as error:
            log(f"the database does not answer ({error.reason}); trying again in {STORE_WAIT_S:g} s")
            wait_s = STORE_WAIT_S
        except BaseException as error:  # noqa: BLE001 -- kept for run() to raise; the other loops stop too
            died.append(error)
            stop.set()
            bell.ring()
            return
        if wait_s > TICK_S:
            stop.wait(wait_s)
        else:
            bell.wait(rung, wait_s)


class OrganisationLoop:
    """When an organisation is looked at: at the interval, when asked for, when a confirmation waits for it."""

    def __init__(
        self,
        parts: Parts,
        heartbeat: Heartbeat,
        organisation_id: int,
        log: Log,
        inbox: Inbox,
        ticks: Ticks | None = None,
    ) -> None:
        self._parts = parts
        self._ticks = ticks or Ticks()
        self._inbox = inbox
        self._heartbeat = heartbeat
        self._organisation_id = organisation_id
        self._log = log
        self._last: Instant | None = None
        self._wait_s = 0.0
        self._wants_look = False
        self._stalled: tuple[Instant, float] | None = None

    def tick(self) -> float:
        """Do what is due; return the seconds until the next tick."""
        requests, waiting = self._requests(), self._inbox.pull()
        named = waiting.whole or self._is_crowded(waiting)
        if requests or named or self._wants_look or self._is_due():
            waiting = self._inbox.looked_whole(waiting, self._beat(requests, named=named))
        elif not waiting and not self._is_stalled():
            self._round()
        looked = self._look_at(waiting)
        self._ticks.through(self._organisation_id, self._parts.clock.now())
        return TICK_S if looked is None else 0.0

    def _is_crowded(self, waiting: Waiting) -> bool:
        """Whether so many repositories are named that listing them all costs less than reading each."""
        crowd = len(waiting.repository_ids) > self._parts.rules.reads_per_round
        return crowd and (self._last is None or elapsed_s(self._last, self._parts.clock.now()) >= CROWD_S)

    def _look_at(self, waiting: Waiting) -> Report | None:
        """Look at what deliveries name, and show it at once: somebody may be watching."""
        report = self._inbox.look(self._heartbeat, waiting) if waiting else None
        if report is not None:
            self._wants_look = self._wants_look or report.wants_look
            self._parts.store.publish()
        return report

    def _round(self) -> None:
        """Read by id what is due. Where that came to nothing, the same would be due at once again: wait."""
        report = self._heartbeat.round(self._organisation_id)
        self._wants_look = report is not None and report.wants_look
        self._stalled = None
        if report is not None and (report.reason or not any(report.changes.values())):
            now, wait_s = self._parts.clock.now(), self._parts.rules.confirm_spacing_s
            if report.retry_at is not None:
                wait_s = max(wait_s, (report.retry_at - now.at).total_seconds())
            self._stalled = (now, wait_s)

    def _is_stalled(self) -> bool:
        if self._stalled is None:
            return False
        since, wait_s = self._stalled
        return elapsed_s(since, self._parts.clock.now()) < wait_s

    def _requests(self) -> list[int]:
        with self._parts.store.reading() as view:
            return [r.id for r in view.look_requests() if r.organisation_id == self._organisation_id]

    def _is_due(self) -> bool:
        if self._last is None:
            return True
        return elapsed_s(self._last, self._parts.clock.now()) >= self._wait_s

    def _beat(self, requests: Sequence[int], *, named: bool) -> Report:
        asked_by = "person" if requests else "webhook" if named else "interval"
        report = self._heartbeat.beat(self._organisation_id, asked_by, requests)
        self._last = self._parts.clock.now()
        self._wants_look = report.wants_look
        self._wait_s = self._next_wait_s(report)
        if not report.whole:
            self._log(f"{report.login}: {report.reason}")
        return report

    def _next_wait_s(self, report: Report) -> float:
        rules = self._parts.rules
        spread = 1 + rules.jitter * random.uniform(-1, 1)  # noqa: S311 -- spreads load, guards nothing
        wait_s = rules.interval_s * spread
        if report.retry_at is not None:
            until_s = (report.retry_at - self._parts.clock.now().at).total_seconds()
            return max(1.0, until_s)
        return wait_s


class WatchLoop:
    """When the branches of an organisation are looked at: after each look at it, and now and then."""

    def __init__(self, over: Watching, parts: Parts, organisation_id: int) -> None:
        self._over = over
        self._parts = parts
        self._organisation_id = organisation_id
        self._seen = 0
        self._last: Instant | None = None

    def tick(self) -> float:
        """Do what is due; return the seconds until the next tick."""
        now = self._parts.clock.now()
        with self._parts.store.reading() as view:
            looks = view.looks(self._organisation_id, 5)
        newest = next((look.id for look in looks if look.finished_at is not None), 0)
        idle = self._last is not None and elapsed_s(self._last, now) < WATCH_S
        if newest == self._seen and idle:
            return TICK_S
        self._seen, self._last = newest, now
        if self._over.round(self._organisation_id):
            self._parts.store.publish()
        return TICK_S


class WebhookLoop:
    """When webhooks are swept: every few minutes, and at once where GitHub told that one was deleted."""

    def __init__(self, parts: Parts) -> None:
        self._sweep = Sweep(parts)

    def tick(self) -> float:
        """Do what is due; return the seconds until the next tick."""
        for hook in self._sweep.due():
            self._sweep.sweep(hook)
        return TICK_S


class Housekeeping:
    """Ends mutes that expired, and forgets what is of no use any more: looks, sent messages, passes, audit lines."""

    def __init__(self, parts: Parts, lease: Lease) -> None:
        self._parts = parts
        self._lease = lease
        self._pruned: Instant | None = None

    def tick(self) -> float:
        """Do what is due; return the seconds until the next tick."""
        self._unmute()
        now = self._parts.clock.now()
        if self._pruned is None or elapsed_s(self._pruned, now) >= PRUNE_S:
            with self._parts.store.writing(self._lease) as tx:
                tx.prune(now.at - LOOKS_KEPT)
                tx.prune_access(now.at - PASSES_KEPT, now.at - self._parts.audit_kept, now.at - ANSWERS_KEPT)
                tx.prune_deliveries(now.at - BODIES_KEPT, now.at - ROWS_KEPT)
            self._pruned = now
        return 10 * TICK_S

    def _unmute(self) -> None:
        at = self._parts.clock.now().at
        with self._parts.store.reading() as view:
            ended = view.muted_expired(at)
        if not ended:
            return
        with self._parts.store.writing(self._lease) as tx:
            for incident in tx.muted_expired(at):
                saved = tx.save_incident(replace(incident, muted_until=None, muted_by=""))
                kind = Kind.INCIDENT_UNMUTED
                tx.append([incident_event(kind, saved, at, "clock", "the mute ended")])
                notice = incident_notice(kind, saved, at)
                tx.enqueue([notice] if notice else [], self._parts.channels)
