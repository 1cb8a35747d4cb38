"""What the buttons about projects do: the words at gates, pause, rollback, and what is shown or asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from steward.app.errors import Forbidden, Unknown
from steward.domain.hands import Exit
from steward.domain.lifecycle import Refused
from steward.domain.people import Right
from steward.domain.status import Trigger
from steward.faces.telegram.hand import Hand
from steward.faces.words import _

_APPROVING: Final = frozenset(
    {Trigger.APPROVED, Trigger.NEW_SPEC, Trigger.SMALL_CHANGE, Trigger.STARTED, Trigger.ADOPTED}
)
"""What the button that says yes may stand for."""


def _approve(hand: Hand) -> str:
    arg = hand.press.arg or Trigger.APPROVED
    if arg not in _APPROVING:
        raise Unknown("project", hand.ref)
    trigger = Trigger(arg)
    if trigger is Trigger.ADOPTED:
        hand.app.setup(hand.by, hand.press.version).adopt(hand.ref)
    else:
        hand.app.commands(hand.by, hand.press.version).ask(hand.ref, trigger)
    hand.again()
    return _("Approved. I tell you how it goes.")


def _confirm(hand: Hand) -> str:
    shown = hand.project()
    action = next((one for one in shown["actions"] if one["trigger"] == Trigger.CONFIRMED), None)
    if action is None or action["refused"]:
        words = action["refused"] if action else _("there is nothing to confirm any more")
        raise Refused(action["reason"] or "edge" if action else "edge", words)
    key = f"sure:{shown['id']}:{shown['version']}"
    hand.want(key, "sure", below=True, project=shown["id"], version=shown["version"])
    return _("Please read what will be created, and say it once more.")


def _sure(hand: Hand) -> str:
    hand.app.commands(hand.by, hand.press.version).ask(hand.ref, Trigger.CONFIRMED)
    hand.again()
    return _("Confirmed: the work begins.")


def _reject(hand: Hand) -> str:
    hand.app.commands(hand.by, hand.press.version).ask(hand.ref, Trigger.CANCELLED)
    hand.again()
    return _("Rejected: nothing was created. It can be reopened on the board.")


def _change(hand: Hand) -> str:
    shown = hand.project()
    then = {"do": "change", "project": shown["id"], "version": shown["version"]}
    hand.ask("tell_change", then, title=shown["title"] or shown["slug"])
    return ""


def _update(hand: Hand) -> str:
    shown = hand.app.queries(hand.by).project(hand.ref)
    hand.ask("tell_update", {"do": "update", "project": shown["id"]}, title=shown["title"] or shown["slug"])
    return ""


def _pause(hand: Hand) -> str:
    if hand.press.arg == "yes":
        hand.app.hands(hand.by, hand.press.version).pause(hand.ref)
        hand.again()
        return _("Paused. Nothing goes on until somebody resumes it.")
    # It is only asked here: what is answered to that is held against the version.
    shown = hand.app.queries(hand.by).project(hand.ref)
    key = f"pause:{shown['id']}:{shown['version']}"
    hand.want(key, "pause", below=True, project=shown["id"], version=shown["version"])
    return ""


def _resume(hand: Hand) -> str:
    hand.app.hands(hand.by, hand.press.version).leave(hand.ref, Exit.RESUME)
    hand.again()
    return _("It goes on.")


def _rollback(hand: Hand) -> str:
    shown = hand.app.queries(hand.by).project(hand.ref)
    if not hand.by.may_somewhere(Right.APPROVE):
        raise Forbidden(Right.APPROVE, hand.by.actor)
    key = f"rollback:{shown['id']}:{shown['version']}"
    hand.want(key, "rollback", below=True, project=shown["id"], version=shown["version"])
    return ""


def _back(hand: Hand) -> str:
    hand.app.commands(hand.by, hand.press.version).rollback(hand.ref)
    hand.again()
    return _("The earlier release is being put live again.")


def _now(hand: Hand) -> str:
    shown = hand.app.queries(hand.by).project(hand.ref)
    if hand.post is not None and hand.post.kind == "now":
        hand.again()
        return _("Looked again.")
    hand.want(f"now:{shown['id']}", "now", below=True, project=shown["id"])
    return ""


def _show(hand: Hand) -> str:
    shown = hand.app.queries(hand.by).project(hand.ref)
    hand.want(f"project:{shown['id']}", "project", below=True, project=shown["id"])
    return ""


def _retry(hand: Hand) -> str:
    hand.app.commands(hand.by, hand.press.version).retry(hand.ref)
    hand.again()
    return _("It is tried once more.")


ACTS: Final[dict[tuple[str, str], Callable[[Hand], str]]] = {
    ("p", "approve"): _approve,
    ("p", "confirm"): _confirm,
    ("p", "sure"): _sure,
    ("p", "reject"): _reject,
    ("p", "change"): _change,
    ("p", "update"): _update,
    ("p", "pause"): _pause,
    ("p", "resume"): _resume,
    ("p", "rollback"): _rollback,
    ("p", "back"): _back,
    ("p", "now"): _now,
    ("p", "show"): _show,
    ("p", "retry"): _retry,
}
"""The buttons about projects, by room and verb."""
