"""Taking in over the API: what repositories need, checklists, many taken in at once, adoptions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, StringConstraints, model_validator

from steward.app.adopting import Adopting, Wanted
from steward.domain.people import Right
from steward.faces.api.kit import LIMIT_MAX, Asked, Expected, Name, Reference, Text, linked, versioned
from steward.faces.api.models import Project
from steward.faces.api.models_setup import Checklist, Scan, SetupTable, TakenInAll
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import principal_of, site

router = APIRouter(route_class=GuardedRoute, tags=["setup"])
Json = dict[str, Any]
NAMED_MAX = 2000
Filter = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]


class TakeIn(Asked):
    """Which projects to take in: by name, or all that are discovered and on watch."""

    projects: list[Name] = Field(default=[], max_length=NAMED_MAX)
    all: bool = Field(default=False, description="All that are discovered and on watch")
    organisation: Filter = ""
    q: Filter = Field(default="", description="With `all`: a text in slug, title or repository")

    @model_validator(mode="after")
    def _one(self) -> TakeIn:
        if bool(self.projects) == self.all:
            raise ValueError("name the projects, or say all")
        return self


class Adoption(Asked):
    """How a project is to be adopted; what is left out is as the evidence says."""

    entry: Literal["initialized", "designed", "implemented", "verified", "active"] | None = None
    owner: Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00]*$")] | None = None
    proof: Literal["http", "attested"] | None = None
    url: Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")] | None = None
    reason: Text = ""
    accept_self_deploy: bool = False
    waive: dict[Name, Text] = Field(default={}, description="Names, ci and deploy: why each is done without")


class Wished(Asked):
    """Which part of the table."""

    organisation: Filter = ""
    q: Filter = Field(default="", description="A text in slug, title or repository")
    limit: int = Field(default=50, ge=1, le=LIMIT_MAX)
    after: Filter = Field(default="", description="The `next` of the part before this one")


def setup(request: Request, expecting: int | None = None) -> Adopting:
    """What whoever asks may do about taking in."""
    return site(request).app.setup(principal_of(request), expecting)


@router.get("/setup", response_model=SetupTable)
@needs(Right.READ)
def list_setup(request: Request, response: Response, wanted: Annotated[Wished, Query()]) -> Json:
    """List what is discovered or being set up, with what was found of each, and how far the scans are."""
    asked = setup(request)
    rows = asked.table(wanted.organisation, wanted.q, limit=wanted.limit, after=wanted.after)
    more = rows[-1]["slug"] if len(rows) == wanted.limit else None
    linked(request, response, next={"after": more} if more else None)
    return {"items": rows, "next": more, "progress": asked.progress()}


@router.post("/setup/take-in", response_model=TakenInAll)
@needs(Right.WRITE)
def take_in_projects(request: Request, wanted: TakeIn) -> Json:
    """Have many repositories scanned, to be driven; each is answered for itself."""
    rows = setup(request).take_in(wanted.projects, organisation=wanted.organisation, text=wanted.q)
    return {"items": rows}


@router.get("/projects/{reference}/checklist", response_model=Checklist)
@needs(Right.READ)
def show_checklist(request: Request, reference: Reference) -> Json:
    """Show what a project lacks before it can be adopted, and where it may enter."""
    return setup(request).checklist(reference)


@router.get("/projects/{reference}/scan", response_model=Scan)
@needs(Right.READ)
def show_scan(request: Request, reference: Reference) -> Json:
    """Show what a repository reads of its environment, every name with where that is."""
    return setup(request).scan(reference)


@router.post("/projects/{reference}/scan", response_model=Scan, status_code=202)
@needs(Right.WRITE)
def scan_project(request: Request, reference: Reference, expecting: Expected) -> Json:
    """Have a repository scanned; what was found before stands until then."""
    return setup(request, expecting).ask(reference)


@router.post("/projects/{reference}/adopt", response_model=Project)
@needs(Right.WRITE)
def adopt_project(
    request: Request, response: Response, reference: Reference, wanted: Adoption, expecting: Expected
) -> Json:
    """Let Steward drive a project that it did not make. A refusal (409) says what is missing."""
    asked = setup(request, expecting)
    said = Wanted.of(**wanted.model_dump())
    return versioned(response, asked.adopt(reference, said))
