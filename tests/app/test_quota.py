"""Quotas of the server that are reached while a project is built: said plainly, and gone on with once there is room."""

from __future__ import annotations

from datetime import timedelta

from steward.domain.status import Status
from steward.ports import Permanent, RateLimited
from steward.testing.driven import Driven


def test_a_quota_of_repositories_that_is_reached_waits_for_a_person(driven: Driven) -> None:
    words = "the organisation has reached its limit of private repositories"
    driven.build.fail("ensure_repository", error=Permanent(words, "Raise the limit on GitHub, then retry."))
    driven.live()
    assert driven.project().status is Status.ERROR
    (found,) = driven.incidents("open")
    assert words in found["title"]
    assert found["evidence"]["advice"] == "Raise the limit on GitHub, then retry."
    driven.building().retry("shop")
    driven.drive()
    assert driven.project().status is Status.ACTIVE
    assert driven.open_causes() == []


def test_a_rate_limit_that_is_used_up_is_waited_for(driven: Driven) -> None:
    until = driven.clock.now().at + timedelta(minutes=7)
    driven.build.fail("ensure_repository", error=RateLimited("the rate limit is used up", until))
    driven.live()
    assert driven.project().status is Status.ACTIVE
    assert driven.clock.now().at >= until
