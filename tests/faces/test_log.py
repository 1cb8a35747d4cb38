"""The log as `main` starts it: it knows every secret that the settings hold, or name a file for."""

from __future__ import annotations

import json
import logging
from base64 import b64encode
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest

from steward.main import _start_log
from steward.settings import load

pytestmark = pytest.mark.usefixtures("clean")

PLANTED = {
    "STEWARD_DATABASE_URL": "postgresql://steward:{}@db.example.com/steward",
    "STEWARD_GITHUB_TOKEN": "{}",
    "STEWARD_GITHUB_TOKEN_FILE": "file",
    "STEWARD_GITHUB_BUILDER_TOKEN_FILE": "file",
    "STEWARD_GITHUB_WEBHOOK_SECRET": "{}",
    "STEWARD_GITHUB_WEBHOOK_SECRET_FILE": "file",
    "STEWARD_TOKEN": "{}",
    "STEWARD_TOKEN_FILE": "file",
    "STEWARD_DATABASE_PASSWORD_FILE": "file",
    "STEWARD_NOTIFY_URLS": "slack://{}/B/C",
}
"""Every setting that a secret can be in, and the shape of its value."""


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_secret_of_the_settings_never_reaches_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, form: str
) -> None:
    secret = "Zm9vYmFyLWJheg" if name == "STEWARD_NOTIFY_URLS" else "s3cret/with+odd=signs"
    value = PLANTED[name].format(quote(secret, safe="") if "://" in PLANTED[name] else secret)
    if value == "file":
        Path("secret-file").write_text(secret + "\n")
        value = "secret-file"
    monkeypatch.setenv("STEWARD_GITHUB_ORGS", "acme")
    monkeypatch.setenv("STEWARD_LOG_FORMAT", form)
    if name == "STEWARD_DATABASE_PASSWORD_FILE":
        monkeypatch.setenv("STEWARD_DATABASE_URL", "postgresql://steward@db.example.com/steward")
    monkeypatch.setenv(name, value)
    shown = value if name == "STEWARD_NOTIFY_URLS" else secret
    forms = [shown, quote(shown, safe=""), b64encode(shown.encode()).decode()]
    with ExitStack() as closing:
        _start_log(load(), closing, service=True)
        log = logging.getLogger("steward.test")
        for text in forms:
            log.warning("it said %s", text, extra={"note": text})
            log.error("it failed", exc_info=ValueError(text))
    told = capsys.readouterr().err
    assert told.count("it said") == len(forms)
    assert [text for text in forms if text in told or json.dumps(text) in told] == []


def test_a_secret_that_steward_made_for_itself_is_one_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STEWARD_GITHUB_ORGS", "acme")
    Path(".steward").mkdir()
    Path(".steward/webhook-secret").write_text("made-by-ourselves-1234\n")
    with ExitStack() as closing:
        _start_log(load(), closing, service=True)
        logging.getLogger("steward.test").warning("signed with made-by-ourselves-1234")
    told = json.loads(capsys.readouterr().err)
    assert told["message"] == "signed with ********"


def test_short_commands_log_as_text_and_services_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for service in (False, True):
        with ExitStack() as closing:
            _start_log(load(), closing, service=service)
            logging.getLogger("steward.test").warning("hello")
    text, as_json = capsys.readouterr().err.splitlines()
    assert text.endswith("WARNING steward.test hello")
    assert json.loads(as_json)["level"] == "warning"
