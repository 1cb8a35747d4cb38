"""`steward project`, the road: orders and their specs, the gates, what ran and failed, updates, rollback."""

from __future__ import annotations

from typing import Any, Final

import click

from steward.domain.status import Status, Trigger
from steward.faces.cli.base import option
from steward.faces.cli.project_group import StatusType, changed, project, standing_against
from steward.faces.cli.session import Session
from steward.faces.cli.waiting import Goal, finish, next_command, until
from steward.faces.cli.wishing import (
    STARTER,
    amended,
    answers_of,
    ask,
    keep_secrets_out,
    says_something,
    spec_options,
    text_of,
    wish_of,
)
from steward.faces.lines import guard_words, status_label, trigger_label
from steward.faces.words import _, said

ESTIMATE_WAIT_S: Final = 600.0
"""For so long an order that goes on with --yes waits for its estimate."""
Json = dict[str, Any]


def told(session: Session, shown: Json) -> None:
    """Print a project after a word, with what comes next for a person."""
    changed(session, shown)
    _next(session, shown)


def _next(session: Session, shown: Json) -> None:
    command = next_command(shown)
    if command is not None and not session.options.json:
        session.note(_("Next: {command}", command=command))


@project.command(
    "order",
    help="Order a new project: a draft, with nothing on GitHub yet. With --yes it is approved, estimated and confirmed as well.",
)
@click.argument("slug")
@option("--org", metavar="LOGIN", help="Its organisation; may be left out where there is one")
@option("--title", default="", help="Its name for people")
@spec_options
@click.pass_obj
def order(session: Session, /, slug: str, org: str | None, title: str, **given: Any) -> None:
    """Order a project."""
    answers = answers_of(given)
    if session.rehearse(_("order {slug} as a draft", slug=slug), project=slug):
        return
    template = _template(session, given)
    if template is None:
        told(session, session.commands.order(slug, organisation=org, title=title))
        return
    keep_secrets_out(given, template)
    answers = ask(session, template, answers, {"title": title or slug})
    made = session.commands.draft(slug, organisation=org, title=title, wish=wish_of(given, answers))
    if session.options.yes:
        _go_on(session, made)
    else:
        told(session, made)


def _template(session: Session, given: Json) -> Json | None:
    """The template of an order; None for an order without a spec, where Steward drives nothing."""
    from steward.app.errors import Undriven

    try:
        return session.works.template(given["template"] or STARTER, given["tag"] or "")
    except Undriven:
        if says_something(given):
            raise
        return None


def _go_on(session: Session, shown: Json) -> None:
    """Approve, wait for the estimate, confirm: as far as whoever asks may, and as far as it comes."""
    from steward.app.errors import Forbidden
    from steward.domain.lifecycle import Refused

    try:
        shown = session.commands.ask(shown["id"], Trigger.APPROVED)
        if session.queries.sync_status()["running"] is None:
            words = _("no Steward runs there, so nothing is estimated; `steward up` starts one")
            _stopped(session, shown, words)
            return
        outcome = until(session, shown["id"], [Goal(Status.ESTIMATED)], ESTIMATE_WAIT_S)
        if outcome.end != "reached":
            finish(session, outcome)
            return
        shown = outcome.shown
        _tell_estimate(session, shown)
        shown = session.commands.ask(shown["id"], Trigger.CONFIRMED)
    except (Refused, Forbidden) as refusal:
        words = said(guard_words(refusal.words if isinstance(refusal, Refused) else str(refusal)))
        _stopped(session, shown, words)
        return
    changed(session, shown)
    command = f"steward wait {shown['slug']}"
    session.note(_("Next: {command}", command=command))


def _stopped(session: Session, shown: Json, why: str) -> None:
    changed(session, shown)
    session.note(_("It stops at {status}: {why}", status=status_label(shown["status"]), why=why))
    command = next_command(shown) or f"steward wait {shown['slug']}"
    session.note(_("Next: {command}", command=command))


def _tell_estimate(session: Session, shown: Json) -> None:
    from steward.faces.cli.tables_building import estimate_text

    estimate = session.works.spec(shown["id"])["estimate"]
    if estimate:
        session.note(_("Estimate: {what}", what=estimate_text(estimate)))


def _rehearsed(session: Session, before: Json, trigger: Trigger) -> bool:
    """With `--dry-run`: whether that was all."""
    move = trigger_label(trigger.value)
    return session.rehearse(
        _("{slug}: ask for «{move}»", slug=before["slug"], move=move),
        project=before["slug"],
        refused=standing_against(before, trigger.value),
    )


def _asks(name: str, trigger: Trigger, text: str) -> None:
    @project.command(name, help=text)
    @click.argument("reference", metavar="PROJECT")
    @option("--reason", default="", help="Why, for the history")
    @click.pass_obj
    def ask_for(session: Session, reference: str, reason: str) -> None:
        before = session.queries.project(reference)
        if not _rehearsed(session, before, trigger):
            told(session, session.commands.ask(before["id"], trigger, reason))


_asks("approve", Trigger.APPROVED, "Approve a draft, so that it is specified and estimated.")
_asks("cancel", Trigger.CANCELLED, "Cancel an order, or stop what runs.")
_asks("start", Trigger.STARTED, "Let a project go on along its road, where that waits for a person's word.")


@project.command("confirm", help="Confirm an estimate, so that the project is created.")
@click.argument("reference", metavar="PROJECT")
@option("--reason", default="", help="Why, for the history")
@option(
    "--budget", type=click.FloatRange(min=0), metavar="USD", help="What agents may cost in all; 0: no limit"
)
@click.pass_obj
def confirm(session: Session, reference: str, reason: str, budget: float | None) -> None:
    """Confirm an estimate."""
    before = session.queries.project(reference)
    if _rehearsed(session, before, Trigger.CONFIRMED):
        return
    if budget is None:
        told(session, session.commands.ask(before["id"], Trigger.CONFIRMED, reason))
    else:
        told(session, session.commands.confirm(before["id"], reason, budget))


