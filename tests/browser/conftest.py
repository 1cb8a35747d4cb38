"""One browser and one furnished installation per worker; nothing is collected where there is no browser.

They end with the tests of this folder: as long as Playwright runs, its event loop is that of the thread, and no other
test there could have one.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser import chromium
from tests.browser.kit import Server, furnished, put_back

if chromium.PATH is None:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The browser of this worker."""
    with chromium.browsing() as started:
        yield started


@pytest.fixture(scope="package")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A furnished installation that tests look at and leave as it is."""
    with furnished(tmp_path_factory.mktemp("shown")) as server:
        yield server


@pytest.fixture(scope="module")
def restored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An installation whose database was restored, and that nobody has accepted yet."""
    with put_back(tmp_path_factory.mktemp("restored")) as started:
        yield started


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A furnished installation whose projects the tests of one file share out among them."""
    with furnished(tmp_path_factory.mktemp("acted")) as started:
        yield started
