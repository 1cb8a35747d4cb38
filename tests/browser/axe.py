"""What a page is judged by: axe-core's rules, and whether it has to be scrolled sideways."""

from __future__ import annotations

import os
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page

TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@cache
def source() -> str:
    """axe-core: that of its package, or another version that STEWARD_TEST_AXE names."""
    named = os.environ.get("STEWARD_TEST_AXE")
    if named:
        return Path(named).read_text()
    return (resources.files("axe_playwright_python") / "axe.min.js").read_text()


def violations(page: Page) -> list[str]:
    """What the rules find against a page: each rule with what breaks it."""
    # Evaluated by the driver, which the page's policy does not bind; the page itself stays as it is served.
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(source())
    found: Any = page.evaluate(
        "tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']}).then((r) => r.violations)",
        TAGS,
    )
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {node['html'][:160]} -- {node['failureSummary'][:240]}"
        for one in found
        for node in one["nodes"]
    ]


def sideways(page: Page) -> list[str]:
    """What makes a page scroll sideways: the last elements that reach beyond the window."""
    found: list[str] = page.evaluate(
        """() => document.scrollingElement.scrollWidth <= innerWidth ? [] :
          [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
            .slice(-5).map((e) => e.outerHTML.slice(0, 120))
            .concat("the page is " + document.scrollingElement.scrollWidth)"""
    )
    return found
