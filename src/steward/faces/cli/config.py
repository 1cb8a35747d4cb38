"""`steward config`: show and check."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import click

from steward.faces.cli.base import group
from steward.faces.cli.session import Session
from steward.faces.words import _, label, said

config: Final = group("config", "Show and check the settings.")
COMMANDS: Final = {"config": config}


@config.command(
    "show", help="List each setting with its value, its source and its meaning; secrets are masked."
)
@click.pass_obj
def show(session: Session) -> None:
    """List the settings."""
    entries = session.loaded.entries()

    def people() -> Any:
        from rich.markup import escape

        from steward.faces.cli import tables

        table = tables.table(_("variable"), _("value"), _("source"), _("meaning"))
        for entry in entries:
            value = ", ".join(entry.value) if isinstance(entry.value, list) else entry.value
            shown = "" if value is None else str(value)
            source = entry.source if entry.source.endswith(".toml") else label("source", entry.source)
            table.add_row(entry.variable, escape(shown), source, label("setting", entry.meaning))
        return table

    session.payload([asdict(entry) for entry in entries], people)
    if session.loaded.file is not None:
        session.note(_("settings file: {file}", file=session.loaded.file))


@config.command("check", help="Check the settings, and say what they come to.")
@click.pass_obj
def check(session: Session) -> None:
    """Check every setting, the credential's files and the notify addresses. Makes no request."""
    from steward.settings import masked

    loaded = session.loaded
    loaded.require_whole()
    github = loaded.settings.github
    channels = session.wiring.channels(loaded)
    found = {
        "file": str(loaded.file) if loaded.file else None,
        "organisations": list(github.orgs),
        "sample": loaded.demo,
        "server": None if loaded.demo else github.url,
        "credential": session.wiring.credential(loaded),
        "database": masked(loaded.database_url),
        "data_dir": str(loaded.state_dir),
        "notify": channels,
        "model": session.wiring.mind(loaded),
    }

    def people() -> list[str]:
        return [
            _("settings file: {file}", file=found["file"] or _("none; defaults and the environment")),
            _("organisations: {names}", names=", ".join(github.orgs) or _("none: the sample organisation")),
            _("server: {server}", server=found["server"] or _("on this machine, run by `steward up`")),
            _("credential: {what}", what=said(str(found["credential"]))),
            _("database: {url}", url=found["database"]),
            _("data directory: {path}", path=found["data_dir"]),
            _("notices go to: {channels}", channels=", ".join(channels)),
            _("briefs are written by: {what}", what=found["model"] or _("a plain dialog, without a model")),
            _("The settings are in order. `steward doctor` tries them out"),
        ]

    session.payload(found, lambda: [escape_line(text) for text in people()])


def escape_line(text: str) -> str:
    """A line with nothing in it that Rich would read as markup."""
    from rich.markup import escape

    return escape(text)
