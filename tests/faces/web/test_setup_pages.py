"""The pages of taking in: the import table, and the checklist of one project with its adoption."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from steward.adapters.store import open_store
from steward.domain.people import Role
from steward.faces.http.app import build
from steward.faces.http.live import Live
from steward.faces.http.site import Site
from steward.faces.web.render import error_page
from tests.app.setup_kit import PLAIN, Surveyed
from tests.faces.http.kit import Served, text


@pytest.fixture
def here(tmp_path: Any) -> Iterator[Served]:
    """A server over an organisation of three repositories that came in."""
    world = Surveyed(open_store("sqlite://"), tmp_path)
    world.app = replace(world.app, vault=world.vault)
    world.repository("shop", {**PLAIN, ".env.example": b"MAIL_KEY=\n"})
    world.repository("blog", PLAIN)
    world.repository("import", PLAIN)
    world.beat()
    site = Site(world.app, Live(world.app), names=frozenset({"testserver"}), error_page=error_page)
    made = Served(world, site, build(site))
    yield made
    for client in made.clients:
        client.close()
    world.store.close()


def test_many_are_chosen_on_the_import_page_taken_in_and_one_is_adopted(here: Served) -> None:
    world = here.world
    assert isinstance(world, Surveyed)
    anna = here.visitor(Role.OPERATOR, "anna")
    page = anna.get("/import")
    assert page.status_code == 200
    assert {"shop", "blog", "import"} <= set(re.findall(r'name="project" value="([^"]+)"', page.text))
    assert anna.post("/import", {"project": ["shop", "blog"]}).status_code == 303
    assert "0 of 2 scanned" in text(anna.get("/import"))
    world.scan_all()
    found = text(anna.get("/import"))
    assert "MAIL_KEY" in found
    assert "Python" in found
    setup = text(anna.get("/projects/shop/setup"))
    assert "MAIL_KEY : a secret is not set .env.example:1" in setup
    version = world.project("shop").version
    wanted = {"version": version, "entry": "verified", "owner": "anna"}
    refused = anna.post("/projects/shop/setup", wanted)
    assert refused.status_code == 409
    assert "MAIL_KEY" in text(refused)
    adopted = anna.post("/projects/shop/setup", {**wanted, "waive-MAIL_KEY": "no mail is sent"})
    assert (adopted.status_code, adopted.headers["location"]) == (303, "/projects/shop")
    assert world.project("shop").status == "verified"


def test_a_project_that_is_called_as_the_page_has_its_own_page(here: Served) -> None:
    anna = here.visitor(Role.OPERATOR, "anna")
    assert "<h1>import</h1>" in anna.get("/projects/import").text


def test_the_pages_speak_russian_and_a_viewer_can_change_nothing(here: Served) -> None:
    vera = here.visitor(Role.VIEWER, "vera")
    page = vera.get("/import", headers={"Accept-Language": "ru"})
    assert "<h1>Импорт</h1>" in page.text
    assert 'type="checkbox"' not in page.text
    assert vera.post("/import", {"project": ["shop"]}).status_code == 403
    assert (
        "<form"
        not in vera.get("/projects/shop/setup").text.split("checklist-title")[1].split("</section>")[0]
    )


def test_a_needed_value_is_set_from_the_checklist_and_never_comes_back(here: Served) -> None:
    world = here.world
    assert isinstance(world, Surveyed)
    anna = here.visitor(Role.OPERATOR, "anna")
    anna.post("/import", {"project": ["shop"]})
    world.scan_all()
    page = anna.get("/projects/shop/setup").text
    assert re.search(r'<input[^>]*name="value"[^>]*type="password"[^>]*autocomplete="off"', page)
    form, value = "/projects/shop/setup/secret", "correct horse battery staple"
    for wrong in ({"name": "OTHER_KEY", "value": value}, {"name": "MAIL_KEY", "value": f"{value}\0"}):
        refused = anna.post(form, wrong)
        assert refused.status_code == 422
        assert value not in refused.text
    assert anna.post(form, {"name": "MAIL_KEY", "value": value}).status_code == 303
    done = anna.get("/projects/shop/setup")
    assert "MAIL_KEY : a secret is set" in text(done)
    assert value not in done.text


def test_what_was_never_read_cannot_be_adopted_yet_and_says_so(here: Served) -> None:
    anna = here.visitor(Role.OPERATOR, "anna")
    anna.post("/import", {"project": ["shop"]})
    page = text(anna.get("/projects/shop/setup"))
    assert "It can be adopted once its files have been read." in page
    assert "Where it is live" not in page
    assert "Nothing is called so" in text(anna.get("/import?q=nowhere"))


def test_the_ways_to_these_pages_stand_where_they_are_looked_for(here: Served) -> None:
    anna = here.visitor(Role.OPERATOR, "anna")
    assert 'href="/import"' in anna.get("/projects").text
    project = anna.get("/projects/shop").text
    assert 'href="/projects/shop/setup"' in project
    assert 'href="/projects/shop/secrets"' in project
