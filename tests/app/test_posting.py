"""Posts: shown as wanted, each once, at Telegram's pace; kept, retried and told where that fails."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from steward.app.outbox import ATTEMPTS_MAX
from steward.app.pacing import Pace
from steward.app.posting import move_chat, move_down, reply, want
from steward.app.showing import REFUSED_S
from steward.app.sync import LEASE
from steward.domain.chats import Chat, ChatKind, Post, PostState
from steward.domain.journal import Kind
from steward.ports import LeaseLost, Transient, Unauthorised, Unreachable
from steward.ports.chats import Blocked, Flooded, Moved, Place, Refused
from steward.testing.clock import FakeClock
from steward.testing.world import World
from tests.app.posting_kit import GROUP, PRIVATE, Desk, render


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def test_what_is_wanted_is_shown_and_what_changes_is_edited(desk: Desk) -> None:
    desk.wants("a", "one")
    desk.ticks(1)
    first = desk.post("a").message_id
    desk.wants("a", "two")
    desk.ticks(2)
    assert desk.texts() == ["a=two"]
    assert desk.post("a").message_id == first
    assert [call for call, _ in desk.fake.calls] == ["send", "edit"]


def test_what_says_the_same_is_settled_without_a_call(desk: Desk) -> None:
    desk.wants("a", "one")
    desk.ticks(1)
    desk.wants("a", "one")
    desk.ticks(2)
    assert desk.is_shown("a")
    assert len(desk.fake.calls) == 1


def test_posts_of_a_chat_come_in_the_order_of_the_wishes(desk: Desk) -> None:
    for key in ("c", "a", "b"):
        desk.wants(key, "x")
        desk.world.clock.advance(1)
    desk.ticks(4)
    assert desk.texts() == ["c=x", "a=x", "b=x"]


def test_a_reply_is_said_once_however_often_its_message_arrives(desk: Desk) -> None:
    for _ in range(2):
        chat = desk.chat()
        with desk.world.store.writing() as tx:
            reply(tx, chat, 7, "said", desk.now(), data={"text": "yes"})
        desk.ticks(2)
    assert desk.texts() == ["reply:7=yes"]
    assert desk.fake.seen(PRIVATE)[0].place == Place(PRIVATE, 0, 7)


def test_replies_that_are_settled_are_forgotten_after_a_day(desk: Desk) -> None:
    chat = desk.chat()
    with desk.world.store.writing() as tx:
        reply(tx, chat, 7, "said", desk.now(), data={"text": "yes"})
    desk.wants("card", "x")
    desk.ticks(3)
    desk.world.clock.advance(25 * 3600)
    desk.ticks(1)
    with desk.world.store.reading() as view:
        assert [post.key for post in view.posts()] == ["card"]


def test_what_has_nothing_to_show_any_more_is_deleted_and_forgotten(desk: Desk) -> None:
    desk.wants("a", "one")
    desk.ticks(1)
    desk.wants("a", None)
    desk.ticks(2)
    assert desk.texts() == []
    with desk.world.store.reading() as view:
        assert view.post(PRIVATE, "a") is None


def test_a_card_that_is_moved_down_is_sent_anew_and_the_former_one_deleted(desk: Desk) -> None:
    desk.wants("a", "one")
    desk.ticks(1)
    desk.wants("b", "x")
    desk.ticks(2)
    with desk.world.store.writing() as tx:
        move_down(tx, Post(PRIVATE, "a", "said", desk.now(), {"text": "two"}))
    desk.ticks(3)
    assert desk.texts() == ["b=x", "a=two"]
    assert (desk.post("a").old_id, desk.is_shown("a")) == (None, True)


def test_a_card_too_old_to_be_deleted_keeps_no_buttons(desk: Desk) -> None:
    desk.wants("a", "one")
    desk.ticks(1)
    desk.fake.aged = set(desk.fake.messages)
    with desk.world.store.writing() as tx:
        move_down(tx, Post(PRIVATE, "a", "said", desk.now(), {"text": "two"}))
    desk.ticks(3)
    assert [(m.says.text, bool(m.says.buttons)) for m in desk.fake.seen(PRIVATE)] == [
        ("a=two", False),
        ("a=two", True),
    ]
    assert desk.is_shown("a")


def test_a_message_that_a_person_deleted_is_sent_anew(desk: Desk) -> None:
    desk.wants("a", "one")
    desk.ticks(1)
    desk.fake.messages.clear()
    desk.wants("a", "two")
    desk.ticks(3)
    assert desk.texts() == ["a=two"]


def test_a_failure_is_tried_again_later_and_not_at_once(desk: Desk) -> None:
    desk.fake.fail_with = [Transient("busy")]
    desk.wants("a", "one")
    desk.ticks(3)
    assert (desk.texts(), desk.post("a").state, desk.post("a").error) == ([], PostState.WANTED, "busy")
    desk.ticks(3)
    assert desk.texts() == ["a=one"]
    assert desk.post("a").error == ""


def test_a_message_whose_answer_was_lost_is_sent_again_and_says_so(desk: Desk) -> None:
    desk.fake.lose = [Unreachable("broken off")]
    desk.wants("a", "one")
    desk.ticks(1)
    assert desk.post("a").state is PostState.UNCERTAIN
    desk.ticks(8)
    assert desk.texts() == ["a=one", "a=one (again)"]
    desk.wants("a", "two")
    desk.ticks(2)
    assert desk.texts() == ["a=one", "a=two"], "once it is known where it is, it is no repeat any more"


def test_an_edit_whose_answer_was_lost_is_made_again_and_repeats_nothing(desk: Desk) -> None:
    desk.wants("a", "one")
    desk.ticks(1)
    desk.fake.lose = [Unreachable("broken off")]
    desk.wants("a", "two")
    desk.ticks(8)
    assert desk.texts() == ["a=two"]
    assert desk.is_shown("a")


def test_what_fails_too_often_is_given_up_and_told(desk: Desk) -> None:
    desk.fake.fail_with = [Transient("busy")] * ATTEMPTS_MAX
    desk.wants("a", "one")
    for _ in range(ATTEMPTS_MAX + 1):
        desk.ticks(1)
        desk.world.clock.advance(3600)
    assert (desk.post("a").state, desk.post("a").error) == (PostState.FAILED, "busy")
    assert told(desk) == ["busy"]
    desk.wants("a", "two")
    desk.ticks(2)
    assert desk.texts() == ["a=two"], "a new wish is a new beginning"


def told(desk: Desk) -> list[str]:
    return [event.why for event in desk.world.events() if event.kind == Kind.POST_FAILED]


def test_what_is_refused_is_given_up_at_once_and_the_others_go_on(desk: Desk) -> None:
    desk.fake.fail_with = [Refused("message is too long", "")]
    desk.wants("a", "one")
    desk.wants("b", "two")
    desk.ticks(4)
    assert desk.texts() == ["b=two"]
    assert (desk.post("a").state, told(desk)) == (PostState.FAILED, ["message is too long"])


def test_what_cannot_be_written_is_given_up_and_the_others_go_on(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.wants("a", "broken")
    desk.wants("b", "two")
    desk.ticks(4)
    assert desk.texts() == ["b=two"]
    assert desk.post("a").error == "it could not be written: KeyError"
    (line,) = [
        record.getMessage() for record in caplog.records if "could not be written" in record.getMessage()
    ]
    assert re.search(r"could not be written: KeyError at \w+\.py:\d+$", line), (
        "where, and nothing that was written"
    )


def test_telegram_asks_to_wait_and_that_chat_waits_while_others_do_not(desk: Desk) -> None:
    desk.fake.fail_with = [Flooded("wait", desk.now() + timedelta(seconds=30))]
    desk.wants("a", "one")
    desk.ticks(0.5)
    desk.wants("b", "one", GROUP)
    desk.ticks(20)
    assert (desk.texts(), desk.texts(GROUP)) == ([], ["b=one"])
    assert len(desk.fake.calls) == 2
    desk.ticks(15)
    assert desk.texts() == ["a=one"]


def test_who_stopped_the_bot_loses_nothing(desk: Desk) -> None:
    desk.fake.fail_with = [Blocked("bot was blocked by the user", "")]
    desk.wants("a", "one")
    desk.wants("b", "one")
    desk.ticks(300, 10)
    assert desk.chat().blocked_at is not None
    assert len(desk.fake.calls) == 1
    desk.sets(blocked_at=None)
    desk.ticks(3)
    assert desk.texts() == ["a=one", "b=one"]


def test_a_group_with_a_new_id_goes_on_there(desk: Desk) -> None:
    desk.wants("a", "one", GROUP)
    desk.ticks(1)
    desk.fake.moved[GROUP] = -1022
    desk.wants("a", "two", GROUP)
    desk.wants("b", "x", GROUP)
    desk.ticks(5)
    assert desk.texts(-1022) == ["a=two", "b=x"]
    assert (desk.chat(-1022).user, desk.chat(-1022).kind) == ("anna", ChatKind.GROUP)
    with desk.world.store.reading() as view:
        assert view.chat(GROUP) is None


def test_moving_a_chat_twice_keeps_what_is_there(desk: Desk) -> None:
    desk.wants("a", "one", GROUP)
    with desk.world.store.writing() as tx:
        assert move_chat(tx, GROUP, -1022)
        assert not move_chat(tx, GROUP, -1022)
    desk.ticks(2)
    assert desk.texts(-1022) == ["a=one"]


def test_a_refused_token_is_one_incident_that_ends_with_the_first_message(desk: Desk) -> None:
    desk.fake.fail_with = [Unauthorised("Telegram does not know the bot's token", "")] * 2
    desk.wants("a", "one")
    desk.wants("b", "one", GROUP)
    desk.ticks(REFUSED_S + 10)
    assert desk.world.open_causes() == ["bot_failing"]
    assert len(desk.fake.calls) == 2, "it is not asked all the time"
    desk.ticks(REFUSED_S + 10)
    assert desk.world.open_causes() == []
    assert (desk.texts(), desk.texts(GROUP)) == (["a=one"], ["b=one"])


def test_an_incident_of_the_token_ends_in_a_new_process_too(desk: Desk) -> None:
    desk.fake.fail_with = [Unauthorised("no", "")]
    desk.wants("a", "one")
    desk.ticks(1)
    desk.restart()
    desk.ticks(2)
    assert (desk.texts(), desk.world.open_causes()) == (["a=one"], [])


def test_quiet_hours_hold_all_that_is_not_urgent(desk: Desk) -> None:
    desk.wants("card", "one")
    desk.ticks(1)
    desk.sets(quiet="00:00-08:00")
    desk.wants("news", "x")
    desk.wants("alarm", "x", urgent=True)
    desk.wants("card", "two")
    desk.ticks(10)
    assert desk.texts() == ["card=two", "alarm=x"], "a message that changes makes no sound"
    desk.world.clock.advance(8 * 3600)
    desk.ticks(2)
    assert desk.texts() == ["card=two", "alarm=x", "news=x"]


def test_quiet_hours_that_end_early_let_go_within_a_minute(desk: Desk) -> None:
    desk.sets(quiet="00:00-08:00", muted_until=desk.now() + timedelta(hours=1))
    desk.wants("news", "x")
    desk.ticks(2)
    desk.sets(quiet="")
    desk.ticks(70, 5)
    assert desk.texts() == []
    desk.sets(muted_until=None)
    desk.ticks(70, 5)
    assert desk.texts() == ["news=x"]


def test_what_is_wanted_anew_while_it_is_sent_is_shown_anew(desk: Desk) -> None:
    def wish(call: str) -> None:
        if call == "send":
            desk.wants("a", "two")

    desk.fake.before = wish
    desk.wants("a", "one")
    desk.posting.tick()
    assert desk.texts() == ["a=one"]
    assert (desk.post("a").state, desk.post("a").message_id) == (PostState.WANTED, 101)
    desk.ticks(2)
    assert desk.texts() == ["a=two"]


def test_what_was_on_its_way_when_the_process_died_is_sent_again_and_says_so(desk: Desk) -> None:
    desk.wants("a", "one")
    desk.fake.lose = [RuntimeError("killed")]
    with pytest.raises(RuntimeError):
        desk.posting.tick()
    assert desk.post("a").state is PostState.SENDING
    desk.restart()
    desk.ticks(1)
    assert desk.texts() == ["a=one", "a=one (again)"]


def test_a_wish_during_the_first_send_of_a_process_that_died_is_marked_too(desk: Desk) -> None:
    post = desk.wants("a", "one")
    with desk.world.store.writing() as tx:
        tx.save_post(replace(post, state=PostState.SENDING))
        want(tx, replace(post, data={"text": "two"}))
    desk.restart()
    desk.ticks(1)
    assert desk.texts() == ["a=two (again)"]


def test_without_the_lease_nothing_is_sent(desk: Desk) -> None:
    desk.wants("a", "one")
    desk.world.store.release(desk.world.lease)
    assert desk.world.store.acquire(LEASE, "another")
    with pytest.raises(LeaseLost):
        desk.posting.tick()
    assert desk.texts() == []


def test_a_chat_that_was_forgotten_while_it_was_sent_to_is_no_failure(desk: Desk) -> None:
    def forget(_call: str) -> None:
        with desk.world.store.writing() as tx:
            tx.drop_chat(PRIVATE)

    desk.fake.before = forget
    desk.wants("a", "one")
    desk.ticks(1)
    with desk.world.store.reading() as view:
        assert view.posts() == []


def test_the_pace_of_a_chat_of_a_group_and_of_all(desk: Desk) -> None:
    clock, pace = FakeClock(), Pace()
    at = clock.now().at
    private = [Chat(number, ChatKind.PRIVATE, "anna", at) for number in range(40)]
    group = Chat(-1, ChatKind.GROUP, "anna", at)
    pace.count(private[0], clock.now())
    assert pace.wait_s(private[0], clock.now()) == 1
    assert pace.wait_s(private[1], clock.now()) == 0
    clock.advance(0.75)
    assert pace.wait_s(private[0], clock.now()) == 0.25
    for chat in private[1:30]:
        pace.count(chat, clock.now())
    assert pace.wait_s(private[35], clock.now()) == 0.25, "thirty in a second, over all chats"
    clock.advance(5)
    for _ in range(20):
        assert pace.wait_s(group, clock.now()) == 0
        pace.count(group, clock.now())
        clock.advance(2)
    assert pace.wait_s(group, clock.now()) == 20, "twenty in a minute"


def test_no_moved_group_is_moved_where_it_is_not_known(desk: Desk) -> None:
    desk.fake.fail_with = [Moved(-1022)]
    desk.wants("a", "one", GROUP)
    known = replace(desk.chat(GROUP), id=-1022, lang="ru")
    with desk.world.store.writing() as tx:
        tx.save_chat(known)
    desk.ticks(3)
    assert (desk.texts(-1022), desk.chat(-1022).lang) == (["a=one"], "ru")


def test_the_messenger_is_closed_with_the_loop(desk: Desk) -> None:
    desk.posting.close()
    desk.wants("a", "one")
    desk.ticks(1)
    desk.posting.close()
    assert desk.fake.closed == 1
    assert render(None, desk.chat(), desk.post("a")) is not None
