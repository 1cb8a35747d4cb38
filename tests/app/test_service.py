"""The running Steward: its loops under one lease, looks asked for by another process, and a clean end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from steward.adapters.clock import SystemClock
from steward.adapters.store import open_store
from steward.app.application import Application
from steward.app.errors import LeaseHeld
from steward.app.inbox import Inbox
from steward.app.posting import want
from steward.app.service import OrganisationLoop
from steward.domain.chats import Chat, ChatKind, Post, Rendered
from steward.domain.journal import Notice
from steward.domain.people import local
from steward.domain.project import Look
from steward.domain.repository import Unclear
from steward.domain.rules import Rules
from steward.ports import ProjectQuery, RateLimited, Store, Unreachable
from steward.testing.clock import START
from steward.testing.forge import FakeForge
from steward.testing.messenger import FakeMessenger
from steward.testing.world import ANYONE, Recorder, World

QUICK = Rules(interval_s=0.3, jitter=0.0, confirm_spacing_s=0.2, grace_s=0.0)


class Running:
    """A Steward in a thread, on a database file that another one can open too."""

    def __init__(self, folder: Path) -> None:
        self.clock = SystemClock()
        self.forge = FakeForge(self.clock)
        self.forge.add_organisation("acme")
        self.recorder = Recorder()
        self.folder = folder
        self.stores: list[Store] = []
        self.stop = threading.Event()
        self.lines: list[str] = []
        self.died: list[BaseException] = []

    def application(self, holder: str, rules: Rules = QUICK) -> Application:
        """An application of its own on the shared database."""
        store = open_store(f"sqlite:///{self.folder / 'steward.db'}")
        self.stores.append(store)
        return Application(
            store=store,
            clock=self.clock,
            rules=rules,
            forge=lambda: self.forge,
            logins=["acme"],
            server=self.forge.server,
            notifiers=[self.recorder],
            holder=holder,
        )

    @contextmanager
    def serving(self, app: Application) -> Iterator[None]:
        """Run its service until the block ends."""

        def run() -> None:
            try:
                app.service().run(self.stop, self.lines.append)
            except BaseException as error:  # noqa: BLE001 -- a thread hands what it died of to the test
                self.died.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            self.stop.set()
            thread.join(60)
            assert not thread.is_alive(), "it ends when it is told to"


def until(true: Callable[[], bool], timeout_s: float = 60.0) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """One organisation with a few repositories."""
    made = Running(tmp_path)
    for name in ("shop", "blog", "api"):
        made.forge.create("acme", name)
    yield made
    for store in made.stores:
        store.close()


def statuses(app: Application) -> dict[str, str]:
    """Slug -> status."""
    return {p["slug"]: p["status"] for p in app.queries(ANYONE).projects(ProjectQuery())}


def test_it_looks_at_once_confirms_tells_and_publishes(running: Running) -> None:
    app = running.application("one")
    with running.serving(app):
        until(lambda: len(statuses(app)) == 3)
        running.forge.delete(next(iter(running.forge.live("acme"))))
        until(lambda: "missing" in statuses(app).values())
        until(lambda: any("gone from GitHub" in title for title in running.recorder.titles()))
        until(lambda: app.queries(ANYONE).events(after=0, limit=500)[-1]["kind"] == "incident.opened")
    assert running.died == []
    assert app.store.holder("heartbeat") is None


def test_a_second_one_is_refused_and_says_who_runs(running: Running) -> None:
    app = running.application("the first one")
    with running.serving(app):
        until(lambda: app.store.holder("heartbeat") is not None)
        with pytest.raises(LeaseHeld, match="the first one"):
            running.application("two").service().run(threading.Event(), print)


def test_a_look_asked_for_by_another_process_is_served_and_waited_for(running: Running) -> None:
    slow = replace(QUICK, interval_s=3600.0)
    app, other = running.application("one", slow), running.application("two", slow)
    with running.serving(app):
        until(lambda: len(statuses(app)) == 3)
        running.forge.create("acme", "fresh")
        told: list[str] = []
        shown = other.sync(ANYONE).run(progress=told.append)["organisations"][0]
        assert (shown["login"], shown["whole"], shown["observed"]) == ("acme", True, 4)
        assert shown["changes"]["discovered"] == 1
        assert "asked the running Steward (one)" in told[0]
    assert "fresh" in statuses(app)


def test_a_failing_forge_is_told_and_tried_again(running: Running) -> None:
    running.forge.script_listings("acme", Unreachable("timed out"), Unreachable("timed out"))
    app = running.application("one")
    with running.serving(app):
        until(lambda: len(statuses(app)) == 3)
    assert [line for line in running.lines if "timed out" in line]
    assert running.died == []


def test_what_a_loop_dies_of_ends_the_service_aloud(running: Running) -> None:
    running.forge.script_listings("acme", ZeroDivisionError("a defect"))
    app = running.application("one")
    with running.serving(app):
        until(lambda: bool(running.died))
    assert isinstance(running.died[0], ZeroDivisionError)
    assert app.store.holder("heartbeat") is None


def test_a_mute_that_ends_is_told(running: Running) -> None:
    app = running.application("one")
    with running.serving(app):
        until(lambda: len(statuses(app)) == 3)
        running.forge.delete(next(iter(running.forge.live("acme"))))
        until(lambda: bool(app.queries(ANYONE).incidents()))
        number = app.queries(ANYONE).incidents()[0]["id"]
        app.attending(local("local:anna")).mute(number, 0.1)
        until(lambda: app.queries(ANYONE).incident(number)["muted_until"] is None)
        until(lambda: len([t for t in running.recorder.titles() if "gone" in t]) == 2)
    assert running.died == []


def test_a_message_that_cannot_be_sent_stops_nothing_else(running: Running) -> None:
    running.recorder.fail_with = [Unreachable("no route")]
    app = running.application("one")
    with running.serving(app):
        until(lambda: len(statuses(app)) == 3)
        until(lambda: app.store.holder("heartbeat") is not None and not running.recorder.fail_with)
        with app.store.writing() as tx:
            tx.enqueue([Notice("later", running.clock.now().at, "later", "")], ["recorder"])
        until(lambda: "later" in running.recorder.titles())


def test_a_look_that_a_process_died_in_is_ended_as_interrupted(running: Running) -> None:
    app = running.application("one")
    with running.serving(app):
        until(lambda: len(statuses(app)) == 3)
    with app.store.reading() as view:
        organisation = view.organisations()[0]
    with app.store.writing() as tx:
        died = tx.begin_look(Look(0, organisation.id, "full", running.clock.now()))
    shown = app.sync(ANYONE).run(progress=running.lines.append)
    assert shown["organisations"][0]["whole"]
    with app.store.reading() as view:
        look = view.look(died)
    assert look is not None
    assert (look.outcome, look.finished_at is not None) == ("interrupted", True)


def organisation_loop(world: World) -> OrganisationLoop:
    """The loop of the world's first organisation, to be ticked by hand."""
    number = world.organisation().id
    return OrganisationLoop(world.app, world.heartbeat, number, print, Inbox(world.app, world.lease, number))


