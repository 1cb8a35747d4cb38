"""What our own calls of models cost, and how much of that is allowed. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Usage:
    """What one call took. `cost_usd` is None where nobody knows; `source` is "computed" or "unknown"."""

    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    source: str = "unknown"


@dataclass(frozen=True, slots=True)
class MindCall:
    """One call of a model on a person's behalf. `outcome` is "ok", or why it came to nothing in a word."""

    at: datetime
    user: str
    talk_id: int
    usage: Usage
    project_id: str | None = None
    outcome: str = "ok"
    id: int = 0


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much is allowed; 0 is no limit. Calls whose cost nobody knows count by their number alone."""

    person_day_usd: float = 0.0
    project_usd: float = 0.0
    person_day_calls: int = 200


class Over(StrEnum):
    """Which limit is reached."""

    PERSON = "person"
    PROJECT = "project"
    CALLS = "calls"


def over(allowed: Allowance, *, person_day_usd: float, project_usd: float, calls: int) -> Over | None:
    """The limit that another call would pass; None where it may be made."""
    if 0 < allowed.person_day_calls <= calls:
        return Over.CALLS
    if 0 < allowed.person_day_usd <= person_day_usd:
        return Over.PERSON
    if 0 < allowed.project_usd <= project_usd:
        return Over.PROJECT
    return None
