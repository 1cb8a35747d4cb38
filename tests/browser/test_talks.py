"""A talk in a browser: what is said becomes the brief while one looks on, and what is being typed stays."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from steward.app.folding import Folding
from tests.browser.kit import Server, window


def test_the_brief_appears_by_itself_and_typed_words_stay(browser: Browser, server: Server) -> None:
    with window(browser, server) as seen:
        page = seen.open("/talks/new")
        page.get_by_label("In your own words").fill("A page where the choir finds its notes")
        page.get_by_role("button", name="Start").click()
        expect(page.locator(".thinking")).to_be_visible()
        expect(page.get_by_role("button", name="Approve and order")).to_have_count(0)
        box = page.get_by_label("Say more")
        box.fill("half a sent")
        server.world.clock.advance(5)
        Folding(server.world.app).tick()
        expect(page.locator("#asked")).to_contain_text("Who will use it?")
        expect(page.locator(".thinking")).to_have_count(0)
        expect(page.locator("#brief")).to_contain_text("A page where the choir finds its notes")
        expect(box).to_have_value("half a sent")
        expect(page.get_by_role("button", name="Approve and order")).to_be_visible()
        seen.healthy()
