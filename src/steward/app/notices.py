"""The notices on their way: over which channels, how many in which state, and those that were given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from steward.app.views import Json, stamp
from steward.domain.journal import Outgoing
from steward.domain.people import Principal, Right
from steward.ports import Store

SHOWN_MAX: Final = 50
STATES: Final = ("pending", "sending", "uncertain", "sent", "failed")


@dataclass(frozen=True, slots=True)
class Notices:
    """The outbox, for one principal. `channels` are the configured ones; their addresses are told nobody."""

    store: Store
    channels: Sequence[str]
    by: Principal

    def status(self) -> Json:
        """Channels and counts; what was given up or is uncertain for who may read every organisation."""
        with self.store.reading() as view:
            counts = view.outbox_counts()
            troubled = []
            if self.by.may(Right.READ):
                troubled = view.outbox(["failed", "uncertain"], SHOWN_MAX)
        return {
            "channels": list(self.channels),
            "counts": {state: counts.get(state, 0) for state in STATES},
            "troubled": [outgoing_view(row) for row in troubled],
        }


def outgoing_view(row: Outgoing) -> Json:
    """One notice on its way through one channel."""
    return {
        "at": stamp(row.notice.at),
        "channel": row.channel,
        "title": row.notice.title,
        "severity": row.notice.severity,
        "incident_id": row.notice.incident_id,
        "state": row.state,
        "attempts": row.attempts,
        "next_at": stamp(row.next_at),
        "reason": row.error or None,
    }
