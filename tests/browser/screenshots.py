"""Takes a picture of every page: `make screenshots SCREENS=folder`. Always of the same installation and moment."""

from __future__ import annotations

import sys
import tempfile
from itertools import product
from pathlib import Path

from steward.faces.words import LANGUAGES
from tests.browser.chromium import browsing
from tests.browser.kit import DESKTOP, PHONE, Server, furnished, session
from tests.browser.pages import PAGES

SIZES = {"desktop": DESKTOP, "phone": PHONE}


def main(folder: Path, names: list[str]) -> None:
    """Write NAME-SIZE-THEME-LANG.png for these pages (none named: all) in every way; the visible part of each."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, furnished(Path(home)) as server:
        for size, theme, lang in product(SIZES, ("light", "dark"), LANGUAGES):
            _take(server, folder, names or list(PAGES), size, theme, lang)
            print(f"{folder}: {size}, {theme}, {lang}", flush=True)


def _take(server: Server, folder: Path, names: list[str], size: str, theme: str, lang: str) -> None:
    with browsing() as browser:
        for who in {PAGES[name].who for name in names}:
            with session(browser, server, who, lang=lang, theme=theme, size=SIZES[size]) as context:
                page = context.new_page()
                for name in (name for name in names if PAGES[name].who == who):
                    page.goto(server.origin + PAGES[name].address(server.world))
                    page.evaluate("document.fonts.ready.then(() => true)")
                    page.screenshot(path=folder / f"{name}-{size}-{theme}-{lang}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
