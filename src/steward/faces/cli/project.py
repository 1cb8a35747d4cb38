"""`steward project`: list, show and history; archive, relink, owners, management. The road is in other modules."""

from __future__ import annotations

import difflib
from typing import Any, Final

import click

from steward.domain.project import Management
from steward.domain.status import Phase
from steward.faces.cli import (
    project_building,
    project_hands,
    project_readiness,
    project_setup,
    project_works,
)
from steward.faces.cli.base import option
from steward.faces.cli.project_group import SortType, StatusType, changed, project, standing_against
from steward.faces.cli.session import Session
from steward.faces.lines import management_label, status_label
from steward.faces.words import _, counted

PARTS: Final = (project_building, project_hands, project_readiness, project_setup, project_works)
"""What adds further commands to the same group."""
COMMANDS: Final = {"project": project}


@project.command("list", help="List projects. People see those that are not ignored; JSON holds all.")
@option("--status", "statuses", type=StatusType(), multiple=True, help="Only in this status; repeatable")
@option("--phase", type=click.Choice([p.value for p in Phase]), help="Only in this phase")
@option("--org", help="Only of this organisation")
@option("--management", type=click.Choice([m.value for m in Management]), help="Only managed in this way")
@option("--owner", help="Only looked after by this one; '-': by nobody")
@option("--text", default="", help="Only with this text in slug, title or repository")
@option("--held/--not-held", default=None, help="Only with a hold that stands, or without one")
@option(
    "--ready-below", type=click.IntRange(0, 100), metavar="N", help="Only with a readiness below N percent"
)
@option("--ready-from", type=click.IntRange(0, 100), metavar="N", help="Only with one of N percent or more")
@option("--sort", type=SortType(), default="slug", help="Sort by it; with '-' before it from the other end")
@option("--limit", type=click.IntRange(min=1), help="At most so many")
@option("--all", "show_all", is_flag=True, help="Ignored ones too")
@click.pass_obj
def list_projects(session: Session, /, **filters: Any) -> None:
    """Show the projects that match."""
    from steward.ports import ProjectQuery

    limit, show_all = filters["limit"], filters["show_all"] or session.options.json
    every = [m.value for m in Management]
    shown = [filters["management"]] if filters["management"] else every
    if not show_all and not filters["management"]:
        shown.remove(Management.IGNORE)
    statuses = {status.value for status in filters["statuses"]}
    owner = "" if filters["owner"] == "-" else filters["owner"]
    by: str = filters["sort"]
    query = ProjectQuery(
        statuses=statuses,
        management=shown,
        text=filters["text"],
        owner=owner,
        held=filters["held"],
        ready_below=filters["ready_below"],
        ready_from=filters["ready_from"],
        sort=by.removeprefix("-"),
        descending=by.startswith("-"),
    )
    rows = session.queries.projects(query)
    if filters["org"]:
        rows = _of_organisation(session, rows, filters["org"])
    if filters["phase"]:
        rows = [row for row in rows if row["phase"] == filters["phase"]]
    total = len(rows)
    rows = rows[:limit]
    ready = "readiness" in by or filters["ready_below"] is not None or filters["ready_from"] is not None

    def people() -> Any:
        from steward.faces.cli import tables

        return tables.projects(rows, session.out.width, ready=ready) if rows else _("No project matches.")

    session.payload(rows, people)
    if total > len(rows):
        session.note(_("{shown} of {total} shown; more with a higher --limit", shown=len(rows), total=total))
    if not show_all and not filters["management"]:
        _tell_hidden(session, nothing=not rows and not _narrows(filters))


def _narrows(filters: dict[str, Any]) -> bool:
    return any(value not in (None, False, "", ()) for name, value in filters.items() if name != "sort")


def _of_organisation(session: Session, rows: list[dict[str, Any]], login: str) -> list[dict[str, Any]]:
    from steward.app.errors import Unknown

    known = session.queries.sync_status()["organisations"]
    named = [
        o["login"] for o in known if login.lower() in {n.lower() for n in (o["login"], *o["previous_names"])}
    ]
    if not named:
        logins = [o["login"] for o in known]
        raise Unknown(
            "organisation", login, difflib.get_close_matches(login, logins, cutoff=0.5) or logins[:3]
        )
    return [row for row in rows if row["organisation"] == named[0]]


def _tell_hidden(session: Session, *, nothing: bool) -> None:
    from steward.ports import ProjectQuery

    hidden = len(session.queries.projects(ProjectQuery(management=[Management.IGNORE.value])))
    if hidden:
        session.note(
            counted(
                "{n} ignored project is not shown (--all)",
                "{n} ignored projects are not shown (--all)",
                hidden,
            )
        )
    elif nothing and session.server is None and session.loaded.demo:
        session.note(_("Nothing is known yet: `steward up` starts the sample organisation"))
    elif nothing:
        session.note(
            _(
                "Nothing is known yet: `steward sync run` looks at GitHub, `steward project order SLUG` starts one"
            )
        )


