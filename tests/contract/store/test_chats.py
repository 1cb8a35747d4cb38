"""Chats and their posts, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import pytest
from sqlalchemy import text

from steward.adapters.store.store import SqlStore
from steward.domain.chats import Chat, ChatKind, Post, PostState
from steward.domain.people import Pass, PassKind, User
from steward.ports import Conflict, SchemaMismatch
from tests.contract.store.kit import NOW, after, chat, connect, post


@pytest.fixture
def chatty(store: SqlStore) -> SqlStore:
    """A store with an organisation, a private chat of Anna's (7) and a group of hers (-1001)."""
    connect(store)
    with store.writing() as tx:
        tx.save_chat(chat())
        tx.save_chat(chat(-1001, kind=ChatKind.GROUP))
    return store


def keep(store: SqlStore, *posts: Post) -> None:
    """Save posts."""
    with store.writing() as tx:
        for one in posts:
            tx.save_post(one)


def due(store: SqlStore, seconds: float = 0, limit: int = 50) -> list[str]:
    """The keys of the posts that may be sent then."""
    with store.reading() as view:
        return [one.key for one in view.posts_due(after(seconds), limit)]


# Chats -------------------------------------------------------------------------------------------------


def test_a_chat_comes_back_as_it_was_saved(store: SqlStore) -> None:
    connect(store)
    full = Chat(
        -1001234567890123,
        ChatKind.GROUP,
        "борис",
        NOW,
        "ru",
        "Лавка & co",
        12,
        1,
        "22:00-08:00",
        "Europe/Moscow",
        after(1),
        after(2),
        after(3),
    )
    with store.writing() as tx:
        tx.save_chat(full)
        tx.save_chat(chat())
        tx.save_chat(replace(chat(), title="x\x00y"))
        assert tx.chat(7) == chat(title="x\ufffdy"), "the second one replaced the first"
    with store.reading() as view:
        assert view.chat(full.id) == full
        assert view.chat(8) is None
        assert view.chats() == [full, chat(title="x\ufffdy")], "by id"
        assert view.chats("борис") == [full]
        assert view.chats("nobody") == []


def test_a_chat_that_is_forgotten_takes_its_posts_along(chatty: SqlStore) -> None:
    keep(chatty, post("a"), post("a", -1001))
    with chatty.writing() as tx:
        assert tx.drop_chat(7)
        assert not tx.drop_chat(7)
        assert tx.chat(7) is None
        assert [one.chat_id for one in tx.posts()] == [-1001]
        with pytest.raises(Conflict, match="7 is not connected"):
            tx.save_post(post("a"))
        tx.save_post(post("b", -1001))
    assert due(chatty) == ["a", "b"], "the refusal spoiled nothing"


# Posts -------------------------------------------------------------------------------------------------


def test_a_post_comes_back_as_it_was_saved(chatty: SqlStore) -> None:
    data = {"project": "id-shop", "лист": [1, None, {"a": True}], "url": "x\x00"}
    full = Post(
        -1001,
        "gate:id-shop:3",
        "gate",
        NOW,
        MappingProxyType(data),
        PostState.UNCERTAIN,
        5,
        6,
        True,
        7,
        8,
        "digest",
        9,
        10,
        after(11),
        "Too Many Requests: «позже»\x00",
    )
    keep(chatty, full, post("plain"))
    with chatty.reading() as view:
        kept = view.post(-1001, "gate:id-shop:3")
        assert kept == replace(full, error="Too Many Requests: «позже»\ufffd")
        assert view.post(7, "plain") == post("plain")
        assert view.post(7, "gate:id-shop:3") is None


def test_a_post_is_one_by_chat_and_key(chatty: SqlStore) -> None:
    keep(chatty, post("a"), post("a", -1001), post("a", state=PostState.SHOWN, message_id=3, version=2))
    with chatty.writing() as tx:
        assert tx.post(7, "a") == post("a", state=PostState.SHOWN, message_id=3, version=2)
        assert tx.post(-1001, "a") == post("a", -1001)
        assert tx.drop_post(7, "a")
        assert not tx.drop_post(7, "a")
        assert [one.chat_id for one in tx.posts_about(["a"])] == [-1001]


def test_a_post_is_found_by_the_message_that_shows_it(chatty: SqlStore) -> None:
    keep(chatty, post("a", message_id=3), post("b", message_id=4, old_id=3), post("c", -1001, message_id=3))
    with chatty.reading() as view:
        assert view.post_of(7, 3) == post("a", message_id=3)
        assert view.post_of(-1001, 3) == post("c", -1001, message_id=3)
        assert view.post_of(7, 5) is None


def test_posts_are_due_in_the_order_in_which_they_were_wanted(chatty: SqlStore) -> None:
    keep(
        chatty,
        post("third", seconds=-1),
        post("first", seconds=-3, state=PostState.SENDING),
        post("fourth", -1001, seconds=-1, next_at=after(-1)),
        post("second", seconds=-2, state=PostState.UNCERTAIN, next_at=NOW),
    )
    # Of one moment: by chat, then by key.
    assert due(chatty) == ["first", "second", "fourth", "third"]
    assert due(chatty, limit=2) == ["first", "second"]


