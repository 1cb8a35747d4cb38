"""docs/readiness.md lists exactly the rules that are judged by, with their weights."""

from __future__ import annotations

import re
from pathlib import Path

from steward.domain.readiness_rules import RULES

PAGE = Path(__file__).parents[2] / "docs" / "readiness.md"


def test_the_table_of_rules_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\w+) \| (.*) \|$", PAGE.read_text(), flags=re.MULTILINE)
    assert rows == [(rule.code, str(rule.weight), rule.severity, rule.unmet) for rule in RULES]
