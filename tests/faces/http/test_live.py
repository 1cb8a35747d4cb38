"""Live events: nothing is lost between two connections, nobody hears what they may not see."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from steward.adapters.store import open_store
from steward.domain.people import Grant, PassKind, Role, User
from steward.faces.http.app import build
from steward.faces.http.live import Live, signal
from steward.faces.http.server import address_of, bind, serving
from steward.faces.http.site import COOKIE, Site
from steward.testing.world import ANYONE, World

WAIT_S = 10.0


class Here:
    """A world behind a real server on a port of its own, which can be started again."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.address = ""

    @contextmanager
    def up(self) -> Iterator[None]:
        """Serve for the length of the block."""
        bound = bind("127.0.0.1", 0)
        self.address = address_of(bound)
        with serving(build(Site(self.world.app, Live(self.world.app))), bound):
            yield

    def session(self, role: Role = Role.VIEWER, login: str | None = None) -> dict[str, str]:
        """The cookie of somebody who signed in."""
        place = self.world.organisation(login).id if login else None
        name = f"{role.value}-{login or 'all'}"
        with self.world.store.writing() as tx:
            tx.add_user(User(0, name, self.world.clock.now().at, (Grant(role, place),)))
        access = self.world.app.access
        return {"Cookie": f"{COOKIE}={access.sign_in(access.link(name, 'test'), 'a test')[0]}"}

    def hear(self, headers: dict[str, str], count: int, after: int | None = None) -> list[dict[str, Any]]:
        """The next events of a stream."""
        return list(take(self.lines(headers, after), count))

    def lines(self, headers: dict[str, str], after: int | None = None) -> Iterator[str]:
        """The lines of a stream, as they come."""
        params = {} if after is None else {"last": str(after)}
        with httpx.stream(
            "GET", f"{self.address}/live", headers=headers, params=params, timeout=WAIT_S
        ) as stream:
            assert stream.status_code == 200, stream.read()
            yield from stream.iter_lines()


def take(lines: Iterator[str], count: int) -> Iterator[dict[str, Any]]:
    """The data of so many events."""
    for line in lines:
        if count == 0:
            return
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))
            count -= 1
            if count == 0:
                return


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    store = open_store(f"sqlite:///{tmp_path / 'steward.db'}")
    world = World(store, ("acme", "umbrella"))
    world.forge.create("acme", "shop")
    world.beat("acme")
    world.beat("umbrella")
    store.publish()
    yield Here(world)
    store.close()


def test_an_open_stream_hears_what_happens_and_a_later_one_what_it_missed(here: Here) -> None:
    with here.up():
        viewer = here.session()
        heard: list[dict[str, Any]] = []
        lines = here.lines(viewer)
        assert next(lines).startswith("retry:"), "the stream is open"
        listener = threading.Thread(target=lambda: heard.extend(take(lines, 1)))
        listener.start()
        here.world.commands().order("idea", organisation="acme")
        listener.join(WAIT_S)
        assert [(e["project"], e["organisation"]) for e in heard] == [("idea", "acme")]
    # The server restarts; meanwhile something happens that no stream carried.
    here.world.commands().own("idea", "Anna")
    here.world.commands().own("idea", "Ben")
    with here.up():
        missed = here.hear(viewer, 2, after=heard[0]["position"])
    assert [e["kind"] for e in missed] == ["project.changed", "project.changed"]
    assert missed[0]["position"] == heard[0]["position"] + 1


def test_nobody_hears_of_an_organisation_that_they_may_not_see(here: Here) -> None:
    with here.up():
        viewer = here.session(Role.VIEWER, "umbrella")
        start = here.world.app.queries(here.world.commands().by).last_position()
        here.world.commands().order("secret", organisation="acme")
        here.world.commands().order("known", organisation="umbrella")
        assert [e["project"] for e in here.hear(viewer, 1, after=start)] == ["known"]


def test_a_position_that_is_none_is_refused(here: Here) -> None:
    with here.up():
        answer = httpx.get(f"{here.address}/live?last=x", headers=here.session())
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:steward:problem:invalid")


def test_a_stream_ends_when_the_session_does(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steward.faces.http.live.HEARTBEAT_S", 0.2)
    with here.up():
        viewer = here.session()
        lines = here.lines(viewer)
        next(lines)
        secret = viewer["Cookie"].partition("=")[2]
        here.world.app.access.sign_out(here.world.app.access.identify(secret, PassKind.SESSION))
        assert not [line for line in lines if line.startswith("data:")], "and it ends by itself"


def test_a_server_with_open_streams_stops_by_itself(here: Here) -> None:
    with here.up():
        streams = [here.lines(here.session(role)) for role in Role]
        for stream in streams:
            next(stream)
    # The server has stopped: every stream came to its end instead of being cut off.
    for stream in streams:
        assert [line for line in stream if line.startswith("data:")] == []


def test_readers_that_leave_while_they_are_woken_stop_nobody_else() -> None:
    """A server cancels the stream of a reader who left again and again, until it has ended."""
    world = World(open_store("sqlite://"))

    async def run() -> None:
        live = Live(world.app)
        await live.start()
        stays = live.stream(ANYONE, None, never, signal)
        assert (await anext(stays)).startswith("retry:")
        waits = asyncio.ensure_future(anext(stays))
        leaving = [asyncio.create_task(reader(live, place / 1000)) for place in range(30)]
        for _ in range(200):
            live._position += 1
            live._wake()
            await asyncio.sleep(0)
        for outcome in await asyncio.gather(*leaving, return_exceptions=True):
            assert outcome is None
        world.beat()
        world.store.publish()
        assert "event: change" in await asyncio.wait_for(waits, WAIT_S)
        await live.stop()

    asyncio.run(run())
    world.store.close()


async def never() -> bool:
    """A reader who is there."""
    return False


async def reader(live: Live, stays_s: float) -> None:
    """One who waits for news, and leaves."""
    async with anyio.create_task_group() as group:

        async def wait() -> None:
            while True:
                await live._news(live._position)

        group.start_soon(wait)
        await asyncio.sleep(stays_s)
        group.cancel_scope.cancel()
