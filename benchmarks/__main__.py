"""Run every measurement and print one table; exit 1 where a limit does not hold.

`python -m benchmarks` measures at 1,000, 10,000 and 100,000 repositories; other sizes may be named.
"""

from __future__ import annotations

import sys

from benchmarks import board, chats, engine, live, looks, receiver, reconcile, road, scan, scoring, start
from benchmarks.measure import Result


def main() -> int:
    """Measure, print, judge."""
    sizes = [int(size) for size in sys.argv[1:]] or [1_000, 10_000, 100_000]
    results: list[Result] = []

    def tell(*new: Result) -> None:
        for result in new:
            limit = f"<= {result.limit:g}" if result.limit is not None else ""
            mark = "ok" if result.ok else "TOO MUCH"
            print(f"{result.name:58} {result.ratio:8.2f}x {limit:8} {mark:9} {result.detail}", flush=True)
        results.extend(new)

    steady = reconcile.steady(sizes)
    tell(*steady)
    tell(*growth(steady, sizes))
    tell(*looks.cost(max(s for s in sizes if s <= 10_000)))
    tell(looks.whole_look(max(s for s in sizes if s <= 10_000)))
    tell(looks.memory(max(sizes)))
    tell(start.start())
    tell(scan.scanning())
    tell(*board.board(max(s for s in sizes if s <= 10_000)))
    tell(scoring.scoring(max(s for s in sizes if s <= 10_000)))
    tell(*chats.following())
    for measured in receiver.receiving():
        tell(measured)
    for measured in live.live():
        tell(measured)
    for measured in engine.engine():
        tell(measured)
    for measured in road.walked():
        tell(measured)
    return 0 if all(result.ok for result in results) else 1


def growth(steady: list[Result], sizes: list[int]) -> list[Result]:
    """How the ratio to the floor, which itself grows in step with N, changes from the smallest size on."""
    return [
        Result(
            f"growth of that ratio from {sizes[0]:,} to {sizes[-1]:,}, {kind}",
            last.ratio / first.ratio,
            1.5,
            "",
        )
        for kind, first, last in (
            ("SQLite", steady[0], steady[-4]),
            ("PostgreSQL", steady[2], steady[-2]),
        )
    ]


if __name__ == "__main__":
    raise SystemExit(main())
