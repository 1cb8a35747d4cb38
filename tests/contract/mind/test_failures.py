"""A model that does not answer, or answers with what is none: what becomes of it, and what is never told of it."""

from __future__ import annotations

import gc
import json
import logging
import socket
import time
import traceback
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from steward.adapters.mind import ModelMind
from steward.ports import BadSettings, Permanent, RateLimited, Transient, Unauthorised, Unreachable
from steward.testing.clock import FakeClock
from tests.contract.mind.kit import KEY, WRITTEN, Answer, chat, heard, message, mind, serving

ECHO = "what the person said, echoed"


def complaint(code: str | None = None) -> dict[str, Any]:
    """What a server says that refuses: it repeats the key, and what was said."""
    return {"error": {"message": f"bad key {KEY}: {ECHO}", "type": "some_error", "code": code}}


def failed(answer: Answer, **settings: Any) -> tuple[Transient | Permanent, int]:
    """The error that comes of an answer, and how often the server was asked."""
    with serving(answer) as server:
        with pytest.raises((Transient, Permanent)) as caught:
            mind(server, **settings).fold(heard("a shop"))
        gc.collect()
        assert isinstance(caught.value, Transient | Permanent)
        return caught.value, len(server.asked)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer(complaint(), 401), Unauthorised, "refused the key (401)"),
        (Answer(complaint("invalid_api_key"), 401), Unauthorised, "(401, invalid_api_key)"),
        (Answer(complaint(), 403), Unauthorised, "refused the key (403)"),
        (Answer(complaint(), 402), Permanent, "nothing left to spend"),
        (Answer(complaint("insufficient_quota"), 429), Permanent, "nothing left to spend"),
        (Answer(complaint(), 404), Permanent, "not known there (404)"),
        (Answer(complaint(), 400), Permanent, "does not take the request (400)"),
        (Answer(complaint("context_length_exceeded"), 400), Permanent, "as much as was said"),
        (Answer(complaint(), 422), Permanent, "does not take the request (422)"),
        (Answer(complaint(), 500), Transient, "trouble of its own (500)"),
        (Answer(complaint(), 502), Transient, "trouble of its own (502)"),
        (Answer(complaint(), 503), Transient, "trouble of its own (503)"),
        (Answer(complaint(), 529), Transient, "trouble of its own (529)"),
        (Answer("<html>a proxy's page</html>", 502, {"content-type": "text/html"}), Transient, "trouble"),
        (Answer(complaint(), 429), RateLimited, "asks to wait"),
        (Answer("not json at all"), Transient, ""),
        (Answer(""), Transient, ""),
        (Answer([]), Transient, ""),
        (Answer({"choices": []}), Transient, ""),
        (Answer("<html>hello</html>", 200, {"content-type": "text/html"}), Transient, ""),
        (Answer(json.dumps(chat(WRITTEN))[:200], close=True), Unreachable, "cannot be reached"),
        (Answer(chat(None, refusal="I cannot help with that.", finish="stop")), Permanent, "will not write"),
        (Answer(chat(None, text="", finish="content_filter")), Permanent, "will not write"),
        (Answer(chat('{"title": "Bak', finish="length")), Permanent, "cut off"),
    ],
)
def test_each_failure_has_its_meaning_and_says_nothing_of_what_the_server_said(
    answer: Answer, kind: type[Exception], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    error, calls = failed(answer)
    assert type(error) is kind or (not words and isinstance(error, kind))
    assert words in str(error)
    assert "gpt-4o-mini" in str(error) or isinstance(error, Permanent)
    told = "".join(traceback.format_exception(error))
    for secret in (KEY, ECHO):
        assert secret not in told
        assert secret not in repr(error)
    assert KEY not in caplog.text
    assert calls <= 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503, 529])
def test_nothing_is_sent_again_behind_our_back(status: int) -> None:
    _error, calls = failed(Answer(complaint(), status, {"x-should-retry": "true"}))
    assert calls == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after-ms": "2500"}, 2.5),
        ({}, 60),
        ({"retry-after": "soon"}, 60),
        ({"retry-after": "-5"}, 60),
        ({"retry-after": "0"}, 1),
        ({"retry-after": "99999999"}, 3600),
    ],
)
def test_who_asks_to_wait_is_waited_for_within_reason(headers: Mapping[str, str], seconds: float) -> None:
    error, _calls = failed(Answer(complaint(), 429, headers))
    assert isinstance(error, RateLimited)
    assert error.retry_at is not None
    waits = (error.retry_at - FakeClock().now().at) / timedelta(seconds=1)
    assert waits == pytest.approx(seconds)


def test_who_is_down_and_says_until_when_is_believed() -> None:
    error, _calls = failed(Answer(complaint(), 503, {"retry-after": "30"}))
    assert isinstance(error, Transient)
    assert error.retry_at == FakeClock().now().at + timedelta(seconds=30)


