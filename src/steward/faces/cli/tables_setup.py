"""What people are shown of taking in: checklists, scans, what was found of many. Rich tables, from the JSON views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import RenderableType
from rich.markup import escape

from steward.faces.cli.tables import facts, table
from steward.faces.lines import status_label
from steward.faces.setup_words import demand_label, entry_words, fix_words, line_words, scan_label, yes_no
from steward.faces.words import _, label, said

Json = Mapping[str, Any]
EVIDENCE_SHOWN: Final = 3
SIGNS: Final = {"missing": ("✗", "red"), "open": ("·", "dim"), "note": ("·", "dim")}


def checklist(shown: Json) -> list[RenderableType]:
    """A checklist with its fixes, and the entry statuses with their evidence."""
    rows = table("", _("line"), _("where"), _("fix"))
    for line in shown["lines"]:
        sign, colour = SIGNS.get(line["state"], ("✓", "green"))
        name = f"{line['name']}: " if line["name"] else ""
        about = f" ({line['about']})" if line["about"] else ""
        fix = line["fix"] or {}
        rows.add_row(
            f"[{colour}]{sign}[/]",
            escape(name + line_words(line) + about),
            escape(places(line)),
            escape(fix.get("command") or fix_words(fix)),
        )
    entries = table(_("entry"), _("evidence"))
    for one in shown["candidates"]:
        mark = "[green]✓[/] " if one["supported"] else "[dim]✗[/] "
        chosen = " " + _("(proposed)") if one["status"] == shown["proposed"] else ""
        entries.add_row(mark + escape(status_label(one["status"]) + chosen), escape(entry_words(one)))
    return [rows, "", entries]


def places(line: Json) -> str:
    """Where something was found: the first places, and how many more."""
    found = [f"{one['path']}:{one['line']}" for one in line["evidence"][:EVIDENCE_SHOWN]]
    more = max(line["times"], len(line["evidence"])) - len(found)
    return ", ".join(found) + (f" +{more}" if more > 0 else "")


def scan(shown: Json) -> list[RenderableType]:
    """How a scan stands, and every name with where it is read."""
    head = facts(
        [
            (_("state"), scan_label(shown["state"])),
            (_("because"), said(shown["reason"] or "")),
            (_("advice"), said(shown["advice"] or "")),
            (_("commit"), shown["commit"] or ""),
        ]
    )
    rows = table(_("name"), _("demand"), _("kind"), _("where"))
    for need in shown["needs"]:
        kind = label("need", need["sort"])
        rows.add_row(escape(need["name"]), demand_label(need["demand"]), kind, escape(places(need)))
    return [head, "", rows] if shown["needs"] else [head]


def taken_in(rows: Sequence[Json]) -> list[RenderableType]:
    """What became of many, with what was found of each so far."""
    columns = (
        _("project"),
        _("state"),
        _("languages"),
        _("CI"),
        _("deploys itself"),
        _("missing"),
        _("proposed"),
    )
    shown = table(*columns)
    for row in rows:
        found = row.get("found") or {}
        state = (
            scan_label(found["scan"])
            if found.get("scan")
            else label("taking in", row["state"].replace("_", " "))
        )
        shown.add_row(
            escape(row["slug"]),
            escape(f"{state}: {said(row['words'])}" if row["words"] else state),
            escape(", ".join(found.get("languages") or ())),
            yes_no(found.get("ci")),
            yes_no(found.get("self_deploys")),
            escape(", ".join(found.get("names_missing") or ())),
            status_label(found.get("proposed")),
        )
    return [shown]
