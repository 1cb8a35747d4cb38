"""A fresh small world per test, on an in-memory database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from steward.adapters.store import open_store
from steward.app.policy import Policy
from steward.testing.driven import Driven
from steward.testing.world import World


@pytest.fixture
def make_world() -> Iterator[Callable[..., World]]:
    """Make worlds; each has a database of its own."""
    made: list[World] = []

    def make(*logins: str, page_size: int = 100) -> World:
        world = World(open_store("sqlite://"), logins or ("acme",), page_size=page_size)
        made.append(world)
        return world

    yield make
    for world in made:
        world.store.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """One organisation, `acme`, with five repositories that have come in."""
    made = make_world()
    for name in ("shop", "tickets", "blog", "bot", "api"):
        made.forge.create("acme", name)
    made.beat()
    made.clock.advance(600)
    return made


@pytest.fixture
def make_driven(tmp_path: Path) -> Iterator[Callable[..., Driven]]:
    """Make small Stewards that drive; each has a database of its own, in memory."""
    with ExitStack() as closing:

        def make(policy: Policy | None = None) -> Driven:
            store = open_store("sqlite://")
            closing.callback(store.close)
            return Driven(store, tmp_path / "work", policy=policy)

        yield make


@pytest.fixture
def driven(make_driven: Callable[..., Driven]) -> Driven:
    """One that has no project yet."""
    return make_driven()
