"""What people are shown by `steward db plan`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rich.markup import escape

from steward.faces.lines import moment
from steward.faces.standing import sections
from steward.faces.words import _, counted, said

Json = Mapping[str, Any]
SHOWN_MAX: Final = 50
"""How many lines of one sort are shown of an organisation; --json has all."""


def lines(plan: Json) -> list[str]:
    """The restore, each organisation, and how to go on."""
    mark, shown = plan["restored"], []
    if mark is None:
        shown.append(_("This database was not restored, or that is accepted already."))
    elif mark["backup_at"]:
        shown.append(
            "[bold]"
            + _(
                "Restored at {at} from a backup of {backup}",
                at=moment(mark["at"], date=True),
                backup=moment(mark["backup_at"], date=True),
            )
            + "[/]"
        )
    else:
        shown.append("[bold]" + _("Restored at {at}", at=moment(mark["at"], date=True)) + "[/]")
    for one in plan["organisations"]:
        shown += _organisation(one)
    if mark is not None:
        shown.append(
            _("To let automation go on: steward unfreeze --all --plan {digest}", digest=plan["digest"])
        )
    return shown


def _organisation(one: Json) -> list[str]:
    state = _("frozen") if one["frozen"] else _("not frozen")
    shown = [f"[bold]{escape(one['login'])}[/]  {state}"]
    if not one["whole"]:
        shown.append("  " + _("GitHub could not be read whole: {reason}", reason=escape(said(one["reason"]))))
    for title, rows in sections(one):
        shown.append(f"  {title}")
        shown += [f"    {escape(row)}" for row in rows[:SHOWN_MAX]]
        if len(rows) > SHOWN_MAX:
            shown.append("    " + counted("and {n} more", "and {n} more", len(rows) - SHOWN_MAX))
    if len(shown) == 1:
        shown.append("  " + _("Nothing: all is as the record says."))
    return shown
