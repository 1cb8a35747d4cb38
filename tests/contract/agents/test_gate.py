"""The gate between a box and its model: what passes, what is refused, what is counted, and the key."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from steward.adapters.agents import CommandAgent, ModelAccess
from steward.adapters.agents.gate import ModelGate
from steward.adapters.agents.metering import tokens
from steward.domain.agents import Limits, Outcome
from steward.ports.errors import Permanent
from tests.contract.agents.kit import BOX, CLOCK, Hearing, clone_of, script, spec_of
from tests.contract.agents.model_server import DONE, KEY, Model, model

ASK = {"model": "claude-sonnet-4-5", "messages": [], "stream": True}


@pytest.fixture
def server() -> Iterator[Model]:
    """A model that answers at once."""
    with model("nothing") as running:
        yield running


def access(server: Model, kind: str = "anthropic") -> ModelAccess:
    """The way to it."""
    return ModelAccess(kind, server.address + ("/v1" if kind == "openai" else ""), lambda: KEY)


def inside(gate: ModelGate) -> httpx.Client:
    """A client as in a box, but for the tunnel."""
    transport = httpx.HTTPTransport(uds=str(gate.tunnel.socket))
    return httpx.Client(
        transport=transport, base_url="http://127.0.0.1:8300", headers={"x-api-key": "kept-outside"}
    )


def test_a_call_passes_with_the_key_put_in(server: Model, tmp_path: Path) -> None:
    with ModelGate(access(server), tmp_path) as gate, inside(gate) as client:
        answer = client.post("/v1/messages?beta=true", json=ASK, headers={"authorization": "Bearer wrong"})
        assert DONE in answer.text
        assert answer.headers["content-type"] == "text/event-stream"
        assert list(gate.notes()) == []
    assert server.calls == [("POST", "/v1/messages?beta=true")]
    assert server.keys == {KEY}


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/"),
        ("POST", "/v1/files"),
        ("POST", "/v1/messages/batches/../../files"),
        ("POST", "/v1/messages/%2e%2e/files"),
        ("POST", "/v1/messages//x"),
        ("POST", "/v1/messages2"),
        ("DELETE", "/v1/messages"),
        ("GET", "http://169.254.169.254/latest/meta-data"),
        ("CONNECT", "example.org:443"),
        ("PUT", "/v1/models"),
        ("OPTIONS", "*"),
    ],
)
def test_everything_else_is_refused_and_noted(
    server: Model, tmp_path: Path, method: str, target: str
) -> None:
    with ModelGate(access(server), tmp_path) as gate, inside(gate) as client:
        request = client.build_request(method, "/")
        request.extensions["target"] = target.encode()
        assert client.send(request).status_code == 403
        assert list(gate.notes()) == [f"refused: {method} {target}"]
    assert server.calls == []


def test_a_stream_passes_piece_by_piece(tmp_path: Path) -> None:
    with model("hang") as server, ModelGate(access(server), tmp_path) as gate, inside(gate) as client:
        request = client.build_request("POST", "/v1/messages", json=ASK)
        answer = client.send(request, stream=True)
        assert "message_start" in next(answer.iter_text()), "the rest of it never comes"
        answer.close()


def test_tokens_are_counted_and_a_spent_budget_shuts_the_gate(tmp_path: Path) -> None:
    with (
        model("costly") as server,
        ModelGate(access(server), tmp_path, usd=3.0) as gate,
        inside(gate) as client,
    ):
        assert gate.usage == {}
        assert client.post("/v1/messages", json=ASK).status_code == 200
        assert gate.usage == {"input_tokens": 1_000_000, "output_tokens": 100_000}
        assert gate.spent_usd is not None
        assert gate.spent_usd > 3
        assert client.post("/v1/messages", json=ASK).status_code == 403
        assert list(gate.notes()) == ["refused: the budget of 3.00 dollars is spent"]
        assert len(server.calls) == 1


def test_errors_of_the_model_pass_and_a_model_that_is_away_is_a_502(tmp_path: Path) -> None:
    with model("overloaded") as server, ModelGate(access(server), tmp_path) as gate, inside(gate) as client:
        assert client.post("/v1/messages", json=ASK).status_code == 529
    away = ModelAccess("openai", "http://127.0.0.1:9/v1", lambda: KEY)
    with ModelGate(away, tmp_path / "..") as gate, inside(gate) as client:
        assert client.post("/responses", json=ASK).status_code == 502
        assert [KEY in note for note in gate.notes()] == [False]


def test_a_call_that_is_too_long_or_in_chunks(server: Model, tmp_path: Path) -> None:
    with ModelGate(access(server), tmp_path) as gate, inside(gate) as client:
        pieces = iter([json.dumps(ASK)[:9].encode(), json.dumps(ASK)[9:].encode()])
        assert client.post("/v1/messages", content=pieces).status_code == 200
        with socket.socket(socket.AF_UNIX) as bare:
            bare.connect(str(gate.tunnel.socket))
            bare.sendall(b"POST /v1/messages HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n")
            assert b" 403 " in bare.recv(1000)


def test_a_kind_that_no_model_speaks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="no model speaks 'morse'"):
        ModelGate(ModelAccess("morse", "http://127.0.0.1", lambda: None), tmp_path)


@pytest.mark.parametrize(
    "more",
    [
        '"tools": [{"type": "web_search_20250305", "name": "web_search"}]',
        '"tools": [{"type": "mcp", "server_url": "https://example.org"}]',
        '"tools": [{"google_search": {}}]',
        '"mcp_servers": [{"url": "https://example.org"}]',
        '"messages": [{"content": [{"type": "image", "source": {"type": "url", "url": "https://example.org/x"}}]}]',
        '"input": [{"content": [{"type": "input_image", "image_url": "HTTPS://example.org/x"}]}]',
        '"messages": [{"content": [{"type": "image_url", "image_url": {"url": "https://example.org/x"}}]}]',
        '"messages": [], "messages": []',
        '"messages": ' + "[" * 200 + "]" * 200,
        '"messages": ',
    ],
)
def test_calls_that_would_have_the_vendor_reach_out_are_refused(
    server: Model, tmp_path: Path, more: str
) -> None:
    with ModelGate(access(server), tmp_path) as gate, inside(gate) as client:
        assert client.post("/v1/messages", content=f'{{"model": "m", {more}}}').status_code == 403
        assert len(list(gate.notes())) == 1
    assert server.calls == []


def test_addresses_in_what_is_only_text_pass(server: Model, tmp_path: Path) -> None:
    called = {"type": "tool_use", "id": "t", "name": "open", "input": {"url": "https://example.org"}}
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    messages = [
        {"role": "user", "content": [called, picture, {"type": "text", "text": "see https://example.org"}]}
    ]
    tools = [
        {"name": "open", "input_schema": {"properties": {"url": {"type": "string"}}}},
        {"type": "function"},
    ]
    with ModelGate(access(server), tmp_path) as gate, inside(gate) as client:
        assert (
            client.post("/v1/messages", json={**ASK, "messages": messages, "tools": tools}).status_code == 200
        )


@pytest.mark.parametrize(
    ("told", "counted"),
    [
        ({"input_tokens": 5, "cache_read_input_tokens": 3, "output_tokens": 1}, (8, 1, 3)),
        ({"input_tokens": 5, "input_tokens_details": {"cached_tokens": 3}, "output_tokens": 1}, (5, 1, 3)),
        (
            {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 3}},
            (5, 1, 3),
        ),
        ({"input_tokens": "many", "output_tokens": -4}, (None, None, None)),
    ],
)
def test_both_ways_of_counting_come_to_the_same(
    told: dict[str, object], counted: tuple[int | None, ...]
) -> None:
    found = tokens(told)
    assert tuple(found.get(f"{name}_tokens") for name in ("input", "output", "cache_read")) == counted


def test_a_program_in_its_box_reaches_the_model_and_never_sees_the_key(server: Model, tmp_path: Path) -> None:
    code = f"""
