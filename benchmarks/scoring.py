"""Counting the readiness of a large installation, against counting that of a tenth of it: it grows in step."""

from __future__ import annotations

import time
from typing import Final

from benchmarks.board import fill
from benchmarks.measure import Result
from steward.adapters.store import open_store
from steward.app.judging import judge
from steward.app.scoring import Scoring
from steward.testing.world import World

GROWTH_LIMIT: Final = 1.5
"""How much more one project may cost where there are ten times as many."""


def scoring(count: int) -> Result:
    """The cost of one project's score among `count` of them, against that among a tenth."""
    few, many = _seconds(count // 10), _seconds(count)
    detail = f"{count:,} projects in {many:.2f} s, {count // 10:,} in {few:.2f} s"
    return Result(f"a score among {count:,} against one among a tenth", many / few / 10, GROWTH_LIMIT, detail)


def _seconds(count: int) -> float:
    store = open_store("sqlite://")
    world = World(store)
    fill(world, count)
    loop = Scoring(store, world.clock, judge(world.app), world.lease)
    began = time.perf_counter()
    while loop.tick() == 0.0:
        pass
    took = time.perf_counter() - began
    store.close()
    return took
