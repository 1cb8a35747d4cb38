"""Fixtures that give a test a store: on SQLite in a file and on PostgreSQL, by the same name.

A pytest plugin. The PostgreSQL server is started once per test process, when a test first asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from steward.adapters.store import open_store
from steward.adapters.store.store import SqlStore
from steward.testing import postgres


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server to make databases in. Fails, saying what to install, where there is none."""
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> str:
    """The name of a database at the newest schema, to be copied."""
    url = postgres.fresh_database(postgres_url)
    open_store(url).close()
    return postgres.database_name(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database of the test's own, at the newest schema."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/steward.db"
        return
    server_url: str = request.getfixturevalue("postgres_url")
    url = postgres.fresh_database(server_url, request.getfixturevalue("postgres_template"))
    yield url
    postgres.drop_database(server_url, url)


@pytest.fixture
def postgres_only(postgres_url: str, postgres_template: str) -> Iterator[str]:
    """The address of a PostgreSQL database of the test's own, at the newest schema."""
    url = postgres.fresh_database(postgres_url, postgres_template)
    yield url
    postgres.drop_database(postgres_url, url)


@pytest.fixture
def store(store_url: str) -> Iterator[SqlStore]:
    """A store of the test's own. A lock is waited for as long as a quick test can."""
    opened = open_store(store_url, busy_timeout_s=5.0)
    yield opened
    opened.close()
