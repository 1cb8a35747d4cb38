"""Open pages stay true by themselves: what others do, what GitHub lost, and what happened while the server was away."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from steward.domain.people import local
from tests.browser.kit import Server, Window, window

NOTICED_MS = 3000
"""More than a change takes; less than the page's own slow look would."""


def absent(server: Server, name: str) -> None:
    """Delete a repository on GitHub, and look."""
    forge = server.world.forge
    forge.delete(next(repo.id for repo in forge.live("acme").values() if repo.name == name))
    server.world.beat()
    server.world.store.publish()


def test_a_deleted_repository_shows_on_an_open_board_before_its_loss_is_believed(
    browser: Browser, server: Server
) -> None:
    with window(browser, server, "vera") as vera:
        page = vera.open("/projects")
        card = page.locator("#card-price-watch")
        expect(card).not_to_contain_text("absent")
        absent(server, "price-watch")
        expect(card).to_contain_text("absent, being confirmed (1 of 3)", timeout=NOTICED_MS)


def test_what_one_does_another_sees_with_menus_and_typed_text_left_as_they_are(
    browser: Browser, server: Server
) -> None:
    with window(browser, server) as anna, window(browser, server, "boris") as boris:
        seen = boris.open("/projects")
        seen.locator("#filter > summary").click()
        seen.get_by_role("searchbox", name="Name").fill("half a word")
        page = anna.open("/projects/rent-desk/owner")
        page.get_by_label("Owner").fill("Zoe Quick")
        page.locator("main form button").first.click()
        expect(seen.locator("#card-rent-desk")).to_contain_text("Zoe Quick", timeout=NOTICED_MS)
        expect(seen.get_by_role("searchbox", name="Name")).to_have_value("half a word")
        expect(seen.get_by_role("searchbox", name="Name")).to_be_focused()


def test_a_server_that_was_away_loses_no_change(browser: Browser, server: Server) -> None:
    with window(browser, server, "vera") as vera:
        page = vera.open("/projects")
        vera.expected |= {"/live", "/projects"}
        server.stop()
        expect(page.locator("#reconnecting")).to_be_visible(timeout=10_000)
        anna = server.world.app.commands(local("user:anna"))
        anna.own("invoice-ocr", "Someone New")
        anna.order("made-meanwhile", organisation="acme")
        server.start()
        expect(page.locator("#card-made-meanwhile")).to_be_visible(timeout=15_000)
        expect(page.locator("#card-invoice-ocr")).to_contain_text("Someone New")
        expect(page.locator("#reconnecting")).to_be_hidden()
        # And it listens again: the next change comes at once.
        anna.own("invoice-ocr", "Another One")
        expect(page.locator("#card-invoice-ocr")).to_contain_text("Another One", timeout=NOTICED_MS)


def test_a_session_that_ends_on_an_open_page_leads_to_sign_in_and_back(
    browser: Browser, server: Server
) -> None:
    with window(browser, server, "vera") as vera:
        page = vera.open("/projects?view=table")
        vera.expected |= {"/live", "/projects"}
        end_sessions(server, "vera")
        anna = server.world.app.commands(local("user:anna"))
        anna.own("event-tickets", "Someone Else")
        page.wait_for_url("**/login?next=*", timeout=20_000)
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        sign_in(vera, server, "vera", "/projects?view=table")
        expect(page.locator("#row-event-tickets")).to_contain_text("Someone Else")


def end_sessions(server: Server, name: str) -> None:
    """End every session of theirs, as an admin would."""
    with server.world.store.writing() as tx:
        user = tx.user(name)
        assert user is not None
        tx.end_passes([one.id for one in tx.passes(user.id, ["session"])], server.world.clock.now().at)


def sign_in(seen: Window, server: Server, name: str, wanted: str) -> None:
    """Follow a fresh link, as it is printed, and press its one button."""
    secret = server.world.app.access.link(name, "user:anna")
    seen.page.goto(
        f"{seen.origin}/login?token={secret}&next={wanted.replace('?', '%3F').replace('=', '%3D')}"
    )
    seen.page.get_by_role("button", name="Sign in").click()
    seen.page.wait_for_url(f"**{wanted}")


def test_a_link_signs_in_once(browser: Browser, server: Server) -> None:
    with window(browser, server, None) as nobody:
        page = nobody.open("/incidents")
        page.wait_for_url("**/login?next=%2Fincidents")
        secret = server.world.app.access.link("boris", "user:anna")
        page.goto(f"{nobody.origin}/login?token={secret}&next=/incidents")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Борис Леонов")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/incidents")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Incidents")
    with window(browser, server, None) as thief:
        thief.expected.add("/login")
        page = thief.open(f"/login?token={secret}")
        expect(page.get_by_role("alert")).to_contain_text("used already")


def test_language_and_theme_are_chosen_in_the_menu_and_stay(browser: Browser, server: Server) -> None:
    with window(browser, server, "vera") as vera:
        page = vera.open("/projects")
        page.locator(".side .me").click()
        page.get_by_role("button", name="Русский").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Проекты")
        page.locator(".side .me").click()
        page.get_by_role("button", name="Тёмная").click()
        page.reload()
        assert page.evaluate("[document.documentElement.lang, document.documentElement.dataset.theme]") == [
            "ru",
            "dark",
        ]
