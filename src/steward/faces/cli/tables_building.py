"""What people are shown of building: operations, specs, releases, updates, costs; from the JSON views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from steward.app.errors import Unknown
from steward.faces.cli.session import Session
from steward.faces.cli.tables import TONES, facts, table
from steward.faces.lines import (
    COMMIT_SHOWN,
    fault_label,
    health_label,
    moment,
    operation_state_label,
    release_state_label,
    step_label,
    update_state_label,
    work_label,
)
from steward.faces.words import _, counted, said

Json = Mapping[str, Any]

STATE_TONES = {"failed": TONES["bad"], "waiting": TONES["care"], "succeeded": TONES["good"]}
TEXT_SHOWN = 80


def progress_text(operation: Json) -> str:
    """How far an operation is: the step, which of how many, and its sentence about now."""
    progress = operation["progress"]
    if not progress["step"]:
        return operation_state_label(operation["state"])
    text = _(
        "step {number}/{total}, {step}",
        number=progress["number"],
        total=progress["total"],
        step=step_label(progress["step"]),
    )
    return f"{text}: {progress['text']}" if progress["text"] else text


def _headed(head: str, rows: Sequence[tuple[str, str]]) -> list[RenderableType]:
    return ["", f"[bold]{head}[/]", facts([("  " + name, value) for name, value in rows])]


def operation(shown: Json) -> list[RenderableType]:
    """One operation: how far it is, and why it failed."""
    failure = shown["failure"]
    rows = [
        (_("state"), operation_state_label(shown["state"])),
        (_("progress"), progress_text(shown)),
        (_("attempt"), str(shown["attempt"]) if shown["attempt"] > 1 else ""),
        (_("pull request"), shown["pull"] or ""),
    ]
    if failure:
        rows += [
            (_("failed at"), step_label(failure["step"]) if failure["step"] else ""),
            (_("because"), said(failure["reason"])),
            (_("fault"), fault_label(failure["fault"])),
            (_("advice"), said(failure["advice"])),
        ]
    return _headed(escape(work_label(shown["kind"])), rows)


def estimate_text(estimate: Json | None) -> str:
    """An estimate in one line; "" for none."""
    if not estimate:
        return ""
    return _(
        "{hours} h of work ({low} to {high}), {cost} USD, {days} days",
        hours=_number(estimate["effort_hours"]),
        low=_number(estimate["low_hours"]),
        high=_number(estimate["high_hours"]),
        cost=_number(estimate["cost_usd"]),
        days=_number(estimate["duration_days"]),
    )


def costs_text(costs: Json) -> str:
    """What agents cost so far, in one line; "" where none ran and nothing bounds them."""
    spent, budget = _number(costs["spent_usd"]), costs["budget_usd"]
    if budget:
        return _("{spent} of {budget} USD", spent=spent, budget=_number(budget))
    return _("{spent} USD", spent=spent) if costs["runs"] else ""


def talks_text(talks: Json) -> str:
    """What talking about a project cost, in one line; "" where no model was asked."""
    if not talks["calls"]:
        return ""
    calls = counted("{n} call of the model", "{n} calls of the model", talks["calls"])
    told = _("talks: {spent} USD, {calls}", spent=_number(talks["usd"]), calls=calls)
    if not talks["unknown"]:
        return told
    unknown = counted("{n} of unknown cost", "{n} of unknown cost", talks["unknown"])
    return f"{told}, {unknown}"


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def road(session: Session, shown: Json) -> list[RenderableType]:
    """What `steward project show` tells of the road: what runs, the open update, estimate and costs."""
    parts: list[RenderableType] = []
    if shown["operation"]:
        parts += operation(shown["operation"])
    if shown["update"]:
        update = shown["update"]
        parts += _headed(
            _("Update {number}", number=update["number"]),
            [(_("text"), update["text"]), (_("state"), update_state_label(update["state"]))],
        )
    try:
        spec = session.works.spec(shown["id"])
    except Unknown:
        return parts
    rows = [
        (_("version"), str(spec["version"])),
        (_("template"), _template(spec["template"])),
        (_("estimate"), estimate_text(spec["estimate"])),
        (_("costs"), costs_text(session.works.costs(shown["id"]))),
    ]
    return parts + _headed(_("Spec"), rows)


def _template(template: Json) -> str:
    return " ".join(filter(None, (template["source"], template["tag"])))


def spec(shown: Json) -> list[RenderableType]:
    """One version of a spec with its estimate."""
    estimate = shown["estimate"]
    parts: list[RenderableType] = [
        facts(
            [
                (_("version"), str(shown["version"])),
                (_("template"), _template(shown["template"])),
                (_("brief"), shown["brief"]),
                (_("made by"), shown["made_by"]),
                (_("since"), moment(shown["made_at"], date=True)),
                (_("estimate"), estimate_text(estimate)),
            ]
        )
    ]
    if shown["answers"]:
        parts += _headed(_("Answers"), [(name, _answer(value)) for name, value in shown["answers"].items()])
    if shown["criteria"]:
        parts += ["", f"[bold]{_('What must hold at the end')}[/]"]
        parts += [f"  • {escape(text)}" for text in shown["criteria"]]
    if estimate and estimate["basis"]:
        parts += ["", f"[bold]{_('What the estimate stands on')}[/]"]
        parts += [f"  • {escape(text)}" for text in estimate["basis"]]
    return parts


def _answer(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)


def operations(rows: Sequence[Json]) -> Table:
    """The table of operations."""
    shown = table(_("id"), _("operation"), _("state"), _("attempt"), _("progress"), _("since"))
    for row in rows:
        tone = STATE_TONES.get(row["state"], "")
        state = escape(operation_state_label(row["state"]))
        failure = row["failure"]
        shown.add_row(
            row["id"],
            work_label(row["kind"]),
            f"[{tone}]{state}[/]" if tone else state,
            str(row["attempt"]),
            escape(said(failure["reason"]) if failure else progress_text(row)),
            moment(row["created_at"], date=True),
        )
    return shown


def releases(rows: Sequence[Json]) -> Table:
    """The table of releases."""
    shown = table(_("release"), _("state"), _("commit"), _("health"), _("since"), _("address"))
    for row in rows:
        shown.add_row(
            str(row["number"]),
            release_state_label(row["state"]),
            row["commit"][:COMMIT_SHOWN],
            health_label(row["health"]),
            moment(row["made_at"], date=True),
            escape(row["url"] or ""),
        )
    return shown


def updates(rows: Sequence[Json]) -> Table:
    """The table of updates."""
    shown = table(_("update"), _("state"), _("asked by"), _("since"), _("text"))
    for row in rows:
        text = " ".join(row["text"].split())
        shown.add_row(
            str(row["number"]),
            update_state_label(row["state"]),
            escape(row["asked_by"]),
            moment(row["asked_at"], date=True),
            escape(text if len(text) <= TEXT_SHOWN else text[: TEXT_SHOWN - 1] + "…"),
        )
    return shown


def log_text(row: Json) -> str:
    """A line of an operation's log, with Rich markup."""
    text = escape(" ".join(row["text"].split("\n")))
    return f"[dim]{moment(row['at'])}[/]  [bold]{escape(step_label(row['step'])):<20}[/] {text}"
