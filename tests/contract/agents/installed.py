"""Which coding agents are installed for the tests (`make agents`), and whether there can be boxes.

A pytest plugin (see tests/conftest.py): what is left out where they are missing stands in the summary of the run, not
in marks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from steward.adapters.box import Bubblewrap

ROOT: Final = Path(__file__).parents[3]
FOLDER: Final = ROOT / ".agents" / "node_modules" / ".bin"
PROGRAMS: Final = {name: FOLDER / name for name in ("claude", "codex", "opencode")}
THERE: Final = [name for name, path in PROGRAMS.items() if path.exists()]
NO_BOX: Final = Bubblewrap().available()
BOXED: Final = tuple(
    ROOT / "tests" / name
    for name in (
        "contract/box",
        "contract/agents",
        "contract/deploy/test_deploy.py",
        "contract/deploy/test_faults.py",
        "contract/deploy/test_keeper.py",
        "localhub/test_check_runs.py",
    )
)
"""What cannot be tried without a box: what runs there is refused, or is not to be run, elsewhere."""


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Collect nothing that needs a box where there can be none."""
    left_out = NO_BOX is not None and any(collection_path.is_relative_to(path) for path in BOXED)
    return True if left_out else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what a run without them has not tried."""
    if NO_BOX is not None:
        names = ", ".join(str(path.relative_to(ROOT)) for path in BOXED)
        terminalreporter.write_line(f"LEFT OUT: {names}. {NO_BOX}", red=True)
    elif missing := sorted(PROGRAMS.keys() - set(THERE)):
        terminalreporter.write_line(
            f"LEFT OUT: tests/contract/agents/test_native.py for {', '.join(missing)}. Install: make agents",
            red=True,
        )
