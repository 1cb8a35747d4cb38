"""The shapes of the API's answers about hands off: what `app.hands` gives."""

from __future__ import annotations

from pydantic import BaseModel

from steward.domain.hands import HandsOff
from steward.faces.api.models_base import Object, Time


class WayOut(BaseModel):
    """A way out of a hold: what it does, and the command that takes it."""

    exit: str
    words: str
    command: str


class StandingHold(BaseModel):
    """A hold with its evidence. `until_green`: it lifts itself once the checks of the evidence's tip are green."""

    id: int
    reason: str
    words: str
    since: Time
    by: str
    evidence: Object
    until_green: bool
    lifted_at: Time | None
    lifted_by: str
    exit: str
    exits: list[WayOut]


class KeptPatch(BaseModel):
    """Unpushed work of an agent that was stopped. It applies to the commit `base`; `size` counts characters."""

    id: int
    operation: str
    attempt: int
    base: str
    at: Time
    why: str
    size: int
    cut: bool


class Holds(BaseModel):
    """What holds a project, the last holds that were lifted, the policy for people's pushes, the kept patches."""

    policy: HandsOff
    holds: list[StandingHold]
    lifted: list[StandingHold]
    patches: list[KeptPatch]
