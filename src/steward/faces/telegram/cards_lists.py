"""Lists: projects, what waits for a word, incidents, and how the installation is."""

from __future__ import annotations

from typing import Final

from steward.app.filters import Filter
from steward.domain.chats import Button, PostState, Rendered
from steward.domain.people import Right
from steward.faces.lines import cause_label, organisation_state_label, status_label
from steward.faces.telegram.desk import Desk, Json, Row, card, press
from steward.faces.telegram.markup import Page, bold, code, cut, esc
from steward.faces.telegram.signs import SEVERITY, STATUS
from steward.faces.web.working import short_line
from steward.faces.words import _, counted, said

PAGE: Final = 10
"""Projects on a page of the list."""


def projects_card(desk: Desk) -> Rendered:
    """A page of the projects that match, ten at a time."""
    asked, words = max(int(desk.data.get("page") or 1), 1), str(desk.data.get("q") or "")
    found = _found(desk, Filter(q=words))
    pages = max(-(-len(found) // PAGE), 1)
    number = min(asked, pages)
    shown = found[(number - 1) * PAGE : number * PAGE]
    head = counted("{n} project", "{n} projects", len(found))
    about = _(" for «{words}»", words=words) if words else ""
    page = Page().lines(bold(f"📋 {head}{about}"))
    if not found:
        none = _("There is none yet. Write /new and tell what you would like to have.")
        page.lines(esc(_("None is called so. /projects shows all.") if words else none))
        return card(page)
    page.lines(*(_row(one) for one in shown))
    if pages > 1:
        page.lines(esc(_("Page {n} of {pages}", n=number, pages=pages)))
    return card(page, *_doors(shown), _turning(desk, number, pages))


def _found(desk: Desk, wanted: Filter) -> list[Json]:
    with desk.app.store.reading() as view:
        query = wanted.query(view, desk.by, desk.now)
    return desk.app.queries(desk.by).projects(query)


def _row(shown: Json) -> str:
    """One project in two lines: what it is called, and where it stands."""
    work = short_line(shown, paused=bool(shown["holds"]))
    held = "✋" if shown["holds"] else ""
    where = work or status_label(shown["status"])
    title = shown["title"] or shown["slug"]
    return f"{STATUS.get(shown['status'], '▫️')}{held} {bold(title, 80)}\n      {esc(where)} · {code(shown['slug'])}"


def _doors(shown: list[Json]) -> list[Row]:
    """A button for each, two in a row."""
    doors = [press(cut(one["slug"], 24), "p", "show", one["id"], one["version"]) for one in shown]
    return [tuple(doors[at : at + 2]) for at in range(0, len(doors), 2)]


def _turning(desk: Desk, number: int, pages: int) -> Row:
    ref, found = desk.chat.id, list[Button]()
    if number > 1:
        found.append(press(_("← Back"), "c", "page", ref, 0, str(number - 1)))
    if number < pages:
        found.append(press(_("Further →"), "c", "page", ref, 0, str(number + 1)))
    return tuple(found)


def waiting_card(desk: Desk) -> Rendered:
    """What waits for the word of whoever reads."""
    found = _found(desk, Filter(waiting=True))
    page = Page().lines(bold(_("👉 Your word is awaited")))
    if not found:
        page.lines(esc(_("Nothing waits for you. Good.")))
        return card(page)
    shown = found[:PAGE]
    page.listed("", map(_row, found), PAGE)
    return card(page, *_doors(shown))


def incidents_card(desk: Desk) -> Rendered:
    """What is wrong, the worst first; acknowledged and muted ones after."""
    groups = {one["group"]: one for one in desk.app.attention(desk.by).inbox()["groups"]}
    page = Page().lines(bold(_("Incidents")))
    heads = {
        "needs": _("Nobody looks after these yet"),
        "acknowledged": _("Somebody looks after these"),
        "muted": _("Muted"),
    }
    empty = True
    for group, head in heads.items():
        rows = groups[group]["incidents"] if group in groups else []
        empty = empty and not rows
        page.listed(bold(head), map(_incident, rows), 15)
    if empty:
        page.lines(f"🟢 {esc(_('All is well: nothing is open.'))}")
    return card(page)


def _incident(one: Json) -> str:
    about = one["project"] or one["organisation"] or ""
    return f"{SEVERITY.get(one['severity'], '🔴')} {esc(cause_label(one['cause']))} · {esc(about)} /incident_{one['id']}"


def status_card(desk: Desk) -> Rendered:
    """How Steward itself is: organisations and their looks, the rate limit, what could not be sent."""
    told = desk.app.queries(desk.by).sync_status()
    runs = told["running"] is not None
    page = Page().lines(
        f"{'🟢' if runs else '🔴'} {bold(_('Steward runs') if runs else _('Steward does not run'))}"
    )
    page.listed(bold(_("Organisations")), (_organisation(desk, one) for one in told["organisations"]), 20)
    page.lines(*_budget(told["budget"]))
    page.lines(*_posts(desk))
    counts = desk.app.board(desk.by).counts()
    waits = counted(
        "{n} waits for your word: /waiting", "{n} wait for your word: /waiting", counts["waiting"]
    )
    page.lines(
        esc(counted("{n} project", "{n} projects", counts["projects"])),
        esc(waits) if counts["waiting"] else "",
    )
    return card(page)


def _organisation(desk: Desk, one: Json) -> str:
    whole, state = one["last_whole_look"], organisation_state_label(one["state"])
    looked = (
        _("looked at {when}", when=desk.when(whole["finished_at"])) if whole else _("not looked at whole yet")
    )
    frozen = _("frozen") if one["frozen"] else ""
    why = said(one["reason"] or "")
    return f"{bold(one['login'])}: {esc(', '.join(filter(None, [state, why, looked, frozen])))}"


def _budget(budget: Json | None) -> list[str]:
    if not budget or budget.get("remaining") is None:
        return []
    left = _("{left} of {limit} left", left=budget["remaining"], limit=budget.get("limit") or "?")
    return [esc(_("GitHub's rate limit: {left}", left=left))]


def _posts(desk: Desk) -> list[str]:
    """Messages that could not be sent: whoever looks after the installation sees that, and why."""
    if not desk.may(Right.FREEZE):
        return []
    with desk.app.store.reading() as view:
        count = view.post_counts().get(PostState.FAILED, 0)
        failed = view.posts([PostState.FAILED], 3)
    if not count:
        return [f"✉️ {esc(_('Every message arrived.'))}"]
    head = counted("{n} message could not be sent", "{n} messages could not be sent", count)
    return [
        f"✉️ {bold(head)}",
        *(f"• {esc(desk.when(one.wanted_at))}: {esc(said(one.error))}" for one in failed),
    ]
