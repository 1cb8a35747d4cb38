"""Buttons: whoever presses is known and asked for their rights anew; what a button was drawn for must still be so.

Each answer is a few words above the chat. A press that comes too late acts on nothing: it is explained, and the card is
drawn again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from steward.app.application import Application
from steward.app.errors import Stale, Unknown
from steward.domain.chats import unpack
from steward.domain.talks import Purpose
from steward.faces.telegram import pressing_projects
from steward.faces.telegram.arrived import Pressed
from steward.faces.telegram.hand import Hand, Told
from steward.faces.telegram.refusing import explained, is_refusal, toast
from steward.faces.words import _, speaking


def press(app: Application, pressed: Pressed) -> Told:
    """Do what a button asks for, if that may be; what the presser is told. Raises StoreUnavailable."""
    by = app.callers.principal(pressed.account)
    if by is None:
        return Told()
    own = app.callers.chat(pressed.account)
    with speaking(own.lang if own is not None else pressed.lang):
        carried = unpack(pressed.data)
        act = _ACTS.get((carried.room, carried.verb)) if carried is not None else None
        if carried is None or act is None or pressed.chat_id is None:
            return Told(toast(_("I do not know this button. Send /help to see what I can do.")), alert=True)
        shown = pressed.message_id
        post = app.callers.shown(pressed.chat_id, shown) if shown is not None else None
        hand = Hand(app, pressed, carried, by, pressed.chat_id, post)
        return _done(hand, act)


def _done(hand: Hand, act: Callable[[Hand], str]) -> Told:
    try:
        words = act(hand)
    except Exception as error:
        if not is_refusal(error):
            raise
        hand.again()
        return Told(toast(_refusal(hand, error)), alert=True)
    return Told(toast(words))


def _refusal(hand: Hand, error: Exception) -> str:
    if isinstance(error, Stale):
        return _(
            "This button is out of date: somebody changed it meanwhile. Look at the card again, then decide."
        )
    if isinstance(error, Unknown) and hand.press.room == "t":
        return _("Only the person who talks here can press that, and only while the talk goes on.")
    if isinstance(error, Unknown):
        return _("That is not here any more, or not for you to see.")
    return explained(error)


# Incidents ---------------------------------------------------------------------------------------------------


def _acknowledge(hand: Hand) -> str:
    before = hand.app.queries(hand.by).incident(hand.number)
    hand.app.attending(hand.by).acknowledge(hand.number)
    hand.again()
    if before["state"] == "acknowledged":
        return _("Somebody looks after it already.")
    return _("Acknowledged: others see that you look after it.")


def _mute_incident(hand: Hand) -> str:
    hand.app.attending(hand.by).mute(hand.number, _seconds(hand.press.arg))
    hand.again()
    return _("Muted.")


def _unmute(hand: Hand) -> str:
    hand.app.attending(hand.by).unmute(hand.number)
    hand.again()
    return _("You hear of it again.")


def _resolve(hand: Hand) -> str:
    hand.app.attending(hand.by).resolve(hand.number)
    hand.again()
    return _("Resolved: accepted as it is.")


# Talks -------------------------------------------------------------------------------------------------------


def _order(hand: Hand) -> str:
    hand.app.talks(hand.by).order(hand.number, hand.press.version)
    hand.again()
    return _("Ordered. The estimate comes next.")


def _ask(hand: Hand) -> str:
    hand.app.talks(hand.by).ask(hand.number, hand.press.version)
    hand.again()
    return _("Asked for. I tell you how it goes.")


def _edit(hand: Hand) -> str:
    talk = hand.app.talks(hand.by).show(hand.number)
    if talk["state"] != "open":
        raise Unknown("talk", hand.ref)
    hand.ask("ask_edit", {"do": "say", "talk": hand.number})
    return ""


def _drop(hand: Hand) -> str:
    hand.app.talks(hand.by).drop(hand.number, hand.press.version)
    hand.again()
    return _("Put away. Nothing was ordered.")


def _skip(hand: Hand) -> str:
    hand.app.talks(hand.by).skip(hand.number, hand.press.version)
    hand.again()
    return _("Left open.")


def _pick(hand: Hand) -> str:
    if not hand.press.arg.isascii() or not hand.press.arg.isdigit():
        raise Unknown("talk", hand.ref)
    hand.app.talks(hand.by).pick(hand.number, hand.press.version, int(hand.press.arg[:4]))
    hand.again()
    return ""


def _about(hand: Hand) -> str:
    """Which project was meant: the words that waited for it go into a talk of its own."""
    post = hand.post
    if post is None or post.kind != "which" or not post.data.get("text"):
        raise Unknown("talk", hand.ref)
    if post.data.get("user") not in (None, hand.user.name):
        raise Unknown("talk", hand.ref)
    project = _chosen(list(post.data["projects"]), hand.press.arg)
    talks, key = hand.app.talks(hand.by), str(post.data["key"])
    talk = talks.open(
        key,
        purpose=Purpose.UPDATE if project else Purpose.NEW,
        project=project,
        chat_id=hand.chat_id,
        thread_id=hand.pressed.thread_id,
    )
    talks.say(talk["id"], key, str(post.data["text"]), forwarded=bool(post.data.get("forwarded")))
    shown = hand.app.queries(hand.by).project(project) if project else None
    title = (shown["title"] or shown["slug"]) if shown else ""
    hand.want(post.key, "said", text_key="meant", values={"title": title})
    return ""


def _chosen(projects: list[str], arg: str) -> str | None:
    """The project that is chosen, by its place or the beginning of its id; None for a new one."""
    if arg in ("", "new"):
        return None
    if len(arg) <= 2 and arg.isascii() and arg.isdigit() and int(arg) < len(projects):
        return projects[int(arg)]
    for project in projects:
        if len(arg) > 2 and project.startswith(arg):
            return project
    raise Unknown("project", arg)


# The chat itself ---------------------------------------------------------------------------------------------


def _lang(hand: Hand) -> str:
    hand.app.chats(hand.by).prefer(hand.chat_id, lang=hand.press.arg)
    hand.again()
    with speaking(hand.press.arg):
        return _("I speak English here from now on.")


def _mute(hand: Hand) -> str:
    seconds = _seconds(hand.press.arg or "0")
    hand.app.chats(hand.by).mute(hand.chat_id, seconds)
    hand.again()
    return _("I am quiet for that long.") if seconds else _("I tell you everything again.")


def _page(hand: Hand) -> str:
    post, arg = hand.post, hand.press.arg
    if post is None or not arg.isascii() or not arg.isdigit():
        raise Unknown("chat", hand.ref)
    hand.want(post.key, post.kind, **{**post.data, "page": int(arg[:6])})
    return ""


def _seconds(arg: str) -> float:
    if not arg.isascii() or not arg.isdigit() or len(arg) > 9:
        raise Unknown("chat", arg)
    return float(arg)


_ACTS: Final[dict[tuple[str, str], Callable[[Hand], str]]] = {
    **pressing_projects.ACTS,
    ("i", "ack"): _acknowledge,
    ("i", "mute"): _mute_incident,
    ("i", "unmute"): _unmute,
    ("i", "resolve"): _resolve,
    ("t", "order"): _order,
    ("t", "edit"): _edit,
    ("t", "drop"): _drop,
    ("t", "skip"): _skip,
    ("t", "pick"): _pick,
    ("t", "ask"): _ask,
    ("t", "about"): _about,
    ("c", "lang"): _lang,
    ("c", "mute"): _mute,
    ("c", "page"): _page,
}
"""Every button that there is, by its room and verb."""
