"""Click, with what Steward's command line adds: help in two languages, commands that load when they are named.

A help text stands in English beside its command and is looked up in the catalogue when it is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, cast

import click

from steward.faces.words import _


class Option(click.Option):
    """An option whose help is shown in the present language."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The two columns of the help page."""
        record = super().get_help_record(ctx)
        if record is None or not self.help:
            return record
        return record[0], record[1].replace(self.help, _(self.help), 1)


class _Localised(click.Command):
    """What commands and groups share: their help page in the present language."""

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the usage line."""
        pieces = " ".join(self.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path, pieces, prefix=_("Usage:") + " ")

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - the signature is Click's
        """Write the text."""
        if self.help:
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(_(self.help))

    def get_short_help_str(self, limit: int = 45) -> str:  # noqa: ARG002 - the signature is Click's
        """The one line beside the command's name: its first sentence, whole."""
        text = _(self.help) if self.help else ""
        return text.split(". ")[0].rstrip(".")

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """The help option, its own help in the present language."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = _("Show this page")
        return option

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options."""
        records = [param.get_help_record(ctx) for param in self.get_params(ctx)]
        rows = [record for record in records if record is not None]
        if rows:
            with formatter.section(_("Options")):
                formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write where the options that every command takes are explained."""
        if ctx.parent is not None:
            formatter.write_paragraph()
            path = ctx.find_root().command_path
            formatter.write_text(_("Every command also takes the options of `{path} --help`.", path=path))


class Command(_Localised):
    """A command."""


class Group(_Localised, click.Group):
    """A group of commands."""

    command_class = Command
    group_class = type

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then the commands."""
        _Localised.format_options(self, ctx, formatter)
        names = self.list_commands(ctx)
        rows = [(name, self.short_help_of(ctx, name)) for name in names]
        if rows:
            with formatter.section(_("Commands")):
                formatter.write_dl(rows)

    def short_help_of(self, ctx: click.Context, name: str) -> str:
        """The line beside a command's name."""
        command = self.get_command(ctx, name)
        return command.get_short_help_str() if command else ""


class LazyGroup(Group):
    """A group whose commands are imported only when they are run: `lazy` maps name to (module, help)."""

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature is Click's
        """The names, in the order in which they are explained."""
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the same
        """Import the command. It bears its own name in its module, with `_command` after a group's."""
        if cmd_name not in self.lazy:
            return None
        return cast("click.Command", import_module(self.lazy[cmd_name][0]).COMMANDS[cmd_name])

    def short_help_of(self, ctx: click.Context, name: str) -> str:  # noqa: ARG002 - the same
        """The line beside a command's name, without importing it."""
        return _(self.lazy[name][1]).rstrip(".")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may have been meant."""
        name = args[0]
        if name not in self.lazy and not name.startswith("-") and not ctx.resilient_parsing:
            raise click.NoSuchCommand(name, possibilities=list(self.lazy), ctx=ctx)
        return super().resolve_command(ctx, args)


def option(*names: str, **attrs: Any) -> Callable[[Any], Any]:
    """`click.option` with help in the present language."""
    return click.option(*names, cls=Option, **attrs)


def group(name: str, text: str) -> Group:
    """An empty group with this help."""
    return Group(name, help=text)
