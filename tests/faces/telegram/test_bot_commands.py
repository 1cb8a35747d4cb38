"""The commands, in private chats and in groups."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from steward.domain.chats import Chat
from steward.faces.telegram import sentences
from tests.faces.telegram.bench import Bench
from tests.telegram.people import Person


@pytest.fixture
def anna(desk: Bench) -> Person:
    return desk.person("Anna")


def answer(desk: Bench, person: Person, text: str) -> str:
    """What a message in a private chat is answered with."""
    before = {message.message_id for message in person.sees()}
    person.writes(text)
    desk.settle()
    return "\n".join(message.text for message in person.sees() if message.message_id not in before)


def chat(desk: Bench, chat_id: int) -> Chat:
    found = desk.app.callers.chat(chat_id)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "command", ["help", "start", "projects", "waiting", "incidents", "status", "lang", "mute", "quiet"]
)
@pytest.mark.parametrize("lang", ["en", "ru"])
def test_each_card_is_shown_to_who_may_see(desk: Bench, command: str, lang: str) -> None:
    bob = desk.person("Bob", "viewer", lang=lang)
    assert answer(desk, bob, f"/{command}") != ""


def test_a_project_is_shown_once_at_the_end_of_the_chat(desk: Bench, anna: Person) -> None:
    desk.world.order_past_deaths("shop", confirm=False)
    assert "shop" in answer(desk, anna, "/project shop")
    first = desk.last(anna).message_id
    anna.writes("/help")
    desk.settle()
    assert "shop" in answer(desk, anna, "/project@StewardTestBot shop")
    assert first not in {message.message_id for message in anna.sees()}


def test_an_unknown_project_is_answered_with_those_near(desk: Bench, anna: Person) -> None:
    desk.world.order_past_deaths("shop", confirm=False)
    assert "shop" in answer(desk, anna, "/project shpo")


def test_an_unknown_command_is_answered_with_the_nearest(desk: Bench, anna: Person) -> None:
    assert "/projects" in answer(desk, anna, "/projcets")
    assert "/help" in answer(desk, anna, "/fly")


def test_a_mute_lasts_as_long_as_it_says(desk: Bench, anna: Person) -> None:
    assert answer(desk, anna, "/mute 2h") != ""
    until = chat(desk, anna.id).muted_until
    assert until is not None
    assert timedelta(hours=1.9) < until - desk.world.clock.now().at <= timedelta(hours=2)
    answer(desk, anna, "/mute off")
    assert chat(desk, anna.id).muted_until is None
    assert "/mute 1h" in answer(desk, anna, "/mute for a while")
    assert "30 days" in answer(desk, anna, "/mute 99d")


def test_quiet_hours_are_set_in_a_zone(desk: Bench, anna: Person) -> None:
    assert "22:00-08:00" in answer(desk, anna, "/quiet 22:00-08:00 Europe/Berlin")
    assert (chat(desk, anna.id).quiet, chat(desk, anna.id).zone) == ("22:00-08:00", "Europe/Berlin")
    for wrong in ("25:00-08:00", "22:00-08:00 Europe/Nowhere", "22:00-08:00 ../etc", "always"):
        assert "/quiet 22:00" in answer(desk, anna, f"/quiet {wrong}")
    answer(desk, anna, "/quiet off")
    assert chat(desk, anna.id).quiet == ""


def test_a_language_is_chosen_by_its_name(desk: Bench, anna: Person) -> None:
    answer(desk, anna, "/lang русский")
    assert chat(desk, anna.id).lang == "ru"
    assert "en, ru" in answer(desk, anna, "/lang klingon")


def test_a_group_follows_an_organisation_in_a_topic(desk: Bench, anna: Person) -> None:
    group = desk.server.group("Team", anna, forum=True)
    group.adds_bot(anna)
    topic = group.topic("Steward")
    anna.writes("/follow acme", in_group=group, thread=topic)
    desk.settle()
    found = chat(desk, group.id)
    assert (found.user, found.thread_id, found.title) == ("anna", topic, "Team")
    assert found.organisation_id is not None
    (told,) = desk.server.shown(group)
    assert told.thread_id == topic
    anna.writes("/unfollow", in_group=group, thread=topic)
    desk.settle()
    assert desk.app.callers.chat(group.id) is None


def test_who_may_only_read_connects_no_group(desk: Bench) -> None:
    eva = desk.person("Eva", "viewer")
    group = desk.server.group("Team", eva)
    group.adds_bot(eva)
    eva.writes("/follow", in_group=group)
    desk.settle()
    assert desk.app.callers.chat(group.id) is None
    assert "right to" in desk.last(eva).text


def test_a_group_that_is_not_connected_is_told_of_in_private(desk: Bench, anna: Person) -> None:
    group = desk.server.group("Team", anna)
    group.adds_bot(anna)
    anna.writes("/projects", in_group=group)
    desk.settle()
    assert desk.server.shown(group) == []
    assert "/follow" in desk.last(anna).text


def test_in_groups_only_what_is_said_to_the_bot_is_heard(desk: Bench, anna: Person) -> None:
    desk.server.state.privacy = False
    group = desk.server.group("Team", anna)
    group.adds_bot(anna)
    anna.writes("/follow", in_group=group)
    desk.settle()
    shown = len(desk.server.shown(group))
    for text in ("Lunch?", "/roll", "/projects@AnotherBot"):
        anna.writes(text, in_group=group)
    anna.sends("sticker", in_group=group)
    desk.settle()
    assert len(desk.server.shown(group)) == shown
    assert desk.talks("anna") == []
    anna.writes("@StewardTestBot a shop for cups", in_group=group)
    desk.settle()
    (talk,) = desk.talks("anna")
    assert (talk["chat"], talk["said"][0]["text"]) == (group.id, "a shop for cups")


def test_strangers_in_a_group_are_not_heard(desk: Bench, anna: Person) -> None:
    stranger = desk.server.person("Stranger")
    group = desk.server.group("Team", anna, stranger)
    group.adds_bot(anna)
    anna.writes("/follow", in_group=group)
    desk.settle()
    shown = len(desk.server.shown(group))
    stranger.writes("/projects", in_group=group)
    stranger.writes("@StewardTestBot a shop for cups", in_group=group)
    desk.settle()
    assert len(desk.server.shown(group)) == shown


def test_a_group_that_becomes_larger_stays_connected(desk: Bench, anna: Person) -> None:
    group = desk.server.group("Team", anna, kind="group")
    group.adds_bot(anna)
    anna.writes("/follow", in_group=group)
    desk.settle()
    old, new = group.id, group.becomes_supergroup()
    desk.settle()
    assert desk.app.callers.chat(old) is None
    assert chat(desk, new).user == "anna"


def test_every_sentence_that_is_said_is_there() -> None:
    folder = Path(sentences.__file__).parent
    said = {
        key
        for file in folder.glob("*.py")
        for found in re.findall(
            r'(?:\.say|\.whisper|\.ask|say_and_show)\(\s*"(\w+)"|text_key="(\w+)"|SENTENCES\["(\w+)"\]',
            file.read_text(),
        )
        for key in found
        if key
    }
    assert len(said) > 20
    assert said - sentences.SENTENCES.keys() == set()