@project.command("show", help="Show one project: where it stands, what is possible, what happened.")
@click.argument("reference", metavar="PROJECT")
@click.pass_obj
def show(session: Session, reference: str) -> None:
    """Show one project."""
    shown = session.queries.project(reference)

    def people() -> Any:
        from steward.faces.cli import tables, tables_building

        return tables.project(shown, tables_building.road(session, shown))

    session.payload(shown, people)


@project.command("history", help="Show what happened to one project, oldest first.")
@click.argument("reference", metavar="PROJECT")
@option("-n", "--limit", type=click.IntRange(min=1), default=100, show_default=True, help="At most so many")
@click.pass_obj
def history(session: Session, reference: str, limit: int) -> None:
    """Show the events of one project."""
    events = session.queries.history(reference, limit)

    def people() -> Any:
        from steward.faces.cli import tables

        return [tables.event_text(event, date=True) for event in events] or _("Nothing has happened yet.")

    session.payload(events, people)


@project.command("owner", help="Say who looks after a project; with --none, nobody.")
@click.argument("reference", metavar="PROJECT")
@click.argument("name", required=False)
@option("--none", "nobody", is_flag=True, help="Nobody looks after it any more")
@click.pass_obj
def owner(session: Session, reference: str, name: str | None, nobody: bool) -> None:
    """Name an owner."""
    if bool(name) == nobody:
        raise click.UsageError(_("name who looks after it, or say --none"))
    before = session.queries.project(reference)
    effect = _(
        "{slug}: owner {before} → {after}",
        slug=before["slug"],
        before=before["owner"] or _("nobody"),
        after=name or _("nobody"),
    )
    if session.rehearse(effect, project=before["slug"], owner=name):
        return
    changed(session, session.commands.own(before["id"], name))


@project.command("archive", help="Shut a project down in Steward; its repository is left as it is.")
@click.argument("reference", metavar="PROJECT")
@option("--reason", default="", help="Why, for the history")
@click.pass_obj
def archive(session: Session, reference: str, reason: str) -> None:
    """Archive a project, after asking."""
    before = session.queries.project(reference)
    slug, status = before["slug"], status_label(before["status"])
    against = standing_against(before, "archived")
    if session.rehearse(
        _("archive {slug}: {before} → {after}", slug=slug, before=status, after=status_label("archived")),
        project=slug,
        refused=against,
    ):
        return
    session.confirm(
        _("Archive {slug} ({status})? Its repository is left as it is.", slug=slug, status=status)
    )
    changed(session, session.commands.archive(before["id"], reason))


@project.command("reopen", help="Take an archived project back to where it stood.")
@click.argument("reference", metavar="PROJECT")
@option("--reason", default="", help="Why, for the history")
@click.pass_obj
def reopen(session: Session, reference: str, reason: str) -> None:
    """Reopen a project."""
    before = session.queries.project(reference)
    if session.rehearse(
        _("reopen {slug}", slug=before["slug"]),
        project=before["slug"],
        refused=standing_against(before, "reopened"),
    ):
        return
    changed(session, session.commands.reopen(before["id"], reason))


@project.command("relink", help="Give a missing project another repository: OWNER/NAME or its id.")
@click.argument("reference", metavar="PROJECT")
@click.argument("repository")
@click.pass_obj
def relink(session: Session, reference: str, repository: str) -> None:
    """Relink a project."""
    before = session.queries.project(reference)
    slug = before["slug"]
    if session.rehearse(
        _("link {slug} to {repository}", slug=slug, repository=repository),
        project=slug,
        repository=repository,
    ):
        return
    changed(session, session.commands.relink(before["id"], repository))


def _manage(name: str, text: str) -> None:
    @project.command(name, help=text)
    @click.argument("reference", metavar="PROJECT")
    @click.pass_obj
    def manage(session: Session, reference: str) -> None:
        before = session.queries.project(reference)
        effect = _(
            "{slug}: {before} → {after}",
            slug=before["slug"],
            before=management_label(before["management"]),
            after=management_label(name),
        )
        if session.rehearse(effect, project=before["slug"], management=name):
            return
        changed(session, session.commands.manage(before["id"], name))


_manage("watch", "Track a project and never touch it.")
_manage("drive", "Let Steward act on a project; a discovered one is taken in.")
_manage("ignore", "Keep a project out of sight.")
