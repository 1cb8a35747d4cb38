"""The page that takes one value by a link: it works once, says little, and its secret is in no log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from steward.adapters.deploy.redaction import Redactor
from steward.adapters.store import open_store
from steward.adapters.vault import KeptVault, MasterKeys
from steward.domain.people import Grant, Principal, Role, User, rights_of
from steward.domain.vault import Place
from steward.faces.http.app import build
from steward.faces.http.limits import FAILURES_MAX
from steward.faces.http.live import Live
from steward.faces.http.site import Site
from steward.faces.web.render import error_page
from steward.testing.world import World
from tests.faces.http.kit import Served, text

VALUE: Final = "correct horse battery staple"
PEM: Final = "-----BEGIN KEY-----\r\nMIIabc\r\n-----END KEY-----"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Served]:
    """A server over one draft, with a vault; boris may set values."""
    world = World(open_store("sqlite://"))
    vault = KeptVault(MasterKeys(tmp_path / "master.key"), world.clock, Redactor)
    world.app = replace(world.app, vault=vault)
    world.beat()
    world.commands().order("shop", title="The shop")
    with world.store.writing() as tx:
        tx.add_user(User(0, "boris", world.clock.now().at, (Grant(Role.OPERATOR),), "Boris B."))
    site = Site(world.app, Live(world.app), names=frozenset({"testserver"}), error_page=error_page)
    made = Served(world, site, build(site))
    yield made
    for client in made.clients:
        client.close()
    world.store.close()


def form(here: Served, hint: str = "MAIL_KEY") -> dict[str, Any]:
    with here.world.store.reading() as view:
        user = view.user("boris")
    assert user is not None
    by = Principal("user:boris", rights_of(user.grants), user)
    return here.world.app.forms(by).make("project:shop", hint)


def kept(here: Served) -> dict[str, str]:
    project = here.world.projects()[0]
    assert here.world.app.vault is not None
    with here.world.store.reading() as view:
        return here.world.app.vault.values(view, project.id, Place.RUN)


def test_a_stranger_with_the_link_gives_the_value_once(
    here: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made, client = form(here), here.nobody()
    for _ in range(2):
        shown = client.get(made["url_path"])
        assert shown.status_code == 200
        assert "For the project “The shop”" in text(shown)
        assert 'value="MAIL_KEY"' in shown.text
        assert shown.headers["cache-control"] == "no-store"
        assert shown.headers["referrer-policy"] == "same-origin"
        assert "set-cookie" not in shown.headers
    sent = {"form": made["secret"], "name": "MAIL_KEY", "value": VALUE, "place": ["run"]}
    done = client.post("/give", data=sent)
    assert (done.status_code, kept(here)) == (200, {"MAIL_KEY": VALUE})
    assert "MAIL_KEY is kept" in text(done)
    assert VALUE not in done.text
    assert made["secret"] not in done.text
    again = client.post("/give", data={**sent, "value": "another"})
    assert (again.status_code, kept(here)) == (404, {"MAIL_KEY": VALUE})
    assert "opens no form" in text(again)
    logged = [record.getMessage() for record in caplog.records if record.name.startswith("steward")]
    assert "GET /give 200" in " ".join(logged)
    assert not any(made["secret"] in line or VALUE in line for line in logged)


def test_used_old_and_invented_links_are_told_alike(here: Served) -> None:
    used = form(here)["secret"]
    client = here.nobody()
    client.post("/give", data={"form": used, "name": "A", "value": VALUE, "place": ["run"]})
    told = {text(client.get("/give", params={"form": secret})) for secret in (used, "stf_none", "")}
    assert len(told) == 1
    assert "The shop" not in told.pop()


def test_what_is_refused_leaves_the_link_and_never_shows_the_value(here: Served) -> None:
    made, client = form(here), here.nobody()
    for name, value, places in (
        ("not a name", VALUE, ["run"]),
        ("PORT", VALUE, ["run"]),
        ("KEY", "", ["run"]),
        ("KEY", VALUE, []),
        ("KEY", VALUE, ["moon"]),
        (VALUE, "", ["run"]),
    ):
        sent = {"form": made["secret"], "name": name, "value": value, "place": places}
        refused = client.post("/give", data=sent)
        assert refused.status_code == 422
        assert 'role="alert"' in refused.text
        assert VALUE not in refused.text
    assert kept(here) == {}
    sent = {"form": made["secret"], "name": "KEY", "lines": PEM, "place": ["run", "checks"]}
    assert client.post("/give", data=sent).status_code == 200
    assert kept(here) == {"KEY": PEM.replace("\r\n", "\n")}


def test_who_has_lost_the_right_is_told_so(here: Served) -> None:
    made, client = form(here), here.nobody()
    with here.world.store.writing() as tx:
        user = tx.user("boris")
        assert user is not None
        tx.save_user(replace(user, grants=(Grant(Role.VIEWER),)))
    assert client.get(made["url_path"]).status_code == 403
    sent = {"form": made["secret"], "name": "KEY", "value": VALUE, "place": ["run"]}
    assert client.post("/give", data=sent).status_code == 403
    assert kept(here) == {}


def test_another_sites_page_cannot_send_it(here: Served) -> None:
    made, client = form(here), here.nobody()
    sent = {"form": made["secret"], "name": "KEY", "value": VALUE, "place": ["run"]}
    answer = client.post("/give", data=sent, headers={"Origin": "http://evil.example"})
    assert (answer.status_code, kept(here)) == (403, {})
    lines = here.world.app.access.store
    with lines.reading() as view:
        assert made["secret"] not in repr(view.audit_lines(limit=50))


def test_guesses_end(here: Served) -> None:
    client = here.nobody()
    answers = [client.get("/give?form=stf_guess").status_code for _ in range(FAILURES_MAX + 1)]
    assert set(answers[:-1]) == {404}
    assert answers[-1] == 429


def test_in_russian(here: Served) -> None:
    made, client = form(here), here.nobody()
    shown = client.get(made["url_path"], headers={"Accept-Language": "ru"})
    assert "Передать секрет" in text(shown)
    assert "Give" not in text(shown)
