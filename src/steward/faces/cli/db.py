"""`steward db`: upgrade, check, backup, restore."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from steward.faces.cli.base import group, option
from steward.faces.cli.session import Session
from steward.faces.words import _

db: Final = group("db", "Upgrade, check, back up and restore the database.")
COMMANDS: Final = {"db": db}


@db.command("upgrade", help="Bring the database's schema up to this version of Steward. Back it up first.")
@click.pass_obj
def upgrade(session: Session) -> None:
    """Upgrade the schema."""
    url = session.loaded.database_url
    if session.rehearse(_("upgrade the database's schema")):
        return
    done = session.wiring.database.upgrade(url)
    session.payload({"upgraded": done}, lambda: done)


@db.command("check", help="Examine the database. Exit code 1 when something is wrong.")
@click.pass_obj
def check(session: Session) -> int:
    """Examine it."""
    findings = session.wiring.database.check(session.loaded.database_url)
    session.payload(
        {"ok": not findings, "findings": findings},
        lambda: findings or _("The database is in order."),
    )
    return 1 if findings else 0


@db.command("backup", help="Copy the whole database into a new file; Steward may go on running.")
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def backup(session: Session, target: Path) -> None:
    """Back it up."""
    if target.exists():
        raise click.UsageError(_("{file} exists; name a new file", file=target))
    if session.rehearse(_("back up into {file}", file=target), file=str(target)):
        return
    session.wiring.database.backup(session.loaded.database_url, target)
    session.payload({"file": str(target)}, lambda: _("Backed up into {file}", file=target))


@db.command(
    "restore", help="Fill the database from a backup. It starts frozen: look at the plan, then unfreeze."
)
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@option("--force", is_flag=True, help="Replace what the database holds now")
@click.pass_obj
def restore(session: Session, source: Path, force: bool) -> None:
    """Restore it, after asking."""
    if session.rehearse(_("replace the database by {file}", file=source), file=str(source), force=force):
        return
    session.confirm(_("Restore from {file}?", file=source))
    session.loaded.state_dir.mkdir(parents=True, exist_ok=True)
    session.wiring.database.restore(session.loaded.database_url, source, force=force)
    session.payload(
        {"file": str(source)},
        lambda: _(
            "Restored. Every organisation is frozen: see what would happen with `steward db plan`, then let it go on: "
            "`steward unfreeze --all --plan DIGEST`"
        ),
    )
    session.note(
        _("Every session, API token and sign-in link that it brought has ended: steward user link NAME")
    )


@db.command("plan", help="Show what would happen if automation went on now, as to look at after a restore.")
@click.argument("login", metavar="[ORG]", required=False)
@click.pass_obj
def plan(session: Session, login: str | None) -> None:
    """Plan; nothing is written."""
    planned = session.restoring.plan(login)

    def people() -> list[str]:
        from steward.faces.cli.restored import lines

        return lines(planned)

    session.payload(planned, people)
