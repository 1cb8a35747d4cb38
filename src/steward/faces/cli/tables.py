"""What people are shown of projects, incidents and looks: Rich tables and lines, from the JSON views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from steward.faces.held import held_words, move_words
from steward.faces.lines import (
    COMMIT_SHOWN,
    Line,
    back_label,
    cause_label,
    change_label,
    guard_words,
    health_label,
    incident_state_label,
    line,
    management_label,
    moment,
    organisation_state_label,
    phase_label,
    presence_label,
    severity_label,
    status_label,
    trigger_label,
)
from steward.faces.words import _, counted, label, language, said

Json = Mapping[str, Any]

WIDE: Final = 100
TONES: Final = {"good": "green", "bad": "red", "care": "yellow"}
SEVERITIES: Final = {
    "critical": ("▲", "bold red"),
    "error": ("◆", "red"),
    "warning": ("●", "yellow"),
    "info": ("○", ""),
}
"""Shape as well as colour, since not everybody sees the one or the other."""


def table(*columns: str) -> Table:
    """An empty table with these columns."""
    empty = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        empty.add_column(column, overflow="fold")
    return empty


def facts(rows: Sequence[tuple[str, str]]) -> Table:
    """Names and values; what has no value is left out."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows:
        if value:
            grid.add_row(name, escape(value))
    return grid


def status_text(project: Json) -> str:
    """The status, with what it interrupted, and whether a hold of its own stands: then it is not at work."""
    status = status_label(project["status"])
    if project["interrupted"]:
        status = _("{status} (was {before})", status=status, before=status_label(project["interrupted"][-1]))
    if any(hold["kind"] != "organisation_frozen" for hold in project["holds"]):
        status = _("{status}, held", status=status)
    return status


def _repository_text(repository: Json | None) -> str:
    if repository is None:
        return _("none yet")
    if repository["state"] == "seen":
        return str(repository["full_name"])
    state = presence_label(repository["state"])
    if repository["state"] == "absent" and not repository["lost_at"]:
        state = _("absent, being confirmed")
    return f"{repository['full_name']} ({state.lower()})"


def projects(rows: Sequence[Json], width: int = WIDE, *, ready: bool = False) -> Table:
    """The table of projects; where `width` is small, without what the status tells already; the score with `ready`."""
    wide = width >= WIDE
    names = [_("project"), _("status"), _("phase"), _("management"), _("repository"), _("since")]
    shown_rows = table(*names) if wide else table(*names[:2], *names[3:])
    shown_rows.columns[-1].no_wrap = True
    if ready:
        shown_rows.add_column(_("readiness"), no_wrap=True, justify="right")
    for row in rows:
        tone = TONES["bad"] if row["status"] in ("missing", "error") else ""
        cells = [
            escape(row["slug"]),
            f"[{tone}]{escape(status_text(row))}[/]" if tone else escape(status_text(row)),
            *([phase_label(row["phase"])] if wide else []),
            management_label(row["management"]),
            escape(_repository_text(row["repository"])),
            moment(row["since"], date=True),
        ]
        shown_rows.add_row(*cells, *([ready_text(row)] if ready else []))
    return shown_rows


def ready_text(project: Json) -> str:
    """The score, as it was counted last."""
    score = project.get("readiness")
    return _("{percent} %", percent=score["percent"]) if score else _("not counted yet")


def live_text(live: Json | None) -> str:
    """What is live: where, at which commit, since when, and how it is."""
    if not live:
        return _("nothing is live")
    parts = [str(live.get("url") or "")]
    if live.get("commit"):
        parts.append(_("commit {commit}", commit=str(live["commit"])[:COMMIT_SHOWN]))
    if live.get("since"):
        parts.append(_("since {at}", at=moment(live["since"], date=True)))
    if live.get("health"):
        parts.append(health_label(str(live["health"])))
    return ", ".join(filter(None, parts)) or _("yes")


def project(shown: Json, more: Sequence[RenderableType] = ()) -> list[RenderableType]:
    """One project with its facets, `more` about its road, its actions, incidents and history."""
    repository = shown["repository"] or {}
    holds = "; ".join(held_words(hold) for hold in shown["holds"])
    parts: list[RenderableType] = [
        f"[bold]{escape(shown['slug'])}[/]  {escape(status_text(shown))}",
        facts(
            [
                (_("title"), shown["title"]),
                (_("phase"), phase_label(shown["phase"])),
                (_("since"), moment(shown["since"], date=True)),
                (_("organisation"), shown["organisation"] or ""),
                (_("management"), management_label(shown["management"])),
                (_("repository"), _repository_text(shown["repository"])),
                (_("address"), repository.get("html_url") or ""),
                (_("earlier names"), ", ".join(repository.get("previous_names") or [])),
                (_("owner"), shown["owner"] or ""),
                (_("readiness"), ready_text(shown) if shown.get("readiness") else ""),
                (_("live"), live_text(shown["live"])),
                (_("held by"), holds),
            ]
        ),
    ]
    parts += more
    if shown["actions"]:
        parts += ["", f"[bold]{_('What is possible')}[/]", _actions(shown["actions"])]
    open_ones = [i for i in shown["incidents"] if i["state"] != "resolved"]
    if open_ones:
        parts += ["", f"[bold]{_('Open incidents')}[/]", incidents(open_ones)]
    if shown["history"]:
        parts += [
            "",
            f"[bold]{_('History')}[/]",
            *[event_text(event, date=True) for event in shown["history"]],
        ]
    return parts


