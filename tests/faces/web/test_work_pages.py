"""The pages and forms of building: orders from a template's questions, gates, operations, specs, releases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from steward.adapters.store import open_store
from steward.adapters.templates import CopierTemplates
from steward.domain.operations import OperationState
from steward.domain.people import Role
from steward.faces.http.app import build
from steward.faces.http.live import Live
from steward.faces.http.site import Site
from steward.faces.web.render import error_page
from steward.testing.showcase import furnish
from steward.testing.showcase_building import operation_id
from steward.testing.world import ANYONE
from tests.faces.http.kit import Served, Visitor, served, text

ORDER = {
    "slug": "tea-house",
    "title": "A tea house",
    "organisation": "acme",
    "template": "starter",
    "asked": ["title", "tagline", "accent", "language", "features"],
    "answer-accent": "teal",
    "answer-language": "en",
    "answer-features": "Menu: what there is\r\nTables: which are free",
    "brief": "Guests book a table.",
    "criteria": "A guest books a table\r\n\r\n  The menu is shown  ",
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server over the furnished installation, which drives projects with the built-in template."""
    world = furnish(open_store("sqlite://"), CopierTemplates(tmp_path_factory.mktemp("templates")))
    site = Site(world.app, Live(world.app), names=frozenset({"testserver"}), error_page=error_page)
    made = Served(world, site, build(site))
    yield made
    for client in made.clients:
        client.close()
    world.store.close()


def project(here: Served, slug: str) -> dict[str, Any]:
    return dict(here.world.app.queries(ANYONE).project(slug))


def answer(visitor: Visitor, here: Served, path: str, about: str, /, **data: Any) -> Any:
    """Send a form about the project as it is now."""
    return visitor.post(f"/projects/{about}/{path}", {"version": project(here, about)["version"], **data})


def test_the_order_asks_what_the_template_asks(here: Served) -> None:
    page = here.visitor(Role.OPERATOR).get("/order")
    assert page.status_code == 200
    assert 'name="answer-tagline"' in page.text
    assert '<option value="indigo" selected>' in page.text
    assert re.search(r"<textarea[^>]*name=\"answer-features\"", page.text)
    assert 'name="brief"' in page.text
    assert "style=" not in page.text


def test_an_order_stores_the_draft_and_its_spec_at_once(here: Served) -> None:
    done = here.visitor(Role.OPERATOR).post("/order", ORDER)
    assert (done.status_code, done.headers["location"]) == (303, "/projects/tea-house")
    spec = here.world.app.works(ANYONE).spec("tea-house")
    assert spec["answers"] == {
        "title": "A tea house",
        "accent": "teal",
        "language": "en",
        "features": "Menu: what there is\nTables: which are free",
    }
    assert spec["criteria"] == ["A guest books a table", "The menu is shown"]
    assert spec["brief"] == "Guests book a table."


def test_a_bad_answer_comes_back_beside_its_field_and_nothing_is_stored(here: Served) -> None:
    bad = {**ORDER, "slug": "bad-answers", "answer-accent": "tael", "answer-tagline": "kept <as> typed"}
    page = here.visitor(Role.OPERATOR).post("/order", bad)
    assert page.status_code == 422
    assert "is none of the choices; did you mean &#34;teal&#34;?" in page.text
    assert 'value="kept &lt;as&gt; typed"' in page.text
    assert "Guests book a table." in page.text
    assert here.visitor().get("/projects/bad-answers").status_code == 404


def test_a_slug_that_is_taken_is_said_together_with_what_else_is_wrong(here: Served) -> None:
    bad = {**ORDER, "slug": "shop-front", "brief": "x" * 10_001}
    page = text(here.visitor(Role.OPERATOR).post("/order", bad))
    assert "the slug 'shop-front' is taken" in page.lower().replace("&#39;", "'")
    assert "at most 10000 characters" in page


