"""The description of the API, as OpenAPI 3.1: made from the endpoints, with all that the guard adds to them.

Each operation names the right that it takes (`x-right`) and every answer that can come; all failures are of
one shape, with stable types. The deliveries that GitHub sends in stand under `webhooks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, Final

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from steward.domain.people import Right
from steward.faces.api.kit import expected
from steward.faces.api.models import Problem
from steward.faces.http.guard import right_of
from steward.faces.http.idempotency import KEY

Json = dict[str, Any]
REF: Final = "#/components/schemas/"

PROBLEMS: Final = {
    400: "The request cannot be read: its body is no JSON",
    401: "Nobody is signed in, or what was shown proves nothing",
    403: "Whoever asks may not; `right` names what it takes",
    404: "Nothing is known by that name; `near` resembles it",
    409: "It cannot be done as things stand; of a move, `allowed` lists what can",
    412: "It was changed since the version that If-Match names",
    413: "The body is too large",
    415: "The body is not sent as JSON",
    421: "This server does not bear the name that was asked for",
    422: "What was asked for cannot be meant: malformed, or refused with advice",
    429: "Too many wrong tokens came from this address; Retry-After says when to come again",
    502: "GitHub refuses, until a person changes something",
    503: "It cannot be done now; Retry-After says when to try again",
}
ALWAYS: Final = (401, 403, 421, 422, 429, 503)
CHANGING: Final = (409, 413)
WITH_BODY: Final = (400, 415)
MORE: Final[dict[str, tuple[int, ...]]] = {
    "/api/v1/projects/{reference}/secrets": (409, 502),
    "/api/v1/projects/{reference}/secrets/{name}": (502,),
    "/api/v1/projects/{reference}/secrets/{name}/generate": (502,),
    "/api/v1/projects/{reference}/secrets/{name}/waive": (502,),
    "/api/v1/projects/{reference}/secrets/send": (502,),
    "/api/v1/projects/{reference}/secrets/rotate": (502,),
    "/api/v1/projects/{reference}/settings/{setting}/mend": (502,),
    "/api/v1/talks": (404,),
    "/api/v1/talks/{number}": (412,),
    **{
        f"/api/v1/talks/{{number}}/{act}": (412, 502)
        for act in ("brief", "pick", "skip", "order", "ask", "drop", "messages")
    },
    "/api/v1/projects": (404,),
    "/api/v1/setup": (404,),
    "/api/v1/setup/take-in": (404,),
    "/api/v1/projects/{reference}/adopt": (502,),
    "/api/v1/template": (409,),
    "/api/v1/events": (404,),
    "/api/v1/tokens": (404,),
    "/api/v1/telegram/test": (404,),
    "/api/v1/syncs/plan": (404, 502),
    "/api/v1/restored": (404, 502),
    "/api/v1/webhooks/register": (502,),
    "/api/v1/webhooks/ping": (502,),
    "/api/v1/webhooks/sweep": (502,),
}
"""Answers that single addresses give besides: a name in a query may be unknown, GitHub may refuse."""

KEY_HEADER: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The request acts once, however often it is sent with this key; a repeat is answered as the "
    "first one was, with `Idempotent-Replay: true`. Kept for a day.",
    "schema": {"type": "string", "pattern": f"^{KEY.pattern}$"},
}
VERSION_HEADER: Final = {
    "name": "If-Match",
    "in": "header",
    "description": "The ETag of the version that this was decided on; 412 if it has changed since",
    "schema": {"type": "string", "pattern": r'^(\*|"[0-9]{1,18}")$'},
}


def described(router: APIRouter, prefix: str, parts: Sequence[APIRouter], inbound: APIRouter) -> Json:
    """The description of a router made of these parts, and of what others send in."""
    shown = get_openapi(
        title="Steward",
        version=version("steward"),
        summary="Keeps every project of a GitHub organisation true.",
        routes=router.routes,
        webhooks=inbound.routes,
        separate_input_output_schemas=False,
    )
    schemas = shown["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema(ref_template=REF + "{model}")
    shown["components"]["responses"] = {str(status): _problem(words) for status, words in PROBLEMS.items()}
    shown["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "An API token: `steward token create`"},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "steward",
            "description": "A browser's session; what changes something must bear X-CSRF-Token too",
        },
    }
    shown["security"] = [{"token": []}, {"session": []}]
    shown["webhooks"] = {path.strip("/").replace("/", "-"): item for path, item in shown["webhooks"].items()}
    rights, versioned = _rights(prefix, parts), _versioned(prefix, parts)
    for path, item in shown["paths"].items():
        for method, operation in item.items():
            _complete(path, method, operation, rights[path, method.upper()])
            if (path, method.upper()) in versioned:
                _take_version(operation)
    return shown


def _rights(prefix: str, parts: Sequence[APIRouter]) -> dict[tuple[str, str], Right]:
    """The right that each operation names, by address and method."""
    found: dict[tuple[str, str], Right] = {}
    for route in (route for part in parts for route in part.routes if isinstance(route, APIRoute)):
        right = right_of(route.endpoint)
        assert isinstance(right, Right), f"{route.path} names a right"
        found |= {(prefix + route.path, method): right for method in route.methods or ()}
    return found


def _versioned(prefix: str, parts: Sequence[APIRouter]) -> set[tuple[str, str]]:
    """The operations that heed If-Match, by address and method."""
    return {
        (prefix + route.path, method)
        for route in (route for part in parts for route in part.routes if isinstance(route, APIRoute))
        if any(needed.call is expected for needed in route.dependant.dependencies)
        for method in route.methods or ()
    }


def _take_version(operation: Json) -> None:
    operation.setdefault("parameters", []).append(VERSION_HEADER)
    operation["responses"]["412"] = {"$ref": "#/components/responses/412"}
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _problem(words: str) -> Json:
    return {
        "description": words,
        "content": {"application/problem+json": {"schema": {"$ref": f"{REF}Problem"}}},
    }


def _complete(path: str, method: str, operation: Json, right: Right) -> None:
    operation["x-right"] = right.value
    parameters = operation.setdefault("parameters", [])
    statuses = [*ALWAYS]
    if any(parameter["in"] == "path" for parameter in parameters) or method != "get":
        statuses.append(404)
    if method != "get":
        statuses += CHANGING
        parameters.append(KEY_HEADER)
        if "requestBody" in operation:
            statuses += WITH_BODY
    statuses += MORE.get(path, ())
    responses = operation["responses"]
    for status in statuses:
        responses[str(status)] = {"$ref": f"#/components/responses/{status}"}
    operation["responses"] = dict(sorted(responses.items()))
    if not parameters:
        del operation["parameters"]
