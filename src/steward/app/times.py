"""How long projects stand in each status: now, and by the moves of the last thirty days."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import Final

from steward.app.filters import Filter
from steward.app.views import Json, stamp
from steward.domain.people import Principal, Right
from steward.domain.status import Status
from steward.ports import Clock, Left, Store

WINDOW_DAYS: Final = 30
WAYS_MAX: Final = 2


@dataclass(frozen=True, slots=True)
class Times:
    """Times in status, of the projects that one principal may see. Nothing is kept; the cost is that of the moves."""

    store: Store
    clock: Clock
    by: Principal

    def table(self) -> Json:
        """Per status, in the order of a project's life: `{status, phase, now, left, median_s, p95_s, leaves}`.

        `now` projects are in it (ignored ones are not counted), `left` it in the window; median and p95 of
        how long those had been in it, None where none left; `leaves`: by what most did, `{trigger, to,
        who, count}`.
        """
        at = self.clock.now().at
        since = at - timedelta(days=WINDOW_DAYS)
        everything = Filter(status=tuple(status.value for status in Status))
        with self.store.reading() as view:
            tallies = view.tallies(everything.query(view, self.by, at), at)
            moves = view.moves(since, self.by.organisations(Right.READ))
        now: Counter[str] = Counter()
        for tally in tallies:
            now[tally.status] += tally.number
        left: dict[str, list[Left]] = defaultdict(list)
        for move in moves:
            left[move.status].append(move)
        return {
            "since": stamp(since),
            "days": WINDOW_DAYS,
            "statuses": [
                {
                    "status": status.value,
                    "phase": status.phase.value,
                    "now": now[status],
                    **_lasted(left[status]),
                }
                for status in Status
            ],
        }


def _lasted(moves: Sequence[Left]) -> Json:
    lengths_s = sorted(move.lasted_s for move in moves)
    ways = Counter((move.trigger, move.target, move.who) for move in moves)
    return {
        "left": len(moves),
        "median_s": share(lengths_s, 0.5),
        "p95_s": share(lengths_s, 0.95),
        "leaves": [
            {"trigger": trigger, "to": target, "who": who, "count": count}
            for (trigger, target, who), count in ways.most_common(WAYS_MAX)
        ],
    }


def share(ordered: Sequence[float], part: float) -> float | None:
    """The smallest of these, in rising order, that at least this part of them does not exceed (nearest rank)."""
    return ordered[max(0, ceil(part * len(ordered)) - 1)] if ordered else None
