"""The estimate of a spec, and the question that is asked a second time before anything is created."""

from __future__ import annotations

from typing import Any, Final

from steward.app.errors import Unknown
from steward.domain.chats import Rendered
from steward.domain.status import Status
from steward.faces.telegram.cards_project import (
    changed_line,
    closed,
    gate_rows,
    heading,
    running,
    settled_line,
)
from steward.faces.telegram.desk import Desk, Json, Row, card, press, project_path
from steward.faces.telegram.markup import Page, bold, code, esc, italic, prose
from steward.faces.telegram.signs import hours, money, number
from steward.faces.web.spec_form import answer_text, differences
from steward.faces.web.working import basis_words
from steward.faces.words import _, label, said

ASKED: Final = "user_secret"
"""The source of a value that a person has to give."""


def estimate_card(desk: Desk) -> Rendered | None:
    """What is to be made, what it will cost and take, what that stands on, and what changed since the last version."""
    shown = desk.app.queries(desk.by).project(str(desk.data["project"]))
    try:
        spec = desk.app.works(desk.by).spec(shown["slug"], int(desk.data["spec"]))
    except Unknown:
        return None
    page = Page().lines(heading(shown, "🧮"), *_sums(spec["estimate"]))
    page.lines(bold(_("What it will be")), prose(spec["brief"], 700))
    page.listed("", _answers(spec["answers"]), 8)
    page.listed(bold(_("It is done when")), (esc(one) for one in spec["criteria"]), 12)
    page.lines(*_environment(spec["environment"]))
    page.listed(bold(_("Changed since version {n}", n=spec["version"] - 1)), _changes(desk, shown, spec), 8)
    page.listed(italic(_("What the estimate stands on")), _basis(spec["estimate"]), 6)
    state, buttons = _standing(desk, shown, spec, _newest(desk, shown["slug"]))
    page.lines(state, desk.open_line(_path(shown), _("The whole spec")))
    return card(page, *buttons, desk.open_button(_path(shown), _("The whole spec")))


def _path(shown: Json) -> str:
    return f"{project_path(shown['slug'])}/spec"


def _newest(desk: Desk, slug: str) -> int:
    return int(desk.app.works(desk.by).spec(slug)["version"])


def _sums(estimate: Json | None) -> list[str]:
    if estimate is None:
        return [esc(_("The estimate is being made…"))]
    low, high = number(estimate["low_hours"]), hours(estimate["high_hours"])
    days = _("about {n} days", n=number(estimate["duration_days"]))
    span = _("from {low} to {high}", low=low, high=high)
    return [
        f"💵 {bold(_('about {sum}', sum=money(estimate['cost_usd'])))}",
        f"⏱ {esc(_('{hours} of work', hours=hours(estimate['effort_hours'])))} ({esc(span)})",
        f"📅 {esc(_('ready in {days}', days=days))}",
    ]


def _answers(answers: Json) -> list[str]:
    named = (
        (label("question", name.replace("_", " ").capitalize()), value) for name, value in answers.items()
    )
    return [f"{esc(name)}: {esc(one_line(value), 500)}" for name, value in named if answer_text(value)]


def one_line(value: Any) -> str:
    """An answer in one line; one of several lines with semicolons."""
    return "; ".join(filter(None, map(str.strip, answer_text(value).splitlines())))


def _environment(environment: Json) -> list[str]:
    """Which values a person will be asked for, and which are made by themselves."""
    asked = [name for name, source in environment.items() if source == ASKED]
    made = len(environment) - len(asked)
    if not environment:
        return []
    lines = [bold(_("What it needs to run"))]
    if asked:
        lines.append(f"🔑 {esc(_('You will be asked for:'))} {', '.join(map(code, asked[:12]))}")
    else:
        lines.append(esc(_("Nothing is asked of you: all values are made by themselves.")))
    if asked and made:
        lines.append(esc(_("The other values are made by themselves.")))
    return lines


def _changes(desk: Desk, shown: Json, spec: Json) -> list[str]:
    if spec["version"] < 2:
        return []
    older = desk.app.works(desk.by).spec(shown["slug"], spec["version"] - 1)
    lines = []
    for change in differences(older, spec):
        what = change["what"]
        name = (
            label("question", what[7:].replace("_", " ").capitalize())
            if what.startswith("answer ")
            else label("spec", what)
        )
        out = f"<s>{esc(said(one_line(change['out'])), 150)}</s>" if change["out"].strip() else ""
        put = bold(said(one_line(change["in"])), 150)
        lines.append(f"{esc(name[:1].upper() + name[1:])}: {' → '.join(filter(None, [out, put]))}")
    return lines


def _basis(estimate: Json | None) -> list[str]:
    return [esc(basis_words(line)) for line in estimate["basis"]] if estimate else []


def _standing(desk: Desk, shown: Json, spec: Json, newest: int) -> tuple[str, list[Row]]:
    """Whether it can be confirmed, and by whom; what became of it where it is over."""
    if spec["version"] != newest:
        return esc(_("This version is out of date: there is version {n}.", n=newest)), []
    if shown["status"] != Status.ESTIMATED or running(shown):
        return settled_line(), []
    found = gate_rows(desk, shown)
    if not any(button.data.startswith("p:confirm") for row in found for button in row):
        return f"👉 {esc(_('An approver has to confirm it; you will see here when they did.'))}", found
    return f"👉 {esc(_('Nothing is created yet. Confirm, and the work begins.'))}", found


def sure_card(desk: Desk) -> Rendered:
    """Asks a second time: what yes creates, and that it cannot simply be undone."""
    shown = desk.app.queries(desk.by).project(str(desk.data["project"]))
    ref, version = shown["id"], shown["version"]
    page = Page().lines(heading(shown, "❗️"))
    if shown["status"] != Status.ESTIMATED:
        return closed(page, shown, settled_line())
    if version != int(desk.data["version"]):
        return closed(page, shown, changed_line())
    budget = desk.app.policy.budget_usd
    spent = (
        _("The agents may spend {budget} in all; then they stop and ask.", budget=money(budget))
        if budget
        else _("The agents have no spending limit.")
    )
    where = f"{shown['organisation']}/{shown['slug']}"
    page.lines(bold(_("Are you sure? Here is what will be created:")))
    page.listed(
        "",
        (
            f"{esc(_('a private repository on GitHub:'))} {code(where)}",
            esc(_("a site that Steward builds there, and puts live when it passes its tests")),
            esc(spent),
        ),
    )
    page.lines(
        esc(_("This cannot simply be undone: a repository on GitHub stays until somebody deletes it there."))
    )
    yes = press(_("✅ Yes, create it"), "p", "sure", ref, version)
    no = press(_("Back"), "p", "show", ref, version)
    return card(page, (yes,), (no,))
