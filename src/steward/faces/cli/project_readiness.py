"""`steward project`, readiness: what a project lacks, and doing without a rule."""

from __future__ import annotations

from typing import Any

import click

from steward.faces.cli.base import option
from steward.faces.cli.project_group import project
from steward.faces.cli.session import Session
from steward.faces.words import _

Json = dict[str, Any]


@project.command("readiness", help="Show what a project lacks, each with its fix, and its score.")
@click.argument("reference", metavar="PROJECT")
@click.pass_obj
def readiness(session: Session, reference: str) -> None:
    """Show the list."""
    _shown(session, session.readiness.lines(reference))


def _shown(session: Session, lines: Json) -> None:
    def people() -> Any:
        from steward.faces.cli import tables_readiness

        return tables_readiness.readiness(lines)

    session.payload(lines, people)


@project.command("waive-rule", help="Do without a rule of readiness, with the reason; it counts as met.")
@click.argument("reference", metavar="PROJECT")
@click.argument("rule")
@option("--reason", required=True, help="Why, or where what the rule asks for is")
@click.pass_obj
def waive(session: Session, reference: str, rule: str, reason: str) -> None:
    """Waive a rule."""
    before = session.queries.project(reference)
    effect = _("{slug}: does without the rule {rule}", slug=before["slug"], rule=rule)
    if session.rehearse(effect, project=before["slug"], rule=rule):
        return
    _shown(session, session.readiness.waive(before["id"], rule, reason))


@project.command("unwaive-rule", help="Ask for a rule of readiness again.")
@click.argument("reference", metavar="PROJECT")
@click.argument("rule")
@click.pass_obj
def unwaive(session: Session, reference: str, rule: str) -> None:
    """Take a waiver back."""
    before = session.queries.project(reference)
    effect = _("{slug}: the rule {rule} is asked for again", slug=before["slug"], rule=rule)
    if session.rehearse(effect, project=before["slug"], rule=rule):
        return
    _shown(session, session.readiness.unwaive(before["id"], rule))
