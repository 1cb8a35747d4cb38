"""`steward incident`: list, show, ack, resolve, mute, unmute."""

from __future__ import annotations

from typing import Any, Final

import click

from steward.domain.durations import seconds
from steward.faces.cli.base import group, option
from steward.faces.cli.session import Session
from steward.faces.words import _

incident: Final = group("incident", "See to incidents: list, acknowledge, resolve, mute.")
COMMANDS: Final = {"incident": incident}
STATES: Final = ("open", "acknowledged", "resolved")


class Duration(click.ParamType[float]):
    """A length of time such as 30m, 1h or 2d, in seconds."""

    name = "duration"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it."""
        try:
            return seconds(str(value))
        except ValueError:
            self.fail(_("'{value}' is no length of time; write 30m, 1h or 2d", value=value), param, ctx)


@incident.command("list", help="List incidents, worst first. People see those not resolved; JSON holds all.")
@option("--state", "states", type=click.Choice(STATES), multiple=True, help="Only in this state; repeatable")
@option("--all", "show_all", is_flag=True, help="Resolved ones too")
@option("--limit", type=click.IntRange(min=1), help="At most so many")
@click.pass_obj
def list_incidents(session: Session, states: tuple[str, ...], show_all: bool, limit: int | None) -> None:
    """Show incidents."""
    if not states and not show_all and not session.options.json:
        states = ("open", "acknowledged")
    rows = session.queries.incidents(states, limit)

    def people() -> Any:
        from steward.faces.cli import tables

        return tables.incidents(rows) if rows else _("No incident is open.")

    session.payload(rows, people)


@incident.command("show", help="Show one incident with all its evidence and the ways out.")
@click.argument("number", metavar="ID", type=int)
@click.pass_obj
def show(session: Session, number: int) -> None:
    """Show one incident."""
    _show(session, session.queries.incident(number))


@incident.command("ack", help="Acknowledge an incident: somebody looks after it.")
@click.argument("number", metavar="ID", type=int)
@click.pass_obj
def acknowledge(session: Session, number: int) -> None:
    """Acknowledge it."""
    if not session.rehearse(_("acknowledge incident {id}", id=number), incident=number):
        _show(session, session.attending.acknowledge(number))


@incident.command(
    "resolve", help="Accept an incident as it is. Most close by themselves when their cause goes."
)
@click.argument("number", metavar="ID", type=int)
@option("--reason", default="", help="Why, for the history")
@click.pass_obj
def resolve(session: Session, number: int, reason: str) -> None:
    """Resolve it."""
    if not session.rehearse(_("resolve incident {id}", id=number), incident=number):
        _show(session, session.attending.resolve(number, reason))


@incident.command("mute", help="Send nothing about an incident for a while.")
@click.argument("number", metavar="ID", type=int)
@option("--for", "for_s", type=Duration(), default="1h", show_default=True, help="How long: 30m, 1h, 2d")
@click.pass_obj
def mute(session: Session, number: int, for_s: float) -> None:
    """Mute it."""
    if not session.rehearse(_("mute incident {id}", id=number), incident=number, for_s=for_s):
        _show(session, session.attending.mute(number, for_s))


@incident.command("unmute", help="Let a muted incident be heard again.")
@click.argument("number", metavar="ID", type=int)
@click.pass_obj
def unmute(session: Session, number: int) -> None:
    """Unmute it."""
    if not session.rehearse(_("unmute incident {id}", id=number), incident=number):
        _show(session, session.attending.unmute(number))


def _show(session: Session, shown: dict[str, Any]) -> None:
    def people() -> Any:
        from steward.faces.cli import tables

        return tables.incident(shown)

    session.payload(shown, people)
