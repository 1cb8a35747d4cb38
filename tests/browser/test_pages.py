"""Every page, in both themes, both languages, wide and narrow: accessible, clean, whole, in one language.

`make test` tries each page in two of the four ways, so that each theme, language and width is tried; `make soak`
tries the other two.
"""

from __future__ import annotations

from typing import Final

import pytest
from playwright.sync_api import Browser

from steward.faces.http.app import ROUTERS
from steward.faces.http.guard import GuardedRoute
from tests.browser.axe import sideways, violations
from tests.browser.kit import DESKTOP, PHONE, Server, window
from tests.browser.pages import PAGES
from tests.browser.russian import english_words

WAYS: Final = (
    pytest.param("en", "light", marks=pytest.mark.xdist_group("browser-en")),
    pytest.param("ru", "dark", marks=pytest.mark.xdist_group("browser-ru")),
    pytest.param("en", "dark", marks=[pytest.mark.soak, pytest.mark.xdist_group("browser-en")]),
    pytest.param("ru", "light", marks=[pytest.mark.soak, pytest.mark.xdist_group("browser-ru")]),
)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("lang", "theme"), WAYS)
def test_a_page_is_accessible_clean_and_whole(
    browser: Browser, shown: Server, lang: str, theme: str, name: str
) -> None:
    wanted = PAGES[name]
    address = wanted.address(shown.world)
    with window(browser, shown, wanted.who, lang=lang, theme=theme) as seen:
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
        for width, height in (DESKTOP, PHONE):
            page.set_viewport_size({"width": width, "height": height})
            assert (width, violations(page)) == (width, [])
            assert (width, sideways(page)) == (width, [])
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
