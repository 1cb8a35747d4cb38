"""`steward project`, hands off: pauses and the ways out of holds, kept patches, settings that were changed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import click

from steward.domain.hands import Exit, HandsOff
from steward.faces.cli.base import option
from steward.faces.cli.project_group import changed, project
from steward.faces.cli.session import Session
from steward.faces.words import _, printable

Json = dict[str, Any]
GRAVE: Final = frozenset({Exit.SHIP, Exit.HAND_OVER, Exit.STOP})
"""The ways out that a person is asked about once more."""


@project.command("holds", help="Show what holds a project: who did what, and the ways out.")
@click.argument("reference", metavar="PROJECT")
@click.pass_obj
def holds(session: Session, reference: str) -> None:
    """Show the holds that stand, and the last that were lifted."""
    shown = session.hands.shown(reference)

    def people() -> Any:
        from steward.faces.cli import tables_hands

        return tables_hands.holds(shown)

    session.payload(shown, people)


@project.command(
    "pause", help="Hold a project until somebody resumes it. What runs is stopped; its work is kept."
)
@click.argument("reference", metavar="PROJECT")
@option("--reason", default="", help="Why, for the history")
@click.pass_obj
def pause(session: Session, reference: str, reason: str) -> None:
    """Pause a project."""
    before = session.queries.project(reference)
    if session.rehearse(_("pause {slug}", slug=before["slug"]), project=before["slug"]):
        return
    changed(session, session.hands.pause(before["id"], reason))
    session.note(_("Next: {command}", command=f"steward project resume {before['slug']}"))


@project.command("resume", help="Leave the holds of a project by one of their ways; `holds` lists them.")
@click.argument("reference", metavar="PROJECT")
@option(
    "--by",
    "way",
    type=click.Choice([way.value for way in Exit]),
    default=Exit.RESUME.value,
    show_default=True,
    help="What becomes of what they did, and of our work",
)
@option("--hold", type=click.IntRange(min=1), metavar="ID", help="This one alone; `holds` lists them")
@option("--reason", default="", help="Why, for the history")
@click.pass_obj
def resume(session: Session, reference: str, way: str, hold: int | None, reason: str) -> None:
    """Leave holds, after asking where that cannot be taken back."""
    from steward.app.hands import MEANING
    from steward.faces import held

    wanted = Exit(way)
    before = session.queries.project(reference)
    slug, effect = before["slug"], held.exit_words(MEANING[wanted])
    if session.rehearse(f"{slug}: {effect}", project=slug, exit=way, hold=hold):
        return
    if wanted in GRAVE:
        session.confirm(_("{slug}: {effect}. Go on?", slug=slug, effect=effect))
    changed(session, session.hands.leave(before["id"], wanted, reason, hold=hold))


@project.command(
    "hands-off", help="Say what a person's push to the default branch does: hold, notify or continue."
)
@click.argument("reference", metavar="PROJECT")
@click.argument("policy", type=click.Choice([one.value for one in HandsOff]))
@click.pass_obj
def hands_off(session: Session, reference: str, policy: str) -> None:
    """Set the policy."""
    from steward.faces import held

    before = session.queries.project(reference)
    effect = held.policy_words(policy)
    if session.rehearse(f"{before['slug']}: {effect}", project=before["slug"], policy=policy):
        return
    changed(session, session.hands.policy_of(before["id"], HandsOff(policy)))
    session.note(_("When a person pushes: {effect}", effect=effect))


@project.command("patch", help="Print the unpushed work of an agent that was stopped, for `git apply`.")
@click.argument("reference", metavar="PROJECT")
@option(
    "--id", "number", type=click.IntRange(min=1), metavar="N", help="This one; the newest where not given"
)
@option("--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Into a new file")
@click.pass_obj
def patch(session: Session, reference: str, number: int | None, output: Path | None) -> None:
    """Print a kept patch, or write it into a file."""
    from steward.app.hands import patch_view

    found = session.hands.patch(reference, number)
    if output is not None:
        _write(output, found.text)
        session.payload({**patch_view(found), "file": str(output)}, lambda: str(output))
    elif session.options.json:
        session.payload({**patch_view(found), "text": found.text}, str)
    else:
        # A terminal is spared what steers it; a program or a file is given every byte.
        click.echo(printable(found.text) if sys.stdout.isatty() else found.text, nl=False)
    if found.cut:
        session.note(_("It was too long and is cut at its end."))
    session.note(_("It applies to the commit {commit}: git apply", commit=found.base))


def _write(output: Path, text: str) -> None:
    from steward.app.errors import Invalid

    try:
        with output.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
    except FileExistsError:
        raise Invalid(_("{file} is there already", file=output), _("Name another file.")) from None
    except OSError as error:
        why = error.strerror or str(error)
        raise Invalid(
            _("{file} cannot be written: {why}", file=output, why=why), _("Name another file.")
        ) from None


@project.command("mend", help="Set a setting of its repository right that was changed on GitHub.")
@click.argument("reference", metavar="PROJECT")
@click.argument("setting")
@click.pass_obj
def mend(session: Session, reference: str, setting: str) -> None:
    """Set a setting right."""
    before = session.queries.project(reference)
    effect = _("{slug}: set {setting} right on GitHub", slug=before["slug"], setting=setting)
    if session.rehearse(effect, project=before["slug"], setting=setting):
        return
    changed(session, session.mending.mend(before["id"], setting))


@project.command("keep-setting", help="Take a setting of its repository as it is now on GitHub.")
@click.argument("reference", metavar="PROJECT")
@click.argument("setting")
@click.pass_obj
def keep_setting(session: Session, reference: str, setting: str) -> None:
    """Leave a setting so."""
    before = session.queries.project(reference)
    effect = _("{slug}: {setting} is wanted as it is now", slug=before["slug"], setting=setting)
    if session.rehearse(effect, project=before["slug"], setting=setting):
        return
    changed(session, session.mending.accept(before["id"], setting))
