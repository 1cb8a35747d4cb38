"""`steward up` with a bot, as a real process before a Telegram on loopback: connected, tested, killed, stopped."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from steward.adapters.clock import SystemClock
from tests.faces.process import BIN, QUICK, Process, Starter
from tests.telegram.server import TelegramServer

pytestmark = pytest.mark.usefixtures("clean")


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    """A Telegram on loopback."""
    with TelegramServer() as server:
        yield server


@pytest.fixture
def bot(telegram: TelegramServer, tmp_path: Path) -> dict[str, str]:
    """What the environment says of the bot."""
    file = tmp_path / "bot-token"
    file.write_text(telegram.token)
    return {"STEWARD_TELEGRAM_TOKEN_FILE": str(file), "STEWARD_TELEGRAM_API_URL": telegram.url}


def steward(cwd: Path, bot: dict[str, str], *args: str) -> subprocess.CompletedProcess[str]:
    """Run a command beside it."""
    environ = os.environ | QUICK | bot
    return subprocess.run(
        [BIN / "steward", *args], cwd=cwd, env=environ, capture_output=True, text=True, check=False
    )


def payload(cwd: Path, bot: dict[str, str], *args: str) -> Any:
    """What a command prints as JSON."""
    done = steward(cwd, bot, *args, "--json")
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def told(process: Process, words: str) -> None:
    """Wait until the process tells people something."""
    clock = SystemClock()
    for _turn in range(600):
        if any(re.search(words, line) for line in process.err):
            return
        assert process.child.poll() is None, process.err
        clock.wait(0.05)
    raise AssertionError(f"'{words}' did not come: {process.err}")


def test_a_chat_is_connected_tested_and_disconnected_across_a_kill(
    start: Starter, tmp_path: Path, telegram: TelegramServer, bot: dict[str, str]
) -> None:
    process = start(**bot)
    told(process, f"@{telegram.username} answers")
    steward(tmp_path, bot, "user", "add", "anna", "--role", "approver", "--language", "ru")
    made = payload(tmp_path, bot, "telegram", "code", "anna")
    assert made["link"] == f"https://t.me/{telegram.username}?start={made['code']}"

    anna = telegram.person("Anna", lang="ru")
    anna.starts(made["code"])
    anna.waits_for("anna")
    (chat,) = payload(tmp_path, bot, "telegram", "status")["chats"]
    assert (chat["id"], chat["user"], chat["lang"]) == (anna.id, "anna", "ru")
    tested = steward(tmp_path, bot, "telegram", "test", "anna", "--json")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert json.loads(tested.stdout)["chats"][0]["state"] == "shown"

    process.end(signal.SIGKILL)
    before = len(telegram.shown(anna.id))
    again = start(**bot)
    told(again, f"@{telegram.username} answers")
    assert len(telegram.shown(anna.id)) == before, "nothing is said twice"
    anna.writes("/help")
    anna.waits_for("/projects")

    assert payload(tmp_path, bot, "telegram", "unlink", "anna", "--yes") == []
    assert again.end() == 0
    # Where nobody watches, the log goes to standard error.
    output = "\n".join([*process.out, *process.err, *again.out, *again.err])
    assert telegram.token not in output
    assert made["code"] not in output


def test_a_wrong_token_stops_nothing_and_is_told_by_the_doctor(
    start: Starter, tmp_path: Path, telegram: TelegramServer, bot: dict[str, str]
) -> None:
    Path(bot["STEWARD_TELEGRAM_TOKEN_FILE"]).write_text(f"{telegram.token[:-4]}AAAA")
    process = start(**bot)
    told(process, "the bot receives nothing")
    process.wait_for("The bot receives nothing")
    doctor = {check["name"]: check for check in payload(tmp_path, bot, "doctor")}
    assert not doctor["bot"]["ok"]
    assert "token" in doctor["bot"]["detail"]
    assert "STEWARD_TELEGRAM_TOKEN_FILE" in doctor["bot"]["fix"]
    assert process.end() == 0
