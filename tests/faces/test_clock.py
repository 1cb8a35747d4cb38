"""The system's clock."""

from __future__ import annotations

import threading
from datetime import UTC

from steward.adapters.clock import SystemClock
from steward.domain.instant import Instant, elapsed_s
from steward.ports import Clock


def test_it_tells_both_times_and_names_the_boot() -> None:
    clock: Clock = SystemClock()
    first, second = clock.now(), clock.now()
    assert first.at.tzinfo is UTC
    assert first.boot == second.boot != ""
    assert second.tick_s >= first.tick_s > 0
    assert Instant.decode(first.encode()).boot == first.boot


def test_two_clocks_of_one_machine_agree() -> None:
    assert elapsed_s(SystemClock().now(), SystemClock().now()) < 5


def test_a_wait_ends_by_itself_or_when_stopped() -> None:
    clock = SystemClock()
    before = clock.now()
    assert clock.wait(0.02) is False
    assert elapsed_s(before, clock.now()) >= 0.02
    threading.Timer(0.05, clock.stop).start()
    assert clock.wait(30) is True
    assert elapsed_s(before, clock.now()) < 10
