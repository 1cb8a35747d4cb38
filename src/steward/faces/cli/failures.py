"""What each failure means on the command line: its exit code, its code for programs, and what to do next.

0 is success, 1 a failure, 2 a usage error (a bad setting too), 4 a refused credential, 130 a cancel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import click

from steward.app.errors import Forbidden, Invalid, LeaseHeld, NotSignedIn, Stale, Undriven, Unkept, Unknown
from steward.domain.lifecycle import Refused
from steward.faces.cli.session import json_text
from steward.faces.lines import guard_words
from steward.faces.words import _, printable, said
from steward.ports.errors import (
    BadSettings,
    Conflict,
    Incomplete,
    LeaseLost,
    NoAnswer,
    NoSuchOrganisation,
    Permanent,
    RateLimited,
    SchemaMismatch,
    StoreUnavailable,
    Transient,
    Unauthorised,
    Unreachable,
)

ALLOWED_SHOWN: Final = 12
OK, FAILURE, USAGE, AUTH, CANCELLED = 0, 1, 2, 4, 130


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure as it is told: `code` for programs, `message` and `advice` for people."""

    exit_code: int
    code: str
    message: str
    advice: str = ""


def failure_of(error: Exception) -> Failure:
    """Tell what `error`, one of KNOWN, means."""
    for kind, teller in TELLERS:
        if isinstance(error, kind):
            return teller(error)
    raise TypeError(f"no words for {type(error).__name__}") from error


def _invalid(error: Invalid) -> Failure:
    advice = "\n  ".join(map(_odd, error.problems)) if error.problems else said(error.advice)
    return Failure(FAILURE, "invalid", said(error.what), advice)


def _odd(problem: Any) -> str:
    """What is wrong with one answer, and what would do."""
    told = f"{problem['name'] or _('answers')}: {said(problem['words'])}"
    allowed = ", ".join(problem["allowed"][:ALLOWED_SHOWN])
    return _("{what} (possible: {allowed})", what=told, allowed=allowed) if allowed else told


def _refused(error: Refused) -> Failure:
    advice = _("`steward project show` lists what is possible, and what stands against the rest")
    return Failure(FAILURE, f"refused_{error.reason}", said(guard_words(error.words)), advice)


def _lease_held(error: LeaseHeld) -> Failure:
    message = _("another Steward runs on this database: {holder}", holder=error.holder)
    advice = _("Use that one, or stop it first; `steward project list` and the like work beside it")
    return Failure(FAILURE, "lease_held", message, advice)


def _not_signed_in(error: NotSignedIn) -> Failure:
    advice = _("Name a valid token: STEWARD_TOKEN or --token-file. `steward token create` makes one there")
    return Failure(AUTH, "not_signed_in", said(error.why), advice)


def _forbidden(error: Forbidden) -> Failure:
    advice = _("An admin can give the right: `steward user grant NAME ROLE`")
    return Failure(AUTH, "forbidden", said(str(error)), advice)


def _stale(error: Stale) -> Failure:
    return Failure(FAILURE, "stale", said(str(error)), _("Look at it as it is now, then decide again"))


def _no_answer(error: NoAnswer) -> Failure:
    advice = _("Check --server and the network; see how things stand before you try again")
    return Failure(FAILURE, "no_answer", said(error.reason), advice)


def _lost(error: Exception) -> Failure:
    message = str(error) or _("somebody else changed it meanwhile")
    return Failure(FAILURE, "conflict", message, _("Nothing was written; try again"))


def _permanent(error: Permanent) -> Failure:
    codes = {
        Unauthorised: (AUTH, "unauthorised"),
        BadSettings: (USAGE, "bad_settings"),
        NoSuchOrganisation: (FAILURE, "no_such_organisation"),
        SchemaMismatch: (FAILURE, "schema_mismatch"),
        Undriven: (FAILURE, "not_driving"),
        Unkept: (FAILURE, "not_keeping"),
    }
    exit_code, code = codes.get(type(error), (FAILURE, "permanent"))
    return Failure(exit_code, code, said(error.reason), said(error.advice))


def _transient(error: Transient) -> Failure:
    reason = said(error.reason)
    again = _("Nothing was changed; try again later")
    if isinstance(error, RateLimited) and error.retry_at is not None:
        at = error.retry_at.astimezone().strftime("%H:%M:%S")
        return Failure(FAILURE, "rate_limited", reason, _("Try again after {at}", at=at))
    if isinstance(error, Unreachable):
        advice = _("Check the address in STEWARD_GITHUB_URL and the network; nothing was changed")
        return Failure(FAILURE, "unreachable", reason, advice)
    if isinstance(error, Incomplete):
        advice = _("Nothing was concluded from it; try again later")
        return Failure(FAILURE, "incomplete", reason, advice)
    if isinstance(error, StoreUnavailable):
        return Failure(FAILURE, "store_unavailable", reason, again)
    return Failure(FAILURE, "transient", reason, again)


def _unknown(error: Unknown) -> Failure:
    if error.near:
        advice = _("Did you mean {names}?", names=", ".join(error.near[:3]))
    elif error.kind == "incident":
        advice = _("`steward incident list` shows all of them")
    elif error.kind == "user":
        advice = _("`steward user list` shows all of them")
    elif error.kind == "session or token":
        advice = _("`steward token list` shows all of them")
    elif error.kind in ("operation", "spec"):
        advice = _("`steward project show` says where the project stands")
    elif error.kind.endswith("organisation"):
        advice = _("`steward sync status` shows all of them")
    else:
        advice = _("`steward project list --all` shows all of them")
    message = _("no {kind} is known as '{reference}'", kind=_kind(error.kind), reference=error.reference)
    return Failure(FAILURE, f"unknown_{error.kind.replace(' ', '_')}", message, advice)


def _kind(kind: str) -> str:
    names = {
        "project": _("project"),
        "incident": _("incident"),
        "organisation": _("organisation"),
        "configured organisation": _("configured organisation"),
        "repository": _("repository"),
        "user": _("user"),
        "session or token": _("session or token"),
        "operation": _("operation"),
        "spec": _("spec"),
    }
    return names.get(kind, kind)


def _usage(error: click.ClickException) -> Failure:
    context = getattr(error, "ctx", None)
    advice = ""
    if context is not None:
        advice = _("See `{path} --help`", path=context.command_path)
    return Failure(error.exit_code, "usage", error.format_message(), advice)


TELLERS: Final[tuple[tuple[type[Exception], Callable[[Any], Failure]], ...]] = (
    (click.ClickException, _usage),
    (Unknown, _unknown),
    (Invalid, _invalid),
    (Refused, _refused),
    (Forbidden, _forbidden),
    (NotSignedIn, _not_signed_in),
    (Stale, _stale),
    (NoAnswer, _no_answer),
    (LeaseHeld, _lease_held),
    (Permanent, _permanent),
    (Transient, _transient),
    (Conflict, _lost),
    (LeaseLost, _lost),
)
KNOWN: Final = tuple(kind for kind, _teller in TELLERS)
"""The failures that have words. Anything else is a fault of Steward itself and shows its traceback."""


def tell(failure: Failure, *, as_json: bool) -> None:
    """Write it to standard error: one JSON object for programs, two lines for people."""
    if as_json:
        body = {"code": failure.code, "message": failure.message, "advice": failure.advice}
        click.echo(json_text({"error": body}), err=True)
        return
    click.echo(printable(_("Error: {message}", message=failure.message)), err=True)
    if failure.advice:
        click.echo(printable(_("  {advice}", advice=failure.advice)), err=True)
