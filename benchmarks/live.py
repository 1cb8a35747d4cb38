"""From GitHub to an open page: how long until a push, a rename and a deletion are seen in a browser.

Real processes: `steward up` on the sample organisation, git, Chromium. Looks are set far apart, so that only the
webhook tells. The time runs from before `git push` or the request is sent until the page shows it.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Final

import httpx
from playwright.sync_api import Page
from tests.browser.chromium import PATH, browsing
from tests.faces.process import Process, starting

from benchmarks.measure import Result
from steward.faces.cli import runtime

TIMES: Final = 20
LIMIT_S: Final = 1.0
PATIENCE_S: Final = 30.0
PUSHED, DELETED = "company-site", "newsletter"
FAR_APART: Final = {"STEWARD_SYNC_INTERVAL_S": "3600", "STEWARD_SYNC_CONFIRM_SPACING_S": "20"}

Step = Callable[[int], float]


class Sample:
    """The sample organisation of a running `steward up`, as its owner holds it; nothing here waits for Steward."""

    def __init__(self, state_dir: Path, work: Path) -> None:
        running = runtime.find(state_dir)
        assert running is not None, "`steward up` has written where it is"
        self.board = running.web
        self._login = running.login
        headers = {"Authorization": f"Bearer {running.token}"}
        self._api = httpx.Client(base_url=running.server, headers=headers, timeout=10)
        self._clone = work / "clone"
        host = running.server.removeprefix("http://")
        self._git(
            "clone", "-q", f"http://x:{running.token}@{host}/{self._login}/{PUSHED}.git", str(self._clone)
        )

    def _git(self, *words: str) -> None:
        subprocess.run(["git", *words], check=True, capture_output=True)

    def commit(self, number: int) -> None:
        """Prepare something to push."""
        here = ["-C", str(self._clone), "-c", "user.name=Anna", "-c", "user.email=anna@studio.example"]
        self._git(*here, "commit", "-q", "--allow-empty", "-m", f"change {number}")

    def push(self) -> None:
        """Push it."""
        self._git("-C", str(self._clone), "push", "-q")

    def rename(self, name: str, new: str) -> None:
        """Give a repository another name."""
        self._api.patch(f"/repos/{self._login}/{name}", json={"name": new}).raise_for_status()

    def delete(self, name: str) -> int:
        """Delete a repository; return its id."""
        number = int(self._api.get(f"/repos/{self._login}/{name}").raise_for_status().json()["id"])
        self._api.delete(f"/repos/{self._login}/{name}").raise_for_status()
        return number

    def restore(self, number: int) -> None:
        """Bring a deleted one back."""
        self._api.post(f"/_localhub/repos/{number}/restore").raise_for_status()


def live() -> Iterator[Result]:
    """One result per kind of change; said aloud where there is no browser to look with."""
    if PATH is None:
        yield Result("from GitHub to an open page", 0.0, None, "LEFT OUT: there is no chromium")
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        _up(Path(folder)) as (process, sample),
        browsing() as browser,
    ):
        page = browser.new_page()
        _sign_in(page, sample.board, process.token())
        for name, step in _steps(sample, page):
            times = sorted(step(number) for number in range(TIMES))
            cuts = quantiles(times, n=20, method="inclusive")
            detail = f"p50 {cuts[9] * 1e3:.0f} ms, p95 {cuts[18] * 1e3:.0f} ms of {TIMES}"
            yield Result(f"{name} until an open page shows it", cuts[18] / LIMIT_S, 1.0, detail)


@contextmanager
def _up(folder: Path) -> Iterator[tuple[Process, Sample]]:
    with starting(folder) as start:
        process = start(**FAR_APART)
        process.wait_for("What happens:")
        yield process, Sample(folder / ".steward" / "demo", folder)
        process.end()


def _sign_in(page: Page, board: str, token: str) -> None:
    page.goto(f"{board}/login?token={token}")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/projects")


def _steps(sample: Sample, page: Page) -> Iterator[tuple[str, Step]]:
    """Each kind of change, with the page that is open meanwhile."""
    page.goto(f"{sample.board}/projects/{PUSHED}")
    yield "git push", lambda number: _push(sample, page, number)
    names = [PUSHED, f"{PUSHED}-renamed"]
    yield "a rename", lambda number: _rename(sample, page, names[number % 2], names[(number + 1) % 2])
    page.goto(f"{sample.board}/projects")
    yield "a deletion", lambda _number: _delete(sample, page)


def _push(sample: Sample, page: Page, number: int) -> float:
    sample.commit(number)
    # GitHub tells the time of a push to the second: two within one are one change.
    page.wait_for_timeout(1_100)
    newest = page.evaluate("document.querySelector('.timeline .event').id")
    began = time.perf_counter()
    sample.push()
    return _until(page, "(old) => document.querySelector('.timeline .event').id !== old", newest, began)


def _rename(sample: Sample, page: Page, name: str, new: str) -> float:
    began = time.perf_counter()
    sample.rename(name, new)
    return _until(
        page,
        "(name) => document.querySelector('.project-head .end a').textContent.trim() === name",
        f"acme/{new}",
        began,
    )


def _delete(sample: Sample, page: Page) -> float:
    """It is restored each time, so that no loss is concluded and the guard has nothing to hold."""
    shows = "(words) => document.querySelector('#board').textContent.includes(words)"
    words = "absent, being confirmed (1 of 3)"
    began = time.perf_counter()
    number = sample.delete(DELETED)
    took_s = _until(page, shows, words, began)
    sample.restore(number)
    _until(page, shows.replace("=> ", "=> !"), words, began)
    return took_s


def _until(page: Page, condition: str, value: str, began: float) -> float:
    """Ask the page again and again; Playwright's own waiting needs an `eval` that our policy forbids."""
    while not page.evaluate(condition, value):
        waited_s = time.perf_counter() - began
        assert waited_s < PATIENCE_S, f"it did not show '{value}' in {PATIENCE_S:g} s"
        page.wait_for_timeout(5)
    return time.perf_counter() - began
