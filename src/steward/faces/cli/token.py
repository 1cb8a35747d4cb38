"""`steward token`: create, list, revoke."""

from __future__ import annotations

from typing import Any, Final

import click

from steward.app.passes import TOKEN_DAYS, TOKEN_DAYS_MAX
from steward.domain.people import Right
from steward.faces.cli.base import group, option
from steward.faces.cli.session import Session
from steward.faces.words import _

token: Final = group("token", "See to API tokens: create, list, revoke.")
COMMANDS: Final = {"token": token}


def whose(session: Session, name: str | None) -> str:
    """The user that is meant: the one named, else whoever asks."""
    if name is not None:
        return name
    me = session.people.me()
    return str(me["user"] or me["actor"].partition(":")[2])


@token.command("create", help="Make an API token of a user, and print its secret, once.")
@click.argument("note", metavar="PURPOSE")
@option("--user", "name", metavar="NAME", help="Whose; where not given, your own")
@option(
    "--right",
    "rights",
    type=click.Choice([right.value for right in Right]),
    multiple=True,
    help="Only this right; repeatable. Where not given, all that the user has",
)
@option("--org", "organisation", metavar="LOGIN", help="In this organisation alone")
@option(
    "--days",
    type=click.IntRange(1, TOKEN_DAYS_MAX),
    default=TOKEN_DAYS,
    show_default=True,
    help="Days for which it is valid",
)
@click.pass_obj
def create(
    session: Session,
    note: str,
    name: str | None,
    rights: tuple[str, ...],
    organisation: str | None,
    days: int,
) -> None:
    """Make one."""
    name = whose(session, name)
    effect = _("make the API token {note} of {name}, valid for {days} days", note=note, name=name, days=days)
    if session.rehearse(effect, user=name, note=note):
        return
    made = session.people.create_token(name, note, rights or None, organisation, days)
    session.line(made, made["secret"])
    session.note(_("It is not shown again. Programs send it as: Authorization: Bearer TOKEN"))


@token.command("list", help="List API tokens, never their secrets.")
@option("--user", "name", metavar="NAME", help="Of this user")
@option("--mine", is_flag=True, help="Your own")
@option("--all", "ended", is_flag=True, help="Revoked and expired ones too")
@click.pass_obj
def list_tokens(session: Session, name: str | None, mine: bool, ended: bool) -> None:
    """List them."""
    rows = session.people.tokens(whose(session, None) if mine else name, ended=ended)

    def people() -> Any:
        from steward.faces.cli import tables_people

        return tables_people.tokens(rows) if rows else _("There is no API token.")

    session.payload(rows, people)


@token.command("revoke", help="End an API token or a session by its id, for good.")
@click.argument("number", metavar="ID", type=int)
@click.pass_obj
def revoke(session: Session, number: int) -> None:
    """End it."""
    if session.rehearse(_("end the token {id}", id=number), token=number):
        return
    ended = session.people.end(number)
    session.payload(
        ended, lambda: _("Ended: {note} of {name}", note=ended["note"] or number, name=ended["user"])
    )
