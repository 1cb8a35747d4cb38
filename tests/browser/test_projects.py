"""Projects in a browser: ordered, refused, found, archived; by mouse, by keys, and without a script.

The tests share one installation; each acts on projects of its own.
"""

from __future__ import annotations

import re
import time

from playwright.sync_api import Browser, Route, expect

from steward.testing.showcase_building import operation_id
from tests.browser.kit import Server, window


def test_an_order_says_at_once_whether_the_slug_is_free(browser: Browser, server: Server) -> None:
    with window(browser, server, "boris") as boris:
        page = boris.open("/projects")
        page.get_by_role("link", name="New project").click()
        page.get_by_label("Slug").press_sequentially("shop-front")
        expect(page.get_by_text("the slug 'shop-front' is taken")).to_be_visible()
        page.get_by_label("Slug").fill("tea-house")
        expect(page.get_by_text("“tea-house” is free")).to_be_visible()
        page.get_by_label("What it is").fill("Tables, teas & <b>times</b>")
        page.get_by_role("button", name="Order").click()
        expect(page).to_have_url(re.compile("/projects/tea-house$"))
        expect(page.get_by_text("Tables, teas & <b>times</b>").first).to_be_visible()
        page.get_by_role("link", name="Projects", exact=True).first.click()
        expect(page.locator("#card-tea-house").get_by_text("Draft")).to_be_visible()


def test_an_operator_is_told_that_approving_takes_another_role(browser: Browser, server: Server) -> None:
    with window(browser, server, "boris") as boris:
        page = boris.open("/projects/loyalty-bot")
        expect(page.locator("#gate").get_by_text("needs the role of approver or above")).to_be_visible()
        expect(page.locator("#gate").get_by_role("button", name="Approve")).to_be_disabled()


def test_an_approver_describes_a_draft_before_it_can_be_approved(browser: Browser, server: Server) -> None:
    with window(browser, server, "marta") as marta:
        page = marta.open("/projects?waiting=1")
        page.locator("#card-clinic-booking").get_by_role("link", name="Review").click()
        page.locator("#gate").get_by_role("link", name="Describe").click()
        page.get_by_label("Brief").fill("Patients choose a time.")
        page.get_by_label("Accent").select_option("green")
        page.get_by_role("button", name="Store the spec").click()
        page.locator("#gate").get_by_role("link", name="Approve").click()
        expect(page.get_by_text("Patients choose a time.")).to_be_visible()
        page.get_by_role("button", name="Approve").click()
        expect(page.locator("#running").get_by_text("Queued")).to_be_visible()


def test_what_runs_follows_its_log_by_itself(browser: Browser, server: Server) -> None:
    identity = operation_id("event-tickets", "implement")
    with window(browser, server, "vera") as vera:
        page = vera.open(f"/projects/event-tickets/operations/{identity}")
        lines = [f"a line that comes later, {number}" for number in range(80)]
        with server.world.store.writing() as tx:
            tx.append_log(identity, 1, server.world.clock.now().at, "open_pull", lines)
        expect(page.get_by_text("a line that comes later, 79")).to_be_in_viewport()


def test_a_filter_is_in_the_address_and_comes_off_again(browser: Browser, server: Server) -> None:
    with window(browser, server) as anna:
        page = anna.open("/projects")
        page.locator("#filter > summary").click()
        page.get_by_label("Phase", exact=True).select_option("construction")
        expect(page).to_have_url(re.compile("phase=construction"))
        expect(page.locator("#card-event-tickets")).to_be_visible()
        expect(page.locator("#card-shop-front")).to_have_count(0)
        page.get_by_role("link", name="Table").click()
        expect(page).to_have_url(re.compile("view=table.*phase=construction|phase=construction.*view=table"))
        expect(page.locator("#row-event-tickets")).to_be_visible()
        page.locator(".chips .chip").first.click()
        expect(page.locator("#row-shop-front")).to_be_visible()


def test_an_archive_is_asked_for_twice_and_explained(browser: Browser, server: Server) -> None:
    with window(browser, server) as anna:
        page = anna.open("/projects/docs-site")
        page.get_by_label("More").click()
        page.locator(".menu-list").get_by_role("link", name="Archive…").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Archive: docs-site")
        page.get_by_label("Reason").fill("moved into the shop")
        page.get_by_role("button", name="Archive").click()
        expect(page.locator(".project-head").get_by_text("Archived")).to_be_visible()
        expect(page.get_by_text("moved into the shop").first).to_be_visible()


