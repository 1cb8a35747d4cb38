"""Nothing is collected where there can be no box."""

from __future__ import annotations

from tests.contract.agents import installed

if installed.NO_BOX is not None:
    collect_ignore_glob = ["test_*.py"]
