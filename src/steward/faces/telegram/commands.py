"""The commands: `/new`, `/projects`, `/lang` and the others. Each is a function of the turn and of what stands behind it."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from difflib import get_close_matches
from typing import Final

from steward.app.errors import Invalid, Stale, Unknown
from steward.domain import durations
from steward.faces.lines import moment
from steward.faces.telegram.talking import begin_new
from steward.faces.telegram.turn import Turn
from steward.faces.words import speaking

_INCIDENT: Final = re.compile(r"incident_([0-9]{1,9})")
OFF: Final = frozenset({"off", "no", "none", "0", "выкл", "нет"})


def run(turn: Turn, command: str, rest: str) -> None:
    """Do what a command says. Raises what the application refuses with."""
    act = COMMANDS.get(command)
    if act is not None:
        act(turn, rest)
    elif found := _INCIDENT.fullmatch(command):
        _incident(turn, int(found[1]))
    elif turn.note.private:
        near = get_close_matches(command, [*COMMANDS], 1, 0.6)
        turn.say("unknown_command", near=f"/{near[0]}" if near else "")


def _incident(turn: Turn, number: int) -> None:
    """The card of an incident, anew at the end of the chat: lists name each by such a command."""
    turn.app.queries(turn.by).incident(number)
    note = turn.note
    key, data = f"incident:{number}", {"incident": number}
    turn.app.callers.want(note.chat_id, key, "incident", data, thread_id=note.thread_id, below=True)


def _help(turn: Turn, _rest: str) -> None:
    turn.show("help")


def _new(turn: Turn, rest: str) -> None:
    begin_new(turn, rest)


def _projects(turn: Turn, rest: str) -> None:
    turn.show("projects", page=0, q=rest[:100])


def _project(turn: Turn, rest: str) -> None:
    if not rest:
        _projects(turn, "")
        return
    shown = turn.app.queries(turn.by).project(rest[:200])
    key, thread = f"project:{shown['id']}", turn.note.thread_id
    data = {"project": shown["id"]}
    turn.app.callers.want(turn.note.chat_id, key, "project", data, thread_id=thread, below=True)


def _card(kind: str) -> Callable[[Turn, str], None]:
    def show(turn: Turn, _rest: str) -> None:
        turn.show(kind)

    return show


def _lang(turn: Turn, rest: str) -> None:
    if not rest:
        turn.show("lang")
        return
    names = {"english": "en", "английский": "en", "russian": "ru", "русский": "ru"}
    turn.app.chats(turn.by).prefer(turn.note.chat_id, lang=names.get(rest.lower(), rest.lower()))
    turn.say("lang_set")


def _mute(turn: Turn, rest: str) -> None:
    chats = turn.app.chats(turn.by)
    if not rest:
        turn.show("mute")
        return
    if rest.lower() in OFF:
        chats.mute(turn.note.chat_id, 0)
        turn.say("unmuted")
        return
    try:
        for_s = durations.seconds(rest)
    except ValueError:
        turn.say("bad_time")
        return
    chats.mute(turn.note.chat_id, for_s)
    until = turn.app.clock.now().at + timedelta(seconds=for_s)
    with speaking(turn.chat.lang if turn.chat else "en"):
        turn.say("muted", until=moment(until.isoformat()))


def _quiet(turn: Turn, rest: str) -> None:
    chats, chat_id = turn.app.chats(turn.by), turn.note.chat_id
    hours, _space, zone = rest.replace("–", "-").partition(" ")
    if not rest:
        turn.show("mute")
        return
    try:
        quiet = "" if hours.lower() in OFF else hours
        after = chats.prefer(chat_id, quiet=quiet, zone=zone.strip() or None)
    except Invalid:
        turn.say("quiet_how")
        return
    turn.say("quiet_set", quiet=f"{after['quiet']} ({after['zone']})" if after["quiet"] else "")


def _follow(turn: Turn, rest: str) -> None:
    if turn.note.private:
        turn.say("group_only")
        return
    note = turn.note
    lang = turn.user.lang or note.lang
    after = turn.app.chats(turn.by).connect(
        note.chat_id, note.title, rest[:100] or None, thread_id=note.thread_id, lang=lang
    )
    turn.say("following", organisation=after["organisation"] or "")


def _unfollow(turn: Turn, _rest: str) -> None:
    if turn.note.private:
        turn.say("group_only")
        return
    turn.app.chats(turn.by).disconnect(turn.note.chat_id)
    turn.whisper("unfollowed")


def _cancel(turn: Turn, _rest: str) -> None:
    answered = turn.answered
    if answered is None:
        if turn.asked():
            turn.settle("said", text_key="no_more_asked", values={})
            return
        talk = turn.talk()
        if talk is None:
            turn.say("nothing_open")
            return
        ends = [talk.id, talk.version]
        turn.show("said", text_key="talk_dropped", values={}, ends=ends)
    else:
        # It came twice, or we died in between: it ends what it was said to end, and nothing else.
        ends = answered.data.get("ends") or []
    if ends:
        with suppress(Stale, Unknown, Invalid):
            turn.app.talks(turn.by).drop(*ends)


COMMANDS: Final[dict[str, Callable[[Turn, str], None]]] = {
    "new": _new,
    "projects": _projects,
    "project": _project,
    "waiting": _card("waiting"),
    "incidents": _card("incidents"),
    "status": _card("status"),
    "lang": _lang,
    "mute": _mute,
    "quiet": _quiet,
    "follow": _follow,
    "unfollow": _unfollow,
    "cancel": _cancel,
    "help": _help,
    "start": _help,
}
"""What can be asked for, besides /link and /unlink, which `meeting` does."""
