"""The sweep: asks GitHub how each webhook of ours stands, and which of its deliveries never arrived.

What was missed goes into the inbox as if it had been delivered, so that an outage costs minutes and no truth.
GitHub lists deliveries for three days; what is older, polling has healed long before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from steward.app.filing import file_reports
from steward.app.inbox import take_in
from steward.app.parts import Parts
from steward.domain.deliveries import (
    LISTED,
    Delivery,
    Hook,
    Sent,
    Told,
    health,
    trouble,
)
from steward.domain.incidents import Cause, Report
from steward.domain.reports import Seen, cleared
from steward.ports import Permanent, Transient, Writes

ACTOR: Final = "sweep"
SWEEP_S: Final = 300.0
OVERLAP: Final = timedelta(minutes=10)
"""How far a sweep goes back behind the one before it: a delivery is listed when it was tried, not when it is made."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What came of sweeping one hook: how many deliveries GitHub listed, how many were missing here."""

    hook: Hook
    listed: int = 0
    healed: int = 0
    reason: str = ""


class Sweep:
    """Sweeps the hooks that are registered. It looks at no repository; the inbox has that done."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def due(self) -> list[Hook]:
        """The hooks that were not asked about for a while, or that are to be asked about at once."""
        now = self._parts.clock.now().at
        limit = now - timedelta(seconds=SWEEP_S)
        with self._parts.store.reading() as view:
            return [
                hook for hook in view.hooks() if hook.checked_at is None or not limit < hook.checked_at <= now
            ]

    def sweep(self, hook: Hook) -> Swept:
        """Sweep one; what GitHub did is in the result. Raises StoreUnavailable."""
        with self._parts.store.reading() as view:
            login = view.organisation(hook.organisation_id).login
        now = self._parts.clock.now().at
        since = max(now - LISTED, (hook.swept_at or hook.registered_at) - OVERLAP)
        try:
            forge = self._parts.forge_hooks()
            told = next((one for one in forge.hooks(login) if one.id == hook.id), None)
            sent = forge.deliveries(login, hook.id, since) if told else []
        except (Transient, Permanent) as error:
            return self._unknown(hook, error, now)
        return self._apply(hook, told, sent, now)

    def _unknown(self, hook: Hook, error: Transient | Permanent, now: datetime) -> Swept:
        """GitHub could not be asked. That it refuses us is the hook's trouble; that it does not answer is not."""
        failure = error.reason if isinstance(error, Permanent) else hook.failure
        with self._parts.store.writing() as tx:
            known = tx.hook(hook.id) or hook
            hook = replace(known, checked_at=now, failure=failure)
            tx.save_hook(hook)
            self._report(tx, hook, now)
        self._parts.store.publish()
        return Swept(hook, reason=str(error))

    def _apply(self, hook: Hook, told: Told | None, sent: Sequence[Sent], now: datetime) -> Swept:
        with self._parts.store.writing() as tx:
            known = tx.hook(hook.id) or hook
            missed = {one.guid: one for one in sent}
            for guid in tx.known_guids(hook.id, list(missed)):
                del missed[guid]
            rows = [_found(one, known, now) for one in sorted(missed.values(), key=lambda one: one.id)]
            healed = sum(take_in(tx, rows, self._parts.server))
            hook = replace(
                known,
                url=told.url if told else known.url,
                events=told.events if told else known.events,
                active=told.active if told else False,
                checked_at=now,
                swept_at=now if told else known.swept_at,
                swept_to=max([known.swept_to, *(one.id for one in sent)]),
                failure=trouble(told, sent),
            )
            tx.save_hook(hook)
            self._report(tx, hook, now)
        self._parts.store.publish()
        if healed:
            self._parts.bell.ring()
        return Swept(hook, len(sent), healed)

    def _report(self, tx: Writes, hook: Hook, now: datetime) -> None:
        """Open, count or close the incident of a hook that fails."""
        found = health(hook, tx.newest_deliveries().get(hook.id), now)
        if found.state == "waiting":
            return
        looks = tx.looks(hook.organisation_id, 1)
        look = looks[0].id if looks else 0
        seen = Seen(hook.organisation_id, look, self._parts.clock.now())
        key = f"webhook_failing:{hook.id}"
        report = cleared(key, seen, "deliveries arrive again")
        if found.state == "failing":
            login = tx.organisation(hook.organisation_id).login
            report = Report(
                key=key,
                cause=Cause.WEBHOOK_FAILING,
                look=look,
                stands=True,
                title=f"{login}: the webhook fails; changes are seen by polling alone",
                organisation_id=hook.organisation_id,
                evidence={
                    "reason": found.reason,
                    "hook_id": hook.id,
                    "url": hook.url,
                    "last_delivery_at": found.last_at.isoformat() if found.last_at else None,
                },
            )
        file_reports(tx, [report], now, ACTOR, self._parts.channels)


def _found(one: Sent, hook: Hook, now: datetime) -> Delivery:
    """A delivery that GitHub lists and that never arrived. The list names what is needed; no body is fetched."""
    return Delivery(
        hook.id,
        one.guid,
        one.event,
        now,
        action=one.action,
        organisation_id=hook.organisation_id,
        repository_id=one.repository_id,
        source="sweep",
    )
