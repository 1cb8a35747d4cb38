"""Estimates: what they grow with, what corrects them, and that they always say why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.domain.estimating import Built, Rates, estimate
from steward.domain.spec import Estimate, Proof, Question, Spec, Template, TemplateRef
from steward.ports import records

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
REF = TemplateRef("starter")
TEMPLATE = Template(
    REF, "Starter", "", (Question("modules", several=True, default="backend"),), base_hours=2.0
)
SPEC = Spec("p1", 3, REF, {}, "", (), {}, Proof(), "anna", AT)
RATES = Rates(hour_usd=50.0, model_usd_per_hour=5.0, review_share=0.2, hours_a_day=6.0)


def made(spec: Spec = SPEC, history: list[Built] | None = None, rates: Rates = RATES) -> Estimate:
    """An estimate."""
    return estimate(spec, TEMPLATE, history or [], rates, AT)


def took(hours: float, estimated: float = 6.0) -> Built:
    """A project that took so many hours, at six a day."""
    return Built("p", "starter", estimated, hours / 6.0, 1.0)


def test_the_port_keeps_the_same_value() -> None:
    assert records.Built is Built


def test_an_empty_spec_takes_what_its_template_takes() -> None:
    found = made()
    assert (found.project_id, found.spec_version, found.made_at) == ("p1", 3, AT)
    assert (found.effort_hours, found.low_hours, found.high_hours) == (2.0, 1.4, 3.2)
    assert found.cost_usd == 30.0
    assert found.duration_days == 0.33
    assert found.basis == (
        "a project of Starter starts at 2 hours",
        "0 like projects so far: too few to correct by",
        "an hour costs 15.00 USD: 5.00 for the model, and 20% of a person's 50.00",
    )


def test_what_is_asked_adds_up_and_is_told() -> None:
    answers = {"features": "One: a\n\nTwo: b", "modules": "backend,tg_bot,frontend"}
    found = made(replace(SPEC, answers=answers, criteria=("a",), brief="word " * 200))
    assert found.effort_hours == 2 + 2 + 0.5 + 4 + 1
    assert "2 features add 2 hours" in found.basis
    assert "1 criterion adds 0.5 hours" in found.basis
    assert "2 further parts add 4 hours" in found.basis
    assert "a brief of 200 words adds 1 hour" in found.basis


def test_like_projects_correct_it_as_soon_as_there_are_three() -> None:
    assert made(history=[took(3), took(3)]).effort_hours == 2.0
    found = made(history=[took(3), took(6), took(12), took(1, estimated=0)])
    assert found.effort_hours == 2.0
    assert (found.low_hours, found.high_hours) == (1.5, 3.0)
    assert "3 like projects took 1 of their estimates" in found.basis
    found = made(history=[took(4.8)] * 3)
    assert found.effort_hours == 1.6
    assert "3 like projects took 0.8 of their estimates" in found.basis


def test_one_project_that_lay_about_does_not_carry_the_others_away() -> None:
    assert made(history=[took(6), took(6), took(60_000)]).effort_hours == 2.0
    assert made(history=[took(60_000)] * 3).effort_hours == 20.0


def test_without_rates_the_cost_is_left_out_and_that_is_told() -> None:
    found = made(rates=Rates())
    assert found.cost_usd == 0.0
    assert "no rates are set, so the cost is left at nothing" in found.basis


HISTORY = st.lists(
    st.builds(
        Built,
        st.just("p"),
        st.just("starter"),
        st.floats(-10, 1e4),
        st.floats(-10, 1e4),
        st.floats(0, 1e4),
    ),
    max_size=8,
)
RATE = st.builds(Rates, st.floats(0, 500), st.floats(0, 500), st.floats(0, 1), st.floats(0, 24))


@pytest.mark.parametrize("as_list", [True, False])
@given(st.lists(st.text("abc ", min_size=1), max_size=12), HISTORY, RATE, st.floats(-5, 1e4))
def test_one_more_feature_never_costs_less_and_nothing_is_negative(
    as_list: bool, features: list[str], history: list[Built], rates: Rates, base: float
) -> None:
    template = replace(TEMPLATE, base_hours=base)

    def of(number: int) -> Estimate:
        some = features[:number]
        answers = {"features": some if as_list else "\n".join(some)}
        return estimate(replace(SPEC, answers=answers), template, history, rates, AT)

    before = of(0)
    for number in range(len(features) + 1):
        found = of(number)
        assert 0 <= found.low_hours <= found.effort_hours <= found.high_hours
        assert found.effort_hours >= before.effort_hours
        assert found.cost_usd >= before.cost_usd >= 0
        assert found.duration_days >= before.duration_days >= 0
        assert found.basis
        before = found
