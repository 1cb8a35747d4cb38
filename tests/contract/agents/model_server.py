"""A scripted model on loopback. It speaks Anthropic's Messages and OpenAI's Responses and Chat, as streams.

What it does is chosen by `script`: "write" calls a tool that writes hello.txt, then is done; "nothing" says that it
is done at once; "hang" begins an answer and goes on saying nothing; "overloaded" and "broken" answer 529 and 500;
"costly" counts a million tokens with each answer, and calls a tool forever; "crash" kills whatever it can reach.
"""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

KEY: Final = "sk-the-real-key-of-the-tests"
MODEL: Final = {"anthropic": "claude-sonnet-4-5", "openai": "gpt-5"}
WRITE: Final = "echo hello > hello.txt"
COMMANDS: Final = {"write": WRITE, "costly": "sleep 0.1", "crash": "kill -9 -1"}
DONE: Final = "Done: hello.txt is written."


class Model(http.server.ThreadingHTTPServer):
    """The server, what it is to do, and what it was asked."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, script: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script = script
        self.calls: list[tuple[str, str]] = []
        self.keys: set[str] = set()
        self.asked: list[dict[str, Any]] = []
        self.closing = threading.Event()

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def counted(self) -> tuple[int, int]:
        """Tokens that an answer says it took: in, out."""
        return (1_000_000, 100_000) if self.script == "costly" else (1000, 50)

    def handle_error(self, request: object, client_address: object) -> None:
        """Programs that are killed break off calls."""


@contextmanager
def model(script: str) -> Iterator[Model]:
    """A server that runs."""
    with Model(script) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()


class Handler(http.server.BaseHTTPRequestHandler):
    """One call."""

    server: Model
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """A list of models, and nothing else."""
        self.server.calls.append(("GET", self.path))
        self.plain(200, {"data": [{"id": "scripted", "object": "model"}], "models": []})

    def do_POST(self) -> None:
        """Answer as the script says."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"] or 0)))
        server = self.server
        server.calls.append(("POST", self.path))
        server.asked.append(body)
        server.keys.add(self.headers.get("x-api-key") or self.headers.get("authorization") or "")
        if "count_tokens" in self.path:
            self.plain(200, {"input_tokens": 10})
        elif server.script in {"overloaded", "broken"}:
            status = 529 if server.script == "overloaded" else 500
            self.plain(
                status, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
            )
        else:
            speak = (
                anthropic if "/messages" in self.path else responses if "/responses" in self.path else chat
            )
            self.stream(speak(body, server))

    def plain(self, status: int, value: Mapping[str, Any]) -> None:
        """A whole answer."""
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def stream(self, pieces: Iterator[tuple[str, Mapping[str, Any] | str]]) -> None:
        """A stream of events. One that hangs sends the first, and nothing more."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for name, value in pieces:
            data = value if isinstance(value, str) else json.dumps(value)
            self.wfile.write(f"{f'event: {name}' + chr(10) if name else ''}data: {data}\n\n".encode())
            self.wfile.flush()
            if self.server.script == "hang":
                self.server.closing.wait(60)
                return
        self.close_connection = True


def tool(body: Mapping[str, Any], server: Model) -> tuple[str, dict[str, Any]] | None:
    """The call to make now: a command of a shell, as this program names that tool; None: say that it is done."""
    command = COMMANDS.get(server.script)
    if command is None or (server.script == "write" and answered(body)):
        return None
    for given in body.get("tools") or ():
        name = given.get("name") or (given.get("function") or {}).get("name")
        if name in {"Bash", "bash"}:
            return name, {"command": command, "description": "Run a command"}
        if name == "exec_command":
            return name, {"cmd": command}
        if name in {"shell_command", "run_shell_command"}:
            return name, {"command": command}
        if name == "shell":
            return name, {"command": ["bash", "-c", command]}
    return None


def answered(body: Mapping[str, Any]) -> bool:
    """Whether a tool has been called before."""
    text = json.dumps(body.get("messages") or body.get("input") or "")
    return any(word in text for word in ('"tool_result"', '"function_call_output"', '"role": "tool"'))


def anthropic(body: Mapping[str, Any], server: Model) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """A message as a stream of Anthropic's."""
    taken, given = server.counted()
    call = tool(body, server)
    number = len(server.asked)
    start: dict[str, Any] = {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": body.get("model"),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": taken, "output_tokens": 1},
    }
    yield "message_start", {"type": "message_start", "message": start}
    if call is None:
        block: dict[str, Any] = {"type": "text", "text": ""}
        delta: dict[str, Any] = {"type": "text_delta", "text": DONE}
    else:
        block = {"type": "tool_use", "id": f"toolu_{number}", "name": call[0], "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(call[1])}
    yield "content_block_start", {"type": "content_block_start", "index": 0, "content_block": block}
    yield "content_block_delta", {"type": "content_block_delta", "index": 0, "delta": delta}
    yield "content_block_stop", {"type": "content_block_stop", "index": 0}
    stopped = {"stop_reason": "end_turn" if call is None else "tool_use", "stop_sequence": None}
    yield "message_delta", {"type": "message_delta", "delta": stopped, "usage": {"output_tokens": given}}
    yield "message_stop", {"type": "message_stop"}


def responses(body: Mapping[str, Any], server: Model) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """A response as a stream of OpenAI's."""
    taken, given = server.counted()
    call = tool(body, server)
    number = len(server.asked)
    if call is None:
        said = [{"type": "output_text", "text": DONE, "annotations": []}]
        item: dict[str, Any] = {"type": "message", "id": f"m{number}", "role": "assistant", "content": said}
    else:
        item = {"type": "function_call", "id": f"f{number}", "call_id": f"c{number}", "name": call[0]}
        item["arguments"] = json.dumps(call[1])
    yield "response.created", {"type": "response.created", "response": {"id": f"r{number}"}}
    added = {**item, "content": []} if call is None else item
    yield (
        "response.output_item.added",
        {"type": "response.output_item.added", "output_index": 0, "item": added},
    )
    yield "response.output_item.done", {"type": "response.output_item.done", "output_index": 0, "item": item}
    usage = {
        "input_tokens": taken,
        "input_tokens_details": {"cached_tokens": 100},
        "output_tokens": given,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": taken + given,
    }
    whole = {"id": f"r{number}", "status": "completed", "output": [item], "usage": usage}
    yield "response.completed", {"type": "response.completed", "response": whole}


def chat(body: Mapping[str, Any], server: Model) -> Iterator[tuple[str, Mapping[str, Any] | str]]:
    """A completion as a stream of OpenAI's older interface."""
    taken, given = server.counted()
    call = tool(body, server)
    number = len(server.asked)
    head = {"id": f"c{number}", "object": "chat.completion.chunk", "created": 1, "model": body.get("model")}
    delta: dict[str, Any] = {"role": "assistant", "content": DONE}
    if call is not None:
        function = {"name": call[0], "arguments": json.dumps(call[1])}
        delta = {
            "role": "assistant",
            "tool_calls": [{"index": 0, "id": f"t{number}", "type": "function", "function": function}],
        }
    yield "", {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    reason = "stop" if call is None else "tool_calls"
    yield "", {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
    usage = {"prompt_tokens": taken, "completion_tokens": given, "total_tokens": taken + given}
    yield "", {**head, "choices": [], "usage": usage}
    yield "", "[DONE]"
