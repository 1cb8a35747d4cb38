"""Answers against questions: unknown keys, kinds, choices, secrets, bounds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.domain.answers import ALL_MAX, TEXT_MAX, Checked, check_answers
from steward.domain.spec import Question, QuestionKind, Template, TemplateRef

QUESTIONS = (
    Question("name", required=True),
    Question("slug", computed=True, default="{{ name }}"),
    Question("modules", choices=("backend", "tg_bot", "frontend"), several=True, default="backend"),
    Question("labels", several=True),
    Question("version", choices=("3.11", "3.12"), default="3.12"),
    Question("size", QuestionKind.INTEGER, choices=("1", "2")),
    Question("count", QuestionKind.INTEGER),
    Question("ratio", QuestionKind.NUMBER),
    Question("open", QuestionKind.FLAG),
    Question("pages", QuestionKind.DATA),
    Question("extras", choices=("lint", "docs"), multiselect=True),
    Question("ports", QuestionKind.INTEGER, choices=("80", "443"), multiselect=True),
    Question("token", secret=True),
    Question("key", choices=("red-key", "blue-key"), secret=True),
)
TEMPLATE = Template(TemplateRef("t"), "T", "", QUESTIONS)


def check(**given: Any) -> Checked:
    """A check with the one answer that is needed."""
    return check_answers(TEMPLATE, {"name": "tea", **given})


def words(checked: Checked) -> dict[str, str]:
    """What is wrong, by name."""
    return {problem.name: problem.words for problem in checked.problems}


def test_answers_that_fit_come_back_in_their_kinds() -> None:
    given = {
        "version": "3.11",
        "count": " 7 ",
        "ratio": "0.5",
        "open": "yes",
        "size": "2",
        "pages": [1, {"a": None}],
    }
    checked = check(**given)
    assert checked.ok
    assert checked.answers == {
        "name": "tea",
        "version": "3.11",
        "count": 7,
        "ratio": 0.5,
        "open": True,
        "size": 2,
        "pages": [1, {"a": None}],
    }
    assert check(count=7, ratio=1, open=False).answers == {
        "name": "tea",
        "count": 7,
        "ratio": 1.0,
        "open": False,
    }


def test_a_key_that_no_question_has_is_refused_with_the_nearest() -> None:
    [problem] = check(module="backend").problems
    assert problem.words == 'the template asks nothing of this name; did you mean "modules"?'
    assert problem.allowed == ("modules",)
    [problem] = check(zzz="1").problems
    assert "slug" not in problem.allowed
    assert "name" in problem.allowed
    assert not check(_commit="x").ok


def test_what_the_template_works_out_cannot_be_answered() -> None:
    assert "works this out itself" in words(check(slug="x"))["slug"]


@pytest.mark.parametrize("given", [{}, {"name": ""}, {"name": "  \n"}, {"name": None}])
def test_what_is_required_must_be_said(given: dict[str, Any]) -> None:
    assert words(check_answers(TEMPLATE, given)) == {"name": "this question needs an answer"}


def test_a_blank_answer_leaves_a_question_to_its_default() -> None:
    checked = check(version="", count=None, token=" ")
    assert checked.ok
    assert checked.answers == {"name": "tea"}
    assert checked.secrets == {}


def test_modules_in_one_text_are_checked_each() -> None:
    assert check(modules=" tg_bot , backend,tg_bot").answers["modules"] == "tg_bot,backend"
    assert check(modules=["frontend"]).answers["modules"] == "frontend"
    assert check(labels="a, b").answers["labels"] == "a,b"
    [problem] = check(modules="backend,tgbot").problems
    assert problem.words == '"tgbot" is none of the choices; did you mean "tg_bot"?'
    assert problem.allowed == ("backend", "tg_bot", "frontend")
    assert not check(modules=7).ok


def test_naming_none_of_several_things_answers_no_required_question() -> None:
    needed = Template(
        TemplateRef("t"), "T", "", (Question("modules", choices=("a",), several=True, required=True),)
    )
    nones: tuple[object, ...] = ([], ",", " , ")
    for none in nones:
        assert not check_answers(needed, {"modules": none}).ok
        assert check(modules=none).answers["modules"] == ""


def test_several_choices_come_as_a_list() -> None:
    assert check(extras="lint,docs").answers["extras"] == ["lint", "docs"]
    assert check(ports=["80", 443]).answers["ports"] == [80, 443]
    assert check(extras=[]).answers["extras"] == []
    assert words(check(extras=["lnt"]))["extras"].endswith('did you mean "lint"?')
    assert not check(extras={"lint": True}).ok


@pytest.mark.parametrize(
    "given",
    [
        {"count": "1.5"},
        {"count": True},
        {"count": "9" * 50},
        {"count": "0x10"},
        {"ratio": "nan"},
        {"ratio": "inf"},
        {"ratio": "1,5"},
        {"open": "maybe"},
        {"open": "2"},
        {"size": "3"},
        {"version": "3.13"},
        {"version": 3},
        {"pages": {1, 2}},
        {"pages": float("nan")},
        {"pages": ["x" * TEXT_MAX]},
        {"labels": ["x\0"]},
        {"name": "x" * (TEXT_MAX + 1)},
        {"name": "a\0b"},
        {"name": "a\x1b[31m"},
        {"name": "half \ud83d"},
        {"name": ["a"]},
        {"name": True},
    ],
)
def test_what_does_not_fit_is_a_problem_and_no_answer(given: dict[str, Any]) -> None:
    checked = check(**given)
    [name] = given
    assert list(words(checked)) == [name]
    assert name not in checked.answers


def test_everything_wrong_is_told_at_once() -> None:
    assert set(words(check_answers(TEMPLATE, {"nme": "x", "count": "x", "slug": "y"}))) == {
        "nme",
        "count",
        "slug",
        "name",
    }


def test_secrets_are_apart_and_show_nowhere() -> None:
    checked = check(token="s3cret-s3cret", key="red-key")
    assert checked.answers == {"name": "tea"}
    assert checked.secrets == {"token": "s3cret-s3cret", "key": "red-key"}
    assert "s3cret" not in repr(checked)
    wrong = check(token=["s3cret-s3cret"], key="s3cret-s3cret")
    assert set(words(wrong)) == {"token", "key"}
    assert "s3cret" not in repr(wrong)


def test_all_answers_together_have_a_bound() -> None:
    many = Template(TemplateRef("t"), "T", "", tuple(Question(f"q{n}") for n in range(10)))
    long = {f"q{n}": "x" * (ALL_MAX // 10) for n in range(10)}
    assert check_answers(many, long).ok
    assert list(words(check_answers(many, long | {"q0": "x" * (ALL_MAX // 10 + 1)}))) == [""]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from([question.name for question in QUESTIONS]) | st.text(max_size=8)


@given(st.dictionaries(NAMES, VALUES, max_size=8))
def test_whatever_is_given_each_key_is_an_answer_a_problem_or_left_blank(given: dict[str, Any]) -> None:
    checked = check_answers(TEMPLATE, given)
    wrong = set(words(checked))
    assert not set(checked.answers) & set(checked.secrets)
    assert not (set(checked.answers) | set(checked.secrets)) & wrong
    blank = {
        name
        for name, value in given.items()
        if value is None or (isinstance(value, str) and not value.strip())
    }
    assert set(given) - blank <= set(checked.answers) | set(checked.secrets) | wrong
    # What was found to fit fits again, unchanged.
    again = check_answers(
        TEMPLATE, {**checked.answers, **checked.secrets, "name": checked.answers.get("name", "tea")}
    )
    assert again.ok
    said = {name: value for name, value in checked.answers.items() if value != ""}
    assert said.items() <= again.answers.items()
