"""A fake of `ports.Mind`: it answers what it was told to."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from steward.ports import Permanent, Transient
from steward.ports.mind import Folded, Heard

Answer = Folded | Transient | Permanent


class ScriptedMind:
    """Answers with a function of what it hears, or with the parts of a list, in order; errors in it are raised.

    A list that has come to its end raises AssertionError. `heard` holds all that it was asked, in order.
    """

    def __init__(
        self,
        script: Callable[[Heard], Answer] | Iterable[Answer],
        *,
        name: str = "scripted:mind",
    ) -> None:
        self._script = script if callable(script) else None
        self._left = [] if callable(script) else list(script)
        self._name = name
        self.heard: list[Heard] = []

    @property
    def name(self) -> str:
        """The name that it pretends to have."""
        return self._name

    def then(self, *answers: Answer) -> None:
        """Answer with these, too, after what is still to come."""
        self._left.extend(answers)

    def fold(self, heard: Heard) -> Folded:
        """The next answer."""
        self.heard.append(heard)
        if self._script is not None:
            answer = self._script(heard)
        else:
            assert self._left, "nothing is left of the script"
            answer = self._left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer
