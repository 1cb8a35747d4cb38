"""The plain dialog: how a brief is made of answers to fixed questions, where no model does it. Pure functions.

It asks for the parts of a brief and then what the template asks, one question at a time, in an order from which it
never goes back. Where it stands follows from what was asked and answered; it remembers nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from steward.domain.answers import check_answers
from steward.domain.brief import Brief, bounded
from steward.domain.spec import Question, Template
from steward.domain.talks import Purpose, Said

SKIP: Final = "skip:"
"""How `Said.answers` begins where a question was left out; the question's name follows."""
ASKS: Final = "template:"
"""How the name of a question begins that is the template's own."""
MORE: Final = "more"
"""The last of the names, which stays: nothing is asked any more, and what is said then is added."""
WORDS: Final[Mapping[str, str]] = {
    "goal": "What is to be built, and what for?",
    "users": "Who will use it?",
    "features": "What shall it do? A line for each thing.",
    "out_of_scope": "What shall it not do, at least for now?",
    "change": "What is to change?",
    "organisation": "In which organisation is it to be?",
    "template": "What shall it be made of?",
}
"""The questions of ours in English, by name; faces say them in their language, as labels of `question`."""
TITLE_WORDS: Final = 60
"""Characters of a title that is proposed."""
FILLED: Final = ("title", "tagline", "features")
"""Questions of a template that the brief itself answers."""
TAGLINE: Final = 300

_NO: Final = re.compile(
    r"(no|none|nothing|nope|skip|next|dunno|i don'?t know|нет|не знаю|ничего|пропусти(ть)?|дальше|неважно|-+|—)[.! ]*",
    re.IGNORECASE,
)
_WISH: Final = re.compile(
    r"(please|hi|hello|i|we|i'd|we'd|want|need|would|like|to|build|make|create|develop|me|us|a|an|the"
    r"|привет|здравствуйте|пожалуйста|мне|нам|я|мы|хочу|хотим|хотел(и|а)?|бы|нуж(ен|на|но|ны)|надо|давай(те)?"
    r"|сдела(й|йте|ть)|созда(й|йте|ть)|разработа(й|йте|ть))[\s,!.]+",
    re.IGNORECASE,
)
_BULLET: Final = re.compile(r"^\s*(?:[-–—•*+]|\d{1,2}[.)])\s+")


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as it is put: its name, its words (English; a model's in the person's language), its choices."""

    name: str
    words: str
    choices: tuple[str, ...] = ()


def go_on(
    purpose: Purpose, brief: Brief, said: Sequence[Said], asked: Sequence[str], template: Template
) -> tuple[Brief, tuple[str, ...]]:
    """The brief with what was said in it, and the names of what to ask next: one question."""
    if purpose is Purpose.UPDATE:
        return _change(brief, said)
    order = names(template)
    reached = max((order.index(name) for name in asked if name in order), default=-1)
    again = ""
    for one in said:
        skipped = one.answers.startswith(SKIP)
        name = one.answers.removeprefix(SKIP) or _last(asked, order, brief)
        if name not in order:
            name = "goal" if not brief.goal else MORE
        if not skipped:
            brief, fits = _take(brief, name, one.text, template)
            again = "" if fits and again == name else again if fits else name
        elif again == name:
            again = ""
        reached = max(reached, order.index(name))
    brief = bounded(replace(brief, title=brief.title or title_of(brief.goal)))
    return brief, (_next(brief, order, reached, again),)


def names(template: Template) -> list[str]:
    """The names of the questions, in the order in which they are put."""
    own = [ASKS + one.name for one in _asked_of(template)]
    return ["goal", "users", "features", "out_of_scope", *own, MORE]


def question(name: str, template: Template) -> Asked:
    """A question as it is put. What is no name of ours is a model's, in its own words."""
    if name in WORDS:
        return Asked(name, WORDS[name])
    for one in _asked_of(template):
        if name == ASKS + one.name:
            return Asked(name, one.help or one.name.replace("_", " ").capitalize(), one.choices)
    return Asked(name, name)


def is_ours(name: str) -> bool:
    """Whether a question is of the dialog, and not a model's."""
    return name in WORDS or name == MORE or name.startswith(ASKS)


def title_of(goal: str) -> str:
    """A title that a goal suggests: its first words, without what only asks for it; "" for an empty goal."""
    line = next((line.strip() for line in goal.splitlines() if line.strip()), "")
    while (found := _WISH.match(line)) and len(line) > found.end():
        line = line[found.end() :]
    first = re.split(r"(?<=\w{3})[.!?;…](?:\s|$)|\s[-–—]\s|\n", line, maxsplit=1)[0].strip() or line
    if len(first) > TITLE_WORDS:
        first = first[:TITLE_WORDS].rsplit(" ", 1)[0]
    first = first.strip(" .,;:!?-–—\"'«»") or first.strip()
    return first[:1].upper() + first[1:]


