"""The files of a tree, breadth first and in order: no links, no submodules, nothing that is no plain file."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from steward.domain.needs import Skipped
from steward.domain.sources import is_vendored

SKIPPED_MAX = 200
DEPTH_MAX = 60
_PATH_MAX = 4000


def shown(path: str) -> str:
    """A path as it may be kept and printed: what is not printable, or no UTF-8, is escaped."""
    clean = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in clean
    )


@dataclass(slots=True)
class Passed:
    """The files that are passed over, with the reason, up to a number of them."""

    those: list[Skipped] = field(default_factory=list)

    def add(self, path: str, why: str) -> None:
        """Keep one."""
        if len(self.those) < SKIPPED_MAX:
            self.those.append(Skipped(shown(path), why))


def files_of(tree: Path, passed: Passed) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Every plain file with its path in the tree; shallow ones first, so that a bound cuts the deep ones off."""
    folders = deque([""])
    while folders:
        folder = folders.popleft()
        try:
            with os.scandir(tree / folder if folder else tree) as listed:
                entries = sorted(listed, key=lambda one: one.name)
        except OSError as error:
            passed.add(folder or ".", f"it cannot be listed: {error.strerror or 'an error'}")
            continue
        if folder and any(one.name == ".git" for one in entries):
            passed.add(folder, "a submodule")
            continue
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_symlink():
                passed.add(path, "a link: links are not followed")
            elif entry.is_dir(follow_symlinks=False):
                if is_vendored(path):
                    continue
                if path.count("/") >= DEPTH_MAX or len(os.fsencode(path)) > _PATH_MAX:
                    passed.add(path, "nested too deeply")
                else:
                    folders.append(path)
            elif entry.is_file(follow_symlinks=False):
                yield path, entry
            else:
                passed.add(path, "no plain file")


def content(entry: os.DirEntry[str], most: int) -> bytes | None:
    """A file's bytes, at most `most`; None where there are more. Raises OSError."""
    handle = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError("it is no plain file any more")
        held = file.read(most + 1)
    return held if len(held) <= most else None
