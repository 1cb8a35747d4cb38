"""The shapes of the API's answers about webhooks: what `app.webhooks` gives."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from steward.faces.api.models_base import Time


class Hook(BaseModel):
    """A webhook at GitHub, with its health."""

    id: int
    organisation: str | None
    url: str
    active: bool
    events: list[str]
    missing_events: list[str]
    state: str
    reason: str | None
    registered_at: Time | None
    checked_at: Time | None
    pinged_at: Time | None
    swept_at: Time | None
    last_delivery_at: Time | None


class Registered(Hook):
    """A webhook that was made, or set right."""

    made: Literal["created", "updated"]


class Swept(Hook):
    """A webhook whose deliveries were looked through: how many were listed, how many we lacked."""

    listed: int
    healed: int
    problem: str | None


class Subscription(BaseModel):
    """An event that GitHub is asked to deliver, and why."""

    event: str
    meaning: str


class Hooks(BaseModel):
    """Every webhook. `secret`: whether one is configured; `without`: the organisations that have no webhook."""

    secret: bool
    hooks: list[Hook]
    without: list[str]
    deliveries: dict[str, int]
    events: list[Subscription]


class Delivery(BaseModel):
    """One delivery, without its body."""

    id: int
    hook_id: int
    guid: str
    event: str
    action: str | None
    organisation: str | None
    repository_id: int | None
    received_at: Time
    source: str
    state: str
    reason: str | None
    attempts: int
    next_at: Time | None
    done_at: Time | None
    look: int | None
