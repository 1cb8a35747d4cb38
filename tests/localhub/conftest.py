"""A localhub with one empty organisation, `acme`, for each example, and a client with its token.

One server is shared by the examples and emptied between them, which is quicker than starting another.
"""

import shutil
from collections.abc import Iterator

import httpx
import pytest

from localhub import world
from localhub.serve import PLAYER
from localhub.testing import Hub
from tests.localhub.hub_kit import Receiver

_TABLES = ("delivery", "record", "token", "former_name", "former_login", "repo", "note", "owner")


@pytest.fixture(scope="session")
def shared_hub() -> Iterator[Hub]:
    with Hub(orgs=["acme"]) as running:
        yield running


@pytest.fixture
def hub(shared_hub: Hub) -> Hub:
    core = shared_hub.core
    shared_hub.wait_deliveries()
    with core.store.transaction():
        for table in _TABLES:
            core.store.run(f"DELETE FROM {table}")
        core.registry.generation += 1
        shared_hub._first_id = world.ensure_org(core, "acme").id
        core.tokens.add(shared_hub.token, login=PLAYER)
    shutil.rmtree(core.directory / "git", ignore_errors=True)
    core.limits._windows.clear()
    shared_hub.clear_faults()
    shared_hub.clear_requests()
    return shared_hub


@pytest.fixture
def http(hub: Hub) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=hub.url, headers=hub.headers) as opened:
        yield opened


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening
