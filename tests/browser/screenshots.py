"""Takes pictures of the pages, always of the same installation and moment.

`make screenshots` writes the few that README shows into docs/pictures/screens; `make screenshots SCREENS=folder`
writes every page in every language, theme and width into that folder.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser

from steward.faces.words import LANGUAGES
from tests.browser.chat import draw
from tests.browser.chromium import browsing
from tests.browser.kit import DESKTOP, PHONE, Server, furnished, session
from tests.browser.pages import PAGES

README: Final = Path(__file__).parents[2] / "docs" / "pictures" / "screens"


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: of which page, in which way, and what it is called."""

    page: str
    lang: str
    theme: str
    size: tuple[int, int]
    name: str


SHOWN_IN_README: Final = (
    Picture("board", "en", "light", (1120, 700), "board"),
    Picture("incident-missing", "en", "dark", (1120, 700), "incident"),
    Picture("board", "ru", "dark", PHONE, "phone"),
)


def everything() -> list[Picture]:
    """Every page in every way."""
    sizes = {"desktop": DESKTOP, "phone": PHONE}
    return [
        Picture(page, lang, theme, sizes[size], f"{page}-{size}-{theme}-{lang}")
        for lang, theme, size, page in product(LANGUAGES, ("light", "dark"), sizes, PAGES)
    ]


def take(browser: Browser, server: Server, folder: Path, pictures: Iterable[Picture]) -> None:
    """Write the visible part of each."""
    folder.mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        shown = PAGES[picture.page]
        with session(
            browser, server, shown.who, lang=picture.lang, theme=picture.theme, size=picture.size
        ) as context:
            page = context.new_page()
            page.goto(server.origin + shown.address(server.world))
            page.evaluate("document.fonts.ready.then(() => true)")
            page.screenshot(path=folder / f"{picture.name}.png")
        print(folder / f"{picture.name}.png", flush=True)


def main(folder: str = "") -> None:
    """Write all of them into the folder, or, where none is named, those of README."""
    with tempfile.TemporaryDirectory() as home, furnished(Path(home)) as server, browsing() as browser:
        take(browser, server, Path(folder) if folder else README, everything() if folder else SHOWN_IN_README)
        if not folder:
            draw(browser)


if __name__ == "__main__":
    main(*sys.argv[1:])
