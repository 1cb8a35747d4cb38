"""How long a command line takes to answer, against a bare interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.measure import Result, compare


def start() -> Result:
    """`steward --help` against `python -c pass`."""
    steward = str(Path(sys.executable).with_name("steward"))

    def ours() -> None:
        subprocess.run([steward, "--help"], check=True, capture_output=True)

    def bare() -> None:
        subprocess.run([sys.executable, "-c", "pass"], check=True)

    return compare("steward --help against a bare interpreter", ours, bare, None, times=7)
