"""What the API's endpoints share: how values are read, and how versions and pages are told."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Any, Final

from fastapi import Depends, Path, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from starlette.exceptions import HTTPException

from steward.app.errors import Invalid

LIMIT_MAX: Final = 200
NUMBER_MAX: Final = 2**63 - 1
"""What both databases can compare an id with."""
PLACES: Final = ("after", "before", "cursor")
"""The parameters that say where in a list a part begins."""
_UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})

Text = Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00]*$")]
"""A text of people."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
"""What something is called."""


def _named(reference: str) -> str:
    return reference.replace(":", "/")


Reference = Annotated[
    Name,
    Path(
        description="A project's id or slug, or the present or an earlier name of its repository; of a full "
        "name the slash is written as a colon: `acme:web`",
        examples=["shop-front"],
    ),
    AfterValidator(_named),
]
Number = Annotated[int, Path(ge=1, le=NUMBER_MAX, examples=[1])]
Login = Annotated[Name, Path(description="An organisation's present or an earlier login", examples=["acme"])]


class Asked(BaseModel):
    """The body of a request. A field that is not known is refused, so that none is overlooked."""

    model_config = ConfigDict(extra="forbid")


def json_alone(request: Request) -> None:
    """Refuse a body that does not say that it is JSON: a form of another site can say nothing else."""
    told = request.headers.get("content-type", "")
    if request.method in _UNSAFE and told and told.partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415)


def expected(request: Request) -> int | None:
    """The version that `If-Match` names; None where it names none. Raises Invalid for what is no version."""
    told = request.headers.get("if-match", "*").strip()
    if told == "*":
        return None
    digits = told.removeprefix('"').removesuffix('"')
    if f'"{digits}"' != told or not digits.isascii() or not digits.isdigit() or len(digits) > 18:
        raise Invalid("If-Match names no version", "Send the ETag as the project's answer bore it.")
    return int(digits)


Expected = Annotated[int | None, Depends(expected)]


def versioned(response: Response, project: dict[str, Any]) -> dict[str, Any]:
    """Say the version of a project in the ETag of its answer."""
    response.headers["ETag"] = f'"{project["version"]}"'
    return project


def linked(request: Request, response: Response, **pages: dict[str, Any] | None) -> None:
    """Say where other parts of a list are: by relation, the parameters that place them; None: there is none."""
    here = request.url.remove_query_params(PLACES)
    links = [
        f'<{here.include_query_params(**place).replace(scheme="", netloc="")}>; rel="{relation}"'
        for relation, place in pages.items()
        if place is not None
    ]
    if links:
        response.headers["Link"] = ", ".join(links)


def packed(*values: str | int) -> str:
    """An opaque cursor."""
    return base64.urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")


def unpacked(cursor: str) -> list[Any]:
    """What a cursor was made of. Raises Invalid."""
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "==="))
    except (ValueError, binascii.Error):
        values = None
    if not isinstance(values, list):
        raise Invalid("the cursor cannot be read", "Start from the first page.")
    return values
