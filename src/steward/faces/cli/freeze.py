"""`steward freeze` and `steward unfreeze`."""

from __future__ import annotations

from typing import Any, Final

import click

from steward.faces.cli.base import Command, option
from steward.faces.cli.session import Session
from steward.faces.words import _


def _which(login: str | None, every: bool) -> str | None:
    """The organisation that is meant; None for all. Raises UsageError where neither or both are named."""
    if (login is None) == (not every):
        raise click.UsageError(_("name one organisation, or say --all"))
    return login


def _shown(session: Session, organisations: list[dict[str, Any]]) -> None:
    def people() -> list[str]:
        return [
            _("{login}: frozen. No automation runs; looking goes on", login=o["login"])
            if o["frozen"]
            else _("{login}: not frozen", login=o["login"])
            for o in organisations
        ]

    session.payload(organisations, people)


@click.command("freeze", cls=Command, help="Stop all automation in an organisation, or in all.")
@click.argument("login", metavar="[ORG]", required=False)
@option("--all", "every", is_flag=True, help="Every organisation")
@option("--reason", default="", help="Why, for the history")
@click.pass_obj
def freeze(session: Session, login: str | None, every: bool, reason: str) -> None:
    """Freeze."""
    which = _which(login, every)
    if not session.rehearse(_("freeze {which}", which=which or _("every organisation")), organisation=which):
        _shown(session, session.deciding.freeze(which, reason))


@click.command("unfreeze", cls=Command, help="Let automation go on.")
@click.argument("login", metavar="[ORG]", required=False)
@option("--all", "every", is_flag=True, help="Every organisation")
@option("--plan", "seen", default="", help="After a restore: the digest of the plan that you have seen")
@click.pass_obj
def unfreeze(session: Session, login: str | None, every: bool, seen: str) -> None:
    """Unfreeze; after a restore only who has seen the plan, or says --yes."""
    which = _which(login, every)
    if not session.rehearse(
        _("unfreeze {which}", which=which or _("every organisation")), organisation=which
    ):
        _shown(session, session.deciding.unfreeze(which, seen or ("yes" if session.options.yes else "")))


COMMANDS: Final = {"freeze": freeze, "unfreeze": unfreeze}
