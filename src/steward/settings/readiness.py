"""The settings of readiness: rules switched off, weighed otherwise, and rules of an installation's own."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from steward.settings.section import Section, split


def _weights(value: Any) -> Any:
    """Read `owner=5,ci=10` as a table; leave a table from TOML as it is."""
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in split(value)]
    if not all(equals for _, equals, _ in pairs):
        raise ValueError("it must be written as owner=5,ci=10")
    return {code.strip(): weight.strip() for code, _, weight in pairs}


def _tables(value: Any) -> Any:
    """Read JSON as tables; leave those from TOML as they are."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"in the environment it must be a JSON array of objects: {error}") from None


class ReadinessSection(Section):
    """What projects are judged by. The rules are checked together, as `Loaded.tuning` makes them."""

    off: Annotated[tuple[str, ...], BeforeValidator(split)] = Field(
        default=(), description="Rules of readiness that are switched off, by code"
    )
    weights: Annotated[dict[str, int], BeforeValidator(_weights)] = Field(
        default_factory=dict, description="Other weights of rules, by code: owner=5,ci=10; 0: does not count"
    )
    rules: Annotated[tuple[dict[str, Any], ...], BeforeValidator(_tables)] = Field(
        default=(), description="Rules of your own, a table each (docs/readiness.md)"
    )
