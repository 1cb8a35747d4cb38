"""Whether answers fit the questions of a template, decided before the template sees any of them.

What renders templates takes keys that no question has, and values that no choice has, without a word; here they
are problems that a person can read. Texts become the kind that a question asks for, as a command line gives
nothing but texts, and secrets are set apart so that they never lie among the rest.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from steward.domain.spec import Question, QuestionKind, Template

TEXT_MAX: Final = 20_000
"""Characters of one answer."""

ALL_MAX: Final = 100_000
"""Characters of all answers of a spec together."""

_YES: Final = frozenset({"yes", "y", "true", "on", "1"})
_NO: Final = frozenset({"no", "n", "false", "off", "0"})
_LINE_ENDS: Final = "\n\r\t"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one answer. `name` is the key as it was given, "" for all of them together.

    `allowed` holds what would do, where that can be listed. The value itself is in here only where it is one of
    a few words (a choice), and never where the question is a secret one.
    """

    name: str
    words: str
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a check: answers by name as the template wants them, secrets apart, and what is wrong.

    Answers with a problem are in neither mapping. Questions that nobody answered are in none: their defaults
    are the template's to work out.
    """

    answers: Mapping[str, Any]
    secrets: Mapping[str, Any] = field(repr=False)
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether a project can be rendered from these."""
        return not self.problems


class _Unfit(Exception):
    """A value that does not fit its question."""

    def __init__(self, words: str, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(words)
        self.words = words
        self.allowed = allowed


def check_answers(template: Template, given: Mapping[str, Any]) -> Checked:
    """Check all answers of one spec at once, so that a person sees everything that is wrong with them."""
    questions = {question.name: question for question in template.questions}
    fitting: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in given.items():
        question = questions.get(name)
        if question is None or question.computed:
            problems.append(_unasked(name, question, template))
        elif not _is_blank(value):
            try:
                fitting[name] = _fit(question, value)
            except _Unfit as unfit:
                problems.append(Problem(name, unfit.words, unfit.allowed))
    problems += [
        Problem(question.name, "this question needs an answer", question.choices)
        for question in template.questions
        if question.required and not question.computed and _says_nothing(question.name, given, fitting)
    ]
    if sum(_length(value) for value in fitting.values()) > ALL_MAX:
        problems.append(Problem("", f"the answers together are longer than {ALL_MAX:,} characters"))
    secret = {name for name in fitting if questions[name].secret}
    return Checked(
        answers={name: value for name, value in fitting.items() if name not in secret},
        secrets={name: fitting[name] for name in secret},
        problems=tuple(problems),
    )


def _is_blank(value: Any) -> bool:
    """Whether nothing was said: such an answer leaves the question to its default."""
    return value is None or (isinstance(value, str) and not value.strip())


def _says_nothing(name: str, given: Mapping[str, Any], fitting: Mapping[str, Any]) -> bool:
    """Whether a question is left without an answer; naming none of several things is no answer either."""
    return _is_blank(given.get(name)) or (name in fitting and fitting[name] in ("", []))


def _unasked(name: str, question: Question | None, template: Template) -> Problem:
    """Why an answer has no place: the template works it out itself, or asks no such thing."""
    if question is not None:
        return Problem(name, "the template works this out itself, so it cannot be answered")
    asked = tuple(one.name for one in template.questions if not one.computed)
    near = difflib.get_close_matches(name, asked, n=1)
    if near:
        words = f'the template asks nothing of this name; did you mean "{near[0]}"?'
        return Problem(name, words, tuple(near))
    return Problem(name, "the template asks nothing of this name", asked)


def _fit(question: Question, value: Any) -> Any:
    """The value in the kind that the question asks for. Raises _Unfit."""
    if question.multiselect:
        return [_chosen(question, _one(question, item)) for item in _items(value)]
    if question.several:
        names = _items(value)
        if not question.choices:
            return ",".join(str(_text(name)) for name in names)
        return ",".join(_unique(str(_chosen(question, _text(name))) for name in names))
    return _chosen(question, _one(question, value))


def _unique(names: Any) -> list[str]:
    """Each once, in the order they were named."""
    return list(dict.fromkeys(names))


def _items(value: Any) -> list[Any]:
    """The parts of an answer that names several things: a list, or a text with commas."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, list | tuple):
        return list(value)
    raise _Unfit("name them in a list, or in one text with commas between")


def _chosen(question: Question, value: Any) -> Any:
    """The value, if it is one of the choices or there are none to choose from."""
    if not question.choices or _spelled(value) in question.choices:
        return value
    if question.secret:
        raise _Unfit("this is none of the choices", question.choices)
    near = difflib.get_close_matches(_spelled(value), question.choices, n=1)
    said = _spelled(value)[:60]
    if near:
        raise _Unfit(f'"{said}" is none of the choices; did you mean "{near[0]}"?', question.choices)
    raise _Unfit(f'"{said}" is none of the choices', question.choices)


def _spelled(value: Any) -> str:
    """A value as choices spell it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _one(question: Question, value: Any) -> Any:
    """One value in the question's kind. Raises _Unfit."""
    return _KINDS[question.kind](value)


def _text(value: Any) -> str:
    """A text: whole, of a bearable length, and of characters that a file can hold."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _Unfit("this must be a text")
    text = str(value)
    if len(text) > TEXT_MAX:
        raise _Unfit(f"this is longer than {TEXT_MAX:,} characters")
    if any(_is_unwritable(char) for char in text):
        raise _Unfit("this holds characters that cannot be written")
    return text


def _is_unwritable(char: str) -> bool:
    """Control characters besides ends of lines and tabs, and halves of characters."""
    code = ord(char)
    return (code < 32 and char not in _LINE_ENDS) or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000


def _integer(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = _text(value).strip()
    if not re.fullmatch(r"[+-]?[0-9]{1,40}", text):
        raise _Unfit("this must be a whole number")
    return int(text)


def _number(value: Any) -> float:
    text = _text(value).strip()
    try:
        number = float(text)
    except ValueError:
        raise _Unfit("this must be a number") from None
    if not math.isfinite(number):
        raise _Unfit("this must be a number")
    return number


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = _text(value).strip().lower()
    if text in _YES | _NO:
        return text in _YES
    raise _Unfit("this must be yes or no", ("yes", "no"))


def _data(value: Any) -> Any:
    """Lists and mappings, as JSON holds them; a text stays one, and what renders it reads it."""
    if isinstance(value, str):
        return _text(value)
    try:
        written = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise _Unfit("this must be data: texts, numbers, lists and mappings") from None
    if len(written) > TEXT_MAX:
        raise _Unfit(f"this is longer than {TEXT_MAX:,} characters")
    return value


_KINDS: Final[Mapping[QuestionKind, Callable[[Any], Any]]] = {
    QuestionKind.TEXT: _text,
    QuestionKind.INTEGER: _integer,
    QuestionKind.NUMBER: _number,
    QuestionKind.FLAG: _flag,
    QuestionKind.DATA: _data,
}


def _length(value: Any) -> int:
    """Characters that an answer takes."""
    return len(value) if isinstance(value, str) else len(json.dumps(value))


def criteria_of(answers: Mapping[str, Any]) -> tuple[str, ...]:
    """A criterion per feature that was asked for, where nobody wrote any."""
    features = answers.get("features")
    lines = features.splitlines() if isinstance(features, str) else []
    names = [line.partition(":")[0].strip() for line in lines if line.strip()]
    return tuple(f"The page shows the feature «{name}»" for name in names if name)
