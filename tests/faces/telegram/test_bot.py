"""The bot as it runs: fetching and delivered updates, what stands in its way, and how quickly it stops."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from steward.faces.http import app as http
from steward.faces.http.live import Live
from steward.faces.http.server import address_of, bind, serving
from steward.faces.http.site import Site
from steward.faces.telegram.bot import Pace, run
from steward.faces.telegram.door import Closed, Door, hook_secret
from steward.ports import Permanent, StoreUnavailable
from steward.settings.talking import TelegramSection
from steward.testing.world import ANYONE
from tests.faces.telegram.bench import BOARD, Bench
from tests.telegram.server import TelegramServer
from tests.telegram.state import Fault

QUICK = Pace(poll_s=1, backoff_s=(0.05,), stuck_s=0.2)
HEADER = "X-Telegram-Bot-Api-Secret-Token"


def section(server: TelegramServer, **more: Any) -> TelegramSection:
    return TelegramSection(token=SecretStr(server.token), api_url=server.url, **more)


@contextmanager
def running(desk: Bench, given: TelegramSection | None = None, **more: Any) -> Iterator[list[str]]:
    """The bot in a thread; what it says of itself. It ends within two seconds of being asked to."""
    stop, notes, died = threading.Event(), list[str](), list[BaseException]()

    def work() -> None:
        try:
            run(desk.app, given or section(desk.server), stop, notes.append, pace=QUICK, **more)
        except BaseException as error:  # noqa: BLE001 - raised anew below
            died.append(error)

    thread = threading.Thread(target=work, name="bot")
    thread.start()
    try:
        yield notes
    finally:
        asked = time.monotonic()
        stop.set()
        thread.join(20)
        took = time.monotonic() - asked
    assert died == []
    assert not thread.is_alive()
    assert took < 4, "within two seconds, on a machine that others use too"


def until(what: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never comes to that"
        time.sleep(0.02)


def said(desk: Bench) -> list[str]:
    """What Anna has said in her talks."""
    return [row["text"] for talk in desk.talks("anna") for row in talk["said"]]


def connected(desk: Bench, account: int) -> bool:
    return desk.app.callers.principal(account) is not None


def causes(desk: Bench) -> list[str]:
    with desk.app.store.reading() as view:
        return [one.key for one in view.incidents(states=["open"])]


def test_updates_are_fetched_and_the_name_of_the_bot_is_kept(desk: Bench) -> None:
    desk.app.people(ANYONE).add("anna", "viewer")
    with running(desk) as notes:
        until(lambda: notes != [])
        link = desk.app.chats(ANYONE).code("anna")["link"]
        assert link.startswith("https://t.me/StewardTestBot?start=stc_")
        anna = desk.server.person("Anna")
        anna.starts(link.partition("start=")[2])
        until(lambda: connected(desk, anna.id))
        desk.server.drained()
    assert any("StewardTestBot" in note for note in notes)


def test_an_update_is_confirmed_once_it_was_handled(desk: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    anna = desk.person("Anna")
    broken = threading.Event()
    handled = type(desk.app.callers).handled

    def unavailable(self: Any, number: int) -> bool:
        if not broken.is_set():
            raise StoreUnavailable("the database does not answer")
        return handled(self, number)

    monkeypatch.setattr(type(desk.app.callers), "handled", unavailable)
    with running(desk):
        anna.writes("A shop for cups")
        time.sleep(0.5)
        assert desk.talks("anna") == []
        broken.set()
        until(lambda: desk.talks("anna") != [])
        desk.server.drained()


def test_another_poller_is_an_incident_that_ends_with_it(desk: Bench) -> None:
    desk.server.state.rival = True
    with running(desk):
        until(lambda: causes(desk) == ["bot_failing:receiving"])
        desk.server.state.rival = False
        until(lambda: causes(desk) == [])


def test_a_refused_token_is_an_incident(desk: Bench) -> None:
    wrong = TelegramSection(token=SecretStr("4242000001:" + "x" * 35), api_url=desk.server.url)
    with running(desk, wrong):
        until(lambda: causes(desk) == ["bot_failing:receiving"])
    with running(desk):
        until(lambda: causes(desk) == [])


def test_without_a_token_it_says_how_to_get_one(desk: Bench) -> None:
    with pytest.raises(Permanent, match="no token"):
        run(desk.app, TelegramSection(), threading.Event(), print)


def test_a_network_that_fails_is_waited_out(desk: Bench) -> None:
    anna = desk.person("Anna")
    desk.server.faults.append(Fault("500", "getUpdates", times=2))
    desk.server.faults.append(Fault("break", "getUpdates", times=2))
    desk.server.faults.append(Fault("502", "getMe"))
    with running(desk):
        anna.writes("A shop for cups")
        until(lambda: desk.talks("anna") != [])


def test_an_update_of_an_unknown_form_does_not_stop_the_others(desk: Bench) -> None:
    anna = desk.person("Anna")
    anna.writes("first")
    with desk.server.state.lock:
        desk.server.state.put("message", {"message_id": "no number"})
    anna.writes("A shop for cups")
    with running(desk):
        until(lambda: "A shop for cups" in said(desk))
        desk.server.drained()
    assert said(desk) == ["first", "A shop for cups"]


def test_it_stops_while_telegram_holds_the_line(desk: Bench) -> None:
    desk.server.faults.append(Fault("hang", "getUpdates"))
    with running(desk) as notes:
        until(lambda: notes != [])
        time.sleep(0.3)


# Webhooks ----------------------------------------------------------------------------------------------------


@contextmanager
def served(desk: Bench, door: Door | None) -> Iterator[str]:
    """A web face that takes deliveries."""
    bound = bind("127.0.0.1", 0)
    site = Site(desk.app, Live(desk.app), telegram=door)
    with serving(http.build(site), bound):
        yield address_of(bound)


def test_webhooks_need_a_public_address(desk: Bench) -> None:
    with pytest.raises(Permanent, match="public address"):
        run(desk.app, section(desk.server, updates="webhook"), threading.Event(), print)


def test_delivered_updates_are_handled_before_they_are_answered(desk: Bench) -> None:
    anna = desk.person("Anna")
    door = Door(desk.server.token)
    with (
        served(desk, door) as url,
        running(desk, section(desk.server, updates="webhook"), board=url, door=door) as notes,
    ):
        until(lambda: notes != [])
        anna.writes("A shop for cups")
        until(lambda: desk.talks("anna") != [])
        desk.server.drained()
    assert said(desk) == ["A shop for cups"], "once, and before it was answered"


def test_only_telegram_delivers(desk: Bench) -> None:
    door = Door(desk.server.token)
    update = {"update_id": 1, "message": {}}
    right = {HEADER: hook_secret(desk.server.token)}
    with served(desk, door) as url, httpx.Client(base_url=url) as client:
        path = "/hooks/telegram"
        assert client.post(path, json=update).status_code == 401
        assert client.post(path, json=update, headers={HEADER: "x"}).status_code == 401
        assert client.post(path, content=b"{", headers=right).status_code == 400
        assert client.post(path, json=[1], headers=right).status_code == 400
        assert client.post(path, content=b"x" * 1_100_000, headers=right).status_code == 413
        # Nobody takes deliveries: it is to come again.
        assert client.post(path, json=update, headers=right).status_code == 503
    with served(desk, None) as url, httpx.Client(base_url=url) as client:
        assert client.post("/hooks/telegram", json=update, headers=right).status_code == 401


def test_a_closed_door_takes_nothing() -> None:
    door = Door("1:x")
    with pytest.raises(Closed):
        door.submit({})
    assert BOARD
