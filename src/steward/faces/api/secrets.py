"""Secrets of projects over the API: they go in, and never come out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import Field, StringConstraints

from steward.app.keeping import LENGTH, Alphabet
from steward.app.secrets import Secrets
from steward.domain.needs import Sort
from steward.domain.people import Right
from steward.domain.vault import VALUE_MAX, Place
from steward.faces.api.kit import Asked, Expected, Reference
from steward.faces.api.models_secrets import (
    SecretKept,
    SecretList,
    SecretNamed,
    SecretsRotated,
    SecretsSent,
    SecretWaived,
)
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import principal_of, site

router = APIRouter(route_class=GuardedRoute, tags=["secrets"])
Json = dict[str, Any]
Value = Annotated[str, StringConstraints(max_length=VALUE_MAX)]
SecretName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00]+$"),
    Path(description="The name as the program reads it", examples=["DATABASE_URL"]),
]
WaivedName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00]+$"),
    Path(description="A name, or `rule:` and the code of a rule of readiness", examples=["OLD_TOKEN"]),
]
Places = Annotated[list[Place], Field(min_length=1, max_length=2)]


def secrets(request: Request, expecting: int | None = None) -> Secrets:
    """What whoever asks may do with secrets."""
    return site(request).app.secrets(principal_of(request), expecting)


class Kind(Asked):
    """What a value is, and where it is used."""

    sort: Sort = Field(default=Sort.SECRET, description="A secret is masked wherever it might show")
    places: Places = Field(
        default=[Place.RUN], description="`run`: the program; `checks`: the workflows on GitHub"
    )


class Given(Kind):
    """A value to keep."""

    value: Value


class GivenAll(Kind):
    """Several values to keep, by name: all of them, or none."""

    values: dict[str, Value] = Field(min_length=1, max_length=200)


class Generation(Asked):
    """What is to be made up."""

    length: int = Field(default=LENGTH, ge=16, le=1024, description="Characters")
    alphabet: Alphabet = Alphabet.URLSAFE
    places: Places = Field(default=[Place.RUN])
    replace: bool = Field(default=False, description="Whether a value that is set is replaced")


class Waiving(Asked):
    """Why a name is not needed."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]


@router.get("/projects/{reference}/secrets", response_model=SecretList)
@needs(Right.READ)
def list_secrets(request: Request, reference: Reference) -> Json:
    """List what is kept for a project, never the values, and what a deployment waits for."""
    return secrets(request).listed(reference)


@router.post("/projects/{reference}/secrets", response_model=list[SecretKept])
@needs(Right.WRITE)
def set_secrets(request: Request, reference: Reference, wanted: GivenAll, expecting: Expected) -> list[Json]:
    """Keep several values at once. What there was of those names is replaced."""
    return secrets(request, expecting).set_many(reference, wanted.values, wanted.sort, wanted.places)


@router.put("/projects/{reference}/secrets/{name}", response_model=SecretKept)
@needs(Right.WRITE)
def set_secret(
    request: Request, reference: Reference, name: SecretName, wanted: Given, expecting: Expected
) -> Json:
    """Keep a value. What there was of that name is replaced."""
    return secrets(request, expecting).set(reference, name, wanted.value, wanted.sort, wanted.places)


@router.delete("/projects/{reference}/secrets/{name}", response_model=SecretNamed)
@needs(Right.WRITE)
def unset_secret(request: Request, reference: Reference, name: SecretName, expecting: Expected) -> Json:
    """Forget a value here. What GitHub was given stays there."""
    return secrets(request, expecting).unset(reference, name)


@router.post("/projects/{reference}/secrets/{name}/generate", response_model=SecretKept)
@needs(Right.WRITE)
def generate_secret(
    request: Request,
    reference: Reference,
    name: SecretName,
    expecting: Expected,
    wanted: Generation | None = None,
) -> Json:
    """Make up a secret that nobody sees."""
    asked = wanted or Generation()
    return secrets(request, expecting).generate(
        reference, name, asked.length, asked.alphabet, asked.places, replacing=asked.replace
    )


@router.post("/projects/{reference}/secrets/{name}/waive", response_model=SecretWaived)
@needs(Right.WRITE)
def waive_secret(
    request: Request, reference: Reference, name: WaivedName, wanted: Waiving, expecting: Expected
) -> Json:
    """Say that a project does without a name, and why."""
    return secrets(request, expecting).waive(reference, name, wanted.reason)


@router.delete("/projects/{reference}/secrets/{name}/waive", response_model=SecretNamed)
@needs(Right.WRITE)
def unwaive_secret(request: Request, reference: Reference, name: WaivedName, expecting: Expected) -> Json:
    """Say that it is needed after all."""
    return secrets(request, expecting).unwaive(reference, name)


@router.post("/projects/{reference}/secrets/send", response_model=SecretsSent)
@needs(Right.WRITE)
def send_secrets(request: Request, reference: Reference, expecting: Expected) -> Json:
    """Give GitHub what is kept for the checks; each secret is sealed before it leaves."""
    return secrets(request, expecting).send(reference)


@router.post("/projects/{reference}/secrets/rotate", response_model=SecretsRotated)
@needs(Right.WRITE)
def rotate_secrets(request: Request, reference: Reference, expecting: Expected) -> Json:
    """Give the project a new data key, and encrypt its values anew with it."""
    return secrets(request, expecting).rotate(reference)
