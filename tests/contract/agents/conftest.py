"""Nothing that needs a box is collected where there can be none."""

from __future__ import annotations

from tests.contract.agents import installed

if installed.NO_BOX is not None:
    collect_ignore_glob = ["test_*.py"]
elif not installed.THERE:
    collect_ignore_glob = ["test_native.py"]
