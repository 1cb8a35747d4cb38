"""The card of an incident: how severe, about what, on what evidence, and what to do."""

from __future__ import annotations

from typing import Any, Final

from steward.domain.chats import Rendered
from steward.domain.incidents import PERSON_MAY_CLOSE
from steward.domain.people import Right
from steward.faces.lines import actor_label, cause_label, severity_label
from steward.faces.telegram.desk import Desk, Json, Row, card, press
from steward.faces.telegram.markup import Page, bold, code, esc, is_web, link
from steward.faces.telegram.signs import SEVERITY
from steward.faces.web.explaining import Fact, explain, facts
from steward.faces.words import _, counted, label, said

STAGES: Final = {"open": 1, "acknowledged": 2, "resolved": 3}
"""What a button's version says of the incident that it was drawn for: not how often it was counted."""
FACTS_SHOWN: Final = 8
HOUR_S: Final = 3600


def incident_card(desk: Desk) -> Rendered:
    """An incident as it stands now."""
    incident = desk.app.attention(desk.by).incident(int(desk.data["incident"]))
    resolved = incident["state"] == "resolved"
    sign = "✅" if resolved else SEVERITY.get(incident["severity"], "🔴")
    severity = _("resolved") if resolved else severity_label(incident["severity"])
    where = " · ".join(filter(None, [incident["project"] or "", incident["organisation"] or ""]))
    page = Page().lines(f"{sign} {bold(cause_label(incident['cause']))} · {esc(severity)}", code(where))
    words = explain(incident) or incident["title"]
    page.lines(esc(words, 900))
    page.listed("", (_fact(desk, one) for one in _facts(incident, words)), FACTS_SHOWN)
    page.lines(*_state(desk, incident))
    if not resolved:
        page.listed(
            bold(_("What can be done")),
            (_way(way) for way in incident["exits"] if way["action"] != "resolve"),
            5,
        )
    path = f"/incidents#incident-{incident['id']}"
    page.lines(desk.open_line(path, _("Open on the board")))
    buttons = [] if resolved else _buttons(desk, incident)
    return card(page, *buttons, desk.open_button(path, _("Open on the board")))


def _facts(incident: Json, words: str) -> list[Fact]:
    """The evidence that its sentence does not tell already; the project and times stand elsewhere."""
    apart = {_("Reported"), _("Opened"), _("Last reported"), _("Operation"), _("Id on GitHub")}
    return [fact for fact in facts(incident) if fact.name not in apart and str(fact.value) not in words]


def _fact(desk: Desk, fact: Fact) -> str:
    name = esc(fact.name)
    if fact.kind == "time":
        return f"{name}: {esc(desk.when(str(fact.value)))}"
    if fact.kind == "list":
        values = [str(one) for one in fact.value]
        more = counted("and {n} more", "and {n} more", len(values) - 3) if values[3:] else ""
        return f"{name}: {esc(', '.join([*values[:3], more] if more else values), 400)}"
    if fact.kind == "link":
        return f"{name}: {link(fact.value, str(fact.value))}"
    return f"{name}: {code(fact.value, 200) if fact.kind == 'mono' else esc(fact.value)}"


def _state(desk: Desk, incident: Json) -> list[str]:
    """Since when, how often, and who looks after it."""
    since = _("Since {when}", when=desk.when(incident["first_at"]))
    times = (
        counted("reported {n} time", "reported {n} times", incident["count"]) if incident["count"] > 1 else ""
    )
    lines = [esc(f"⏱ {', '.join(filter(None, [since, times]))}")]
    if incident["state"] == "acknowledged":
        lines.append(
            f"👤 {esc(_('{who} looks after it', who=actor_label(incident['acknowledged_by'] or '')))}"
        )
    if incident["state"] == "resolved":
        end = _("Resolved {when}", when=desk.when(incident["resolved_at"]))
        why = said(incident["resolution"] or "")
        lines.append(f"✅ {esc(': '.join(filter(None, [end, why])))}")
    elif _muted(desk, incident):
        lines.append(f"🔕 {esc(_('Muted until {when}', when=desk.when(incident['muted_until'])))}")
    return lines


def _muted(desk: Desk, incident: Json) -> bool:
    return incident["group"] == "muted" or bool(
        incident["muted_until"] and incident["muted_until"] > desk.now.isoformat()
    )


def _way(way: Json) -> str:
    """A way out in words: with its place on GitHub, or the command that does it."""
    text = label("exit", way["text"])
    if way["url"] and is_web(way["url"]):
        return link(text, way["url"])
    return f"{esc(text)}: {code(way['command'])}" if way["command"] else esc(text)


def _buttons(desk: Desk, incident: dict[str, Any]) -> list[Row]:
    if not desk.may(Right.ATTEND):
        return []
    ref, version = incident["id"], STAGES[incident["state"]]
    first = []
    if incident["state"] == "open":
        first.append(press(_("👀 Acknowledge"), "i", "ack", ref, version))
    if _muted(desk, incident):
        first.append(press(_("🔔 Unmute"), "i", "unmute", ref, version))
    else:
        first.append(press(_("🔕 Mute for 1 h"), "i", "mute", ref, version, str(HOUR_S)))
    last = []
    if incident["cause"] in PERSON_MAY_CLOSE:
        last.append(press(_("It is as it should be"), "i", "resolve", ref, version))
    return [tuple(first), tuple(last)]