@pytest.mark.parametrize(
    "answer", [Unclear("HTML"), Unreachable("timed out"), RateLimited("wait", START + timedelta(hours=1))]
)
def test_a_round_that_comes_to_nothing_is_not_repeated_at_every_tick(
    world: World, answer: Unclear | Unreachable | RateLimited
) -> None:
    shop = next(iter(world.forge.live("acme")))
    world.forge.delete(shop)
    world.beat()
    world.clock.advance(60)
    loop = organisation_loop(world)
    loop.tick()
    world.forge.script_reads(shop, *[answer] * 500)
    world.clock.advance(60)
    before = world.forge.requests
    for _ in range(200):
        loop.tick()
        world.clock.advance(0.5)
    asked = world.forge.requests - before
    assert 1 <= asked <= (1 if isinstance(answer, RateLimited) else 6)
    world.forge.clear_faults()
    world.clock.advance(3600)
    loop.tick()
    world.clock.advance(60)
    loop.tick()
    assert world.status(shop) == "missing"


def test_what_is_wanted_in_a_chat_is_shown_and_the_messenger_is_closed(running: Running) -> None:
    fake, plain = FakeMessenger(), running.application("one")
    app = replace(plain, messenger=lambda: fake, render=lambda _app, _chat, post: Rendered(post.data["text"]))
    with plain.store.writing() as tx:
        tx.save_chat(Chat(7, ChatKind.PRIVATE, "anna", datetime(2026, 1, 1, tzinfo=UTC)))
        want(tx, Post(7, "a", "said", datetime(2026, 1, 1, tzinfo=UTC), {"text": "hello"}))
    with running.serving(app):
        until(lambda: [shown.says.text for shown in fake.seen(7)] == ["hello"])
    assert (running.died, fake.closed) == ([], 1)
