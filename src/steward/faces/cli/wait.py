"""`steward wait`: until a project is where it should be."""

from __future__ import annotations

from typing import Final

import click

from steward.domain.status import Status
from steward.faces.cli.base import Command, option
from steward.faces.cli.project_group import StatusType
from steward.faces.cli.session import Session
from steward.faces.cli.waiting import Goal, finish, until
from steward.faces.words import _


class GoalType(click.ParamType[Goal]):
    """`status=STATUS` or `operation=idle`."""

    name = "goal"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Goal:
        """Read it, or say what it may be."""
        name, sign, wanted = value.partition("=")
        if name == "status" and sign:
            return Goal(StatusType().convert(wanted, param, ctx))
        if (name, wanted) == ("operation", "idle"):
            return Goal(None)
        words = _("'{value}' cannot be waited for: status=STATUS or operation=idle", value=value)
        raise click.BadParameter(words, ctx, param)


@click.command(
    "wait",
    cls=Command,
    help="Wait until a project is live, or whatever --for says. Exit code 1 if it ends elsewhere.",
)
@click.argument("reference", metavar="PROJECT")
@option(
    "--for",
    "goals",
    type=GoalType(),
    multiple=True,
    metavar="GOAL",
    help="status=STATUS or operation=idle; repeatable, then all must hold. status=active where not given",
)
@option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Wait no longer than this")
@click.pass_obj
def wait(session: Session, reference: str, goals: tuple[Goal, ...], timeout: float | None) -> None:
    """Wait for a project."""
    finish(session, until(session, reference, goals or (Goal(Status.ACTIVE),), timeout))


COMMANDS: Final = {"wait": wait}
