"""Hands off over HTTP: the panel of a held project, its ways out, pauses, policies, patches, settings; and the API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from steward.domain.people import Role
from steward.faces.web.render import error_page
from steward.testing.building import FakeForgeWrite
from steward.testing.touched import PATCH, TIP, drift, keep_patch, touch
from tests.faces.http.api_kit import api
from tests.faces.http.kit import Served, served, text


@pytest.fixture
def here() -> Iterator[Served]:
    with served(error_page=error_page) as made:
        world = made.world
        world.forge.create("acme", "shop", visibility="public")
        world.settle()
        world.commands().manage("shop", "drive")
        touch(world, "shop")
        world.store.publish()
        yield made


def shown(here: Served) -> dict[str, Any]:
    """The project as the application shows it."""
    return here.world.app.queries(here.world.commands().by).project("shop")


def form(here: Served, **more: Any) -> dict[str, Any]:
    """What a form of the project's page holds."""
    return {"version": shown(here)["version"], **more}


def test_a_held_project_shows_who_did_what_and_the_ways_out(here: Served) -> None:
    page = here.visitor().get("/projects/shop")
    told = text(page)
    for words in (
        "boris pushed 2 commits to main",
        "checks: red",
        "2 files changed",
        "Take what they did as it is, and go on",
        "Leave the project to them",
    ):
        assert words in told, words
    assert f'/acme/shop/commit/{TIP}"' in page.text
    assert "A hint &lt;b&gt;for&lt;/b&gt; the usher" in page.text
    assert 'href="/projects/shop/leave/hand-over?hold=1"' in page.text
    russian = text(here.visitor().get("/projects/shop", headers={"Accept-Language": "ru"}))
    assert "boris: 2 коммита в main" in russian
    assert "проверки: не пройдены" in russian
    assert "pushed" not in russian


def test_a_card_and_a_row_say_held_in_words_and_a_viewer_has_no_buttons(here: Served) -> None:
    viewer = here.visitor(Role.VIEWER)
    for address in ("/projects", "/projects?view=table", "/projects?held=yes"):
        assert "held" in text(viewer.get(address)), address
    assert "No project matches" in text(viewer.get("/projects?held=no"))
    page = viewer.get("/projects/shop")
    assert "Pause…" not in page.text
    assert "/leave/" not in page.text
    assert viewer.post("/projects/shop/leave/resume", form(here)).status_code == 403


def test_going_on_is_a_button_and_handing_over_asks_first(here: Served) -> None:
    operator = here.visitor(Role.OPERATOR)
    asked = operator.get("/projects/shop/leave/hand-over?hold=1")
    assert "Leave the project to them: Steward watches, and touches nothing." in text(asked)
    assert "boris pushed 2 commits to main" in text(asked)
    assert shown(here)["holds"]
    refused = operator.post("/projects/shop/leave/ship", form(here, hold=1))
    assert refused.status_code == 409
    assert "there is: hand_over, resume, stop" in text(refused)
    done = operator.post("/projects/shop/leave/resume", form(here, hold=1, reason="reviewed"))
    assert done.status_code == 303
    assert shown(here)["holds"] == []
    assert "Nothing holds it any more." in text(operator.get("/projects/shop/leave/stop?hold=1"))
    assert operator.get("/projects/shop/leave/sideways").status_code == 404


def test_a_pause_and_a_policy_have_pages_that_say_what_they_do(here: Served) -> None:
    operator = here.visitor(Role.OPERATOR)
    assert "Nothing begins until somebody resumes it." in text(operator.get("/projects/shop/pause"))
    operator.post("/projects/shop/pause", form(here, reason="noon"))
    assert [hold["kind"] for hold in shown(here)["holds"]] == ["foreign", "paused"]
    page = operator.get("/projects/shop")
    assert "Paused: noon" in text(page)
    assert 'href="/projects/shop/pause"' not in page.text
    assert "People are told; the work goes on." in text(operator.get("/projects/shop/hands-off"))
    assert operator.post("/projects/shop/hands-off", form(here, policy="notify")).status_code == 303
    assert "When a person pushes Notify" in text(operator.get("/projects/shop"))
    assert operator.post("/projects/shop/hands-off", form(here, policy="never")).status_code == 422


