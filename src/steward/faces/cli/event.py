"""`steward event tail`: what happened, and what happens."""

from __future__ import annotations

from typing import Final

import click

from steward.faces.cli.base import group, option
from steward.faces.cli.session import Session
from steward.faces.words import _, said
from steward.ports.errors import Transient

event: Final = group("event", "Read what happened, and follow it.")
COMMANDS: Final = {"event": event}
POLL_S: Final = 0.5
BATCH: Final = 500


@event.command("tail", help="Print the newest events, oldest first: people's lines, or JSON lines.")
@option("-f", "--follow", is_flag=True, help="Go on printing what happens, until Ctrl-C")
@option("--after", type=click.IntRange(min=0), help="All events after this position")
@option("-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many")
@option("--project", help="Only of this project")
@click.pass_obj
def tail(session: Session, follow: bool, after: int | None, limit: int, project: str | None) -> None:
    """Print events."""
    from steward.faces.cli.tables import event_text

    queries = session.queries
    newest = queries.last_position()
    if after is None:
        events = queries.events(before=newest + 1, project=project, limit=limit)
    else:
        events = queries.events(after=after, project=project, limit=limit)
    for shown in events:
        session.line(shown, event_text(shown, date=not follow))
    if not follow:
        if not events:
            session.note(_("Nothing has happened yet."))
        return
    position = max([after or 0, *(shown["position"] for shown in events)]) if after is not None else newest
    away = False
    while True:
        try:
            for shown in queries.events(after=position, project=project, limit=BATCH):
                session.line(shown, event_text(shown))
                position = shown["position"]
            away = False
        except Transient as error:
            # Nothing is missed: it goes on after the event that was printed last.
            if not away:
                session.note(_("waiting for events again: {reason}", reason=said(error.reason)))
            away = True
        if session.wiring.wait(POLL_S):
            return
