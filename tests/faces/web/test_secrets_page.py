"""The page of secrets: names go out, values only come in, also where something is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from steward.adapters.deploy.redaction import Redactor
from steward.adapters.store import open_store
from steward.adapters.vault import KeptVault, MasterKeys
from steward.domain.people import Role, local
from steward.domain.vault import Place
from steward.faces.http.app import build
from steward.faces.http.live import Live
from steward.faces.http.site import Site
from steward.faces.web.render import error_page
from steward.testing.driven import Driven
from tests.faces.http.kit import Served, Visitor, text

VALUE: Final = "correct horse battery staple"
PAGE: Final = "/projects/shop/secrets"
BOTH: Final = ["run", "checks"]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Served]:
    """A server over one project that has a repository, with a vault."""
    world = Driven(open_store("sqlite://"), tmp_path)
    world.app = replace(
        world.app, vault=KeptVault(MasterKeys(tmp_path / "master.key"), world.clock, Redactor)
    )
    world.forge.create("acme", "shop")
    world.beat()
    site = Site(world.app, Live(world.app), names=frozenset({"testserver"}), error_page=error_page)
    made = Served(world, site, build(site))
    yield made
    for client in made.clients:
        client.close()
    world.store.close()


@pytest.fixture
def boris(here: Served) -> Visitor:
    """Somebody who may set values."""
    return here.visitor(Role.OPERATOR, "boris")


def without(here: Served, **parts: Any) -> Visitor:
    """Boris at a server over the same world that lacks those parts."""
    site = replace(here.site, app=replace(here.site.app, **parts))
    other = Served(here.world, site, build(site), here.clients)
    return other.visitor(Role.OPERATOR, "boris")


def kept(here: Served) -> dict[str, str]:
    """What the program would be given."""
    project = here.world.projects()[0]
    assert here.world.app.vault is not None
    with here.world.store.reading() as view:
        return here.world.app.vault.values(view, project.id, Place.RUN)


def test_a_value_goes_in_by_the_form_and_only_its_name_comes_out(here: Served, boris: Visitor) -> None:
    empty = boris.get(PAGE)
    assert "Nothing yet" in text(empty)
    field = re.search(r'<input[^>]*id="field-value"[^>]*>', empty.text)
    assert field is not None
    assert 'type="password"' in field[0]
    assert 'autocomplete="off"' in field[0]
    done = boris.post(PAGE, {"name": "MAIL_KEY", "value": VALUE, "place": BOTH})
    assert (done.status_code, done.headers["location"]) == (303, PAGE)
    assert kept(here) == {"MAIL_KEY": VALUE}
    shown = boris.get(PAGE)
    assert "MAIL_KEY secret the program, the checks on GitHub" in text(shown)
    assert "not yet" in text(shown)
    assert VALUE not in shown.text
    filled = boris.get(f"{PAGE}?name=MAIL_KEY").text
    assert 'value="MAIL_KEY"' in filled
    assert filled.count('name="place"') == filled.count(" checked>") - 1


def test_no_answer_for_a_repeat_tells_anything_of_a_value(here: Served, boris: Visitor) -> None:
    form = boris.get(PAGE).text.split('id="set"')[1].split("</form>")[0]
    assert 'name="csrf"' in form
    assert 'name="key"' not in form


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"name": "NOT A NAME"}, "A name has letters without accents"),
        ({"name": "PATH"}, "PATH is set by whoever runs the program"),
        ({"name": "MAIL_KEY", "place": []}, "No place is named"),
        ({"name": "MAIL_KEY", "value": " "}, "MAIL_KEY: the value is empty"),
        ({"name": VALUE, "value": ""}, "A name has letters without accents"),
    ],
)
def test_what_is_refused_comes_back_without_the_value(
    here: Served, boris: Visitor, wrong: dict[str, Any], told: str
) -> None:
    given = {"value": VALUE, "place": ["run"], **wrong}
    for accepted in ("en", "ru"):
        refused = boris.post(PAGE, given, headers={"Accept-Language": accepted})
        assert refused.status_code == 422
        assert VALUE not in refused.text
        if accepted == "en":
            assert told in text(refused)
    assert kept(here) == {}


def test_one_is_made_up_and_replaced_only_where_that_is_asked_for(here: Served, boris: Visitor) -> None:
    asked = {"name": "SESSION_KEY", "place": ["run"], "act": "generate"}
    assert boris.post(PAGE, asked).status_code == 303
    first = kept(here)["SESSION_KEY"]
    refused = boris.post(PAGE, asked)
    assert "SESSION_KEY is set already" in text(refused)
    assert first not in refused.text
    assert boris.post(PAGE, {**asked, "replace": "yes"}).status_code == 303
    assert kept(here)["SESSION_KEY"] != first
    assert "secret generated" in text(boris.get(PAGE))


def test_what_a_person_may_not_have_meant_is_said_on_the_page(here: Served, boris: Visitor) -> None:
    done = boris.post(PAGE, {"name": "MAIL_KEY", "value": f"{VALUE} ", "place": ["run"]})
    assert done.status_code == 200
    assert "MAIL_KEY is kept. the value begins or ends with a blank, which is kept" in text(done)
    assert VALUE not in done.text


def test_a_name_is_done_without_for_a_reason_and_asked_for_again(here: Served, boris: Visitor) -> None:
    refused = boris.post(f"{PAGE}/waive", {"name": "SMS_KEY", "reason": " "})
    assert refused.status_code == 422
    assert 'value="SMS_KEY"' in refused.text
    assert boris.post(f"{PAGE}/waive", {"name": "SMS_KEY", "reason": "mail does"}).status_code == 303
    assert "SMS_KEY : mail does" in text(boris.get(PAGE))
    assert boris.post(f"{PAGE}/waive", {"name": "SMS_KEY", "waive": "no"}).status_code == 303
    assert "mail does" not in text(boris.get(PAGE))


def test_forgetting_is_confirmed_on_a_page_of_its_own(here: Served, boris: Visitor) -> None:
    boris.post(PAGE, {"name": "MAIL_KEY", "value": VALUE, "place": ["run"]})
    asked = boris.get(f"{PAGE}/MAIL_KEY/unset")
    assert "It cannot be shown or brought back" in text(asked)
    assert VALUE not in asked.text
    assert kept(here) != {}
    assert boris.post(f"{PAGE}/MAIL_KEY/unset").status_code == 303
    assert kept(here) == {}
    assert boris.get(f"{PAGE}/MAIL_KEY/unset").status_code == 422


def test_github_is_given_what_its_checks_read_and_a_failure_is_said(here: Served, boris: Visitor) -> None:
    boris.post(PAGE, {"name": "MAIL_KEY", "value": VALUE, "place": ["checks"]})
    assert boris.post(f"{PAGE}/send").status_code == 303
    assert "not yet" not in text(boris.get(PAGE))
    refused = without(here, writing=None).post(f"{PAGE}/send")
    assert refused.status_code == 409
    assert "This Steward changes nothing on GitHub" in text(refused)


def test_a_viewer_sees_names_and_can_change_nothing(here: Served, boris: Visitor) -> None:
    boris.post(PAGE, {"name": "MAIL_KEY", "value": VALUE, "place": ["run"]})
    vera = here.visitor(Role.VIEWER, "vera")
    page = vera.get(PAGE)
    assert "MAIL_KEY" in page.text
    assert 'type="password"' not in page.text
    for path in (PAGE, f"{PAGE}/send", f"{PAGE}/waive", f"{PAGE}/MAIL_KEY/unset"):
        assert vera.post(path, {"name": "MAIL_KEY", "value": "x", "place": ["run"]}).status_code == 403
    assert kept(here) == {"MAIL_KEY": VALUE}


def test_a_steward_without_a_vault_says_so(here: Served) -> None:
    boris = without(here, vault=None)
    assert "This Steward keeps no secrets" in text(boris.get(PAGE))
    refused = boris.post(PAGE, {"name": "MAIL_KEY", "value": VALUE, "place": ["run"]})
    assert refused.status_code == 409
    assert VALUE not in refused.text


def test_what_a_deployment_waits_for_stands_at_the_top(here: Served, boris: Visitor) -> None:
    from steward.testing.showcase_setup import spec_that_asks

    spec_that_asks(here.world, "shop", ("PAY_KEY",))
    page = text(boris.get(PAGE))
    assert page.index("The deployment waits for these") < page.index("What is kept")
    assert "PAY_KEY" in page
    boris.post(PAGE, {"name": "PAY_KEY", "value": VALUE, "place": ["run"]})
    assert "waits for these" not in text(boris.get(PAGE))
    assert here.world.app.secrets(local("user:boris")).listed("shop")["lacking"] == []
