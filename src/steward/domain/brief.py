"""What somebody wants built, as it grows in a talk: a brief, its bounds, and what it still lacks. Values only.

Whatever wrote it, a model or a dialog, a brief is data: it names nothing that runs, and everything in it is cut to
these bounds before it is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from steward.domain.spec import STARTER

TITLE_MAX: Final = 120
LINE_MAX: Final = 500
"""Characters of one feature, one limit, one question."""
TEXT_MAX: Final = 2_000
"""Characters of the goal, and of who it is for."""
ITEMS_MAX: Final = 30
"""Features, limits or open questions that are kept."""
ASKED_MAX: Final = 2
"""Questions that are put at a time."""
_BLANKS: Final = re.compile(r"[^\S\n]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Brief:
    """What is wanted so far. `answers` are to the questions of the template, by name; `questions` are still open."""

    title: str = ""
    goal: str = ""
    users: str = ""
    features: tuple[str, ...] = ()
    out_of_scope: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    template: str = STARTER
    answers: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said yet."""
        return not (self.title or self.goal or self.users or self.features or self.out_of_scope)

    @property
    def lacks(self) -> tuple[str, ...]:
        """The parts without which nothing can be ordered: of `title` and `goal` those that are missing."""
        return tuple(name for name in ("title", "goal") if not getattr(self, name))


def bounded(brief: Brief) -> Brief:
    """The same within the bounds: texts cut, control characters gone, doubles and empty lines left out."""
    return replace(
        brief,
        title=_line(brief.title, TITLE_MAX),
        goal=_text(brief.goal),
        users=_text(brief.users),
        features=_items(brief.features),
        out_of_scope=_items(brief.out_of_scope),
        questions=_items(brief.questions),
    )


_HEADS: Final = {
    "en": ("For", "It does", "Out of scope", "Open"),
    "ru": ("Для кого", "Умеет", "Не входит", "Не решено"),
}
"""What the parts of a brief are called in its text. It is kept as it was made, in the language of whoever talked."""


def words_of(brief: Brief, lang: str = "en") -> str:
    """The brief as one text, as a spec keeps it and agents read it, with the names of its parts in that language."""
    users, features, out, questions = _HEADS.get(lang, _HEADS["en"])
    parts = [
        brief.goal,
        f"{users}: {brief.users}" if brief.users else "",
        _listed(features, brief.features),
        _listed(out, brief.out_of_scope),
        _listed(questions, brief.questions),
    ]
    return "\n\n".join(part for part in parts if part)


def _listed(head: str, items: Iterable[str]) -> str:
    lines = [f"- {item}" for item in items]
    return "\n".join([f"{head}:", *lines]) if lines else ""


def _line(text: str, limit: int) -> str:
    return _cut(" ".join(_CONTROL.sub("", text).split()), limit)


def _text(text: str) -> str:
    return _cut(_BLANKS.sub(" ", _CONTROL.sub("", text)).strip(), TEXT_MAX)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def _items(items: Iterable[str]) -> tuple[str, ...]:
    lines = (_line(item, LINE_MAX) for item in items)
    return tuple(dict.fromkeys(line for line in lines if line))[:ITEMS_MAX]