def test_another_template_is_asked_for_without_losing_what_was_typed(here: Served) -> None:
    page = here.visitor(Role.OPERATOR).post("/order/template", {**ORDER, "template": "no-such"})
    assert page.status_code == 200
    assert "is no address of a template" in page.text
    assert 'value="tea-house"' in page.text
    assert "Guests book a table." in page.text
    again = here.visitor(Role.OPERATOR).post("/order/template", ORDER)
    assert '<option value="teal" selected>' in again.text


def test_a_draft_is_described_anew_and_both_versions_are_compared(here: Served) -> None:
    operator = here.visitor(Role.OPERATOR)
    form = operator.get("/projects/loyalty-bot/describe")
    assert "Ten points become a gift" in form.text
    assert "version 3 of the spec" in text(form)
    wanted = {**ORDER, "answer-accent": "rose", "brief": "Points, and a newsletter."}
    assert answer(operator, here, "describe", "loyalty-bot", **wanted).status_code == 303
    page = operator.get("/projects/loyalty-bot/spec")
    shown = text(page)
    assert shown.index("Version 3") < shown.index("Version 2") < shown.index("Version 1")
    assert re.search(r"<del[^>]*>.*teal</del>", page.text)
    assert re.search(r"<ins[^>]*>.*rose</ins>", page.text)


def test_a_bad_description_and_a_stale_one_store_nothing(here: Served) -> None:
    operator = here.visitor(Role.OPERATOR)
    before = len(here.world.app.works(ANYONE).specs("clinic-booking"))
    bad = answer(operator, here, "describe", "clinic-booking", **{**ORDER, "answer-language": "xx"})
    assert bad.status_code == 422
    stale = operator.post("/projects/clinic-booking/describe", {**ORDER, "version": 99})
    assert stale.status_code == 412
    assert "Guests book a table." in stale.text
    assert len(here.world.app.works(ANYONE).specs("clinic-booking")) == before
    refused = operator.get("/projects/shop-front/describe")
    assert refused.status_code == 409


def test_a_draft_that_nobody_described_offers_that_first(here: Served) -> None:
    page = here.visitor(Role.APPROVER).get("/projects/clinic-booking")
    assert 'href="/projects/clinic-booking/describe"' in page.text
    assert "Nobody has described it yet" in page.text


def test_an_approval_shows_the_spec_and_starts_the_estimate(here: Served) -> None:
    approver = here.visitor(Role.APPROVER)
    here.visitor(Role.OPERATOR).post("/order", {**ORDER, "slug": "to-approve"})
    shown = text(approver.get("/projects/to-approve/ask/approved"))
    assert "What is known: version 1 of the spec" in shown
    assert "Guests book a table." in shown
    assert "A guest books a table" in shown
    assert answer(approver, here, "ask/approved", "to-approve").status_code == 303
    page = approver.get("/projects/to-approve")
    assert "What runs now" in page.text
    assert "data-running" in page.text
    assert "Specify" in page.text


def test_a_confirmation_shows_the_estimate_and_takes_a_budget(here: Served) -> None:
    approver = here.visitor(Role.APPROVER)
    shown = text(approver.get("/projects/parcel-tracker/ask/confirmed"))
    assert "(8.1 to 24.3 h)" in shown
    assert "$25.65" in shown
    assert "an hour costs 1.90 USD" in shown
    assert "acme/parcel-tracker" in shown
    for bad in ("much", "-1", "nan", "1e99"):
        wrong = answer(approver, here, "ask/confirmed", "parcel-tracker", budget=bad, reason="go")
        assert wrong.status_code == 422
        assert "must be a number of dollars" in wrong.text
    assert project(here, "parcel-tracker")["status"] == "estimated"
    assert answer(approver, here, "ask/confirmed", "parcel-tracker", budget="$12.50").status_code == 303
    assert project(here, "parcel-tracker")["status"] == "provisioning"
    assert here.world.app.works(ANYONE).costs("parcel-tracker")["budget_usd"] == 12.5


