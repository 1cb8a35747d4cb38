"""Free text: it answers what was asked, goes into the talk that is open, asks how things are, or begins a talk."""

from __future__ import annotations

import re
from typing import Any, Final

from steward.app.errors import Forbidden, Invalid, Unknown
from steward.domain.chats import Post
from steward.domain.lifecycle import Refused
from steward.domain.meant import FAINT
from steward.domain.pasted import secrets_in, without
from steward.domain.talks import Purpose, TalkState
from steward.faces.telegram.refusing import explained
from steward.faces.telegram.turn import Turn
from steward.faces.telegram.wishing import asks_now, is_change, is_question
from steward.ports import Permanent

Json = dict[str, Any]

LITTLE: Final = 4
"""Words from which a text says something besides the secret that was cut out of it: with fewer it was about that."""
_NAMING: Final = frozenset(
    [
        "password",
        "passwd",
        "pass",
        "pwd",
        "token",
        "key",
        "api",
        "secret",
        "login",
        "user",
        "is",
        "the",
        "my",
        "our",
        "here",
        "this",
        "it's",
        "for",
        "and",
        "пароль",
        "токен",
        "ключ",
        "секрет",
        "логин",
        "апи",
        "это",
        "мой",
        "наш",
        "вот",
        "от",
        "для",
        "и",
        "к",
    ]
)
"""Words that only say what a secret is."""
CANDIDATES: Final = 6
"""Projects that are offered where it is not clear which one is meant."""
ABOUT_PROJECT: Final = frozenset({"project", "live", "gate", "now", "rollback", "pause", "sure", "estimate"})
"""Cards of one project: who answers one speaks of that."""


def heard(turn: Turn, text: str) -> None:
    """Do what a free text asks for. Raises what the application refuses with."""
    then = turn.asked()
    post = turn.answered_post()
    if post is not None and _answer(turn, post, text):
        return
    if then is not None:
        _follow(turn, then, text)
        return
    talk = turn.talk()
    if asks_now(text):
        if _tell_now(turn, text):
            return
        if talk is None:
            turn.show("projects", page=0, q="")
            return
    if talk is not None:
        _say(turn, talk.id, text)
    elif not (is_question(text) and _tell_now(turn, text)):
        _begin(turn, text)


def corrected(turn: Turn, text: str) -> None:
    """An edited message: what is talked about is made anew from it; what was ordered stays."""
    turn.app.talks(turn.by).correct(turn.note.key, text)


def begin_new(turn: Turn, text: str) -> None:
    """`/new`: a talk about a new project, with these words, if any."""
    before = turn.talk()
    talk = turn.app.talks(turn.by).open(
        turn.note.key, purpose=Purpose.NEW, chat_id=turn.note.chat_id, thread_id=turn.note.thread_id
    )
    if text:
        _say(turn, talk["id"], text)
    if before is not None and before.id == talk["id"] and before.key != turn.note.key:
        turn.say("talk_open")


def begin_update(turn: Turn, project: str, text: str) -> None:
    """A talk about a change of that project, with these words."""
    talk = turn.app.talks(turn.by).open(
        turn.note.key,
        purpose=Purpose.UPDATE,
        project=project,
        chat_id=turn.note.chat_id,
        thread_id=turn.note.thread_id,
    )
    _say(turn, talk["id"], text)


def _say(turn: Turn, talk_id: int, text: str) -> None:
    note = turn.note
    turn.app.talks(turn.by).say(talk_id, note.key, text, forwarded=note.forwarded)


def _answer(turn: Turn, post: Post, text: str) -> bool:
    """Do what an answer to one of our messages asks for; False where that message says nothing of what is meant."""
    if post.kind in ("brief", "update"):
        talk = _talk(turn, int(post.data["talk"]))
        if talk is None:
            return False
        _say(turn, talk, text)
        return True
    project = post.data.get("project") if post.kind in ABOUT_PROJECT else None
    if project is None:
        return False
    if asks_now(text) or is_question(text):
        turn.show("now", project=project)
        return True
    return _wish_of(turn, str(project), text)


def _talk(turn: Turn, talk_id: int) -> int | None:
    """That talk, if it is this person's and still open."""
    with turn.app.store.reading() as view:
        talk = view.talk(talk_id)
    mine = talk is not None and talk.user == turn.user.name and talk.state is TalkState.OPEN
    return talk_id if mine else None


