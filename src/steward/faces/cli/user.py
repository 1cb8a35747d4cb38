"""`steward user`: list, add, grant, ungrant, disable, enable, link."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import click

from steward.domain.people import Role
from steward.faces.cli.base import group, option
from steward.faces.cli.session import Session
from steward.faces.people import role_label
from steward.faces.words import LANGUAGES, _

user: Final = group("user", "See to people: list, add, give roles, disable, make sign-in links.")
COMMANDS: Final = {"user": user}
ROLES: Final = tuple(role.value for role in Role)


def org_option(text: str) -> Callable[[Any], Any]:
    """The option that names an organisation."""
    return option("--org", "organisation", metavar="LOGIN", help=text)


@user.command("list", help="List the users with their roles.")
@click.pass_obj
def list_users(session: Session) -> None:
    """List them."""
    rows = session.people.users()

    def people() -> Any:
        from steward.faces.cli import tables_people

        return tables_people.users(rows) if rows else _("There is no user yet: steward user add NAME")

    session.payload(rows, people)


@user.command("add", help="Add a user. They sign in with a link: steward user link NAME.")
@click.argument("name")
@option("--role", type=click.Choice(ROLES), help="Role to give")
@org_option("Give the role in this organisation alone")
@option("--full-name", default="", help="Name as people read it")
@option("--language", type=click.Choice(LANGUAGES), help="Language of their pages and messages")
@click.pass_obj
def add(
    session: Session,
    name: str,
    role: str | None,
    organisation: str | None,
    full_name: str,
    language: str | None,
) -> None:
    """Add one."""
    if not session.rehearse(_("add the user {name}", name=name), user=name):
        _show(session, session.people.add(name, role, organisation, full_name, language))


@user.command("grant", help="Give a user a role, everywhere or in one organisation.")
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
@org_option("In this organisation alone")
@click.pass_obj
def grant(session: Session, name: str, role: str, organisation: str | None) -> None:
    """Give it."""
    effect = _("give {name} the role {role}", name=name, role=role_label(role))
    if not session.rehearse(effect, user=name, role=role, organisation=organisation):
        _show(session, session.people.grant(name, role, organisation))


@user.command("ungrant", help="Take a role from a user, as it was given.")
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
@org_option("The one given in this organisation")
@click.pass_obj
def ungrant(session: Session, name: str, role: str, organisation: str | None) -> None:
    """Take it."""
    effect = _("take the role {role} from {name}", name=name, role=role_label(role))
    if not session.rehearse(effect, user=name, role=role, organisation=organisation):
        _show(session, session.people.ungrant(name, role, organisation))


@user.command("disable", help="Let a user in no more: their sessions, tokens and links end for good.")
@click.argument("name")
@click.pass_obj
def disable(session: Session, name: str) -> None:
    """Disable one, after asking."""
    if session.rehearse(_("disable the user {name}", name=name), user=name):
        return
    session.confirm(_("End every session, token and link of {name}?", name=name))
    _show(session, session.people.disable(name))


@user.command("enable", help="Let a disabled user in again; they need a new link.")
@click.argument("name")
@click.pass_obj
def enable(session: Session, name: str) -> None:
    """Enable one."""
    if not session.rehearse(_("enable the user {name}", name=name), user=name):
        _show(session, session.people.enable(name))


@user.command("link", help="Print a sign-in link for a user. It works once, within a day.")
@click.argument("name")
@click.pass_obj
def link(session: Session, name: str) -> None:
    """Make one, and print the address to open."""
    from steward.faces.cli.webaddress import sign_in_address

    address = sign_in_address(session)
    if session.rehearse(_("make a sign-in link for {name}", name=name), user=name):
        return
    made = session.people.link(name)
    url = f"{address}?token={made['secret']}"
    session.line({"user": name, "url": url, "expires_at": made["expires_at"]}, url)
    session.note(_("Whoever opens it is {name}: hand it over safely. It is not shown again", name=name))


def _show(session: Session, shown: Mapping[str, Any]) -> None:
    def people() -> Any:
        from steward.faces.cli import tables_people

        return tables_people.user(shown)

    session.payload(shown, people)
