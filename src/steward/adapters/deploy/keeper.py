"""Keeps one site of this machine: holds its address, runs its release, switches to a new one without a gap.

A process of its own per site, `python -m steward.adapters.deploy.keeper SITE`. It does what `wanted.json` says
and tells in `status.json` how things stand; both are replaced whole. It lives on when Steward's worker dies.

`wanted.json`: {"order": n, "serving": commit or null, "candidate": commit or null, "exclusive": bool,
"lease_s": seconds, "promote": order of the candidate that is to serve}. A candidate whose lease is over is
stopped, so that a deployment that died leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from steward.adapters.deploy.files import read_json, seize, write_json
from steward.adapters.deploy.release import HOST, Release, env_file

ROUND_S: Final = 0.05
CONNECT_S: Final = 10.0
DRAIN_S: Final = 10.0
IDLE_S: Final = 1.0
SPEAK_S: Final = 30.0
BACKOFF_MAX_S: Final = 30.0
LINKS_MAX: Final = 512
STEADY_S: Final = 30.0
"""A release that ran this long begins its backoff anew."""
HELD, TAKEN = 3, 4
"""Exit codes: another keeper holds the site; the address is taken."""
SORRY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nRetry-After: 5\r\n"
    b"Content-Length: 32\r\nConnection: close\r\n\r\nThe release is not running now.\n"
)


class Link:
    """One connection of a visitor with the release that serves it."""

    def __init__(self, release: Release, ends: tuple[asyncio.StreamWriter, asyncio.StreamWriter]) -> None:
        self.release = release
        self.ends = ends
        self.at = time.monotonic()
        self.asked = True

    @property
    def is_idle(self) -> bool:
        """Whether the visitor has had an answer and asks nothing: closing it now loses nothing."""
        return not self.asked and time.monotonic() - self.at > IDLE_S

    def close(self) -> None:
        """Close both ends."""
        for end in self.ends:
            end.close()


class Keeper:
    """The state of one site: the release that serves, the candidate, and who is connected."""

    def __init__(self, site: Path, listening: socket.socket) -> None:
        self.site = site
        self.serving: Release | None = None
        self.candidate: Release | None = None
        self._listening = listening
        self._links: set[Link] = set()
        self._draining: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._wanted: dict[str, Any] = {}
        self._seen: tuple[int, int] = (0, 0)
        self._failures = 0
        self._promoted = 0
        self._told: dict[str, Any] = {}

    async def run(self) -> None:
        """Serve until asked to end, or until the site's folder is gone."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        server = await asyncio.start_server(self._serve, sock=self._listening)
        while not self._stopping.is_set() and (self.site / "site.json").exists():
            self._look()
            await self._converge()
            self._tell()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), ROUND_S)
        server.close()
        releases = [release for release in (self.serving, self.candidate) if release is not None]
        await asyncio.gather(*(release.stop() for release in releases), *self._draining)

    def _look(self) -> None:
        """Read what is wanted, if it changed."""
        try:
            info = (self.site / "wanted.json").stat()
        except OSError:
            return
        if (info.st_ino, info.st_mtime_ns) != self._seen:
            self._seen = (info.st_ino, info.st_mtime_ns)
            self._wanted = read_json(self.site / "wanted.json") or self._wanted

    async def _converge(self) -> None:
        """Bring what runs one step nearer to what is wanted."""
        wanted = self._wanted
        candidate = self.candidate
        if candidate is not None and wanted.get("promote") == candidate.order and candidate.alive:
            self._promote(candidate)
        await self._mind_candidate(wanted)
        await self._mind_serving(wanted)

    def _promote(self, candidate: Release) -> None:
        """The switch: from here on every new connection goes to the candidate."""
        old, self.serving, self.candidate = self.serving, candidate, None
        self._failures = 0
        self._promoted = candidate.order
        self._point(candidate.commit)
        if old is not None:
            task = asyncio.create_task(self._drain(old))
            self._draining.add(task)
            task.add_done_callback(self._draining.discard)

    def _point(self, commit: str) -> None:
        """Turn the pointer `current` in one motion."""
        pointer = self.site / "current"
        fresh = self.site / ".current"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(Path("releases", commit))
        fresh.replace(pointer)

    async def _mind_candidate(self, wanted: dict[str, Any]) -> None:
        order, commit = wanted.get("order", 0), wanted.get("candidate")
        candidate = self.candidate
        if candidate is not None:
            over = time.monotonic() - candidate.ready > float(wanted.get("lease_s", 60.0))
            if commit is None or candidate.order != order or (over and candidate.alive):
                await candidate.stop()
                self.candidate = None if commit is None or candidate.order != order else candidate
            return
        if commit is None:
            return
        if wanted.get("exclusive") and self.serving is not None:
            await self.serving.stop()
        self.candidate = Release(self.site, commit, order)
        await self.candidate.start()

    async def _mind_serving(self, wanted: dict[str, Any]) -> None:
        commit, serving = wanted.get("serving"), self.serving
        if serving is not None and wanted.get("promote") and wanted["promote"] != self._promoted:
            # The candidate ended before it could take over: whoever asked will see that; the old one goes on.
            commit = serving.commit
        if serving is not None and serving.commit != commit:
            await serving.stop()
            self.serving = serving = None
        yields = wanted.get("exclusive") and self.candidate is not None and self.candidate.alive
        if commit is None or yields or (serving is not None and serving.alive):
            return
        if serving is None:
            if not env_file(self.site, commit).exists():
                return
            self.serving = Release(self.site, commit, wanted.get("order", 0))
            self._point(commit)
            await self.serving.start()
            return
        lived = time.monotonic() - serving.ready
        self._failures = 0 if lived > STEADY_S + BACKOFF_MAX_S else self._failures
        if lived >= min(BACKOFF_MAX_S, 0.5 * 2**self._failures):
            self._failures = min(self._failures + 1, 10)
            serving.restarts += 1
            await serving.start()

    async def _drain(self, old: Release) -> None:
        """Let the old release end what it answers, then stop it."""
        until = time.monotonic() + DRAIN_S
        while time.monotonic() < until:
            mine = [link for link in self._links if link.release is old]
            if not mine:
                break
            for link in mine:
                if link.is_idle:
                    link.close()
            await asyncio.sleep(ROUND_S)
        await old.stop()

    def _tell(self) -> None:
        """Write how things stand, if that changed."""
        told = {
            "pid": os.getpid(),
            "order": self._wanted.get("order", 0),
            "serving": self.serving.told() if self.serving else None,
            "candidate": self.candidate.told() if self.candidate else None,
            "draining": len(self._draining),
        }
        if told != self._told:
            try:
                write_json(self.site / "status.json", told)
            except OSError:
                return
            self._told = told

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join one visitor with the release that serves at the moment they ask."""
        # Nobody is joined before they have said something: whoever has only connected when the releases change
        # is answered by the new one.
        first = b""
        with suppress(OSError, TimeoutError):
            first = await asyncio.wait_for(reader.read(65536), SPEAK_S)
        found = await self._reach() if first and len(self._links) < LINKS_MAX else None
        if found is None:
            with suppress(OSError):
                writer.write(SORRY if first else b"")
                await writer.drain()
            writer.close()
            return
        release, up_reader, up_writer = found
        link = Link(release, (writer, up_writer))
        self._links.add(link)
        try:
            up_writer.write(first)
            await asyncio.gather(
                _pump(reader, up_writer, link, up=True), _pump(up_reader, writer, link, up=False)
            )
        finally:
            link.close()
            self._links.discard(link)

    async def _reach(self) -> tuple[Release, asyncio.StreamReader, asyncio.StreamWriter] | None:
        """A connection to what serves now; waits a little for one that starts anew."""
        until = time.monotonic() + CONNECT_S
        while time.monotonic() < until and not self._stopping.is_set():
            release = self.serving
            if release is not None and release.alive:
                with suppress(OSError):
                    return (release, *await asyncio.open_connection(HOST, release.port))
            if not self._wanted.get("serving"):
                return None
            await asyncio.sleep(ROUND_S)
        return None


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: Link, *, up: bool) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            link.at, link.asked = time.monotonic(), up
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    if not up:
        # The release has said all it will: the visitor's half has nobody to talk to any more.
        link.close()


def hold(site: Path) -> tuple[int, socket.socket]:
    """The site's lock and its address; ends the process where either is another's."""
    lock = seize(site / "keeper.lock")
    if lock is None:
        sys.exit(HELD)
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, int(read_json(site / "site.json")["port"])))
        listening.listen(256)
    except (OSError, KeyError):
        sys.exit(TAKEN)
    listening.setblocking(False)
    return lock, listening


def main(words: Sequence[str]) -> None:
    """Hold the site, go into the background, keep it. Returns in the caller once the address answers."""
    site = Path(words[0])
    lock, listening = hold(site)
    if os.fork():
        # The caller waits for this process alone; the lock lives on in the child.
        os._exit(0)
    os.setsid()
    os.chdir("/")
    quiet = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(quiet, descriptor)
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)

    async def keep() -> None:
        await Keeper(site, listening).run()

    asyncio.run(keep())


if __name__ == "__main__":
    main(sys.argv[1:])
