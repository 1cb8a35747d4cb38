"""Which coding agents are installed for the tests (`make agents`), and whether there can be boxes.

A pytest plugin (see tests/conftest.py): what is left out where they are missing stands in the summary of the run, not
in marks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from steward.adapters.box import Bubblewrap

FOLDER: Final = Path(__file__).parents[3] / ".agents" / "node_modules" / ".bin"
PROGRAMS: Final = {name: FOLDER / name for name in ("claude", "codex", "opencode")}
THERE: Final = [name for name, path in PROGRAMS.items() if path.exists()]
NO_BOX: Final = Bubblewrap().available()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what a run without them has not tried."""
    if NO_BOX is not None:
        terminalreporter.write_line(
            f"LEFT OUT: tests/contract/box and tests/contract/agents. {NO_BOX}", red=True
        )
    elif missing := sorted(PROGRAMS.keys() - set(THERE)):
        terminalreporter.write_line(
            f"LEFT OUT: tests/contract/agents/test_native.py for {', '.join(missing)}. Install: make agents",
            red=True,
        )
