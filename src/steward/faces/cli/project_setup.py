"""`steward project`, taking in what we did not make: checklists, scans, many at once, and adopting one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import click

from steward.domain.lifecycle import ENTRY_STATUSES
from steward.faces.cli.base import option
from steward.faces.cli.project_group import StatusType, changed, project
from steward.faces.cli.session import Session
from steward.faces.lines import status_label
from steward.faces.words import _, counted

POLL_S: Final = 0.5
Json = dict[str, Any]


@project.command(
    "take-in", help="Have repositories that were discovered scanned, and driven once they are set up."
)
@click.argument("references", metavar="PROJECT...", nargs=-1)
@option("--all-discovered", "every", is_flag=True, help="All that are discovered and on watch")
@option("--org", default="", metavar="LOGIN", help="With --all-discovered: only of this organisation")
@option("--text", default="", help="With --all-discovered: only with this text in slug, title or repository")
@option("--wait", is_flag=True, help="Wait until they are scanned, and show what was found")
@click.pass_obj
def take_in(
    session: Session, /, references: tuple[str, ...], every: bool, org: str, text: str, wait: bool
) -> None:
    """Take many in."""
    if bool(references) == every:
        raise click.UsageError(_("name the projects, or say --all-discovered"))
    if (org or text) and not every:
        raise click.UsageError(_("--org and --text narrow --all-discovered"))
    if session.rehearse(_("take in: {names}", names=", ".join(references) or _("all that are discovered"))):
        return
    if every:
        session.confirm(_("Scan all that are discovered, to be driven by Steward?"))
    rows = session.setup.take_in(references, organisation=org, text=text)
    if wait:
        _until_scanned(session, [row["slug"] for row in rows if row["state"] in ("queued", "already")])
        slugs = {row["slug"] for row in rows if row["state"] != "refused"}
        found = {row["slug"]: row for row in _all_rows(session) if row["slug"] in slugs}
        rows = [{**row, "found": found.get(row["slug"])} for row in rows]

    def people() -> Any:
        from steward.faces.cli import tables_setup

        return tables_setup.taken_in(rows) if rows else _("Nothing is discovered that is on watch.")

    session.payload(rows, people)
    if any(row["state"] == "refused" for row in rows):
        click.get_current_context().exit(1)


def _all_rows(session: Session) -> list[Json]:
    found: list[Json] = []
    while part := session.setup.table(after=found[-1]["slug"] if found else ""):
        found += part
    return found


def _until_scanned(session: Session, slugs: Sequence[str]) -> None:
    """Wait for the scans, with a bar where a person watches."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    wanted, told = set(slugs), ""
    shown = session.interactive and not session.options.quiet
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=session.err,
        disable=not shown,
    ) as bar:
        task = bar.add_task(_("Scanning"), total=len(wanted))
        while wanted:
            states = {row["slug"]: row["scan"] for row in _all_rows(session) if row["slug"] in wanted}
            left = {slug for slug in wanted if states.get(slug) in ("queued", "running")}
            waits = session.setup.progress()["waits_until"]
            words = _("Waiting for the rate limit until {at}", at=waits) if waits else _("Scanning")
            bar.update(task, completed=len(wanted) - len(left), description=words)
            if words != told and waits:
                session.note(words)
            told = words
            if not left or session.wiring.wait(POLL_S):
                return


@project.command(
    "checklist", help="Show what a project lacks before it can be adopted, each line with its fix."
)
@click.argument("reference", metavar="PROJECT")
@click.pass_obj
def checklist(session: Session, reference: str) -> None:
    """Show a checklist."""
    shown = session.setup.checklist(reference)

    def people() -> Any:
        from steward.faces.cli import tables_setup

        return tables_setup.checklist(shown)

    session.payload(shown, people)


