"""What one run of the command line holds: its options, the settings, the application, and where it writes.

Standard output carries the payload and nothing else; all else goes to standard error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import click

from steward.faces.words import CONTROL, _, printable, speak

if TYPE_CHECKING:
    # For the types alone: importing any of these takes longer than the whole of `--help`.
    from pathlib import Path

    from rich.console import Console, RenderableType

    from steward.app.application import Application
    from steward.domain.credentials import Purpose
    from steward.domain.people import Principal
    from steward.faces.cli.asking import (
        Answering,
        Attending,
        Commands,
        Deciding,
        Queries,
        Readiness,
        Restoring,
        Secrets,
        Setup,
        Sync,
        Webhooks,
        Works,
    )
    from steward.faces.cli.asking_hands import Hands, Mending
    from steward.faces.cli.asking_people import Chats, People
    from steward.faces.cli.asking_talks import Talks
    from steward.settings import Loaded
    from steward.settings.model import GitHub


class Database(Protocol):
    """What `steward db` does to a database, by its address."""

    def upgrade(self, url: str) -> str:
        """Bring the schema up to date; return what was done."""
        ...

    def check(self, url: str) -> list[str]:
        """Examine it; return what is wrong, in words."""
        ...

    def backup(self, url: str, target: Path) -> None:
        """Copy it whole into a new file."""
        ...

    def restore(self, url: str, source: Path, *, force: bool) -> None:
        """Fill it from a backup; a database that holds anything only with `force`."""
        ...


class Wiring(Protocol):
    """What `main` builds for the faces, so that no face knows an adapter."""

    def application(
        self, loaded: Loaded, closing: ExitStack, command: str, *, upgrade: bool = False
    ) -> Application:
        """Build the application; what it opens is closed with `closing`.

        `command` is how this process names itself as the holder of the lease. With `upgrade`, an older SQLite database is backed up and upgraded first.
        """
        ...

    def credential(self, loaded: Loaded) -> str:
        """Say which credential the settings come to. Raises BadSettings for a file that cannot be read."""
        ...

    def channels(self, loaded: Loaded) -> list[str]:
        """Name the notifiers. Raises BadSettings for an address that cannot be used."""
        ...

    def mind(self, loaded: Loaded) -> str | None:
        """Name the model that writes briefs; None: a plain dialog. Raises BadSettings where it cannot be used."""
        ...

    def organisation(self, github: GitHub, login: str, purposes: Sequence[Purpose]) -> dict[str, Any]:
        """Read one organisation, to try a connection out: `{id, login, ok, declared}`.

        `declared` says in words what the credential may do and what it lacks for these purposes; `ok` is False
        where it lacks something that Steward cannot do without.
        """
        ...

    def remote(self, loaded: Loaded, server: str, token_file: Path | None, closing: ExitStack) -> Answering:
        """A Steward elsewhere, at that address; the token is that of the file, else of the settings.

        Raises NotSignedIn where there is no token, BadSettings for an address without https.
        """
        ...

    def wait(self, timeout_s: float) -> bool:
        """Let that time pass; True where the process is to end."""
        ...

    def stop(self) -> None:
        """End every wait of this process's clock."""
        ...

    @property
    def database(self) -> Database:
        """What can be done to a database."""
        ...


@dataclass
class Options:
    """The options that every command takes."""

    json: bool = False
    quiet: bool = False
    no_color: bool = False
    yes: bool = False
    dry_run: bool = False
    lang: str | None = None
    config: Path | None = None
    server: str | None = None
    token_file: Path | None = None