def test_who_does_not_answer_is_left_in_time() -> None:
    began = time.monotonic()
    error, calls = failed(Answer(hang=True), timeout_s=0.6)
    assert isinstance(error, Unreachable)
    assert "in time" in str(error)
    assert time.monotonic() - began < 5
    assert calls == 1


def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    one = ModelMind("openai:gpt-4o-mini", FakeClock(), key=lambda: KEY, base_url=address)
    with pytest.raises(Unreachable):
        one.fold(heard("x"))


def test_a_key_is_not_carried_to_where_an_answer_points() -> None:
    with serving() as other:
        error, _calls = failed(Answer("", 307, {"location": f"{other.address}/v1/chat/completions"}))
        assert other.asked == []
    assert isinstance(error, Transient | Permanent)


@pytest.mark.parametrize(
    "broken",
    [
        chat("{ this is no json"),
        chat('["a", "list"]'),
        chat("{}"),
        chat({"nothing": "of the brief"}),
        chat(None, text="Sure! Here is your brief: a bakery.", finish="stop"),
        chat(WRITTEN, tool="run_shell"),
        chat("[" * 100_000),
    ],
)
def test_what_nobody_understands_is_asked_for_once_more(broken: dict[str, Any]) -> None:
    with serving(Answer(broken), Answer(chat(WRITTEN))) as server:
        folded = mind(server).fold(heard("x"))
        assert len(server.asked) == 2
    assert folded.brief.title == "Bakery orders"
    assert folded.usage is not None
    assert folded.usage.input_tokens == 2_000
    error, calls = failed(Answer(broken))
    assert calls == 2
    assert isinstance(error, Transient)


def test_a_refusal_of_anthropic() -> None:
    refusal = {**message({}), "content": [], "stop_reason": "refusal"}
    error, calls = failed(Answer(refusal), name="anthropic:claude-haiku-4-5")
    assert isinstance(error, Permanent)
    assert "will not write" in str(error)
    assert calls == 1


def test_a_mind_tells_nothing_of_its_key() -> None:
    with serving() as server:
        one = mind(server)
        one.fold(heard("x"))
        assert KEY not in repr(one)
        assert KEY not in json.dumps(server.asked)
        assert KEY in server.keys[0]


def test_a_key_is_read_anew_for_each_call() -> None:
    keys = iter(["first-key", "second-key"])
    with serving() as server:
        one = ModelMind(
            "openai:gpt-4o-mini", FakeClock(), key=lambda: next(keys), base_url=f"{server.address}/v1"
        )
        one.fold(heard("x"))
        one.fold(heard("x"))
        assert server.keys == ["Bearer first-key", "Bearer second-key"]


@pytest.mark.parametrize("name", ["gpt-5", "", ":x", "openai:", "Open AI:gpt", "openai:gpt 5", "a" * 300])
def test_a_name_that_names_no_model_is_a_bad_setting(name: str) -> None:
    with pytest.raises(BadSettings, match="STEWARD_TALK_MODEL"):
        ModelMind(name, FakeClock(), key=lambda: KEY).check()


def test_a_provider_that_nobody_knows_is_a_bad_setting() -> None:
    with pytest.raises(BadSettings, match='no provider is called "acme"'):
        ModelMind("acme:one", FakeClock(), key=lambda: KEY).check()


@pytest.mark.parametrize("provider", ["mistral", "groq", "cohere"])
def test_a_provider_that_is_not_installed_is_named_with_what_to_install(provider: str) -> None:
    with pytest.raises(BadSettings, match=rf"pydantic-ai-slim\[{provider}\]"):
        ModelMind(f"{provider}:one", FakeClock(), key=lambda: KEY).check()


@pytest.mark.parametrize("name", ["openai:gpt-5.5", "anthropic:claude-sonnet-5"])
def test_a_provider_that_asks_for_a_key_is_not_asked_without_one(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "of-somebody-else")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "of-somebody-else")
    with pytest.raises(BadSettings, match="MODEL_KEY_FILE"):
        ModelMind(name, FakeClock(), key=lambda: None).fold(heard("x"))


@pytest.mark.parametrize("name", ["openai:gpt-5.5", "anthropic:claude-haiku-4-5"])
def test_what_is_set_well_is_found_well_and_nothing_is_sent(name: str) -> None:
    with serving() as server:
        ModelMind(name, FakeClock(), key=lambda: KEY, base_url=server.address).check()
        ModelMind(name, FakeClock(), key=lambda: KEY).check()
        gc.collect()
        assert server.paths == []


@pytest.mark.parametrize("name", ["openai:gpt-5.5", "anthropic:claude-haiku-4-5"])
def test_no_variable_leads_the_key_elsewhere(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as other:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{other.address}/v1")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", other.address)
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        with pytest.raises(Unreachable):
            ModelMind(name, FakeClock(), key=lambda: KEY, timeout_s=5).fold(heard("x"))
        assert other.paths == []
