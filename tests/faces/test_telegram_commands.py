"""`steward telegram` and `steward bot`: what they print and do, what they say where there is no bot, both languages."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import SecretStr

from steward.adapters.store import open_store
from steward.app.access import digest
from steward.app.chats import BOT, TEST
from steward.domain.chats import Chat, ChatKind, Post, PostState
from steward.domain.people import PassKind, local
from steward.faces.cli import bot, telegram
from steward.settings.talking import TelegramSection
from steward.testing.world import World
from tests.contract.store.kit import NOW
from tests.faces.cli import Runner
from tests.faces.remote_kit import Line, Wired

TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"


@pytest.fixture(autouse=True)
def connected(clean: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An installation with an organisation that was not looked at yet; its database."""
    monkeypatch.setenv("STEWARD_GITHUB_ORGS", "acme")
    monkeypatch.setenv("STEWARD_GITHUB_TOKEN", "hunter2")
    monkeypatch.setenv("STEWARD_TELEGRAM_TOKEN", TOKEN)
    return tmp_path / ".steward" / "steward.db"


def keep(database: Path, *rows: Chat | Post, bot_name: str | None = None) -> None:
    """Store chats and posts, and the name that the bot told."""
    store = open_store(f"sqlite:///{database}")
    with store.writing() as tx:
        for row in rows:
            if isinstance(row, Chat):
                tx.save_chat(row)
            else:
                tx.save_post(row)
        if bot_name:
            tx.set_setting(BOT, bot_name)
    store.close()


def private(number: int = 7, **more: Any) -> Chat:
    """A chat of Anna's."""
    return replace(Chat(number, ChatKind.PRIVATE, "anna", NOW, title="Anna <b>"), **more)


# Status ------------------------------------------------------------------------------------------------


def test_nothing_is_connected_at_first_and_it_is_said_what_to_do(run: Runner) -> None:
    shown = run("telegram", "status").stdout
    assert "steward telegram code" in shown
    assert "steward bot" in shown
    assert run("telegram", "status", "--json").json == {"bot": None, "chats": [], "posts": {}, "failed": []}


def test_status_shows_chats_and_what_could_not_be_sent(run: Runner, connected: Path) -> None:
    run("user", "add", "anna")
    keep(
        connected,
        private(),
        private(-100, kind=ChatKind.GROUP, title="Shop [x]", blocked_at=NOW),
        private(8, title="", quiet="22:00-08:00", zone="Europe/Berlin"),
        Post(7, "project:p", "project", NOW, state=PostState.SHOWN),
        Post(7, "gate:p:1", "gate", NOW, state=PostState.FAILED, error="message is too long [b]", attempts=4),
        bot_name="steward_test_bot",
    )
    done = run("telegram", "status")
    assert (done.code, "@steward_test_bot" in done.stdout, "Anna <b>" in done.stdout) == (0, True, True)
    assert "Shop [x]" in done.stdout
    assert "blocked since" in done.stdout
    assert "quiet" in done.stdout
    assert "gate:p:1: message is too long [b]" in done.stdout
    result = run("telegram", "status", "--json").json
    assert result["posts"] == {"shown": 1, "failed": 1}
    assert [(row["id"], row["kind"]) for row in result["chats"]] == [
        (-100, "group"),
        (7, "private"),
        (8, "private"),
    ]
    assert result["failed"][0]["attempts"] == 4
    russian = run("telegram", "status", "--lang", "ru").stdout
    assert "бот: @steward_test_bot" in russian
    assert "не доставлено 1" in russian


# Codes -------------------------------------------------------------------------------------------------


def test_a_code_is_printed_as_what_to_send_to_the_bot(run: Runner, connected: Path) -> None:
    run("user", "add", "anna")
    done = run("telegram", "code", "anna")
    words = done.stdout.strip()
    assert words.startswith("/start stc_")
    assert "anna" in done.stderr
    assert words.removeprefix("/start ") not in done.stderr
    store = open_store(f"sqlite:///{connected}")
    with store.reading() as view:
        found = view.pass_by_digest(digest(words.removeprefix("/start ")))
    store.close()
    assert found is not None
    assert (found[0].kind, found[1].name) == (PassKind.CHAT, "anna")
    assert words.removeprefix("/start ") not in run("audit", "--json").stdout


def test_a_code_is_a_link_where_the_bot_is_known(run: Runner, connected: Path) -> None:
    run("user", "add", "anna")
    keep(connected, bot_name="steward_test_bot")
    assert run("telegram", "code", "anna").stdout.startswith("https://t.me/steward_test_bot?start=stc_")
    made = run("telegram", "code", "anna", "--json").json
    assert set(made) == {"user", "code", "link", "expires_at"}
    assert made["link"].endswith(made["code"])


