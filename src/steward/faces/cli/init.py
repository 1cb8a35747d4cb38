"""`steward init`: write a `steward.toml` for one or more organisations, and try the connection out.

The token goes into a file of its own that only its owner can read, never into `steward.toml`. Nothing that
exists is overwritten.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Final

import click

from steward.faces.cli.base import Command, option
from steward.faces.cli.session import Session
from steward.faces.words import _, said
from steward.ports.errors import Transient

DEFAULT_URL: Final = "https://api.github.com"
FILE_NAME: Final = "steward.toml"


@click.command("init", cls=Command, help="Connect a GitHub organisation: write steward.toml.")
@option("--org", "orgs", multiple=True, metavar="LOGIN", help="Organisation to keep in step; repeatable")
@option("--url", metavar="URL", help="Address of GitHub's API, where it is not github.com")
@option(
    "--token-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File that holds the token already",
)
@option("--token-stdin", is_flag=True, help="Read the token from standard input, and keep it in a file")
@option("--no-check", is_flag=True, help="Do not try the connection out")
@click.pass_obj
def init(
    session: Session,
    orgs: tuple[str, ...],
    url: str | None,
    token_file: Path | None,
    token_stdin: bool,
    no_check: bool,
) -> None:
    """Ask for what is missing, try it out, write the files."""
    target = session.options.config or Path(FILE_NAME)
    kept = target.absolute().parent / ".steward" / "github-token"
    for file in (target, kept):
        if file.exists() and not (file == kept and token_file is not None):
            raise click.UsageError(_("{file} exists; Steward does not overwrite it", file=file))
    if not orgs:
        answer = _ask(session, _("Organisation (login)"), "--org")
        orgs = tuple(part.strip() for part in answer.split(",") if part.strip())
    _check_logins(orgs)
    if url is None:
        url = (
            click.prompt(_("Address of the API"), DEFAULT_URL, err=True)
            if session.interactive
            else DEFAULT_URL
        )
    token = _token(session, token_file, token_stdin)
    if not no_check:
        _try(session, url, token, orgs)
    text = _toml(url, orgs, token_file.absolute() if token_file else Path(".steward/github-token"))
    if session.rehearse(_("write {file}", file=target), file=str(target), text=text):
        return
    if token_file is None:
        _write_secret(kept, token)
    target.write_text(text)
    files = [str(target)] + ([] if token_file else [str(kept)])
    session.payload(
        {"files": files},
        lambda: _("Wrote {files}. Next: steward sync plan, then steward up", files=", ".join(files)),
    )


def _ask(session: Session, question: str, flag: str, *, hidden: bool = False) -> str:
    if not session.interactive:
        raise click.UsageError(_("without a terminal, {flag} must be given", flag=flag))
    return str(click.prompt(question, hide_input=hidden, err=True))


def _check_logins(orgs: tuple[str, ...]) -> None:
    from steward.settings import LOGIN

    for login in orgs:
        if not LOGIN.fullmatch(login):
            raise click.UsageError(_("'{login}' is no organisation's login", login=login))


def _token(session: Session, file: Path | None, from_stdin: bool) -> str:
    if file is not None:
        token = file.read_text().strip()
    elif from_stdin:
        token = sys.stdin.readline().strip()
    else:
        token = _ask(session, _("Token (not shown)"), "--token-file / --token-stdin", hidden=True).strip()
    if not token:
        raise click.UsageError(_("the token is empty"))
    return token


def _try(session: Session, url: str, token: str, orgs: tuple[str, ...]) -> None:
    """Read each organisation. What will not work by itself is raised, and nothing is written."""
    for login in orgs:
        try:
            facts = session.wiring.organisation(url, token, login)
        except Transient as error:
            session.note(
                _("{login}: could not be tried out: {reason}", login=login, reason=said(error.reason))
            )
        else:
            session.note(_("{login}: found, id {id}", login=facts["login"], id=facts["id"]))


def _toml(url: str, orgs: tuple[str, ...], token_file: Path) -> str:
    lines = ["# Settings of Steward. `steward config show` lists all of them.", "", "[github]"]
    if url != DEFAULT_URL:
        lines.append(f"url = {_quoted(url)}")
    lines.append(f"orgs = [{', '.join(map(_quoted, orgs))}]")
    lines.append(f"token_file = {_quoted(str(token_file))}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's form of a string is one."""
    return json.dumps(text)


def _write_secret(file: Path, secret: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as stream:
        stream.write(secret + "\n")


COMMANDS: Final[dict[str, Any]] = {"init": init}
