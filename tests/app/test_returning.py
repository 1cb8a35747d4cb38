"""Repositories that vanish and return while projects are built."""

from __future__ import annotations

import pytest

from steward.domain.operations import OperationState
from steward.domain.status import Status
from steward.testing.driven import Driven


def test_what_is_lost_in_the_design_of_an_update_comes_back_to_that_update(driven: Driven) -> None:
    driven.neighbours()
    driven.live()
    driven.building().update("shop", "Open on Sundays")
    driven.building().redesign("shop")
    repo_id = driven.project().repository_id or 0
    driven.vanish()
    driven.drive()
    assert driven.project().status is Status.MISSING
    driven.forge.restore(repo_id)
    driven.settle()
    assert driven.project().status is Status.MAINTENANCE
    driven.building().redesign("shop")
    driven.drive()
    assert driven.project().status is Status.ACTIVE
    assert [update.state for update in driven.updates()] == ["shipped"]


def test_an_attempt_that_the_engine_lost_before_it_began_is_taken_up(
    driven: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    driven.building().draft("shop", wish=driven.wish())
    driven.building().approve("shop")
    with monkeypatch.context() as patched:
        patched.setattr(driven.engine, "known", lambda run_ids: dict.fromkeys(run_ids, "lost"))
        driven.driver.tick()
    assert [(one.attempt, one.state) for one in driven.operations()] == [(2, OperationState.QUEUED)]
    driven.drive()
    assert driven.project().status is Status.ESTIMATED