def test_what_runs_is_shown_with_its_step_its_words_and_a_way_to_stop_it(here: Served) -> None:
    page = here.visitor(Role.OPERATOR).get("/projects/event-tickets")
    shown = text(page)
    assert "step 3 of 5" in shown
    assert "Pull request #18" in shown
    assert '<progress class="phase-construction" max="5" value="2.5"' in page.text
    assert 'href="https://github.com/acme/event-tickets/pull/18"' in page.text
    assert 'href="/projects/event-tickets/ask/cancelled"' in page.text
    assert "$8.25 of $60" in shown


def test_an_operation_shows_its_steps_and_follows_its_log(here: Served) -> None:
    address = f"/projects/event-tickets/operations/{operation_id('event-tickets', 'implement')}"
    page = here.visitor(Role.VIEWER).get(address)
    assert page.text.count('class="mark done') == 2
    assert page.text.count('class="mark current') == 1
    assert "data-follow" in page.text
    assert "1 failed, 183 passed" in page.text
    earlier = here.visitor(Role.VIEWER).get(f"{address}?after=4")
    assert 'start="5"' in earlier.text
    assert "data-follow" not in earlier.text
    assert here.visitor(Role.VIEWER).get("/projects/shop-front/operations/none").status_code == 404


def test_a_long_log_shows_its_end_and_leads_to_what_was_earlier(here: Served) -> None:
    identity = operation_id("rent-desk", "deploy")
    with here.world.store.writing() as tx:
        lines = [f"line {number}" for number in range(1, 1001)]
        tx.append_log(identity, 1, here.world.clock.now().at, "run_playbook", lines)
    page = here.visitor(Role.VIEWER).get(f"/projects/rent-desk/operations/{identity}")
    assert "line 1000" in page.text
    assert "line 600<" not in page.text
    assert 'href="?after=200"' in page.text


def test_a_failure_says_where_whose_fault_why_and_what_to_do(here: Served) -> None:
    page = here.visitor(Role.OPERATOR).get("/projects/delivery-map")
    shown = text(page)
    assert "Failed at: prove life" in shown
    assert "infrastructure" in shown
    assert "/up: 502, three times in a row" in shown
    assert "See what stands in the way, then retry." in shown
    for way in ("retry", "ask/resolved", "ask/update-abandoned", "ask/archived"):
        assert f'href="/projects/delivery-map/{way}"' in page.text
    evidence = here.visitor(Role.VIEWER).get(
        f"/projects/delivery-map/operations/{operation_id('delivery-map', 'deploy')}"
    )
    assert "no upstream" in evidence.text
    assert 'class="mark failed' in evidence.text


def test_an_error_is_resolved_to_the_settled_status_where_a_person_says_so(here: Served) -> None:
    operator = here.visitor(Role.OPERATOR)
    assert "Back to Verified" in text(operator.get("/projects/delivery-map/ask/resolved"))
    odd = answer(operator, here, "ask/resolved", "delivery-map", to="no-status")
    assert odd.status_code == 422
    done = answer(operator, here, "ask/resolved", "delivery-map", to="verified", reason="by hand")
    assert done.status_code == 303
    assert project(here, "delivery-map")["status"] == "verified"


def test_what_was_cancelled_is_begun_once_more(here: Served) -> None:
    operator = here.visitor(Role.OPERATOR)
    assert "has failed or was cancelled" in text(operator.get("/projects/shop-front/retry"))
    assert answer(operator, here, "retry", "shop-front").status_code == 409
    assert answer(operator, here, "ask/cancelled", "rent-desk", reason="stop").status_code == 303
    page = operator.get("/projects/rent-desk")
    assert "What ran last" in page.text
    assert 'href="/projects/rent-desk/retry"' in page.text
    assert answer(operator, here, "retry", "rent-desk", reason="go on").status_code in (303, 409)


def test_an_update_is_asked_for_in_a_text_as_long_as_it_needs(here: Served) -> None:
    operator = here.visitor(Role.OPERATOR)
    assert 'maxlength="10000"' in operator.get("/projects/shop-front/ask/update-requested").text
    assert answer(operator, here, "ask/update-requested", "shop-front", reason=" ").status_code == 409
    long = "Longer prices. " * 100
    assert answer(operator, here, "ask/update-requested", "shop-front", reason=long).status_code == 303
    shown = project(here, "shop-front")
    assert shown["status"] == "maintenance"
    assert shown["update"]["text"] == long.strip()