def test_a_code_for_nobody_is_refused_and_a_rehearsal_makes_none(run: Runner) -> None:
    assert run("telegram", "code", "nobody").code != 0
    run("user", "add", "anna")
    done = run("telegram", "code", "anna", "--dry-run")
    assert (done.code, "stc_" in done.stdout + done.stderr) == (0, False)
    assert [line["action"] for line in run("audit", "--json").json] == ["user.add"]


# Disconnecting -----------------------------------------------------------------------------------------


def test_chats_are_disconnected_one_or_all(run: Runner, connected: Path) -> None:
    run("user", "add", "anna")
    keep(connected, private(), private(8), private(9), Post(7, "a", "said", NOW))
    left = run("telegram", "unlink", "anna", "--chat", "7", "--yes", "--json").json
    assert [row["id"] for row in left] == [8, 9]
    assert run("telegram", "unlink", "anna", "--chat", "7", "--yes").code != 0
    done = run("telegram", "unlink", "anna", "--yes")
    assert (done.code, done.stdout.strip()) == (0, "disconnected; chats that anna still has: 0")
    assert run("telegram", "status", "--json").json["chats"] == []


# The test ----------------------------------------------------------------------------------------------


class Waited:
    """What happens while a command waits: each wait of the wiring calls the next of these."""

    def __init__(self, line: Line, *steps: Callable[[], None]) -> None:
        self.line = line
        self.steps = list(steps)

    def __call__(self, monkeypatch: pytest.MonkeyPatch, *args: str) -> Any:
        """Run the command."""

        def wait(_wiring: Wired, _timeout_s: float) -> bool:
            if self.steps:
                self.steps.pop(0)()
            return False

        monkeypatch.setattr(Wired, "wait", wait)
        return self.line(*args)


@pytest.fixture
def world() -> Iterator[World]:
    """A Steward in memory with Anna and her chat."""
    store = open_store("sqlite://")
    made = World(store)
    made.app.people(local("local:test")).add("anna")
    with store.writing() as tx:
        tx.save_chat(private())
    yield made
    store.close()


def settle(world: World, state: PostState, error: str = "") -> None:
    """The test message was sent, or given up."""
    with world.store.writing() as tx:
        post = tx.post(7, TEST)
        assert post is not None
        tx.save_post(replace(post, state=state, error=error))


def test_a_test_waits_until_the_message_arrived(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    waited = Waited(Line(world.app), lambda: None, lambda: settle(world, PostState.SHOWN))
    done = waited(monkeypatch, "telegram", "test", "anna")
    assert (done.code, done.stdout.strip(), waited.steps) == (0, "✓ Anna <b>: shown", [])
    with world.store.reading() as view:
        post = view.post(7, TEST)
    assert post is not None
    assert (post.kind, post.urgent) == ("status", True), "quiet hours do not hold it"


def test_a_test_says_why_it_did_not_arrive(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    waited = Waited(Line(world.app), lambda: settle(world, PostState.FAILED, "chat not found"))
    done = waited(monkeypatch, "telegram", "test", "anna")
    assert (done.code, done.stdout.strip()) == (1, "✗ Anna <b>: failed (chat not found)")


def test_a_test_of_a_chat_that_has_blocked_the_bot_waits_for_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world.store.writing() as tx:
        tx.save_chat(private(blocked_at=NOW))
    done = Waited(Line(world.app))(monkeypatch, "telegram", "test", "anna")
    assert (done.code, "blocked since" in done.stdout) == (1, True)


def test_a_test_gives_up_where_nobody_sends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telegram, "TEST_S", 0.0)
    done = Waited(Line(world.app))(monkeypatch, "telegram", "test", "anna")
    assert (done.code, "steward doctor" in done.stderr) == (1, True)


# The bot -----------------------------------------------------------------------------------------------


def test_without_a_token_it_is_said_how_to_get_one(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STEWARD_TELEGRAM_TOKEN")
    done = run("bot")
    assert done.code != 0
    assert "@BotFather" in done.stderr
    assert "STEWARD_TELEGRAM_TOKEN_FILE" in done.stderr
    assert "не задан токен" in run("bot", "--lang", "ru").stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "is empty"), ("nonsense", "holds no bot's token"), (None, "cannot be read")],
)
def test_a_file_without_a_token_is_named(
    run: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None, said: str
) -> None:
    monkeypatch.delenv("STEWARD_TELEGRAM_TOKEN")
    monkeypatch.setenv("STEWARD_TELEGRAM_TOKEN_FILE", str(tmp_path / "token"))
    if text is not None:
        (tmp_path / "token").write_text(text)
    done = run("bot")
    assert done.code != 0
    assert said in done.stderr
    assert "STEWARD_TELEGRAM_TOKEN_FILE" in done.stderr


