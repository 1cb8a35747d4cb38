"""«What is it doing now?», answered from the operation's own progress and log."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from steward.app.errors import Unknown
from steward.domain.chats import Rendered
from steward.domain.driving import NEXT
from steward.domain.operations import OPEN, Work
from steward.domain.status import Status
from steward.faces.lines import status_label, step_label, work_label
from steward.faces.telegram.cards_project import heading, live_lines, work_lines
from steward.faces.telegram.desk import Desk, Json, Row, card, press, project_path
from steward.faces.telegram.markup import Page, bold, esc, link, quoted
from steward.faces.telegram.signs import lasting
from steward.faces.words import _, said

LOG_SHOWN: Final = 6
_AFTER: Final = {
    Work.SPECIFY: Status.ESTIMATED,
    Work.PROVISION: Status.INITIALIZED,
    Work.DESIGN: Status.DESIGNED,
    Work.IMPLEMENT: Status.IMPLEMENTED,
    Work.VERIFY: Status.VERIFIED,
    Work.DEPLOY: Status.ACTIVE,
}


def now_card(desk: Desk) -> Rendered:
    """What runs: the step and since when, the attempt, the newest lines of its log, and what comes next."""
    shown = desk.app.queries(desk.by).project(str(desk.data["project"]))
    slug, works = shown["slug"], desk.app.works(desk.by)
    page = Page().lines(heading(shown))
    try:
        operation = works.operation(slug)
    except Unknown:
        operation = None
    if operation is None or operation["state"] not in OPEN:
        return _at_rest(desk, page, shown, operation)
    page.lines(*work_lines(operation), *_timing(desk, operation))
    log = works.log(slug, operation["id"])
    texts = [said(line["text"]) for line in log if line["attempt"] == operation["attempt"]]
    page.lines(bold(_("From its log")) if texts else "", quoted(texts[-LOG_SHOWN:]))
    if operation["pull"]:
        page.lines(link(_("The change on GitHub"), operation["pull"]))
    page.lines(*_ahead(operation))
    return card(
        page, (press(_("🔄 Look again"), "p", "now", shown["id"], shown["version"]),), *_board(desk, slug)
    )


def _board(desk: Desk, slug: str) -> list[Row]:
    return [desk.open_button(project_path(slug), _("Open on the board"))]


def _timing(desk: Desk, operation: Json) -> list[str]:
    begun = operation["started_at"]
    if begun is None:
        return []
    ran = lasting(desk.now - datetime.fromisoformat(begun))
    words = _("Since {when}, that is {length}.", when=desk.when(begun), length=ran)
    again = _("Attempt {n}.", n=operation["attempt"]) if operation["attempt"] > 1 else ""
    return [esc(f"{words} {again}")]


def _ahead(operation: Json) -> list[str]:
    """The steps that follow, and what follows the whole."""
    kind, steps = operation["kind"], operation["steps"]
    left = [step_label(step) for step in steps[operation["progress"]["number"] :]]
    lines = [esc(_("Then: {steps}.", steps=", ".join(left)))] if left else []
    after = _AFTER.get(Work(kind)) if kind in set(Work) else None
    if after is None:
        return lines
    following = NEXT.get(after)
    end = _("After that it is «{status}».", status=status_label(after))
    on = _("Next comes «{work}».", work=work_label(following)) if following else ""
    return [*lines, esc(f"{end} {on}")]


def _at_rest(desk: Desk, page: Page, shown: Json, operation: Json | None) -> Rendered:
    """Nothing runs: since when, and what the last one came to."""
    status, since = status_label(shown["status"]), desk.when(shown["since"])
    page.lines(esc(_("Nothing runs now. It is «{status}» since {when}.", status=status, when=since)))
    if operation is not None:
        page.lines(*work_lines(operation))
        if operation["finished_at"]:
            page.lines(esc(_("That ended {when}.", when=desk.when(operation["finished_at"]))))
    page.lines(*live_lines(shown["live"]))
    return card(page, (press(_("Show the project"), "p", "show", shown["id"], shown["version"]),))
