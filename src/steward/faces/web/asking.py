"""What a person may ask of one project, in words: each move of the table with what it does and what stands against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from steward.domain.gates import GATES
from steward.domain.lifecycle import Who
from steward.domain.people import Role
from steward.domain.status import Status, Trigger
from steward.faces import lines
from steward.faces.people import role_label
from steward.faces.words import _, label

Json = Mapping[str, Any]
T = Trigger

GRAVE: Final = frozenset({T.ARCHIVED, T.CANCELLED, T.UPDATE_ABANDONED})
"""What stops something: asked for in red."""
_OF_THEIR_OWN: Final = {T.TAKEN_IN: "management", T.ADOPTED: "setup", T.RETURNED: "relink"}
"""What is asked for by a form of its own, which brings the proof that the table wants."""
OCCASIONAL: Final = frozenset({T.UPDATE_ABANDONED, T.FOREIGN_CHANGE_ACCEPTED})
"""What is about an update or a foreign change, and makes no sense where there is none."""
LABELS: Final = {
    T.APPROVED: "Approve",
    T.REVISED: "Revise",
    T.CONFIRMED: "Confirm",
    T.TAKEN_IN: "Take in",
    T.ADOPTED: "Adopt",
    T.STARTED: "Start",
    T.CANCELLED: "Cancel",
    T.UPDATE_REQUESTED: "Request an update",
    T.FOREIGN_CHANGE_ACCEPTED: "Accept the foreign change",
    T.NEW_SPEC: "Design first",
    T.SMALL_CHANGE: "Build at once",
    T.UPDATE_ABANDONED: "Abandon the update",
    T.RESOLVED: "Resolve",
    T.RETURNED: "Relink",
    T.ARCHIVED: "Archive",
    T.REOPENED: "Reopen",
}


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing to ask for. `href` leads to the form that asks; `refused` says why it cannot be asked for now."""

    name: str
    trigger: str
    to: str
    href: str
    refused: str
    role: bool
    grave: bool
    gate: bool


def asks(project: Json) -> list[Ask]:
    """All that the table lets people ask for from here, the word that the project waits for first."""
    found = [_ask(project, action) for action in project["actions"] if not _is_idle(action)]
    return sorted(found, key=lambda ask: (not ask.gate, ask.grave))


def _is_idle(action: Json) -> bool:
    """Whether nothing is there that the move would be about: to tell of it would only raise questions."""
    return action["reason"] == "guard" and Trigger(action["trigger"]) in OCCASIONAL


def _ask(project: Json, action: Json) -> Ask:
    trigger = Trigger(action["trigger"])
    own = _OF_THEIR_OWN.get(trigger)
    row = GATES.get(Status(project["status"]))
    refused = lines.guard_words(action["refused"]) if action["refused"] else ""
    if own and action["reason"] == "guard":
        refused = ""
    if action["reason"] == "role":
        refused = _role_words(action["refused"])
    return Ask(
        ask_label(trigger.value),
        trigger.value,
        action["to"],
        f"/projects/{project['slug']}/{own or 'ask/' + trigger.value.replace(' ', '-')}",
        refused,
        action["reason"] == "role",
        trigger in GRAVE,
        bool(row and row.trigger is trigger) or own is not None,
    )


def _role_words(refused: str) -> str:
    """The least role that may ask: the table says who, people know the roles that make one so."""
    role = Role.OPERATOR if Who.PERSON in refused else Role.APPROVER
    return _("needs the role of {role} or above", role=role_label(role))


def ask_label(trigger: str) -> str:
    """What a button that asks for it says."""
    known = Trigger(trigger)
    return label("ask", LABELS.get(known, known.label))


def destination(to: str) -> str:
    """Where a move leads: a status by its label, or what it depends on."""
    return lines.status_label(to) if to in set(Status) else label("destination", to)


def effect(trigger: str) -> str:
    """What a move does, as a person must know it before."""
    return {
        T.APPROVED: _(
            "The brief is worked out into a spec and an estimate. Nothing is created on GitHub yet."
        ),
        T.REVISED: _("The order goes back to a draft; a new version of the spec can be made."),
        T.CONFIRMED: _("The repository is created on GitHub, and the work begins within the budget."),
        T.ADOPTED: _("Steward takes the project over at the status that its evidence supports."),
        T.STARTED: _("The verified commit is deployed, and no other."),
        T.CANCELLED: _("What runs for it is stopped; what it left behind is listed in the history."),
        T.UPDATE_REQUESTED: _("An update is opened. What users are served stays as it is until it ships."),
        T.FOREIGN_CHANGE_ACCEPTED: _("What people committed is verified, then deployed."),
        T.NEW_SPEC: _("The update is designed anew before it is built."),
        T.SMALL_CHANGE: _("The design stands; the update is built at once."),
        T.UPDATE_ABANDONED: _("The update ends, and what is live stays; work already merged is taken back."),
        T.RESOLVED: _("The project goes on where it stopped, and its incident closes."),
        T.ARCHIVED: _(
            "Steward stops to look after it and closes its incidents. The repository is left as it is."
        ),
        T.REOPENED: _("It goes on where it was when it was archived."),
    }.get(Trigger(trigger), "")


def next_words(status: str) -> str:
    """What has to happen for a project to leave its status."""
    return {
        "draft": _("An approver approves the brief; then it becomes a spec and an estimate."),
        "estimated": _("An approver confirms the estimate; then the repository is created."),
        "discovered": _("Steward watches it and changes nothing. Take it in to let Steward act."),
        "setup_required": _("Somebody sets what is missing, then adopts it."),
        "provisioning": _("The repository is being created; it goes on by itself."),
        "initialized": _("The design starts by itself as soon as nothing holds the project."),
        "designing": _("It goes on by itself once IMPLEMENTATION.md is on the default branch."),
        "designed": _("The implementation starts by itself as soon as nothing holds the project."),
        "implementing": _("It goes on by itself once the work is merged to the default branch."),
        "implemented": _("The verification starts by itself, bound to one commit."),
        "verifying": _("It goes on by itself once the checks are green and the tester approves that commit."),
        "verified": _("The deployment of the verified commit can start."),
        "deploying": _("It goes on by itself once the release proves to be live."),
        "active": _("It serves its users. An update changes it."),
        "maintenance": _("An approver says whether the update needs a new design."),
        "error": _("Once the cause is gone it goes on where it stopped."),
        "missing": _(
            "Restore the repository on GitHub, or give the project another one; it goes on where it stopped."
        ),
        "archived": _("It is shut down. Reopen it to go on."),
    }.get(status, "")
