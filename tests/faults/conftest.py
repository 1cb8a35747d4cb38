"""Scenes for the fault matrix; each has a localhub and a database of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from localhub.testing import Hub
from steward.adapters.store import open_store
from steward.testing.clock import FakeClock
from tests.faults.scene import Scene, ServerClock

MakeScene = Callable[..., Scene]


@pytest.fixture
def make_scene() -> Iterator[MakeScene]:
    """Make a scene; `repos` are generated into each organisation, `points_per_hour` is the server's limit."""
    with ExitStack() as closing:

        def make(
            *logins: str, repos: int = 0, points_per_hour: int = 1_000_000, start_s: float = 0, **options: Any
        ) -> Scene:
            clock = FakeClock()
            clock.jump(start_s)
            orgs = logins or ("acme",)
            hub = Hub(orgs=orgs, repos=repos, points_per_hour=points_per_hour, clock=ServerClock(clock))
            closing.enter_context(hub)
            store = options.pop("store", None) or open_store("sqlite://")
            closing.callback(store.close)
            scene = Scene(hub, clock, store, **{"logins": orgs, **options})
            closing.callback(scene.close)
            return scene

        yield make


@pytest.fixture
def scene(make_scene: MakeScene) -> Scene:
    """One organisation, `acme`, with five private repositories that have come in."""
    made = make_scene()
    made.create("shop", "tickets", "blog", "bot", "api")
    made.beat()
    return made
