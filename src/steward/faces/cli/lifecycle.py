"""`steward lifecycle show`: the table of moves, as a diagram, as data or as a table."""

from __future__ import annotations

from typing import Any, Final

import click

from steward.domain.lifecycle import TABLE, Row, mermaid
from steward.domain.status import ALIASES, Status
from steward.faces.cli.base import group, option
from steward.faces.cli.session import Session
from steward.faces.words import _, label

lifecycle: Final = group("lifecycle", "Show the table of statuses and moves.")
COMMANDS: Final = {"lifecycle": lifecycle}


@lifecycle.command("show", help="Show every status and every move between them.")
@option(
    "--format", "form", type=click.Choice(["mermaid", "json", "table"]), help="How; a table where not given"
)
@click.pass_obj
def show(session: Session, form: str | None) -> None:
    """Show the lifecycle."""
    if form == "mermaid":
        click.echo(mermaid(), nl=False)
        return
    session.options.json = session.options.json or form == "json"
    session.payload(as_json(), _people)


def as_json() -> dict[str, Any]:
    """The whole table, in English codes."""
    return {
        "statuses": [
            {
                "status": s.value,
                "phase": s.phase.value,
                "aliases": [a for a, of in ALIASES.items() if of == s],
            }
            for s in Status
        ],
        "moves": [
            {
                "from": [s.value if s else None for s in _sources(row)],
                "trigger": row.trigger.value,
                "to": str(row.target),
                "who": sorted(who.value for who in row.who),
                "asks": sorted(who.value for who in row.askers),
                "guards": [{"code": guard.name.lower(), "words": guard.words} for guard in row.guards],
            }
            for row in TABLE
        ],
    }


def _sources(row: Row) -> list[Status | None]:
    order = {status: place for place, status in enumerate(Status)}
    return sorted(row.sources, key=lambda status: order[status] if status else -1)


def _people() -> Any:
    from steward.faces.cli import tables
    from steward.faces.lines import status_label, trigger_label

    table = tables.table(_("from"), _("move"), _("to"), _("who"), _("what must be proven"))
    for row in TABLE:
        target = row.target.value
        table.add_row(
            ", ".join(status_label(s.value) if s else _("nothing") for s in _sources(row)),
            trigger_label(row.trigger.value),
            status_label(target) if isinstance(row.target, Status) else tables.label_of_back(target),
            ", ".join(sorted(label("who", who.value) for who in row.who)),
            "; ".join(label("guard", guard.words) for guard in row.guards),
        )
    return table
