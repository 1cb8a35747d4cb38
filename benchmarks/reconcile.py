"""Reconcile against the floor: what must be done to compare a listing at all (parse, hash, compare).

Both sides get the same bodies in memory. The floor keeps its record in a dict; Steward keeps it in a
database, and writes the look.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import Result, compare
from benchmarks.synthetic import pages
from steward.adapters.clock import SystemClock
from steward.adapters.github import facts
from steward.adapters.store import open_store
from steward.app import looking
from steward.app.connecting import connect
from steward.app.heartbeat import Heartbeat
from steward.domain.credentials import CredentialKind, Declared
from steward.domain.repository import (
    Access,
    Budget,
    Cost,
    Listing,
    OrganisationFacts,
    PageMark,
    PageRead,
    Sighting,
    Unclear,
)
from steward.domain.rules import Rules
from steward.ports import Store
from steward.testing.postgres import fresh_database, server

LIMIT = 1.5


class Bodies:
    """A forge that parses and hashes given bodies, and talks to nobody."""

    server = "http://forge.example"

    def __init__(self, bodies: Sequence[bytes]) -> None:
        self._bodies = bodies
        self._looks = 0

    def listing(
        self, login: str, owner_id: int | None, marks: Sequence[PageMark], credential: str
    ) -> Listing:
        """Every page anew, as after a change that touched nothing we keep."""
        self._looks += 1
        reads: list[PageRead] = []
        found: dict[int, bytes] = {}
        last = len(self._bodies)
        for number, body in enumerate(self._bodies, start=1):
            read = facts.read_page(body)
            mark = PageMark(number, f'"{number}-{self._looks}"', len(read.digests), number < last, last)
            reads.append(PageRead(mark, read.digests))
            found.update(read.facts)
        return Listing(7, "acme", tuple(reads), facts.Repos(found), "key", None, Cost(last, 0, last))

    def repository(self, repo_id: int, *, urgent: bool = False) -> tuple[Sighting, Cost]:
        """Never asked for here."""
        return Unclear("no server"), Cost()

    def organisation(self, login: str, owner_id: int | None) -> OrganisationFacts:
        """The one there is."""
        return OrganisationFacts(7, "acme")

    def access(self, login: str, owner_id: int | None = None) -> Access:
        """Whole."""
        return Access.ALL

    def declared(self, login: str, owner_id: int | None = None) -> Declared:
        """Nothing is told."""
        return Declared(CredentialKind.FINE_GRAINED)

    def budget(self) -> Budget:
        """Unlimited."""
        return Budget()


def floor(bodies: Sequence[bytes], record: dict[int, int]) -> bool:
    """Parse, hash, compare: the least that any reconciler does."""
    seen: dict[int, int] = {}
    found: dict[int, bytes] = {}
    for body in bodies:
        read = facts.read_page(body)
        seen.update(read.digests)
        found.update(read.facts)
    return seen == record


def prepare(store: Store, bodies: Sequence[bytes]) -> tuple[Heartbeat, int]:
    """A heartbeat whose organisation has come in."""
    clock, forge = SystemClock(), Bodies(bodies)
    organisation = connect(store, ["acme"], forge.server, clock.now().at)[0]
    lease = store.acquire("heartbeat", "benchmark")
    assert lease is not None
    heartbeat = Heartbeat(store, forge, clock, Rules(), [], lease)
    heartbeat.beat(organisation.id)
    return heartbeat, organisation.id


@contextmanager
def stores() -> Iterator[list[tuple[str, str]]]:
    """The address of a fresh database of each kind."""
    with tempfile.TemporaryDirectory() as folder, server() as postgres:
        sqlite = f"sqlite:///{Path(folder) / 'bench.db'}"
        yield [("SQLite", sqlite), ("PostgreSQL", fresh_database(postgres))]


def _both(
    count: int,
    kind: str,
    store: Store,
    heartbeat: Heartbeat,
    organisation_id: int,
    bodies: Sequence[bytes],
    record: dict[int, int],
) -> list[Result]:
    """The comparison itself, and the whole beat: with its validators, and the two commits of its own row.

    The beat's commits cost the same at any size, which weighs on a small organisation; its line is told
    for information.
    """
    forge = Bodies(bodies)
    with store.reading() as view:
        organisation = view.organisation(organisation_id)

    def reconcile() -> None:
        seen = looking.observe(forge, store, organisation, ())
        assert not (seen.changed)
        assert not (seen.vanished)
        assert not (seen.unseen)

    def beat() -> None:
        report = heartbeat.beat(organisation_id)
        assert report.whole
        assert not any(report.changes.values())

    def least() -> None:
        assert floor(bodies, record)

    times = 7 if count <= 10_000 else 3
    return [
        compare(f"reconcile {count:,} on {kind}, steady", reconcile, least, LIMIT, times),
        compare(f"whole beat over {count:,} on {kind}", beat, least, None, times),
    ]


def steady(sizes: Sequence[int]) -> list[Result]:
    """A look at an organisation of which nothing that we keep has changed."""
    results = []
    for count in sizes:
        bodies = list(pages(count))
        record = {i: d for body in bodies for i, d in facts.read_page(body).digests.items()}
        assert floor(bodies, record)
        with stores() as kinds:
            for kind, url in kinds:
                store = open_store(url)
                heartbeat, organisation_id = prepare(store, bodies)
                results += _both(count, kind, store, heartbeat, organisation_id, bodies, record)
                store.close()
    return results
