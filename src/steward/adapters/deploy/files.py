"""Files that several processes share: whole JSON values, and locks that die with their holder.

Standard library only: the keeper of each site lives on this.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def write_whole(path: Path, text: str) -> None:
    """Put a text in place in one motion, its owner's alone: readers see the old one or the new one."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(partial, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Put a JSON object in place in one motion."""
    write_whole(path, json.dumps(value, sort_keys=True))


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; an empty one where there is none that can be read."""
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def seize(path: Path) -> int | None:
    """Take a lock without waiting: the descriptor that holds it, None where another process does.

    The file is made where it is not there. The lock ends when the descriptor is closed, by a crash too.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def is_seized(path: Path) -> bool:
    """Whether some process holds that lock now."""
    if not path.exists():
        return False
    descriptor = seize(path)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock, waiting for it: for work of milliseconds alone."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
