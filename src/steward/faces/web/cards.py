"""What a card or row says of a project besides its status: the one line that matters now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steward.domain.repository import Presence
from steward.faces import lines
from steward.faces.web.asking import ask_label
from steward.faces.words import _, label, language, said

Json = Mapping[str, Any]


def note(card: Json) -> str:
    """The line that matters now: trouble first, then what holds it or what it waits for, then what it is."""
    return _trouble(card) or _hold(card) or _waits(card) or card["title"] or _place(card)


def _trouble(card: Json) -> str:
    repository, confirming = card["repository"], card["confirming"]
    if repository and repository["held"]:
        return _("its loss is held until a person decides")
    if confirming:
        return _(
            "absent, being confirmed ({absences} of {needed})",
            absences=confirming["absences"],
            needed=confirming["needed"],
        )
    if card["incident"]:
        return incident_title(card["incident"])
    if repository and repository["state"] not in (Presence.SEEN, Presence.ABSENT):
        return lines.presence_label(repository["state"])
    return ""


def _hold(card: Json) -> str:
    return " · ".join(hold_words(hold) for hold in card["holds"])


def _waits(card: Json) -> str:
    gate = card["gate"]
    if not gate:
        return ""
    if gate["reason"] == "role":
        return _("waits for: {who}", who=who_words(gate["askers"]))
    return _("your turn: {what}", what=ask_label(gate["trigger"]).lower())


def _place(card: Json) -> str:
    if card["repository"] is None:
        return _("no repository yet")
    return str(card["repository"]["full_name"])


def who_words(askers: list[str]) -> str:
    """Who may ask, in words."""
    return _(" or ").join(label("who", asker) for asker in askers)


def hold_words(hold: Json) -> str:
    """Why no automation runs."""
    if hold["kind"] == "organisation_frozen":
        return _("paused: the organisation is frozen")
    return _("paused: {kind}", kind=hold["kind"])


def incident_title(incident: Json) -> str:
    """What an incident is about: its title; in other languages than English its cause, which has a label."""
    if language() == "en" and incident["title"]:
        return str(incident["title"])
    return lines.cause_label(incident["cause"])


def hold_reason(hold: Json) -> str:
    """What somebody gave as the reason of a hold."""
    return said(hold.get("reason") or "")
