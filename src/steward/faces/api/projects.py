"""Projects over the API: listed, shown, ordered, changed, moved along the lifecycle, relinked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from steward.app.errors import Invalid
from steward.app.filters import Filter
from steward.domain.people import Right
from steward.domain.project import SLUG, Management
from steward.domain.status import Phase, Status, Trigger
from steward.faces.api.building import USD_MAX, WishedSpec
from steward.faces.api.events import Wanted as WantedEvents
from steward.faces.api.events import page
from steward.faces.api.kit import (
    LIMIT_MAX,
    Asked,
    Expected,
    Name,
    Reference,
    Text,
    linked,
    versioned,
)
from steward.faces.api.models import Events, Option, Project, ProjectDetail, Projects
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import commands, principal_of, queries, site

router = APIRouter(route_class=GuardedRoute, tags=["projects"])
Json = dict[str, Any]


def _status(value: object) -> object:
    return Status.parse(value) if isinstance(value, str) else value


Sorted = Literal[
    "slug",
    "-slug",
    "status",
    "-status",
    "since",
    "-since",
    "updated",
    "-updated",
    "owner",
    "-owner",
    "readiness",
    "-readiness",
]


class Wanted(Asked):
    """Which projects. What is archived or ignored is left out unless it is named."""

    phase: list[Phase] = Field(default=[], max_length=20)
    status: list[Annotated[Status, BeforeValidator(_status)]] = Field(default=[], max_length=50)
    owner: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")] = Field(
        default="", description='Who looks after it; "-": nobody'
    )
    organisation: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")] = ""
    management: list[Management] = Field(default=[], max_length=10)
    q: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")] = Field(
        default="", description="A text in slug, title or repository"
    )
    stale: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,4}[smhd]$")] | None = Field(
        default=None, description="Longer than this in a status that should have ended: 24h, 7d"
    )
    waiting: bool = Field(default=False, description="Only those that wait for the word of whoever asks")
    held: bool | None = Field(default=None, description="Only those with a standing hold; false: without one")
    ready_below: int | None = Field(default=None, ge=0, le=100, description="Readiness below this percent")
    ready_from: int | None = Field(
        default=None, ge=0, le=100, description="Readiness of this percent or more"
    )
    sort: Sorted = "slug"
    limit: int = Field(default=50, ge=1, le=LIMIT_MAX)
    cursor: str = Field(default="", max_length=2000, description="The `next` of the part before this one")

    def pairs(self) -> Iterator[tuple[str, str]]:
        """The same as the pages' addresses write it."""
        for name in self.model_fields_set:
            value = getattr(self, name)
            for one in value if isinstance(value, list) else [value]:
                text = (
                    ("yes" if one else "no") if isinstance(one, bool) else str(one if one is not None else "")
                )
                yield ("after" if name == "cursor" else name), text


class Order(Asked):
    """A new project."""

    # What is malformed is refused further in, with what to write instead.
    slug: Annotated[str, WithJsonSchema({"type": "string", "pattern": f"^{SLUG.pattern}$"})]
    organisation: Name | None = Field(default=None, description="May be left out where there is one")
    title: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")] = ""
    spec: WishedSpec | None = Field(
        default=None, description="What it is to be; without one, the draft is described later"
    )


class Changes(Asked):
    """What to change of a project; what is not named stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"minProperties": 1})

    owner: Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00]*$")] | None = Field(
        default=None, description="Who looks after it; null or an empty text: nobody"
    )
    management: Management = Management.WATCH

    @model_validator(mode="after")
    def _something(self) -> Changes:
        if not self.model_fields_set:
            raise ValueError("name what to change: owner, management, or both")
        return self


class Transition(Asked):
    """The move to make: the status to reach, or the trigger by its name."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"oneOf": [{"required": ["to"]}, {"required": ["trigger"]}]}
    )

    to: Status | None = None
    trigger: Trigger | None = None
    reason: Text = Field(default="", description="Why, for the history")
    budget_usd: float | None = Field(
        default=None,
        ge=0,
        le=USD_MAX,
        allow_inf_nan=False,
        description="Of a confirmation: what agents may cost in all; 0: no limit; null: as the installation says",
    )

    @model_validator(mode="after")
    def _one(self) -> Transition:
        if (self.to is None) == (self.trigger is None):
            raise ValueError("name either the status to reach (to) or the trigger")
        if self.budget_usd is not None and not self.confirms:
            raise ValueError("a budget belongs to a confirmation")
        return self

    @property
    def confirms(self) -> bool:
        """Whether it is an approver's confirmation of an estimate."""
        return self.trigger is Trigger.CONFIRMED or self.to is Status.PROVISIONING


