"""The shapes of the API's answers: what `app.views` gives, field by field, for its description.

Evidence and the data of events are objects of any shape. A program has to expect fields that are new.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from steward.domain.status import Phase, Status, Trigger
from steward.faces.api.models_base import Object, Page, Time
from steward.faces.api.models_building import Live, Operation, Update


class Repository(BaseModel):
    """A project's repository, as the last looks saw it."""

    id: int
    full_name: str
    state: Literal["seen", "absent", "inaccessible", "transferred", "blocked"]
    absences: int
    lost_at: Time | None
    held: bool
    visibility: str
    archived: bool
    default_branch: str | None
    html_url: str
    pushed_at: Time | None
    previous_names: list[str]


class Hold(BaseModel):
    """Why no automation may touch a project: `organisation_frozen` (`id` null), or a hold of its own."""

    id: int | None
    kind: str
    since: Time
    by: str
    reason: str
    evidence: Object


class Score(BaseModel):
    """How ready a project is, as it was counted last: percent of the weight of the rules that apply."""

    percent: int
    unmet: list[str]
    at: Time


class Project(BaseModel):
    """One project with all its facets; those that nothing has filled yet are null or empty."""

    id: str
    slug: str
    title: str
    status: Status
    phase: Phase
    interrupted: list[Status]
    management: Literal["watch", "drive", "ignore"]
    holds: list[Hold]
    repository: Repository | None
    organisation: str | None
    owner: str | None
    live: Live | None
    operation: Operation | None
    update: Update | None
    readiness: Score | None
    version: int
    created_at: Time
    since: Time
    updated_at: Time


class Option(BaseModel):
    """A move that the lifecycle knows from here. `refused` says what stands against it, in words."""

    trigger: Trigger
    to: str
    refused: str | None
    reason: Literal["role", "guard"] | None


class Gate(Option):
    """The word that a project waits for, and whose it is."""

    askers: list[str]


class Exit(BaseModel):
    """A way out of an incident. `command` is for the command line, `url` a place on GitHub, where there is one."""

    action: str
    command: str | None
    text: str
    url: str | None


class Incident(BaseModel):
    """Something that is not as it should be, with its evidence and the ways out."""

    id: int
    key: str
    cause: str
    severity: str
    state: Literal["open", "acknowledged", "resolved"]
    title: str
    project: str | None
    organisation: str | None
    count: int
    first_at: Time
    last_at: Time
    muted_until: Time | None
    acknowledged_by: str | None
    resolved_at: Time | None
    resolved_by: str | None
    resolution: str | None
    evidence: Object
    exits: list[Exit]


class Confirming(BaseModel):
    """An absence that is being confirmed: so many reads of those needed agree."""

    absences: int
    needed: int


class Card(Project):
    """A project in a list, with what asks for attention."""

    confirming: Confirming | None
    incident: Incident | None
    gate: Gate | None
    stale: bool


class Projects(Page[Card]):
    """A part of the list of projects. `count` is how many there are in all parts."""

    count: int


class Event(BaseModel):
    """Something that happened. Positions grow; none is given twice."""

    position: int
    at: Time
    kind: str
    actor: str
    project: str | None
    organisation: str | None
    why: str
    data: Object


class Events(BaseModel):
    """Some events, oldest first. `last_position` is that of the newest event there is."""

    items: list[Event]
    last_position: int


class ProjectDetail(Project):
    """A project with the moves that people may ask for, its incidents and its newest events."""

    actions: list[Option]
    incidents: list[Incident]
    history: list[Event]


class LifecycleStatus(BaseModel):
    """One status. `aliases` are read as well."""

    status: Status
    phase: Phase
    aliases: list[str]


class GuardOf(BaseModel):
    """What must be proven before a move."""

    code: str
    words: str


class LifecycleMove(BaseModel):
    """One row of the table. `who` makes the move; `asks` may ask for it."""

    model_config = {"populate_by_name": True}

    from_: list[Status | None] = Field(alias="from")
    trigger: Trigger
    to: str
    who: list[str]
    asks: list[str]
    guards: list[GuardOf]


class Lifecycle(BaseModel):
    """The whole table: every status, every move between them."""

    statuses: list[LifecycleStatus]
    moves: list[LifecycleMove]


class Frozen(BaseModel):
    """Since when, by whom and why all automation of an organisation is stopped."""

    since: Time
    by: str
    reason: str


class Organisation(BaseModel):
    """An organisation itself."""

    login: str
    id: int | None
    server: str
    state: str
    reason: str | None
    frozen: Frozen | None
    previous_names: list[str]


class Released(Organisation):
    """An organisation whose held losses were called real."""

    released: list[str]


class Rejected(Organisation):
    """An organisation whose held losses were called not real."""

    rejected: list[str]


class Look(BaseModel):
    """One observation of an organisation."""

    id: int
    kind: str
    outcome: str
    started_at: Time
    finished_at: Time | None
    observed: int
    requests: int
    not_modified: int
    points: int
    changes: dict[str, int]
    reason: str


class OrganisationState(Organisation):
    """An organisation, what is recorded of its repositories, and its last looks."""

    repositories: dict[str, int]
    held: list[str]
    last_look: Look | None
    last_whole_look: Look | None


class Alive(BaseModel):
    """What became of the dead-man pings. `silent` says why none is sent now; null: nothing stands against it."""

    sent_at: Time | None
    failed_at: Time | None
    failure: str | None
    silent: str | None


class SyncStatus(BaseModel):
    """How the looks go. `running` names the process that runs them; null: none does."""

    running: str | None
    organisations: list[OrganisationState]
    outbox: dict[str, int]
    budget: Object | None
    alive: Alive | None


class LookReport(BaseModel):
    """What a look that was asked for brought."""

    login: str
    state: str
    whole: bool
    observed: int
    requests: int
    not_modified: int
    points: int
    changes: dict[str, int]
    held: int
    duration_s: float
    reason: str
    retry_at: Time | None
    look: int | None
    next_confirmation_s: float | None


class AskedLook(BaseModel):
    """A look that was asked for. `report` is null until it was made."""

    id: int
    organisation: str
    asked_by: str
    asked_at: Time
    report: LookReport | None


class AskedLooks(BaseModel):
    """The looks that were asked for together."""

    items: list[AskedLook]


class Change(BaseModel):
    """A change that a look would make."""

    kind: str
    repository: str | None
    project: str | None
    text: str


class Plan(BaseModel):
    """What a look at one organisation would change."""

    login: str
    whole: bool
    reason: str
    changes: list[Change]


class Plans(BaseModel):
    """What a look would change now; nothing was written."""

    organisations: list[Plan]


class Problem(BaseModel):
    """What went wrong, as RFC 9457 says it. Of `type` the last part is stable; more fields may come by type."""

    model_config = {"extra": "allow"}

    type: str = Field(pattern="^urn:steward:problem:[a-z-]+$")
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    advice: str | None = None
