"""The group `steward project`, and what its commands share."""

from __future__ import annotations

import difflib
from typing import Any, Final

import click

from steward.domain.status import Status
from steward.faces.cli.base import group
from steward.faces.cli.session import Session
from steward.faces.words import _

project: Final = group("project", "List, show, order, build, update, archive and relink projects.")


class StatusType(click.ParamType[Status]):
    """A status as people write it, `ordered` included."""

    name = "status"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Status:
        """Read it, or say which one may have been meant."""
        try:
            return Status.parse(value)
        except ValueError:
            names = [status.value for status in Status]
            near = difflib.get_close_matches(value.lower(), names, n=1)
            words = _("'{value}' is no status.", value=value) + " "
            words += _("Did you mean '{near}'?", near=near[0]) if near else ", ".join(names)
            self.fail(words, param, ctx)


class SortType(click.ParamType[str]):
    """What a list is sorted by, from either end."""

    name = "sort"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take it, or say what is possible."""
        from steward.ports import SORTS

        if value.removeprefix("-") not in SORTS:
            self.fail(
                _("nothing is sorted by '{value}': {names}", value=value, names=", ".join(SORTS)), param, ctx
            )
        return value


def standing_against(shown: dict[str, Any], trigger: str) -> str | None:
    """What refuses a move, for a rehearsal; None if nothing does."""
    actions = [action for action in shown["actions"] if action["trigger"] == trigger]
    return actions[0]["refused"] if actions else _("not possible from here")


def changed(session: Session, shown: dict[str, Any]) -> None:
    """Print a project as it is after a change."""

    def people() -> Any:
        from steward.faces.cli import tables

        return tables.projects([shown], session.out.width)

    session.payload(shown, people)
