"""Sends what the outbox holds: at least once, each row with its key, every outcome recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from steward.domain.journal import Outgoing
from steward.ports import Clock, Lease, Notifier, Permanent, Store, Transient, Unreachable

ATTEMPTS_MAX = 10
CLAIM_S = 120.0
"""After this long, a send that never reported back (its process died) is tried again."""
BACKOFF_S = (5, 15, 60, 300, 900, 1800, 3600, 3600, 3600)


class Outbox:
    """Delivers outbox rows through the notifiers, by channel."""

    def __init__(self, store: Store, notifiers: Sequence[Notifier], clock: Clock) -> None:
        self._store = store
        self._notifiers = {notifier.channel: notifier for notifier in notifiers}
        self._clock = clock

    def deliver(self, lease: Lease, limit: int = 50) -> int:
        """Try every row that is due, at most `limit`; return how many were sent."""
        with self._store.reading() as view:
            due = view.outbox_due(self._clock.now().at, limit)
        return sum(self._deliver_one(row, lease) for row in due)

    def _deliver_one(self, row: Outgoing, lease: Lease) -> bool:
        notifier = self._notifiers.get(row.channel)
        if notifier is None:
            gone = "this channel is not configured any more"
            self._save(replace(row, state="failed", error=gone), lease)
            return False
        now = self._clock.now().at
        claimed = replace(
            row,
            state="sending",
            attempts=row.attempts + 1,
            next_at=now + timedelta(seconds=CLAIM_S),
        )
        self._save(claimed, lease)
        outcome = self._send(notifier, claimed)
        self._save(outcome, lease)
        return outcome.state == "sent"

    def _send(self, notifier: Notifier, row: Outgoing) -> Outgoing:
        try:
            notifier.send(row.key, row.notice)
        except Transient as error:
            uncertain = isinstance(error, Unreachable)
            return self._again(row, error, "uncertain" if uncertain else "pending")
        except Permanent as error:
            return replace(row, state="failed", error=str(error))
        return replace(row, state="sent", next_at=None, error="")

    def _again(self, row: Outgoing, error: Transient, state: str) -> Outgoing:
        if row.attempts >= ATTEMPTS_MAX:
            return replace(row, state="failed", error=error.reason)
        return replace(row, state=state, next_at=self._next(row, error), error=error.reason)

    def _next(self, row: Outgoing, error: Transient) -> datetime:
        wait_s = BACKOFF_S[min(row.attempts, len(BACKOFF_S)) - 1]
        at = self._clock.now().at + timedelta(seconds=wait_s)
        return max(at, error.retry_at) if error.retry_at else at

    def _save(self, row: Outgoing, lease: Lease) -> None:
        with self._store.writing(lease) as tx:
            tx.save_outgoing(row)
