"""Cards of a talk: the brief so far, an update that is talked about, and which project is meant."""

from __future__ import annotations

from typing import Any, Final

from steward.app.errors import Unknown
from steward.domain.brief import ASKED_MAX
from steward.domain.chats import Rendered
from steward.domain.people import Right
from steward.domain.talks import Purpose, TalkState
from steward.faces.lines import status_label
from steward.faces.talk_words import problem_words
from steward.faces.telegram.desk import Desk, Json, Row, card, person, press
from steward.faces.telegram.markup import Page, bold, esc, italic, prose
from steward.faces.telegram.sentences import SENTENCES
from steward.faces.telegram.signs import STATUS
from steward.faces.words import _, label

CHOICES: Final = 8
"""Choices of a question that get a button; the others can be written."""


def brief_card(desk: Desk) -> Rendered | None:
    """The brief so far, what is asked next, and what may be done with it.

    A talk is of whoever began it. In a group that may be another person than who connected it: the talk goes on
    there before all, so its card is made as its own person may see it.
    """
    number = int(desk.data["talk"])
    with desk.app.store.reading() as view:
        talk = view.talk(number)
        by = person(view, talk.user) if talk is not None and talk.chat_id == desk.chat.id else desk.by
    return _talk_card(desk, desk.app.talks(by).show(number)) if by is not None else None


def update_card(desk: Desk) -> Rendered | None:
    """The same of a change of a project."""
    return brief_card(desk)


def talk_page(desk: Desk, talk: Json) -> Rendered:
    """A talk as its JSON view tells it."""
    return _talk_card(desk, talk)


def _talk_card(desk: Desk, talk: Json) -> Rendered:
    brief, is_update = talk["brief"], talk["purpose"] == Purpose.UPDATE
    page = Page().lines(*_heading(desk, talk))
    if talk["state"] != TalkState.OPEN:
        return card(page.lines(*_ended(desk, talk)))
    if not talk["waiting"] and not any(
        brief[part] for part in ("title", "goal", "users", "features", "out_of_scope")
    ):
        page.lines(esc(_("Tell me in your own words: what is it to do, and for whom?")))
    page.lines(
        bold(_("What is to change") if is_update else _("What it is for")) if brief["goal"] else "",
        prose(brief["goal"]),
    )
    page.lines(bold(_("Who uses it")) if brief["users"] else "", prose(brief["users"], 500))
    page.listed(bold(_("What it does")), (esc(one) for one in brief["features"]), 20)
    page.listed(bold(_("What it does not do")), (esc(one) for one in brief["out_of_scope"]), 10)
    page.listed(bold(_("Decided")), _answers(brief["answers"]), 10)
    asked = _asked(talk)
    open_ones = [one for one in brief["questions"] if one not in asked]
    page.listed(italic(_("Still open")), (esc(one) for one in open_ones), 5)
    page.lines(*_next(talk, asked))
    remark = talk.get("problem") or desk.data.get("note")
    page.lines(f"⚠️ {italic(problem_words(str(remark)), 500)}" if remark else "")
    path = f"/talks/{talk['id']}"
    page.lines(desk.open_line(path, _("Go on in the web")))
    return card(page, *_buttons(desk, talk), desk.open_button(path, _("Go on in the web")))


def _heading(desk: Desk, talk: Json) -> list[str]:
    title = talk["brief"]["title"]
    if talk["purpose"] != Purpose.UPDATE:
        return [f"💡 {bold(title) if title else bold(_('A new project'))}"]
    name = _project_name(desk, talk["project"])
    head = _("A change of {name}", name=name) if name else _("A change")
    return [f"🔁 {bold(head)}", bold(title) if title not in (name, talk["brief"]["goal"]) else ""]


def _project_name(desk: Desk, project: Any) -> str:
    if not project:
        return ""
    try:
        shown = desk.app.queries(desk.by).project(str(project))
    except Unknown:
        return ""
    return str(shown["title"] or shown["slug"])


def _ended(desk: Desk, talk: Json) -> list[str]:
    """What became of it."""
    if talk["state"] == TalkState.DROPPED:
        return [esc(_("This was put away. Write /new to begin again."))]
    done = _("Asked for.") if talk["purpose"] == Purpose.UPDATE else _("Ordered.")
    name = _project_name(desk, talk["project"])
    return [f"✅ {esc(done)} {esc(_('It goes on with «{name}».', name=name)) if name else ''}".rstrip()]


def _answers(answers: Json) -> list[str]:
    return [
        f"{esc(label('question', name.replace('_', ' ').capitalize()))}: {esc(value)}"
        for name, value in answers.items()
        if name not in ("title", "features") and value not in (None, "", [])
    ]


def _asked(talk: Json) -> list[str]:
    return [str(one["words"]) for one in talk["asked"][:ASKED_MAX]]


def _next(talk: Json, asked: list[str]) -> list[str]:
    """What is being done, or asked next, or that all is there."""
    if talk["waiting"]:
        return [f"💭 {esc(_('thinking…'))}"]
    if asked:
        return [f"❓ {bold(label('question', one), 500)}" for one in asked]
    if not talk["lacks"]:
        return [f"👍 {esc(_('That is enough to begin with. Add to it, or say yes.'))}"]
    return []


def _buttons(desk: Desk, talk: Json) -> list[Row]:
    ref, version, found = talk["id"], talk["version"], list[Row]()
    if not talk["waiting"]:
        found += _choices(talk)
        if talk["asked"]:
            found.append((press(_("Skip this question"), "t", "skip", ref, version),))
    if not talk["waiting"] and not talk["lacks"] and desk.may(Right.WRITE):
        update = talk["purpose"] == Purpose.UPDATE
        words = _("✅ Ask for it") if update else _("✅ Approve and order")
        found.append((press(words, "t", "ask" if update else "order", ref, version),))
    found.append(
        (press(_("✏️ Edit"), "t", "edit", ref, version), press(_("✖️ Put away"), "t", "drop", ref, version))
    )
    return found


def _choices(talk: Json) -> list[Row]:
    """A button for each choice, two in a row; they are counted through all that is asked."""
    found, place = list[Row](), 0
    for one in talk["asked"][:ASKED_MAX]:
        picks = [
            press(str(words), "t", "pick", talk["id"], talk["version"], str(place + number))
            for number, words in enumerate(one["choices"][:CHOICES])
        ]
        found += [tuple(picks[at : at + 2]) for at in range(0, len(picks), 2)]
        place += len(one["choices"])
    return found


def which_card(desk: Desk) -> Rendered:
    """Which project is meant: one button each, and one for something new."""
    words = SENTENCES.get(str(desk.data.get("text_key") or ""), SENTENCES["which_update"])
    page = Page().lines(f"🤔 {esc(words(**dict(desk.data.get('values') or {})))}")
    ref, found = desk.data.get("talk") or 0, list[Row]()
    for index, project_id in enumerate(desk.data["projects"]):
        try:
            shown = desk.app.queries(desk.by).project(str(project_id))
        except Unknown:
            continue
        name = f"{STATUS.get(shown['status'], '▫️')} {shown['title'] or shown['slug']}"
        page.lines(f"{esc(name)}, {esc(status_label(shown['status']))}")
        found.append((press(name, "t", "about", ref, 0, str(index)),))
    found.append((press(_("🆕 Something new"), "t", "about", ref, 0, "new"),))
    return card(page, *found)
