"""One file as readers get it: its text, the lines of its characters, and readings made of what was found."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from steward.domain.weighing import Reading, Vote

Reader = Callable[["Source"], Iterator[Reading]]


class Unreadable(Exception):
    """A file that a reader cannot make out; the message says why, and holds nothing of the file."""


@dataclass(frozen=True)
class Source:
    """A file's path in the repository and its text. Bytes that are no UTF-8 are replaced."""

    path: str
    text: str

    @cached_property
    def _ends(self) -> list[int]:
        ends, at = [], self.text.find("\n")
        while at >= 0:
            ends.append(at)
            at = self.text.find("\n", at + 1)
        return ends

    @cached_property
    def lines(self) -> list[str]:
        """The lines, split where `line_at` counts them: at line feeds alone."""
        return self.text.split("\n")

    def line_at(self, offset: int) -> int:
        """The line, from 1, of a character."""
        return bisect_right(self._ends, offset - 1) + 1

    def line_text(self, offset: int) -> tuple[str, int]:
        """The line that a character is on, up to it and after it as one text, and how far in it the character is."""
        begins = self.text.rfind("\n", 0, offset) + 1
        return self.text[begins : begins + 2000], offset - begins

    def reading(self, name: str, line: int, reader: str, vote: Vote, **more: Any) -> Reading:
        """A reading of this file."""
        return Reading(name, self.path, line, reader, vote, **more)
