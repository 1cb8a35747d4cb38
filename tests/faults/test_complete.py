"""No row of the fault matrix is forgotten: each has a test that bears its number."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).parent.parent
LAST_ROW = 45


def rows_tested() -> dict[int, list[str]]:
    """Row -> the tests that bear its number, anywhere below `tests`."""
    found: dict[int, list[str]] = defaultdict(list)
    for file in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef) and (row := re.match(r"test_fault_(\d\d)_", node.name)):
                found[int(row[1])].append(f"{file.relative_to(TESTS)}::{node.name}")
    return found


def test_every_row_of_the_fault_matrix_has_a_test() -> None:
    tested = rows_tested()
    expected = set(range(1, LAST_ROW + 1))
    assert expected - set(tested) == set()
    assert set(tested) <= expected


def test_every_row_is_shown_from_end_to_end() -> None:
    here = f"{Path(__file__).parent.relative_to(TESTS)}/"
    shown = {row for row, tests in rows_tested().items() if any(test.startswith(here) for test in tests)}
    assert set(range(1, LAST_ROW + 1)) <= shown
