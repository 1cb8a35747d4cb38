"""What a card or row says of a project besides its status: the one line that matters now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from steward.domain.hands import Reason
from steward.domain.incidents import Cause
from steward.domain.lifecycle import BUILDING, TRANSIENT, Who
from steward.domain.project import Management
from steward.domain.repository import Presence
from steward.domain.status import Status
from steward.faces import held, lines
from steward.faces.web.asking import ask_label
from steward.faces.words import _, label, language, said

Json = Mapping[str, Any]

_BY_THEMSELVES: Final = (BUILDING | TRANSIENT | {Status.INITIALIZED}) - {Status.VERIFIED}
"""The statuses that a project leaves without a person's word."""


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
        people = [who for who in gate["askers"] if who in (Who.PERSON, Who.APPROVER)]
        return _("waits for: {who}", who=who_words(people))
    return _("your turn: {what}", what=ask_label(gate["trigger"]).lower())


def _place(card: Json) -> str:
    if card["repository"] is None:
        return _("no repository yet")
    return str(card["repository"]["full_name"])


def who_words(askers: list[str]) -> str:
    """Who may ask, in words."""
    return _(" or ").join(label("who", asker) for asker in askers)


def hold_words(hold: Json) -> str:
    """Why no automation runs, in one sentence."""
    if hold["kind"] == "organisation_frozen":
        return _("paused: the organisation is frozen")
    return held.held_words(hold)


def is_paused(project: Json) -> bool:
    """Whether something holds a project that would otherwise go on by itself."""
    return bool(project["holds"]) and project["status"] in _BY_THEMSELVES


def is_held(project: Json) -> bool:
    """Whether a hold of its own stands."""
    return any(hold["kind"] != "organisation_frozen" for hold in project["holds"])


def pauses(project: Json) -> bool:
    """Whether there is anything to pause: Steward drives it, and no pause stands."""
    able = project["management"] == Management.DRIVE and project["status"] != Status.ARCHIVED
    return able and all(hold["kind"] != Reason.PAUSED for hold in project["holds"])


def incident_title(incident: Json) -> str:
    """What an incident is about, without the name of the project or organisation, which stands beside it.

    That is its title, said in the reader's language; where the catalogue lacks that, the label of its cause.
    """
    if incident["cause"] == Cause.FOREIGN_CHANGE:
        return held.move_words(incident["evidence"])
    title = str(incident["title"] or "")
    told = said(title)
    for name in (incident["project"], incident["organisation"]):
        told = told.removeprefix(f"{name}: ")
        title = title.removeprefix(f"{name}: ")
    told = said(title) if told == title else told
    return told if told and (told != title or language() == "en") else lines.cause_label(incident["cause"])


def hold_reason(hold: Json) -> str:
    """What somebody gave as the reason of a hold."""
    return said(hold.get("reason") or "")
