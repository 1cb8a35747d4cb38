"""The questions of a template as fields of a form, and what was typed as a wish. Pure: nothing is stored here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.datastructures import FormData

from steward.app.describing import Wish
from steward.domain.answers import TEXT_MAX, check_answers
from steward.domain.spec import STARTER, Question, QuestionKind, Template
from steward.faces.words import _, label, said

PREFIX: Final = "answer-"
"""What the name of a question's field begins with, so that no question can pass for another field."""
LONG: Final = 80
"""Characters of a default from which on its question gets several lines."""
TITLE: Final = "title"
"""The question that is answered with the project's own title, where nobody answers it."""
YES_NO: Final = ("true", "false")
Texts = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Typed:
    """What a form holds of a spec, as it was typed. `answers` are those of the questions that it asked."""

    template: str = STARTER
    tag: str = ""
    brief: str = ""
    criteria: str = ""
    answers: Texts = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        """The acceptance criteria."""
        return [line.strip() for line in self.criteria.splitlines() if line.strip()]


@dataclass(frozen=True, slots=True)
class Field:
    """One question as a field. `kind`: text, long, data, whole, number, check, select, several or secret.

    `value` is what stands in it, `chosen` what is ticked; `free` says that it may be left to the template.
    """

    name: str
    title: str
    help: str
    kind: str
    choices: Sequence[str]
    value: str
    chosen: frozenset[str]
    required: bool
    free: bool
    wrong: str

    @property
    def id(self) -> str:
        """The name of the field in the form."""
        return PREFIX + self.name


def typed(form: FormData) -> Typed:
    """What was typed; line ends are folded to one kind."""
    asked = [str(name) for name in form.getlist("asked")]
    return Typed(
        template=_text(form, "template").strip() or STARTER,
        tag=_text(form, "tag").strip(),
        brief=_text(form, "brief").strip(),
        criteria=_text(form, "criteria"),
        answers={name: [_lines(str(one)) for one in form.getlist(PREFIX + name)] for name in asked},
    )


def _text(form: FormData, name: str) -> str:
    return _lines(str(form.get(name) or ""))


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def of_spec(spec: Mapping[str, Any] | None) -> Typed:
    """A spec as it would have been typed; the built-in template where there is none."""
    if spec is None:
        return Typed()
    return Typed(
        template=spec["template"]["source"],
        tag=spec["template"]["tag"] or "",
        brief=spec["brief"],
        criteria="\n".join(spec["criteria"]),
        answers={name: _spelled_all(value) for name, value in spec["answers"].items()},
    )


def fields(template: Template, given: Texts, wrong: Mapping[str, str]) -> list[Field]:
    """The questions that a person may answer, in their order, with what was typed or is their default."""
    return [_field(one, given.get(one.name), wrong) for one in template.questions if not one.computed]


def _field(question: Question, given: Sequence[str] | None, wrong: Mapping[str, str]) -> Field:
    kind, free = _kind(question), _is_free(question)
    shown = _shown(question, kind, given)
    return Field(
        name=question.name,
        title=label("question", question.name.replace("_", " ").strip().capitalize()),
        help=label("question", question.help) if question.help else "",
        kind=kind,
        choices=question.choices or (YES_NO if question.kind is QuestionKind.FLAG else ()),
        value="" if kind == "secret" else next(iter(shown), ""),
        chosen=frozenset(shown),
        required=question.required and not free and kind not in ("several", "secret"),
        free=free,
        wrong=wrong.get(question.name, ""),
    )


def _kind(question: Question) -> str:
    """What kind of field answers a question."""
    several = question.multiselect or question.several
    if question.secret:
        return "secret"
    if question.choices:
        return "several" if several else "select"
    if question.kind is QuestionKind.TEXT:
        default = question.default if isinstance(question.default, str) else ""
        long = question.multiline or len(default) > LONG or "\n" in default
        return "long" if long else "text"
    if question.kind is QuestionKind.FLAG:
        return "select" if _worked_out(question.default) or question.default is None else "check"
    return _PLAIN[question.kind]


_PLAIN: Final = {QuestionKind.INTEGER: "whole", QuestionKind.NUMBER: "number", QuestionKind.DATA: "data"}


