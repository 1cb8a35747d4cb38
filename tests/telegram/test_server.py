"""The loopback Telegram keeps the rules that the Bot API documents: each of them, by a call that breaks it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.client import RemoteDisconnected
from urllib import request
from urllib.error import HTTPError, URLError

import pytest

from tests.telegram.markup import Json
from tests.telegram.people import MEDIA, Person
from tests.telegram.server import TelegramServer
from tests.telegram.state import Fault

HOUR_S = 3600.0


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = 1_790_000_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def telegram(clock: Hands) -> Iterator[TelegramServer]:
    with TelegramServer(clock, floods=False) as server:
        yield server


@pytest.fixture
def anna(telegram: TelegramServer) -> Person:
    return telegram.person("Anna", lang="ru", started=True)


def refused(telegram: TelegramServer, method: str, **params: object) -> str:
    status, answer = telegram.call(method, **params)
    assert not answer["ok"], answer
    assert status == answer["error_code"]
    return f"{status} {answer['description']}"


def sent(telegram: TelegramServer, chat_id: int, text: str = "Hello", **params: object) -> Json:
    status, answer = telegram.call("sendMessage", chat_id=chat_id, text=text, **params)
    assert status == 200, answer
    found: Json = answer["result"]
    return found


def keys(*rows: list[tuple[str, str]]) -> Json:
    return {"inline_keyboard": [[{"text": t, "callback_data": d} for t, d in row] for row in rows]}


def updates(telegram: TelegramServer, offset: int = 0) -> list[Json]:
    _status, answer = telegram.call("getUpdates", offset=offset, timeout=0)
    found: list[Json] = answer["result"]
    return found


def test_another_token_is_unauthorised(telegram: TelegramServer) -> None:
    for path, code in (("bot1:wrong/getMe", 401), ("botnothing/getMe", 404), ("getMe", 404)):
        with pytest.raises(HTTPError) as failed:
            request.urlopen(f"{telegram.url}/{path}", timeout=5)
        with failed.value:
            assert failed.value.code == code


def test_an_unknown_method_is_not_found(telegram: TelegramServer) -> None:
    assert refused(telegram, "sendEverything").startswith("404 Not Found")


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ("<b>open", 'Can\'t find end tag corresponding to start tag "b"'),
        ("a < b", 'Unsupported start tag ""'),
        ("<br>", 'Unsupported start tag "br"'),
        ("<b>x</i>", 'expected "</b>", found "</i>"'),
        ("x</b>", "Unexpected end tag"),
        ("<span>x</span>", 'Unsupported start tag "span"'),
    ],
)
def test_markup_that_is_none_is_refused(
    telegram: TelegramServer, anna: Person, html: str, reason: str
) -> None:
    told = refused(telegram, "sendMessage", chat_id=anna.id, text=html, parse_mode="HTML")
    assert told.startswith("400 Bad Request: can't parse entities: ")
    assert reason in told


def test_markup_becomes_entities_counted_in_utf16(telegram: TelegramServer, anna: Person) -> None:
    sent(
        telegram,
        anna.id,
        '🙂 <b>a &lt;<i>b</i></b> <a href="https://x.org/?a=1&amp;b=2">c</a>',
        parse_mode="HTML",
    )
    (shown,) = anna.sees()
    assert shown.text == "🙂 a <b c"
    assert [(e["type"], e["offset"], e["length"]) for e in shown.entities] == [
        ("bold", 3, 4),
        ("italic", 6, 1),
        ("text_link", 8, 1),
    ]
    assert shown.links == ["https://x.org/?a=1&b=2"]


def test_a_link_to_a_host_without_a_dot_is_no_link(telegram: TelegramServer, anna: Person) -> None:
    sent(telegram, anna.id, '<a href="http://localhost:8000/">c</a>', parse_mode="HTML")
    assert anna.sees()[0].links == []


def test_length_is_counted_after_the_markup(telegram: TelegramServer, anna: Person) -> None:
    sent(telegram, anna.id, "<b>" + "x" * 4096 + "</b>", parse_mode="HTML")
    assert "message is too long" in refused(telegram, "sendMessage", chat_id=anna.id, text="x" * 4097)
    assert "message is too long" in refused(telegram, "sendMessage", chat_id=anna.id, text="🙂" * 2049)
    for nothing in ("", "  ", "<b> </b>"):
        told = refused(telegram, "sendMessage", chat_id=anna.id, text=nothing, parse_mode="HTML")
        assert "message text is empty" in told


def test_a_button_carries_64_bytes(telegram: TelegramServer, anna: Person) -> None:
    sent(telegram, anna.id, reply_markup=keys([("Go", "x" * 64)]))
    for data in ("x" * 65, "ё" * 33, ""):
        told = refused(telegram, "sendMessage", chat_id=anna.id, text="x", reply_markup=keys([("Go", data)]))
        assert told == "400 Bad Request: BUTTON_DATA_INVALID"


def test_buttons_that_open_nothing_that_is_there_are_refused(telegram: TelegramServer, anna: Person) -> None:
    def told(button: Json) -> str:
        markup = {"inline_keyboard": [[button]]}
        return refused(telegram, "sendMessage", chat_id=anna.id, text="x", reply_markup=markup)

    assert "Wrong HTTP URL" in told({"text": "Open", "url": "http://localhost:8000/"})
    assert "Wrong HTTP URL" in told({"text": "Open", "url": "ftp://example.org/"})
    assert "Text buttons are unallowed" in told({"text": "Open"})
    assert "must be non-empty" in told({"text": "", "callback_data": "x"})
    wide = keys([(str(n), "x") for n in range(9)])
    many = keys(*[[("a", "x")] * 8] * 13)
    for markup in (wide, many):
        assert "TOO_LONG" in refused(telegram, "sendMessage", chat_id=anna.id, text="x", reply_markup=markup)


def test_whom_the_bot_may_write_to(telegram: TelegramServer, anna: Person) -> None:
    stranger = telegram.person("Boris")
    assert refused(telegram, "sendMessage", chat_id=1, text="x") == "400 Bad Request: chat not found"
    told = refused(telegram, "sendMessage", chat_id=stranger.id, text="x")
    assert told == "403 Forbidden: bot can't initiate conversation with a user"
    anna.blocks()
    told = refused(telegram, "sendMessage", chat_id=anna.id, text="x")
    assert told == "403 Forbidden: bot was blocked by the user"
    anna.starts()
    sent(telegram, anna.id)
    anna.deletes_account()
    assert "user is deactivated" in refused(telegram, "sendMessage", chat_id=anna.id, text="x")


def test_groups_topics_and_being_thrown_out(telegram: TelegramServer, anna: Person) -> None:
    group = telegram.group("Team", anna, forum=True)
    assert "bot is not a member" in refused(telegram, "sendMessage", chat_id=group.id, text="x")
    group.adds_bot(anna)
    topic = group.topic("Sites")
    message = sent(telegram, group.id, message_thread_id=topic)
    assert message["message_thread_id"] == topic
    told = refused(telegram, "sendMessage", chat_id=group.id, text="x", message_thread_id=topic + 77)
    assert told == "400 Bad Request: message thread not found"
    group.closes(topic)
    assert "TOPIC_CLOSED" in refused(
        telegram, "sendMessage", chat_id=group.id, text="x", message_thread_id=topic
    )
    group.muzzles()
    assert "not enough rights" in refused(telegram, "sendMessage", chat_id=group.id, text="x")
    group.removes_bot(anna)
    told = refused(telegram, "sendMessage", chat_id=group.id, text="x")
    assert told == "403 Forbidden: bot was kicked from the supergroup chat"
    statuses = [
        u["my_chat_member"]["new_chat_member"]["status"] for u in updates(telegram) if "my_chat_member" in u
    ]
    assert statuses == ["member", "kicked"]


def test_a_group_that_became_a_supergroup_says_its_new_id(telegram: TelegramServer, anna: Person) -> None:
    group = telegram.group("Team", anna, kind="group")
    group.adds_bot(anna)
    old, new = group.id, group.becomes_supergroup()
    status, answer = telegram.call("sendMessage", chat_id=old, text="x")
    assert (status, answer["parameters"]) == (400, {"migrate_to_chat_id": new})
    sent(telegram, new)
    moves = [u["message"] for u in updates(telegram) if "message" in u]
    assert [m.get("migrate_to_chat_id") for m in moves if "migrate_to_chat_id" in m] == [new]


def test_in_groups_the_bot_hears_only_what_is_meant_for_it(telegram: TelegramServer, anna: Person) -> None:
    group = telegram.group("Team", anna)
    group.adds_bot(anna)
    mine = sent(telegram, group.id)["message_id"]
    for text in ("lunch?", "/status@OtherBot", "/status", f"@{telegram.username} build"):
        anna.writes(text, in_group=group)
    anna.writes("yes", in_group=group, reply_to=mine)
    heard = [u["message"].get("text") for u in updates(telegram) if "text" in u.get("message", {})]
    assert heard == ["/status", f"@{telegram.username} build", "yes"]
    telegram.state.privacy = False
    anna.writes("lunch?", in_group=group)
    assert updates(telegram)[-1]["message"]["text"] == "lunch?"


def test_editing(telegram: TelegramServer, anna: Person) -> None:
    own = sent(telegram, anna.id, "<b>one</b>", parse_mode="HTML", reply_markup=keys([("Go", "x")]))[
        "message_id"
    ]
    theirs = anna.writes("hello").message_id
    same = {"chat_id": anna.id, "message_id": own, "text": "<b>one</b>", "parse_mode": "HTML"}
    told = refused(telegram, "editMessageText", **same, reply_markup=keys([("Go", "x")]))
    assert told.startswith("400 Bad Request: message is not modified: ")
    assert telegram.call("editMessageText", **same)[0] == 200
    assert anna.sees()[0].buttons == []
    assert "can't be edited" in refused(
        telegram, "editMessageText", chat_id=anna.id, message_id=theirs, text="x"
    )
    assert "to edit not found" in refused(
        telegram, "editMessageText", chat_id=anna.id, message_id=99, text="x"
    )
    anna.deletes(own)
    assert "to edit not found" in refused(
        telegram, "editMessageText", chat_id=anna.id, message_id=own, text="x"
    )


def test_deleting(telegram: TelegramServer, anna: Person, clock: Hands) -> None:
    own, old = sent(telegram, anna.id)["message_id"], sent(telegram, anna.id)["message_id"]
    theirs = anna.writes("my secret").message_id
    for number in (own, theirs):
        assert telegram.call("deleteMessage", chat_id=anna.id, message_id=number)[0] == 200
        told = refused(telegram, "deleteMessage", chat_id=anna.id, message_id=number)
        assert told == "400 Bad Request: message to delete not found"
    clock.at += 48 * HOUR_S + 1
    told = refused(telegram, "deleteMessage", chat_id=anna.id, message_id=old)
    assert told == "400 Bad Request: message can't be deleted for everyone"
    group = telegram.group("Team", anna)
    group.adds_bot(anna)
    secret = anna.writes("/secret", in_group=group).message_id
    assert "can't be deleted" in refused(telegram, "deleteMessage", chat_id=group.id, message_id=secret)
    group.adds_bot(anna, "administrator")
    assert telegram.call("deleteMessage", chat_id=group.id, message_id=secret)[0] == 200


def test_a_press_is_answered_once_and_soon(telegram: TelegramServer, anna: Person, clock: Hands) -> None:
    sent(telegram, anna.id, reply_markup=keys([("Go", "p:go:1:2")]))
    first, second, third = anna.presses("Go"), anna.presses("p:go:1:2"), anna.presses("Go")
    assert [u["callback_query"]["data"] for u in updates(telegram)] == ["p:go:1:2"] * 3
    assert telegram.call("answerCallbackQuery", callback_query_id=first, text="Done")[0] == 200
    assert [notice.text for notice in anna.notices()] == ["Done"]
    assert "too old" in refused(telegram, "answerCallbackQuery", callback_query_id=first)
    assert "TOO_LONG" in refused(telegram, "answerCallbackQuery", callback_query_id=second, text="x" * 201)
    clock.at += HOUR_S
    assert "too old" in refused(telegram, "answerCallbackQuery", callback_query_id=third)


def test_a_press_of_a_button_that_is_not_there_fails_the_test(telegram: TelegramServer, anna: Person) -> None:
    number = sent(telegram, anna.id, reply_markup=keys([("Go", "x")]))["message_id"]
    with pytest.raises(AssertionError, match="Go"):
        anna.presses("Stop")
    anna.deletes(number)
    anna.presses("x", number, stale=True)
    (update,) = updates(telegram)
    assert update["callback_query"]["message"]["date"] == 0, "a message that is gone comes without its text"


def test_replies(telegram: TelegramServer, anna: Person) -> None:
    asked = anna.writes("hello").message_id
    answer = sent(telegram, anna.id, reply_parameters={"message_id": asked})
    assert answer["reply_to_message"]["text"] == "hello"
    gone = {"message_id": 999}
    told = refused(telegram, "sendMessage", chat_id=anna.id, text="x", reply_parameters=gone)
    assert told == "400 Bad Request: message to be replied not found"
    sent(telegram, anna.id, reply_parameters=gone | {"allow_sending_without_reply": True})


def test_updates_wait_until_an_offset_confirms_them(telegram: TelegramServer, anna: Person) -> None:
    first, second = anna.writes("one"), anna.writes("two")
    assert [u["message"]["text"] for u in updates(telegram)] == ["one", "two"]
    head, tail = updates(telegram)
    assert [u["message"]["message_id"] for u in (head, tail)] == [first.message_id, second.message_id]
    assert updates(telegram, head["update_id"] + 1) == [tail]
    anna.edits(second, "three")
    assert updates(telegram)[-1]["edited_message"]["text"] == "three"
    assert telegram.repeat(tail)["message"] == tail["message"]
    assert len(updates(telegram, -1)) == 1


def test_a_poll_waits_for_the_next_update(telegram: TelegramServer, anna: Person) -> None:
    found: list[Json] = []
    poll = threading.Thread(target=lambda: found.append(telegram.call("getUpdates", timeout=20)[1]))
    poll.start()
    telegram.wait(lambda: telegram.state.poll_number == 1)
    anna.writes("hello")
    poll.join(10)
    assert found[0]["result"][0]["message"]["text"] == "hello"


def test_a_second_poller_ends_the_first(telegram: TelegramServer) -> None:
    found: list[tuple[int, Json]] = []
    poll = threading.Thread(target=lambda: found.append(telegram.call("getUpdates", timeout=20)))
    poll.start()
    telegram.wait(lambda: telegram.state.poll_number == 1)
    telegram.call("getUpdates", timeout=0)
    poll.join(10)
    assert (found[0][0], found[0][1]["description"][:42]) == (
        409,
        "Conflict: terminated by other getUpdates r",
    )


def test_kinds_of_updates_that_were_not_asked_for_do_not_come(telegram: TelegramServer, anna: Person) -> None:
    telegram.call("getUpdates", timeout=0, allowed_updates=["callback_query"])
    anna.writes("hello")
    assert updates(telegram) == []


def test_a_webhook_is_given_each_update_until_it_takes_it(telegram: TelegramServer, anna: Person) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/hooks/telegram"
        assert "HTTPS" in refused(telegram, "setWebhook", url="http://example.org/")
        assert "secret" in refused(telegram, "setWebhook", url=url, secret_token="not so!")
        assert telegram.call("setWebhook", url=url, secret_token="s3cret")[0] == 200
        assert refused(telegram, "getUpdates", timeout=0).startswith("409 Conflict: can't use getUpdates")
        anna.writes("hello")
        heard = [_served(listening, "500 Down"), _served(listening, "200 OK")]
        telegram.drained()
        info = telegram.call("getWebhookInfo")[1]["result"]
    assert heard[0] == heard[1]
    assert "x-telegram-bot-api-secret-token: s3cret" in heard[0].lower()
    assert '"text": "hello"' in heard[0]
    assert (info["pending_update_count"], info["last_error_message"]) == (
        0,
        "Wrong response from the webhook: 500 Down",
    )
    telegram.call("deleteWebhook")
    anna.writes("again")
    assert [u["message"]["text"] for u in updates(telegram)] == ["again"]


def _served(listening: socket.socket, status: str) -> str:
    asked, _address = listening.accept()
    with asked:
        raw = b""
        while b"\r\n\r\n" not in raw or not raw.endswith(b"}"):
            raw += asked.recv(65536)
        asked.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
    return raw.decode()


def test_too_many_messages_are_refused_until_one_has_waited(
    telegram: TelegramServer, anna: Person, clock: Hands
) -> None:
    telegram.state.floods = True
    for _ in range(3):
        sent(telegram, anna.id)
    status, answer = telegram.call("sendMessage", chat_id=anna.id, text="x")
    assert (status, answer["parameters"]) == (429, {"retry_after": 3})
    assert answer["description"] == "Too Many Requests: retry after 3"
    clock.at += 3.1
    sent(telegram, anna.id)
    group = telegram.group("Team", anna)
    group.adds_bot(anna)
    for _ in range(20):
        clock.at += 1
        sent(telegram, group.id)
    assert refused(telegram, "sendMessage", chat_id=group.id, text="x").startswith("429")
    clock.at += 41
    sent(telegram, group.id)


def test_thirty_messages_in_a_second_are_the_limit_of_all_chats_together(telegram: TelegramServer) -> None:
    telegram.state.floods = True
    people = [telegram.person(f"P{number}", started=True) for number in range(31)]
    for person in people[:30]:
        sent(telegram, person.id)
    assert refused(telegram, "sendMessage", chat_id=people[30].id, text="x").startswith("429")


@pytest.mark.parametrize(("kind", "shown"), [("break", 0), ("break_after", 1)])
def test_a_connection_breaks_before_or_after_the_effect(
    telegram: TelegramServer, anna: Person, kind: str, shown: int
) -> None:
    telegram.faults.append(Fault(kind, "sendMessage"))
    with pytest.raises((URLError, RemoteDisconnected, ConnectionError)):
        telegram.call("sendMessage", chat_id=anna.id, text="x")
    assert len(anna.sees()) == shown
    sent(telegram, anna.id)
    assert [call.status for call in telegram.calls] == [0, 200]


def test_faults_answer_as_they_say_as_often_as_they_say(telegram: TelegramServer, anna: Person) -> None:
    planned = [
        Fault("429", "sendMessage", times=2, retry_after=7, chat_id=anna.id),
        Fault("500", "sendMessage"),
        Fault("403", "sendMessage"),
        Fault("400", "sendMessage", text="no luck"),
    ]
    telegram.faults.extend(planned)
    told = [refused(telegram, "sendMessage", chat_id=anna.id, text="x") for _ in range(5)]
    assert told == [
        "429 Too Many Requests: retry after 7",
        "429 Too Many Requests: retry after 7",
        "500 Internal Server Error",
        "403 Forbidden: bot was blocked by the user",
        "400 Bad Request: no luck",
    ]
    sent(telegram, anna.id)
    assert not telegram.faults


def test_people_send_what_is_no_text(telegram: TelegramServer, anna: Person) -> None:
    for kind in MEDIA:
        anna.sends(kind)
    anna.writes("from Boris", forwarded_from="Boris")
    found = [update["message"] for update in updates(telegram)]
    assert all(kind in message for kind, message in zip(MEDIA, found, strict=False))
    assert found[-1]["forward_origin"]["sender_user_name"] == "Boris"
    assert "file is too big" in refused(telegram, "getFile", file_id="x")


def test_commands_of_the_menu(telegram: TelegramServer) -> None:
    wrong = [{"command": "New", "description": "x"}]
    assert "BOT_COMMAND_INVALID" in refused(telegram, "setMyCommands", commands=wrong)
    assert "DESCRIPTION" in refused(
        telegram, "setMyCommands", commands=[{"command": "new", "description": ""}]
    )
    telegram.call("setMyCommands", commands=[{"command": "new", "description": "New"}], language_code="ru")
    assert telegram.state.commands["ru"][0]["command"] == "new"


def test_bodies_come_as_json_as_a_form_and_as_parts(telegram: TelegramServer, anna: Person) -> None:
    parts = "".join(
        f'--xyz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in (("chat_id", anna.id), ("text", "Привет"))
    )
    bodies = {
        "application/x-www-form-urlencoded": f"chat_id={anna.id}&text=Hi+%26+bye",
        "multipart/form-data; boundary=xyz": f"{parts}--xyz--\r\n",
    }
    for kind, body in bodies.items():
        asked = request.Request(
            f"{telegram.url}/bot{telegram.token}/sendMessage", body.encode(), {"Content-Type": kind}
        )
        with request.urlopen(asked, timeout=5) as answer:
            assert answer.status == 200
    assert [shown.text for shown in anna.sees()] == ["Hi & bye", "Привет"]


def test_an_answer_may_be_slow_or_never_come_though_the_effect_is_there(
    telegram: TelegramServer, anna: Person
) -> None:
    telegram.faults.append(Fault("slow", "sendMessage", seconds=0.1))
    sent(telegram, anna.id)
    telegram.faults.append(Fault("hang_after", "sendMessage"))
    asked = request.Request(
        f"{telegram.url}/bot{telegram.token}/sendMessage?chat_id={anna.id}&text=x", method="POST"
    )
    with pytest.raises((TimeoutError, URLError)):
        request.urlopen(asked, timeout=0.3)
    assert len(anna.sees()) == 2


def test_another_program_with_the_same_token_is_a_conflict(telegram: TelegramServer) -> None:
    telegram.state.rival = True
    assert refused(telegram, "getUpdates", timeout=5).startswith("409 Conflict: terminated by other")
    telegram.state.rival = False
    assert updates(telegram) == []
