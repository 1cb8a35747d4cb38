"""Repositories that vanish and return while projects are built."""

from __future__ import annotations

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
