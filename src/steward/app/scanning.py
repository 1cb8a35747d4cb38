"""Scans repositories for what they need: one after the other, two at a time at most, within the rate limit."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

from steward.app.filing import told
from steward.app.operations.context import project_by_id
from steward.app.operations.ending import make_move, now_seen
from steward.app.surveying import SEEN, Surveying, facts_of, scan_json
from steward.domain.guards import Guard
from steward.domain.hands import PREFIX
from steward.domain.journal import Event, Kind
from steward.domain.lifecycle import Who
from steward.domain.needs import Scan
from steward.domain.project import Management, Project
from steward.domain.repository import Presence, Repository
from steward.domain.setup import examine, needed
from steward.domain.status import Status, Trigger
from steward.ports import Clock, ForgeRead, Permanent, Store, Transient, Writes
from steward.ports.hands import ScanRecord

ACTOR: Final = "scan"
AT_ONCE: Final = 2
"""How many repositories are scanned at once."""
TRIES_MAX: Final = 3
"""How often a scan is tried that may work later."""
PAUSE_S: Final = 30.0
"""Before the next try; longer with each."""
IDLE_S: Final = 0.5
WAITING: Final = "scan.waiting"
"""The setting that says until when scans wait for the rate limit; None while they do not."""
OVER: Final = frozenset({Status.ARCHIVED, Status.MISSING})
"""Where there is nothing to scan."""


class Stopped(Exception):
    """The process is asked to end."""


def ask_scan(tx: Writes, project: Project, asked_by: str, at: datetime) -> ScanRecord:
    """Queue a scan in the caller's transaction; one that waits already stays where it is in the line."""
    last = tx.scan(project.id)
    if last is not None and last.state == "queued":
        return last
    fresh = ScanRecord(project.id, project.organisation_id, "queued", asked_by, at)
    if last is not None:
        fresh = replace(fresh, commit=last.commit, done_at=last.done_at, result=last.result)
    tx.save_scan(fresh)
    return fresh


