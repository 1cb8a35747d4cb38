"""The board of a large installation against the same page of an empty one: both over the whole server.

The application is driven without a socket; what is measured is all that the server does for a page: who asks,
what may be seen, queries, cards, templates.
"""

from __future__ import annotations

import asyncio
import gc
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx
from sqlalchemy import text

from benchmarks.measure import Result
from benchmarks.reconcile import stores
from steward.adapters.store import open_store
from steward.adapters.store.store import SqlStore
from steward.app.times import share
from steward.domain.incidents import Incident
from steward.domain.people import Grant, Role, User
from steward.domain.project import Management, Project
from steward.domain.repository import Presence, Repo, Repository
from steward.domain.status import BEFORE_REPOSITORY, INTERRUPTIONS, Status
from steward.faces.http.app import build
from steward.faces.http.live import Live
from steward.faces.http.server import settle_memory
from steward.faces.http.site import COOKIE, Site
from steward.testing.world import World

P95_LIMIT_MS: Final = 50.0
SIZE_LIMIT_BYTES: Final = 100_000
RATIO_LIMIT: Final = 4.0
"""How many empty pages a full one may cost."""
TIMES: Final = 60
PAGES: Final = (
    ("board", "/projects"),
    ("table", "/projects?view=table"),
    ("board, a text sought", "/projects?q=service-00"),
    ("table, by owner, last pages", "/projects?view=table&sort=-owner"),
    ("lifecycle", "/lifecycle"),
)
INCIDENTS: Final = 40


def fill(world: World, count: int) -> None:
    """Projects of every status, most of them discovered, as in a real organisation that came in lately."""
    chance, now = random.Random(1), world.clock.now().at
    home = world.organisation().id
    projects: list[Project] = []
    rows: list[Repository] = []
    for number in range(count):
        status = chance.choice(list(Status)) if number % 3 == 0 else Status.DISCOVERED
        at = now - timedelta(seconds=chance.randrange(10**7))
        stack = (Status.ACTIVE,) if status in INTERRUPTIONS else ()
        has_repository = status not in BEFORE_REPOSITORY
        made = Project(
            id=f"p{number}",
            slug=f"service-{number:06d}",
            organisation_id=home,
            status=status,
            created_at=at,
            updated_at=at,
            entered_at=at,
            interrupted=stack,
            management=Management.IGNORE if number % 50 == 1 else Management.WATCH,
            title=f"Service number {number}, which does what its name says",
            owner=f"owner-{number % 20}" if number % 2 else None,
            repository_id=number + 1 if has_repository else None,
        )
        projects.append(made)
        if has_repository:
            absent = number % 500 == 2
            repo = Repo(
                number + 1, made.slug, 7, "acme", number, html_url=f"https://forge.example/acme/{made.slug}"
            )
            presence = Presence.ABSENT if absent else Presence.SEEN
            rows.append(Repository(repo, home, made.id, presence, int(absent)))
    with world.store.writing() as tx:
        tx.add_projects(projects)
        tx.save_repositories(rows, now)
        wrong = [project for project in projects if project.status in (Status.ERROR, Status.MISSING)]
        for project in wrong[:INCIDENTS]:
            key = f"missing:{project.id}"
            tx.save_incident(
                Incident(0, key, "missing", "error", "its repository is gone", now, now, home, project.id)
            )


class Pages:
    """A server over a store, asked for pages by one who may see all of them."""

    def __init__(self, store: SqlStore, count: int) -> None:
        world = World(store)
        fill(world, count)
        with store.writing() as tx:
            tx.add_user(User(0, "anna", world.clock.now().at, (Grant(Role.ADMIN),)))
        access = world.app.access
        secret, _user = access.sign_in(access.link("anna", "benchmark"), "benchmark")
        site = Site(world.app, Live(world.app))
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(build(site)), base_url="http://127.0.0.1", cookies={COOKIE: secret}
        )
        self._store = store
        self._analysed()

    def _analysed(self) -> None:
        """Let PostgreSQL know what the tables hold, which it finds out by itself where autovacuum runs."""
        if self._store.database.kind == "postgresql":
            with self._store.database.writing() as connection:
                connection.execute(text("ANALYZE"))

    async def ask(self, path: str) -> tuple[float, int]:
        """How long a page took, in ms, and its size in bytes."""
        began = time.perf_counter()
        answer = await self._client.get(path)
        took_ms = (time.perf_counter() - began) * 1e3
        assert answer.status_code == 200, answer.text[:500]
        return took_ms, len(answer.content)

    async def close(self) -> None:
        """Let go of the server and its store."""
        await self._client.aclose()
        self._store.close()


@contextmanager
def folder() -> Iterator[Path]:
    """A place for the empty installation."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


async def _compare(kind: str, count: int, full: Pages, empty: Pages) -> list[Result]:
    results = []
    # As a server does once it has started.
    settle_memory()
    for name, path in PAGES:
        # What one installs first is held to the limits; PostgreSQL is told.
        held = name == "board" and kind == "SQLite"
        ours: list[float] = []
        floor: list[float] = []
        size = 0
        for turn in range(TIMES + 5):
            gc.collect(0)
            took_ms, size = await full.ask(path)
            bare_ms, _size = await empty.ask(path)
            if turn >= 5:
                ours.append(took_ms)
                floor.append(bare_ms)
        results += _judged(f"{name}, {count:,} on {kind}", sorted(ours), sorted(floor), size, held=held)
    await full.close()
    await empty.close()
    return results


def _judged(
    name: str, ours: Sequence[float], floor: Sequence[float], size: int, *, held: bool
) -> list[Result]:
    """The ratio of the medians; for the board itself the p95 and the size against their limits as well."""
    median, p95 = share(ours, 0.5) or 0.0, share(ours, 0.95) or 0.0
    bare = share(floor, 0.5) or 1.0
    detail = f"{median:.1f} ms against {bare:.1f} ms; p95 {p95:.1f} ms; {size / 1000:.0f} kB"
    results = [Result(f"{name}, against none", median / bare, RATIO_LIMIT if held else None, detail)]
    if held:
        results += [
            Result(f"{name}: p95, of {P95_LIMIT_MS:.0f} ms", p95 / P95_LIMIT_MS, 1.0, f"{p95:.1f} ms"),
            Result(f"{name}: size, of 100 kB", size / SIZE_LIMIT_BYTES, 1.0, f"{size / 1000:.0f} kB"),
        ]
    return results


def board(count: int) -> list[Result]:
    """Pages of an installation of that many projects, on either database."""
    results = []
    with stores() as kinds, folder() as place:
        for kind, url in kinds:
            empty = Pages(open_store(f"sqlite:///{place / kind}.db"), 0)
            results += asyncio.run(_compare(kind, count, Pages(open_store(url), count), empty))
    return results
