"""What a model may answer, and the brief that it makes of the one before. Whatever is answered, a brief stays one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from steward.domain.answers import check_answers
from steward.domain.brief import ASKED_MAX, Brief, bounded
from steward.domain.dialog import ASKS
from steward.domain.spec import Template
from steward.ports.mind import Heard

WORDS_MAX: Final = 20_000
"""Characters of one text of an answer that are looked at; a brief keeps fewer."""
MANY_MAX: Final = 200
"""Entries of one list of an answer that are looked at; a brief keeps fewer."""


def _words(value: object) -> str | None:
    """A text of whatever stands where one belongs; None where that is none."""
    match value:
        case str():
            return value[:WORDS_MAX]
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)[:WORDS_MAX]
        case list():
            parts = [text for item in value[:MANY_MAX] if isinstance(text := _scalar(item), str)]
            return "\n".join(parts)[:WORDS_MAX]
        case _:
            return None


def _scalar(value: object) -> str | None:
    return _words(value) if isinstance(value, str | bool | int | float) else None


def _entry(value: object) -> str | None:
    """One entry of a list; parts with names are put one after another."""
    if isinstance(value, dict):
        return ": ".join(text for part in list(value.values())[:10] if (text := _scalar(part)))[:WORDS_MAX]
    return _words(value)


def _list(value: object) -> list[str] | None:
    """Texts of whatever stands where a list of them belongs; None where that is none."""
    match value:
        case str():
            return value[:WORDS_MAX].splitlines()[:MANY_MAX]
        case list():
            return [text for item in value[:MANY_MAX] if (text := _entry(item))]
        case _:
            return None


def _answers(value: object) -> list[dict[str, Any]]:
    """Answers as entries with a name and a value, where they came as one mapping, too."""
    if isinstance(value, dict):
        return [{"name": name, "value": one} for name, one in list(value.items())[:MANY_MAX]]
    if not isinstance(value, list):
        return []
    return [one for one in value[:MANY_MAX] if isinstance(one, dict) and isinstance(one.get("name"), str)]


Text = Annotated[str | None, BeforeValidator(_words)]
Lines = Annotated[list[str] | None, BeforeValidator(_list)]


class Answer(BaseModel):
    """An answer to one question of the template."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field(description="The name of the question")
    value: Text = Field(default=None, description="The answer; of several choices, with commas between")


class Written(BaseModel):
    """The whole brief as it stands now, and what to ask next. A part that is left out stays as it was."""

    model_config = ConfigDict(extra="ignore")

    title: Text = Field(default=None, description="A short name of the project")
    goal: Text = Field(default=None, description="What it is for, in one to three sentences")
    users: Text = Field(default=None, description="Who uses it")
    features: Lines = Field(default=None, description='What it does: "Name: what it does", an entry for each')
    out_of_scope: Lines = Field(default=None, description="What it is said not to do")
    open_questions: Lines = Field(default=None, description="What is still to be settled")
    answers: Annotated[list[Answer], BeforeValidator(_answers)] = Field(
        default_factory=list,
        description="Answers to questions of the template that follow from what was said",
    )
    ask: Lines = Field(
        default=None, description="What to ask the person now: none, one or two short questions, no more"
    )


def brief_of(heard: Heard, written: Written) -> Brief:
    """The brief that follows: within its bounds, with answers to questions that the template has, and that fit."""
    before = heard.brief
    # Cut first: a text of blanks and control characters alone says nothing, and replaces nothing.
    said = bounded(Brief(title=written.title or "", goal=written.goal or "", users=written.users or ""))
    return bounded(
        replace(
            before,
            title=said.title or before.title,
            goal=said.goal or before.goal,
            users=said.users or before.users,
            features=_kept(written.features, before.features),
            out_of_scope=_kept(written.out_of_scope, before.out_of_scope),
            questions=_kept(written.open_questions, before.questions),
            answers=_fitting(heard, {one.name: one.value for one in written.answers}),
        )
    )


def asked_of(written: Written) -> tuple[str, ...]:
    """What to ask next: two questions at most, each a line within the bounds."""
    return bounded(Brief(questions=tuple(written.ask or ()))).questions[:ASKED_MAX]


def _kept(now: list[str] | None, before: tuple[str, ...]) -> tuple[str, ...]:
    return before if now is None else tuple(now)


def _fitting(heard: Heard, given: Mapping[str, str | None]) -> dict[str, Any]:
    """The answers: those before, those of the model, and over both what the person answered to a question itself."""
    own = {said.answers.removeprefix(ASKS): said.text for said in heard.said if said.answers.startswith(ASKS)}
    made = {name: value for name, value in given.items() if value is not None}
    return {
        **heard.brief.answers,
        **_checked(heard.template, made),
        **_checked(heard.template, own),
    }


def _checked(template: Template, given: Mapping[str, Any]) -> Mapping[str, Any]:
    return check_answers(template, given).answers
