"""Engines of every kind on a database of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from steward.adapters.clock import SystemClock
from steward.adapters.engine import DurableEngine, open_engine
from steward.testing import postgres
from steward.testing.engine import InlineEngine
from tests.contract.engine.kit import Rig, Script, closed

Opening = Callable[..., DurableEngine]


@pytest.fixture(scope="session")
def engine_template(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database that DBOS has made its tables in, to be copied."""
    url = postgres.fresh_database(postgres_url)
    engine = open_engine(url, state_dir=tmp_path_factory.mktemp("x"), holder="template", clock=SystemClock())
    engine.launch(Script(), [], work=False)
    engine.close(1.0)
    return postgres.database_name(url)


@pytest.fixture
def postgres_database(postgres_url: str, engine_template: str) -> Iterator[str]:
    """A database of the test's own."""
    url = postgres.fresh_database(postgres_url, engine_template)
    yield url
    postgres.drop_database(postgres_url, url)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of the application's database, of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/steward.db"
    return str(request.getfixturevalue("postgres_database"))


@pytest.fixture
def opening(engine_url: str, tmp_path: Path) -> Iterator[Opening]:
    """Opens engines on that database; each is closed at the end."""
    opened: list[DurableEngine] = []

    def open_one(**more: float) -> DurableEngine:
        opened.append(open_engine(engine_url, state_dir=tmp_path, holder="test", clock=SystemClock(), **more))
        return opened[-1]

    yield open_one
    for engine in reversed(opened):
        closed(engine)


@pytest.fixture(params=["inline", "sqlite", "postgresql"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """An engine of each kind, not launched yet; calls are tried again for a short while only."""
    if request.param == "inline":
        yield Rig(InlineEngine())
        return
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/steward.db" if sqlite else request.getfixturevalue("postgres_database")
    engine = open_engine(url, state_dir=tmp_path, holder="test", clock=SystemClock(), patience_s=1.0)
    yield Rig(engine)
    closed(engine)
