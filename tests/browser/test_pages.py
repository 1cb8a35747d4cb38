"""Every page, in both themes, both languages, wide and narrow: accessible, clean, whole, in one language.

`make test` tries each page once: by turns narrow in Russian and dark, and wide in English and light; `make soak` tries
the rest, and what those see of it who have fewer rights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from itertools import product
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from steward.faces.http.app import ROUTERS
from steward.faces.http.guard import GuardedRoute
from steward.faces.words import LANGUAGES
from tests.browser.axe import sideways, violations
from tests.browser.kit import DESKTOP, PHONE, Server, session, window, window_in
from tests.browser.pages import PAGES
from tests.browser.russian import english_words

SIZES: Final = {"desktop": DESKTOP, "phone": PHONE}
OFTEN: Final = ("ru", "dark", "phone")
"""Where a page breaks first: the longer language, the narrower window, the theme that fewer developers use."""
SOMETIMES: Final = ("en", "light", "desktop")
LESS: Final = "-viewer"
"""How pages are called that show a part of another one, to somebody with fewer rights."""
BY_TURNS: Final = (OFTEN, SOMETIMES)
"""The way that every run takes a page in, by the page's place in the list."""


def cases() -> list[Any]:
    """Every page in every language, theme and width; those that are not quick enough for every run are marked."""
    return [
        pytest.param(
            *way,
            name,
            id="-".join((*way, name)),
            marks=() if way == BY_TURNS[place % 2] and not name.endswith(LESS) else pytest.mark.soak,
        )
        for way in product(LANGUAGES, ("light", "dark"), SIZES)
        for place, name in enumerate(PAGES)
    ]


Sessions = Callable[[str | None, str, str, str], BrowserContext]


@pytest.fixture(scope="module")
def sessions(browser: Browser, shown: Server) -> Iterator[Sessions]:
    """A session per person, language, theme and width: its cache spares each page the fonts and scripts."""
    with ExitStack() as stack:

        @cache
        def opened(who: str | None, lang: str, theme: str, size: str) -> BrowserContext:
            return stack.enter_context(session(browser, shown, who, lang=lang, theme=theme, size=SIZES[size]))

        yield opened


@pytest.mark.parametrize(("lang", "theme", "size", "name"), cases())
def test_a_page_is_accessible_clean_and_whole(
    sessions: Sessions, shown: Server, lang: str, theme: str, size: str, name: str
) -> None:
    wanted = PAGES[name]
    address = wanted.address(shown.world)
    with window_in(sessions(wanted.who, lang, theme, size), shown) as seen:
        page = seen.page
        if wanted.status >= 400:
            seen.expected.add(address.partition("?")[0])
        response = page.goto(seen.origin + address, wait_until="load")
        assert response is not None
        assert response.status == wanted.status
        assert page.evaluate("[document.documentElement.lang, document.documentElement.dataset.theme]") == [
            lang,
            theme,
        ]
        assert violations(page) == []
        assert sideways(page) == []
        if lang == "ru":
            assert english_words(page) == []


@pytest.mark.parametrize("way", [OFTEN, pytest.param(SOMETIMES, marks=pytest.mark.soak)], ids="-".join)
def test_after_a_restore_the_pages_are_accessible_clean_and_whole(
    browser: Browser, restored: Server, way: tuple[str, str, str]
) -> None:
    lang, theme, size = way
    with window(browser, restored, lang=lang, theme=theme, size=SIZES[size]) as seen:
        for path in ("/projects", "/freeze", "/restored"):
            page = seen.open(path)
            expect(page.locator("#frozen a")).to_have_attribute("href", "/restored")
            assert (violations(page), sideways(page)) == ([], [])
            assert lang != "ru" or english_words(page) == []
        page.locator("main form button").first.click()
        expect(page.locator("#plan-1")).to_be_visible()
        assert (violations(page), sideways(page)) == ([], [])
        assert lang != "ru" or english_words(page) == []


NO_PAGES: Final = frozenset(
    {"/", "/static/{version}/{path:path}", "/favicon.ico", "/projects/{slug}/patches/{number}"}
)
"""Routes of the web face that show nothing of their own; a patch is a text to be saved."""


def test_no_page_is_forgotten(shown: Server) -> None:
    asked = {wanted.address(shown.world).partition("?")[0] for wanted in PAGES.values()}
    forgotten = [
        route.path
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, GuardedRoute)
        and route.endpoint.__module__.startswith("steward.faces.web.")
        and "GET" in (route.methods or ())
        and route.path not in NO_PAGES
        and not any(route.path_regex.match(path) for path in asked)
    ]
    assert forgotten == []