def answers_of(brief: Brief, template: Template) -> dict[str, Any]:
    """The answers that a spec of that brief has: those given, and those that the brief itself is."""
    asked = {one.name for one in template.questions if not one.computed and not one.secret}
    own = {
        "title": brief.title,
        "tagline": _sentence(brief.goal),
        "features": "\n".join(brief.features),
    }
    filled = {name: text for name, text in own.items() if name in asked and text}
    return filled | {name: value for name, value in brief.answers.items() if name in asked}


def _change(brief: Brief, said: Sequence[Said]) -> tuple[Brief, tuple[str, ...]]:
    """Of an update: all that is said is what is to change."""
    texts = [one.text.strip() for one in said if not one.answers.startswith(SKIP)]
    goal = "\n".join(text for text in (brief.goal, *texts) if text)
    brief = bounded(replace(brief, goal=goal, title=brief.title or title_of(goal)))
    return brief, (MORE if brief.goal else "change",)


def _last(asked: Sequence[str], order: Sequence[str], brief: Brief) -> str:
    """What a message answers that names nothing: what was asked last; at first the goal."""
    known = [name for name in asked if name in order]
    return known[-1] if known and brief.goal else "goal"


def _asked_of(template: Template) -> list[Question]:
    """The template's questions that are put to a person."""
    return [
        one for one in template.questions if not one.computed and not one.secret and one.name not in FILLED
    ]


def _take(brief: Brief, name: str, text: str, template: Template) -> tuple[Brief, bool]:
    """The brief with one answer in it, and whether it fits its question."""
    text = text.strip()
    if not text or (name != "goal" and _NO.fullmatch(text)):
        return brief, True
    if name == "goal":
        return replace(brief, goal=_joined(brief.goal, text)), True
    if name == "users":
        return replace(brief, users=_joined(brief.users, text)), True
    if name in ("features", MORE):
        return replace(brief, features=(*brief.features, *items(text))), True
    if name == "out_of_scope":
        return replace(brief, out_of_scope=(*brief.out_of_scope, *items(text))), True
    return _answer(brief, name.removeprefix(ASKS), text, template)


def _answer(brief: Brief, name: str, text: str, template: Template) -> tuple[Brief, bool]:
    """An answer to a question of the template: kept where it fits."""
    asked = next(one for one in _asked_of(template) if one.name == name)
    value = _choice(asked.choices, text) if asked.choices and not asked.multiselect else text
    checked = check_answers(replace(template, questions=(asked,)), {name: value})
    if not checked.ok:
        return brief, False
    return replace(brief, answers={**brief.answers, **checked.answers}), True


def _choice(choices: Sequence[str], text: str) -> str:
    """The choice that is meant: by its words in any case, or by its number from 1."""
    by_words = {choice.lower(): choice for choice in choices}
    if text.lower() in by_words:
        return by_words[text.lower()]
    number = int(text) if re.fullmatch(r"[0-9]{1,3}", text, re.ASCII) else 0
    return choices[number - 1] if 0 < number <= len(choices) else text


def items(text: str) -> tuple[str, ...]:
    """A text as a list: its lines, or the parts of one line that only lists."""
    lines = [_BULLET.sub("", line).strip() for line in text.splitlines()]
    lines = [line for line in lines if line]
    if len(lines) == 1:
        parts = [part.strip() for part in re.split(r"[;,]", lines[0]) if part.strip()]
        if ";" in lines[0] or (len(parts) > 2 and all(len(part) <= TITLE_WORDS for part in parts)):
            return tuple(parts)
    return tuple(lines)


def _next(brief: Brief, order: Sequence[str], reached: int, again: str) -> str:
    if not brief.goal:
        return "goal"
    if again:
        return again
    open_ones = (name for name in order[reached + 1 :] if _is_open(brief, name))
    return next(open_ones, MORE)


def _is_open(brief: Brief, name: str) -> bool:
    if name.startswith(ASKS):
        return name.removeprefix(ASKS) not in brief.answers
    return name == MORE or not getattr(brief, name)


def _joined(before: str, text: str) -> str:
    return f"{before}\n{text}" if before else text


def _sentence(text: str) -> str:
    """The first sentence, as a line says it."""
    line = " ".join(text.split())
    first = re.split(r"(?<=[.!?])\s", line, maxsplit=1)[0]
    return first if len(first) <= TAGLINE else f"{first[: TAGLINE - 1].rstrip()}…"
