"""What is live is looked at: several failures are an incident and an error, the first success ends both."""

from __future__ import annotations

from steward.app.health import EVERY_S
from steward.domain.status import Status
from steward.testing.driven import Driven
from tests.app.driven_kit import judge_history


def looks(driven: Driven, count: int) -> None:
    """Look so often, each time as soon as it is due."""
    for _ in range(count):
        driven.clock.advance(EVERY_S)
        driven.health.tick()


def test_three_failures_in_a_row_are_an_incident_and_the_first_success_ends_it(driven: Driven) -> None:
    driven.live()
    driven.probe.down = True
    looks(driven, 2)
    assert driven.project().status is Status.ACTIVE
    looks(driven, 1)
    assert driven.project().status is Status.ERROR
    assert driven.open_causes() == ["site_down"]
    assert (driven.project().live or {})["health"] == "down"
    driven.probe.down = False
    looks(driven, 1)
    assert driven.project().status is Status.ACTIVE
    assert driven.open_causes() == []
    assert (driven.project().live or {})["health"] == "healthy"
    driven.probe.down = True
    looks(driven, 3)
    assert driven.open_causes() == ["site_down"]
    judge_history(driven)


def test_a_rollback_that_mends_a_site_ends_the_error(driven: Driven) -> None:
    driven.live()
    driven.building().update("shop", "More")
    driven.building().rebuild("shop")
    driven.drive()
    driven.probe.dead.add(driven.tip())
    looks(driven, 3)
    assert driven.project().status is Status.ERROR
    driven.building().rollback("shop")
    driven.drive()
    looks(driven, 1)
    assert driven.project().status is Status.ACTIVE
    assert driven.open_causes() == []
    judge_history(driven)


def test_a_site_that_is_being_switched_is_not_called_down(driven: Driven) -> None:
    driven.live()
    driven.building().update("shop", "More")
    driven.building().rebuild("shop")
    driven.until(lambda: driven.project().status is Status.DEPLOYING)
    driven.engine.run_some(driven.clock, 3)
    looks(driven, 5)
    assert driven.open_causes() == []
    driven.drive()
    looks(driven, 2)
    assert driven.open_causes() == []
    assert (driven.project().live or {})["commit"] == driven.tip()


def test_a_look_that_changes_nothing_writes_nothing(driven: Driven) -> None:
    driven.live()
    looks(driven, 1)
    before = driven.events()
    looks(driven, 10)
    assert driven.events() == before
