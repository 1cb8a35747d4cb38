"""Operations on fakes: what a crash at any single place leaves is taken up again, and nothing is made twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steward.app.errors import Invalid
from steward.domain.lifecycle import WITH_REPOSITORY, Refused
from steward.domain.operations import OperationState, Work
from steward.domain.project import Project
from steward.domain.status import Status
from steward.testing.driven import Driven
from steward.testing.engine import Crashed
from tests.app.driven_kit import ROAD, count, judge_history, judge_live, judge_once, succeeded

PLACES = [(number, after) for number in range(1, len(ROAD) + 1) for after in (False, True)]
NAMED = [f"{'after' if after else 'before'}-{ROAD[number - 1]}-{number}" for number, after in PLACES]
CALLS = 44
"""Calls of `Steps` in a first road."""
WRITES = 90
"""Write transactions in it, at most."""


def test_a_road_has_the_effects_that_the_crashes_below_are_enumerated_over(driven: Driven) -> None:
    driven.live()
    assert tuple(driven.gate.names) == ROAD
    assert driven.engine.calls == CALLS
    assert len(driven.writes.names) <= WRITES
    judge_live(driven)


@pytest.mark.parametrize(("effect", "after"), PLACES[3:], ids=NAMED[3:])
def test_a_death_at_any_single_effect_doubles_nothing(driven: Driven, effect: int, after: bool) -> None:
    driven.gate.die(effect, after=after)
    driven.order_past_deaths()
    assert driven.drive() >= (effect > 1)
    judge_live(driven)


@pytest.mark.parametrize("after", [False, True])
def test_a_death_at_every_call_of_a_step_doubles_nothing(driven: Driven, after: bool) -> None:
    """Each call dies once: before it, or after its effect and before that is recorded."""
    deaths = _dying(driven, after=after)
    assert deaths >= CALLS - 2
    judge_live(driven)


def _dying(driven: Driven, *, after: bool) -> int:
    deaths = 0
    driven.building().draft("shop", wish=driven.wish())
    driven.building().approve("shop")
    driven.engine.crash_at(1, after=after)
    for _ in range(500):
        try:
            calls = driven.engine.calls
            busy = driven.driver.tick()
            driven.engine.run_all(driven.clock)
        except Crashed:
            deaths += 1
            driven.begin()
            driven.engine.crash_at(2, after=after)
            continue
        if driven.project().status is Status.ESTIMATED:
            driven.building().confirm("shop")
        elif not busy and calls == driven.engine.calls:
            break
    return deaths


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("every", [7, 11])
def test_deaths_at_one_write_after_another_double_nothing(driven: Driven, every: int, after: bool) -> None:
    driven.writes.storm(every, after=after)
    driven.order_past_deaths()
    assert driven.drive() >= 4
    driven.writes.storm(0, after=after)
    judge_live(driven)


@pytest.mark.soak
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("write", range(1, WRITES))
def test_a_death_at_any_single_write_doubles_nothing(driven: Driven, write: int, after: bool) -> None:
    driven.writes.die(write, after=after)
    driven.order_past_deaths()
    driven.drive()
    judge_live(driven)


@pytest.mark.soak
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", range(1, CALLS + 1))
def test_a_death_at_any_single_call_doubles_nothing(driven: Driven, call: int, after: bool) -> None:
    driven.engine.crash_at(call, after=after)
    driven.order_past_deaths()
    driven.drive()
    judge_live(driven)


@pytest.mark.parametrize(("effect", "after"), [(n, after) for n in range(1, 5) for after in (False, True)])
def test_a_death_while_an_abandoned_update_is_taken_back_doubles_nothing(
    driven: Driven, effect: int, after: bool
) -> None:
    driven.live()
    before = driven.build.held(driven.tip())[1]
    driven.building().update("shop", "More")
    driven.building().rebuild("shop")
    driven.until(lambda: driven.project().status is Status.VERIFYING)
    driven.building().abandon("shop")
    driven.gate.die(effect, after=after)
    deaths = driven.drive()
    assert deaths == (effect <= 3), driven.gate.names[-4:]
    assert driven.build.held(driven.tip())[1] == before
    assert driven.project().status is Status.ACTIVE
    judge_history(driven)
    judge_once(driven)


@pytest.mark.parametrize("after", [False, True])
def test_a_death_while_a_release_is_rolled_back_doubles_nothing(driven: Driven, after: bool) -> None:
    driven.live()
    first = driven.tip()
    driven.building().update("shop", "More")
    driven.building().rebuild("shop")
    driven.drive()
    driven.building().rollback("shop")
    driven.gate.die(1, after=after)
    assert driven.drive() == 1
    assert [(one.number, one.state) for one in driven.releases()] == [(2, "superseded"), (1, "live")]
    assert driven.deployer.serving[driven.project().id] == first
    assert driven.project().status is Status.ACTIVE
    driven.building().rollback("shop", 2)
    driven.drive()
    assert [(one.number, one.state) for one in driven.releases()] == [(2, "live"), (1, "superseded")]
    judge_history(driven)


@pytest.mark.soak
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("effect", range(1, 12))
def test_a_death_at_any_effect_of_an_update_doubles_nothing(driven: Driven, effect: int, after: bool) -> None:
    driven.live()
    driven.building().update("shop", "More")
    driven.building().redesign("shop")
    driven.gate.die(effect, after=after)
    driven.drive()
    judge_live(driven)


# What a person does in the middle -----------------------------------------------------------------------


@pytest.mark.parametrize("effect", [1, 2, 4, 5, 7, 8, 12, 13, 14])
def test_a_cancelled_attempt_does_nothing_more(driven: Driven, effect: int) -> None:
    """Cancelled right before each effect: that one may be under way, no further one follows; then once more."""
    driven.order_past_deaths(confirm=False)
    driven.building().confirm("shop")
    driven.gate.meet(effect, lambda: driven.building().cancel("shop"))
    driven.drive()
    assert len(driven.gate.names) == effect
    assert driven.operations()[0].state is OperationState.CANCELLED
    judge_history(driven)
    if driven.project().status is Status.ESTIMATED:
        driven.building().confirm("shop")
    else:
        driven.building().retry("shop")
    driven.drive()
    judge_live(driven)


@pytest.mark.parametrize("effect", [1, 5, 8, 10, 12, 14])
def test_a_frozen_organisation_is_left_alone_at_once(driven: Driven, effect: int) -> None:
    driven.order_past_deaths(confirm=False)
    driven.building().confirm("shop")
    driven.gate.meet(effect, lambda: driven.deciding().freeze(None, "the audit"))
    driven.drive()
    assert len(driven.gate.names) == effect
    assert driven.operations()[0].state in (OperationState.WAITING, OperationState.SUCCEEDED)
    driven.clock.advance(7200)
    driven.drive()
    assert len(driven.gate.names) == effect
    driven.deciding().unfreeze(None)
    driven.drive()
    judge_live(driven)
    assert all("lost" not in one.facts for one in driven.operations())


@pytest.mark.parametrize("effect", [4, 8, 12, 14])
def test_a_repository_that_vanishes_ends_the_operation_and_comes_back(driven: Driven, effect: int) -> None:
    driven.neighbours()
    driven.order_past_deaths(confirm=False)
    driven.building().confirm("shop")
    driven.gate.meet(effect, driven.vanish)
    driven.drive()
    assert driven.project().status is Status.MISSING
    assert not any(one.is_open for one in driven.operations())
    driven.forge.restore(driven.project().repository_id or 0)
    driven.settle()
    assert driven.project().status is not Status.MISSING
    driven.building().retry("shop")
    driven.drive()
    assert driven.project().status is Status.ACTIVE, driven.incidents("open")
    judge_history(driven)


def test_a_rollback_of_a_project_that_vanished_ends(driven: Driven) -> None:
    driven.neighbours()
    driven.live()
    driven.building().update("shop", "More")
    driven.building().rebuild("shop")
    driven.drive()
    driven.building().rollback("shop")
    driven.vanish()
    before = list(driven.deployer.done)
    driven.drive()
    assert driven.operations()[0].state is OperationState.CANCELLED
    assert driven.deployer.done == before


ACTS = ("die", "cancel", "freeze", "unfreeze", "vanish", "return", "retry", "step", "step", "confirm")


def exists(driven: Driven, project: Project) -> bool:
    """Whether the project's repository is on GitHub now."""
    return project.repository_id in driven.forge.live("acme")


