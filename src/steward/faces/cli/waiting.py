"""Waiting for a project: what is waited for, how far it is, and where it ended instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

import click

from steward.domain.operations import OPEN
from steward.domain.status import Status
from steward.faces.cli.session import Session
from steward.faces.lines import status_label, work_label
from steward.faces.words import _, said
from steward.ports.errors import Transient

POLL_S: Final = 0.5
ENDS: Final = frozenset({Status.ERROR, Status.MISSING, Status.ARCHIVED})
"""Where a project goes on by no operation; whoever waits for another status waits in vain."""
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Goal:
    """One thing that is waited for: a status, or that nothing runs (None)."""

    status: Status | None

    def holds(self, shown: Json) -> bool:
        """Whether it is so."""
        if self.status is not None:
            return bool(shown["status"] == self.status.value)
        return not runs(shown)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the waiting ended. `end` is "reached", "elsewhere", "timeout" or "stopped"."""

    shown: Json
    end: str


def runs(shown: Json) -> bool:
    """Whether an operation runs for the project, or is about to."""
    operation = shown["operation"]
    return operation is not None and operation["state"] in set(OPEN)


def until(session: Session, reference: str, goals: Sequence[Goal], timeout_s: float | None) -> Outcome:
    """Wait until all goals hold, telling on standard error how far the project is."""
    over = None if timeout_s is None else monotonic() + timeout_s
    teller, away = _Teller(session), False
    # The first look says whether there is such a project at all; later ones may miss the server for a while.
    shown = session.queries.project(reference)
    while True:
        teller.tell(shown)
        if all(goal.holds(shown) for goal in goals):
            return Outcome(shown, "reached")
        if _ended(shown, goals):
            return Outcome(shown, "elsewhere")
        left_s = POLL_S if over is None else over - monotonic()
        if left_s <= 0:
            return Outcome(shown, "timeout")
        if session.wiring.wait(min(POLL_S, left_s)):
            return Outcome(shown, "stopped")
        try:
            shown = session.queries.project(shown["id"])
            away = False
        except Transient as error:
            if not away:
                session.note(_("waiting for an answer again: {reason}", reason=said(error.reason)))
            away = True


def _ended(shown: Json, goals: Sequence[Goal]) -> bool:
    if any(goal.status == shown["status"] for goal in goals):
        return False
    operation = shown["operation"]
    stopped = operation is not None and operation["state"] in ("failed", "cancelled")
    return shown["status"] in set(ENDS) or stopped


class _Teller:
    """Says how far a project is, each time that it is farther."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._told = ""

    def tell(self, shown: Json) -> None:
        """Say it, unless it was said."""
        line = _line(shown)
        if line != self._told:
            self._session.note(line)
            self._told = line


def _line(shown: Json) -> str:
    from steward.faces.cli.tables_building import progress_text

    parts = [f"{shown['slug']}: {status_label(shown['status'])}"]
    if runs(shown):
        operation = shown["operation"]
        parts.append(f"{work_label(operation['kind'])}, {progress_text(operation)}")
    elif (command := next_command(shown)) is not None:
        parts.append(_("it waits for a person: {command}", command=command))
    return "; ".join(parts)


def next_command(shown: Json) -> str | None:
    """What a person can do to bring a project on; None while it goes on by itself."""
    if runs(shown):
        return None
    commands = {
        Status.DRAFT: "steward project approve {slug}",
        Status.ESTIMATED: "steward project confirm {slug}",
        Status.MAINTENANCE: "steward project build {slug}",
        Status.ERROR: "steward project retry {slug}",
    }
    operation = shown["operation"]
    if operation is not None and operation["state"] == "failed":
        return f"steward project retry {shown['slug']}"
    command = commands.get(Status(shown["status"]))
    return command.format(slug=shown["slug"]) if command else None


def finish(session: Session, outcome: Outcome) -> None:
    """Print the project as it is; where it is not where it should be, with what is wrong, and exit with 1."""
    shown = outcome.shown

    def people() -> Any:
        from steward.faces.cli import tables, tables_building

        parts: list[Any] = [tables.projects([shown], session.out.width)]
        if outcome.end == "reached":
            return parts
        if shown["operation"]:
            parts += tables_building.operation(shown["operation"])
        for incident in shown["incidents"]:
            if incident["state"] != "resolved":
                parts += ["", *tables.incident(incident)]
        return parts

    session.payload(shown, people)
    if outcome.end == "reached":
        return
    _tell(session, outcome)
    click.get_current_context().exit(1)


def _tell(session: Session, outcome: Outcome) -> None:
    from steward.faces.cli.failures import FAILURE, Failure, tell

    shown = outcome.shown
    values = {"slug": shown["slug"], "status": status_label(shown["status"])}
    messages = {
        "elsewhere": _("{slug} does not get there: {status}", **values),
        "timeout": _("the time is over; {slug} is still on its way: {status}", **values),
        "stopped": _("stopped waiting; {slug} goes on: {status}", **values),
    }
    command = next_command(shown)
    advice = _("Next: {command}", command=command) if command else ""
    failure = Failure(FAILURE, f"wait_{outcome.end}", messages[outcome.end], advice)
    tell(failure, as_json=session.options.json)
