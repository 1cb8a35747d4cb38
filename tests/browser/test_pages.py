"""Every page, in both themes, both languages, wide and narrow: accessible, clean, whole, in one language.

`make test` tries each page wide in English and light, and narrow in Russian and dark; `make soak` tries the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from itertools import product
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext

from steward.faces.http.app import ROUTERS
from steward.faces.http.guard import GuardedRoute
from steward.faces.words import LANGUAGES
from tests.browser.axe import sideways, violations
from tests.browser.kit import DESKTOP, PHONE, Server, session, window_in
from tests.browser.pages import PAGES
from tests.browser.russian import english_words

SIZES: Final = {"desktop": DESKTOP, "phone": PHONE}
QUICK: Final = {("en", "light", "desktop"), ("ru", "dark", "phone")}


def ways() -> list[Any]:
    """Every language, theme and width; those that are not quick enough for every run are marked."""
    return [
        pytest.param(*way, marks=() if way in QUICK else pytest.mark.soak)
        for way in product(LANGUAGES, ("light", "dark"), SIZES)
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


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("lang", "theme", "size"), ways())
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


NO_PAGES: Final = frozenset({"/", "/static/{version}/{path:path}", "/favicon.ico"})
"""Routes of the web face that show nothing of their own."""


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
