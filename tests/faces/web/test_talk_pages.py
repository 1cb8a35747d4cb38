"""The pages of talks: the same talk as in a chat, from the first words to the order; what is refused is said there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from steward.adapters.deploy.redaction import Redactor
from steward.adapters.store import open_store
from steward.adapters.templates import CopierTemplates
from steward.adapters.vault import KeptVault, MasterKeys
from steward.app.folding import Folding
from steward.domain.people import Role
from steward.domain.talks import TalkState
from steward.domain.vault import Place
from steward.faces.http.app import build
from steward.faces.http.live import Live
from steward.faces.http.site import Site
from steward.faces.web.render import error_page
from steward.testing.world import World
from tests.faces.http.kit import Served, Visitor, text

TOKEN: Final = "ghp_" + "a1B2c3D4e5" * 4
WANTED: Final = "A page where guests book a table"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Served]:
    """A server over an empty installation that builds, with a vault."""
    world = World(open_store("sqlite://"), templates=CopierTemplates(tmp_path / "templates"))
    vault = KeptVault(MasterKeys(tmp_path / "master.key"), world.clock, Redactor)
    world.app = replace(world.app, vault=vault)
    world.beat()
    site = Site(world.app, Live(world.app), names=frozenset({"testserver"}), error_page=error_page)
    made = Served(world, site, build(site))
    yield made
    for client in made.clients:
        client.close()
    world.store.close()


@pytest.fixture
def boris(here: Served) -> Visitor:
    """Somebody who may order, and not approve."""
    return here.visitor(Role.OPERATOR, "boris")


def begin(boris: Visitor, words: str = WANTED, **more: str) -> str:
    """Open a talk with these words; its path."""
    begun = boris.post("/talks/new", {"text": words, "once": "first", **more})
    assert begun.status_code == 303, text(begun)
    return str(begun.headers["location"])


def fold(here: Served) -> None:
    """Let what was said become the brief."""
    here.world.clock.advance(5)
    while Folding(here.world.app).tick() == 0:
        pass


def say(here: Served, boris: Visitor, path: str, words: str, once: str = "") -> None:
    assert boris.post(f"{path}/say", {"text": words, "once": once or words[:20]}).status_code == 303
    fold(here)


def version(boris: Visitor, path: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', boris.get(path).text)
    assert found is not None
    return found[1]


def said_in(here: Served, path: str) -> list[str]:
    """What is stored of what was said."""
    with here.world.store.reading() as view:
        return [one.text for one in view.said(int(path.rpartition("/")[2]))]


def talk(here: Served, path: str) -> Any:
    with here.world.store.reading() as view:
        return view.talk(int(path.rpartition("/")[2]))


def test_where_nothing_was_talked_about_the_page_says_how_to_begin(here: Served, boris: Visitor) -> None:
    shown = boris.get("/talks")
    assert "Nothing was talked about yet" in text(shown)
    assert 'href="/talks/new"' in shown.text
    vera = here.visitor(Role.VIEWER, "vera")
    assert 'href="/talks/new"' not in vera.get("/talks").text
    assert vera.get("/talks/new").status_code == 403
    assert "What do you want built?" in text(boris.get("/talks/new"))


def test_from_the_first_words_to_the_order(here: Served, boris: Visitor) -> None:
    path = begin(boris)
    waiting = boris.get(path)
    assert "Thinking…" in text(waiting)
    assert "data-running" in waiting.text
    assert "Approve and order" not in text(waiting)
    fold(here)
    shown = boris.get(path)
    assert "Thinking…" not in text(shown)
    assert "Who will use it?" in text(shown)
    say(here, boris, path, "Guests and waiters")
    say(here, boris, path, "Book a table\nCancel a booking")
    assert "Cancel a booking" in text(boris.get(path))
    ordered = boris.post(f"{path}/order", {"version": version(boris, path)})
    assert ordered.status_code == 303, text(ordered)
    done = boris.get(path)
    assert "It is ordered:" in text(done)
    (project,) = here.world.projects()
    assert f'href="/projects/{project.slug}"' in done.text
    assert f'href="{path}"' in boris.get(f"/projects/{project.slug}").text
    assert 'name="text"' not in done.text, "a talk that is over takes nothing more"
    assert "put away" not in text(boris.get("/talks"))


def test_a_form_that_is_sent_twice_says_it_once(here: Served, boris: Visitor) -> None:
    path = begin(boris)
    assert begin(boris) == path
    for _ in range(2):
        assert boris.post(f"{path}/say", {"text": "For waiters", "once": "x"}).status_code == 303
    assert said_in(here, path) == [WANTED, "For waiters"]


def test_a_question_is_skipped_and_a_choice_is_picked(here: Served, boris: Visitor) -> None:
    path = begin(boris)
    fold(here)
    asked = talk(here, path).asked
    assert boris.post(f"{path}/skip", {"version": version(boris, path)}).status_code == 303
    fold(here)
    assert talk(here, path).asked != asked
    for _ in range(8):
        found = re.search(r'name="index" value="(\d+)"', boris.get(path).text)
        if found:
            break
        boris.post(f"{path}/skip", {"version": version(boris, path)})
        fold(here)
    assert found is not None, "a question of the template has choices"
    name = talk(here, path).asked[0].rpartition(":")[2]
    assert boris.post(f"{path}/pick", {"version": version(boris, path), "index": found[1]}).status_code == 303
    fold(here)
    assert name in talk(here, path).brief.answers


def test_a_secret_is_refused_before_it_is_stored_and_a_form_is_offered(here: Served, boris: Visitor) -> None:
    path = begin(boris)
    refused = boris.post(f"{path}/say", {"text": f"Use this: {TOKEN}", "once": "s"})
    assert refused.status_code == 422
    assert "holds a secret" in text(refused)
    assert TOKEN not in refused.text
    assert said_in(here, path) == [WANTED]
    found = re.search(r'href="(/give\?form=stf_[\w-]+)"', refused.text)
    assert found is not None
    form = here.nobody().get(found[1])
    assert 'value="GITHUB_TOKEN"' in form.text
    secret = found[1].rpartition("=")[2]
    sent = {"form": secret, "name": "GITHUB_TOKEN", "value": TOKEN, "place": ["run"]}
    assert here.nobody().post("/give", data=sent).status_code == 200
    after = talk(here, path)
    assert after.state is TalkState.OPEN, "the talk goes on"
    assert here.world.app.vault is not None
    with here.world.store.reading() as view:
        assert here.world.app.vault.values(view, after.project_id, Place.RUN) == {"GITHUB_TOKEN": TOKEN}


def test_the_first_words_may_hold_one_too(here: Served, boris: Visitor) -> None:
    refused = boris.post("/talks/new", {"text": f"A bot. password: {TOKEN}", "once": "s"})
    assert refused.status_code == 422
    assert TOKEN not in refused.text
    assert "/give?form=" in refused.text
    assert "A bot." in refused.text, "the rest is there to be sent"


def test_the_brief_is_set_by_hand(here: Served, boris: Visitor) -> None:
    path = begin(boris)
    fold(here)
    form = boris.get(f"{path}/edit")
    assert WANTED in form.text
    before = talk(here, path)
    given = {
        "version": str(before.version),
        "title": "Tables",
        "goal": before.brief.goal,
        "features": "- Book a table\r\n\r\nCancel",
    }
    assert boris.post(f"{path}/edit", given).status_code == 303
    after = talk(here, path)
    assert (after.brief.title, after.brief.features) == ("Tables", ("Book a table", "Cancel"))
    say(here, boris, path, "Only waiters")
    assert talk(here, path).brief.title == "Tables"
    stale = boris.post(f"{path}/edit", {**given, "title": "Other"})
    assert stale.status_code == 412
    assert 'value="Other"' in stale.text, "what was typed comes back"
    assert talk(here, path).brief.title == "Tables"
    secret = boris.post(f"{path}/edit", {**given, "version": version(boris, path), "goal": f"token: {TOKEN}"})
    assert secret.status_code == 422
    assert TOKEN not in secret.text


def test_what_is_decided_on_an_older_version_is_not_done(here: Served, boris: Visitor) -> None:
    path = begin(boris)
    fold(here)
    old = version(boris, path)
    say(here, boris, path, "For waiters")
    for act in ("order", "drop", "skip"):
        assert boris.post(f"{path}/{act}", {"version": old}).status_code == 412, act
    assert talk(here, path).state is TalkState.OPEN
    assert here.world.projects() == []


def test_a_talk_is_put_away(here: Served, boris: Visitor) -> None:
    path = begin(boris)
    assert boris.post(f"{path}/drop", {"version": version(boris, path)}).status_code == 303
    assert talk(here, path).state is TalkState.DROPPED
    assert "put away" in text(boris.get("/talks"))


def test_a_talk_of_somebody_else_is_unknown(here: Served, boris: Visitor) -> None:
    path = begin(boris)
    clara = here.visitor(Role.ADMIN, "clara")
    assert clara.get(path).status_code == 404
    assert clara.get(f"{path}/edit").status_code == 404
    assert clara.post(f"{path}/say", {"text": "mine", "once": "c"}).status_code == 404
    assert "book a table" not in text(clara.get("/talks"))


@pytest.mark.parametrize("words", ["", "  \n ", "x" * 10_001])
def test_what_cannot_be_said_is_refused_in_words(here: Served, boris: Visitor, words: str) -> None:
    assert boris.post("/talks/new", {"text": words, "once": "w"}).status_code == 422
    path = begin(boris)
    refused = boris.post(f"{path}/say", {"text": words, "once": "w2"})
    assert refused.status_code == 422
    assert 'role="alert"' in refused.text


def test_hostile_words_are_shown_as_words(here: Served, boris: Visitor) -> None:
    path = begin(boris, "<script>alert(1)</script> {{ 7*7 }}")
    fold(here)
    shown = boris.get(path).text
    assert "<script>alert" not in shown
    assert "&lt;script&gt;" in shown


def test_an_update_begins_from_its_project(here: Served, boris: Visitor) -> None:
    boris.post("/order", {"slug": "shop", "title": "Shop", "organisation": "acme", "template": "starter"})
    refused = boris.post("/talks/new", {"text": "Add payments", "project": "shop", "once": "u"})
    assert refused.status_code == 409, "nothing of it is live"
    assert "Add payments" in refused.text
    assert boris.get("/talks/new?project=nothing").status_code == 404


def test_in_russian(here: Served, boris: Visitor) -> None:
    path = begin(boris, "Страница, где гости бронируют столик")
    fold(here)
    for one in ("/talks", "/talks/new", path, f"{path}/edit"):
        shown = boris.get(one, headers={"Accept-Language": "ru"})
        assert "Разговор" in text(shown)
        assert not re.search(r"\b(Talk|brief|Say|Skip|Edit|What)\b", text(shown)), one