@project.command("scan", help="Have a project scanned again, or show with --show what the last scan found.")
@click.argument("reference", metavar="PROJECT")
@option("--show", "only", is_flag=True, help="Only show what is known: every name, and where it is read")
@click.pass_obj
def scan(session: Session, reference: str, only: bool) -> None:
    """Scan, or show a scan."""
    if not only and session.rehearse(_("scan {name}", name=reference)):
        return
    shown = session.setup.scan(reference) if only else session.setup.ask(reference)

    def people() -> Any:
        from steward.faces.cli import tables_setup

        return tables_setup.scan(shown)

    session.payload(shown, people)


@project.command(
    "adopt", help="Let Steward drive a project that it did not make, from where its evidence puts it."
)
@click.argument("reference", metavar="PROJECT")
@option(
    "--as",
    "entry",
    type=StatusType(),
    help="The status to enter at; the highest that is proven where not given",
)
@option("--owner", help="Who looks after it")
@option("--url", help="Where it is live already: its address is looked at")
@option("--proof", type=click.Choice(["http", "attested"]), help="How it is shown to be live")
@option("--reason", default="", help="Why, for the history; needed for --proof attested")
@option(
    "--waive",
    "waivers",
    multiple=True,
    metavar="NAME=REASON",
    help="Do without a name, ci or deploy; repeatable",
)
@option(
    "--accept-self-deploy", is_flag=True, help="Accept that a push to its default branch goes live by itself"
)
@click.pass_obj
def adopt(session: Session, /, reference: str, **given: Any) -> None:
    """Adopt a project; without words at a terminal the checklist is walked through."""
    from steward.app.adopting import Wanted

    shown = session.setup.checklist(reference)
    slug, waive = shown["project"]["slug"], _waivers(given.pop("waivers"))
    if session.interactive and not session.options.yes and not any(given.values()) and not waive:
        given, waive = _walk(session, shown, given)
    wanted = Wanted(**given, waive=waive)
    entry = wanted.entry.value if wanted.entry else shown["proposed"]
    label = status_label(entry) if entry else "?"
    if session.rehearse(_("adopt {slug} as {status}", slug=slug, status=label), project=slug, entry=entry):
        return
    session.confirm(_("Adopt {slug} as {status}? Steward drives it from there.", slug=slug, status=label))
    changed(session, session.setup.adopt(slug, wanted))


def _waivers(texts: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, sign, reason = text.partition("=")
        if not sign or not name.strip() or not reason.strip():
            raise click.UsageError(_("'{value}' is no waiver; write NAME=REASON", value=text))
        found[name.strip()] = reason.strip()
    return found


def _walk(session: Session, shown: Json, given: Json) -> tuple[Json, dict[str, str]]:
    """Ask for each line that stands against the adoption. Values of secrets are never asked for here."""
    from steward.faces.cli import tables_setup

    for part in tables_setup.checklist(shown):
        session.err.print(part)
    waive: dict[str, str] = {}
    for line in shown["lines"]:
        if line["code"] == "life" and not line["stands"] and line["state"] == "open":
            given["url"] = click.prompt(_("Its address, if it is live"), default="", err=True) or None
        if not line["stands"]:
            continue
        if line["code"] == "owner":
            given["owner"] = click.prompt(_("Who looks after it"), err=True)
        elif line["code"] == "self_deploy":
            question = _("It deploys by itself. Accept that each merge goes live at once?")
            given["accept_self_deploy"] = click.confirm(question, abort=True, err=True)
        elif line["code"] in ("secret", "ci", "deploy"):
            name = line["name"] or line["code"]
            session.note(_("Set it with: {command}", command=(line["fix"] or {}).get("command") or ""))
            reason = click.prompt(
                _("Why can {name} be done without? (empty: stop)", name=name), default="", err=True
            )
            if not reason.strip():
                raise click.Abort
            waive[name] = reason
    proposed = [one["status"] for one in shown["candidates"] if one["supported"]]
    if proposed:
        names = [status.value for status in ENTRY_STATUSES]
        chosen = click.prompt(_("Enter at"), default=shown["proposed"], type=click.Choice(names), err=True)
        given["entry"] = StatusType().convert(chosen, None, None) if chosen != shown["proposed"] else None
    session.note(counted("{n} line is waived", "{n} lines are waived", len(waive)) if waive else "")
    return given, waive
