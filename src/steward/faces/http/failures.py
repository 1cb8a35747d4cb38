"""What can go wrong, as HTTP says it: one table for pages and API. An unknown fault is 500 and is logged."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from steward.app.errors import Forbidden, Invalid, LeaseHeld, NotSignedIn, Stale, Undriven, Unkept, Unknown
from steward.app.views import option_view
from steward.domain.lifecycle import Refused
from steward.faces.http.idempotency import KeyTaken
from steward.faces.http.limits import TooMany
from steward.faces.http.site import site
from steward.ports import Conflict, LeaseLost, Permanent, StoreUnavailable, Transient

log = logging.getLogger(__name__)

RETRY_S: Final = 5


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure in words. `code` is stable: the last part of the problem's type; `advice` says what to do."""

    status: int
    code: str
    detail: str
    advice: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The phrase of its status."""
        return HTTPStatus(self.status).phrase

    def problem(self, request: Request) -> dict[str, Any]:
        """The object of RFC 9457."""
        told = {
            "type": f"urn:steward:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": request.url.path,
            "request_id": getattr(request.state, "request_id", ""),
        }
        return {**told, **({"advice": self.advice} if self.advice else {}), **self.more}


def failure_of(error: Exception) -> Failure:
    """Put an error into HTTP's terms. Anything not known is a fault of ours."""
    for kinds, of in _TABLE:
        if isinstance(error, kinds):
            return of(error)
    return Failure(
        500,
        "fault",
        "Steward met a fault of its own; nothing of this request was stored",
        "Try again. If it stays, report it with the request's number and the log.",
    )


def _not_signed_in(error: Any) -> Failure:
    advice = "Sign in with a link: `steward user link NAME` prints one; programs send a token."
    challenge = {"WWW-Authenticate": 'Bearer realm="steward"'}
    return Failure(401, "not-signed-in", error.why, advice, headers=challenge)


def _too_many(error: Any) -> Failure:
    return Failure(
        429,
        "too-many",
        "too many attempts from this address",
        "Wait a few minutes, then try again.",
        headers={"Retry-After": str(int(error.wait_s) + 1)},
    )


def _forbidden(error: Any) -> Failure:
    advice = "An admin can give the right: `steward user grant NAME ROLE`."
    more = {"right": error.right.value, "actor": error.actor, "where": error.where}
    return Failure(403, "forbidden", str(error), advice, more)


def _unknown(error: Any) -> Failure:
    near = f"Did you mean: {', '.join(error.near)}?" if error.near else ""
    more = {"kind": error.kind, "reference": error.reference, "near": error.near}
    return Failure(404, "unknown", str(error), near, more)


def _invalid(error: Any) -> Failure:
    more = {"problems": error.problems} if error.problems else {}
    return Failure(422, "invalid", error.what, error.advice, more)


def _refused(error: Any) -> Failure:
    status = 403 if error.reason == "role" else 409
    more = {
        "reason": error.reason,
        "unmet": [guard.words for guard in error.unmet],
        "allowed": [option_view(option) for option in error.options],
    }
    return Failure(status, f"refused-{error.reason}", error.words, "", more)


def _stale(error: Any) -> Failure:
    advice = "Look at it as it is now, then decide again."
    more = {"what": error.what, "expected": error.expected, "version": error.found}
    return Failure(412, "stale", str(error), advice, more)


def _key_taken(error: Any) -> Failure:
    status = 422 if error.code == "key-reused" else 409
    headers = {"Retry-After": str(error.wait_s)} if error.wait_s else {}
    return Failure(status, error.code, error.words, error.advice, headers=headers)


def _conflict(error: Any) -> Failure:
    return Failure(409, "conflict", str(error), "Look at it as it is now, then try again.")


def _unavailable(error: Any) -> Failure:
    retry = {"Retry-After": str(RETRY_S)}
    return Failure(503, "unavailable", error.reason, "It may pass: try again shortly.", headers=retry)


def _permanent(error: Any) -> Failure:
    return Failure(502, "outside", error.reason, error.advice)


def _undriven(error: Any) -> Failure:
    return Failure(409, "not-driving", error.reason, error.advice)


def _unkept(error: Any) -> Failure:
    return Failure(409, "not-keeping", error.reason, error.advice)


def _malformed(error: Any) -> Failure:
    errors = [
        {"where": ".".join(str(part) for part in one["loc"]), "message": one["msg"]} for one in error.errors()
    ]
    words = "; ".join(f"{one['where']}: {one['message']}" for one in errors)
    # What is no JSON at all cannot be told from another form of it; what is JSON of another shape can.
    status = 400 if any(one["type"] == "json_invalid" for one in error.errors()) else 422
    return Failure(status, "malformed", words or "the request cannot be read", "", {"errors": errors})


def _gone(_error: Any) -> Failure:
    # Nobody reads it but the access log; it is no fault of ours.
    return Failure(400, "cut", "the request ended before all of it had come", "Send it again.")


_HTTP_WORDS: Final = {
    400: ("malformed", "the body cannot be read", "Send what this address describes."),
    404: (
        "unknown-page",
        "there is nothing at this address",
        "Check the address, or start from the projects.",
    ),
    405: ("method", "this address does not take that method", ""),
    415: ("media-type", "the body must be JSON", "Send Content-Type: application/json."),
    413: ("too-large", "the body is larger than this address takes", "Send less."),
}


def _http(error: Any) -> Failure:
    code, detail, advice = _HTTP_WORDS.get(error.status_code, ("http", str(error.detail), ""))
    return Failure(error.status_code, code, detail, advice, headers=error.headers or {})


_TABLE: Final[list[tuple[Any, Callable[[Any], Failure]]]] = [
    (NotSignedIn, _not_signed_in),
    (TooMany, _too_many),
    (Forbidden, _forbidden),
    (Unknown, _unknown),
    (Invalid, _invalid),
    (Refused, _refused),
    (Stale, _stale),
    (KeyTaken, _key_taken),
    ((Conflict, LeaseHeld, LeaseLost), _conflict),
    ((StoreUnavailable, Transient), _unavailable),
    (Undriven, _undriven),
    (Unkept, _unkept),
    (Permanent, _permanent),
    (RequestValidationError, _malformed),
    (ClientDisconnect, _gone),
    (HTTPException, _http),
]


def for_programs(request: Request) -> bool:
    """Whether the answer is for a program rather than for a person at a page."""
    return request.url.path.startswith(("/api/", "/hooks/", "/metrics", "/livez", "/readyz", "/live"))


def answer(request: Request, failure: Failure) -> Response:
    """The response that tells it: a problem for programs, a page for people."""
    page = site(request).error_page
    if page is None or for_programs(request):
        # Escaped throughout: what is quoted of a request may hold what no encoding can.
        return Response(
            json.dumps(failure.problem(request)),
            failure.status,
            headers=dict(failure.headers),
            media_type="application/problem+json",
        )
    return page(request, failure)


async def handle(request: Request, error: Exception) -> Response:
    """The handler of every exception that a route raises."""
    failure = failure_of(error)
    if failure.status == 500:
        log.error("a request failed: %s %s", request.method, request.url.path, exc_info=error)
    return answer(request, failure)
