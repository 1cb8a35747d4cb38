"""Timing that is fair: the two sides take turns, and the best of each is compared."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the report. `limit` is what the ratio must not exceed (None: told for information)."""

    name: str
    ratio: float
    limit: float | None
    detail: str

    @property
    def ok(self) -> bool:
        """Whether the limit holds."""
        return self.limit is None or self.ratio <= self.limit


def compare(
    name: str, ours: Callable[[], object], floor: Callable[[], object], limit: float | None, times: int = 5
) -> Result:
    """Run both in turns `times` times and compare their best."""
    best = [float("inf"), float("inf")]
    for _ in range(times):
        for side, call in enumerate((ours, floor)):
            gc.collect()
            began = time.perf_counter()
            call()
            best[side] = min(best[side], time.perf_counter() - began)
    detail = f"{best[0] * 1e3:.1f} ms against {best[1] * 1e3:.1f} ms"
    return Result(name, best[0] / best[1], limit, detail)
