"""What an application call may refuse with, besides the ports' errors and the lifecycle's Refused."""

from __future__ import annotations

from collections.abc import Sequence


class Unknown(Exception):
    """Nothing is known by that reference. `near` are names that resemble it, best first."""

    def __init__(self, kind: str, reference: str, near: Sequence[str] = ()) -> None:
        super().__init__(f"no {kind} is known as '{reference}'")
        self.kind = kind
        self.reference = reference
        self.near = list(near)


class Invalid(Exception):
    """What was asked cannot be done as asked; `advice` says what can."""

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice


class LeaseHeld(Exception):
    """Another process runs the loops on this database."""

    def __init__(self, holder: str) -> None:
        super().__init__(f"another Steward runs on this database: {holder}")
        self.holder = holder