def test_an_update_is_built_at_once_or_designed_first(here: Served) -> None:
    approver = here.visitor(Role.APPROVER)
    page = approver.get("/projects/wholesale")
    shown = text(page)
    assert "Resellers download their price list" in shown
    assert shown.index("Build at once…") < shown.index("Design first…")
    assert "update #1" in shown
    assert "live v1 healthy" in shown
    assert answer(approver, here, "ask/small-change", "wholesale").status_code == 303
    assert project(here, "wholesale")["status"] == "implementing"


def test_a_rollback_is_asked_for_on_a_page_of_its_own(here: Served) -> None:
    approver, viewer = here.visitor(Role.APPROVER), here.visitor(Role.VIEWER)
    listed = approver.get("/projects/shop-front/releases")
    assert 'href="/projects/shop-front/releases/1/rollback"' in listed.text
    assert "rollback" not in viewer.get("/projects/shop-front/releases").text
    assert "must prove to live" in approver.get("/projects/shop-front/releases/1/rollback").text
    assert approver.get("/projects/shop-front/releases/9/rollback").status_code == 404
    assert answer(viewer, here, "releases/1/rollback", "shop-front").status_code == 403
    assert answer(approver, here, "releases/2/rollback", "shop-front").status_code == 409
    assert answer(approver, here, "releases/1/rollback", "shop-front").status_code == 303
    assert project(here, "shop-front")["operation"]["kind"] == "rollback"


def test_the_board_and_the_table_say_what_runs(here: Served) -> None:
    viewer = here.visitor(Role.VIEWER)
    board = viewer.get("/projects").text
    assert "Implement 3/5" in board
    assert "Design is queued" in board
    assert "Verify waits at 2/4" in board
    table = viewer.get("/projects?view=table").text
    assert "Implement 3/5" in table


def test_what_is_held_does_not_look_running(here: Served) -> None:
    world = here.world
    world.deciding().freeze("acme", "a holiday")
    try:
        viewer = here.visitor(Role.VIEWER)
        board = viewer.get("/projects").text
        assert "Implement waits at 3/5" in board
        assert "Implement 3/5" not in board
        page = viewer.get("/projects/event-tickets")
        assert "Held: it goes on once" in page.text
    finally:
        world.deciding().unfreeze("acme")
    running = world.app.works(ANYONE).operation("event-tickets")
    assert running["state"] == OperationState.RUNNING


@pytest.mark.parametrize("page", ["operations", "releases", "spec"])
def test_where_there_is_nothing_yet_the_page_says_what_comes(here: Served, page: str) -> None:
    answered = here.visitor(Role.VIEWER).get(f"/projects/docs-site/{page}")
    assert answered.status_code == 200
    assert 'class="empty"' in answered.text


def test_without_templates_the_order_stays_simple() -> None:
    with served(error_page=error_page) as plain:
        page = plain.visitor().get("/order")
        assert 'name="brief"' not in page.text
        assert plain.visitor().post("/order", {"slug": "plain", "organisation": "acme"}).status_code == 303
        shown = plain.visitor().get("/projects/plain")
        assert "Spec and estimate" not in shown.text
        assert "What runs now" not in shown.text


def test_a_budget_is_changed_by_an_approver(here: Served) -> None:
    approver = here.visitor(Role.APPROVER)
    assert "$8.25 of $60" in text(approver.get("/projects/event-tickets/budget"))
    assert answer(approver, here, "budget", "event-tickets", usd="lots").status_code == 422
    assert answer(here.visitor(Role.OPERATOR), here, "budget", "event-tickets", usd="9").status_code == 403
    assert answer(approver, here, "budget", "event-tickets", usd="75").status_code == 303
    assert here.world.app.works(ANYONE).costs("event-tickets")["budget_usd"] == 75
