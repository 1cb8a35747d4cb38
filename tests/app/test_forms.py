"""Web forms that take one value: opened once, for who may as of now; the value goes into the vault and nowhere else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from steward.adapters.deploy.redaction import Redactor
from steward.adapters.vault import KeptVault, MasterKeys
from steward.app.errors import Forbidden, Invalid, NotSignedIn, Unkept, Unknown
from steward.app.forms import FORM_LASTS, NoForm
from steward.domain.chats import Chat, ChatKind
from steward.domain.people import PassKind, Principal, local, rights_of
from steward.domain.vault import Place
from steward.ports import Conflict, Store
from steward.testing.world import ANYONE, World

VALUE = "correct horse battery staple"


@pytest.fixture
def here(store: Store, tmp_path: Path) -> World:
    """A draft, and a vault; anna is an operator."""
    world = World(store, ("acme",))
    vault = KeptVault(MasterKeys(tmp_path / "master.key"), world.clock, Redactor)
    world.app = replace(world.app, vault=vault)
    world.beat()
    world.commands().order("shop", title="The shop")
    world.app.people(ANYONE).add("anna", "operator")
    return world


def principal(world: World, name: str = "anna") -> Principal:
    with world.store.reading() as view:
        user = view.user(name)
    assert user is not None
    return Principal(f"user:{name}", rights_of(user.grants), user)


def made(world: World, target: str = "project:shop", hint: str = "MAIL_KEY") -> dict[str, Any]:
    return world.app.forms(principal(world)).make(target, hint)


def kept(world: World) -> dict[str, str]:
    project = world.projects()[0]
    assert world.app.vault is not None
    with world.store.reading() as view:
        return world.app.vault.values(view, project.id, Place.RUN)


def test_a_form_takes_one_value_once(here: World) -> None:
    form = made(here)
    assert form["url_path"] == f"/give?form={form['secret']}"
    assert form["secret"].startswith("stf_")
    assert form["expires_at"] == (here.clock.now().at + FORM_LASTS).isoformat()
    for _ in range(2):
        shown = here.app.forms().peek(form["secret"])
        assert (shown["user"], shown["name"], shown["project"]) == ("anna", "MAIL_KEY", "The shop")
    done = here.app.forms().give(form["secret"], "MAIL_KEY", VALUE, address="10.0.0.7")
    assert (done["project"], done["secret"]["name"], done["secret"]["set_by"]) == (
        "shop",
        "MAIL_KEY",
        "user:anna",
    )
    assert kept(here) == {"MAIL_KEY": VALUE}
    with pytest.raises(NoForm):
        here.app.forms().peek(form["secret"])
    with pytest.raises(NoForm):
        here.app.forms().give(form["secret"], "MAIL_KEY", "another")
    assert kept(here) == {"MAIL_KEY": VALUE}


def test_it_is_in_the_history_and_in_the_audit_log_without_the_value(here: World) -> None:
    form = made(here)
    here.app.forms().give(form["secret"], "MAIL_KEY", VALUE, address="10.0.0.7")
    last = here.events()[-1]
    assert (last.kind, last.actor, last.data["names"]) == ("secret.set", "user:anna", ["MAIL_KEY"])
    lines = here.app.people(ANYONE).audit(limit=2)
    assert [(line["actor"], line["action"], line["reason"]) for line in lines] == [
        ("user:anna", "form.give", "MAIL_KEY"),
        ("user:anna", "form.make", "MAIL_KEY"),
    ]
    assert lines[0]["address"] == "10.0.0.7"
    told = repr([event.data for event in here.events()]) + repr(here.app.people(ANYONE).audit())
    assert VALUE not in told
    assert form["secret"] not in told


def test_a_refused_value_leaves_the_form_as_it_is(here: World) -> None:
    form = made(here, hint="")
    for name, value in (("2 keys", VALUE), ("KEY", " "), ("LD_PRELOAD", VALUE)):
        with pytest.raises(Invalid) as refused:
            here.app.forms().give(form["secret"], name, value)
        assert not isinstance(refused.value, NoForm)
    here.app.forms().give(form["secret"], "KEY", VALUE, {Place.CHECKS, Place.RUN})
    assert kept(here) == {"KEY": VALUE}


def test_used_expired_and_invented_links_are_told_alike(here: World) -> None:
    used, old = made(here)["secret"], made(here)["secret"]
    here.app.forms().give(used, "A", VALUE)
    link = here.app.access.link("anna", "test")
    here.clock.advance(FORM_LASTS.total_seconds())
    told = set()
    for secret in (used, old, "stf_" + "x" * 43, "", "y" * 5000, link):
        with pytest.raises(NoForm) as refused:
            here.app.forms().peek(secret)
        told.add((refused.value.what, refused.value.advice))
    assert len(told) == 1
    assert here.app.access.peek(link).name == "anna"


def test_a_form_opens_no_session(here: World) -> None:
    form = made(here)
    with pytest.raises(NotSignedIn):
        here.app.access.sign_in(form["secret"], "a browser")
    with pytest.raises(NotSignedIn):
        here.app.access.identify(form["secret"], PassKind.TOKEN)


def test_what_counts_is_what_its_user_may_now(here: World) -> None:
    form, other = made(here), made(here)
    here.app.people(ANYONE).ungrant("anna", "operator")
    here.app.people(ANYONE).grant("anna", "viewer")
    with pytest.raises(Forbidden):
        here.app.forms().give(form["secret"], "KEY", VALUE)
    with pytest.raises(Forbidden):
        made(here)
    assert kept(here) == {}
    here.app.people(ANYONE).grant("anna", "operator")
    here.app.forms().give(form["secret"], "KEY", VALUE)
    here.app.people(ANYONE).disable("anna")
    with pytest.raises(NoForm):
        here.app.forms().give(other["secret"], "KEY", "more")
    assert kept(here) == {"KEY": VALUE}


def test_forms_are_made_by_users_for_what_there_is(here: World) -> None:
    with pytest.raises(Invalid, match="for a user"):
        here.app.forms(local("local:root")).make("project:shop")
    with pytest.raises(Invalid, match="for a user"):
        here.app.forms().make("project:shop")
    for target in ("project:ship", "talk:1", "talk:x"):
        with pytest.raises(Unknown):
            made(here, target)
    for target in ("shop", "talk:", "incident:1", "project:a b"):
        with pytest.raises(Invalid):
            made(here, target)
    bare = replace(here.app, vault=None)
    with pytest.raises(Unkept):
        bare.forms(principal(here)).make("project:shop")


def test_a_hint_that_is_no_name_is_left_out(here: World) -> None:
    form = made(here, hint="пароль от почты")
    assert here.app.forms().peek(form["secret"])["name"] == ""


def test_a_talk_without_a_project_gets_its_draft_and_goes_on(here: World) -> None:
    with here.store.writing() as tx:
        tx.save_chat(Chat(7, ChatKind.PRIVATE, "anna", here.clock.now().at))
    talks = here.app.talks(principal(here))
    talk = talks.open("tg:7:1", chat_id=7)
    talk = talks.edit(talk["id"], talk["version"], {"title": "Заметки", "goal": "Keep notes"})
    form = made(here, f"talk:{talk['id']}")
    assert here.app.forms().peek(form["secret"])["talk"] == "Заметки"
    assert here.projects()[0].slug == "shop", "a look makes nothing"
    kept_for = here.app.forms().give(form["secret"], "MAIL_KEY", VALUE)["project"]
    after = talks.show(talk["id"])
    assert (kept_for, after["state"], after["waiting"]) == ("zametki", "open", 0)
    assert here.app.queries(ANYONE).project(after["project"])["slug"] == "zametki"
    with here.store.reading() as view:
        card = view.post(7, f"talk:{talk['id']}")
    assert card is not None, "its buttons are of another version now"
    assert card.version > 2
    again = made(here, f"talk:{talk['id']}")
    assert here.app.forms().give(again["secret"], "OTHER", VALUE)["project"] == "zametki"


def test_a_form_for_a_talk_of_somebody_else_is_refused(here: World) -> None:
    here.app.people(ANYONE).add("boris", "operator")
    talk = here.app.talks(principal(here, "boris")).open("web:1")
    with pytest.raises(Unknown):
        made(here, f"talk:{talk['id']}")


def test_of_two_who_give_at_once_one_does(here: World) -> None:
    form = made(here)

    def give(value: str) -> bool:
        try:
            here.app.forms().give(form["secret"], "MAIL_KEY", value)
        except (NoForm, Conflict):
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(give, "abcd"))
    assert sum(done) == 1
    assert kept(here)["MAIL_KEY"] == "abcd"[done.index(True)]
