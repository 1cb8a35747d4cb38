"""What is kept for a project, for people; never a value."""

from __future__ import annotations

from typing import Any

from rich.markup import escape

from steward.faces.cli.tables import table
from steward.faces.lines import moment
from steward.faces.words import _, label


def secrets(result: dict[str, Any]) -> list[Any]:
    """The list, the waivers, and what is lacking."""
    shown: list[Any] = []
    if result["secrets"]:
        rows = table(_("name"), _("sort"), _("read by"), _("set"), _("by"), _("sent to GitHub"))
        for one in result["secrets"]:
            sort = label("secret", "generated" if one["generated"] else one["sort"])
            places = ", ".join(label("secret", place) for place in one["places"])
            sent = moment(one["sent_at"], date=True) if one["sent_at"] else "-"
            sent = sent if "checks" in one["places"] else ""
            cells = (one["name"], sort, places, moment(one["set_at"], date=True), one["set_by"], sent)
            rows.add_row(*map(escape, cells))
        shown.append(rows)
    else:
        shown.append(
            _("Nothing is kept: steward secret set {project} NAME", project=escape(result["project"]))
        )
    shown += [
        _("{name} is waived: {reason} ({by})", name=one["name"], reason=escape(one["reason"]), by=one["by"])
        for one in result["waivers"]
    ]
    if result["lacking"]:
        shown.append(_("[red]lacking: {names}[/]", names=escape(", ".join(result["lacking"]))))
    return shown


def key(result: dict[str, Any]) -> list[str]:
    """The master key, by its id."""
    lines = [
        _("master key {id}, in {where}", id=result["id"] or "-", where=escape(result["where"])),
    ]
    for name, count in result["in_use"].items():
        if name != result["id"]:
            lines.append(
                _(
                    "projects kept under the earlier key {id}: {n}. Rotate: steward secret key --rotate",
                    n=count,
                    id=name,
                )
            )
    if not result["backed_up"]:
        lines.append(
            _(
                "No copy of it is known of. Copy that file to a safe place, then say so: steward secret key --backed-up"
            )
        )
    return lines
