"""`steward audit`: the newest lines of the audit log."""

from __future__ import annotations

from typing import Any, Final

import click

from steward.faces.cli.base import Command, option
from steward.faces.cli.session import Session
from steward.faces.words import _

OUTCOMES: Final = ("done", "refused", "failed")


@click.command("audit", cls=Command, help="Read the audit log: who did what, and who was refused.")
@option("-n", "limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="So many lines")
@option("--actor", default="", metavar="ACTOR", help="Only of this one, as it stands there: user:anna")
@option("--outcome", type=click.Choice(OUTCOMES), default=None, help="Only those that ended so")
@option("--text", default="", help="Only those with this text in them")
@option("--before", type=int, metavar="ID", help="Only those before this line")
@click.pass_obj
def audit(
    session: Session, limit: int, actor: str, outcome: str | None, text: str, before: int | None
) -> None:
    """Show the newest lines, oldest first, as a log ends."""
    rows = session.people.audit(before=before, limit=limit, actor=actor, outcome=outcome or "", text=text)[
        ::-1
    ]

    def people() -> Any:
        from steward.faces.cli import tables_people

        return tables_people.audit(rows) if rows else _("There is no such line.")

    session.payload(rows, people)


COMMANDS: Final[dict[str, Any]] = {"audit": audit}
