"""What a person at a terminal is asked, over a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from localhub.testing import Hub
from tests.faces.cli import Runner

STEWARD = Path(sys.executable).parent / "steward"
TIMEOUT_S = 20


def converse(
    args: Sequence[str], answers: Sequence[tuple[str, str]], program: Sequence[object] = (STEWARD,)
) -> tuple[int, str]:
    """Run `steward ARGS` at a terminal; after each text of `answers` type what belongs to it."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [*map(str, program), *args], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    seen, waiting = "", list(answers)
    while True:
        ready, _, _ = select.select([ours], [], [], TIMEOUT_S)
        assert ready, f"nothing more came after: {seen}"
        try:
            chunk = os.read(ours, 65536)
        except OSError:
            # Linux says so when the other end is closed.
            break
        if not chunk:
            break
        seen += chunk.decode()
        if waiting and waiting[0][0] in seen:
            os.write(ours, waiting.pop(0)[1].encode())
    os.close(ours)
    assert waiting == [], seen
    return child.wait(TIMEOUT_S), seen


@pytest.fixture
def connected(run: Runner, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """The command line, with an organisation in its database."""
    with Hub(orgs=["acme"]) as hub:
        hub.create("shop")
        hub.create("blog")
        monkeypatch.setenv("STEWARD_GITHUB_URL", hub.url)
        monkeypatch.setenv("STEWARD_GITHUB_TOKEN", hub.token)
        monkeypatch.setenv("STEWARD_GITHUB_ORGS", "acme")
        assert run("sync", "run").code == 0
    return run


def test_archive_is_confirmed_or_cancelled(connected: Runner) -> None:
    code, seen = converse(["project", "archive", "shop"], [("[y/N]", "n\n")])
    assert code == 130
    assert "Cancelled." in seen
    assert connected("project", "show", "shop", "--json").json["status"] == "discovered"
    code, seen = converse(["--lang", "ru", "project", "archive", "shop"], [("[y/N]", "y\n")])
    assert code == 0
    assert "Отправить shop" in seen
    assert connected("project", "show", "shop", "--json").json["status"] == "archived"


def test_ctrl_c_at_a_question_cancels(connected: Runner) -> None:
    code, _seen = converse(["project", "archive", "shop"], [("[y/N]", "\x04")])
    assert code == 130
    assert connected("project", "show", "shop", "--json").json["status"] == "discovered"


def test_init_asks_for_what_is_missing_and_hides_the_token(clean: None) -> None:
    with Hub(orgs=["acme"]) as hub:
        answers = [("Organisation (login):", "acme\n"), ("Address of the API", f"{hub.url}\n")]
        code, seen = converse(["init"], [*answers, ("Token (not shown):", f"{hub.token}\n")])
    assert code == 0
    assert "found, id" in seen
    assert hub.token not in seen
    assert Path(".steward/github-token").read_text() == f"{hub.token}\n"
    assert hub.url in Path("steward.toml").read_text()


def test_colour_at_a_terminal_unless_it_is_not_wanted(
    connected: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b[" in converse(["project", "list"], [])[1]
    assert "\x1b[" not in converse(["project", "list", "--no-color"], [])[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in converse(["project", "list"], [])[1]


def test_what_is_written_is_its_owners_alone(clean: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with Hub(orgs=["acme"]) as hub:
        monkeypatch.setenv("STEWARD_GITHUB_URL", hub.url)
        monkeypatch.setenv("STEWARD_GITHUB_TOKEN", hub.token)
        monkeypatch.setenv("STEWARD_GITHUB_ORGS", "acme")
        monkeypatch.setenv("STEWARD_LOG_LEVEL", "debug")
        assert converse(["sync", "run"], [])[0] == 0
    written = [Path(".steward"), *Path(".steward").rglob("*")]
    assert Path(".steward/steward.log") in written
    assert [path for path in written if path.stat().st_mode & 0o077] == []
