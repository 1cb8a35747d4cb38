"""The shapes of the API's answers about building: what `app.building_views` gives."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from steward.domain.operations import Fault, OperationState, Work
from steward.faces.api.models_base import Object, Spent, Time


class Live(BaseModel):
    """The release that serves now, since when, and how it is."""

    url: str | None
    commit: str | None
    since: Time | None
    health: str | None
    release: int | None


class Progress(BaseModel):
    """How far an operation is: the step that runs, which of how many it is, and a sentence about now."""

    step: str | None
    number: int
    total: int
    text: str


class OperationFailure(BaseModel):
    """Why an operation failed. Of `fault`, only `product` sends work back to the developer."""

    step: str
    fault: Fault
    reason: str
    advice: str
    evidence: Object


class Operation(BaseModel):
    """What runs or ran for a project. `attempt` counts from 1; `pull` is the address of its pull request."""

    id: str
    kind: Work
    state: OperationState
    attempt: int
    progress: Progress
    steps: list[str]
    asked_by: str
    update: int | None
    created_at: Time
    started_at: Time | None
    finished_at: Time | None
    result: Object
    pull: str | None
    failure: OperationFailure | None


class LogLine(BaseModel):
    """One line of an operation's log."""

    number: int
    attempt: int
    at: Time
    step: str
    text: str


class LogPart(BaseModel):
    """A part of an operation's log, in order. `after` asks for what follows; while it runs, more may come."""

    items: list[LogLine]
    after: int


class TemplateOf(BaseModel):
    """The template of a spec, at one commit."""

    source: str
    tag: str | None
    commit: str | None


class Estimate(BaseModel):
    """What a spec will take. `basis` says where the numbers come from."""

    effort_hours: float
    low_hours: float
    high_hours: float
    cost_usd: float
    duration_days: float
    basis: list[str]
    made_at: Time


class Spec(BaseModel):
    """One version of what a project is to be. Secret answers are never shown."""

    version: int
    template: TemplateOf
    answers: Object
    brief: str
    criteria: list[str]
    environment: dict[str, str]
    proof: str
    made_by: str
    made_at: Time
    estimate: Estimate | None


class Release(BaseModel):
    """What was deployed, at one commit."""

    number: int
    commit: str
    url: str | None
    state: Literal["live", "superseded", "failed", "rolled_back"]
    proof: str
    health: str
    made_at: Time
    checked_at: Time | None
    operation: str


class Update(BaseModel):
    """A request to change a project that is live. One is open at a time."""

    number: int
    text: str
    state: Literal["queued", "open", "shipped", "abandoned"]
    asked_by: str
    asked_at: Time
    ended_at: Time | None
    spec_version: int | None


class Costs(BaseModel):
    """What agents cost so far. A budget that is null is none; of `unknown` runs the cost is not known.

    Apart from it, and bound by limits of its own: what `talks` about the project cost.
    """

    spent_usd: float
    budget_usd: float | None
    runs: int
    unknown: int
    talks: Spent


class Question(BaseModel):
    """One question of a template. `default` may hold the template's own expression."""

    name: str
    kind: str
    help: str
    default: Any
    choices: list[str]
    multiselect: bool
    secret: bool
    required: bool


class Template(BaseModel):
    """A template, with the questions that a person may answer."""

    source: str
    tag: str | None
    title: str
    description: str
    checks: list[str] = Field(description="The checks that its projects must pass before a merge")
    questions: list[Question]
