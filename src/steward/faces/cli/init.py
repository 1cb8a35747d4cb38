"""`steward init`: write a `steward.toml` for one or more organisations, and try the connection out.

A token goes into a file of its own that only its owner can read, never into `steward.toml`. The credential is
an observer's: it needs no right to write. Nothing that exists is overwritten.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from steward.app.errors import Invalid
from steward.domain.credentials import Purpose
from steward.faces.cli.base import Command, option
from steward.faces.cli.session import Session
from steward.faces.words import _, said
from steward.ports.errors import Permanent, Transient

if TYPE_CHECKING:
    # For the types alone: see session.
    from steward.settings.model import GitHub

DEFAULT_URL: Final = "https://api.github.com"
FILE_NAME: Final = "steward.toml"
KEPT: Final = Path(".steward/github-token")
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@dataclass(frozen=True)
class Given:
    """What was asked for on the command line."""

    orgs: tuple[str, ...]
    url: str | None
    token_file: Path | None
    token_stdin: bool
    app_id: int | None
    app_key_file: Path | None
    app_installation_id: int | None
    builder_token_file: Path | None
    public_url: str | None
    webhook: bool
    no_check: bool

    def refuse_mixed(self) -> None:
        """Raise UsageError where two kinds of credential are named, or half of one."""
        app = [self.app_id, self.app_key_file, self.app_installation_id]
        if any(app) and not all(app[:2]):
            raise click.UsageError(_("a GitHub App is named by --app-id and --app-key-file together"))
        if any(app) and (self.token_file or self.token_stdin):
            raise click.UsageError(_("name a token or a GitHub App, not both"))
        if self.webhook and not self.public_url:
            raise click.UsageError(_("--webhook needs --public-url, the address that GitHub reaches"))


@click.command("init", cls=Command, help="Connect a GitHub organisation: write steward.toml.")
@option("--org", "orgs", multiple=True, metavar="LOGIN", help="Organisation to keep in step; repeatable")
@option("--url", metavar="URL", help="Address of GitHub's API, where it is not github.com")
@option("--token-file", type=_FILE, help="File that holds the token already")
@option("--token-stdin", is_flag=True, help="Read the token from standard input, and keep it in a file")
@option("--app-id", type=click.IntRange(min=1), help="Id of a GitHub App, instead of a token")
@option("--app-key-file", type=_FILE, help="File with the GitHub App's private key (PEM)")
@option("--app-installation-id", type=click.IntRange(min=1), help="Its installation; found where not given")
@option(
    "--builder-token-file",
    type=_FILE,
    help="File with a token that may write, kept apart; only where projects are to be driven",
)
@option("--public-url", metavar="URL", help="Address at which people and GitHub reach this Steward")
@option("--webhook", is_flag=True, help="Register the webhook there, which GitHub pings at once")
@option("--no-check", is_flag=True, help="Do not try the connection out")
@click.pass_obj
def init(session: Session, /, **given: Any) -> None:
    """Ask for what is missing, try it out, write the files."""
    asked = Given(**given)
    asked.refuse_mixed()
    target = session.options.config or Path(FILE_NAME)
    kept = target.absolute().parent / KEPT
    by_app, by_file = asked.app_id is not None, asked.token_file is not None
    for file in (target, kept):
        if file.exists() and not (file == kept and (by_app or by_file)):
            raise click.UsageError(_("{file} exists; Steward does not overwrite it", file=file))
    orgs = asked.orgs or _asked_orgs(session)
    _check_logins(orgs)
    url = asked.url or (
        click.prompt(_("Address of the API"), DEFAULT_URL, err=True) if session.interactive else DEFAULT_URL
    )
    token = "" if by_app else _token(session, asked.token_file, asked.token_stdin)
    if asked.public_url:
        _section("WebSection", public_url=asked.public_url)
    if not asked.no_check:
        _try_out(session, asked, url, token, orgs)
    text = _toml(asked, url, orgs)
    if session.rehearse(_("write {file}", file=target), file=str(target), text=text):
        return
    files = [str(target)]
    if not (by_app or by_file):
        _write_secret(kept, token)
        files.append(str(kept))
    target.write_text(text)
    session.payload(
        {"files": files},
        lambda: _("Wrote {files}. Next: steward sync plan, then steward up", files=", ".join(files)),
    )
    _webhook(session, asked)


def _asked_orgs(session: Session) -> tuple[str, ...]:
    answer = _ask(session, _("Organisation (login)"), "--org")
    return tuple(part.strip() for part in answer.split(",") if part.strip())


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
        flags = "--token-file / --token-stdin / --app-id"
        token = _ask(session, _("Token (not shown)"), flags, hidden=True).strip()
    if not token:
        raise click.UsageError(_("the token is empty"))
    return token


def _try_out(session: Session, asked: Given, url: str, token: str, orgs: tuple[str, ...]) -> None:
    """Read each organisation, with each credential. What will not work by itself is raised; nothing is written."""
    observer = _github(
        url=url,
        token=token or None,
        app_id=asked.app_id,
        app_key_file=asked.app_key_file,
        app_installation_id=asked.app_installation_id,
    )
    for login in orgs:
        _try(session, observer, login, _("observer"), [Purpose.OBSERVE, Purpose.WEBHOOKS])
    if asked.builder_token_file is not None:
        builder = _github(url=url, token_file=asked.builder_token_file)
        for login in orgs:
            _try(session, builder, login, _("builder"), [Purpose.BUILD])


def _github(**values: Any) -> GitHub:
    made: GitHub = _section("GitHub", **values)
    return made


def _section(name: str, **values: Any) -> Any:
    """A section of the settings with these values. Raises UsageError for one that is not usable."""
    from pydantic import ValidationError

    from steward.settings import model

    try:
        return getattr(model, name)(**values)
    except ValidationError as error:
        # The words alone: what was given may be the token.
        words = error.errors(include_url=False, include_input=False)[0]["msg"].removeprefix("Value error, ")
        raise click.UsageError(words) from None


def _try(session: Session, github: GitHub, login: str, role: str, purposes: list[Purpose]) -> None:
    try:
        facts = session.wiring.organisation(github, login, purposes)
    except Transient as error:
        session.note(_("{login}: could not be tried out: {reason}", login=login, reason=said(error.reason)))
        return
    session.note(_("{login}: found, id {id}", login=facts["login"], id=facts["id"]))
    declared = said(facts["declared"])
    if facts["ok"]:
        session.note(_("  as {role}: {declared}", role=role, declared=declared))
    else:
        session.note(_("  as {role}, which is not enough: {declared}", role=role, declared=declared))


def _toml(asked: Given, url: str, orgs: tuple[str, ...]) -> str:
    lines = ["# Settings of Steward. `steward config show` lists all of them.", "", "[github]"]
    if url != DEFAULT_URL:
        lines.append(f"url = {_quoted(url)}")
    lines.append(f"orgs = [{', '.join(map(_quoted, orgs))}]")
    if asked.app_id is not None and asked.app_key_file is not None:
        lines.append(f"app_id = {asked.app_id}")
        lines.append(f"app_key_file = {_quoted(str(asked.app_key_file.absolute()))}")
        if asked.app_installation_id is not None:
            lines.append(f"app_installation_id = {asked.app_installation_id}")
    else:
        lines.append(
            f"token_file = {_quoted(str(asked.token_file.absolute() if asked.token_file else KEPT))}"
        )
    if asked.builder_token_file is not None:
        lines.append(f"builder_token_file = {_quoted(str(asked.builder_token_file.absolute()))}")
    if asked.public_url:
        lines += ["", "[web]", f"public_url = {_quoted(asked.public_url)}"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's form of a string is one."""
    return json.dumps(text)


