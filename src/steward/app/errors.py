"""What an application call may refuse with, besides the ports' errors and the lifecycle's Refused."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from steward.domain.people import Right
from steward.ports.errors import Permanent


class Unknown(Exception):
    """Nothing is known by that reference. `near` are names that resemble it, best first."""

    def __init__(self, kind: str, reference: str, near: Sequence[str] = ()) -> None:
        super().__init__(f"no {kind} is known as '{reference}'")
        self.kind = kind
        self.reference = reference
        self.near = list(near)


class Invalid(Exception):
    """What was asked cannot be done as asked; `advice` says what can.

    `problems` says it answer by answer, where answers were given: `{name, words, allowed}`.
    """

    def __init__(self, what: str, advice: str = "", problems: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice
        self.problems = list(problems)


class Forbidden(Exception):
    """Whoever asked may not. `right` is what it takes; `where` the organisation it takes it in, if one."""

    def __init__(self, right: Right, actor: str, where: str = "") -> None:
        what, named = right.meaning, right.value
        told = f"{actor} may not {what} (the right '{named}')"
        super().__init__(f"{actor} may not {what} in {where} (the right '{named}')" if where else told)
        self.right = right
        self.actor = actor
        self.where = where


class NotSignedIn(Exception):
    """Nothing was shown, or nothing that proves anything. `name` is whose it was, where that is known."""

    def __init__(self, why: str, name: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.name = name


class Stale(Exception):
    """What was asked for was decided on an older version: somebody changed it meanwhile."""

    def __init__(self, what: str, expected: int, found: int) -> None:
        super().__init__(f"{what} was changed meanwhile (version {found}, not {expected})")
        self.what = what
        self.expected = expected
        self.found = found


class Undriven(Permanent):
    """This installation drives no projects: there are no templates, and nothing would run."""

    def __init__(self) -> None:
        super().__init__("this Steward drives no projects", "See the settings of [build].")


class Unkept(Permanent):
    """This installation has no place to keep values of projects in."""

    def __init__(self) -> None:
        super().__init__("this Steward keeps no secrets", "Ask the one that drives the projects.")


class LeaseHeld(Exception):
    """Another process runs the loops on this database."""

    def __init__(self, holder: str) -> None:
        super().__init__(f"another Steward runs on this database: {holder}")
        self.holder = holder


def placed(error: BaseException) -> str:
    """An error's kind and where it was raised, for the log: never its words, which may hold what somebody wrote."""
    steps = traceback.extract_tb(error.__traceback__)
    where = f" at {steps[-1].filename.rpartition('/')[2]}:{steps[-1].lineno}" if steps else ""
    return f"{type(error).__name__}{where}"
