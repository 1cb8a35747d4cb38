"""Cards of a project: the living one, the gates, what went live, and what is asked before it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from steward.domain.chats import Button, ChatKind, Rendered
from steward.domain.hands import Reason
from steward.domain.operations import OPEN, OperationState, Work
from steward.domain.people import Right
from steward.domain.project import Management
from steward.domain.status import BEFORE_REPOSITORY, Status, Trigger
from steward.faces.held import held_words
from steward.faces.lines import (
    cause_label,
    health_label,
    operation_state_label,
    phase_label,
    status_label,
    step_label,
    work_label,
)
from steward.faces.telegram.desk import Desk, Json, Row, card, press, project_path
from steward.faces.telegram.markup import Page, bold, code, esc, is_web, link, prose
from steward.faces.telegram.signs import OPERATION, SEVERITY, STATUS, bar, money
from steward.faces.web.working import may_retry
from steward.faces.words import _, counted, said

T = Trigger
_UNPAUSED: Final = (*BEFORE_REPOSITORY, Status.SETUP_REQUIRED, Status.MISSING, Status.ARCHIVED)
_ROUTINE: Final = (Status.INITIALIZED, Status.DESIGNED, Status.IMPLEMENTED)


def heading(shown: Mapping[str, Any], sign: str = "") -> str:
    """A project's first line: its sign, its title, its short name where that is another one."""
    title, slug = shown["title"] or shown["slug"], shown["slug"]
    known = [bold(title, 160), code(slug) if title != slug else "", esc(shown["organisation"] or "")]
    return f"{sign or STATUS.get(shown['status'], '▫️')} {' · '.join(filter(None, known))}"


def running(shown: Mapping[str, Any]) -> bool:
    """Whether an operation is open."""
    return shown["operation"] is not None and shown["operation"]["state"] in OPEN


def work_lines(operation: Json | None) -> list[str]:
    """What runs, or what the last one came to: the step in words, how far, and the sentence about now."""
    if operation is None:
        return []
    work, progress, state = work_label(operation["kind"]), operation["progress"], operation["state"]
    head = f"{OPERATION.get(state, '▫️')} <b>{esc(work)}</b>"
    if state == OperationState.QUEUED or (state in OPEN and not progress["number"]):
        return [f"{head}: {esc(_('starts soon'))}"]
    if state in OPEN:
        far = _("step {n} of {total}", n=progress["number"], total=progress["total"])
        step = step_label(progress["step"] or "")
        waits = f", {operation_state_label(state)}" if state == OperationState.WAITING else ""
        return [
            f"{head}: {esc(far)}, «{esc(step)}»{esc(waits)}",
            bar(progress["number"], progress["total"]),
            esc(said(progress["text"])),
        ]
    failure = operation["failure"]
    why = [esc(said(failure["reason"])), _advice(failure)] if failure else []
    return [f"{head}: {esc(operation_state_label(state))}", *why]


def _advice(failure: Json) -> str:
    return f"💡 {esc(said(failure['advice']))}" if failure["advice"] else ""


def live_lines(live: Json | None) -> list[str]:
    """What serves now: its number, how it is, its address."""
    if live is None:
        return []
    number, health = live.get("release"), str(live.get("health") or "unknown")
    what = _("Release {n} is live", n=number) if number else _("It is live")
    how = f" ({health_label(health)})" if health != "unknown" else ""
    return [f"🌐 {esc(what + how)}", link(live["url"], live["url"]) if live.get("url") else ""]


def costs_line(desk: Desk, slug: str) -> str:
    """What its agents cost so far, and of how much."""
    costs = desk.app.works(desk.by).costs(slug)
    if not costs["runs"] and not costs["budget_usd"]:
        return ""
    spent = money(costs["spent_usd"])
    if costs["budget_usd"]:
        return "💵 " + esc(_("Spent {spent} of {budget}", spent=spent, budget=money(costs["budget_usd"])))
    return "💵 " + esc(_("Spent {spent}", spent=spent))