def _act(driven: Driven, act: str) -> None:
    """One thing that may happen; what is refused was not possible."""
    project = driven.project()
    if act == "die":
        driven.gate.die(1, after=len(driven.gate.names) % 2 == 0)
    elif act == "freeze":
        driven.deciding().freeze(None, "a test")
    elif act == "unfreeze":
        driven.deciding().unfreeze(None)
    elif act == "vanish" and project.status in WITH_REPOSITORY and exists(driven, project):
        driven.vanish()
    elif act == "return" and project.repository_id not in {None, *driven.forge.live("acme")}:
        driven.forge.restore(project.repository_id or 0)
        driven.settle()
    elif act in ("cancel", "retry", "confirm"):
        getattr(driven.building(), act)("shop")
    elif act == "step":
        try:
            driven.driver.tick()
            driven.engine.run_some(driven.clock, 6)
        except Crashed:
            driven.begin()


def _told(driven: Driven, acts: list[str]) -> None:
    for act in acts:
        frozen = driven.organisation().frozen is not None
        before, releases = len(driven.gate.names), len(driven.releases())
        try:
            _act(driven, act)
        except (Refused, Invalid):
            continue
        finally:
            assert sum(one.is_open for one in driven.operations()) <= 1
            assert count(driven, "repository") <= 1
        if frozen and act == "step":
            assert len(driven.gate.names) == before
            assert len(driven.releases()) == releases


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(acts=st.lists(st.sampled_from(ACTS), max_size=25))
def test_whatever_happens_there_is_one_of_everything_and_a_way_to_live(
    make_driven: Callable[..., Driven], acts: list[str]
) -> None:
    obey(make_driven(), acts)


@pytest.mark.soak
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(acts=st.lists(st.sampled_from(ACTS), max_size=60))
def test_whatever_happens_for_long_there_is_a_way_to_live(
    make_driven: Callable[..., Driven], acts: list[str]
) -> None:
    obey(make_driven(), acts)


def obey(driven: Driven, acts: list[str]) -> None:
    """Let these happen, then put all in order: it lives in the end."""
    driven.neighbours()
    driven.building().draft("shop", wish=driven.wish())
    driven.building().approve("shop")
    _told(driven, acts)
    _act(driven, "unfreeze")
    _act(driven, "return")
    for _ in range(12):
        driven.drive()
        status = driven.project().status
        if status is Status.ACTIVE:
            break
        if status is Status.ARCHIVED:
            driven.building().reopen("shop")
            driven.building().approve("shop")
        elif status is Status.ESTIMATED:
            driven.building().confirm("shop")
        elif status is Status.DRAFT:
            driven.building().retry("shop")
        else:
            driven.building().retry("shop")
    assert driven.project().status is Status.ACTIVE, (driven.operations()[0], driven.incidents("open"))
    judge_history(driven)
    assert count(driven, "repository") == 1
    assert len({one.commit for one in driven.releases()}) == len(driven.releases())
    assert Work.DEPLOY in succeeded(driven.operations())
