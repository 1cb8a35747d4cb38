"""What a whole look costs: requests, points, time against fetching the same pages alone, memory."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx

from benchmarks.measure import Result, compare
from benchmarks.serve import serving
from benchmarks.synthetic import BASE, Server
from steward.adapters.clock import SystemClock
from steward.adapters.github import Token, connect, facts
from steward.adapters.store import open_store
from steward.app.connecting import connect as connect_organisations
from steward.app.heartbeat import Heartbeat, Report
from steward.domain.rules import Rules

MEMORY_LIMIT_MB = 250


class Looker:
    """A heartbeat over the real client and the real store."""

    def __init__(
        self, transport: httpx.BaseTransport | None, url: str, threads: int = 8, base: str = BASE
    ) -> None:
        clock = SystemClock()
        self._forge = connect(
            base, credential=Token("ghp_benchmark"), clock=clock, threads=threads, transport=transport
        )
        self._store = open_store(url)
        self._organisation = connect_organisations(self._store, ["acme"], base, clock.now().at)[0]
        lease = self._store.acquire("heartbeat", "benchmark")
        assert lease is not None
        self._heartbeat = Heartbeat(self._store, self._forge, clock, Rules(page_cap=5000), [], lease)

    def look(self) -> Report:
        """One beat."""
        return self._heartbeat.beat(self._organisation.id)


def cost(count: int) -> list[Result]:
    """Requests and points of a first and of a quiet look, per hundred repositories."""
    with tempfile.TemporaryDirectory() as folder:
        looker = Looker(Server(count, keep=True), f"sqlite:///{Path(folder) / 'bench.db'}")
        first, quiet = looker.look(), looker.look()
    hundreds = count / 100
    return [
        Result(
            f"requests per 100 of {count:,}, first look", first.cost.requests / hundreds, 1.0, str(first.cost)
        ),
        Result(
            f"requests per 100 of {count:,}, quiet look", quiet.cost.requests / hundreds, 1.0, str(quiet.cost)
        ),
        Result(
            f"points per 100 of {count:,}, quiet look", quiet.cost.points / hundreds, 0.0, str(quiet.cost)
        ),
    ]


def whole_look(count: int) -> Result:
    """A steady whole look (every page sent anew) against fetching and parsing the same pages alone.

    Both over real sockets, with the same HTTP client, one request at a time.
    """
    with serving(count) as base, tempfile.TemporaryDirectory() as folder:
        looker = Looker(None, f"sqlite:///{Path(folder) / 'bench.db'}", threads=1, base=base)
        looker.look()
        with httpx.Client(base_url=base) as client:

            def fetch_alone() -> None:
                for number in range(1, -(-count // 100) + 1):
                    answer = client.get("/organizations/7/repos", params={"per_page": 100, "page": number})
                    facts.read_page(answer.content)

            return compare(f"whole look at {count:,} against fetch and parse", looker.look, fetch_alone, 1.5)


def memory(count: int) -> Result:
    """Peak memory of a process of its own that imports an organisation and looks at it again."""
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.looks", str(count)], capture_output=True, text=True, check=True
    )
    peak_mb = float(ran.stdout)
    return Result(
        f"peak memory at {count:,}, of {MEMORY_LIMIT_MB} MB",
        peak_mb / MEMORY_LIMIT_MB,
        1.0,
        f"{peak_mb:.0f} MB",
    )


def main() -> None:
    """The process that `memory` measures."""
    count = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        looker = Looker(Server(count, keep=False), f"sqlite:///{Path(folder) / 'bench.db'}")
        assert looker.look().changes["discovered"] == count
        looker.look()
    print(peak_mb())


def peak_mb() -> float:
    """The most memory that this process ever had; what it was before it became this program is left out."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
