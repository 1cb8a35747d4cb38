"""No secret shows: not in a repr, not in an error, not in a log, whatever goes wrong."""

from __future__ import annotations

import logging
import traceback

import httpx
import pytest

from steward.adapters.github import App, Token, connect
from steward.ports.errors import Permanent, Transient
from tests.contract.forge.scripted import BASE, TOKEN, Scripted, html, told
from tests.contract.forge.test_app import AppServer, pem

FAULTS = [
    lambda: told(401, {"message": "Bad credentials"}),
    lambda: told(403, {"message": "Forbidden"}),
    lambda: told(429, {}),
    lambda: told(404, {"message": "Not Found"}),
    lambda: told(301, {"message": "Moved"}, location="https://evil.example/x"),
    lambda: told(200, {"message": "no list"}),
    lambda: html(200),
    lambda: html(500),
    lambda: httpx.Response(200, headers={"content-encoding": "gzip"}, content=b"no gzip"),
]


def everything_said(error: BaseException, logs: pytest.LogCaptureFixture) -> str:
    told_of = traceback.TracebackException.from_exception(error, capture_locals=False)
    return "".join(told_of.format()) + repr(error) + str(vars(error)) + logs.text


@pytest.mark.parametrize("number", range(len(FAULTS)))
def test_a_token_never_shows(number: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server = Scripted(150)
    server.intercepts.append(lambda _: FAULTS[number]())
    with server.client() as forge:
        with pytest.raises((Transient, Permanent)) as listed:
            forge.listing("acme", None, [], "")
        said = everything_said(listed.value, caplog) + repr(forge) + repr(vars(forge))
    assert TOKEN not in said
    assert TOKEN[10:25] not in said


def test_a_token_never_shows_over_a_real_connection_that_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server = Scripted()
    with (
        connect("http://127.0.0.1:9", credential=Token(TOKEN), clock=server.clock) as forge,
        pytest.raises(Transient, match="no connection") as caught,
    ):
        forge.repository(1)
    assert TOKEN not in everything_said(caught.value, caplog)


def test_credentials_hide_themselves() -> None:
    assert TOKEN not in repr(Token(TOKEN))
    assert "PRIVATE" not in repr(App("11", pem()))


def test_an_app_never_shows_its_key_or_tokens(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server = AppServer()
    with server.client() as forge:
        credential = forge.listing("acme", None, [], "").credential
        server.tokens = dict.fromkeys(server.tokens, (0, server.clock.now().at))
        with pytest.raises(Permanent) as caught:
            forge.repository(1)
    said = everything_said(caught.value, caplog) + credential
    for secret in ["PRIVATE KEY", *server.tokens]:
        assert secret not in said


def test_the_credential_key_tells_tokens_apart_without_telling_them() -> None:
    keys = set()
    for token in (TOKEN, TOKEN + "x"):
        with Scripted(1).client(Token(token)) as forge:
            keys.add(forge.listing("acme", None, [], "").credential)
    assert len(keys) == 2
    assert not any(TOKEN[4:12] in key for key in keys)
    with Scripted(1).client(url=BASE) as forge:
        assert forge.listing("acme", None, [], "").credential in keys
