"""The receiver of webhooks over a socket: its throughput against the same server without the insert, its p99.

The server runs in a process of its own; the load comes from this one over kept connections, its requests written
beforehand. A signature does not cover the headers, so that one body serves with a new GUID each time.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from statistics import quantiles
from typing import Final

import msgspec

from benchmarks.measure import Result
from steward.app.receiving import Receiver
from steward.domain.deliveries import Delivery
from steward.testing import postgres

SECRET: Final = "a secret of sixteen characters and more"
LINKS: Final = (
    "keys",
    "collaborators",
    "teams",
    "hooks",
    "issue_events",
    "events",
    "assignees",
    "branches",
    "tags",
)
BODY: Final = msgspec.json.encode(
    {
        "action": "edited",
        "repository": {
            "id": 5,
            **{
                f"{link}_url_{n}": f"https://api.github.com/repos/acme/shop/{link}/{hashlib.sha256(link.encode() + bytes([n])).hexdigest()}"
                for link in LINKS
                for n in range(8)
            },
        },
    }
)
"""About as large as GitHub's own payloads, of addresses as they are: the median of its examples is 8 kB."""
CONNECTIONS: Final = 32
RATE: Final = 300
LIMIT_MS: Final = 100.0
SHARE_MIN: Final = 0.3
_numbers = count(1)


def receiving(requests: int = 4000, seconds: float = 30.0) -> Iterator[Result]:
    """Throughput and p99 on both databases; the limits are SQLite's."""
    with tempfile.TemporaryDirectory() as folder, postgres.server() as server:
        urls = {"SQLite": f"sqlite:///{folder}/steward.db", "PostgreSQL": postgres.fresh_database(server)}
        for name, url in urls.items():
            limited = name == "SQLite"
            yield _throughput(name, url, requests, 1 / SHARE_MIN if limited else None)
            yield _latency(name, url, seconds, 1.0 if limited else None)


def _throughput(name: str, url: str, requests: int, limit: float | None) -> Result:
    with serving(url, "") as stores, serving("sqlite://", "floor") as answers:
        ours, floor = _turns(stores, answers, requests)
    detail = f"{requests / ours:,.0f}/s durable against {requests / floor:,.0f}/s answered, share {floor / ours:.2f}"
    return Result(f"webhooks stored before each 202, {name}", ours / floor, limit, detail)


def _turns(stores: int, answers: int, requests: int, times: int = 4) -> tuple[float, float]:
    """The best time of either server; they take turns, so that what else the machine does is borne by both."""
    best = {stores: float("inf"), answers: float("inf")}
    for turn in range(times):
        for port in best:  # noqa: PLC0206 - the value is replaced
            began = time.perf_counter()
            asyncio.run(_burst(port, requests))
            if turn:
                best[port] = min(best[port], time.perf_counter() - began)
    return best[stores], best[answers]


def _latency(name: str, url: str, seconds: float, limit: float | None) -> Result:
    with serving(url, "") as port:
        asyncio.run(_burst(port, 500))
        times = asyncio.run(_steadily(port, seconds))
    with serving("sqlite://", "floor") as port:
        asyncio.run(_burst(port, 500))
        floor = quantiles(asyncio.run(_steadily(port, seconds / 3)), n=1000)[989] * 1e3
    cuts = quantiles(times, n=1000)
    p50, p99 = cuts[499] * 1e3, cuts[989] * 1e3
    detail = f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, worst {max(times) * 1e3:.1f} ms; p99 without storing {floor:.1f} ms"
    return Result(
        f"p99 of {RATE} webhooks/s for {seconds:.0f} s / {LIMIT_MS:.0f} ms, {name}",
        p99 / LIMIT_MS,
        limit,
        detail,
    )


def _request() -> bytes:
    signed = hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()
    head = (
        "POST /hooks/github HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(BODY)}\r\nX-GitHub-Event: repository\r\nX-GitHub-Hook-ID: 7\r\n"
        f"X-GitHub-Delivery: 00000000-0000-{time.time_ns() % 10**12:012}-{next(_numbers):012}\r\n"
        f"X-Hub-Signature-256: sha256={signed}\r\n\r\n"
    )
    return head.encode() + BODY


class Line:
    """One kept connection that asks and waits for the answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Line:
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, request: bytes) -> None:
        """Send it and read the answer, which must be 202."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        assert b" 202 " in head.split(b"\r\n", 1)[0], head
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await self._reader.readexactly(int(length.split(b":")[1]))

    def close(self) -> None:
        """Disconnect."""
        self._writer.close()


async def _burst(port: int, requests: int) -> None:
    """As many as can be, over all connections."""
    waiting = [_request() for _ in range(requests)]
    lines = [await Line.open(port) for _ in range(CONNECTIONS)]

    async def work(line: Line) -> None:
        while waiting:
            await line.ask(waiting.pop())

    await asyncio.gather(*map(work, lines))
    for line in lines:
        line.close()


async def _steadily(port: int, seconds: float) -> list[float]:
    """At the given rate, whatever the answers take; latencies are counted from when each was due."""
    free: asyncio.Queue[Line] = asyncio.Queue()
    for _ in range(CONNECTIONS * 4):
        free.put_nowait(await Line.open(port))
    times: list[float] = []
    began = time.perf_counter()

    async def one(due: float, request: bytes) -> None:
        line = await free.get()
        await line.ask(request)
        times.append(time.perf_counter() - began - due)
        free.put_nowait(line)

    async with asyncio.TaskGroup() as tasks:
        for number in range(int(RATE * seconds)):
            due = number / RATE
            await asyncio.sleep(max(0.0, due - (time.perf_counter() - began)))
            tasks.create_task(one(due, _request()))
    while not free.empty():
        free.get_nowait().close()
    return times


class Answering(Receiver):
    """A receiver that leaves out the one thing: to store."""

    def submit(self, delivery: Delivery) -> Future[bool]:
        """Say that it is stored."""
        done: Future[bool] = Future()
        done.set_result(True)
        return done


@contextmanager
def serving(url: str, kind: str) -> Iterator[int]:
    """The port of a server on that database; "floor": one that answers without storing."""
    command = [sys.executable, "-m", "benchmarks.receiver", url, kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()
            process.wait(30)


def main() -> None:
    """Print the port, then serve until standard input ends."""
    from steward.adapters.secret import SecretFile
    from steward.adapters.store import open_store
    from steward.faces.http import hooks
    from steward.faces.http.app import build
    from steward.faces.http.live import Live
    from steward.faces.http.server import bind
    from steward.faces.http.server import serving as serve
    from steward.faces.http.site import Site
    from steward.testing.world import World

    store = open_store(sys.argv[1])
    app = replace(World(store, []).app, webhook_secret=SecretFile(Path("none"), fixed=SECRET))
    site = Site(app, Live(app))
    if sys.argv[2] == "floor":
        site.__dict__["receiver"] = Answering(app)
    bound = bind("127.0.0.1", 0)
    with serve(build(site, [hooks.router]), bound):
        print(bound.getsockname()[1], flush=True)
        sys.stdin.read()
    store.close()


if __name__ == "__main__":
    main()