def _is_free(question: Question) -> bool:
    """Whether no answer is one: the template works it out, or the project's title does."""
    return question.name == TITLE or _worked_out(question.default)


def _worked_out(default: Any) -> bool:
    """Whether a default is an expression of the template's, which nobody but it can read."""
    return isinstance(default, str) and ("{{" in default or "{%" in default)


def _shown(question: Question, kind: str, given: Sequence[str] | None) -> list[str]:
    """What stands in the field: what was typed, else the default."""
    if given is None:
        default = None if _worked_out(question.default) else question.default
        shown = _spelled_all(default)
    else:
        shown = list(given)
    if kind == "several":
        return [part.strip() for one in shown for part in one.split(",") if part.strip()]
    return shown if kind != "text" or len(shown) < 2 else [", ".join(shown)]


def _spelled_all(value: Any) -> list[str]:
    """A value as the texts of a form: each item of a list by itself."""
    if value is None:
        return []
    if isinstance(value, bool):
        return [YES_NO[0]] if value else []
    if isinstance(value, list | tuple):
        return [text for one in value for text in _spelled_all(one)]
    return [json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)]


def answers(template: Template, given: Texts) -> dict[str, Any]:
    """What was typed as answers; what says nothing is left out, so that the template's default holds."""
    found: dict[str, Any] = {}
    for question in template.questions:
        if question.computed or question.name not in given:
            continue
        texts, kind = given[question.name], _kind(question)
        if kind == "check":
            found[question.name] = bool(texts)
        elif kind == "several":
            found[question.name] = list(texts)
        elif texts and texts[0].strip():
            found[question.name] = texts[0]
    return found


def wish(template: Template, given: Typed) -> Wish:
    """The wish that the form makes."""
    return Wish(given.template, given.tag, answers(template, given.answers), given.brief, given.lines)


def problems(template: Template, given: Typed, title: str) -> dict[str, str]:
    """Field -> what is wrong with it, in the reader's language; nothing is stored to find out.

    `title` answers the question of that name where nobody did.
    """
    wanted = answers(template, given.answers)
    if TITLE in {question.name for question in template.questions}:
        wanted.setdefault(TITLE, title)
    checked = check_answers(template, wanted)
    found = {one.name: _sentence(said(one.words)) for one in checked.problems}
    if len(given.brief) > BRIEF_MAX:
        found["brief"] = _("at most {n} characters", n=BRIEF_MAX)
    if len(given.criteria) > TEXT_MAX:
        found["criteria"] = _("at most {n} characters", n=TEXT_MAX)
    return found


BRIEF_MAX: Final = 10_000


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def differences(older: Mapping[str, Any] | None, newer: Mapping[str, Any]) -> list[dict[str, str]]:
    """What changed between two versions of a spec: the field, and what was taken out and put in ("" for nothing)."""
    if older is None:
        return []
    rows = [
        ("template", _template_words(older), _template_words(newer)),
        *(_changed_answers(older["answers"], newer["answers"])),
        ("brief", older["brief"], newer["brief"]),
        *(("criterion", line, "") for line in _left_out(older["criteria"], newer["criteria"])),
        *(("criterion", "", line) for line in _left_out(newer["criteria"], older["criteria"])),
    ]
    return [{"what": what, "out": out, "in": put} for what, out, put in rows if out != put]


def _template_words(spec: Mapping[str, Any]) -> str:
    template = spec["template"]
    return " ".join(filter(None, [template["source"], template["tag"], (template["commit"] or "")[:7]]))


def _changed_answers(older: Mapping[str, Any], newer: Mapping[str, Any]) -> Iterable[tuple[str, str, str]]:
    for name in dict.fromkeys((*newer, *older)):
        out, put = answer_text(older.get(name)), answer_text(newer.get(name))
        if "\n" in out + put and out != put:
            lines, others = out.splitlines(), put.splitlines()
            gone, come = _left_out(lines, others), _left_out(others, lines)
            if gone or come:
                out, put = "\n".join(gone), "\n".join(come)
        yield f"answer {name}", out, put


def _left_out(lines: Sequence[str], others: Sequence[str]) -> list[str]:
    return [line for line in lines if line not in others]


def answer_text(value: Any) -> str:
    """An answer as a person reads it; "" for none."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return ", ".join(_spelled_all(value))
