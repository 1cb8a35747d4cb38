"""The command `steward`: the options that every command takes, and the table of commands.

It imports no command before that command is run, so that `steward --help` costs little more than Click.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Final

import click

from steward.faces.cli.base import LazyGroup, Option, option
from steward.faces.cli.session import Options, Session
from steward.faces.words import LANGUAGES, _, environment_language, speak

HOME: Final = "steward.faces.cli."
COMMANDS: Final = {
    "up": (HOME + "up", "Start Steward; without an organisation, on a sample of its own."),
    "serve": (HOME + "serve", "Serve the web face alone, beside a `steward up` on the same database."),
    "worker": (HOME + "worker", "Run operations, beside a `steward up` on the same PostgreSQL."),
    "init": (HOME + "init", "Connect a GitHub organisation: write steward.toml."),
    "doctor": (HOME + "doctor", "Examine what must hold, and say how to mend it."),
    "sync": (HOME + "sync", "Look at GitHub now, plan a look, decide held losses."),
    "project": (HOME + "project", "List, show, order, build, update, archive and relink projects."),
    "talk": (HOME + "talk", "Talk over what is to be built, until it is ordered."),
    "secret": (HOME + "secret", "Keep secrets and variables of projects; send them to GitHub."),
    "wait": (HOME + "wait", "Wait until a project is where it should be, showing how far it is."),
    "incident": (HOME + "incident", "See to incidents: list, acknowledge, resolve, mute."),
    "event": (HOME + "event", "Read what happened, and follow it."),
    "freeze": (HOME + "freeze", "Stop all automation in an organisation, or in all."),
    "unfreeze": (HOME + "freeze", "Let automation go on."),
    "webhook": (HOME + "webhook", "See to webhooks: register, ping, sweep, look at deliveries."),
    "lifecycle": (HOME + "lifecycle", "Show the table of statuses and moves."),
    "user": (HOME + "user", "See to people: list, add, give roles, disable, make sign-in links."),
    "token": (HOME + "token", "See to API tokens: create, list, revoke."),
    "bot": (HOME + "bot", "Receive what people write to the bot, beside a `steward up`."),
    "telegram": (HOME + "telegram", "See to Telegram: connect chats, see whether messages arrive."),
    "audit": (HOME + "audit", "Read the audit log: who did what, and who was refused."),
    "config": (HOME + "config", "Show and check the settings."),
    "db": (HOME + "db", "Upgrade, check, back up and restore the database."),
    "completion": (HOME + "completion", "Print the completion script of a shell."),
}
FLAGS: Final = ("--json", "--quiet", "--no-color", "--yes", "--dry-run")
VALUED: Final = ("--lang", "--config", "--server", "--token-file")
HERE: Final = frozenset({"up", "serve", "worker", "bot", "init", "doctor", "config", "db"})
"""What works on this machine alone."""


class Root(LazyGroup):
    """The command itself. Its options may stand before or after the name of a subcommand."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Bring the options of every command to the front, then parse."""
        return super().parse_args(ctx, hoist(args))

    def main(  # type: ignore[override]  # it always exits: the mode that does not is not offered
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> Any:
        """Run, say what failed, and exit with the code that failures.py gives it."""
        given = list(sys.argv[1:] if args is None else args)
        # Before anything is parsed: help and usage errors are said while the options are still being read.
        speak(_asked_language(given) or environment_language())
        try:
            code = super().main(given, prog_name or "steward", standalone_mode=False, **extra)
        except (click.Abort, KeyboardInterrupt):
            click.echo(_("Cancelled."), err=True)
            sys.exit(130)
        except BrokenPipeError:
            # The reader of our output has gone; nobody is left to tell, not even when Python flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except Exception as error:
            from steward.faces.cli.failures import KNOWN, failure_of, tell

            if not isinstance(error, KNOWN):
                raise
            failure = failure_of(error)
            tell(failure, as_json=_asks_json(given))
            sys.exit(failure.exit_code)
        sys.exit(code if isinstance(code, int) else 0)


def _asked_language(args: Sequence[str]) -> str | None:
    """The last `--lang`, if it is one that we speak; Click refuses any other."""
    front = hoist(args)
    for place in range(len(front) - 1, -1, -1):
        name, _sign, value = front[place].partition("=")
        if name == "--lang":
            said = value or "".join(front[place + 1 : place + 2])
            return said if said in LANGUAGES else None
    return None


def _asks_json(args: Sequence[str]) -> bool:
    return "--json" in (args[: args.index("--")] if "--" in args else args)


def hoist(args: Sequence[str]) -> list[str]:
    """Move the options of every command to the front, in order; what follows `--` stays as it is."""
    front: list[str] = []
    rest: list[str] = []
    left = list(args)
    while left:
        word = left.pop(0)
        if word == "--":
            return [*front, *rest, "--", *left]
        if word in FLAGS or word.startswith(tuple(f"{name}=" for name in VALUED)):
            front.append(word)
        elif word in VALUED:
            front += [word, *left[:1]]
            left = left[1:]
        else:
            rest.append(word)
    return [*front, *rest]


@click.group(
    cls=Root,
    lazy=COMMANDS,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Keeps every project of a GitHub organisation true.",
)
@option("--json", is_flag=True, help="Print JSON for programs")
@option("--quiet", is_flag=True, help="Print the payload alone")
@option("--no-color", is_flag=True, help="Print without colours, as NO_COLOR does")
@option("--yes", is_flag=True, help="Answer every question with yes")
@option("--dry-run", is_flag=True, help="Show what would be done, and do nothing")
@option("--lang", type=click.Choice(LANGUAGES), help="Language for people")
@option(
    "--config",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Settings file; steward.toml of the working directory where not given",
)
@option("--server", metavar="URL", help="Ask the Steward at this address instead of this machine's database")
@option(
    "--token-file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="File with the API token for it; else STEWARD_TOKEN",
)
@click.version_option(
    package_name="steward", message="%(prog)s %(version)s", cls=Option, help="Show the version"
)
@click.pass_context
def steward(ctx: click.Context, /, **given: Any) -> None:
    """Make the session of this run."""
    for name in ("config", "token_file"):
        if given[name] is not None:
            from pathlib import Path

            given[name] = Path(given[name])
    if given["server"] is not None and ctx.invoked_subcommand in HERE:
        raise click.UsageError(
            _(
                "`steward {command}` works on this machine alone; leave --server away, or run it there",
                command=ctx.invoked_subcommand,
            )
        )
    options = Options(**given)
    if options.lang is not None:
        speak(options.lang)
    ctx.obj = Session(options, ctx.obj, ctx.with_resource(ExitStack()))