def _wish_of(turn: Turn, project: str, text: str) -> bool:
    """Something is wished of a project: a change of its estimate, or an update of what is live."""
    shown = turn.app.queries(turn.by).project(project)
    if shown["live"] is not None:
        begin_update(turn, project, text)
        return True
    if shown["status"] in ("draft", "estimated"):
        revise(turn, project, text)
        return True
    return False


def _follow(turn: Turn, then: Json, text: str) -> None:
    """What was asked is answered: do what it was asked for."""
    do = then.get("do")
    if do == "change":
        revise(turn, str(then["project"]), text)
        return
    if do == "update":
        begin_update(turn, str(then["project"]), text)
    elif (talk := _talk(turn, int(then.get("talk", 0)))) is not None:
        _say(turn, talk, text)
    else:
        _begin(turn, text)
    turn.unask()


def revise(turn: Turn, project: str, text: str) -> None:
    """Have a draft or an estimate say that too, and be estimated anew where this person may have that done."""
    commands = turn.app.commands(turn.by)
    shown = commands.amend(project, text)
    name = shown["title"] or shown["slug"]
    try:
        commands.approve(project)
    except (Refused, Forbidden) as refused:
        if shown["operation"] is None or shown["operation"]["state"] not in ("queued", "running"):
            turn.settle("said", text_key="revised_waits", values={"title": name, "why": explained(refused)})
            return
    turn.settle("said", text_key="revised", values={"title": name})


def _begin(turn: Turn, text: str) -> None:
    """Nothing is talked about here: a change of a project that is named, else a new one."""
    meant = turn.app.talks(turn.by).which(text)
    sure = next((one for one in meant if one["sure"]), None)
    if sure is not None:
        begin_update(turn, sure["project"], text)
    elif meant and (meant[0]["score"] >= FAINT or is_change(text)):
        note = turn.note
        turn.show(
            "which",
            text_key="which_update",
            projects=[one["project"] for one in meant[:CANDIDATES]],
            key=note.key,
            text=text,
            forwarded=note.forwarded,
            user=turn.user.name,
        )
    else:
        begin_new(turn, text)


def _tell_now(turn: Turn, text: str) -> bool:
    """Answer what a project is doing: the one that is named, else what was talked about here last."""
    meant = turn.app.talks(turn.by).which(text)
    named = [one for one in meant if one["sure"]] or [one for one in meant if one["score"] >= FAINT]
    if len(named) == 1:
        turn.show("now", project=named[0]["project"])
        return True
    with turn.app.store.reading() as view:
        talks = view.talks(turn.user.name, limit=20)
    for talk in talks:
        if talk.project_id is not None and _seen(turn, talk.project_id):
            turn.show("now", project=talk.project_id)
            return True
    return False


def _seen(turn: Turn, project: str) -> bool:
    try:
        turn.app.queries(turn.by).project(project)
    except Unknown:
        return False
    return True


# Secrets -----------------------------------------------------------------------------------------------------


def cut(text: str) -> tuple[str, str]:
    """The text without the secrets in it, and what the first of them may be called ("" where there is none)."""
    found = secrets_in(text)
    return (without(text, found), found[0].name) if found else (text, "")


def says_something(text: str) -> bool:
    """Whether anything is said besides the secrets that were cut out, and what they were called."""
    words = re.findall(r"[^\W\d_]{2,}", re.sub(r"‹[^›]*›", " ", text))
    return sum(word.lower() not in _NAMING for word in words) >= LITTLE


def offer_form(turn: Turn, name: str, *, deleted: bool) -> None:
    """Answer a secret with a form that takes it once, where there can be one."""
    talk, post = turn.talk(), turn.answered_post()
    project = post.data.get("project") if post is not None and post.kind in ABOUT_PROJECT else None
    target = f"project:{project}" if project else f"talk:{talk.id}" if talk is not None else ""
    if not turn.board or not target or not turn.note.private:
        turn.say("secret_gone" if deleted else "secret_stays")
        return
    try:
        made = turn.app.forms(turn.by).make(target, name)
    except (Forbidden, Invalid, Unknown, Permanent):
        turn.say("secret_gone" if deleted else "secret_stays")
        return
    url = f"{turn.board.rstrip('/')}{made['url_path']}"
    turn.say_and_show("secret_deleted" if deleted else "secret_delete_it", "form", url=url)
