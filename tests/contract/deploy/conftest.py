"""A deployer on this machine per test; its sites end with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.deploy.kit import Scene, free_range


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path / "state", tmp_path / "trees", free_range(4))
    yield made
    made.local.suspend()