def test_what_is_settled_or_must_wait_is_not_due(chatty: SqlStore) -> None:
    keep(
        chatty,
        post("shown", state=PostState.SHOWN),
        post("failed", state=PostState.FAILED),
        post("later", next_at=after(0.000001)),
        post("claimed", state=PostState.SENDING, next_at=after(60)),
        post("now", next_at=NOW),
    )
    assert due(chatty) == ["now"]
    assert due(chatty, 60) == ["claimed", "later", "now"]


@pytest.mark.parametrize(
    ("change", "now", "later"),
    [
        ({"blocked_at": after(-5)}, ["there"], ["there"]),
        ({"flood_until": after(30)}, ["there"], ["here", "there"]),
        ({"flood_until": NOW}, ["here", "there"], ["here", "there"]),
        ({"muted_until": after(90)}, ["here", "there"], ["here", "there"]),
    ],
    ids=["blocked", "flooded", "flood is over", "muted is not the store's to judge"],
)
def test_a_chat_that_cannot_be_written_to_holds_its_own_posts_alone(
    chatty: SqlStore, change: dict[str, Any], now: list[str], later: list[str]
) -> None:
    keep(chatty, post("here", seconds=-1), post("there", -1001))
    with chatty.writing() as tx:
        tx.save_chat(replace(chat(), **change))
    assert (due(chatty), due(chatty, 30)) == (now, later)


def test_a_time_in_another_zone_is_the_same_moment(chatty: SqlStore) -> None:
    moscow = timezone(timedelta(hours=3))
    keep(chatty, post("a", next_at=after(1).astimezone(moscow)))
    assert due(chatty, 0) == []
    assert due(chatty, 1) == ["a"]
    with chatty.reading() as view:
        assert view.posts_due(datetime(2030, 1, 1, tzinfo=UTC), 1)[0].next_at == after(1)


def test_posts_are_listed_newest_wish_first_and_counted(chatty: SqlStore) -> None:
    keep(
        chatty,
        post("old", state=PostState.FAILED, error="why"),
        post("new", seconds=2, state=PostState.FAILED),
        post("shown", seconds=1, state=PostState.SHOWN),
    )
    with chatty.reading() as view:
        assert [one.key for one in view.posts()] == ["new", "shown", "old"]
        assert [one.key for one in view.posts(limit=1)] == ["new"]
        assert [one.key for one in view.posts([PostState.FAILED])] == ["new", "old"]
        assert [one.key for one in view.posts(["shown", "wanted"])] == ["shown"]
        assert view.post_counts() == {"failed": 2, "shown": 1}
        assert [one.key for one in view.posts_about(["old", "shown", "none"])] == ["old", "shown"]
        assert view.posts_about([]) == []


def test_settled_replies_are_forgotten_and_nothing_else(chatty: SqlStore) -> None:
    keep(
        chatty,
        post("reply:1", state=PostState.SHOWN, seconds=-1),
        post("reply:2", state=PostState.FAILED, seconds=-1),
        post("reply:3", state=PostState.UNCERTAIN, seconds=-1),
        post("reply:4", state=PostState.SHOWN),
        post("project:reply:5", state=PostState.SHOWN, seconds=-1),
    )
    with chatty.writing() as tx:
        assert tx.prune_posts(NOW) == 2
        assert sorted(one.key for one in tx.posts()) == ["project:reply:5", "reply:3", "reply:4"]


def test_how_far_events_were_followed_is_kept(store: SqlStore) -> None:
    with store.reading() as view:
        assert view.followed() == 0
    for position in (5, 2**40):
        with store.writing() as tx:
            tx.follow_to(position)
            assert tx.followed() == position


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE posts SET state = 'hologram'", "the post a of the chat 7"),
        ("UPDATE posts SET data = '{'", "the post a of the chat 7"),
        ("UPDATE chats SET kind = 'channel'", "the chat 7"),
    ],
)
def test_what_a_newer_steward_wrote_is_named(chatty: SqlStore, change: str, words: str) -> None:
    keep(chatty, post("a"))
    with chatty.writing() as tx:
        tx._write(text(change))
    with pytest.raises(SchemaMismatch, match=words), chatty.reading() as view:
        assert [view.chat(7), view.post(7, "a")] == []


# Passes that chats need --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [PassKind.CHAT, PassKind.FORM])
def test_a_code_and_a_form_work_once(store: SqlStore, kind: PassKind) -> None:
    with store.writing() as tx:
        anna = tx.add_user(User(0, "anna", NOW))
        made = tx.add_pass(Pass(0, kind, anna.id, "digest", NOW, after(60), note="API_KEY of shop"))
        assert tx.pass_by_digest("digest") == (made, anna)
        assert tx.passes(anna.id, [kind]) == [made]
        assert tx.use_pass(made.id, after(1), once=True)
        assert not tx.use_pass(made.id, after(2), once=True)
        used, _ = tx.pass_by_digest("digest") or (made, anna)
        assert used.used_at == after(1)
        assert made.valid(after(1))
        assert not used.valid(after(1))
