"""The shapes of the API's answers about secrets: what `app.secrets` gives. No field of them holds a value."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from steward.faces.api.models_base import Time


class KeptSecret(BaseModel):
    """What is known of a kept value. `sent_at`: when GitHub was last given it; null: not since it was set."""

    name: str
    sort: Literal["secret", "variable"]
    places: list[Literal["checks", "run"]]
    set_at: Time
    set_by: str
    generated: bool
    sent_at: Time | None
    version: int


class SecretWaiver(BaseModel):
    """A name that a project does without, and why."""

    name: str
    reason: str
    by: str
    at: Time


class SecretUse(BaseModel):
    """A use of a value: for what, by whom."""

    name: str
    used_for: str
    by: str
    at: Time


class SecretList(BaseModel):
    """What is kept for a project, what it does without, and what a deployment waits for."""

    project: str
    secrets: list[KeptSecret]
    waivers: list[SecretWaiver]
    lacking: list[str]
    uses: list[SecretUse]


class SecretKept(BaseModel):
    """A value that was kept. `notes` are what may not have been meant; they tell nothing of the value."""

    project: str
    secret: KeptSecret
    notes: list[str]


class SecretNamed(BaseModel):
    """The name that something was done to."""

    project: str
    name: str


class SecretWaived(BaseModel):
    """A waiver that was given."""

    project: str
    waiver: SecretWaiver


class SecretFailure(BaseModel):
    """A value that GitHub was not given, and why."""

    name: str
    words: str


class SecretsSent(BaseModel):
    """What GitHub was given, and what not."""

    project: str
    sent: list[str]
    failed: list[SecretFailure]


class SecretsRotated(BaseModel):
    """How many values of how many projects were encrypted anew."""

    projects: int
    values: int
