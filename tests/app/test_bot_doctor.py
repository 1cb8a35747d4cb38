"""What the doctor says of the bot, from what the database keeps: nothing is asked of Telegram."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from steward.adapters.store import open_store
from steward.app.chats import BOT
from steward.app.doctor import Check, examine
from steward.domain.chats import Chat, ChatKind, Post, PostState
from steward.domain.incidents import Cause, Incident
from steward.ports.chats import Messenger
from steward.testing.world import World


def no_messenger() -> Messenger:
    """Makes none: the doctor must not ask for it."""
    raise AssertionError("the doctor asks Telegram for nothing")


@pytest.fixture
def world() -> Iterator[World]:
    """A world with a bot."""
    store = open_store("sqlite://")
    made = World(store)
    made.app = replace(made.app, messenger=no_messenger)
    yield made
    store.close()


def check(world: World) -> Check:
    """The line of the bot."""
    (found,) = [one for one in examine(world.app) if one.name == "bot"]
    return found


def keep(world: World, *posts: Post, **more: Any) -> None:
    """A chat with these posts, and another one."""
    now = world.clock.now().at
    with world.store.writing() as tx:
        for number in (7, 8):
            tx.save_chat(
                replace(Chat(number, ChatKind.PRIVATE, "anna", now), **(more if number == 7 else {}))
            )
        for post in posts:
            tx.save_post(post)
        tx.set_setting(BOT, "steward_test_bot")


def test_nothing_is_said_where_there_is_no_bot(world: World) -> None:
    world.app = replace(world.app, messenger=None)
    assert [one for one in examine(world.app) if one.name == "bot"] == []


def test_a_bot_without_a_chat_says_how_to_connect_one(world: World) -> None:
    found = check(world)
    assert (found.ok, "steward telegram code" in found.detail) == (True, True)


def test_chats_and_messages_are_counted(world: World) -> None:
    now = world.clock.now().at
    waits = [
        Post(8, key, "said", now, state=state)
        for key, state in (("a", PostState.WANTED), ("b", PostState.UNCERTAIN), ("c", PostState.SHOWN))
    ]
    keep(world, *waits, blocked_at=now)
    assert check(world) == Check(
        "bot", True, "@steward_test_bot; 2 chats, 1 have blocked it; 2 messages waiting, 0 given up"
    )


def test_a_message_that_was_given_up_is_complained_of_for_a_week(world: World) -> None:
    keep(world, Post(7, "a", "said", world.clock.now().at, state=PostState.FAILED, error="too long"))
    found = check(world)
    assert (found.ok, found.fix) == (False, "Read why: steward telegram status")
    assert found.detail.endswith("1 given up")
    world.clock.advance(timedelta(days=7).total_seconds() + 1)
    assert check(world).ok


@pytest.mark.parametrize(("state", "ok"), [("open", False), ("acknowledged", False), ("resolved", True)])
def test_a_bot_that_is_refused_is_told_with_the_reason(world: World, state: str, ok: bool) -> None:
    keep(world)
    now, reason = world.clock.now().at, {"reason": "the token is refused"}
    incident = Incident(
        0, "bot", Cause.BOT_FAILING, "error", "the bot fails", now, now, state=state, evidence=reason
    )
    with world.store.writing() as tx:
        tx.save_incident(incident)
    found = check(world)
    assert (found.ok, found.detail == "the token is refused") == (ok, not ok)
