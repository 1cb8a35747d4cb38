"""What a person may ask of the road, and what is refused in words they can act on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from steward.app.building import TEXT_MAX, Wish
from steward.app.errors import Invalid
from steward.app.policy import Policy
from steward.domain.lifecycle import Option, Refused, Who, allowed
from steward.domain.status import Status
from steward.testing.driven import Driven
from tests.app.driven_kit import judge_live


def test_who_ordered_does_not_approve_where_four_eyes_are_asked_for(
    make_driven: Callable[..., Driven],
) -> None:
    driven = make_driven(Policy(four_eyes=True))
    driven.building().draft("shop", wish=driven.wish())
    with pytest.raises(Refused, match="ask another approver"):
        driven.building().approve("shop")
    driven.building("local:boris").approve("shop")
    driven.drive()
    with pytest.raises(Refused, match="ask another approver"):
        driven.building().confirm("shop")
    driven.building("local:boris").confirm("shop")
    driven.drive()
    judge_live(driven)


def test_a_draft_that_nobody_described_is_made_of_the_built_in_template(driven: Driven) -> None:
    driven.building().order("shop", title="Corner shop")
    driven.building().approve("shop")
    driven.drive()
    driven.building().confirm("shop")
    driven.drive()
    judge_live(driven)


def test_nothing_is_started_or_retried_in_a_frozen_organisation(driven: Driven) -> None:
    driven.order()
    driven.building().cancel("shop")
    driven.building().confirm("shop")
    driven.gate.meet(5, lambda: driven.building().cancel("shop"))
    driven.drive()
    driven.deciding().freeze(None, "the audit")
    with pytest.raises(Refused, match="the audit"):
        driven.building().retry("shop")
    driven.deciding().unfreeze(None)
    driven.building().retry("shop")
    driven.drive()
    judge_live(driven)


def test_what_is_not_live_takes_no_update_and_no_rollback(driven: Driven) -> None:
    driven.order()
    with pytest.raises(Refused, match="nothing of this project is"):
        driven.building().update("shop", "More")
    with pytest.raises(Refused, match="no such earlier release"):
        driven.building().rollback("shop")
    driven.drive()
    with pytest.raises(Refused, match="say what the update is to change"):
        driven.building().update("shop", "  ")
    with pytest.raises(Invalid, match="at most"):
        driven.building().update("shop", "x" * (TEXT_MAX + 1))
    with pytest.raises(Refused, match="has failed or was cancelled"):
        driven.building().retry("shop")
    with pytest.raises(Refused):
        driven.building().abandon("shop")


def test_an_estimate_can_be_revised_as_often_as_one_likes(driven: Driven) -> None:
    driven.building().draft("shop", wish=driven.wish())
    for number in (1, 2, 3):
        driven.building().approve("shop")
        driven.drive()
        assert driven.project().status is Status.ESTIMATED
        driven.building().ask(
            "shop", next(iter(o.trigger for o in _options(driven) if o.trigger == "revised"))
        )
        driven.building().describe("shop", Wish(answers={"features": f"Thing {number}: works"}))
    driven.building().approve("shop")
    driven.drive()
    driven.building().confirm("shop")
    driven.drive()
    judge_live(driven)
    assert b"Thing 3" in driven.build.held(driven.tip())[1]["app.py"]


def _options(driven: Driven) -> list[Option]:
    return allowed(driven.project().position, frozenset({Who.PERSON}))


def test_a_draft_can_be_put_away_and_an_update_asked_for_twice_is_two(driven: Driven) -> None:
    driven.building().draft("other", wish=driven.wish())
    driven.building().cancel("other")
    assert driven.project("other").status is Status.ARCHIVED
    driven.live()
    driven.building().update("shop", "Same")
    driven.building().update("shop", "Same")
    assert [update.number for update in driven.updates()] == [1, 2]
    with pytest.raises(Refused):
        driven.building().rollback("shop")


def test_an_update_with_a_new_spec_renders_its_answers(driven: Driven) -> None:
    driven.live()
    driven.building().update("shop", "Another colour")
    driven.building().describe("shop", Wish(answers={"features": "Cart: adds up", "accent": "teal"}))
    driven.building().redesign("shop")
    driven.drive()
    judge_live(driven)
    assert b"teal" in driven.build.held(driven.tip())[1]["app.py"]
    assert driven.updates()[0].spec_version == 2


@pytest.mark.parametrize("effect", [1, 2, 4, 5, 6])
def test_an_update_that_is_cancelled_goes_on_when_it_is_started_again(driven: Driven, effect: int) -> None:
    driven.live()
    driven.building().update("shop", "More")
    driven.building().rebuild("shop")
    driven.gate.meet(effect, lambda: driven.building().cancel("shop"))
    driven.drive()
    assert driven.project().status in (Status.DESIGNED, Status.IMPLEMENTED, Status.VERIFIED)
    driven.building().retry("shop")
    driven.drive()
    judge_live(driven)
    assert [update.state for update in driven.updates()] == ["shipped"]
