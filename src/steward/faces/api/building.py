"""Building over the API: specs, operations and their logs, releases, updates, costs, and what is asked of them."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field, StringConstraints

from steward.app.describing import TEXT_MAX, Wish
from steward.domain.people import Right
from steward.domain.spec import STARTER
from steward.domain.status import Status, Trigger
from steward.faces.api.kit import LIMIT_MAX, Asked, Expected, Reference, Text, linked, versioned
from steward.faces.api.models import Project
from steward.faces.api.models_base import Page
from steward.faces.api.models_building import (
    Costs,
    LogPart,
    Operation,
    Release,
    Spec,
    Template,
    Update,
)
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import commands, works

router = APIRouter(route_class=GuardedRoute, tags=["building"])
Json = dict[str, Any]
LATEST: Final = "latest"
USD_MAX: Final = 1_000_000.0
NUMBER_MAX: Final = 2**31 - 1
LOG_MAX: Final = 1000
ID: Final = r"^([0-9a-f]{1,32}|latest)$"

Long = Annotated[str, StringConstraints(max_length=TEXT_MAX, pattern=r"^[^\x00]*$")]
Source = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00]+$")]
Tag = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]
OperationId = Annotated[
    str,
    StringConstraints(pattern=ID),
    Path(description="An operation's id; `latest`: the newest of the project", examples=[LATEST]),
]


class WishedSpec(Asked):
    """What a project is to be: a template, the answers to its questions, and what must hold at the end."""

    template: Source = Field(default=STARTER, description="The built-in one by its name, or a git address")
    tag: Tag = ""
    answers: dict[str, Any] = Field(
        default={},
        max_length=200,
        description="By the name of the question; texts will do. GET /template lists the questions",
    )
    brief: Long = Field(default="", description="The wish in words")
    criteria: list[Text] = Field(default=[], max_length=100, description="What must hold at the end")

    def wish(self) -> Wish:
        """The same as the application takes it."""
        return Wish(self.template, self.tag, self.answers, self.brief, tuple(self.criteria))


class Description(WishedSpec):
    """A spec for a project that is there."""

    reason: Text = Field(default="", description="Why, for the history")


class Why(Asked):
    """Why."""

    reason: Text = Field(default="", description="Why, for the history")


class Resolved(Why):
    """Where an error leaves to."""

    to: Status | None = Field(
        default=None, description="The settled status before it; null: on where it stopped, which runs again"
    )


class Rollback(Asked):
    """Which release to go back to."""

    release: Annotated[int, Field(ge=1, le=NUMBER_MAX)] | None = Field(
        default=None, description="By its number; null: the last good one"
    )


class Budget(Asked):
    """What the project's agents may cost in all."""

    usd: Annotated[float, Field(ge=0, le=1_000_000)] = Field(description="In US dollars; 0: no limit")


class Requested(Asked):
    """A change that is wanted."""

    text: Long = Field(description="What is to be different", min_length=1)


class Build(Asked):
    """How to build the open update."""

    design: bool = Field(default=False, description="After a design of its own; else the design stands")
    reason: Text = Field(default="", description="Why, for the history")


class WantedOperations(Asked):
    """Which operations."""

    before: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{1,32}$")] | None = Field(
        default=None, description="Only those older than this one: the `next` of the part before"
    )
    limit: int = Field(default=50, ge=1, le=LIMIT_MAX)


class WantedLines(Asked):
    """Which lines of a log."""

    after: int = Field(default=0, ge=0, le=NUMBER_MAX, description="Only lines after this number")
    limit: int = Field(default=500, ge=1, le=LOG_MAX)


class WantedSpec(Asked):
    """Which version of a spec."""

    version: Annotated[int, Field(ge=1, le=NUMBER_MAX)] | None = Field(
        default=None, description="The newest where none is named"
    )


class WantedTemplate(Asked):
    """Which template."""

    source: Source = Field(default=STARTER, description="The built-in one by its name, or a git address")
    tag: Tag = ""


@router.get("/template", response_model=Template)
@needs(Right.WRITE)
def show_template(request: Request, wanted: Annotated[WantedTemplate, Query()]) -> Json:
    """Show a template and what it asks. It takes the right to order, as it may have to be fetched."""
    return works(request).template(wanted.source, wanted.tag)


@router.put("/projects/{reference}/spec", response_model=Project)
@needs(Right.WRITE)
def describe_project(
    request: Request, response: Response, reference: Reference, wanted: Description, expecting: Expected
) -> Json:
    """Give a draft or an update a new version of its spec. An estimate goes back to a draft for it."""
    asked = commands(request, expecting)
    made = asked.offering(reference, lambda: asked.describe(reference, wanted.wish(), wanted.reason))
    return versioned(response, made)


@router.get("/projects/{reference}/spec", response_model=Spec)
@needs(Right.READ)
def show_spec(request: Request, reference: Reference, wanted: Annotated[WantedSpec, Query()]) -> Json:
    """Show one version of the spec, with its estimate where there is one."""
    return works(request).spec(reference, wanted.version)


