"""What surrounds a page's own content: counts in the sidebar, the state of the looks, who is signed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from steward.app.application import Application
from steward.domain.people import Principal, Right
from steward.faces import lines
from steward.faces.words import _, counted, said

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pulse:
    """Whether Steward is in touch with GitHub, for the foot of the sidebar. `at`: the last whole look."""

    tone: str
    text: str
    sub: str = ""
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Shell:
    """The frame of one page for one reader. `position` is that of the newest event it may show.

    `frozen` are organisations whose automation is stopped, with who did it and why; `restored` tells of a database
    that was restored and is not accepted yet.
    """

    counts: Json
    sync: Pulse
    place: str
    name: str
    position: int
    pages: list[tuple[str, str, str]] = field(default_factory=list)
    frozen: list[Json] = field(default_factory=list)
    restored: Json | None = None


PAGES: Final = (
    ("/projects", "columns-3", Right.READ),
    ("/order", "plus", Right.WRITE),
    ("/talks", "send", Right.READ),
    ("/import", "folder-git-2", Right.READ),
    ("/incidents", "inbox", Right.READ),
    ("/lifecycle", "workflow", Right.READ),
    ("/activity", "activity", Right.READ),
    ("/sync", "refresh-cw", Right.READ),
    ("/freeze", "snowflake", Right.FREEZE),
    ("/settings", "settings", Right.OWN),
)


def shell(app: Application, by: Principal) -> Shell:
    """What the frame shows to that reader."""
    queries = app.queries(by)
    # Before anything else is read: what changes meanwhile is told again, never lost.
    position = queries.last_position()
    organisations = queries.pulse()
    place = organisations[0]["login"] if len(organisations) == 1 else ""
    name = (by.user.full_name or by.user.name) if by.user else lines.actor_label(by.actor)
    frozen = [{**one, "who": who(one["frozen"]["by"])} for one in organisations if one["frozen"]]
    return Shell(
        app.board(by).counts(),
        pulse(organisations),
        place,
        name,
        position,
        jump_pages(by),
        frozen,
        app.restoring(by).mark() if frozen else None,
    )


def who(frozen_by: str) -> str:
    """Who froze an organisation: a person by name, else what of Steward did."""
    kind, _sign, actor = frozen_by.partition(":")
    guards = {
        "guard:mass_loss": _("the guard against losing many at once"),
        "guard:configuration": _("the guard of the configuration"),
    }
    return lines.actor_label(actor) if kind == "person" else guards.get(frozen_by) or said(frozen_by)


def jump_pages(by: Principal, text: str = "") -> list[tuple[str, str, str]]:
    """The pages that the reader may open, whose name holds `text`: address, icon, name."""
    names = {
        "/projects": _("Projects"),
        "/order": _("New project"),
        "/talks": _("Talks"),
        "/import": _("Import"),
        "/incidents": _("Incidents"),
        "/lifecycle": _("Lifecycle"),
        "/activity": _("Activity"),
        "/sync": _("Looks at GitHub"),
        "/freeze": _("Stop automation"),
        "/settings": _("Settings"),
    }
    return [
        (address, sign, names[address])
        for address, sign, right in PAGES
        if by.may_somewhere(right) and text.lower() in names[address].lower()
    ]


def pulse(organisations: list[Json]) -> Pulse:
    """The worst of what the organisations say, in a few words."""
    if not organisations:
        return Pulse("quiet", _("No organisation yet"), _("Run steward init"))
    for state, tone in (("misconfigured", "bad"), ("degraded", "bad")):
        for one in organisations:
            if one["state"] == state:
                words = lines.organisation_state_label(state)
                return Pulse(tone, f"{one['login']}: {words}", said(one["reason"] or ""))
    looked = [one["looked_at"] for one in organisations if one["looked_at"]]
    frozen = [one["login"] for one in organisations if one["frozen"]]
    if frozen:
        text = counted("{n} organisation frozen", "{n} organisations frozen", len(frozen))
        return Pulse("care", text, ", ".join(frozen), min(looked, default=None))
    if len(looked) < len(organisations):
        return Pulse("quiet", _("Looking for the first time"), _("Projects appear when it is done"))
    return Pulse("good", _("True to GitHub"), "", min(looked))