def test_a_form_on_its_way_is_not_sent_again(browser: Browser, server: Server) -> None:
    with window(browser, server) as anna:
        sent: list[str] = []
        anna.page.on("request", lambda request: sent.append(request.method))
        page = anna.open("/projects/wholesale/owner")
        page.get_by_label("Owner").fill("Vera")
        # As a double click does, before anything can have been answered.
        page.locator("main form").first.evaluate(
            "(form) => { form.requestSubmit(); setTimeout(() => form.requestSubmit(), 1); }"
        )
        expect(page.locator("#about").get_by_text("Vera")).to_be_visible()
    assert sent.count("POST") == 1


def test_a_page_whose_form_is_on_its_way_is_not_fetched_anew(browser: Browser, server: Server) -> None:
    with window(browser, server) as anna:
        sent: list[str] = []

        def slowly(route: Route) -> None:
            sent.append(route.request.method)
            if route.request.method == "GET":
                return route.continue_()
            answer = route.fetch(max_redirects=0)
            time.sleep(0.7)  # the page hears of its own change before it has the answer
            return route.fulfill(response=answer)

        page = anna.open("/projects/support-bot/ask/archived")
        page.route("**/ask/archived", slowly)
        page.get_by_role("button", name="Archive").click()
        expect(page.locator(".project-head").get_by_text("Archived")).to_be_visible()
    assert sent == ["POST"]


def test_two_who_decide_on_the_same_version_do_not_overwrite_each_other(
    browser: Browser, server: Server
) -> None:
    with window(browser, server) as anna, window(browser, server, "boris") as boris:
        first = anna.open("/projects/wholesale/owner")
        second = boris.open("/projects/wholesale/owner")
        first.get_by_label("Owner").fill("Anna Kirsanova")
        first.locator("main form button").first.click()
        expect(first.locator("#about").get_by_text("Anna Kirsanova")).to_be_visible()
        boris.expected.add("/projects/wholesale/owner")
        second.get_by_label("Owner").fill("Boris")
        second.locator("main form button").first.click()
        expect(second.get_by_text("Somebody was quicker")).to_be_visible()
    assert {p.slug: p.owner for p in server.world.projects()}["wholesale"] == "Anna Kirsanova"


def test_the_keyboard_alone_finds_walks_and_helps(browser: Browser, server: Server) -> None:
    with window(browser, server, "vera") as vera:
        page = vera.open("/projects")
        page.keyboard.press("j")
        first = page.evaluate("document.activeElement.textContent")
        page.keyboard.press("j")
        assert page.evaluate("document.activeElement.textContent") != first
        page.keyboard.press("k")
        assert page.evaluate("document.activeElement.textContent") == first
        page.keyboard.press("?")
        expect(page.locator("#help")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#help")).to_be_hidden()
        page.keyboard.press("Control+k")
        page.keyboard.type("price-w")
        expect(page.locator("#found a").first).to_contain_text("price-watch")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("/projects/price-watch$"))


def test_without_a_script_all_of_it_works_too(browser: Browser, server: Server) -> None:
    with window(browser, server, java_script_enabled=False) as anna:
        anna.page.goto(anna.origin + "/order")
        page = anna.page
        page.get_by_label("Slug").fill("paper-boat")
        page.get_by_role("button", name="Order").click()
        expect(page).to_have_url(re.compile("/projects/paper-boat$"))
        page.goto(anna.origin + "/projects/paper-boat/ask/archived")
        page.get_by_role("button", name="Archive").click()
        expect(page.locator(".project-head").get_by_text("Archived")).to_be_visible()
        number = next(i["id"] for i in server.world.incidents("open") if i["cause"] == "mass_loss")
        page.goto(f"{anna.origin}/incidents/{number}")
        page.get_by_role("button", name="Acknowledge").first.click()
        expect(page.get_by_text("looks after it").first).to_be_visible()
        page.goto(anna.origin + "/projects")
        page.locator("#filter > summary").click()
        page.get_by_label("Status").select_option("active")
        page.get_by_role("button", name="Show").click()
        expect(page).to_have_url(re.compile("status=active"))
