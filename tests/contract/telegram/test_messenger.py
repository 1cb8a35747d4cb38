"""One contract of a messenger, kept by the fake and by the real one; and what only the real one can show."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from steward.adapters.telegram import TelegramMessenger
from steward.domain.chats import Button, Rendered
from steward.ports import Permanent, Transient, Unauthorised, Unreachable
from steward.ports.chats import Blocked, Flooded, Gone, Messenger, Moved, Place, Refused
from steward.testing.clock import FakeClock
from steward.testing.messenger import FakeMessenger
from tests.telegram.people import Group, Person
from tests.telegram.server import TelegramServer
from tests.telegram.state import Fault

ROWS = ((Button("Go", "p:approve:1:2"), Button("Open", url="https://steward.example/p")),)
HELLO = Rendered("<b>Hello</b> &amp; more", ROWS)


@dataclass
class Bench:
    """A messenger with a private chat, a group with a topic, and what happens to them."""

    messenger: Messenger
    chat: int
    group: int
    topic: int
    seen: Callable[[int], list[tuple[int, list[str]]]]
    block: Callable[[], None]
    vanish: Callable[[int], None]
    lose: Callable[[], None]
    move: Callable[[], int]


def fake_bench() -> Bench:
    fake = FakeMessenger(chats={1: set(), -5: {9}})

    def vanish(message: int) -> None:
        del fake.messages[message]

    def move() -> int:
        fake.moved[-5] = -1005
        return -1005

    return Bench(
        fake,
        1,
        -5,
        9,
        lambda chat: [
            (m.message_id, [b.text for row in m.says.buttons for b in row]) for m in fake.seen(chat)
        ],
        lambda: fake.blocked.add(1),
        vanish,
        lambda: fake.lose.append(Unreachable("broken off")),
        move,
    )


@pytest.fixture
def server() -> Iterator[TelegramServer]:
    with TelegramServer(floods=False) as server:
        yield server


@pytest.fixture
def anna(server: TelegramServer) -> Person:
    return server.person("Anna", started=True)


@pytest.fixture
def real(server: TelegramServer) -> Iterator[TelegramMessenger]:
    messenger = TelegramMessenger(server.token, server.url, FakeClock(), timeout_s=5)
    yield messenger
    messenger.close()


def real_bench(server: TelegramServer, anna: Person, real: TelegramMessenger) -> Bench:
    group: Group = server.group("Team", anna, kind="supergroup", forum=True)
    small: Group = server.group("Small", anna, kind="group")
    for each in (group, small):
        each.adds_bot(anna)
    bench = Bench(
        real,
        anna.id,
        group.id,
        group.topic("Sites"),
        lambda chat: [(m.message_id, [t for row in m.labels for t in row]) for m in server.shown(chat)],
        anna.blocks,
        anna.deletes,
        lambda: server.faults.append(Fault("break_after")),
        lambda: 0,
    )

    def move() -> int:
        bench.group = small.id
        return small.becomes_supergroup()

    bench.move = move
    return bench


@pytest.fixture(params=["fake", "telegram"])
def bench(request: pytest.FixtureRequest) -> Bench:
    if request.param == "fake":
        return fake_bench()
    names = ("server", "anna", "real")
    return real_bench(*(request.getfixturevalue(name) for name in names))


def test_a_message_is_sent_changed_and_deleted(bench: Bench) -> None:
    number = bench.messenger.send(Place(bench.chat), HELLO)
    assert bench.seen(bench.chat) == [(number, ["Go", "Open"])]
    bench.messenger.edit(bench.chat, number, Rendered("Done"))
    assert bench.seen(bench.chat) == [(number, [])]
    bench.messenger.delete(bench.chat, number)
    assert bench.seen(bench.chat) == []


def test_what_it_says_already_is_no_error_to_say(bench: Bench) -> None:
    number = bench.messenger.send(Place(bench.chat), HELLO)
    bench.messenger.edit(bench.chat, number, HELLO)
    assert bench.seen(bench.chat) == [(number, ["Go", "Open"])]


def test_a_message_that_is_gone_cannot_be_changed_and_need_not_be_deleted(bench: Bench) -> None:
    number = bench.messenger.send(Place(bench.chat), HELLO)
    bench.vanish(number)
    with pytest.raises(Gone):
        bench.messenger.edit(bench.chat, number, Rendered("Done"))
    bench.messenger.delete(bench.chat, number)


def test_a_topic_is_written_to_and_one_that_is_not_there_is_refused(bench: Bench) -> None:
    bench.messenger.send(Place(bench.group, bench.topic), HELLO)
    with pytest.raises(Refused, match="thread"):
        bench.messenger.send(Place(bench.group, bench.topic + 999), HELLO)


def test_nothing_to_say_and_nowhere_to_say_it_are_refused(bench: Bench) -> None:
    with pytest.raises(Refused, match="empty"):
        bench.messenger.send(Place(bench.chat), Rendered(" "))
    with pytest.raises(Refused, match="chat not found"):
        bench.messenger.send(Place(12345), HELLO)


def test_who_stopped_the_bot_is_told_apart(bench: Bench) -> None:
    bench.block()
    with pytest.raises(Blocked):
        bench.messenger.send(Place(bench.chat), HELLO)


def test_an_answer_that_is_lost_is_unreachable_though_it_is_there(bench: Bench) -> None:
    bench.lose()
    with pytest.raises(Unreachable):
        bench.messenger.send(Place(bench.chat), HELLO)
    assert len(bench.seen(bench.chat)) == 1


def test_a_group_with_a_new_id_says_which(bench: Bench) -> None:
    now = bench.move()
    with pytest.raises(Moved) as moved:
        bench.messenger.send(Place(bench.group), HELLO)
    assert moved.value.now == now


def test_the_bot_knows_its_name(bench: Bench) -> None:
    assert bench.messenger.me() == bench.messenger.me() == "StewardTestBot"


# What only the real one can show ------------------------------------------------------------------------


def test_its_name_is_asked_once(server: TelegramServer, real: TelegramMessenger) -> None:
    real.me()
    real.me()
    assert [call.method for call in server.calls] == ["getMe"]


def test_markup_previews_and_sounds_are_as_they_should_be(
    server: TelegramServer, anna: Person, real: TelegramMessenger
) -> None:
    real.send(Place(anna.id), Rendered("<b>Hello</b> https://x.org", silent=True))
    (shown,) = anna.sees()
    assert (shown.text, shown.silent) == ("Hello https://x.org", True)
    assert '"is_disabled":true' in server.calls[-1].params["link_preview_options"].replace(" ", "")


def test_an_answer_to_a_message_that_is_gone_is_sent_all_the_same(
    anna: Person, real: TelegramMessenger
) -> None:
    asked = anna.writes("hello")
    real.send(Place(anna.id, reply_to=asked.message_id), HELLO)
    anna.deletes(asked)
    real.send(Place(anna.id, reply_to=asked.message_id), HELLO)
    assert [m.reply_to for m in anna.sees()] == [asked.message_id, None]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("429", retry_after=17), Flooded),
        (Fault("500"), Unreachable),
        (Fault("502"), Unreachable),
        (Fault("break"), Unreachable),
        (Fault("403"), Blocked),
        (Fault("401"), Unauthorised),
        (Fault("409"), Transient),
        (Fault("400", text="message is too long"), Refused),
        (Fault("400", text="not enough rights to send text messages to the chat"), Blocked),
        (Fault("400", text="message can't be edited"), Gone),
    ],
)
def test_every_failure_has_its_name_and_leaves_the_messenger_well(
    server: TelegramServer, anna: Person, real: TelegramMessenger, fault: Fault, error: type[Exception]
) -> None:
    server.faults.append(fault)
    with pytest.raises(error) as failed:
        real.send(Place(anna.id), HELLO)
    assert type(failed.value) is error
    if isinstance(failed.value, Flooded):
        assert failed.value.retry_at == FakeClock().now().at + timedelta(seconds=17)
    real.send(Place(anna.id), HELLO)
    assert len(anna.sees()) == 1


def test_no_answer_in_time_is_unreachable(server: TelegramServer, anna: Person) -> None:
    quick = TelegramMessenger(server.token, server.url, FakeClock(), timeout_s=0.3)
    server.faults.append(Fault("hang"))
    try:
        with pytest.raises(Unreachable):
            quick.send(Place(anna.id), HELLO)
    finally:
        quick.close()


def test_where_nobody_listens_nothing_was_sent(server: TelegramServer) -> None:
    alone = TelegramMessenger(server.token, "http://127.0.0.1:9", FakeClock(), timeout_s=2)
    try:
        with pytest.raises(Transient) as failed:
            alone.send(Place(1), HELLO)
        assert not isinstance(failed.value, Unreachable), (
            "a message that never left is repeated without a word"
        )
    finally:
        alone.close()


@pytest.mark.parametrize("fault", [None, "break", "502", "401", "500"])
def test_the_token_is_in_no_error(
    server: TelegramServer, anna: Person, real: TelegramMessenger, fault: str | None
) -> None:
    alone = TelegramMessenger(server.token, "http://127.0.0.1:9", FakeClock(), timeout_s=2)
    if fault:
        server.faults.append(Fault(fault))
    try:
        with pytest.raises((Transient, Permanent)) as failed:
            (real if fault else alone).send(Place(anna.id), HELLO)
    finally:
        alone.close()
    told = "".join(traceback.format_exception(failed.value)) + repr(failed.value)
    assert server.token not in told
    assert server.token.partition(":")[2] not in told


def test_it_opens_again_after_it_was_closed(anna: Person, real: TelegramMessenger) -> None:
    real.send(Place(anna.id), HELLO)
    real.close()
    real.close()
    real.send(Place(anna.id), HELLO)
    assert len(anna.sees()) == 2


def test_whoever_waits_for_an_answer_is_let_go_when_it_is_closed(
    server: TelegramServer, anna: Person, real: TelegramMessenger
) -> None:
    server.faults.append(Fault("hang"))
    died: list[BaseException] = []

    def send() -> None:
        try:
            real.send(Place(anna.id), HELLO)
        except Unreachable as error:
            died.append(error)

    waiting = threading.Thread(target=send)
    waiting.start()
    server.wait(lambda: server.calls)
    real.close()
    waiting.join(10)
    assert len(died) == 1
