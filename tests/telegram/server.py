"""The server: HTTP on loopback, updates fetched or delivered, faults on order, what people see.

with TelegramServer() as server:
    anna = server.person("Anna", lang="ru")
    anna.starts()
    ... a bot at server.url with server.token ...
    anna.waits_for("Привет").labels
"""

from __future__ import annotations

import email.parser
import email.policy
import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self, TypeVar
from urllib import request
from urllib.error import HTTPError
from urllib.parse import parse_qsl

from tests.telegram.markup import BadRequest, Json
from tests.telegram.methods import METHODS
from tests.telegram.people import Group, Person
from tests.telegram.state import BOT, TOKEN, Call, Fault, Message, Room, State, User

T = TypeVar("T")
HANG_S: Final = 60.0
BROKEN: Final = ("break", "break_after", "hang", "hang_after")
RETRY_S: Final = 0.05
"""Between two deliveries of an update that was not taken."""


class TelegramServer:
    """A Bot API server at `url` for the bot with `token`.

    `now` gives seconds since 1970, for all that Telegram counts in time but the waiting of getUpdates. `floods`: too
    many messages are refused. State that tests may set: `state.privacy`, `state.rival` (another poller runs),
    `state.floods`.
    """

    def __init__(
        self, now: Callable[[], float] = time.time, *, floods: bool = True, token: str = TOKEN
    ) -> None:
        self.state = State(now, floods=floods, token=token)
        self._http = _Server(self.state)
        self._threads = [
            threading.Thread(
                target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, name="telegram"
            ),
            threading.Thread(target=self._deliver, name="telegram-webhook"),
        ]
        self._ids = 0

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self.state.lock:
            self.state.closed = True
            self.state.lock.notify_all()
        self._http.shutdown()
        self._http.hang_up()
        self._http.server_close()
        for thread in self._threads:
            thread.join()

    @property
    def url(self) -> str:
        """Where it listens: the base of the addresses of the Bot API."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def token(self) -> str:
        """The bot's token."""
        return self.state.token

    @property
    def username(self) -> str:
        """The bot's name, without the @."""
        return BOT

    @property
    def calls(self) -> list[Call]:
        """Every call but getUpdates that brought nothing, oldest first."""
        return self.state.calls

    @property
    def faults(self) -> list[Fault]:
        """What goes wrong next; append to it."""
        return self.state.faults

    def person(self, name: str, lang: str = "en", *, started: bool = False, username: str = "") -> Person:
        """Somebody new. `started`: they have written to the bot before."""
        with self.state.lock:
            self._ids += 1
            user = User(700_000_000 + self._ids, name, username, lang)
            self.state.users[user.id] = user
            self.state.rooms[user.id] = Room(user.id, "private", members={user.id}, started=started)
            return Person(self, user)

    def group(self, title: str, *members: Person, kind: str = "supergroup", forum: bool = False) -> Group:
        """A new group, which the bot is not in yet."""
        with self.state.lock:
            self._ids += 1
            number = -1_001_500_000_000 - self._ids if kind == "supergroup" else -500_000 - self._ids
            room = Room(number, kind, title, {member.id for member in members}, is_forum=forum)
            self.state.rooms[number] = room
            return Group(self, room)

    def shown(self, chat: int | Group) -> list[Message]:
        """What the bot shows in a chat now, as people see it, oldest first."""
        with self.state.lock:
            room = self.state.rooms[chat if isinstance(chat, int) else chat.id]
            messages = [room.messages[number] for number in sorted(room.messages)]
            return [replace(m) for m in messages if not m.deleted and m.author == self.state.bot_id]

    def messages(self, chat: int | Group) -> list[Message]:
        """All messages of a chat, by anybody, deleted ones too."""
        with self.state.lock:
            room = self.state.rooms[chat if isinstance(chat, int) else chat.id]
            return [replace(room.messages[number]) for number in sorted(room.messages)]

    def repeat(self, update: Json | None = None) -> Json:
        """Have an update (None: the newest) arrive again, under another update id; the new one."""
        with self.state.lock:
            kind, value = next(
                (k, v) for k, v in (update or self.state.all_updates[-1]).items() if k != "update_id"
            )
            again = self.state.put(kind, value)
            assert again is not None
            return again

    def drained(self, timeout: float = 10) -> None:
        """Wait until the bot has taken all updates (their handling may still go on)."""
        self.wait(lambda: not self.state.updates, timeout, what="all updates taken")

    def wait(self, found: Callable[[], T], timeout: float = 10, what: str = "") -> T:
        """The first true answer of `found`. Raises AssertionError after `timeout` seconds, with the last calls."""
        until = time.monotonic() + timeout
        while not (value := found()):
            left = until - time.monotonic()
            if left <= 0:
                last = [(c.method, c.params, c.status) for c in self.calls[-5:]]
                raise AssertionError(f"waited {timeout:g} s in vain for {what or found}; last calls: {last}")
            with self.state.lock:
                self.state.lock.wait(min(left, 0.05))
        return value

    def call(self, method: str, **params: Any) -> tuple[int, Json]:
        """Call the API as a bot would, with JSON; the HTTP status and what was answered."""
        asked = request.Request(
            f"{self.url}/bot{self.token}/{method}",
            json.dumps(params).encode(),
            {"Content-Type": "application/json", "Connection": "close"},
        )
        try:
            with request.urlopen(asked, timeout=30) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            with error:
                return error.code, json.load(error)

    def _deliver(self) -> None:
        """Deliver updates to the webhook, one after the other, until each is taken."""
        state = self.state
        while self._is_open():
            with state.lock:
                state.lock.wait_for(lambda: state.closed or bool(state.webhook.url and state.updates), 0.2)
                if not (self._is_open() and state.webhook.url and state.updates):
                    continue
                hook, update = state.webhook, state.updates[0]
            error = self._post(hook.url, hook.secret, update)
            with state.lock:
                if not error and state.updates and state.updates[0] is update:
                    state.updates.popleft()
                    state.lock.notify_all()
                elif error:
                    hook.error, hook.error_at = error, state.now()
                    state.lock.wait(RETRY_S)

    def _is_open(self) -> bool:
        return not self.state.closed

    def _post(self, url: str, secret: str, update: Json) -> str:
        headers = {"Content-Type": "application/json", "Connection": "close"}
        headers |= {"X-Telegram-Bot-Api-Secret-Token": secret} if secret else {}
        asked = request.Request(url, json.dumps(update).encode(), headers)
        try:
            with request.urlopen(asked, timeout=10) as answer:
                answer.read()
        except HTTPError as error:
            with error:
                return f"Wrong response from the webhook: {error.code} {error.reason}"
        except (OSError, HTTPException) as error:
            return f"Connection failed: {type(error).__name__}"
        return ""


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self, state: State) -> None:
        self.state = state
        self.open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def hang_up(self) -> None:
        """End every connection, so that their threads end."""
        for each in list(self.open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.open.add(self.connection)

    def finish(self) -> None:
        self.server.open.discard(self.connection)
        with suppress(OSError):
            super().finish()

    def handle(self) -> None:
        with suppress(OSError):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name it has
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        given = self._params()
        head, _, method = self.path.partition("?")[0].strip("/").partition("/")
        state = self.server.state
        if not head.startswith("bot") or ":" not in head:
            self._reply(404, _error(404, "Not Found"))
        elif head != f"bot{state.token}":
            self._reply(401, _error(401, "Unauthorized"))
        else:
            self._call(method, given)

    def _call(self, method: str, given: Json) -> None:
        state = self.server.state
        with state.lock:
            fault = state.fault(method, given.get("chat_id"))
        if fault is not None and fault.kind not in ("break_after", "hang_after", "slow"):
            self._note(method, given, 0 if fault.kind in BROKEN else _status(fault), {})
            self._fail(fault)
            return
        with state.lock:
            status, answer = _done(state, method, given)
        if method != "getUpdates" or status != 200 or answer["result"]:
            self._note(method, given, 0 if fault and fault.kind in BROKEN else status, answer)
        if fault is not None and fault.kind != "slow":
            self._fail(fault)
            return
        if fault is not None:
            self._pause(fault.seconds)
        self._reply(status, answer)

    def _note(self, method: str, given: Json, status: int, answer: Json) -> None:
        state = self.server.state
        with state.lock:
            state.calls.append(Call(method, given, status, answer, state.now()))
            state.lock.notify_all()

    def _fail(self, fault: Fault) -> None:
        if fault.kind in ("hang", "hang_after"):
            self._pause(HANG_S)
        if fault.kind in BROKEN:
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        if fault.kind == "502":
            self._write(502, b"<html><body>502 Bad Gateway</body></html>", "text/html")
            return
        told = _error(int(fault.kind), _described(fault))
        if fault.kind == "429":
            told["parameters"] = {"retry_after": fault.retry_after}
        self._reply(int(fault.kind), told)

    def _pause(self, seconds: float) -> None:
        state = self.server.state
        with state.lock:
            state.lock.wait_for(lambda: state.closed, seconds)

    def _params(self) -> Json:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            raw = self._chunks()
        given: Json = dict(parse_qsl(self.path.partition("?")[2], keep_blank_values=True))
        kind = self.headers.get("Content-Type", "")
        if kind.startswith("application/json"):
            sent: Json = json.loads(raw or b"{}")
            return given | sent
        if kind.startswith("multipart/form-data"):
            return given | _parts(kind, raw)
        return given | dict(parse_qsl(raw.decode(), keep_blank_values=True))

    def _chunks(self) -> bytes:
        raw = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            raw += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return raw

    def _reply(self, status: int, answer: Json) -> None:
        self._write(status, json.dumps(answer).encode(), "application/json")

    def _write(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _done(state: State, method: str, given: Json) -> tuple[int, Json]:
    called = METHODS.get(method.lower())
    if called is None:
        return 404, _error(404, "Not Found: method not found")
    try:
        return 200, {"ok": True, "result": called(state, given)}
    except BadRequest as refused:
        told = _error(refused.code, refused.description)
        return refused.code, told | ({"parameters": refused.parameters} if refused.parameters else {})


def _status(fault: Fault) -> int:
    return int(fault.kind)


def _described(fault: Fault) -> str:
    names = {
        "400": f"Bad Request: {fault.text}",
        "401": "Unauthorized",
        "403": "Forbidden: bot was blocked by the user",
        "409": "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
        "429": f"Too Many Requests: retry after {fault.retry_after}",
        "500": "Internal Server Error",
    }
    return names.get(fault.kind, fault.text)


def _error(code: int, description: str) -> Json:
    return {"ok": False, "error_code": code, "description": description}


def _parts(kind: str, raw: bytes) -> Json:
    parser = email.parser.BytesParser(policy=email.policy.HTTP)
    whole = parser.parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + raw)
    found: Json = {}
    for part in whole.iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        found[str(name)] = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    return found
