"""Reading a repository's files for what it needs: getting a shallow tree, and scanning it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from steward.domain.needs import Scan


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of a repository is read at most; `seconds` for the whole of it."""

    files: int = 50_000
    file_bytes: int = 1_000_000
    tree_bytes: int = 1_000_000_000
    seconds: float = 120.0


class Trees(Protocol):
    """Shallow copies of repositories."""

    def tree(self, address: str, token: str, ref: str, into: Path, bounds: Bounds) -> str:
        """Put the files of a branch or commit into an empty directory, without history, submodules or `.git`;
        the commit. Nothing of it is executed. Raises Permanent (too large, no such ref), Transient.
        """
        ...


class Scanner(Protocol):
    """Finds what a tree needs."""

    def scan(
        self, tree: Path, commit: str, bounds: Bounds, told: Callable[[str], None] = lambda _text: None
    ) -> Scan:
        """Read the files of a tree. Total: whatever the files hold, there is an answer; what was not read is in it."""
        ...
