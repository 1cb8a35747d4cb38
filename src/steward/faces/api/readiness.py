"""Readiness over the API: what a project lacks, and what it does without."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field, StringConstraints

from steward.app.readiness import REASON_MAX
from steward.domain.people import Right
from steward.faces.api.kit import Asked, Reference
from steward.faces.api.models_base import Object, Time
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import principal_of, site

router = APIRouter(route_class=GuardedRoute, tags=["projects"])
Json = dict[str, Any]

Code = Annotated[
    str,
    StringConstraints(max_length=40, pattern=r"^[a-z][a-z0-9_]*$"),
    Path(description="The code of a rule", examples=["owner"]),
]


class Fix(BaseModel):
    """How to put a line right. `command` is for the command line, `url` a place on GitHub, where there is one."""

    action: str
    words: str
    command: str | None
    url: str | None


class Waived(BaseModel):
    """Who does without a rule, since when and why."""

    by: str
    at: Time
    reason: str


class Line(BaseModel):
    """A rule as it applies to a project. A waived one counts as met. `detail` names what varies."""

    rule: str
    ok: bool
    words: str
    weight: int
    severity: str
    own: bool
    detail: Object
    waived: Waived | None
    fix: Fix | None


class Readiness(BaseModel):
    """What a project lacks. `percent` is null where nothing is asked of it: it is archived."""

    ready: int
    of: int
    percent: int | None
    lines: list[Line]


class Waiving(Asked):
    """Why the project does without a rule."""

    reason: Annotated[str, StringConstraints(max_length=REASON_MAX, pattern=r"^[^\x00]*$")] = Field(
        description="Why, or where what the rule asks for is; not empty"
    )


@router.get("/projects/{reference}/readiness", response_model=Readiness)
@needs(Right.READ)
def show_readiness(request: Request, reference: Reference) -> Json:
    """List the rules that apply to a project, what it lacks with its fix, and the score."""
    return site(request).app.readiness(principal_of(request)).lines(reference)


@router.post("/projects/{reference}/readiness/{code}/waive", response_model=Readiness)
@needs(Right.WRITE)
def waive_rule(request: Request, reference: Reference, code: Code, wanted: Waiving) -> Json:
    """Do without a rule, with the reason; it counts as met from then on."""
    return site(request).app.readiness(principal_of(request)).waive(reference, code, wanted.reason)


@router.post("/projects/{reference}/readiness/{code}/unwaive", response_model=Readiness)
@needs(Right.WRITE)
def unwaive_rule(request: Request, reference: Reference, code: Code) -> Json:
    """Ask for a rule again."""
    return site(request).app.readiness(principal_of(request)).unwaive(reference, code)