class Session:
    """One run. Settings and application are made when a command first needs them."""

    def __init__(self, options: Options, wiring: Wiring, closing: ExitStack) -> None:
        self.options = options
        self.wiring = wiring
        self.closing = closing

    @cached_property
    def loaded(self) -> Loaded:
        """The settings. Raises BadSettings."""
        from steward.settings import load

        loaded = load(self.options.config)
        if self.options.lang is None and loaded.settings.lang is not None:
            speak(loaded.settings.lang)
        return loaded

    @cached_property
    def app(self) -> Application:
        """The application. Raises BadSettings, SchemaMismatch, StoreUnavailable."""
        return self.wiring.application(self.loaded, self.closing, "steward")

    @cached_property
    def by(self) -> Principal:
        """Who gives the commands: whoever can read the database on this machine is its admin."""
        from steward.domain.people import local

        return local(f"local:{os_user()}")

    @property
    def server(self) -> str | None:
        """The address of the Steward that is asked instead of this machine's database; None: there is none."""
        return self.options.server or self.loaded.settings.server

    @cached_property
    def answering(self) -> Answering:
        """Whoever answers. Raises what `app` raises; NotSignedIn where a server is named, but no token."""
        if self.server is None:
            from steward.faces.cli.asking import Local

            return Local(self.app, self.by)
        return self.wiring.remote(self.loaded, self.server, self.options.token_file, self.closing)

    @property
    def queries(self) -> Queries:
        """What can be shown."""
        return self.answering.queries

    @property
    def commands(self) -> Commands:
        """What can be asked of projects."""
        return self.answering.commands

    @property
    def hands(self) -> Hands:
        """What can be asked about holds."""
        return self.answering.hands

    @property
    def mending(self) -> Mending:
        """What can be done about changed settings."""
        return self.answering.mending

    @property
    def works(self) -> Works:
        """What can be shown of building."""
        return self.answering.works

    @property
    def readiness(self) -> Readiness:
        """What projects lack, and what they do without."""
        return self.answering.readiness

    @property
    def setup(self) -> Setup:
        """What can be done about taking in."""
        return self.answering.setup

    @property
    def deciding(self) -> Deciding:
        """What can be decided of organisations."""
        return self.answering.deciding

    @property
    def restoring(self) -> Restoring:
        """What a restored database comes to."""
        return self.answering.restoring

    @property
    def attending(self) -> Attending:
        """What can be done with incidents."""
        return self.answering.attending

    @property
    def people(self) -> People:
        """What can be done about people."""
        return self.answering.people

    @property
    def chats(self) -> Chats:
        """What can be done about chats."""
        return self.answering.chats

    @property
    def talks(self) -> Talks:
        """One's own talks."""
        return self.answering.talks

    @property
    def secrets(self) -> Secrets:
        """What can be done with secrets."""
        return self.answering.secrets

    @property
    def webhooks(self) -> Webhooks:
        """What can be asked of webhooks."""
        return self.answering.webhooks

    @property
    def sync(self) -> Sync:
        """Looks on demand."""
        return self.answering.sync

    @cached_property
    def out(self) -> Console:
        """Standard output for people."""
        return _console(self.options, stderr=False)

    @cached_property
    def err(self) -> Console:
        """Standard error."""
        return _console(self.options, stderr=True)

    def payload(self, value: Any, people: Callable[[], RenderableType | Sequence[RenderableType]]) -> None:
        """Write what was asked for: `value` as JSON, or what `people` renders."""
        if self.options.json:
            click.echo(json_text(value, indent=2))
            return
        shown = people()
        parts = shown if isinstance(shown, list | tuple) else (shown,)
        for part in parts:
            self.out.print(part)

    def line(self, value: Any, people: str) -> None:
        """Write one line of a stream: a JSON object, or a line for people."""
        if self.options.json:
            click.echo(json_text(value))
        else:
            self.out.print(people, markup=True, soft_wrap=True)
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Tell people something beside the payload; `--quiet` silences it."""
        if not self.options.quiet:
            click.echo(printable(text), err=True)

    def rehearse(self, effect: str, **facts: Any) -> bool:
        """With `--dry-run`: show what would be done, and return True."""
        if not self.options.dry_run:
            return False
        self.payload(
            {"dry_run": True, "effect": effect, **facts}, lambda: _("Would: {effect}", effect=effect)
        )
        return True

    def confirm(self, question: str) -> None:
        """Ask a person before something consequential. Without a terminal `--yes` is needed."""
        if self.options.yes:
            return
        question = printable(question)
        if not self.interactive:
            raise click.UsageError(
                _(
                    "{question} Without a terminal this needs --yes (or --dry-run to look first)",
                    question=question,
                )
            )
        click.confirm(question, abort=True, err=True)

    @property
    def interactive(self) -> bool:
        """Whether a person sits at both ends."""
        return not self.options.json and sys.stdin.isatty() and sys.stderr.isatty()


def json_text(value: Any, indent: int | None = None) -> str:
    """JSON for programs, its control characters escaped: somebody may look at it on a terminal."""
    import json

    text = json.dumps(value, ensure_ascii=False, indent=indent)
    # Those below 0x20 are escaped already, but for the line feeds between the values.
    return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def os_user() -> str:
    """The user of the operating system that this process runs as."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run as a number that no user bears.
        return str(os.getuid())


def _console(options: Options, *, stderr: bool) -> Console:
    from rich.console import Console

    from steward.faces.cli.printable import Printable

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 160
    plain = options.no_color or bool(os.environ.get("NO_COLOR"))
    console = Console(
        file=stream, color_system=None if plain else "auto", width=width, highlight=False, emoji=False
    )
    console.push_render_hook(Printable())
    return console
