"""A gate that every effect on the outside passes: a test can let the process die at one, or something else happen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from steward.testing.engine import Crashed


class Gate:
    """Counts effects, and dies at one of them. `names` tells them in order."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._at: int | None = None
        self._after = False
        self._then: Callable[[], object] | None = None
        self._every, self._storm_after, self._since = 0, False, 0

    def die(self, effect: int, *, after: bool) -> None:
        """Raise Crashed at that effect from now on, counted from 1; once."""
        self._at, self._after = len(self.names) + effect, after

    def storm(self, every: int, *, after: bool) -> None:
        """Raise Crashed at each effect of that number and its multiples from now on; 0 ends it."""
        self._every, self._storm_after, self._since = every, after, len(self.names)

    def meet(self, effect: int, then: Callable[[], object]) -> None:
        """Have something happen right before that effect from now on; once."""
        self._at, self._then = len(self.names) + effect, then

    @contextmanager
    def effect(self, name: str) -> Iterator[None]:
        """The block is one effect."""
        self.names.append(name)
        due = self._at == len(self.names)
        stormy = bool(self._every) and (len(self.names) - self._since) % self._every == 0
        then = self._then if due else None
        if due:
            self._at, self._then = None, None
        if then is not None:
            then()
        dies = (due and then is None) or stormy
        after = self._after if due else self._storm_after
        if dies and not after:
            raise Crashed
        yield
        if dies:
            raise Crashed
