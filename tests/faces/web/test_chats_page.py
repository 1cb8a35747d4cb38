"""The page of Telegram: a code is shown once, chats are one's own, what did not go out is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from steward.adapters.store import open_store
from steward.domain.chats import Chat, ChatKind, Post, PostState
from steward.domain.people import Role
from steward.faces.http.app import build
from steward.faces.http.live import Live
from steward.faces.http.site import Site
from steward.faces.web.render import error_page
from steward.testing.world import World
from tests.faces.http.kit import Served, Visitor, text

PAGE: Final = "/settings/telegram"
BORIS, CLARA, GROUP = 100, 200, -300


def no_messenger() -> Any:
    raise AssertionError("a page sends nothing")


@pytest.fixture
def here() -> Iterator[Served]:
    """A server with a bot; boris has a chat and a group, clara a chat."""
    world = World(open_store("sqlite://"))
    world.app = replace(world.app, messenger=no_messenger)
    world.beat()
    now = world.clock.now().at
    home = world.organisation().id
    with world.store.writing() as tx:
        tx.save_chat(Chat(BORIS, ChatKind.PRIVATE, "boris", now, "en", "Boris B."))
        tx.save_chat(Chat(GROUP, ChatKind.GROUP, "boris", now, title="The team", organisation_id=home))
        tx.save_chat(Chat(CLARA, ChatKind.PRIVATE, "clara", now, "ru", "Clara C."))
    site = Site(world.app, Live(world.app), names=frozenset({"testserver"}), error_page=error_page)
    made = Served(world, site, build(site))
    yield made
    for client in made.clients:
        client.close()
    world.store.close()


@pytest.fixture
def boris(here: Served) -> Visitor:
    """Somebody who may order projects, and see to no other people."""
    return here.visitor(Role.OPERATOR, "boris")


def chat(here: Served, chat_id: int) -> Chat | None:
    with here.world.store.reading() as view:
        return view.chat(chat_id)


def test_a_code_is_shown_once(here: Served, boris: Visitor) -> None:
    with here.world.store.writing() as tx:
        tx.set_setting("telegram.bot", "acme_bot")
    assert "write to @acme_bot" in text(boris.get(PAGE))
    made = boris.post(f"{PAGE}/code")
    found = re.search(r'value="(stc_[\w-]+)"', made.text)
    assert (made.status_code, found is not None) == (201, True)
    assert found is not None
    assert f"https://t.me/acme_bot?start={found[1]}" in made.text
    assert found[1] not in boris.get(PAGE).text
    assert here.world.app.callers.link(found[1], BORIS, "Boris B.").name == "boris"


def test_ones_own_chats_are_shown_and_no_others(boris: Visitor) -> None:
    shown = text(boris.get(PAGE))
    assert "Boris B." in shown
    assert "The team follows acme" in shown
    assert "Clara" not in shown


def test_who_sees_to_people_sees_everybodys_and_can_disconnect_them(here: Served) -> None:
    anna = here.visitor(Role.ADMIN, "anna")
    here.visitor(Role.VIEWER, "clara")
    assert "Chats of others" in text(anna.get(PAGE))
    assert "Clara C. clara" in text(anna.get(PAGE))
    assert anna.post(f"{PAGE}/{CLARA}/unlink", {"user": "clara"}).status_code == 303
    assert chat(here, CLARA) is None


def test_what_is_chosen_for_a_chat_is_kept(here: Served, boris: Visitor) -> None:
    wanted = {"lang": "ru", "quiet": "22:00-08:00", "zone": "Europe/Moscow"}
    assert boris.post(f"{PAGE}/{BORIS}", wanted).status_code == 303
    after = chat(here, BORIS)
    assert after is not None
    assert (after.lang, after.quiet, after.zone) == ("ru", "22:00-08:00", "Europe/Moscow")
    shown = boris.get(PAGE).text
    assert 'value="22:00-08:00"' in shown
    assert 'value="Europe/Moscow"' in shown


@pytest.mark.parametrize("wrong", [{"quiet": "at night"}, {"zone": "Mars/Olympus"}, {"lang": "de"}])
def test_what_is_wrong_comes_back_in_the_form(here: Served, boris: Visitor, wrong: dict[str, str]) -> None:
    before = chat(here, BORIS)
    refused = boris.post(f"{PAGE}/{BORIS}", {"lang": "en", "quiet": "", "zone": "UTC", **wrong})
    assert refused.status_code == 422
    assert 'role="alert"' in refused.text
    assert next(iter(wrong.values())) in refused.text
    assert chat(here, BORIS) == before


def test_a_chat_is_muted_and_unmuted(here: Served, boris: Visitor) -> None:
    boris.post(f"{PAGE}/{BORIS}/mute", {"for_s": "3600"})
    assert "Muted until" in text(boris.get(PAGE))
    here.world.clock.advance(3601)
    assert "Muted until" not in text(boris.get(PAGE))
    boris.post(f"{PAGE}/{BORIS}/mute", {"for_s": "3600"})
    boris.post(f"{PAGE}/{BORIS}/mute", {"for_s": "0"})
    assert "Muted until" not in text(boris.get(PAGE))


def test_anothers_chat_is_unknown(here: Served, boris: Visitor) -> None:
    wanted = {"lang": "ru", "quiet": "", "zone": "UTC"}
    for path, data in (("", wanted), ("/mute", {"for_s": "60"}), ("/unlink", {})):
        assert boris.post(f"{PAGE}/{CLARA}{path}", data).status_code == 404
    assert boris.post(f"{PAGE}/{CLARA}/unlink", {"user": "clara"}).status_code == 403
    assert chat(here, CLARA) is not None


def test_what_did_not_go_out_is_named_with_its_reason(here: Served, boris: Visitor) -> None:
    failed = Post(BORIS, "gate:x:1", "gate", here.world.clock.now().at, state=PostState.FAILED)
    with here.world.store.writing() as tx:
        tx.save_post(replace(failed, attempts=3, error="the message is too long"))
        tx.save_post(replace(failed, chat_id=CLARA, error="hers"))
    shown = text(boris.get(PAGE))
    assert "What did not go out" in shown
    assert "the message is too long" in shown
    assert "hers" not in shown


def test_without_a_bot_it_says_how_to_set_one_up(here: Served) -> None:
    site = replace(here.site, app=replace(here.site.app, messenger=None))
    other = Served(here.world, site, build(site), here.clients)
    shown = text(other.visitor(Role.VIEWER, "vera").get(PAGE))
    assert "@BotFather" in shown
    assert "STEWARD_TELEGRAM_TOKEN_FILE" in shown
    assert "Get a code" not in shown


def test_in_russian(boris: Visitor) -> None:
    shown = text(boris.get(PAGE, headers={"Accept-Language": "ru"}))
    assert "Тихие часы" in shown
    assert "Quiet" not in shown