@dataclass(slots=True)
class Scanning:
    """The loop. Any number of threads may tick; at most AT_ONCE scan. One process has it, under the lease."""

    store: Store
    clock: Clock
    tools: Surveying
    observer: ForgeRead
    later: dict[str, datetime] = field(default_factory=dict)
    _at_work: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _begun: bool = False

    def tick(self) -> float:
        """Scan one repository that waits for it; the seconds until the next tick."""
        with self._lock:
            self._begin()
            if len(self._at_work) >= AT_ONCE:
                return IDLE_S
            record = self._next()
            if record is None:
                return IDLE_S
            if (wait_s := self._budget_wait_s()) > 0:
                return wait_s
            self._at_work.add(record.project_id)
        try:
            self._scan(record)
        finally:
            with self._lock:
                self._at_work.discard(record.project_id)
        return 0.0

    def _begin(self) -> None:
        """Take up what a dead process was scanning, and remove what it left on disk. Once."""
        if self._begun:
            return
        shutil.rmtree(self.tools.workdir, ignore_errors=True)
        with self.store.reading() as view:
            left = view.scans(["running"], 10_000)
        if left:
            with told(self.store) as tx:
                for one in left:
                    record = tx.scan(one.project_id)
                    if record is not None and record.state == "running":
                        tx.save_scan(replace(record, state="queued"))
        self._begun = True

    def _next(self) -> ScanRecord | None:
        now = self.clock.now().at
        with self.store.reading() as view:
            for record in view.scans(["queued"], 100 + len(self.later)):
                free = record.project_id not in self._at_work
                if free and self.later.get(record.project_id, now) <= now:
                    return record
        return None

    def _budget_wait_s(self) -> float:
        """How long to wait for the rate limit; it is told to people while that is so."""
        budget, now = self.observer.budget(), self.clock.now().at
        until = None
        if budget.remaining is not None and budget.remaining <= self.tools.reserve * (budget.limit or 0):
            reset = budget.reset_at or now + timedelta(seconds=60)
            until = reset if reset > now else None
        self._tell_waiting(until)
        # The reserve is asked about again before the reset: another credential's answer may have come.
        return min(60.0, max(1.0, (until - now).total_seconds())) if until else 0.0

    def _tell_waiting(self, until: datetime | None) -> None:
        words = until.isoformat() if until else None
        with self.store.reading() as view:
            told_before = view.setting(WAITING)
        if told_before != words:
            with self.store.writing() as tx:
                tx.set_setting(WAITING, words)

    def _scan(self, record: ScanRecord) -> None:
        """One scan, from claim to result. Whatever happens is written down; the tree is deleted."""
        with told(self.store) as tx:
            found = tx.scan(record.project_id)
            if found is None or found.state != "queued":
                return
            record = replace(found, state="running", attempts=found.attempts + 1)
            tx.save_scan(record)
        folder = self.tools.workdir / token_hex(8)
        try:
            repository = self._repository(record)
            scan, seen = self._read(repository, folder)
        except Stopped:
            self._again(record, counted=False)
        except Transient as error:
            self._later(record, error)
        except Permanent as error:
            self._failed(record, error.reason, error.advice)
        except Exception as error:  # noqa: BLE001 - one bad repository must not end the scans of all others
            self._failed(record, f"the scan broke off ({type(error).__name__})", "Have it scanned again.")
        else:
            self._done(record, repository, scan, seen)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _repository(self, record: ScanRecord) -> Repository:
        with self.store.reading() as view:
            project = project_by_id(view, record.project_id)
            found = view.tracked([project.repository_id]) if project and project.repository_id else []
        if project is None or not found or project.status in OVER:
            raise Permanent("the project has no repository to be scanned", "See where it stands.")
        if found[0].repository.presence is not Presence.SEEN:
            name = found[0].repository.repo.full_name
            raise Permanent(
                f"{name} is not seen on GitHub any more", "Restore it, then have it scanned again."
            )
        return found[0].repository

    def _read(self, row: Repository, folder: Path) -> tuple[Scan, dict[str, Any]]:
        """The scan of the tip, and what was seen of the tip itself. An empty repository needs nothing."""
        forge, branch = self.tools.forge(), row.repo.default_branch or "main"
        tip = forge.heads(row.repo.id, branch, PREFIX).default
        if tip is None:
            return Scan(""), {"tip": "", "colour": None}
        address, token = forge.source(row.repo.id)
        folder.mkdir(parents=True, mode=0o700)
        commit = self.tools.trees.tree(address, token, tip, folder, self.tools.bounds)
        scan = self.tools.scanner.scan(folder, commit, self.tools.bounds, self._heard)
        colour, _found = self.tools.colour(row.repo.id, commit, self.clock)
        return scan, {"tip": commit, "colour": colour.value if colour else None}

    def _heard(self, _text: str) -> None:
        """Raise Stopped where the process is to end: what it has read so far is read again at the next start."""
        if self.clock.wait(0):
            raise Stopped

    def _later(self, record: ScanRecord, error: Transient) -> None:
        if record.attempts >= TRIES_MAX and error.retry_at is None:
            self._failed(record, error.reason, "Have it scanned again.")
            return
        now = self.clock.now().at
        self.later[record.project_id] = error.retry_at or now + timedelta(seconds=PAUSE_S * record.attempts)
        self._again(record, counted=error.retry_at is None, why=error.reason)

    def _again(self, record: ScanRecord, *, counted: bool, why: str = "") -> None:
        attempts = record.attempts - (0 if counted else 1)
        with told(self.store) as tx:
            tx.save_scan(replace(record, state="queued", attempts=attempts, reason=why))

    def _failed(self, record: ScanRecord, reason: str, advice: str) -> None:
        self.later.pop(record.project_id, None)
        now = self.clock.now().at
        with told(self.store) as tx:
            asked = tx.scan(record.project_id)
            if asked is not None and asked.asked_at == record.asked_at:
                ended = replace(record, state="failed", reason=reason[:500], advice=advice[:500], done_at=now)
                tx.save_scan(ended)
            project = project_by_id(tx, record.project_id)
            if project is not None:
                tx.append([_event(project, now, reason[:500], {"outcome": "failed"})])

    def _done(self, record: ScanRecord, row: Repository, scan: Scan, seen: dict[str, Any]) -> None:
        """Store the result, tell of it, and take the project in where that was asked for, in one transaction."""
        self.later.pop(record.project_id, None)
        now = self.clock.now()
        done = replace(
            record,
            state="done",
            reason="",
            advice="",
            commit=scan.commit,
            done_at=now.at,
            result={**scan_json(scan), SEEN: seen},
        )
        with told(self.store) as tx:
            project = project_by_id(tx, record.project_id)
            asked = tx.scan(record.project_id)
            if project is None or asked is None or project.repository_id != row.repo.id:
                return
            if asked.asked_at != record.asked_at:
                # Somebody asked anew meanwhile: the result stands until that scan is done.
                tx.save_scan(replace(done, state="queued", asked_by=asked.asked_by, asked_at=asked.asked_at))
            else:
                tx.save_scan(done)
            setup = examine(facts_of(tx, project, done))
            data = {
                "outcome": "done",
                "commit": scan.commit,
                "needs": len(scan.needs),
                "required": len(needed(scan)),
                "missing": len(setup.missing),
                "self_deploys": bool(scan.self_deploys),
            }
            tx.append([_event(project, now.at, "", data)])
            wanted = project.management is Management.DRIVE and project.status is Status.DISCOVERED
            if wanted and setup.missing:
                words = f"{len(setup.missing)} of what it needs is not known yet"
                looked = now_seen(tx, project.organisation_id, now)
                proofs = frozenset({Guard.SETUP_INCOMPLETE})
                make_move(tx, project, Trigger.TAKEN_IN, proofs, words, looked, Who.PERSON, record.asked_by)


def _event(project: Project, at: datetime, why: str, data: dict[str, Any]) -> Event:
    return Event(Kind.PROJECT_SCANNED, at, ACTOR, project.id, project.organisation_id, why, data)
