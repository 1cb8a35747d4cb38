"""Fixtures of the face tests: a clean environment, an empty working directory, and the command line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from steward.faces.words import speak
from tests.faces.cli import Runner, run_command
from tests.faces.process import Starter, starting


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No setting of the machine reaches the test, and nothing it writes stays."""
    for name in [name for name in os.environ if name.startswith(("STEWARD_", "LOCALHUB_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.chdir(tmp_path)
    yield
    speak("en")


@pytest.fixture
def run(clean: None) -> Runner:
    """The command line."""
    return run_command


@pytest.fixture
def start(clean: None, tmp_path: Path) -> Iterator[Starter]:
    """Starts `steward up` and the like as processes in the test's own directory."""
    with starting(tmp_path) as starter:
        yield starter
