"""A bot per test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faces.telegram.bench import Bench, bench


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Bench]:
    """A small Steward with a bot that nobody has written to yet."""
    with bench(tmp_path) as made:
        yield made
