"""Notices a database that was put back by other means than `steward db restore`: a file copied, a server restored."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from steward.app.marking import mark_restored
from steward.app.parts import Parts
from steward.domain.instant import Instant, elapsed_s
from steward.domain.restored import DATABASE_ID
from steward.ports import Lease, Reads, StoreUnavailable

KEEP_S: Final = 5.0
"""How often the high-water mark is written: a loss of less than that is not noticed."""
WAIT_S: Final = 1.0


def notice_restored(parts: Parts, log: Callable[[str], None], lease: Lease | None = None) -> bool:
    """At the start of whatever acts: whether the database was put back, by other means than `steward db restore`.

    It is frozen and marked then. A database without an id is given one.
    """
    if parts.high_water is None:
        return False
    with parts.store.reading() as view:
        own = view.setting(DATABASE_ID)
    if not isinstance(own, str):
        with parts.store.writing(lease) as tx:
            if not isinstance(tx.setting(DATABASE_ID), str):
                tx.set_setting(DATABASE_ID, secrets.token_hex(16))
        return False
    # What a process that died had written is counted too.
    parts.store.publish()
    water = parts.high_water.read()
    with parts.store.writing(lease) as tx:
        position = tx.last_position()
        if tx.setting(DATABASE_ID) != own or not water.is_behind(own, position):
            return False
        mark_restored(tx, parts.clock.now().at, "high-water mark", _newest(tx))
    parts.store.publish()
    log(
        f"the database was put back: its history ends at event {position}, and was at event "
        f"{water.lives[own]} before. Everything is frozen; see `steward db plan`"
    )
    return True


def _newest(view: Reads) -> datetime | None:
    events = view.events(before=view.last_position() + 1, limit=1)
    return events[-1].at if events else None


@dataclass(slots=True)
class WaterLoop:
    """Keeps the high-water mark up to date, for the holder of the lease."""

    parts: Parts
    log: Callable[[str], None]
    kept: Instant | None = None
    failed: bool = False

    def tick(self) -> float:
        """Write it where that is due; return the seconds until the next tick."""
        now = self.parts.clock.now()
        mark = self.parts.high_water
        if mark is None or (self.kept is not None and elapsed_s(self.kept, now) < KEEP_S):
            return WAIT_S
        self.kept = now
        with self.parts.store.reading() as view:
            own, position = view.setting(DATABASE_ID), view.last_position()
        known = mark.read()
        reached = known.reached(str(own), position)
        if reached != known:
            try:
                mark.write(reached)
                self.failed = False
            except StoreUnavailable as error:
                # A full disk must not stop what does not need it; it is said once.
                if not self.failed:
                    self.log(error.reason)
                self.failed = True
        return WAIT_S