def test_a_kept_patch_is_handed_out_as_a_file(here: Served) -> None:
    keep_patch(here.world, "shop")
    visitor = here.visitor()
    assert 'href="/projects/shop/patches/1"' in visitor.get("/projects/shop").text
    answer = visitor.get("/projects/shop/patches/1")
    assert (answer.text, answer.headers["content-type"]) == (PATCH, "text/plain; charset=utf-8")
    assert answer.headers["content-disposition"] == 'attachment; filename="shop-1.patch"'
    assert visitor.get("/projects/shop/patches/9").status_code == 422


def test_a_changed_setting_is_set_right_left_so_or_says_why_not(here: Served) -> None:
    world, operator = here.world, here.visitor(Role.OPERATOR)
    drift(world, "shop", "visibility", "private", "public")
    page = operator.get("/projects/shop")
    assert 'action="/projects/shop/mend"' in page.text
    assert "Leave it so" in text(page)
    none = operator.post("/projects/shop/mend", form(here, setting="visibility"))
    assert (none.status_code, "drives no projects" in text(none)) == (409, True)
    drift(world, "shop", "archived", True, False)
    never = operator.post("/projects/shop/mend", form(here, setting="archived"))
    assert never.status_code == 422
    assert "Steward never sets archived of a repository to True" in text(never)
    assert operator.post("/projects/shop/mend", form(here, setting="archived", act="keep")).status_code == 303
    assert world.kinds().count("setting.mended") == 1


def test_the_incident_leads_to_the_ways_out(here: Served) -> None:
    number = here.world.incidents()[0]["id"]
    page = here.visitor().get(f"/incidents/{number}")
    assert "Boris pushed 2 commits to main" in text(page)
    assert 'href="/projects/shop#holds"' in page.text
    assert f"{TIP[:7]} A hint" in page.text


def test_the_api_shows_leaves_and_mends(here: Served) -> None:
    world = here.world
    keep_patch(world, "shop")
    build = FakeForgeWrite(world.forge)
    world.app = replace(world.app, writing=lambda: build)
    with api(world) as there, there.client(Role.OPERATOR) as operator:
        found = operator.get("projects/shop/holds").json()
        assert [way["exit"] for way in found["holds"][0]["exits"]] == ["resume", "hand_over", "stop"]
        assert operator.get("projects/shop/patches/1").text == PATCH
        assert operator.get("projects/shop").json()["holds"][0]["evidence"]["who"] == ["boris"]
        stale = operator.post("projects/shop/holds", json={"reason": "noon"}, headers={"If-Match": '"99"'})
        assert (stale.status_code, stale.json()["type"]) == (412, "urn:steward:problem:stale")
        paused = operator.post("projects/shop/holds", json={"reason": "noon"})
        assert [hold["kind"] for hold in paused.json()["holds"]] == ["foreign", "paused"]
        none = operator.post("projects/shop/resume", json={"exit": "rebase"})
        assert (none.status_code, none.json()["type"]) == (409, "urn:steward:problem:refused-guard")
        left = operator.post("projects/shop/holds/1/exit", json={})
        assert [hold["kind"] for hold in left.json()["holds"]] == ["paused"]
        assert operator.put("projects/shop/hands-off", json={"policy": "continue"}).status_code == 200
        drift(world, "shop", "rule", wanted=True, shown=False)
        assert operator.post("projects/shop/settings/rule/mend").status_code == 200
        again = operator.post("projects/shop/settings/rule/mend")
        assert (again.status_code, again.json()["type"]) == (422, "urn:steward:problem:invalid")
        assert operator.post("projects/shop/settings/colour/accept").status_code == 404
    assert build.changes == ["rule"]
    with api(world) as there, there.client(Role.VIEWER) as viewer:
        assert viewer.post("projects/shop/holds", json={}).status_code == 403
