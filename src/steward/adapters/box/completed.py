"""A command in a box, to its end, as `subprocess.run` would give it back."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from steward.ports.box import Box, BoxOrder, Why


def completed(
    box: Box, argv: Sequence[str], folder: Path, *, readable: Sequence[Path], timeout_s: float
) -> subprocess.CompletedProcess[bytes]:
    """Run it with `folder` as the only place that it may write to, and without a network.

    Raises subprocess.TimeoutExpired, and Permanent where there can be no box.
    """
    order = BoxOrder(
        argv=tuple(argv), cwd=folder, writable=(folder,), readable=tuple(readable), wall_s=timeout_s
    )
    running = box.start(order)
    out: list[bytes] = []
    errors: list[bytes] = []
    try:
        while not running.over:
            line = running.line(1.0)
            if line is not None:
                (errors if line.error else out).append(line.text + b"\n")
    finally:
        running.kill()
        ended = running.end()
    if ended.why is Why.WALL:
        raise subprocess.TimeoutExpired(list(argv), timeout_s, b"".join(out), b"".join(errors))
    code = ended.exit_code if ended.exit_code is not None else 1
    return subprocess.CompletedProcess(list(argv), code, b"".join(out), b"".join(errors))
