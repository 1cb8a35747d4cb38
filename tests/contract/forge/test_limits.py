"""Rate limits: no request leaves before its time, and the reserve is kept for those who need it."""

from __future__ import annotations

import threading

import httpx
import pytest

from steward.adapters.github import Token, connect
from steward.domain.repository import Found
from steward.ports.errors import RateLimited
from tests.contract.forge.scripted import Scripted, on_page, told

SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}


def wait_s(server: Scripted, *, urgent: bool = False) -> float:
    """Read by id; it must be limited. Return for how long."""
    with server.client() as forge, pytest.raises(RateLimited) as caught:
        forge.repository(1, urgent=urgent)
    assert caught.value.retry_at is not None
    return (caught.value.retry_at - server.clock.now().at).total_seconds()


def epoch_s(server: Scripted, plus_s: int) -> str:
    return str(int(server.clock.now().at.timestamp()) + plus_s)


def limits(server: Scripted, limit: int, remaining: int, reset_in_s: int = 600) -> dict[str, str]:
    return {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(remaining),
        "x-ratelimit-reset": epoch_s(server, reset_in_s),
    }


@pytest.mark.parametrize("status", [403, 429])
def test_fault_35_retry_after_is_obeyed(status: int) -> None:
    server = Scripted(1)
    server.intercepts.append(lambda _: told(status, SECONDARY, retry_after="37"))
    assert wait_s(server) == 37


def test_fault_35_retry_after_may_be_a_date() -> None:
    server = Scripted(1)
    headers = {"retry_after": "Thu, 01 Jan 2026 00:05:00 GMT", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}
    server.intercepts.append(lambda _: told(429, {}, **headers))
    assert wait_s(server) == 300


@pytest.mark.parametrize("status", [403, 429])
def test_fault_35_a_secondary_limit_without_retry_after_waits_longer_each_time(status: int) -> None:
    server = Scripted(1)
    server.intercepts.append(lambda _: told(status, SECONDARY))
    waits = []
    with server.client() as forge:
        for _ in range(6):
            with pytest.raises(RateLimited) as caught:
                forge.repository(1)
            assert caught.value.retry_at is not None
            waits.append((caught.value.retry_at - server.clock.now().at).total_seconds())
            server.clock.advance(waits[-1])
        assert waits == [60, 120, 240, 480, 900, 900]
        server.intercepts.clear()
        assert isinstance(forge.repository(1)[0], Found)
        server.intercepts.append(lambda _: told(status, SECONDARY))
        with pytest.raises(RateLimited) as caught:
            forge.repository(1)
    assert caught.value.retry_at is not None
    assert (caught.value.retry_at - server.clock.now().at).total_seconds() == 60


def test_fault_35_no_request_leaves_before_its_time_not_even_an_urgent_one() -> None:
    server = Scripted(1)
    server.intercepts.append(lambda _: told(403, SECONDARY))
    with server.client() as forge:
        with pytest.raises(RateLimited):
            forge.repository(1)
        server.intercepts.clear()
        server.clock.advance(59)
        for urgent in (False, True):
            with pytest.raises(RateLimited):
                forge.repository(1, urgent=urgent)
        assert len(server.requests) == 1
        server.clock.advance(1)
        assert isinstance(forge.repository(1)[0], Found)


def test_a_wall_clock_that_jumps_does_not_lengthen_a_wait() -> None:
    server = Scripted(1)
    server.intercepts.append(lambda _: told(403, SECONDARY))
    with server.client() as forge:
        with pytest.raises(RateLimited):
            forge.repository(1)
        server.intercepts.clear()
        server.clock.jump(-86_400)
        server.clock.advance(60)
        assert isinstance(forge.repository(1)[0], Found)


def test_the_primary_limit_used_up_waits_for_its_reset_by_the_servers_clock() -> None:
    server = Scripted(1)
    server.clock.jump(5_000)  # ours is wrong
    headers = {
        "date": "Thu, 01 Jan 2026 00:00:00 GMT",
        "x_ratelimit_limit": "5000",
        "x_ratelimit_remaining": "0",
        "x_ratelimit_reset": str(1_767_225_600 + 600),
    }
    server.intercepts.append(lambda _: told(403, {"message": "API rate limit exceeded"}, **headers))
    assert wait_s(server, urgent=True) == 600


def test_fault_35_a_limit_mid_sweep_stops_the_sweep() -> None:
    server = Scripted(2_000)
    server.intercepts.append(on_page(3, lambda: told(403, SECONDARY)))
    with server.client(threads=1) as forge:
        with pytest.raises(RateLimited):
            forge.listing("acme", 7, [], "")
        assert server.pages_asked() == [1, 2, 3]
        with pytest.raises(RateLimited):
            forge.listing("acme", 7, [], "")
    assert server.pages_asked() == [1, 2, 3]


def test_the_reserve_is_kept_for_urgent_reads() -> None:
    server = Scripted(1)
    with server.client() as forge:
        server.extra = limits(server, 5_000, 501)
        forge.repository(1)
        server.extra = limits(server, 5_000, 500)
        forge.repository(1)
        assert (forge.budget().limit, forge.budget().remaining) == (5_000, 500)
        with pytest.raises(RateLimited) as caught:
            forge.repository(1)
        assert caught.value.retry_at == forge.budget().reset_at
        with pytest.raises(RateLimited):
            forge.listing("acme", 7, [], "")
        assert isinstance(forge.repository(1, urgent=True)[0], Found)
        assert len(server.requests) == 3
        server.clock.advance(600)
        assert isinstance(forge.repository(1)[0], Found)


def test_answers_that_overtake_each_other_do_not_raise_the_budget() -> None:
    server = Scripted(1)
    with server.client() as forge:
        for remaining, known in ((4_000, 4_000), (4_003, 4_000), (3_999, 3_999)):
            server.extra = limits(server, 5_000, remaining)
            forge.repository(1)
            assert forge.budget().remaining == known
        server.extra = limits(server, 5_000, 5_000, reset_in_s=-10)
        forge.repository(1)
        assert forge.budget().remaining == 3_999
        server.extra = limits(server, 5_000, 5_000, reset_in_s=4_200)
        forge.repository(1)
        assert forge.budget().remaining == 5_000


def test_nonsense_in_the_headers_is_no_limit() -> None:
    server = Scripted(1)
    server.extra = {"x-ratelimit-limit": "many", "x-ratelimit-remaining": "-1", "x-ratelimit-reset": "9" * 99}
    with server.client() as forge:
        forge.repository(1)
        assert isinstance(forge.repository(1)[0], Found)


def test_at_most_eight_requests_at_once() -> None:
    server = Scripted(4_000)
    lock, running, most = threading.Lock(), 0, 0
    pause = threading.Event()

    def serve(request: httpx.Request) -> httpx.Response:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        pause.wait(0.005)
        with lock:
            running -= 1
        return server.answer(request)

    transport = httpx.MockTransport(serve)
    with connect(
        "http://127.0.0.1:1", credential=Token("x"), clock=server.clock, transport=transport
    ) as forge:
        assert len(forge.listing("acme", None, [], "").repos) == 4_000
    assert 2 <= most <= 8
