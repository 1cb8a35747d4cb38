"""Readiness over HTTP: the score on cards and rows, filters, the list of a project, waivers; and over the API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from steward.app.judging import judge
from steward.app.scoring import Scoring
from steward.domain.hands import Hold, Reason
from steward.domain.people import Role
from steward.faces.web.render import error_page
from tests.faces.http.api_kit import api
from tests.faces.http.kit import Served, served


@pytest.fixture
def here() -> Iterator[Served]:
    with served(error_page=error_page) as made:
        for name in ("shop", "blog"):
            made.world.forge.create("acme", name)
        made.world.settle()
        made.world.commands().own("shop", "Anna")
        count(made)
        yield made


def count(here: Served) -> None:
    """Keep the scores fresh."""
    world = here.world
    Scoring(world.store, world.clock, judge(world.app), world.lease).tick()


def test_board_and_table_show_the_score_in_words_and_numbers(here: Served) -> None:
    visitor = here.visitor()
    assert 'href="/projects/shop#readiness"' in visitor.get("/projects").text
    assert "ready" in visitor.get("/projects").text
    rows = visitor.get("/projects?view=table&sort=readiness").text
    assert rows.index('id="row-blog"') < rows.index('id="row-shop"')
    assert 'aria-sort="ascending"' in rows
    rows = visitor.get("/projects?view=table&sort=-readiness").text
    assert rows.index('id="row-shop"') < rows.index('id="row-blog"')


def test_projects_are_filtered_by_readiness_and_holds(here: Served) -> None:
    blog = here.world.app.queries(here.world.commands().by).project("blog")
    with here.world.store.writing() as tx:
        tx.save_hold(Hold(blog["id"], 1, Reason.PAUSED, "wait", here.world.clock.now().at, "user:anna"))
    bound = blog["readiness"]["percent"] + 1
    visitor = here.visitor()
    for query, chip in ((f"ready_below={bound}", f"Readiness below {bound} %"), ("held=yes", "On hold")):
        page = visitor.get(f"/projects?view=table&{query}").text
        assert chip in page
        assert 'id="row-blog"' in page
        assert 'id="row-shop"' not in page
    for query, chip in ((f"ready_from={bound}", f"Readiness from {bound} %"), ("held=no", "Not on hold")):
        page = visitor.get(f"/projects?view=table&{query}").text
        assert chip in page
        assert 'id="row-blog"' not in page
    assert visitor.get("/projects?ready_below=many").status_code == 422


def test_a_rule_is_waived_on_its_page_and_asked_for_again(here: Served) -> None:
    visitor = here.visitor()
    page = visitor.get("/projects/shop").text
    assert 'href="/projects/shop/readiness/life/waiver"' in page
    assert "/projects/shop/mend" not in page, "there is no such route"
    form = visitor.get("/projects/shop/readiness/life/waiver")
    assert "nobody said how it proves to be alive" in form.text
    empty = visitor.post("/projects/shop/readiness/life/waiver", {"reason": " ", "waive": "yes"})
    assert empty.status_code == 422
    assert "is waived with a reason of at most" in empty.text
    done = visitor.post("/projects/shop/readiness/life/waiver", {"reason": "A <library>", "waive": "yes"})
    assert (done.status_code, done.headers["location"]) == (303, "/projects/shop#readiness")
    assert "waived: A &lt;library&gt;" in visitor.get("/projects/shop").text
    assert "Ask for it again" in visitor.get("/projects/shop/readiness/life/waiver").text
    assert visitor.post("/projects/shop/readiness/life/waiver", {"waive": "no"}).status_code == 303
    assert "waived:" not in visitor.get("/projects/shop").text
    assert visitor.get("/projects/shop/readiness/nope/waiver").status_code == 404


def test_a_viewer_reads_and_waives_nothing(here: Served) -> None:
    viewer = here.visitor(Role.VIEWER)
    assert "waiver" not in viewer.get("/projects/shop").text
    assert "role of an operator" in viewer.get("/projects/shop/readiness/life/waiver").text
    asked = viewer.post("/projects/shop/readiness/life/waiver", {"reason": "x", "waive": "yes"})
    assert asked.status_code == 403


def test_pages_speak_russian(here: Served) -> None:
    page = here.visitor().get("/projects/shop", headers={"accept-language": "ru"}).text
    assert "никто не указал, чем доказать, что он живёт" in page
    assert "Обойтись без этого…" in page


def test_the_api_lists_waives_and_asks_again(here: Served) -> None:
    with api(here.world) as there, there.client(Role.OPERATOR) as client:
        at = "projects/shop/readiness"
        shown = client.get(at).json()
        assert shown["percent"] == client.get("projects/shop").json()["readiness"]["percent"]
        waived = client.post(f"{at}/life/waive", json={"reason": "A library"})
        assert waived.status_code == 200
        assert waived.json()["percent"] > shown["percent"]
        assert client.post(f"{at}/life/waive", json={"reason": ""}).status_code == 422
        assert client.post(f"{at}/nope/waive", json={"reason": "x"}).status_code == 404
        assert client.post(f"{at}/life/unwaive").json() == shown
        assert client.post(f"{at}/life/unwaive").status_code == 404
        listed = client.get("projects", params={"sort": "readiness", "ready_below": 100}).json()
        assert [item["slug"] for item in listed["items"]] == ["blog", "shop"]
        assert client.get("projects", params={"held": "true"}).json()["items"] == []