def project_card(desk: Desk) -> Rendered:
    """The living card: all that matters about a project now, with what may be done about it."""
    shown = desk.app.queries(desk.by).project(str(desk.data["project"]))
    slug = shown["slug"]
    since = _("since {when}", when=desk.when(shown["since"]))
    update = shown["update"]
    page = Page().lines(heading(shown))
    page.lines(
        f"<b>{esc(status_label(shown['status']))}</b>, {esc(since)}",
        esc(_("Phase: {phase}", phase=phase_label(shown["phase"]))),
        *_waits_for(shown),
    )
    page.lines(*work_lines(shown["operation"]))
    if update is not None:
        page.lines(f"🔁 {esc(_('Update {n}:', n=update['number']))} {esc(update['text'])}")
    page.lines(*live_lines(shown["live"]))
    page.lines(*(f"✋ {esc(held_words(hold))}" for hold in shown["holds"][:3]))
    open_ones = [one for one in shown["incidents"] if one["state"] != "resolved"]
    page.listed(
        bold(counted("{n} incident", "{n} incidents", len(open_ones))),
        (f"{SEVERITY.get(i['severity'], '🔴')} {esc(_short(i))} /incident_{i['id']}" for i in open_ones),
        3,
    )
    page.lines(costs_line(desk, slug), desk.open_line(project_path(slug), _("Open on the board")))
    return card(page, *gate_rows(desk, shown), *_work_rows(desk, shown), desk.open_button(*_board(slug)))


def _short(incident: Json) -> str:
    return cause_label(incident["cause"])


def _board(slug: str) -> tuple[str, str]:
    return project_path(slug), _("Open on the board")


def _waits_for(shown: Json) -> list[str]:
    """Whose word it waits for, where it does."""
    if running(shown) or shown["status"] not in _WAITING:
        return []
    return [f"👉 {esc(_WAITING[shown['status']]())}"]


_WAITING: Final[dict[str, Callable[[], str]]] = {
    Status.DRAFT: lambda: _("Waits for an approver to say yes to the brief."),
    Status.ESTIMATED: lambda: _("Waits for an approver to confirm the estimate."),
    Status.SETUP_REQUIRED: lambda: _("Waits to be set up and adopted."),
    Status.VERIFIED: lambda: _("Tested. Waits to go live."),
    Status.MAINTENANCE: lambda: _("Waits for a word on how the update is built."),
    Status.ERROR: lambda: _("Stopped. A person has to say how it goes on."),
}


def is_own(desk: Desk, shown: Json) -> bool:
    """Whether whoever reads has ordered it, where another must approve that."""
    if not desk.app.policy.four_eyes or desk.chat.kind is not ChatKind.PRIVATE:
        return False
    with desk.app.store.reading() as view:
        return view.orderer(shown["id"]) == desk.by.actor


def gate_rows(desk: Desk, shown: Json) -> list[Row]:
    """The words that lead on and that may be given now; what is refused is not offered."""
    if running(shown):
        return []
    ref, version = shown["id"], shown["version"]
    free = {Trigger(one["trigger"]) for one in shown["actions"] if not one["refused"]}
    if is_own(desk, shown):
        free -= {T.APPROVED, T.CONFIRMED}
    words: list[tuple[Trigger, Callable[[], str], str, str]] = [
        (T.APPROVED, lambda: _("✅ Approve the brief"), "approve", ""),
        (T.CONFIRMED, lambda: _("✅ Confirm…"), "confirm", ""),
        (T.NEW_SPEC, lambda: _("✅ Design it first"), "approve", T.NEW_SPEC),
        (T.SMALL_CHANGE, lambda: _("✅ Build it at once"), "approve", T.SMALL_CHANGE),
        (T.ADOPTED, lambda: _("✅ Adopt it"), "approve", T.ADOPTED),
    ]
    if shown["status"] not in _ROUTINE:
        words.append((T.STARTED, lambda: _("✅ Go live"), "approve", T.STARTED))
    leading = [
        press(say(), "p", verb, ref, version, arg) for trigger, say, verb, arg in words if trigger in free
    ]
    second: list[Button] = []
    if T.REVISED in free or (shown["status"] == Status.DRAFT and T.CANCELLED in free):
        second.append(press(_("✏️ Change"), "p", "change", ref, version))
    if T.CANCELLED in free and shown["status"] in (Status.DRAFT, Status.ESTIMATED):
        second.append(press(_("✖️ Reject"), "p", "reject", ref, version))
    return [tuple(leading), tuple(second)]