@router.get("/projects/{reference}/specs", response_model=list[Spec])
@needs(Right.READ)
def list_specs(request: Request, reference: Reference) -> list[Json]:
    """List all versions of the spec, oldest first."""
    return works(request).specs(reference)


@router.get("/projects/{reference}/operations", response_model=Page[Operation])
@needs(Right.READ)
def list_operations(
    request: Request, response: Response, reference: Reference, wanted: Annotated[WantedOperations, Query()]
) -> Json:
    """List what ran for a project, newest first."""
    found = works(request).operations(reference, wanted.limit + 1, wanted.before)
    shown = found[: wanted.limit]
    following = shown[-1]["id"] if len(found) > len(shown) else None
    linked(request, response, next={"before": following} if following else None)
    return {"items": shown, "next": following}


@router.get("/projects/{reference}/operations/{operation}", response_model=Operation)
@needs(Right.READ)
def show_operation(request: Request, reference: Reference, operation: OperationId) -> Json:
    """Show one operation: how far it is, or what it came to."""
    return works(request).operation(reference, _named(operation))


@router.get("/projects/{reference}/operations/{operation}/log", response_model=LogPart)
@needs(Right.READ)
def show_log(
    request: Request, reference: Reference, operation: OperationId, wanted: Annotated[WantedLines, Query()]
) -> Json:
    """Show a part of an operation's log, in order."""
    lines = works(request).log(reference, _named(operation), wanted.after, wanted.limit)
    return {"items": lines, "after": lines[-1]["number"] if lines else wanted.after}


def _named(operation: str) -> str | None:
    return None if operation == LATEST else operation


@router.post("/projects/{reference}/retry", response_model=Project)
@needs(Right.WRITE)
def retry_project(
    request: Request,
    response: Response,
    reference: Reference,
    expecting: Expected,
    wanted: Why | None = None,
) -> Json:
    """Once more what failed or was cancelled, with what it had found and made.

    A reason given to a verification that found no checks waives them.
    """
    asked, reason = commands(request, expecting), wanted.reason if wanted else ""
    return versioned(response, asked.offering(reference, lambda: asked.retry(reference, reason)))


@router.post("/projects/{reference}/resolve", response_model=Project)
@needs(Right.WRITE)
def resolve_project(
    request: Request,
    response: Response,
    reference: Reference,
    expecting: Expected,
    wanted: Resolved | None = None,
) -> Json:
    """Say that the cause of an error is gone: on where it stopped, or to the settled status before it."""
    asked, given = commands(request, expecting), wanted or Resolved()
    made = asked.offering(reference, lambda: asked.resolve(reference, given.reason, given.to))
    return versioned(response, made)


@router.post("/projects/{reference}/rollback", response_model=Project)
@needs(Right.APPROVE)
def roll_back_project(
    request: Request,
    response: Response,
    reference: Reference,
    expecting: Expected,
    wanted: Rollback | None = None,
) -> Json:
    """Put an earlier release live again; the status stays."""
    asked, release = commands(request, expecting), wanted.release if wanted else None
    return versioned(response, asked.offering(reference, lambda: asked.rollback(reference, release)))


@router.put("/projects/{reference}/budget", response_model=Project)
@needs(Right.APPROVE)
def set_budget(
    request: Request, response: Response, reference: Reference, expecting: Expected, wanted: Budget
) -> Json:
    """Let the project's agents cost so much in all; what failed for it can be retried then."""
    return versioned(response, commands(request, expecting).budget(reference, wanted.usd))


@router.get("/projects/{reference}/releases", response_model=list[Release])
@needs(Right.READ)
def list_releases(request: Request, reference: Reference) -> list[Json]:
    """List the releases of a project, newest first."""
    return works(request).releases(reference)


@router.get("/projects/{reference}/updates", response_model=list[Update])
@needs(Right.READ)
def list_updates(request: Request, reference: Reference) -> list[Json]:
    """List the updates that were asked for, oldest first."""
    return works(request).updates(reference)


@router.post("/projects/{reference}/updates", response_model=Project)
@needs(Right.WRITE)
def request_update(
    request: Request, response: Response, reference: Reference, wanted: Requested, expecting: Expected
) -> Json:
    """Ask for a change of what is live. One is open at a time; further ones wait in line."""
    asked = commands(request, expecting)
    return versioned(response, asked.offering(reference, lambda: asked.update(reference, wanted.text)))


@router.post("/projects/{reference}/updates/build", response_model=Project)
@needs(Right.APPROVE)
def build_update(
    request: Request,
    response: Response,
    reference: Reference,
    expecting: Expected,
    wanted: Build | None = None,
) -> Json:
    """Build the open update."""
    given = wanted or Build()
    trigger = Trigger.NEW_SPEC if given.design else Trigger.SMALL_CHANGE
    return versioned(response, commands(request, expecting).ask(reference, trigger, given.reason))


@router.get("/projects/{reference}/costs", response_model=Costs)
@needs(Right.READ)
def show_costs(request: Request, reference: Reference) -> Json:
    """Show what agents cost so far, and the budget."""
    return works(request).costs(reference)
