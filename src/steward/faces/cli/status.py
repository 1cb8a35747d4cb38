"""What people are shown by `steward sync status`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape

from steward.faces.lines import moment, organisation_state_label, presence_label
from steward.faces.words import _, label, said

Json = Mapping[str, Any]


def lines(status: Json) -> list[str]:
    """Each organisation in a few lines, then the process, the rate limit and the outbox."""
    shown: list[str] = []
    for organisation in status["organisations"]:
        shown += _organisation(organisation)
    if not shown:
        shown.append(_("No organisation was looked at yet: `steward sync run`"))
    running = status["running"] or _("nothing; start it with `steward up`")
    shown.append(_("heartbeat: {running}", running=escape(running)))
    budget = status["budget"] or {}
    if budget.get("remaining") is not None:
        left, limit = budget["remaining"], budget.get("limit")
        shown.append(_("rate limit: {left} of {limit} left", left=left, limit=limit))
    shown += _alive(status["alive"])
    if status["outbox"]:
        counts = ", ".join(f"{label('outbox', state)} {n}" for state, n in sorted(status["outbox"].items()))
        shown.append(_("notices: {counts}", counts=counts))
    return shown


def _alive(alive: Json | None) -> list[str]:
    """The dead-man ping: the last that was sent, and what stands against it."""
    if alive is None:
        return []
    sent = moment(alive["sent_at"], date=True) or _("never")
    shown = [_("dead-man ping: last sent {at}", at=sent)]
    if alive["failure"]:
        at = moment(alive["failed_at"], date=True)
        shown.append("  " + _("last failed {at}: {reason}", at=at, reason=escape(said(alive["failure"]))))
    if alive["silent"]:
        shown.append("  " + _("kept back now: {reason}", reason=escape(said(alive["silent"]))))
    return shown


def _organisation(organisation: Json) -> list[str]:
    state = organisation_state_label(organisation["state"])
    shown = [f"[bold]{escape(organisation['login'])}[/]  {state}  [dim]{escape(organisation['server'])}[/]"]
    if organisation["reason"]:
        shown.append("  " + escape(said(organisation["reason"])))
    if organisation["frozen"]:
        frozen = organisation["frozen"]
        shown.append(
            "  "
            + _(
                "frozen by {by}: {reason}",
                by=escape(said(frozen["by"].removeprefix("person:"))),
                reason=escape(said(frozen["reason"])),
            )
        )
    counts = [f"{presence_label(name)} {n}" for name, n in organisation["repositories"].items() if n]
    shown.append("  " + _("repositories: {counts}", counts=", ".join(counts) or "0"))
    look = organisation["last_whole_look"]
    if look:
        shown.append(
            "  "
            + _(
                "last whole look: {at}; seen {observed}, requests {requests}, unchanged {unchanged}",
                at=moment(look["finished_at"], date=True),
                observed=look["observed"],
                requests=look["requests"],
                unchanged=look["not_modified"],
            )
        )
    if organisation["held"]:
        names = ", ".join(organisation["held"])
        shown.append("  [red]" + _("held: {names}", names=escape(names)) + "[/]")
    return shown
