"""What only the engine in memory can: crash at any call, before or after its effect."""

from __future__ import annotations

import pytest

from steward.ports.engine import GO_ON, Lane, again
from steward.testing.clock import FakeClock
from steward.testing.engine import Crashed, InlineEngine
from tests.contract.engine.kit import Script, Times

WHOLE = ["begin", "one", "two", "two", "three", "end"]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", range(1, 7))
def test_after_a_crash_at_any_call_only_that_call_may_be_made_twice(call: int, after: bool) -> None:
    engine, clock = InlineEngine(), FakeClock()
    script = Script(does={"two": Times(again(60.0))})
    engine.launch(script, [Lane("build", 1)], work=True)
    engine.start("a:1", "build", "shop")
    engine.crash_at(call, after=after)
    with pytest.raises(Crashed):
        engine.run_all(clock)
    engine.launch(script, [Lane("build", 1)], work=True)
    engine.run_all(clock)
    assert engine.known(["a:1"]) == {"a:1": "ended"}
    lost_wait = after and call == 3
    twice = [WHOLE[call - 1]] if after and not lost_wait else []
    assert script.of("a:1") == [*WHOLE[: call - 1], *twice, *WHOLE[call - 1 :]]


def test_waits_pass_on_the_clock_it_is_given_and_others_run_meanwhile() -> None:
    engine, clock = InlineEngine(), FakeClock()
    script = Script(does={"one": Times(again(600.0), GO_ON)})
    began = clock.now().tick_s
    engine.launch(script, [Lane("build", 2)], work=True)
    engine.start("a:1", "build", "shop")
    engine.start("b:1", "build", "shop")
    engine.run_all(clock)
    assert clock.now().tick_s - began == pytest.approx(600.0)
    order = [run_id for run_id, what in script.calls if what == "end"]
    assert order == ["b:1", "a:1"]


def test_without_work_nothing_runs_and_an_attempt_without_end_is_a_fault() -> None:
    engine, clock, script = InlineEngine(), FakeClock(), Script()
    engine.launch(script, [Lane("build", 2)], work=False)
    engine.start("a:1", "build", "shop")
    engine.run_all(clock)
    assert (script.calls, engine.known(["a:1"])) == ([], {"a:1": "queued"})
    script.does["one"] = lambda run_id: again(1.0)
    engine.launch(script, [Lane("build", 2)], work=True)
    with pytest.raises(RuntimeError, match="not over"):
        engine.run_all(clock)
