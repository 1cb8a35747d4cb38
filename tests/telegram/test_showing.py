"""Posts over the real messenger, to a Telegram that counts messages and loses answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from steward.adapters.store import open_store
from steward.adapters.telegram import TelegramMessenger
from steward.domain.chats import Chat, ChatKind, Post, PostState
from steward.testing.world import World
from tests.app.posting_kit import Desk, render
from tests.telegram.people import Group, Person
from tests.telegram.server import TelegramServer
from tests.telegram.state import Fault


@pytest.fixture
def world() -> Iterator[World]:
    store = open_store("sqlite://")
    yield World(store)
    store.close()


@pytest.fixture
def server(world: World) -> Iterator[TelegramServer]:
    with TelegramServer(lambda: world.clock.now().tick_s) as server:
        yield server


@pytest.fixture
def anna(server: TelegramServer) -> Person:
    return server.person("Anna", started=True)


@pytest.fixture
def group(server: TelegramServer, anna: Person) -> Group:
    made = server.group("Team", anna, kind="group")
    made.adds_bot(anna)
    return made


@pytest.fixture
def desk(world: World, server: TelegramServer, anna: Person, group: Group) -> Iterator[Desk]:
    made = Desk(world)
    messenger = TelegramMessenger(server.token, server.url, world.clock, timeout_s=5)
    made.app = replace(made.app, messenger=lambda: messenger, render=render)
    made.restart()
    at = world.clock.now().at
    with world.store.writing() as tx:
        tx.save_chat(Chat(anna.id, ChatKind.PRIVATE, "anna", at))
        tx.save_chat(Chat(group.id, ChatKind.GROUP, "anna", at))
    yield made
    messenger.close()


def test_whatever_is_wanted_at_once_telegram_never_asks_to_wait(
    desk: Desk, server: TelegramServer, anna: Person, group: Group
) -> None:
    for number in range(12):
        desk.wants(f"p{number}", "x", anna.id)
    for number in range(25):
        desk.wants(f"g{number}", "x", group.id)
    desk.ticks(90)
    assert len(anna.sees()) == 12
    assert len(server.shown(group)) == 25
    assert {call.status for call in server.calls} == {200}


def test_a_process_that_begins_anew_knows_no_pace_and_is_told_to_wait(
    desk: Desk, server: TelegramServer, anna: Person
) -> None:
    for number in range(8):
        desk.wants(f"p{number}", "x", anna.id)
    for _ in range(8):
        desk.posting.tick()
        desk.restart()
    assert [call.status for call in server.calls] == [200, 200, 200, 429]
    assert desk.chat(anna.id).flood_until is not None
    desk.ticks(20)
    assert len(anna.sees()) == 8


def test_an_answer_that_was_lost_is_repeated_with_a_mark(
    desk: Desk, server: TelegramServer, anna: Person
) -> None:
    server.faults.append(Fault("break_after", "sendMessage"))
    desk.wants("a", "one", anna.id)
    desk.ticks(10)
    assert [shown.text for shown in anna.sees()] == ["a=one", "a=one (again)"]


def test_a_person_who_comes_back_gets_what_waited(desk: Desk, server: TelegramServer, anna: Person) -> None:
    anna.blocks()
    desk.wants("a", "one", anna.id)
    desk.ticks(3)
    assert desk.chat(anna.id).blocked_at is not None
    anna.starts()
    desk.sets(anna.id, blocked_at=None)
    desk.ticks(3)
    assert [shown.text for shown in anna.sees()] == ["a=one"]


def test_a_group_that_becomes_a_supergroup_goes_on_there(
    desk: Desk, server: TelegramServer, group: Group
) -> None:
    new = group.becomes_supergroup()
    old = next(room.id for room in server.state.rooms.values() if room.moved_to == new)
    desk.wants("a", "one", old)
    desk.ticks(5)
    assert [shown.text for shown in server.shown(new)] == ["a=one"]
    assert desk.is_shown("a", new)


def test_a_topic_that_is_gone_is_told_as_the_reason(desk: Desk, server: TelegramServer, anna: Person) -> None:
    forum = server.group("Forum", anna, forum=True)
    forum.adds_bot(anna)
    topic = forum.topic("Sites")
    with desk.world.store.writing() as tx:
        tx.save_chat(Chat(forum.id, ChatKind.GROUP, "anna", desk.world.clock.now().at, thread_id=topic))
    desk.wants("a", "one", forum.id, thread_id=topic)
    desk.ticks(3)
    assert [shown.thread_id for shown in server.shown(forum)] == [topic]
    forum.drops(topic)
    desk.wants("b", "one", forum.id, thread_id=topic)
    desk.ticks(3)
    failed: Post = desk.post("b", forum.id)
    assert (failed.state, failed.error) == (PostState.FAILED, "message thread not found")