def _actions(actions: Sequence[Json]) -> Table:
    grid = Table.grid(padding=(0, 2))
    for action in actions:
        target = status_label(action["to"]) if " " not in action["to"] else back_label(action["to"])
        against = f"[dim]{escape(guard_words(action['refused']))}[/]" if action["refused"] else ""
        grid.add_row("  " + trigger_label(action["trigger"]), f"→ {target}", against)
    return grid


def incidents(rows: Sequence[Json]) -> Table:
    """The table of incidents."""
    shown_rows = table(_("id"), _("severity"), _("cause"), _("about"), _("state"), _("count"), _("since"))
    for row in rows:
        shape, colour = SEVERITIES.get(row["severity"], ("?", ""))
        severity = f"{shape} {severity_label(row['severity'])}"
        state = incident_state_label(row["state"])
        if row["muted_until"]:
            state += " " + _("(muted until {at})", at=moment(row["muted_until"], date=True))
        shown_rows.add_row(
            str(row["id"]),
            f"[{colour}]{severity}[/]" if colour else severity,
            cause_label(row["cause"]),
            escape(row["project"] or row["organisation"] or ""),
            state,
            str(row["count"]),
            moment(row["first_at"], date=True),
        )
    return shown_rows


def incident(shown: Json) -> list[RenderableType]:
    """One incident with all its evidence and the ways out."""
    shape, colour = SEVERITIES.get(shown["severity"], ("?", ""))
    head = f"{shape} {severity_label(shown['severity'])}"
    parts: list[RenderableType] = [
        (f"[{colour}]{head}[/]  " if colour else f"{head}  ") + escape(_title(shown)),
        facts(
            [
                (_("cause"), cause_label(shown["cause"])),
                (_("state"), incident_state_label(shown["state"])),
                (_("project"), shown["project"] or ""),
                (_("organisation"), shown["organisation"] or ""),
                (_("reported"), counted("once", "{n} times", shown["count"])),
                (_("first"), moment(shown["first_at"], date=True)),
                (_("last"), moment(shown["last_at"], date=True)),
                (_("acknowledged by"), shown["acknowledged_by"] or ""),
                (_("muted until"), moment(shown["muted_until"], date=True)),
                (_("resolved"), moment(shown["resolved_at"], date=True)),
                (_("resolved by"), shown["resolved_by"] or ""),
                (_("resolution"), said(shown["resolution"] or "")),
            ]
        ),
        "",
        f"[bold]{_('Evidence')}[/]",
        facts([("  " + name, _evidence(value)) for name, value in shown["evidence"].items()]),
    ]
    if shown["exits"]:
        parts += ["", f"[bold]{_('Ways out')}[/]"]
        for way in shown["exits"]:
            command = f"  [bold]{escape(way['command'])}[/]" if way["command"] else ""
            parts.append(f"  • {escape(label('exit', way['text']))}{command}")
    return parts


def _title(shown: Json) -> str:
    """The title as stored, which is English; in another language its essence."""
    about = shown["project"] or shown["organisation"] or ""
    if shown["cause"] == "foreign_change":
        return f"{about}: {move_words(shown['evidence'])}"
    return str(shown["title"]) if language() == "en" else f"{about}: {cause_label(shown['cause'])}"


def _evidence(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {inner}" for name, inner in value.items() if inner is not None)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def event_text(event: Json, *, date: bool = False) -> str:
    """An event as one line with Rich markup."""
    told: Line = line(event)
    colour = TONES.get(told.tone, "")
    # A line stays one line, whatever line feeds the data hold: else data could pass for another event.
    what, why = (escape(" ".join(text.split())) for text in (told.what, told.why))
    what = f"[{colour}]{what}[/]" if colour else what
    why = f"  [dim]{why}[/]" if why else ""
    time = moment(event["at"], date=True) if date else told.time
    return f"[dim]{time}[/]  [bold]{escape(told.about):<20}[/] {what}{why}"


def looks(organisations: Sequence[Json]) -> Table:
    """What a look at each organisation brought."""
    shown_rows = table(
        _("organisation"),
        _("state"),
        _("seen"),
        _("requests"),
        _("unchanged"),
        _("changes"),
        _("held"),
        _("time"),
    )
    for row in organisations:
        changes = ", ".join(f"{change_label(kind)} {n}" for kind, n in row["changes"].items() if n)
        shown_rows.add_row(
            escape(row["login"]),
            organisation_state_label(row["state"]),
            str(row["observed"]),
            str(row["requests"]),
            str(row["not_modified"]),
            changes or _("none"),
            str(row["held"]),
            _("{s} s", s=f"{row['duration_s']:.1f}"),
        )
    return shown_rows
