"""Who writes to the bot: strangers get nothing, codes connect accounts, and what connects can be ended."""

from __future__ import annotations

import pytest

from steward.testing.world import ANYONE
from tests.faces.telegram.bench import Bench
from tests.telegram.people import Person


def connected(desk: Bench, person: Person) -> str | None:
    found = desk.app.callers.principal(person.id)
    return found.actor if found is not None else None


def test_a_code_connects_an_account_with_its_user(desk: Bench) -> None:
    anna = desk.person("Anna", "viewer", lang="ru")
    assert connected(desk, anna) == "user:anna"
    assert "anna" in desk.last(anna).text.lower()
    assert [line["action"] for line in desk.app.people(ANYONE).audit(text="chat.link")] == ["chat.link"]


def test_a_code_works_once(desk: Bench) -> None:
    desk.app.people(ANYONE).add("anna", "viewer")
    code = desk.code("anna")
    anna, thief = desk.server.person("Anna"), desk.server.person("Thief")
    anna.writes(f"/link {code}")
    thief.writes(f"/start {code}")
    desk.settle()
    assert connected(desk, anna) == "user:anna"
    assert connected(desk, thief) is None
    assert "not good" in desk.last(thief).text


def test_a_code_ends_after_a_quarter_of_an_hour_and_with_the_next_one(desk: Bench) -> None:
    desk.app.people(ANYONE).add("anna", "viewer")
    first, late = desk.code("anna"), desk.code("anna")
    anna = desk.server.person("Anna")
    anna.writes(f"/link {first}")
    desk.settle()
    assert connected(desk, anna) is None
    desk.world.clock.advance(15 * 60)
    anna.writes(f"/link {late}")
    desk.settle()
    assert connected(desk, anna) is None


def test_a_wrong_code_is_answered_alike_and_five_are_enough(desk: Bench) -> None:
    desk.app.people(ANYONE).add("anna", "viewer")
    thief = desk.server.person("Thief")
    for n in range(6):
        thief.writes(f"/start stc_{n}")
    thief.writes(f"/start {desk.code('anna')}")
    desk.settle()
    assert len({message.text for message in thief.sees()}) == 1
    assert connected(desk, thief) is None
    assert len(desk.app.people(ANYONE).audit(outcome="refused")) == 5
    desk.world.clock.advance(3600)
    thief.writes(f"/start {desk.code('anna')}")
    desk.settle()
    assert connected(desk, thief) == "user:anna"


def test_a_stranger_is_told_once_an_hour_how_to_be_let_in(desk: Bench) -> None:
    stranger = desk.server.person("Stranger", lang="ru")
    for _ in range(3):
        stranger.starts()
    desk.settle()
    (told,) = stranger.sees()
    assert "код" in told.text
    desk.world.clock.advance(3600)
    stranger.starts()
    desk.settle()
    assert len(stranger.sees()) == 2


@pytest.mark.parametrize(
    "text", ["Hello", "/new a shop", "/projects", "/help", "password: hunter2secret", "/nothing"]
)
def test_a_stranger_gets_nothing_else(desk: Bench, text: str) -> None:
    stranger = desk.server.person("Stranger")
    message = stranger.writes(text)
    stranger.edits(message, f"{text}!")
    stranger.sends("voice")
    desk.settle()
    assert stranger.sees() == []
    assert not message.deleted
    with desk.app.store.reading() as view:
        assert view.talks() == []


def test_the_buttons_of_others_do_nothing_for_a_stranger(desk: Bench) -> None:
    anna, stranger = desk.person("Anna"), desk.server.person("Stranger", started=True)
    anna.writes("/lang")
    desk.settle()
    group = desk.server.group("Team", anna, stranger)
    group.adds_bot(anna)
    anna.writes("/follow", in_group=group)
    desk.settle()
    anna.writes("/lang", in_group=group)
    desk.settle()
    stranger.presses("Русский", in_group=group)
    desk.settle()
    assert [notice.text for notice in stranger.notices()] == [""]
    chat = desk.app.callers.chat(group.id)
    assert chat is not None
    assert chat.lang == "en"


def test_a_disabled_user_is_a_stranger(desk: Bench) -> None:
    anna = desk.person("Anna", "viewer")
    desk.app.people(ANYONE).disable("anna")
    before = len(anna.sees())
    anna.writes("/projects")
    desk.settle()
    assert len(anna.sees()) == before


def test_what_was_connected_can_be_disconnected(desk: Bench) -> None:
    anna = desk.person("Anna", "viewer")
    anna.writes("/unlink")
    anna.writes("/projects")
    desk.settle()
    assert connected(desk, anna) is None
    assert "disconnected" in desk.last(anna).text


def test_another_code_gives_the_account_to_another_user(desk: Bench) -> None:
    anna = desk.person("Anna", "viewer")
    desk.app.people(ANYONE).add("bob", "viewer")
    anna.writes(f"/link {desk.code('bob')}")
    desk.settle()
    assert connected(desk, anna) == "user:bob"
    assert desk.app.chats(ANYONE).chats("anna") == []


def test_a_code_that_others_have_seen_connects_nobody(desk: Bench) -> None:
    anna = desk.person("Anna")
    desk.app.people(ANYONE).add("bob", "viewer")
    bob = desk.server.person("Bob", started=True)
    group = desk.server.group("Team", anna, bob)
    group.adds_bot(anna, "administrator")
    shown = bob.writes(f"/link {desk.code('bob')}", in_group=group)
    desk.settle()
    assert connected(desk, bob) is None
    assert shown.deleted


def test_a_chat_that_was_blocked_is_written_to_again(desk: Bench) -> None:
    anna = desk.person("Anna", "viewer")
    anna.blocks()
    desk.settle()
    chat = desk.app.callers.chat(anna.id)
    assert chat is not None
    assert chat.blocked_at is not None
    anna.writes("/projects")
    desk.settle()
    chat = desk.app.callers.chat(anna.id)
    assert chat is not None
    assert chat.blocked_at is None