def test_a_token_and_its_file_are_not_both_set(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEWARD_TELEGRAM_TOKEN_FILE", "token")
    done = run("bot")
    assert (done.code != 0, "both STEWARD_TELEGRAM_TOKEN" in done.stderr) == (True, True)
    assert TOKEN not in done.stderr


def test_a_webhook_needs_no_bot_of_its_own(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEWARD_TELEGRAM_UPDATES", "webhook")
    done = run("bot")
    assert (done.code != 0, "steward serve" in done.stderr) == (True, True)


Runs = list[tuple[Any, Any, Any]]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    """What the receiving half was run with: it is replaced by one that ends at once."""
    called: Runs = []
    module = ModuleType("steward.faces.telegram.bot")

    def run_bot(app: Any, settings: Any, *_others: Any, **more: Any) -> None:
        called.append((app, settings, more))

    monkeypatch.setattr(module, "run", run_bot, raising=False)
    monkeypatch.setitem(sys.modules, "steward.faces.telegram", ModuleType("steward.faces.telegram"))
    monkeypatch.setitem(sys.modules, "steward.faces.telegram.bot", module)
    return called


def test_the_bot_receives_with_the_token_of_its_file(
    run: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, runs: Runs
) -> None:
    monkeypatch.delenv("STEWARD_TELEGRAM_TOKEN")
    monkeypatch.setenv("STEWARD_TELEGRAM_TOKEN_FILE", str(tmp_path / "token"))
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    done = run("bot")
    assert done.code == 0
    assert "No `steward up` runs" in done.stderr
    ((app, settings, more),) = runs
    assert settings.token.get_secret_value() == TOKEN
    assert app.holder.startswith("steward bot")
    assert more == {"board": ""}
    assert TOKEN not in done.stdout + done.stderr


def test_one_receives_and_another_takes_over_when_it_ends(
    world: World, monkeypatch: pytest.MonkeyPatch, runs: Runs
) -> None:
    monkeypatch.setattr(bot, "AGAIN_S", 0.01)
    store, stop = world.app.store, threading.Event()
    held = store.acquire(bot.RECEIVING, "steward up")
    assert held is not None
    told: list[str] = []
    settings: Any = object()
    thread = threading.Thread(target=bot.receive, args=(world.app, settings, stop, told.append))
    thread.start()
    while not told:
        assert thread.is_alive()
    assert (runs, "steward up" in told[0]) == ([], True)
    store.release(held)
    thread.join(10)
    assert [told_of for _app, told_of, _more in runs] == [settings]
    assert store.holder(bot.RECEIVING) is None
    assert len(told) == 1, "it is told once"


def test_who_waits_ends_when_asked_to(world: World, monkeypatch: pytest.MonkeyPatch, runs: Runs) -> None:
    stop = threading.Event()
    assert world.app.store.acquire(bot.RECEIVING, "another") is not None
    settings: Any = object()
    bot.receive(world.app, settings, stop, lambda _words: stop.set())
    assert runs == []


@dataclass
class Facing:
    """Settings with this section of the bot's, and a web face with that door."""

    telegram: TelegramSection
    door: object | None = None
    board: str = "https://steward.example.com"


def receiving(world: World, facing: Any) -> list[BaseException]:
    """Receive beside nothing; what it died of."""
    stop, died = threading.Event(), list[BaseException]()
    with bot.receiving(world.app, facing, stop, lambda _words: None, died.append, facing):
        pass
    return died


@pytest.mark.parametrize(
    ("facing", "more"),
    [
        (Facing(TelegramSection(token=SecretStr(TOKEN))), [{"board": "https://steward.example.com"}]),
        (
            Facing(TelegramSection(token=SecretStr(TOKEN), updates="webhook"), "door"),
            [{"board": "https://steward.example.com", "door": "door"}],
        ),
        (Facing(TelegramSection()), []),
    ],
    ids=["polling", "webhook", "no bot"],
)
def test_up_fetches_or_takes_what_is_delivered(
    world: World, runs: Runs, facing: Facing, more: list[Any]
) -> None:
    assert receiving(world, facing) == []
    assert [told_of for _app, _settings, told_of in runs] == more


def test_what_the_bot_dies_of_is_told(world: World, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    failure = RuntimeError("no such luck")

    def die(*_given: Any, **_more: Any) -> None:
        raise failure

    monkeypatch.setattr(sys.modules["steward.faces.telegram.bot"], "run", die)
    assert receiving(world, Facing(TelegramSection(token=SecretStr(TOKEN)))) == [failure]
    assert runs == []
    assert world.app.store.holder(bot.RECEIVING) is None
