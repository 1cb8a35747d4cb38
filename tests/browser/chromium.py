"""The browser of the tests: Debian's Chromium (the one without windows, if it is there), driven by Playwright.

A pytest plugin (see tests/conftest.py): what is left out where there is none stands in the summary of the run, not in
marks; and where workers share the tests out, those of one file here (of the pages: of one language) stay on one
worker, so that few browsers are started.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, sync_playwright
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

NAMES: Final = ("chromium-headless-shell", "chromium", "chromium-browser")
PATH: Final = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what a run without a browser has not tried."""
    if PATH is None:
        terminalreporter.write_line(
            "LEFT OUT: tests/browser, since there is no chromium. Install it (apt-get install chromium-headless-shell).",
            red=True,
        )


class Sharing(LoadScopeScheduling):  # type: ignore[misc]  # xdist comes without types
    """Each test is dealt out alone, but those of a browser together."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, name = nodeid.partition("::")
        if not file.startswith("tests/browser/"):
            return nodeid
        return f"{file} {'ru' if '[ru' in name else ''}"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Deal out tests so."""
    return Sharing(config, log)


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser of its own, with nothing kept from before."""
    assert PATH is not None, "tests/browser is left out where there is no chromium"
    with tempfile.TemporaryDirectory(prefix="steward-chromium-") as home, sync_playwright() as driver:
        # Chromium writes outside its profile too; give it a home that goes with it.
        environment: dict[str, str | float | bool] = {
            "HOME": home,
            "XDG_CONFIG_HOME": str(Path(home) / "config"),
            "XDG_CACHE_HOME": str(Path(home) / "cache"),
        }
        browser = driver.chromium.launch(executable_path=PATH, args=list(FLAGS), env=environment)
        try:
            yield browser
        finally:
            browser.close()
