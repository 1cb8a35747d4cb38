"""`steward completion`: the completion script of a shell."""

from __future__ import annotations

from typing import Final

import click

from steward.faces.cli.base import Command
from steward.faces.cli.session import Session
from steward.faces.words import _

HINTS: Final = {
    "bash": 'eval "$(steward completion bash)"  # in ~/.bashrc',
    "zsh": 'eval "$(steward completion zsh)"  # in ~/.zshrc',
    "fish": "steward completion fish > ~/.config/fish/completions/steward.fish",
}


@click.command("completion", cls=Command, help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(list(HINTS)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script."""
    from click.shell_completion import get_completion_class

    session: Session = ctx.obj
    found = get_completion_class(shell)
    assert found is not None, "Click knows each of the shells that are offered"
    root = ctx.find_root()
    click.echo(found(root.command, {}, "steward", "_STEWARD_COMPLETE").source())
    if session.err.is_terminal:
        session.note(_("To use it: {hint}", hint=HINTS[shell]))


COMMANDS: Final = {"completion": completion}
