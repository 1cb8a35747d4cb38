"""What a server's problems mean: the exceptions that the same call raises where it is answered here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from steward.app.errors import Forbidden, Invalid, NotSignedIn, Stale, Undriven, Unkept, Unknown
from steward.domain.guards import Guard
from steward.domain.lifecycle import Refused
from steward.domain.people import Right
from steward.ports import Conflict, Permanent, Transient

TYPE: Final = "urn:steward:problem:"


class Odd(msgspec.Struct):
    """What is wrong with one answer."""

    name: str
    words: str
    allowed: list[str] = []


class Problem(msgspec.Struct):
    """A problem of RFC 9457, with what single types say besides. All of it is another's word."""

    type: str
    status: int
    detail: str
    advice: str = ""
    kind: str = ""
    reference: str = ""
    near: list[str] = []
    right: str = ""
    actor: str = ""
    where: str = ""
    reason: str = ""
    unmet: list[str] = []
    what: str = ""
    expected: int = 0
    version: int = 0
    problems: list[Odd] = []

    @property
    def code(self) -> str:
        """The stable part of its type."""
        return self.type.removeprefix(TYPE)


def exception_of(problem: Problem) -> Exception:
    """What to raise for it."""
    if problem.code.startswith("refused-"):
        return Refused(
            problem.reason or problem.code.removeprefix("refused-"), problem.detail, _unmet(problem)
        )
    made = _MADE.get(problem.code)
    if made is not None:
        return made(problem)
    return Permanent(f"the server answered {problem.status}: {problem.detail}", problem.advice)


def _unmet(problem: Problem) -> tuple[Guard, ...]:
    known = {guard.words: guard for guard in Guard}
    return tuple(known[words] for words in problem.unmet if words in known)


def _forbidden(problem: Problem) -> Exception:
    if problem.right not in set(Right):
        return Refused("role", problem.detail)
    return Forbidden(Right(problem.right), problem.actor, problem.where)


_MADE: Final[dict[str, Callable[[Problem], Exception]]] = {
    "unknown": lambda p: Unknown(p.kind, p.reference, p.near),
    "invalid": lambda p: Invalid(
        p.detail, p.advice, [{"name": o.name, "words": o.words, "allowed": o.allowed} for o in p.problems]
    ),
    "malformed": lambda p: Invalid(p.detail, p.advice),
    "forbidden": _forbidden,
    "stale": lambda p: Stale(p.what, p.expected, p.version),
    "not-signed-in": lambda p: NotSignedIn(p.detail),
    "conflict": lambda p: Conflict(p.detail),
    "unavailable": lambda p: Transient(p.detail),
    "too-many": lambda p: Transient(p.detail),
    "key-under-way": lambda p: Transient(p.detail),
    "not-driving": lambda _problem: Undriven(),
    "not-keeping": lambda _problem: Unkept(),
    "outside": lambda p: Permanent(p.detail, p.advice),
}