import json, os, pathlib, subprocess, urllib.request, urllib.error
base = os.environ["ANTHROPIC_BASE_URL"]
headers = {{"content-type": "application/json", "x-api-key": os.environ["ANTHROPIC_API_KEY"]}}
ask = urllib.request.Request(base + "/v1/messages", json.dumps({ASK!r}).replace("True", "true").encode(), headers)
with urllib.request.urlopen(ask, timeout=20) as answer:
    print(answer.read().decode())
for where in (base + "/v1/files", "{server.address}/v1/models"):
    try:
        urllib.request.urlopen(where, timeout=5)
        print("reached", where)
    except urllib.error.URLError as error:
        print("no:", error)
seen = subprocess.run("env; cat /proc/*/environ /proc/*/cmdline /run/* /tmp/* /tmp/*/*", shell=True, capture_output=True)
print(seen.stdout.decode(errors="replace"))
pathlib.Path("x").write_text("x")
print(json.dumps({{"kind": "finished"}}))
"""
    clone = clone_of(tmp_path, {})
    agent = CommandAgent(
        "mine",
        script(tmp_path, code),
        BOX,
        CLOCK,
        readable=(tmp_path / "agent.py", Path(sys.prefix)),
        access=access(server),
    )
    heard = Hearing()
    limits = Limits(wall_s=60, silence_s=30, usd=1.0)
    result = agent.run(spec_of(clone, network="model", limits=limits), heard, heard.stop)
    said = "\n".join(event.raw for event in heard.events)
    assert result.outcome is Outcome.COMPLETED, said
    assert DONE in said
    assert KEY not in said
    assert "kept-outside" in said
    assert "HTTP Error 403" in said
    assert "Connection refused" in said, "the model itself is out of reach"
    assert heard.texts("warning") == ["refused: GET /v1/files"]
    assert result.usage == {"input_tokens": 1000, "output_tokens": 50}
    assert server.keys == {KEY}
