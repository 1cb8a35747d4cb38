"""What a spec will take: hours, money and days, with the reasons in words.

The numbers start from what the template says of itself and grow with what is asked; what like projects took of
their own estimates corrects them as soon as there are enough of those.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from steward.domain.spec import Estimate, Question, Spec, Template

HOURS_PER_FEATURE: Final = 1.0
HOURS_PER_CRITERION: Final = 0.5
HOURS_PER_PART: Final = 2.0
"""A part is one more of the things that a question lets one choose several of (a module, say)."""

HOURS_PER_100_WORDS: Final = 0.5
ENOUGH_HISTORY: Final = 3
"""Like projects that must be there before their ratios are believed."""

GUESSED_SPREAD: Final = (0.7, 1.6)
"""Low and high, in parts of the effort, where no history tells."""

_RATIO_BOUNDS: Final = (0.1, 10.0)
"""A project that waited half a year for a person says nothing of effort: ratios are cut here."""


@dataclass(frozen=True, slots=True)
class Built:
    """A project that went the whole first road: what its template was, and what the road took."""

    project_id: str
    template: str
    estimated_hours: float
    took_days: float
    cost_usd: float


@dataclass(frozen=True, slots=True)
class Rates:
    """What hours cost. `hour_usd`: an hour of the person who reviews; `model_usd_per_hour`: an hour of an agent.

    `review_share` is the part of the effort that a person spends looking; `hours_a_day` turns effort into days.
    """

    hour_usd: float = 0.0
    model_usd_per_hour: float = 0.0
    review_share: float = 0.2
    hours_a_day: float = 6.0


def estimate(
    spec: Spec, template: Template, history: Sequence[Built], rates: Rates, at: datetime
) -> Estimate:
    """The estimate of a spec. `history` holds like projects, as the caller chose them (of the same template).

    More features never cost less; nothing is ever negative; `basis` always holds a line.
    """
    raw, basis = _asked(spec, template)
    ratios = _ratios(history, rates)
    if len(ratios) >= ENOUGH_HISTORY:
        first, middle, third = statistics.quantiles(ratios, n=4, method="inclusive")
        effort, low, high = raw * middle, raw * first, raw * third
        basis.append(f"{len(ratios)} like projects took {middle:.2g} of their estimates")
    else:
        effort, low, high = raw, raw * GUESSED_SPREAD[0], raw * GUESSED_SPREAD[1]
        basis.append(f"{_counted(len(ratios), 'like project')} so far: too few to correct by")
    hourly = rates.model_usd_per_hour + rates.review_share * rates.hour_usd
    if hourly > 0:
        basis.append(
            f"an hour costs {hourly:.2f} USD: {rates.model_usd_per_hour:.2f} for the model, and"
            f" {rates.review_share:.0%} of a person's {rates.hour_usd:.2f}"
        )
    else:
        basis.append("no rates are set, so the cost is left at nothing")
    return Estimate(
        project_id=spec.project_id,
        spec_version=spec.version,
        effort_hours=round(effort, 2),
        low_hours=round(low, 2),
        high_hours=round(high, 2),
        cost_usd=round(max(0.0, effort * hourly), 2),
        duration_days=round(effort / max(rates.hours_a_day, 0.1), 2),
        basis=tuple(basis),
        made_at=at,
    )


def _asked(spec: Spec, template: Template) -> tuple[float, list[str]]:
    """Hours for what the spec asks, and a line for each part of them."""
    base = max(0.0, template.base_hours)
    basis = [f"a project of {template.title or spec.template.source} starts at {_hours(base)}"]
    hours = base
    parts = sum(max(0, _chosen(one, spec.answers) - 1) for one in template.questions)
    words = len(spec.brief.split())
    for count, each, what in (
        (_features(spec.answers.get("features")), HOURS_PER_FEATURE, "feature"),
        (len(spec.criteria), HOURS_PER_CRITERION, "criterion"),
        (parts, HOURS_PER_PART, "further part"),
    ):
        if count:
            hours += count * each
            basis.append(f"{_counted(count, what)} {'adds' if count == 1 else 'add'} {_hours(count * each)}")
    if words:
        more = words / 100 * HOURS_PER_100_WORDS
        hours += more
        basis.append(f"a brief of {_counted(words, 'word')} adds {_hours(more)}")
    return hours, basis


def _hours(number: float) -> str:
    """Hours with their noun."""
    shown = f"{number:.2f}".rstrip("0").rstrip(".")
    return f"{shown} hour" if shown == "1" else f"{shown} hours"


def _counted(number: int, what: str) -> str:
    """A number with its noun."""
    plural = "criteria" if what == "criterion" else f"{what}s"
    return f"{number} {what if number == 1 else plural}"


def _features(answer: Any) -> int:
    """How many features an answer names: one a line, or one an item."""
    if isinstance(answer, str):
        return sum(1 for line in answer.splitlines() if line.strip())
    return len(answer) if isinstance(answer, list | tuple) else 0


def _chosen(question: Question, answers: Mapping[str, Any]) -> int:
    """How many things were chosen where several can be."""
    if question.name == "features" or not (question.several or question.multiselect):
        return 0
    answer = answers.get(question.name, question.default)
    if isinstance(answer, str):
        return sum(1 for part in answer.split(",") if part.strip())
    return len(answer) if isinstance(answer, list | tuple) else 0


def _ratios(history: Sequence[Built], rates: Rates) -> list[float]:
    """What each took, in parts of its estimate; what cannot be told is left out."""
    low, high = _RATIO_BOUNDS
    return [
        min(high, max(low, one.took_days * rates.hours_a_day / one.estimated_hours))
        for one in history
        if one.estimated_hours > 0 and one.took_days >= 0
    ]