def _work_rows(desk: Desk, shown: Json) -> list[Row]:
    ref, version = shown["id"], shown["version"]
    free = {one["trigger"] for one in shown["actions"] if not one["refused"]}
    first, second = [], []
    if shown["operation"] is not None:
        words = _("🔎 What is it doing now?") if running(shown) else _("🔎 What happened?")
        first.append(press(words, "p", "now", ref, version))
    may_write = any(one["reason"] != "role" for one in shown["actions"])
    if may_write and may_retry(shown):
        first.append(press(_("🔄 Retry"), "p", "retry", ref, version))
    if T.UPDATE_REQUESTED in free:
        second.append(press(_("➕ Update"), "p", "update", ref, version))
    if may_write and any(hold["id"] is not None for hold in shown["holds"]):
        second.append(press(_("▶️ Resume"), "p", "resume", ref, version))
    elif may_write and shown["management"] == Management.DRIVE and shown["status"] not in _UNPAUSED:
        second.append(press(_("⏸ Pause"), "p", "pause", ref, version))
    if shown["live"] is not None and earlier(desk, shown["slug"]) and _approves(desk):
        second.append(press(_("↩️ Roll back"), "p", "rollback", ref, version))
    return [tuple(first), tuple(second)]


def _approves(desk: Desk) -> bool:
    return desk.by.may_somewhere(Right.APPROVE)


def earlier(desk: Desk, slug: str) -> Json | None:
    """The release that a rollback would put live again; None where there is none."""
    found = desk.app.works(desk.by).releases(slug)
    return next((one for one in found if one["state"] == "superseded"), None)


def gate_card(desk: Desk) -> Rendered | None:
    """That a project waits for a person's word: what is asked, and what follows from yes.

    One that was settled before it was ever shown is not shown at all.
    """
    shown = desk.app.queries(desk.by).project(str(desk.data["project"]))
    found = gate_rows(desk, shown)
    head = _("Your word is needed") if any(found) else _("An approver's word is needed")
    page = Page().lines(f"🔔 {bold(head)}", heading(shown))
    status = desk.data.get("status") or shown["status"]
    if shown["status"] != status or not gate_is_open(shown):
        if desk.post.message_id is None:
            return None
        return card(Page().lines(heading(shown)).lines(settled_line()))
    page.lines(*_waits_for(shown))
    spec = newest_spec(desk, shown["slug"])
    if spec is not None and shown["status"] == Status.DRAFT:
        page.lines(bold(_("Brief")), prose(spec["brief"]))
        page.listed(bold(_("It must hold that:")), (esc(one) for one in spec["criteria"]), 10)
    if shown["update"] is not None:
        page.lines(bold(_("The update")), prose(shown["update"]["text"]))
    page.lines(*live_lines(shown["live"]))
    if not any(found):
        page.lines(esc(_("You will see here when they did.")))
    page.lines(desk.open_line(*_board(shown["slug"])))
    return card(page, *found, desk.open_button(*_board(shown["slug"])))


def settled_line() -> str:
    """That a question is closed. It says no more, so that it need not be edited again with every step that follows."""
    return f"✔️ {esc(_('This is settled. The card of the project shows how it goes on.'))}"


