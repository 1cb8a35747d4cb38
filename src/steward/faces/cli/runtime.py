"""`runtime.json`: how a running Steward tells other processes of the same machine where it is.

It stands in the state directory while `steward up` runs, readable by its owner alone, since it holds the
token of the sample organisation.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

NAME: Final = "runtime.json"


@dataclass(frozen=True, slots=True)
class Running:
    """A running Steward. `server` is the API address it works on; `token` is the sample organisation's.

    `web` is where the web face is reached from this machine.
    """

    pid: int
    server: str
    sample: bool
    login: str = ""
    token: str = ""
    data_dir: str = ""
    web: str = ""


@contextmanager
def written(state_dir: Path, running: Running) -> Iterator[None]:
    """Keep `runtime.json` for the length of the block."""
    state_dir.mkdir(parents=True, exist_ok=True)
    file, fresh = state_dir / NAME, state_dir / f"{NAME}.{running.pid}"
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as stream:
        json.dump(asdict(running), stream)
    fresh.replace(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def find(state_dir: Path) -> Running | None:
    """The Steward that runs there; None if none does, or if what is written there is of no use."""
    try:
        running = Running(**json.loads((state_dir / NAME).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return running if _lives(running.pid) else None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
