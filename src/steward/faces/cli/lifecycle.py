"""`steward lifecycle show`: the table of moves, as a diagram, as data or as a table."""

from __future__ import annotations

from typing import Any, Final

import click

from steward.app.views import lifecycle_view
from steward.domain.lifecycle import TABLE, mermaid
from steward.domain.status import Status
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
    session.payload(lifecycle_view(), _people)


def _people() -> Any:
    from steward.faces.cli import tables
    from steward.faces.lines import back_label, status_label, trigger_label

    table = tables.table(_("from"), _("move"), _("to"), _("who"), _("what must be proven"))
    for row in TABLE:
        target = row.target.value
        table.add_row(
            ", ".join(status_label(s.value) if s else _("nothing") for s in row.sources_in_order),
            trigger_label(row.trigger.value),
            status_label(target) if isinstance(row.target, Status) else back_label(target),
            ", ".join(sorted(label("who", who.value) for who in row.who)),
            "; ".join(label("guard", guard.words) for guard in row.guards),
        )
    return table
