"""The shapes of the API's answers about people: what `app.people_views` gives. None holds a digest."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from steward.domain.people import Right, Role
from steward.faces.api.models_base import Spent, Time


class Grant(BaseModel):
    """A role, everywhere (`organisation` null) or in one organisation."""

    role: Role
    organisation: str | None


class Me(BaseModel):
    """Whoever asks: rights held everywhere, and those in single organisations."""

    model_config = {"populate_by_name": True}

    actor: str
    user: str | None
    full_name: str
    lang: str | None
    grants: list[Grant]
    rights: list[Right]
    organisations: dict[str, list[Right]]
    pass_: Literal["session", "token"] | None = Field(alias="pass")


class User(BaseModel):
    """One user, and how many sessions, tokens and links are theirs now."""

    name: str
    full_name: str
    lang: str | None
    created_at: Time
    disabled_at: Time | None
    grants: list[Grant]
    seen_at: Time | None
    sessions: int
    tokens: int
    links: int


class Pass(BaseModel):
    """A session, a token or a sign-in link. `rights` null: all that its user has."""

    id: int
    kind: Literal["session", "token", "link"]
    user: str
    note: str
    created_at: Time
    expires_at: Time
    used_at: Time | None
    ended_at: Time | None
    state: Literal["valid", "expired", "ended", "used"]
    rights: list[Right] | None
    organisation: str | None
    made_by: str


class Session(Pass):
    """A session; `current` is the one that asks."""

    current: bool


class Secret(Pass):
    """A token or a link that was just made, with its secret: it is shown this once."""

    secret: str


class Ended(BaseModel):
    """How many were ended."""

    ended: int


class AuditLine(BaseModel):
    """One act or refusal."""

    id: int
    at: Time
    actor: str
    action: str
    outcome: str
    right: str | None
    target: str | None
    reason: str | None
    request: str | None
    address: str | None


class SpendingLimits(BaseModel):
    """How much is allowed of the model that writes briefs; null: no limit."""

    person_day_usd: float | None
    person_day_calls: int | None
    project_usd: float | None


class MindCall(BaseModel):
    """One call of the model. `outcome`: ok, late (the talk had gone on), or why it came to nothing."""

    at: Time
    user: str
    talk: int
    project: str | None
    model: str
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    outcome: str


class OwnSpending(BaseModel):
    """What one's own talks cost in the last 24 hours, the limits, and the newest calls of the last 30 days."""

    user: str
    day: Spent
    limits: SpendingLimits
    calls: list[MindCall]


class PersonSpending(BaseModel):
    """What talks of one person cost in the last 24 hours, and in the last 30 days."""

    user: str
    day: Spent
    month: Spent