@project.command(
    "revise", help="Take an estimate back to a draft; with options of a spec, give it a new one."
)
@click.argument("reference", metavar="PROJECT")
@option("--reason", default="", help="Why, for the history")
@spec_options
@click.pass_obj
def revise(session: Session, /, reference: str, reason: str, **given: Any) -> None:
    """Revise an order, or say how an update is to be."""
    answers = answers_of(given)
    before = session.queries.project(reference)
    if not says_something(given):
        if not _rehearsed(session, before, Trigger.REVISED):
            told(session, session.commands.ask(before["id"], Trigger.REVISED, reason))
        return
    if session.rehearse(_("{slug}: store a new spec", slug=before["slug"]), project=before["slug"]):
        return
    wish = _revised(session, before, given, answers)
    if given["answers"]:
        keep_secrets_out(given, session.works.template(wish.template, wish.tag))
    told(session, session.commands.describe(before["id"], wish, reason))


def _revised(session: Session, before: Json, given: Json, answers: Json) -> Any:
    from steward.app.errors import Unknown

    try:
        spec = session.works.spec(before["id"])
    except Unknown:
        return wish_of(given, answers)
    return amended(spec, given, answers)


@project.command("retry", help="Run once more what failed or was cancelled, with what it had found and made.")
@click.argument("reference", metavar="PROJECT")
@option(
    "--reason", default="", help="Why, for the history; of a verification without checks: why none are needed"
)
@click.pass_obj
def retry(session: Session, reference: str, reason: str) -> None:
    """Retry what failed."""
    before = session.queries.project(reference)
    if session.rehearse(_("{slug}: run again what failed", slug=before["slug"]), project=before["slug"]):
        return
    told(session, session.commands.retry(before["id"], reason))


@project.command("resolve", help="Say that the cause of an error is gone: it goes on where it stopped.")
@click.argument("reference", metavar="PROJECT")
@option(
    "--to",
    type=StatusType(),
    metavar="STATUS",
    help="Out of the error without running it again: the settled status before it",
)
@option("--reason", default="", help="Why, for the history")
@click.pass_obj
def resolve(session: Session, reference: str, to: Status | None, reason: str) -> None:
    """Resolve an error."""
    before = session.queries.project(reference)
    if _rehearsed(session, before, Trigger.RESOLVED):
        return
    if to is None:
        told(session, session.commands.ask(before["id"], Trigger.RESOLVED, reason))
    else:
        told(session, session.commands.resolve(before["id"], reason, to))


@project.command(
    "update", help="Ask for a change of what is live. One is open at a time; further ones wait in line."
)
@click.argument("reference", metavar="PROJECT")
@click.argument("text")
@click.pass_obj
def update(session: Session, reference: str, text: str) -> None:
    """Ask for an update; @FILE reads its text from a file."""
    text = text_of(text)
    before = session.queries.project(reference)
    if session.rehearse(_("{slug}: ask for an update", slug=before["slug"]), project=before["slug"]):
        return
    told(session, session.commands.update(before["id"], text))


@project.command("build", help="Build the open update.")
@click.argument("reference", metavar="PROJECT")
@option("--design", is_flag=True, help="After a design of its own; else the design stands")
@option("--reason", default="", help="Why, for the history")
@click.pass_obj
def build(session: Session, reference: str, design: bool, reason: str) -> None:
    """Build the open update."""
    trigger = Trigger.NEW_SPEC if design else Trigger.SMALL_CHANGE
    before = session.queries.project(reference)
    if not _rehearsed(session, before, trigger):
        told(session, session.commands.ask(before["id"], trigger, reason))


@project.command(
    "abandon", help="Give the open update up; what is live stays, and merged work is taken back."
)
@click.argument("reference", metavar="PROJECT")
@option("--reason", default="", help="Why, for the history")
@click.pass_obj
def abandon(session: Session, reference: str, reason: str) -> None:
    """Abandon the open update, after asking."""
    before = session.queries.project(reference)
    if _rehearsed(session, before, Trigger.UPDATE_ABANDONED):
        return
    session.confirm(_("Abandon the update of {slug}? What is live stays.", slug=before["slug"]))
    told(session, session.commands.ask(before["id"], Trigger.UPDATE_ABANDONED, reason))


@project.command("rollback", help="Put an earlier release live again; the status stays.")
@click.argument("reference", metavar="PROJECT")
@option(
    "--release", type=click.IntRange(min=1), metavar="N", help="This one; the last good one where not given"
)
@click.pass_obj
def rollback(session: Session, reference: str, release: int | None) -> None:
    """Roll back, after asking."""
    before = session.queries.project(reference)
    slug = before["slug"]
    if session.rehearse(_("{slug}: put an earlier release live", slug=slug), project=slug, release=release):
        return
    session.confirm(_("Put an earlier release of {slug} live in the place of what is?", slug=slug))
    told(session, session.commands.rollback(before["id"], release))


@project.command("budget", help="Let the agents of a project cost so much in all; 0: no limit.")
@click.argument("reference", metavar="PROJECT")
@click.argument("usd", metavar="USD", type=click.FloatRange(min=0, max=1_000_000))
@click.pass_obj
def budget(session: Session, reference: str, usd: float) -> None:
    """Set the budget."""
    before = session.queries.project(reference)
    if session.rehearse(_("{slug}: set its budget", slug=before["slug"]), project=before["slug"], usd=usd):
        return
    told(session, session.commands.budget(before["id"], usd))
