"""Hands off over the API: holds and their ways out, the policy, kept patches, settings that were changed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import Field, StringConstraints

from steward.app.hands import REASON_MAX, Hands
from steward.app.mending import Mending
from steward.domain.hands import Exit, HandsOff
from steward.domain.people import Right
from steward.faces.api.kit import Asked, Expected, Number, Reference, versioned
from steward.faces.api.models import Project
from steward.faces.api.models_hands import Holds, KeptPatch
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import principal_of, site

router = APIRouter(route_class=GuardedRoute, tags=["hands off"])
Json = dict[str, Any]

Why = Annotated[str, StringConstraints(max_length=REASON_MAX, pattern=r"^[^\x00]*$")]
Setting = Annotated[
    str,
    StringConstraints(max_length=40, pattern=r"^[a-z][a-z_]*$"),
    Path(description="A setting that is watched", examples=["visibility"]),
]


def hands(request: Request, expecting: int | None = None) -> Hands:
    """What whoever asks may ask about holds."""
    return site(request).app.hands(principal_of(request), expecting)


def mending(request: Request, expecting: int | None = None) -> Mending:
    """What whoever asks may do about changed settings."""
    return site(request).app.mending(principal_of(request), expecting)


class Pause(Asked):
    """Why a project is held."""

    reason: Why = Field(default="", description="Why, for everybody to read")


class Leaving(Asked):
    """How holds are left."""

    exit: Exit = Field(default=Exit.RESUME, description="One of the ways out that the holds list")
    reason: Why = Field(default="", description="Why, for the history")


class Policy(Asked):
    """What a person's push to the default branch does."""

    policy: HandsOff


@router.get("/projects/{reference}/holds", response_model=Holds)
@needs(Right.READ)
def list_holds(request: Request, reference: Reference) -> Json:
    """List what holds a project with its evidence and ways out, and what held it last."""
    return hands(request).shown(reference)


@router.post("/projects/{reference}/holds", response_model=Project)
@needs(Right.WRITE)
def pause_project(
    request: Request,
    response: Response,
    reference: Reference,
    expecting: Expected,
    wanted: Pause | None = None,
) -> Json:
    """Hold a project until somebody says that it may go on. What runs is stopped; its work is kept."""
    reason = wanted.reason if wanted else ""
    return versioned(response, hands(request, expecting).pause(reference, reason))


@router.post("/projects/{reference}/holds/{number}/exit", response_model=Project)
@needs(Right.WRITE)
def leave_hold(
    request: Request,
    response: Response,
    reference: Reference,
    number: Number,
    expecting: Expected,
    wanted: Leaving | None = None,
) -> Json:
    """Leave one hold by one of its ways."""
    given = wanted or Leaving()
    asked = hands(request, expecting)
    return versioned(response, asked.leave(reference, given.exit, given.reason, hold=number))


@router.post("/projects/{reference}/resume", response_model=Project)
@needs(Right.WRITE)
def resume_project(
    request: Request,
    response: Response,
    reference: Reference,
    expecting: Expected,
    wanted: Leaving | None = None,
) -> Json:
    """Leave every hold of a project that has that way out."""
    given = wanted or Leaving()
    return versioned(response, hands(request, expecting).leave(reference, given.exit, given.reason))


@router.put("/projects/{reference}/hands-off", response_model=Project)
@needs(Right.WRITE)
def set_policy(
    request: Request, response: Response, reference: Reference, expecting: Expected, wanted: Policy
) -> Json:
    """Say what a person's push to the default branch does from now on."""
    return versioned(response, hands(request, expecting).policy_of(reference, wanted.policy))


@router.get("/projects/{reference}/patches", response_model=list[KeptPatch])
@needs(Right.READ)
def list_patches(request: Request, reference: Reference) -> list[Json]:
    """List the unpushed work of agents that were stopped, newest first."""
    found: list[Json] = hands(request).shown(reference)["patches"]
    return found


@router.get("/projects/{reference}/patches/{number}", response_class=PlainTextResponse)
@needs(Right.READ)
def show_patch(request: Request, reference: Reference, number: Number) -> PlainTextResponse:
    """The text of one, as `git apply` takes it."""
    return PlainTextResponse(hands(request).patch(reference, number).text)


@router.post("/projects/{reference}/settings/{setting}/mend", response_model=Project)
@needs(Right.WRITE)
def mend_setting(
    request: Request, response: Response, reference: Reference, setting: Setting, expecting: Expected
) -> Json:
    """Set a setting right that was changed on GitHub. Nothing is ever published or archived from here."""
    return versioned(response, mending(request, expecting).mend(reference, setting))


@router.post("/projects/{reference}/settings/{setting}/accept", response_model=Project)
@needs(Right.WRITE)
def accept_setting(
    request: Request, response: Response, reference: Reference, setting: Setting, expecting: Expected
) -> Json:
    """Take a setting as it is now on GitHub: it is wanted so from here on."""
    return versioned(response, mending(request, expecting).accept(reference, setting))
