"""Looks whether what is live still lives: several failures in a row are an incident, the first success closes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from steward.app.filing import file_reports, told
from steward.app.operations.context import project_by_id
from steward.app.operations.ending import make_move, now_seen
from steward.domain.guards import Guard
from steward.domain.incidents import Cause, Report, Severity
from steward.domain.instant import Instant, elapsed_s
from steward.domain.journal import Event, Kind
from steward.domain.life import BAD_IN_A_ROW, TLS_URGENT_DAYS, TLS_WARNING_DAYS
from steward.domain.lifecycle import Who
from steward.domain.operations import Work
from steward.domain.project import Project
from steward.domain.reports import Seen, cleared, stands
from steward.domain.spec import Proof, Release
from steward.domain.status import Status, Trigger
from steward.ports import Clock, Store, Writes
from steward.ports.building import Probe, Sign

ACTOR: Final = "health check"
EVERY_S: Final = 20.0
"""Between two looks at one release."""
SWITCHING: Final = frozenset({Work.DEPLOY, Work.ROLLBACK, Work.REVERT})
"""The operations that change what serves."""
LOOK_S: Final = 5.0
"""How long a release may take to answer."""


def down_key(project_id: str) -> str:
    """The incident of a release that does not answer."""
    return f"site_down:{project_id}"


def tls_key(project_id: str) -> str:
    """The incident of a certificate that ends soon."""
    return f"tls:{project_id}"


@dataclass(slots=True)
class Health:
    """Looks at every live release in turn. What failed how often in a row is held in memory: a restart counts anew."""

    store: Store
    clock: Clock
    probe: Probe
    channels: Sequence[str]
    looked: dict[str, Instant] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)

    def tick(self) -> None:
        """Look at the release that was not looked at for longest, if that is long enough ago."""
        with self.store.reading() as view:
            live = view.live_releases()
        now = self.clock.now()
        due = [one for one in live if self._age_s(one, now) >= EVERY_S]
        if not due:
            return
        release = max(due, key=lambda one: self._age_s(one, now))
        self.looked[release.project_id] = now
        with self.store.reading() as view:
            spec = view.spec(release.project_id)
            running = view.open_operation(release.project_id)
        if running is not None and running.kind in SWITCHING:
            # What serves is being changed: which commit answers says nothing now.
            self.failures.pop(release.project_id, None)
            return
        proof = replace(spec.proof if spec else Proof(), kind=release.proof)
        sign = self.probe.look(release.url, proof, release.commit, LOOK_S)
        count = 0 if sign.alive else self.failures.get(release.project_id, 0) + 1
        self.failures[release.project_id] = count
        if sign.alive or count >= BAD_IN_A_ROW:
            self._tell(release, sign)

    def _age_s(self, release: Release, now: Instant) -> float:
        looked = self.looked.get(release.project_id)
        return float("inf") if looked is None else elapsed_s(looked, now)

    def _tell(self, release: Release, sign: Sign) -> None:
        """Write what changed; a look that changes nothing writes nothing."""
        health = "healthy" if sign.alive else "down"
        with self.store.reading() as view:
            down = view.latest_incidents({down_key(release.project_id)}).get(down_key(release.project_id))
        stood = down is not None and down.state != "resolved"
        if release.health == health and stood == (not sign.alive) and sign.tls_days_left is None:
            return
        with told(self.store) as tx:
            project = project_by_id(tx, release.project_id)
            fresh = next((one for one in tx.live_releases() if one.project_id == release.project_id), None)
            if project is None or fresh is None or fresh.commit != release.commit:
                return
            seen = now_seen(tx, project.organisation_id, self.clock.now())
            if fresh.health != health:
                project = self._changed(tx, project, fresh, health, sign, seen)
            if sign.alive:
                project = self._recovered(tx, project, seen)
            reports = [self._down(project, release, sign, seen), self._expiry(project, release, sign, seen)]
            news = [replace(one, now=True) for one in reports if one]
            file_reports(tx, news, seen.at, ACTOR, self.channels)

    def _changed(
        self, tx: Writes, project: Project, release: Release, health: str, sign: Sign, seen: Seen
    ) -> Project:
        tx.save_release(replace(release, health=health, checked_at=seen.at))
        live = {**(project.live or {}), "health": health}
        project = tx.save_project(replace(project, live=live), seen.at)
        data = {"from": release.health, "to": health}
        kind = Kind.PROJECT_HEALTH
        tx.append([Event(kind, seen.at, ACTOR, project.id, project.organisation_id, sign.detail, data)])
        if health == "down" and project.status is Status.ACTIVE:
            proofs = frozenset({Guard.CAUSE_KNOWN})
            why = sign.detail or "it does not answer"
            return make_move(tx, project, Trigger.FAILED, proofs, why, seen, Who.HEALTH_CHECK, ACTOR)
        return project

    def _recovered(self, tx: Writes, project: Project, seen: Seen) -> Project:
        """It lives: an error of the live project is over, whoever mended it (a rollback did, perhaps)."""
        if project.status is not Status.ERROR or project.interrupted[-1:] != (Status.ACTIVE,):
            return project
        proofs = frozenset({Guard.CAUSE_GONE})
        return make_move(
            tx, project, Trigger.RESOLVED, proofs, "it answers again", seen, Who.HEALTH_CHECK, ACTOR
        )

    def _down(self, project: Project, release: Release, sign: Sign, seen: Seen) -> Report:
        if sign.alive:
            return cleared(down_key(project.id), seen, "it answers again")
        title = f"{project.slug}: {release.url} does not live: {sign.detail}"
        evidence = {"url": release.url, "commit": release.commit, "reason": sign.detail}
        return stands(
            down_key(project.id), Cause.SITE_DOWN, project, seen, Severity.CRITICAL, title[:300], evidence
        )

    def _expiry(self, project: Project, release: Release, sign: Sign, seen: Seen) -> Report | None:
        days = sign.tls_days_left
        if days is None:
            return None
        if days > TLS_WARNING_DAYS:
            return cleared(tls_key(project.id), seen, "the certificate was renewed")
        severity = Severity.ERROR if days <= TLS_URGENT_DAYS else Severity.WARNING
        title = f"{project.slug}: the certificate of {release.url} ends in {days:.0f} days"
        evidence = {"url": release.url, "days_left": round(days, 1)}
        return stands(tls_key(project.id), Cause.TLS_EXPIRING, project, seen, severity, title, evidence)
