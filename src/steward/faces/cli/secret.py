"""`steward secret`: list, set, unset, generate, waive, unwaive, send, rotate, export, import, key, forget-all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from steward.domain.needs import Sort
from steward.faces.cli.base import group, option
from steward.faces.cli.secret_input import passphrase_of, places_of, values_of
from steward.faces.cli.session import Session
from steward.faces.words import _, counted, said

secret: Final = group("secret", "Keep secrets and variables of projects; send them to GitHub.")
COMMANDS: Final = {"secret": secret}
PLACES: Final = ("run", "checks", "both")
FILE: Final = click.Path(dir_okay=False, path_type=Path)


def for_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """The option that says where a value is used."""
    chosen: Callable[[Callable[..., Any]], Callable[..., Any]] = option(
        "--for",
        "place",
        type=click.Choice(PLACES),
        default="run",
        help="Who reads it: the program (run), the workflows on GitHub (checks), or both",
    )
    return chosen(function)


@secret.command("list", help="List what is kept for a project, never the values, and what is lacking.")
@click.argument("reference", metavar="PROJECT")
@click.pass_obj
def list_secrets(session: Session, reference: str) -> None:
    """List it."""
    result = session.secrets.listed(reference)

    def people() -> Any:
        from steward.faces.cli import tables_secrets

        return tables_secrets.secrets(result)

    session.payload(result, people)


@secret.command(
    "set",
    help="Keep a value: asked for without showing it, or from standard input, a file or the environment.",
)
@click.argument("reference", metavar="PROJECT")
@click.argument("name", required=False)
@for_option
@option("--variable", is_flag=True, help="It is no secret: it is not masked in logs")
@option("--from-file", type=FILE, metavar="FILE", help="Take the value from this file, as it is")
@option("--from-env", metavar="VARIABLE", help="Take the value from this environment variable")
@option("--env-file", type=FILE, metavar="FILE", help="Keep every NAME=value of this file")
@click.pass_obj
def set_secret(
    session: Session,
    reference: str,
    name: str | None,
    place: str,
    *,
    variable: bool,
    from_file: Path | None,
    from_env: str | None,
    env_file: Path | None,
) -> None:
    """Keep values."""
    values = values_of(session, name, from_file, from_env, env_file)
    names = ", ".join(values)
    if session.rehearse(_("keep {names} for {project}", names=names, project=reference), names=[*values]):
        return
    sort = Sort.VARIABLE if variable else Sort.SECRET
    made = session.secrets.set_many(reference, values, sort, places_of(place))
    _kept(session, made)


def _kept(session: Session, made: list[dict[str, Any]]) -> None:
    session.payload(made, lambda: [_("{name} is kept", name=one["secret"]["name"]) for one in made])
    for one in made:
        for note in one["notes"]:
            session.note(f"{one['secret']['name']}: {said(note)}")


@secret.command("generate", help="Make up a secret that nobody sees.")
@click.argument("reference", metavar="PROJECT")
@click.argument("name")
@for_option
@option("--length", type=click.IntRange(16, 1024), default=43, help="Characters")
@option(
    "--alphabet",
    type=click.Choice(("urlsafe", "letters", "hex")),
    default="urlsafe",
    help="What it is made of",
)
@option("--replace", is_flag=True, help="Replace the value that is set")
@click.pass_obj
def generate(
    session: Session, reference: str, name: str, place: str, *, length: int, alphabet: str, replace: bool
) -> None:
    """Make one up."""
    from steward.app.keeping import Alphabet

    if session.rehearse(_("make up {name} for {project}", name=name, project=reference), name=name):
        return
    made = session.secrets.generate(
        reference, name, length, Alphabet(alphabet), places_of(place), replacing=replace
    )
    _kept(session, [made])


@secret.command("unset", help="Forget a value. What GitHub was given stays there.")
@click.argument("reference", metavar="PROJECT")
@click.argument("name")
@click.pass_obj
def unset(session: Session, reference: str, name: str) -> None:
    """Forget one."""
    if session.rehearse(_("forget {name} of {project}", name=name, project=reference), name=name):
        return
    session.confirm(
        _("Forget {name} of {project}? It cannot be shown or brought back.", name=name, project=reference)
    )
    result = session.secrets.unset(reference, name)
    session.payload(result, lambda: _("{name} is forgotten", name=name))


@secret.command("waive", help="Say that a project does without a name, and why.")
@click.argument("reference", metavar="PROJECT")
@click.argument("name")
@option("--reason", required=True, metavar="TEXT", help="Why it is not needed")
@click.pass_obj
def waive(session: Session, reference: str, name: str, reason: str) -> None:
    """Waive one."""
    if session.rehearse(_("do without {name} in {project}", name=name, project=reference), name=name):
        return
    result = session.secrets.waive(reference, name, reason)
    session.payload(result, lambda: _("{name} is waived", name=name))


@secret.command("unwaive", help="Say that a name is needed after all.")
@click.argument("reference", metavar="PROJECT")
@click.argument("name")
@click.pass_obj
def unwaive(session: Session, reference: str, name: str) -> None:
    """Need it again."""
    if session.rehearse(_("need {name} in {project} again", name=name, project=reference), name=name):
        return
    result = session.secrets.unwaive(reference, name)
    session.payload(result, lambda: _("{name} is needed again", name=name))


@secret.command(
    "send", help="Give GitHub what is kept for the checks. Exit code 1 where something was refused."
)
@click.argument("reference", metavar="PROJECT")
@click.pass_obj
def send(session: Session, reference: str) -> int:
    """Send them."""
    if session.rehearse(_("give GitHub what is kept for the checks of {project}", project=reference)):
        return 0
    result = session.secrets.send(reference)

    def people() -> list[str]:
        from rich.markup import escape

        lines = [_("{name}: sent", name=name) for name in result["sent"]]
        lines += [f"{one['name']}: {escape(said(one['words']))}" for one in result["failed"]]
        return lines or [
            _(
                "Nothing is kept for the checks: steward secret set {project} NAME --for checks",
                project=result["project"],
            )
        ]

    session.payload(result, people)
    return 1 if result["failed"] else 0


@secret.command("rotate", help="Encrypt the values of a project anew with a new key; without a project, all.")
@click.argument("reference", metavar="[PROJECT]", required=False)
@click.pass_obj
def rotate(session: Session, reference: str | None) -> None:
    """Rotate data keys."""
    if session.rehearse(_("encrypt the values of {what} anew", what=reference or _("every project"))):
        return
    result = session.secrets.rotate(reference)
    session.payload(
        result,
        lambda: counted("{n} value was encrypted anew", "{n} values were encrypted anew", result["values"]),
    )


def _files(session: Session) -> Any:
    """What sees to the whole installation; on this machine alone."""
    if session.server is not None:
        raise click.UsageError(_("this works on the machine of Steward alone; leave --server away"))
    return session.app.secrets(session.by)


@secret.command("export", help="Write everything that is kept into a file under a passphrase.")
@click.argument("file", type=FILE)
@click.argument("references", metavar="[PROJECT]...", nargs=-1)
@option(
    "--passphrase-file",
    type=FILE,
    metavar="FILE",
    help="File that holds the passphrase; else it is asked for",
)
@click.pass_obj
def export(session: Session, file: Path, references: tuple[str, ...], passphrase_file: Path | None) -> None:
    """Export them."""
    from steward.faces.cli.secret_input import write_new

    files = _files(session)
    if session.rehearse(_("write what is kept into {file}", file=file)):
        return
    if file.exists():
        raise click.UsageError(_("{file} exists already; name a new file", file=file))
    data = files.export(references, passphrase_of(session, passphrase_file, twice=True))
    write_new(file, data)
    session.payload({"file": str(file), "bytes": len(data)}, lambda: _("written to {file}", file=file))


@secret.command(
    "import", help="Keep again what an export holds. A value that is set stays, unless --replace."
)
@click.argument("file", type=FILE)
@option("--replace", is_flag=True, help="Replace values that are set")
@option(
    "--passphrase-file",
    type=FILE,
    metavar="FILE",
    help="File that holds the passphrase; else it is asked for",
)
@click.pass_obj
def import_secrets(session: Session, file: Path, *, replace: bool, passphrase_file: Path | None) -> None:
    """Import them."""
    from steward.faces.cli.secret_input import read_bytes

    files = _files(session)
    data = read_bytes(file)
    if session.rehearse(_("keep again what {file} holds", file=file)):
        return
    result = files.restore(data, passphrase_of(session, passphrase_file, twice=False), replace=replace)

    def people() -> list[str]:
        lines = [_("kept: {what}", what=one) for one in result["kept"]]
        lines += [_("set already, left as it is: {what}", what=one) for one in result["skipped"]]
        return lines + [_("no such project: {what}", what=one) for one in result["unknown"]]

    session.payload(result, people)


@secret.command(
    "key", help="Say which master key the secrets are kept under; rotate it; say that there is a copy."
)
@option("--backed-up", is_flag=True, help="Say that a copy of the key is kept in a safe place")
@option("--rotate", is_flag=True, help="Make a new master key, and keep everything under it")
@click.pass_obj
def key(session: Session, *, backed_up: bool, rotate: bool) -> None:
    """See to the master key."""
    files = _files(session)
    if rotate and backed_up:
        raise click.UsageError(_("after a rotation make a new copy of the key, then say so"))
    if rotate:
        if session.rehearse(_("make a new master key, and keep everything under it")):
            return
        result = files.rotate_master()
        session.payload(result, lambda: _("the master key is {id} now", id=result["id"]))
        session.note(_("Make a new copy of the key, then say so: steward secret key --backed-up"))
        return
    if backed_up and session.rehearse(_("note that there is a copy of the master key")):
        return
    result = files.backed_up() if backed_up else files.key()

    def people() -> Any:
        from steward.faces.cli import tables_secrets

        return tables_secrets.key(result)

    session.payload(result, people)


@secret.command(
    "forget-all",
    help="Drop every kept value, where the master key is lost for good; without projects, of all.",
)
@click.argument("references", metavar="[PROJECT]...", nargs=-1)
@click.pass_obj
def forget_all(session: Session, references: tuple[str, ...]) -> None:
    """Drop them."""
    files = _files(session)
    what = ", ".join(references) or _("every project")
    if session.rehearse(_("drop every kept value of {what}", what=what)):
        return
    session.confirm(_("Drop every kept value of {what}? None can be brought back.", what=what))
    result = files.forget_all(references)
    session.payload(
        result, lambda: counted("{n} value was dropped", "{n} values were dropped", result["values"])
    )
