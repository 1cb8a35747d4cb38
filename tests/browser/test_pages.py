"""Every page, in both themes, both languages, wide and narrow: accessible, clean, whole, in one language."""

from __future__ import annotations

import os
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.kit import DESKTOP, PHONE, Server, Window, window
from tests.browser.pages import PAGES, Shown

TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SIZES: Final = {"desktop": DESKTOP, "phone": PHONE}


@cache
def axe_source() -> str:
    """axe-core: that of its package, or a newer one that STEWARD_TEST_AXE names."""
    named = os.environ.get("STEWARD_TEST_AXE")
    if named:
        return Path(named).read_text()
    return (resources.files("axe_playwright_python") / "axe.min.js").read_text()


def violations(page: Page) -> list[str]:
    """What axe-core finds against a page: each rule with what breaks it."""
    # Evaluated by the driver, which the page's policy does not bind; the page itself stays as it is served.
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(axe_source())
    found: Any = page.evaluate(
        "tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']}).then(r => r.violations)",
        TAGS,
    )
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {node['html'][:160]} -- {node['failureSummary'][:240]}"
        for one in found
        for node in one["nodes"]
    ]


def sideways(page: Page) -> list[str]:
    """What makes a page scroll sideways: the elements that reach beyond the window, innermost first."""
    found: list[str] = page.evaluate(
        """() => document.scrollingElement.scrollWidth <= innerWidth ? [] :
          [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
            .slice(-5).map((e) => e.outerHTML.slice(0, 120)).concat("the page is " + document.scrollingElement.scrollWidth)"""
    )
    return found


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lang", ["en", "ru"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_every_page(browser: Browser, shown: Server, name: str, theme: str, lang: str, size: str) -> None:
    wanted: Shown = PAGES[name]
    address = wanted.address(shown.world)
    with window(browser, shown, wanted.who, lang=lang, theme=theme, size=SIZES[size]) as seen:
        if wanted.status >= 400:
            seen.expected.add(address.partition("?")[0])
        response = seen.page.goto(seen.origin + address, wait_until="load")
        assert response is not None
        assert response.status == wanted.status
        assert seen.page.evaluate("document.documentElement.lang") == lang
        assert violations(seen.page) == []
        assert sideways(seen.page) == []
        seen.healthy()
