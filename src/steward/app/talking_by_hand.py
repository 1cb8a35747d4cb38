"""Parts of a brief that a person sets by hand: read, kept as if said, and put into the brief."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from steward.app.errors import Invalid
from steward.app.parts import Parts
from steward.app.talking import HOUSE, LISTS, SET, TEXTS, template_of, with_hand
from steward.domain.brief import ITEMS_MAX, LINE_MAX, TEXT_MAX, TITLE_MAX
from steward.domain.talks import Said, Talk
from steward.ports import Writes


def read_parts(parts: Mapping[str, Any], templates: Sequence[str]) -> dict[str, str]:
    """What was given as texts by name: of lists a line each, of answers "answers.<question>". Raises Invalid."""
    given: dict[str, str] = {}
    for name, value in parts.items():
        if name == "answers" and isinstance(value, Mapping):
            given |= {f"answers.{one}": _text(one, answer) for one, answer in value.items()}
        elif name in LISTS:
            given[name] = _list(name, value)
        elif name in (*TEXTS, *HOUSE):
            given[name] = _text(name, value)
        else:
            raise _wrong(name, "a brief has no such part", (*TEXTS, *LISTS, "answers", *HOUSE))
    if given.get("template", templates[0]) not in templates:
        raise _wrong("template", "this is none of the templates", templates)
    return given


def set_parts(tx: Writes, talk: Talk, given: Mapping[str, str], parts: Parts, at: datetime) -> dict[str, Any]:
    """Keep what was set among what was said; return what changes of the talk."""
    for name, text in given.items():
        tx.say(Said(talk.id, SET + name, at, text, answers=SET + name, folded=True))
    brief = talk.brief
    if "template" in given and given["template"] != brief.template:
        asked = {one.name for one in template_of(parts, given["template"]).questions}
        kept = {name: value for name, value in brief.answers.items() if name in asked}
        brief = replace(brief, template=given["template"], answers=kept)
    gone = {name.removeprefix("answers.") for name, text in given.items() if not text}
    brief = replace(brief, answers={name: value for name, value in brief.answers.items() if name not in gone})
    return {"brief": with_hand(brief, dict(given))}


def _text(name: str, value: Any) -> str:
    limit = TITLE_MAX if name == "title" else TEXT_MAX
    text = "" if value is None else str(value).replace("\0", "").encode("utf-8", "replace").decode().strip()
    if len(text) > limit:
        raise _wrong(name, f"this has at most {limit} characters")
    return text


def _list(name: str, value: Any) -> str:
    lines = value.splitlines() if isinstance(value, str) else [str(one) for one in value or ()]
    lines = [" ".join(_text(name, line).split()) for line in lines]
    lines = [line for line in lines if line]
    if len(lines) > ITEMS_MAX:
        raise _wrong(name, f"this has at most {ITEMS_MAX} lines")
    if any(len(line) > LINE_MAX for line in lines):
        raise _wrong(name, f"a line of this has at most {LINE_MAX} characters")
    return "\n".join(lines)


def _wrong(name: str, words: str, allowed: Sequence[str] = ()) -> Invalid:
    problem = {"name": name, "words": words, "allowed": list(allowed)}
    return Invalid(
        f"{name}: {words}", f"Possible: {', '.join(allowed)}" if allowed else "Shorten it.", [problem]
    )
