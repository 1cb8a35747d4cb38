"""`steward sync`: run, plan, status, release, reject."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import click

from steward.faces.cli.base import group, option
from steward.faces.cli.session import Session
from steward.faces.words import _, counted, said

sync: Final = group("sync", "Look at GitHub now, plan a look, decide held losses.")
COMMANDS: Final = {"sync": sync}


@sync.command("run", help="Look at GitHub now. Exit code 0 when every look was whole, else 1.")
@click.argument("logins", metavar="[ORG]...", nargs=-1)
@click.pass_obj
def run(session: Session, logins: tuple[str, ...]) -> int:
    """Look, by ourselves or by asking the running Steward, and show what it brought."""
    if session.options.dry_run:
        return _plan(session, logins)
    with _progress(session) as progress:
        result = session.sync.run(logins, progress=progress)
    organisations = result["organisations"]

    def people() -> Any:
        from steward.faces.cli import tables

        return tables.looks(organisations)

    session.payload(result, people)
    for organisation in organisations:
        _advise(session, organisation)
    return 0 if all(organisation["whole"] for organisation in organisations) else 1


def _advise(session: Session, organisation: dict[str, Any]) -> None:
    login = organisation["login"]
    if not organisation["whole"]:
        reason = said(organisation["reason"])
        session.note(_("{login}: the look was not whole: {reason}", login=login, reason=reason))
        session.note(_("  Nothing was concluded from what is absent; `steward doctor` examines why"))
    if organisation["held"]:
        session.note(
            _(
                "{login}: a mass loss is held. Decide it: steward sync release {login}, or: steward sync reject {login}",
                login=login,
            )
        )
    if organisation.get("next_confirmation_s") is not None:
        session.note(
            _(
                "{login}: absences are being confirmed; the next read counts in {s} s",
                login=login,
                s=f"{organisation['next_confirmation_s']:.0f}",
            )
        )


@contextmanager
def _progress(session: Session) -> Iterator[Callable[[str], None]]:
    """A spinner with the last word of progress, where a person watches."""
    if session.options.quiet or not sys.stderr.isatty():
        yield lambda _text: None
        return
    with session.err.status(_("looking")) as status:
        yield status.update


@sync.command("plan", help="Show what a look would change, and write nothing.")
@click.argument("logins", metavar="[ORG]...", nargs=-1)
@click.pass_obj
def plan(session: Session, logins: tuple[str, ...]) -> int:
    """Show the plan."""
    return _plan(session, logins)


def _plan(session: Session, logins: tuple[str, ...]) -> int:
    with _progress(session):
        result = session.sync.plan(logins)
    organisations = result["organisations"]
    session.payload(result, lambda: [part for o in organisations for part in _plan_lines(o)])
    return 0 if all(organisation["whole"] for organisation in organisations) else 1


def _plan_lines(organisation: dict[str, Any]) -> list[str]:
    from rich.markup import escape

    from steward.faces.lines import change_text

    lines = [f"[bold]{escape(organisation['login'])}[/]"]
    if not organisation["whole"]:
        reason = said(organisation["reason"])
        return [*lines, "  " + escape(_("the look was not whole: {reason}", reason=reason))]
    changes = organisation["changes"]
    lines += [f"  {escape(change_text(change))}" for change in changes]
    total = counted("{n} change; nothing was written", "{n} changes; nothing was written", len(changes))
    return [*lines, "  " + (total if changes else _("nothing would change"))]


@sync.command("status", help="Show each organisation: its last look, what is being confirmed, what is held.")
@click.pass_obj
def status(session: Session) -> None:
    """Show the state of the organisations."""
    result = session.queries.sync_status()

    def people() -> Any:
        from steward.faces.cli.status import lines

        return lines(result)

    session.payload(result, people)


@sync.command("release", help="Say that held losses are real: the next reads conclude them.")
@click.argument("login", metavar="ORG")
@option("--repository", metavar="PROJECT", help="Only this one, which may merely be unreadable")
@click.pass_obj
def release(session: Session, login: str, repository: str | None) -> None:
    """Release held losses, after asking."""
    names = [repository] if repository else _held(session, login)
    effect = _("call these lost: {names}", names=", ".join(names) or _("none"))
    if session.rehearse(effect, organisation=login, repositories=names):
        return
    # With nothing held there is nothing to ask: the command refuses by itself, and says so.
    if names:
        session.confirm(
            counted(
                "Call {n} repository of {login} lost?",
                "Call {n} repositories of {login} lost?",
                len(names),
                login=login,
            )
        )
    result = session.deciding.release(login, repository)
    session.payload(
        result, lambda: _("Released. The next reads by id conclude them; see `steward event tail`")
    )


@sync.command("reject", help="Say that held losses are not real: every status is kept.")
@click.argument("login", metavar="ORG")
@click.pass_obj
def reject(session: Session, login: str) -> None:
    """Reject held losses."""
    names = _held(session, login)
    effect = _("keep these as they are: {names}", names=", ".join(names) or _("none"))
    if session.rehearse(effect, organisation=login, repositories=names):
        return
    result = session.deciding.reject(login)
    session.payload(result, lambda: _("Rejected. Every status is kept until the repositories are seen again"))


def _held(session: Session, login: str) -> list[str]:
    for organisation in session.queries.sync_status()["organisations"]:
        names = {name.lower() for name in (organisation["login"], *organisation["previous_names"])}
        if login.lower() in names:
            return list(organisation["held"])
    return []