def _write_secret(file: Path, secret: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as stream:
        stream.write(secret + "\n")


def _webhook(session: Session, asked: Given) -> None:
    """Register the webhook where that was asked for, else say how and when to."""
    if not asked.public_url:
        session.note(
            _(
                "Without an address that GitHub reaches, changes are seen at the next look: nothing more is needed. "
                "With one, they show within a second: set STEWARD_WEB_PUBLIC_URL, then `steward webhook register`"
            )
        )
        return
    wanted = asked.webhook
    if not wanted and session.interactive:
        wanted = click.confirm(_("Register the webhook at {url} now?", url=asked.public_url), err=True)
    if not wanted:
        session.note(_("Once `steward up` runs there: steward webhook register"))
        return
    try:
        hooks = session.webhooks.register(asked.public_url)
    except (Invalid, Permanent, Transient) as error:
        reason = error.what if isinstance(error, Invalid) else error.reason
        session.note(_("The webhook could not be registered: {reason}", reason=said(reason)))
        session.note(_("Once that is mended: steward webhook register"))
        return
    for hook in hooks:
        session.note(_("{login}: the webhook leads to {url}", login=hook["organisation"], url=hook["url"]))
    session.note(_("Once `steward up` runs there, see whether deliveries arrive: steward webhook ping"))


COMMANDS: Final[dict[str, Any]] = {"init": init}