class Relink(Asked):
    """The repository that a missing project is to have."""

    repository: Name = Field(description='"owner/name" or a numeric id, of a repository that is recorded')


@router.get("/projects", response_model=Projects)
@needs(Right.READ)
def list_projects(request: Request, response: Response, wanted: Annotated[Wanted, Query()]) -> Json:
    """List projects, in parts: no project twice, and none lost that was there from the first part on."""
    shown = site(request).app.board(principal_of(request)).table(Filter.read(wanted.pairs()))
    linked(request, response, next={"cursor": shown["next"]} if shown["next"] else None)
    return {"items": shown["rows"], "next": shown["next"], "count": shown["count"]}


@router.post("/projects", response_model=Project, status_code=201)
@needs(Right.WRITE)
def order_project(request: Request, response: Response, order: Order) -> Json:
    """Order a project: a draft, with nothing on GitHub yet. With a spec both are stored, or neither."""
    asked, home, title = commands(request), order.organisation, order.title
    if order.spec is None:
        made = asked.order(order.slug, organisation=home, title=title)
    else:
        made = asked.draft(order.slug, organisation=home, title=title, wish=order.spec.wish())
    response.headers["Location"] = f"/api/v1/projects/{made['id']}"
    return versioned(response, made)


@router.get("/projects/{reference}", response_model=ProjectDetail)
@needs(Right.READ)
def show_project(request: Request, response: Response, reference: Reference) -> Json:
    """Show one project: where it stands, what is possible, what happened."""
    return versioned(response, queries(request).project(reference))


@router.patch("/projects/{reference}", response_model=Project)
@needs(Right.WRITE)
def change_project(
    request: Request, response: Response, reference: Reference, changes: Changes, expecting: Expected
) -> Json:
    """Say who looks after a project, and how far Steward goes."""
    named = changes.model_fields_set
    owner = (changes.owner or "") if "owner" in named else None
    management = changes.management if "management" in named else None
    return versioned(
        response, commands(request, expecting).change(reference, owner=owner, management=management)
    )


@router.get("/projects/{reference}/transitions", response_model=list[Option])
@needs(Right.READ)
def list_transitions(request: Request, response: Response, reference: Reference) -> list[Json]:
    """List the moves that people may ask for from here, and what stands against each."""
    actions: list[Json] = versioned(response, queries(request).project(reference))["actions"]
    return actions


@router.post("/projects/{reference}/transitions", response_model=Project)
@needs(Right.READ)
def move_project(
    request: Request, response: Response, reference: Reference, wanted: Transition, expecting: Expected
) -> Json:
    """Ask for a move along the lifecycle. A refusal (409; 403 for the role) lists in `allowed` what is possible.

    The right that it takes is that of the move: `write`, or `approve`.
    """
    asked = commands(request, expecting)
    budget = wanted.budget_usd
    if budget is not None:
        confirmed = asked.offering(reference, lambda: asked.confirm(reference, wanted.reason, budget))
        return versioned(response, confirmed)
    if wanted.trigger is not None:
        return versioned(response, asked.ask(reference, wanted.trigger, wanted.reason))
    if wanted.to is None:
        raise Invalid("no move is named", "Name the status to reach (to) or the trigger.")
    return versioned(response, asked.bring(reference, wanted.to, wanted.reason))


@router.post("/projects/{reference}/relink", response_model=Project)
@needs(Right.WRITE)
def relink_project(
    request: Request, response: Response, reference: Reference, wanted: Relink, expecting: Expected
) -> Json:
    """Give a missing project another repository, one that is recorded."""
    return versioned(response, commands(request, expecting).relink(reference, wanted.repository))


@router.get("/projects/{reference}/events", response_model=Events)
@needs(Right.READ)
def list_project_events(
    request: Request, response: Response, reference: Reference, wanted: Annotated[WantedEvents, Query()]
) -> Json:
    """What happened to one project, oldest first; the newest events, unless `after` or `before` is given."""
    return page(request, response, wanted, reference)
