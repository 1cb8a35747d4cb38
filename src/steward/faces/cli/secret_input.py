"""How values and passphrases reach a command: never among its words, which others on the machine can read."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from steward.domain.vault import Place
from steward.faces.cli.session import Session
from steward.faces.words import _


def places_of(place: str) -> frozenset[Place]:
    """The places that `--for` names."""
    return frozenset(Place) if place == "both" else frozenset({Place(place)})


def values_of(
    session: Session, name: str | None, from_file: Path | None, from_env: str | None, env_file: Path | None
) -> dict[str, str]:
    """The values to keep, by name. Raises UsageError, which repeats nothing of them."""
    sources = [one for one in (from_file, from_env, env_file) if one is not None]
    if len(sources) > 1:
        raise click.UsageError(_("take the value from one place: --from-file, --from-env or --env-file"))
    if env_file is not None:
        if name is not None:
            raise click.UsageError(_("--env-file brings its own names; leave NAME away"))
        return _env_file(session, env_file)
    if name is None:
        raise click.UsageError(_("say which NAME to keep, or give --env-file"))
    if "=" in name:
        raise click.UsageError(
            _(
                "a value is not given on the command line, where others can read it; it is asked for, or piped in"
            )
        )
    if from_file is not None:
        return {name: _text(read_bytes(from_file), str(from_file))}
    if from_env is not None:
        if from_env not in os.environ:
            raise click.UsageError(_("the environment has no {name}", name=from_env))
        return {name: os.environ[from_env]}
    if sys.stdin.isatty():
        # With --json too: what is typed would be shown otherwise.
        return {name: click.prompt(_("Value of {name}", name=name), hide_input=True, err=True)}
    return {name: _text(sys.stdin.buffer.read(), _("standard input"))}


def _env_file(session: Session, file: Path) -> dict[str, str]:
    """The values of a file; what has none is told and left out."""
    from steward.faces.cli.env_files import RETURN, TWICE, Malformed, parse

    try:
        found = parse(_text(read_bytes(file), str(file)))
    except Malformed as error:
        words = {
            "it is not written as NAME=value": _("it is not written as NAME=value"),
            "its quotes are not closed": _("its quotes are not closed"),
            "something follows the closing quote": _("something follows the closing quote"),
            RETURN: _("a carriage return stands within it; end lines with a line feed"),
            TWICE: _("{name} is there twice", name=error.name),
        }
        raise click.UsageError(
            _("{file}, line {line}: {why}", file=file, line=error.line, why=words[error.why])
        ) from None
    values = {name: value for name, value in found.items() if value}
    if not values:
        raise click.UsageError(_("{file} holds no NAME=value", file=file))
    if empty := ", ".join(name for name in found if name not in values):
        session.note(_("without a value in {file}, and left out: {names}", file=file, names=empty))
    return values


def _text(data: bytes, where: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise click.UsageError(_("{where} holds no text in UTF-8", where=where)) from None


def read_bytes(file: Path) -> bytes:
    """The contents of a file. Raises UsageError."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise click.UsageError(_("{file} cannot be read: {why}", file=file, why=error.strerror)) from None


def passphrase_of(session: Session, file: Path | None, *, twice: bool) -> str:
    """The passphrase: of a file, without its line end, or asked for. Raises UsageError."""
    if file is not None:
        return _text(read_bytes(file), str(file)).rstrip("\r\n")
    if not session.interactive:
        raise click.UsageError(_("without a terminal the passphrase comes from --passphrase-file"))
    return str(click.prompt(_("Passphrase"), hide_input=True, confirmation_prompt=twice, err=True))


def write_new(file: Path, data: bytes) -> None:
    """A new file that its owner alone may read. Raises UsageError."""
    try:
        with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise click.UsageError(_("{file} cannot be written: {why}", file=file, why=error.strerror)) from None
