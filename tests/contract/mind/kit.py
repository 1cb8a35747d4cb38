"""A scripted model on loopback, and talks to put to it.

The server speaks OpenAI's Chat and Anthropic's Messages, whole answers only. Each call takes the next of `script`;
the last one stands for all that follow.
"""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from steward.adapters.mind import ModelMind, Price
from steward.domain.brief import Brief
from steward.domain.spec import Question, QuestionKind, Template, TemplateRef
from steward.domain.talks import Purpose, Said
from steward.ports.mind import Heard
from steward.testing.clock import FakeClock

KEY: Final = "sk-the-real-key-of-the-tests-0123456789"
WHEN: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WRITTEN: Final[Mapping[str, Any]] = {
    "title": "Bakery orders",
    "goal": "Customers order bread for the next day.",
    "users": "Customers and two bakers",
    "features": ["Order form: pick bread and a time", "List: what to bake tomorrow"],
    "out_of_scope": ["Delivery"],
    "open_questions": ["How is it paid for?"],
    "answers": [{"name": "title", "value": "Bakery orders"}, {"name": "accent", "value": "amber"}],
    "ask": ["How do customers pay?", "How late may one order?"],
}
TEMPLATE: Final = Template(
    ref=TemplateRef("starter"),
    title="A page",
    description="A page that says what a project does",
    questions=(
        Question("title", help="The name of the project, as visitors read it", required=True),
        Question("accent", help="The colour of links", default="indigo", choices=("indigo", "teal", "amber")),
        Question("visitors", QuestionKind.INTEGER, help="How many visitors a day"),
        Question("parts", help="Which parts", choices=("shop", "blog", "forum"), several=True),
        Question("token", help="The token of the mail service", secret=True),
        Question("slug", computed=True),
    ),
)


@dataclass(frozen=True)
class Answer:
    """One answer of the server. `hang`: it says nothing; `close`: it breaks off before its end."""

    body: Any = field(default_factory=lambda: chat(WRITTEN))
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: bool = False
    close: bool = False


class Server(http.server.ThreadingHTTPServer):
    """The server, what it is to answer, and what it was asked."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, script: Sequence[Answer]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script = list(script)
        self.paths: list[str] = []
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.closing = threading.Event()

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def next(self) -> Answer:
        """The answer to the call that came now."""
        return self.script[min(len(self.asked), len(self.script)) - 1]

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that gave up break off calls."""


class Handler(http.server.BaseHTTPRequestHandler):
    """One call."""

    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Answer with the next of the script."""
        server = self.server
        server.asked.append(json.loads(self.rfile.read(int(self.headers["content-length"] or 0)) or b"{}"))
        server.paths.append(self.path)
        server.keys.append(self.headers.get("x-api-key") or self.headers.get("authorization") or "")
        answer = server.next()
        if answer.hang:
            server.closing.wait(30)
            return
        text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
        sent = text.encode()
        self.send_response(answer.status)
        for name, value in {"content-type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(sent) + (10 if answer.close else 0)))
        self.end_headers()
        self.wfile.write(sent)
        if answer.close:
            self.close_connection = True

    def do_GET(self) -> None:
        """Whatever comes is written down and answered."""
        self.do_POST()


@contextmanager
def serving(*script: Answer) -> Iterator[Server]:
    """A server that runs."""
    with Server(script or (Answer(),)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()


def chat(
    written: Any = None,
    *,
    text: str | None = None,
    tool: str = "write_brief",
    finish: str = "tool_calls",
    refusal: str | None = None,
    tokens: tuple[int, int] = (1000, 50),
) -> dict[str, Any]:
    """An answer of OpenAI's Chat: a call with these arguments (a text stands as it is), or a text."""
    arguments = written if isinstance(written, str) else json.dumps(written)
    call = {"id": "call_1", "type": "function", "function": {"name": tool, "arguments": arguments}}
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": refusal}
    if written is not None:
        message["tool_calls"] = [call]
    return {
        "id": "chat-1",
        "object": "chat.completion",
        "created": 1772366400,
        "model": "gpt-4o-mini",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)},
    }


def message(written: Any, *, stop: str = "tool_use") -> dict[str, Any]:
    """An answer of Anthropic's Messages: a call with these arguments."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "content": [{"type": "tool_use", "id": "toolu_1", "name": "write_brief", "input": written}],
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": 1200, "output_tokens": 80},
    }


def mind(
    server: Server,
    *,
    name: str = "openai:gpt-4o-mini",
    key: str | None = KEY,
    timeout_s: float = 10.0,
    price: Price = lambda _model, _usage: None,
    mark: str = "0123456789abcdef",
) -> ModelMind:
    """A mind that asks that server."""
    path = "" if name.startswith("anthropic") else "/v1"
    return ModelMind(
        name,
        FakeClock(),
        key=lambda: key,
        base_url=f"{server.address}{path}",
        timeout_s=timeout_s,
        price=price,
        mark=lambda: mark,
    )


def said(text: str, *, number: int = 1, forwarded: bool = False, answers: str = "") -> Said:
    """A message of a talk."""
    return Said(1, f"tg:7:{number}", WHEN, text, forwarded=forwarded, answers=answers, id=number)


def heard(
    *messages: Said | str,
    brief: Brief | None = None,
    asked: Sequence[str] = (),
    purpose: Purpose = Purpose.NEW,
    lang: str = "en",
) -> Heard:
    """What a brief is to be made of."""
    told = [
        said(one, number=number) if isinstance(one, str) else one for number, one in enumerate(messages, 1)
    ]
    return Heard(purpose, brief or Brief(), told, asked, TEMPLATE, lang)


def text_of(request: dict[str, Any]) -> str:
    """What a person said and what stands around it, of a request."""
    return next(str(one["content"]) for one in request["messages"] if one["role"] == "user")
