"""Failures as pages tell them: in the reader's language, with what to do next. What they are is `faces.http`'s."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from steward.faces import lines
from steward.faces.http.failures import Failure
from steward.faces.people import right_words
from steward.faces.words import _, said


def title(failure: Failure) -> str:
    """What it is called, for a reader who does not know the numbers of HTTP."""
    return {
        400: _("That cannot be read"),
        401: _("Please sign in"),
        403: _("You may not do that"),
        404: _("Not found"),
        405: _("Not possible at this address"),
        409: _("That is not possible now"),
        410: _("That is gone"),
        412: _("Somebody was quicker"),
        413: _("That is too large"),
        422: _("That cannot be done as asked"),
        429: _("Too many attempts"),
        502: _("GitHub did not take it"),
        503: _("Not reachable just now"),
    }.get(failure.status, _("Something went wrong here"))


def detail(failure: Failure) -> str:
    """What went wrong, as a sentence."""
    words = _DETAILS.get(failure.code)
    told = words(failure.more) if words else lines.guard_words(said(failure.detail))
    return told[:1].upper() + told[1:] + ("" if told.endswith((".", "?", "!")) else ".")


def advice(failure: Failure) -> str:
    """What to do next; "" where there is nothing to say."""
    if failure.code == "unknown":
        near = failure.more["near"]
        return _("Did you mean {names}?", names=", ".join(near)) if near else ""
    words = _ADVICE.get(failure.code)
    return words() if words else said(failure.advice)


def _forbidden(more: Any) -> str:
    meaning = right_words(more["right"])
    if more["where"]:
        return _("it takes the right, in {login}, to {meaning}", login=more["where"], meaning=meaning)
    return _("it takes the right to {meaning}", meaning=meaning)


_DETAILS: Final[dict[str, Callable[[Any], str]]] = {
    "forbidden": _forbidden,
    "unknown": lambda more: _("nothing is known here as '{reference}'", reference=more["reference"]),
    "unknown-page": lambda _more: _("there is nothing at this address"),
    "method": lambda _more: _("this address does not take that method"),
    "too-many": lambda _more: _("too many attempts from this address"),
    "too-large": lambda _more: _("the body is larger than this address takes"),
    "fault": lambda _more: _("Steward met a fault of its own; nothing of this request was stored"),
}
_ADVICE: Final[dict[str, Callable[[], str]]] = {
    "forbidden": lambda: _(
        "An admin can give you a role that has it: {command}", command="steward user grant"
    ),
    "unknown-page": lambda: _("Check the address, or start from the projects."),
    "too-many": lambda: _("Wait a few minutes, then try again."),
    "too-large": lambda: _("Send less."),
    "fault": lambda: _("Try again. If it stays, report it with the request's number and the log."),
    "stale": lambda: _("Look at it as it is now, then decide again."),
    "conflict": lambda: _("Look at it as it is now, then try again."),
    "unavailable": lambda: _("It may pass: try again shortly."),
    "not-signed-in": lambda: _(
        "Sign in with a link: {command} prints one.", command="steward user link NAME"
    ),
}
