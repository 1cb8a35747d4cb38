"""`steward project`, what the road left behind: specs, operations and their logs, releases, updates, the site."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from steward.domain.operations import OPEN
from steward.faces.cli.base import option
from steward.faces.cli.project_group import project
from steward.faces.cli.session import Session
from steward.faces.words import _, said
from steward.ports.errors import Transient

POLL_S = 0.5
BATCH = 500
Json = dict[str, Any]


def _listed(session: Session, rows: list[Json], name: str, nothing: str) -> None:
    def people() -> Any:
        from steward.faces.cli import tables_building

        return getattr(tables_building, name)(rows) if rows else nothing

    session.payload(rows, people)


@project.command("operations", help="List what runs and ran for a project, newest first.")
@click.argument("reference", metavar="PROJECT")
@option("-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many")
@click.pass_obj
def operations(session: Session, reference: str, limit: int) -> None:
    """List operations."""
    rows = session.works.operations(reference, limit)
    _listed(session, rows, "operations", _("Nothing has run for it yet."))


@project.command("releases", help="List the releases of a project, newest first.")
@click.argument("reference", metavar="PROJECT")
@click.pass_obj
def releases(session: Session, reference: str) -> None:
    """List releases."""
    rows = session.works.releases(reference)
    _listed(session, rows, "releases", _("Nothing of it was deployed yet."))


@project.command("updates", help="List the updates that were asked for, oldest first.")
@click.argument("reference", metavar="PROJECT")
@click.pass_obj
def updates(session: Session, reference: str) -> None:
    """List updates."""
    rows = session.works.updates(reference)
    _listed(session, rows, "updates", _("No update was asked for yet."))


@project.command("spec", help="Show what a project is to be, with its estimate.")
@click.argument("reference", metavar="PROJECT")
@option("--version", type=click.IntRange(min=1), metavar="N", help="This version; the newest where not given")
@click.pass_obj
def spec(session: Session, reference: str, version: int | None) -> None:
    """Show a spec."""
    shown = session.works.spec(reference, version)

    def people() -> Any:
        from steward.faces.cli import tables_building

        return tables_building.spec(shown)

    session.payload(shown, people)


@project.command(
    "costs", help="Show what the agents of a project cost so far, its budget, and what talks about it cost."
)
@click.argument("reference", metavar="PROJECT")
@click.pass_obj
def costs(session: Session, reference: str) -> None:
    """Show costs."""
    shown = session.works.costs(reference)

    def people() -> Any:
        from steward.faces.cli.tables_building import costs_text, talks_text

        agents = costs_text(shown) or _("No agent ran for it yet.")
        return [line for line in (agents, talks_text(shown["talks"])) if line]

    session.payload(shown, people)


@project.command(
    "logs", help="Print the log of an operation: the newest one, unless --operation names another."
)
@click.argument("reference", metavar="PROJECT")
@option("--operation", metavar="ID", help="Of this one; `operations` lists them")
@option("-f", "--follow", is_flag=True, help="Go on printing until the operation ends")
@click.pass_obj
def logs(session: Session, reference: str, operation: str | None, follow: bool) -> None:
    """Print a log."""
    shown = session.works.operation(reference, operation)
    after, away = 0, False
    while True:
        try:
            # Whether it runs is asked before its lines, so that the last ones are not missed.
            shown = session.works.operation(reference, shown["id"])
            after = _print(session, reference, shown["id"], after)
            away = False
        except Transient as error:
            if not follow:
                raise
            if not away:
                session.note(_("waiting for an answer again: {reason}", reason=said(error.reason)))
            away = True
        if not follow or (not away and shown["state"] not in set(OPEN)):
            break
        if session.wiring.wait(POLL_S):
            return
    if not after:
        session.note(_("Its log is empty."))


def _print(session: Session, reference: str, operation: str, after: int) -> int:
    """Print the lines after that one; the number of the last."""
    from steward.faces.cli.tables_building import log_text

    while lines := session.works.log(reference, operation, after, BATCH):
        for line in lines:
            session.line(line, log_text(line))
        after = lines[-1]["number"]
    return after


@project.command("open", help="Print the address that a project is live at.")
@click.argument("reference", metavar="PROJECT")
@option("--browser", is_flag=True, help="Open it in a browser, at a terminal")
@click.pass_obj
def open_project(session: Session, reference: str, browser: bool) -> None:
    """Print where a project is live."""
    from steward.app.errors import Invalid

    shown = session.queries.project(reference)
    live = shown["live"] or {}
    url = str(live.get("url") or "")
    if not url:
        raise Invalid(
            _("nothing of {slug} is live at an address", slug=shown["slug"]),
            _("See where it stands: steward project show {slug}", slug=shown["slug"]),
        )
    session.payload({"url": url, "commit": live.get("commit")}, lambda: url)
    if browser:
        _launch(session, url, click.launch)


def _launch(session: Session, url: str, launch: Callable[[str], int]) -> None:
    if not (sys.stdout.isatty() and session.interactive and url.startswith(("http://", "https://"))):
        session.note(_("a browser is opened at a terminal alone"))
    elif launch(url):
        session.note(_("no browser could be opened"))
