"""What every engine does, on all three of them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from itertools import pairwise

import pytest

from steward.ports import StoreUnavailable, Transient
from steward.ports.engine import ENDED, GO_ON, Stepped, again
from steward.testing.engine import InlineEngine
from tests.contract.engine.kit import Gate, Rig, Script, Times

WHOLE = ["begin", "one", "two", "three", "end"]


def test_every_step_runs_once_and_in_order(rig: Rig) -> None:
    script = Script()
    rig.launch(script)
    for run_id in ("a:1", "b:1", "c:1"):
        rig.engine.start(run_id, "build", "shop")
    assert rig.settle("a:1", "b:1", "c:1") == {"a:1": "ended", "b:1": "ended", "c:1": "ended"}
    assert [script.of(run_id) for run_id in ("a:1", "b:1", "c:1")] == [WHOLE] * 3


def test_started_many_times_it_runs_once(rig: Rig) -> None:
    script = Script()
    rig.launch(script)
    for _ in range(3):
        rig.engine.start("a:1", "build", "shop")
    rig.settle("a:1")
    rig.engine.start("a:1", "build", "shop")
    assert rig.settle("a:1") == {"a:1": "ended"}
    assert script.of("a:1") == WHOLE


def test_a_step_that_asks_for_it_is_called_again_after_its_wait(rig: Rig) -> None:
    script = Script()
    at: list[float] = []

    def twice(run_id: str) -> Stepped:
        at.append(rig.clock.now().tick_s)
        return again(0.4) if len(at) < 3 else GO_ON

    script.does["two"] = twice
    rig.launch(script)
    rig.engine.start("a:1", "build", "shop")
    rig.settle("a:1")
    assert script.of("a:1") == ["begin", "one", "two", "two", "two", "three", "end"]
    assert all(later - earlier >= 0.39 for earlier, later in pairwise(at))


def test_ended_leaves_the_rest_and_the_end(rig: Rig) -> None:
    script = Script(does={"two": Times(ENDED)})
    rig.launch(script)
    rig.engine.start("a:1", "build", "shop")
    assert rig.settle("a:1") == {"a:1": "ended"}
    assert script.of("a:1") == ["begin", "one", "two"]


def test_one_that_is_over_already_runs_nothing(rig: Rig) -> None:
    script = Script(names=())
    rig.launch(script)
    rig.engine.start("a:1", "build", "shop")
    assert rig.settle("a:1") == {"a:1": "ended"}
    assert script.of("a:1") == ["begin"]


def test_transient_hindrances_are_outlived_wherever_they_are(rig: Rig) -> None:
    begins, ends = Times(Transient("away")), Times(StoreUnavailable("away"))
    script = Script(does={"two": Times(Transient("away"), StoreUnavailable("away"))})
    script.begins, script.ends = lambda run_id: use(begins(run_id)), lambda run_id: use(ends(run_id))
    rig.launch(script)
    rig.engine.start("a:1", "build", "shop")
    assert rig.settle("a:1") == {"a:1": "ended"}
    assert script.of("a:1") == ["begin", "begin", "one", "two", "two", "two", "three", "end", "end"]


def test_a_hindrance_without_end_loses_the_attempt(rig: Rig) -> None:
    script = Script(does={"two": Times(*[Transient("away")] * 100)})
    rig.launch(script)
    rig.engine.start("a:1", "build", "shop")
    assert rig.settle("a:1") == {"a:1": "lost"}
    assert 3 <= script.of("a:1").count("two") < 20
    assert "three" not in script.of("a:1")


def test_any_other_exception_loses_the_attempt_wherever_it_is_and_is_logged(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(where: str) -> Callable[[str], None]:
        def at(run_id: str) -> None:
            if run_id.startswith(where):
                raise ValueError(f"a fault in {where}")

        return at

    script = Script(begins=breaks("begin"), ends=breaks("end"))
    script.does["two"] = lambda run_id: went_on(breaks("two")(run_id))
    rig.launch(script)
    for where in ("begin", "two", "end"):
        rig.engine.start(f"{where}:1", "build", "shop")
    with caplog.at_level(logging.ERROR):
        assert set(rig.settle("begin:1", "two:1", "end:1").values()) == {"lost"}
    for where in ("begin", "two", "end"):
        assert script.of(f"{where}:1") == WHOLE[: WHOLE.index(where) + 1]
        assert f"the attempt {where}:1 is lost" in caplog.text
        assert f"a fault in {where}" in caplog.text


def test_what_was_lost_does_not_start_again_and_only_what_has_a_lane_starts_at_all(rig: Rig) -> None:
    script = Script(does={"two": Times(ValueError("a fault"))})
    rig.launch(script)
    rig.engine.start("a:1", "build", "shop")
    rig.settle("a:1")
    rig.engine.start("a:1", "build", "shop")
    rig.engine.start("a:2", "build", "shop")
    assert rig.settle("a:1", "a:2", "z:9") == {"a:1": "lost", "a:2": "ended"}
    assert rig.engine.known([]) == {}
    with pytest.raises(ValueError, match="no lane"):
        rig.engine.start("a:3", "unheard-of", "shop")


def test_cancelled_before_it_began_it_never_begins(rig: Rig) -> None:
    script = Script()
    rig.launch(script, build=1)
    if isinstance(rig.engine, InlineEngine):
        rig.engine.start("b:1", "build", "shop")
    else:
        gate = Gate()
        script.does["one"] = gate
        rig.engine.start("a:1", "build", "shop")
        assert gate.begun.wait(10)
        rig.engine.start("b:1", "build", "shop")
        assert rig.engine.known(["a:1", "b:1"]) == {"a:1": "running", "b:1": "queued"}
        gate.open.set()
    rig.engine.cancel("b:1")
    rig.engine.cancel("unknown:1")
    assert rig.settle("b:1") == {"b:1": "cancelled"}
    assert script.of("b:1") == []


def test_cancelled_in_a_step_that_step_ends_and_no_further_one_begins(rig: Rig) -> None:
    def cancels(run_id: str) -> Stepped:
        rig.engine.cancel(run_id)
        script.calls.append((run_id, "goes on"))
        return GO_ON

    script = Script(does={"two": cancels})
    rig.launch(script, build=1)
    rig.engine.start("a:1", "build", "shop")
    rig.engine.start("b:1", "build", "shop")
    assert rig.settle("a:1", "b:1") == {"a:1": "cancelled", "b:1": "cancelled"}
    rig.engine.start("a:1", "build", "shop")
    rig.engine.start("c:1", "build", "shop")
    assert rig.settle("a:1", "c:1") == {"a:1": "cancelled", "c:1": "cancelled"}
    assert script.of("a:1") == ["begin", "one", "two", "goes on"]


def test_cancelled_in_a_wait_it_ends_at_once(rig: Rig) -> None:
    def waits(run_id: str) -> Stepped:
        if run_id != "a:1":
            return GO_ON
        if isinstance(rig.engine, InlineEngine):
            rig.engine.cancel(run_id)
        asked.set()
        return again(3600)

    asked = threading.Event()
    script = Script(does={"two": waits})
    rig.launch(script, build=1)
    rig.engine.start("a:1", "build", "shop")
    if not isinstance(rig.engine, InlineEngine):
        assert asked.wait(10)
        rig.engine.cancel("a:1")
    rig.engine.start("b:1", "build", "shop")
    assert rig.settle("a:1", "b:1") == {"a:1": "cancelled", "b:1": "ended"}


def test_a_lane_never_holds_more_than_its_limit_and_lanes_do_not_wait_for_each_other(rig: Rig) -> None:
    running: dict[str, set[str]] = {"build": set(), "look": set()}
    most = {"build": 0, "look": 0}
    guard = threading.Lock()

    def enter(run_id: str) -> None:
        kind = run_id.partition("-")[0]
        with guard:
            running[kind].add(run_id)
            most[kind] = max(most[kind], len(running[kind]))

    def leave(run_id: str) -> None:
        with guard:
            running[run_id.partition("-")[0]].discard(run_id)

    repeats = {f"{kind}-{n}:1": Times(again(0.05), again(0.05)) for kind in most for n in range(6)}
    script = Script(does={"two": lambda run_id: repeats[run_id](run_id)}, begins=enter, ends=leave)
    rig.launch(script, build=2, look=3)
    for run_id in repeats:
        rig.engine.start(run_id, run_id.partition("-")[0], "shop")
    assert set(rig.settle(*repeats).values()) == {"ended"}
    assert most == {"build": 2, "look": 3}


def test_closed_and_launched_again_it_goes_on_where_it_was(rig: Rig) -> None:
    script = Script()
    if isinstance(rig.engine, InlineEngine):
        rig.launch(script)
        rig.engine.start("a:1", "build", "shop")
        rig.engine.close(5.0)
        rig.engine.run_all(rig.clock)
        assert script.of("a:1") == []
    else:
        gate = Gate()
        script.does["two"] = gate
        rig.launch(script)
        rig.engine.start("a:1", "build", "shop")
        assert gate.begun.wait(10)
        threading.Timer(0.2, gate.open.set).start()
        rig.engine.close(10.0)
        assert script.of("a:1") == ["begin", "one", "two"]
    rig.launch(script)
    assert rig.settle("a:1") == {"a:1": "ended"}
    assert script.of("a:1") == WHOLE


def went_on(_: None) -> Stepped:
    """What a step answers that did what it had to."""
    return GO_ON


def use(answer: Stepped) -> None:
    """An answer that is of no interest."""
    assert answer == GO_ON
