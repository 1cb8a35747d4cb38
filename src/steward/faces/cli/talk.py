"""`steward talk`: new, list, show, say, edit, skip, order, drop."""

from __future__ import annotations

import sys
from typing import Any, Final
from uuid import uuid4

import click

from steward.faces.cli.base import group, option
from steward.faces.cli.session import Session
from steward.faces.words import _

talk: Final = group("talk", "Talk over what is to be built, until it is ordered.")
COMMANDS: Final = {"talk": talk}
Json = dict[str, Any]
Number: Final = click.IntRange(min=1)


def _read(words: tuple[str, ...]) -> str:
    """What was said: the words of the command line, or all of standard input for "-"."""
    if words == ("-",):
        return sys.stdin.read()
    return " ".join(words)


def _shown(session: Session, shown: Json) -> None:
    def people() -> Any:
        from steward.faces.cli import tables_talks

        return tables_talks.talk(shown)

    session.payload(shown, people)
    if shown["waiting"] and shown["state"] == "open":
        session.note(
            _(
                "What was said is not in the brief yet: see {command}",
                command=f"steward talk show {shown['id']}",
            )
        )


@talk.command("list", help="List your talks: those that go on, and those that ended.")
@click.pass_obj
def list_(session: Session) -> None:
    """List them, newest change first."""
    result = session.talks.list()

    def people() -> Any:
        from steward.faces.cli import tables_talks

        return tables_talks.talks(result)

    session.payload(result, people)


@talk.command("show", help="Show a talk: what was said, the brief so far, what is asked.")
@click.argument("number", type=Number)
@click.pass_obj
def show(session: Session, number: int) -> None:
    """Show one."""
    _shown(session, session.talks.show(number))


@talk.command(
    "new", help="Begin a talk with what you want, in your own words; - reads them from standard input."
)
@click.argument("words", nargs=-1, required=True)
@option("--project", metavar="PROJECT", help="What is to change of this live project")
@click.pass_obj
def new(session: Session, words: tuple[str, ...], project: str | None) -> None:
    """Begin one."""
    if session.rehearse(_("begin a talk"), project=project):
        return
    key = uuid4().hex
    begun = session.talks.open(f"cli:{key}", purpose="update" if project else "new", project=project)
    _shown(session, session.talks.say(begun["id"], f"cli:{key}", _read(words)))


@talk.command("say", help="Say more in a talk; - reads it from standard input.")
@click.argument("number", type=Number)
@click.argument("words", nargs=-1, required=True)
@click.pass_obj
def say(session: Session, number: int, words: tuple[str, ...]) -> None:
    """Say something."""
    text = _read(words)
    if session.rehearse(_("say it in talk {n}", n=number), talk=number):
        return
    _shown(session, session.talks.say(number, f"cli:{uuid4().hex}", text))


@talk.command("edit", help="Set parts of the brief by hand. They stand against what is said later.")
@click.argument("number", type=Number)
@option("--title", help="What it is called")
@option("--goal", help="What it is for")
@option("--users", help="Who uses it")
@option("--feature", "features", multiple=True, help="What it does; once for each, all of them")
@option("--without", "out_of_scope", multiple=True, help="What it does not do; once for each")
@click.pass_obj
def edit(session: Session, /, number: int, **given: Any) -> None:
    """Set what was given."""
    parts = {name: list(part) if isinstance(part, tuple) else part for name, part in given.items() if part}
    if not parts:
        raise click.UsageError(_("Name a part to set, such as --title"))
    before = session.talks.show(number)
    if session.rehearse(_("set in the brief: {parts}", parts=", ".join(parts)), talk=number):
        return
    _shown(session, session.talks.edit(number, before["version"], parts))


@talk.command("skip", help="Leave out what is asked.")
@click.argument("number", type=Number)
@click.pass_obj
def skip(session: Session, number: int) -> None:
    """Leave it out."""
    before = session.talks.show(number)
    if not session.rehearse(_("leave out what is asked"), talk=number):
        _shown(session, session.talks.skip(number, before["version"]))


@talk.command(
    "order", help="Order what was talked about, or ask for the update; approved where you may approve it."
)
@click.argument("number", type=Number)
@click.pass_obj
def order(session: Session, number: int) -> None:
    """End the talk with what it was for."""
    before = session.talks.show(number)
    title = before["brief"]["title"] or before["brief"]["goal"]
    if session.rehearse(_("ask for «{title}»", title=title), talk=number, lacks=before["lacks"]):
        return
    act = session.talks.ask if before["purpose"] == "update" else session.talks.order
    done = act(number, before["version"])
    _shown(session, done)
    if done["project"]:
        slug = session.queries.project(done["project"])["slug"]
        session.note(_("Next: {command}", command=f"steward project show {slug}"))


@talk.command("drop", help="Put a talk away. What it had become stays.")
@click.argument("number", type=Number)
@click.pass_obj
def drop(session: Session, number: int) -> None:
    """Give it up."""
    before = session.talks.show(number)
    if not session.rehearse(_("put talk {n} away", n=number), talk=number):
        _shown(session, session.talks.drop(number, before["version"]))
