"""Incidents in a browser: worked through with mouse and keys, seen at once by others, out by each exit.

The tests share one installation and act on different incidents of it, in the order of this file.
"""

from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from steward.testing.world import ANYONE
from tests.browser.kit import PHONE, Server, window


def incident(server: Server, cause: str) -> int:
    """The number of the incident with that cause that is not resolved."""
    found = server.world.incidents("open", "acknowledged")
    return int(next(one["id"] for one in found if one["cause"] == cause))


def test_what_one_acknowledges_another_sees_without_doing_anything(browser: Browser, server: Server) -> None:
    number = incident(server, "blocked")
    with window(browser, server) as anna, window(browser, server, "boris") as boris:
        seen = boris.open("/incidents")
        needs = seen.locator("section", has=seen.locator("#group-needs"))
        expect(needs.locator(f"#row-{number}")).to_be_visible()
        page = anna.open(f"/incidents/{number}")
        page.keyboard.press("a")
        expect(page.get_by_text("looks after it")).to_be_visible()
        acknowledged = seen.locator("section", has=seen.locator("#group-acknowledged"))
        expect(acknowledged.locator(f"#row-{number}")).to_be_visible(timeout=8000)


def test_a_mute_is_chosen_from_its_menu_and_taken_back(browser: Browser, server: Server) -> None:
    number = incident(server, "blocked")
    with window(browser, server) as anna:
        page = anna.open(f"/incidents/{number}")
        page.keyboard.press("m")
        page.get_by_role("button", name="8 hours").click()
        expect(page.locator(".incident-head").get_by_text("muted until")).to_be_visible()
        page.keyboard.press("m")
        expect(page.locator(".incident-head").get_by_text("Acknowledged")).to_be_visible()


def test_what_may_be_accepted_is_resolved_with_its_reason(browser: Browser, server: Server) -> None:
    number = incident(server, "archived_on_github")
    with window(browser, server) as anna:
        page = anna.open(f"/incidents/{number}")
        page.keyboard.press("r")
        page.get_by_label("Reason").fill("it was finished on purpose")
        page.get_by_role("button", name="Resolve", exact=True).click()
        expect(page.get_by_text("it was finished on purpose").first).to_be_visible()
        page.get_by_role("link", name=re.compile("^Resolved")).click()
        expect(page.locator(f"#row-{number}")).to_be_visible()


def test_a_missing_project_is_archived_by_the_exit_of_its_incident(browser: Browser, server: Server) -> None:
    number = incident(server, "transferred")
    with window(browser, server) as anna, window(browser, server, "vera") as vera:
        seen = vera.open(f"/incidents/{number}")
        expect(seen.get_by_role("link", name="Archive…")).to_have_count(0)
        page = anna.open(f"/incidents/{number}")
        page.get_by_role("link", name="Archive…").click()
        # The page of the question may look again while its answer is on the way: nothing is left to ask.
        anna.expected.add("/projects/status-page/ask/archived")
        page.get_by_role("button", name=re.compile("Archive")).click()
        expect(page.locator("h1")).to_have_text("status-page")
        expect(seen.locator(".incident-head").get_by_text("Resolved")).to_be_visible(timeout=8000)


def test_a_missing_project_is_given_another_repository(browser: Browser, server: Server) -> None:
    number = incident(server, "missing")
    with window(browser, server) as anna:
        page = anna.open(f"/incidents/{number}")
        page.get_by_role("link", name="Relink…").click()
        anna.expected.add("/projects/partner-api/relink")
        page.locator("input[name=repository]").fill("acme/no-such-thing")
        page.locator("main form button.primary").click()
        expect(page.locator("input[name=repository]")).to_have_value("acme/no-such-thing")
        other = server.world.app.queries(ANYONE).project("partner-api-2")["repository"]["full_name"]
        page.locator("input[name=repository]").fill(other)
        page.locator("main form button.primary").click()
        expect(page.locator("h1")).to_have_text("partner-api")
        page.goto(f"{anna.origin}/incidents/{number}")
        expect(page.locator(".incident-head").get_by_text("Resolved")).to_be_visible()


def test_on_a_phone_the_list_leads_to_one_with_its_actions_in_reach(browser: Browser, server: Server) -> None:
    number = incident(server, "mass_loss")
    with window(browser, server, size=PHONE) as anna:
        page = anna.open("/incidents")
        expect(page.locator("#incident")).to_be_hidden()
        page.locator(f"#row-{number} a").click()
        expect(page.locator("#inbox")).to_be_hidden()
        actions = page.locator(".incident-actions")
        expect(actions).to_be_in_viewport(ratio=1)
        page.mouse.wheel(0, 1200)
        expect(actions).to_be_in_viewport(ratio=1)
        page.get_by_role("link", name="Incidents").first.click()
        expect(page.locator("#inbox")).to_be_visible()


def test_held_losses_are_rejected_after_they_were_looked_at(browser: Browser, server: Server) -> None:
    number = incident(server, "mass_loss")
    with window(browser, server) as anna:
        page = anna.open(f"/incidents/{number}")
        page.get_by_role("link", name="Reject…").click()
        expect(page.locator("tbody tr")).to_have_count(5)
        page.get_by_role("button", name="Reject 5 losses").click()
        expect(page.locator("h1")).to_have_text("Looks at GitHub")
        page.goto(f"{anna.origin}/incidents/{number}")
        expect(page.locator(".incident-head").get_by_text("Resolved")).to_be_visible()


def test_the_lifecycle_s_drawing_leads_to_projects_by_the_keyboard(browser: Browser, server: Server) -> None:
    with window(browser, server) as anna:
        page = anna.open("/lifecycle")
        node = page.locator('a.node[data-status="implementing"]')
        node.focus()
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("status=implementing"))
        expect(page.locator("tbody tr").first).to_be_visible()