def gate_is_open(shown: Json) -> bool:
    """Whether a person's word would lead on."""
    return shown["status"] in _WAITING and not running(shown)


def newest_spec(desk: Desk, slug: str) -> Json | None:
    """The newest version of its spec; None where it has none."""
    found = desk.app.works(desk.by).specs(slug)
    return found[-1] if found else None


def live_card(desk: Desk) -> Rendered | None:
    """That a release is live, and where."""
    shown = desk.app.queries(desk.by).project(str(desk.data["project"]))
    number = int(desk.data["release"])
    found = desk.app.works(desk.by).releases(shown["slug"])
    release = next((one for one in found if one["number"] == number), None)
    if release is None:
        return None
    page = Page().lines(heading(shown, "🎉"))
    page.lines(esc(_("Release {n} went live on {when}.", n=number, when=desk.when(release["made_at"]))))
    if release["url"] and is_web(release["url"]):
        page.lines(f"👉 {link(release['url'], release['url'])}")
    if release["state"] != "live":
        page.lines(esc(_("It does not serve any more: another release took its place.")))
        return card(page)
    page.lines(esc(_("Look at it. What should be different, simply write here.")))
    ref, version = shown["id"], shown["version"]
    beside = [press(_("➕ Update"), "p", "update", ref, version)]
    if earlier(desk, shown["slug"]) and _approves(desk):
        beside.append(press(_("↩️ Roll back"), "p", "rollback", ref, version))
    return card(page, tuple(beside))


def closed(page: Page, shown: Json, *lines: str) -> Rendered:
    """A question that cannot be answered any more: what became of it, and the way to the project."""
    page.lines(*lines)
    return card(page, (press(_("Show the project"), "p", "show", shown["id"], shown["version"]),))


def changed_line() -> str:
    """That a question is closed since the project is another one now."""
    return esc(_("The project has changed meanwhile, so this question is closed."))


def rollback_card(desk: Desk) -> Rendered:
    """Asks before an earlier release is put live again."""
    shown = desk.app.queries(desk.by).project(str(desk.data["project"]))
    target, page = earlier(desk, shown["slug"]), Page().lines(heading(shown, "↩️"))
    if running(shown) and shown["operation"]["kind"] == Work.ROLLBACK:
        return closed(page, shown, *work_lines(shown["operation"]))
    if shown["version"] != int(desk.data["version"]) or target is None:
        return closed(page, shown, changed_line())
    made = desk.when(target["made_at"])
    page.lines(esc(_("Roll back to release {n} of {when}?", n=target["number"], when=made)))
    page.lines(*live_lines(shown["live"]))
    page.lines(
        esc(_("Visitors will see the earlier release in a few minutes. Nothing is deleted; the data stays."))
    )
    yes = press(_("↩️ Yes, roll back"), "p", "back", shown["id"], shown["version"])
    no = press(_("Leave it as it is"), "p", "show", shown["id"], shown["version"])
    return card(page, (yes,), (no,))


def pause_card(desk: Desk) -> Rendered:
    """Asks before automation stops touching a project."""
    shown = desk.app.queries(desk.by).project(str(desk.data["project"]))
    page = Page().lines(heading(shown, "⏸"))
    paused = next((hold for hold in shown["holds"] if hold["kind"] == Reason.PAUSED), None)
    if paused is not None:
        return closed(page, shown, f"✋ {esc(held_words(paused))}")
    if shown["version"] != int(desk.data["version"]):
        return closed(page, shown, changed_line())
    page.lines(bold(_("Pause the project?")))
    page.lines(*work_lines(shown["operation"]) if running(shown) else ())
    page.lines(
        esc(_("Steward will touch nothing of it until somebody says «resume». What is live stays live."))
    )
    yes = press(_("⏸ Yes, pause"), "p", "pause", shown["id"], shown["version"], "yes")
    no = press(_("Let it go on"), "p", "show", shown["id"], shown["version"])
    return card(page, (yes,), (no,))
