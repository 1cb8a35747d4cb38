"""What monitors are told of an installation: whether its database is in order, and its numbers.

Each scrape is a handful of reads by an index. It changes nothing.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime

from steward.app.parts import Parts
from steward.domain.project import Look
from steward.domain.repository import Budget
from steward.ports import Permanent, Reads, Store, StoreUnavailable

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Measured:
    """The numbers of one moment. Organisations stand by their login; ages are in seconds.

    `incidents` counts those not resolved, by (severity, state); `operations` those not ended, by (kind, state); `ended` are the looks that ended since the
    last time, with the login of their organisation.
    """

    projects: dict[str, int]
    incidents: dict[tuple[str, str], int]
    operations: dict[tuple[str, str], int]
    look_ages_s: dict[str, float]
    deliveries: dict[str, int]
    delivery_lag_s: float
    outbox: dict[str, int]
    budget: Budget
    ended: list[tuple[str, Look]]


class Measures:
    """Measures for one reader, who is told of each look that ends once."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._guard = threading.Lock()
        self._after: int | None = None
        self._running: set[int] = set()

    def begin(self) -> None:
        """Tell from now on of the looks that end; without it, from the first measuring on."""
        with self._guard, self._parts.store.reading() as view:
            self._begin(view)

    def measure(self) -> Measured:
        """Read the numbers of this moment. Raises StoreUnavailable."""
        now = self._parts.clock.now().at
        with self._guard, self._parts.store.reading() as view:
            logins = {organisation.id: organisation.login for organisation in view.organisations()}
            ages = {logins[key]: _age_s(now, at) for key, at in view.whole_look_times().items()}
            counts = view.attention_counts(None, now)
            waiting = view.oldest_waiting_delivery()
            return Measured(
                projects=view.status_counts(),
                incidents={(severity, group.value): n for (group, severity), n in counts.items()},
                operations=view.operation_counts(),
                look_ages_s=ages,
                deliveries=view.delivery_counts(),
                delivery_lag_s=0.0 if waiting is None else _age_s(now, waiting),
                outbox=view.outbox_counts(),
                budget=self._budget(),
                ended=[(logins[look.organisation_id], look) for look in self._ended(view)],
            )

    def _begin(self, view: Reads) -> int:
        if self._after is None:
            self._after = view.newest_look()
        return self._after

    def _ended(self, view: Reads) -> list[Look]:
        """The looks that ended since the last time. A look's id is given when it begins."""
        after = self._begin(view)
        found: list[Look] = []
        while True:
            batch = view.looks_among(after, self._running, BATCH)
            newest = max((look.id for look in batch), default=after)
            self._running = {look.id for look in batch if look.finished_at is None}
            found += [look for look in batch if look.finished_at is not None]
            if newest <= after:
                break
            after = newest
        self._after = after
        return found

    def _budget(self) -> Budget:
        """The rate limit as this process was last told; an empty one where GitHub cannot be spoken to."""
        try:
            return self._parts.forge().budget()
        except Permanent:
            return Budget()


def in_order(store: Store) -> dict[str, bool]:
    """Whether the database answers, and whether its schema is the one that this Steward needs."""
    try:
        with store.reading() as view:
            return {"database": True, "schema": view.schema_is_current()}
    except StoreUnavailable:
        return {"database": False}


def _age_s(now: datetime, at: datetime) -> float:
    return max(0.0, (now - at).total_seconds())
