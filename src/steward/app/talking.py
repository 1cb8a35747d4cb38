"""What talks and their folding share: templates, questions as they are put, the card in the chat, the view."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from steward.app.parts import Parts
from steward.app.posting import move_down, want
from steward.app.queries import readable_organisations
from steward.app.spending import calls_of, reached
from steward.app.views import Json, stamp
from steward.domain.brief import ASKED_MAX, LINE_MAX, Brief, bounded
from steward.domain.chats import Post
from steward.domain.dialog import ASKS, MORE, SKIP, WORDS, Asked, question
from steward.domain.people import Principal, Right
from steward.domain.spec import Template, TemplateRef
from steward.domain.talks import Purpose, Said, Talk, TalkState
from steward.ports import Permanent, Reads, Transient, Writes
from steward.ports.building import Templates

SET: Final = "set:"
"""How `Said.answers` and its key begin where a part of the brief was set by hand; the part's name follows."""
TEXTS: Final = ("title", "goal", "users")
LISTS: Final = ("features", "out_of_scope", "questions")
READ_LASTS: Final = timedelta(minutes=5)
HOUSE: Final = ("organisation", "template")
"""Questions of ours that no brief answers: where it is to be, what it is made of."""


@dataclass(frozen=True, slots=True)
class _Read:
    templates: Templates
    at: datetime
    template: Template


_READ: Final[dict[tuple[int, str], _Read]] = {}
"""Templates as they were read last: one of git is fetched, and every look at a talk asks for it."""


def template_of(parts: Parts, source: str) -> Template:
    """A template by its name; one that asks nothing where it cannot be read: whoever orders is told why."""
    bare = Template(TemplateRef(source), source, "", ())
    if parts.templates is None:
        return bare
    key, at = (id(parts.templates), source), parts.clock.now().at
    known = _READ.get(key)
    if known is not None and known.templates is parts.templates and known.at <= at < known.at + READ_LASTS:
        return known.template
    try:
        template = parts.templates.read(TemplateRef(source))
    except (Permanent, Transient):
        return bare
    _READ[key] = _Read(parts.templates, at, template)
    return template


def asked_template(parts: Parts, talk: Talk) -> Template:
    """The template whose questions a talk asks now; it is not read where none of them is asked."""
    if any(name.startswith(ASKS) for name in talk.asked):
        return template_of(parts, talk.brief.template)
    return Template(TemplateRef(talk.brief.template), talk.brief.template, "", ())


def by_hand(rows: Collection[Said]) -> dict[str, str]:
    """What was set by hand, as texts: lists a line for each."""
    return {
        row.answers.removeprefix(SET): row.text
        for row in rows
        if row.answers.startswith(SET) and row.answers != SET
    }


def with_hand(brief: Brief, parts: dict[str, str]) -> Brief:
    """The brief with what was set by hand over it."""
    given: dict[str, Any] = {name: text for name, text in parts.items() if name in TEXTS}
    given |= {name: tuple(text.splitlines()) for name, text in parts.items() if name in LISTS}
    answers = {
        name.removeprefix("answers."): text for name, text in parts.items() if name.startswith("answers.")
    }
    kept = {**brief.answers, **{name: text for name, text in answers.items() if text}}
    return bounded(replace(brief, **given, answers=kept))


def skipped(rows: Collection[Said]) -> tuple[str, ...]:
    """The questions that were left out."""
    return tuple(row.answers.removeprefix(SKIP) for row in rows if row.answers.startswith(SKIP))


def waiting(rows: Collection[Said]) -> int:
    """How many messages are not in the brief yet."""
    return sum(not row.folded for row in rows)


def lacks_of(talk: Talk) -> tuple[str, ...]:
    """What a talk cannot end without; an update needs no title."""
    return tuple(name for name in talk.brief.lacks if talk.purpose is Purpose.NEW or name != "title")


def lang_of(view: Reads, talk: Talk) -> str:
    """The language in which a talk is held."""
    chat = None if talk.chat_id is None else view.chat(talk.chat_id)
    if chat is not None:
        return chat.lang
    user = view.user(talk.user)
    return (user.lang if user else None) or "en"


