"""The dead-man ping: sent while Steward truly works, kept back otherwise, and never a danger to the loops."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from steward.adapters.notify import HttpPulse
from steward.app.alive import AliveLoop, Ticks
from steward.app.doctor import examine
from steward.ports import Permanent, StoreUnavailable, Transient
from steward.testing.world import ANYONE, World


@dataclass
class Heard:
    """Somebody outside; `raises` is what the next sends die of."""

    sent: int = 0
    raises: list[Exception] = field(default_factory=list)

    def send(self) -> None:
        if self.raises:
            raise self.raises.pop(0)
        self.sent += 1


class Watched:
    """A world whose loops are ticked by hand."""

    def __init__(self, world: World) -> None:
        self.world, self.heard, self.lines = world, Heard(), list[str]()
        self.app = replace(world.app, pulse=self.heard)
        self.ticks = Ticks()
        self.loop = AliveLoop(self.app, world.lease, [world.organisation().id], self.ticks, self.lines.append)

    def tick(self, *, through: bool = True, looked: bool = True, later_s: float = 60.0) -> int:
        """Let a minute pass in which this worked; how many pings were heard so far."""
        self.world.clock.advance(later_s)
        if looked:
            self.world.beat()
        if through:
            self.ticks.through(self.world.organisation().id, self.world.clock.now())
        self.loop.tick()
        return self.heard.sent


@pytest.fixture
def watched(world: World) -> Watched:
    return Watched(world)


def test_one_is_sent_each_minute_while_all_is_well(watched: Watched) -> None:
    assert [watched.tick(later_s=30.0) for _ in range(6)] == [1, 1, 2, 2, 3, 3]
    assert watched.lines == []


def test_none_is_sent_where_the_last_whole_look_is_old_and_the_log_says_so_once(watched: Watched) -> None:
    assert watched.tick() == 1
    bound_s = 2 * watched.world.rules.interval_s + 120
    watched.world.clock.advance(bound_s)
    assert [watched.tick(looked=False) for _ in range(3)] == [1, 1, 1]
    assert len(watched.lines) == 1
    assert "whole look at acme" in watched.lines[0]
    alive = watched.app.queries(ANYONE).sync_status()["alive"]
    assert "whole look" in alive["silent"]
    assert watched.tick() == 2


def test_none_is_sent_where_a_loop_does_not_go_round(watched: Watched) -> None:
    assert watched.tick(through=False) == 0
    assert "the loop of acme" in watched.lines[0]


def test_a_misconfigured_organisation_is_not_waited_for(watched: Watched) -> None:
    watched.world.forge.set_reachable("acme", reachable=False)
    watched.world.beat()
    assert watched.world.organisation().state == "misconfigured"
    watched.world.clock.advance(10 * watched.world.rules.interval_s + 600)
    assert watched.tick(looked=False) == 1


def test_none_is_sent_where_the_database_takes_no_write(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: object, lease: object = None) -> None:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(type(watched.app.store), "writing", full)
    watched.ticks.through(watched.loop.organisation_ids[0], watched.world.clock.now())
    with pytest.raises(StoreUnavailable):
        watched.loop.tick()
    assert watched.heard.sent == 0


@pytest.mark.parametrize("error", [Transient("no answer"), Permanent("gone", "Mend it."), ValueError("odd")])
def test_a_ping_that_fails_hurts_nothing_and_is_told(watched: Watched, error: Exception) -> None:
    watched.heard.raises = [error, error]
    assert [watched.tick() for _ in range(3)] == [0, 0, 1]
    assert len(watched.lines) == 1
    alive = watched.app.queries(ANYONE).sync_status()["alive"]
    assert alive["failure"]
    assert alive["sent_at"] > alive["failed_at"]


def test_the_doctor_says_when_it_was_sent_last(watched: Watched) -> None:
    def check() -> tuple[bool, str]:
        found = next(one for one in examine(watched.app) if one.name == "dead-man ping")
        return found.ok, found.detail

    assert check() == (False, "none was tried yet")
    watched.tick()
    assert check()[0]
    watched.world.clock.advance(600)
    assert not check()[0]


@contextmanager
def answering(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A server on this machine that answers so; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_said: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/ping/s3cret"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def respond(status: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()

    return answer


def test_an_address_that_answers_well_is_heard() -> None:
    with answering(respond(200)) as url:
        HttpPulse(url, timeout_s=2.0).send()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (respond(500), Transient),
        (respond(302, location="http://example.invalid/elsewhere"), Permanent),
        (respond(302, location="/ping/s3cret"), Transient),
        (lambda handler: handler.connection.close(), Transient),
    ],
)
def test_what_goes_wrong_never_names_the_address(
    answer: Callable[[BaseHTTPRequestHandler], None], error: type[Exception]
) -> None:
    with answering(answer) as url, pytest.raises(error) as raised:
        HttpPulse(url, timeout_s=1.0).send()
    assert "s3cret" not in str(raised.value)