def homes_of(view: Reads, by: Principal) -> list[str]:
    """The organisations in which this principal may order, by login."""
    return [o.login for o in readable_organisations(view, by) if by.may(Right.WRITE, o.id)]


def asked_of(view: Reads, talk: Talk, parts: Parts, by: Principal, rows: Collection[Said]) -> list[Asked]:
    """The questions as they stand, at most two; once the brief is whole, what else an order needs."""
    if talk.state is not TalkState.OPEN:
        return []
    template = asked_template(parts, talk)
    asked = [question(name, template) for name in talk.asked[:ASKED_MAX] if name != MORE]
    if talk.purpose is Purpose.UPDATE or lacks_of(talk) or asked:
        return asked
    known = by_hand(rows)
    if "template" not in known and len(parts.talk_templates) > 1:
        asked.append(Asked("template", WORDS["template"], tuple(parts.talk_templates)))
    if "organisation" not in known and talk.project_id is None and not _follows(view, talk):
        homes = homes_of(view, by)
        if len(homes) > 1:
            asked.append(Asked("organisation", WORDS["organisation"], tuple(homes)))
    return asked[:ASKED_MAX]


def _follows(view: Reads, talk: Talk) -> bool:
    """Whether the talk's chat is that of one organisation."""
    chat = None if talk.chat_id is None else view.chat(talk.chat_id)
    return chat is not None and chat.organisation_id is not None


def problem_of(view: Reads, talk: Talk, parts: Parts, at: datetime) -> str:
    """Why the model is not at it: "person", "project" or "calls" (a limit), or how its last call ended; "" else."""
    if parts.mind is None or talk.state is not TalkState.OPEN:
        return ""
    limit = reached(view, parts.allowance, talk, at)
    if limit is not None:
        return limit.value
    last = next(iter(calls_of(view, talk)), None)
    return last.outcome if last is not None and last.outcome not in ("ok", "late") else ""


def talk_view(view: Reads, talk: Talk, parts: Parts, by: Principal) -> Json:
    """A talk with all that was said in it."""
    rows = view.said(talk.id)
    brief = talk.brief
    return {
        "id": talk.id,
        "key": talk.key,
        "purpose": talk.purpose.value,
        "state": talk.state.value,
        "version": talk.version,
        "user": talk.user,
        "brief": {
            "title": brief.title,
            "goal": brief.goal,
            "users": brief.users,
            "features": list(brief.features),
            "out_of_scope": list(brief.out_of_scope),
            "questions": list(brief.questions),
            "template": brief.template,
            "answers": dict(brief.answers),
        },
        "asked": [
            {"name": one.name, "words": one.words, "choices": list(one.choices)}
            for one in asked_of(view, talk, parts, by, rows)
        ],
        "lacks": list(lacks_of(talk)),
        "waiting": waiting(rows),
        "problem": problem_of(view, talk, parts, parts.clock.now().at),
        "project": talk.project_id,
        "organisation": by_hand(rows).get("organisation"),
        "chat": talk.chat_id,
        "thread": talk.thread_id,
        "opened_at": stamp(talk.opened_at),
        "changed_at": stamp(talk.changed_at),
        "said": [_said_view(row) for row in rows if not row.answers.startswith((SET, SKIP))],
        "mind": parts.mind is not None,
    }


def _said_view(row: Said) -> Json:
    return {
        "key": row.key,
        "at": stamp(row.at),
        "text": row.text,
        "forwarded": row.forwarded,
        "answers": row.answers,
        "folded": row.folded,
        "edited_at": stamp(row.edited_at),
    }


def want_card(tx: Writes, talk: Talk, at: datetime, *, down: bool = False, note: str = "") -> None:
    """Have the talk's card shown as the talk is now; `down`: at the end of the chat, as the person spoke since."""
    if talk.chat_id is None or tx.chat(talk.chat_id) is None:
        return
    kind = "brief" if talk.purpose is Purpose.NEW else "update"
    data = {"talk": talk.id, **({"note": note[:LINE_MAX]} if note else {})}
    post = Post(talk.chat_id, f"talk:{talk.id}", kind, at, data, thread_id=talk.thread_id, urgent=True)
    (move_down if down else want)(tx, post)
