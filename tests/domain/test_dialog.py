"""The plain dialog: what each answer becomes, what is asked next, and that it always comes to a whole brief."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.domain.answers import check_answers
from steward.domain.brief import Brief, bounded
from steward.domain.dialog import (
    ASKS,
    MORE,
    SKIP,
    answers_of,
    go_on,
    items,
    names,
    question,
    title_of,
)
from steward.domain.spec import Question, QuestionKind, Template, TemplateRef
from steward.domain.talks import Purpose, Said

AT = datetime(2026, 1, 1, tzinfo=UTC)
TEMPLATE = Template(
    TemplateRef("starter", "v1", "c" * 40),
    "Starter",
    "",
    (
        Question("title", required=True),
        Question("tagline"),
        Question("accent", help="The colour", choices=("indigo", "teal")),
        Question("pages", kind=QuestionKind.INTEGER),
        Question("features", multiline=True),
        Question("api_key", secret=True),
        Question("made", computed=True),
    ),
)


def said(text: str, answers: str = "", key: str = "") -> Said:
    return Said(1, key or f"k{text}", AT, text, answers=answers)


def fold(brief: Brief, asked: tuple[str, ...], *rows: Said) -> tuple[Brief, tuple[str, ...]]:
    return go_on(Purpose.NEW, brief, rows, asked, TEMPLATE)


def test_it_asks_part_after_part_and_then_what_the_template_asks() -> None:
    brief, asked = fold(Brief(), (), said("Хочу магазин керамики с доставкой"))
    assert (brief.title, asked) == ("Магазин керамики с доставкой", ("users",))
    brief, asked = fold(brief, asked, said("Жители города", "users"))
    brief, asked = fold(brief, asked, said("каталог, корзина, оплата", "features"))
    assert asked == ("out_of_scope",)
    brief, asked = fold(brief, asked, said("- блог\n- форум", "out_of_scope"))
    assert asked == (ASKS + "accent",)
    brief, asked = fold(brief, asked, said("2", ASKS + "accent"))
    brief, asked = fold(brief, asked, said("12", ASKS + "pages"))
    assert asked == (MORE,)
    brief, asked = fold(brief, asked, said("скидки", MORE))
    assert asked == (MORE,)
    assert brief == Brief(
        title="Магазин керамики с доставкой",
        goal="Хочу магазин керамики с доставкой",
        users="Жители города",
        features=("каталог", "корзина", "оплата", "скидки"),
        out_of_scope=("блог", "форум"),
        answers={"accent": "teal", "pages": 12},
    )


def test_an_answer_that_does_not_fit_is_asked_for_again_until_one_does_or_it_is_left_out() -> None:
    brief = Brief(title="Shop", goal="A shop")
    _, asked = fold(brief, (ASKS + "accent",), said("purple", ASKS + "accent"))
    assert asked == (ASKS + "accent",)
    later, asked = fold(brief, asked, said("pink", ASKS + "accent"), said("Teal", ASKS + "accent"))
    assert (later.answers, asked) == ({"accent": "teal"}, (ASKS + "pages",))
    later, asked = fold(brief, (ASKS + "accent",), said("", SKIP + ASKS + "accent"))
    assert (later.answers, asked) == ({}, (ASKS + "pages",))


def test_what_was_left_out_is_not_asked_again() -> None:
    brief, asked = fold(Brief(), (), said("A shop"))
    brief, asked = fold(brief, asked, said("", SKIP + "users"))
    assert asked == ("features",)
    brief, asked = fold(brief, ("users", *asked), said("no", "features"))
    assert (brief.users, brief.features, asked) == ("", (), ("out_of_scope",))


def test_the_goal_cannot_be_left_out() -> None:
    assert fold(Brief(), ("goal",), said("", SKIP + "goal"))[1] == ("goal",)
    brief, asked = fold(Brief(), ("goal",), said("no", "goal"))
    assert (brief.lacks, asked) == ((), ("users",))


def test_several_messages_at_first_are_one_goal() -> None:
    brief, _ = fold(Brief(), (), said("A shop."), said("With a blog."))
    assert (brief.goal, brief.title) == ("A shop.\nWith a blog.", "Shop")


def test_a_question_of_a_model_is_answered_in_the_words_of_the_brief() -> None:
    brief, asked = fold(
        Brief(title="Shop", goal="A shop"), ("How many visitors?",), said("Ten", "How many visitors?")
    )
    assert (brief.features, asked) == (("Ten",), (MORE,))


def test_an_update_is_ready_after_the_first_message() -> None:
    brief, asked = go_on(Purpose.UPDATE, Brief(), [said("Add payments")], (), TEMPLATE)
    assert (brief.goal, asked) == ("Add payments", (MORE,))
    brief, _ = go_on(
        Purpose.UPDATE, brief, [said("And receipts", MORE), said("", SKIP + MORE)], asked, TEMPLATE
    )
    assert brief.goal == "Add payments\nAnd receipts"
    assert go_on(Purpose.UPDATE, Brief(), [], (), TEMPLATE)[1] == ("change",)


def test_a_question_is_put_in_words_with_its_choices() -> None:
    assert question(ASKS + "accent", TEMPLATE).choices == ("indigo", "teal")
    assert question(ASKS + "accent", TEMPLATE).words == "The colour"
    assert question(ASKS + "pages", TEMPLATE).words == "Pages"
    assert question("Who pays?", TEMPLATE).words == "Who pays?"
    assert ASKS + "api_key" not in names(TEMPLATE)
    assert ASKS + "made" not in names(TEMPLATE)


@pytest.mark.parametrize(
    ("goal", "title"),
    [
        ("I want to build a shop for tea. It is small.", "Shop for tea"),
        ("Нам нужен бот для записи к врачу!", "Бот для записи к врачу"),
        ("Please", "Please"),
        ("👍", "👍"),
        ("", ""),
        ("\n\n  CRM  ", "CRM"),
        ("слово " * 40, "Слово слово слово слово слово слово слово слово слово слово"),
    ],
)
def test_a_title_is_proposed_from_the_goal(goal: str, title: str) -> None:
    assert title_of(goal) == title


def test_a_text_is_read_as_a_list() -> None:
    assert items("- a\n* b\n2) c\n\n") == ("a", "b", "c")
    assert items("a; b") == ("a", "b")
    assert items("A catalogue, with pictures") == ("A catalogue, with pictures",)


def test_the_brief_answers_what_the_template_asks_of_it() -> None:
    brief = Brief("Shop", "A shop. Small.", "", ("Cart", "Search"), answers={"accent": "teal", "gone": "x"})
    assert answers_of(brief, TEMPLATE) == {
        "title": "Shop",
        "tagline": "A shop.",
        "features": "Cart\nSearch",
        "accent": "teal",
    }


ANSWERS = st.one_of(
    st.sampled_from(["no", "2", "teal", "a, b, c", "-", "нет"]), st.text(min_size=1, max_size=60)
)


@given(st.lists(st.one_of(ANSWERS, st.just(None)), min_size=1, max_size=30))
def test_any_answers_come_to_a_whole_brief(texts: list[str | None]) -> None:
    brief, asked = Brief(), go_on(Purpose.NEW, Brief(), [], (), TEMPLATE)[1]
    left_out: tuple[str, ...] = ()
    for number, text in enumerate([*texts, "x" * 3, *[None] * 20]):
        row = said(text or "", asked[0] if text is not None else SKIP + asked[0], f"k{number}")
        left_out += (asked[0],) if text is None else ()
        brief, asked = fold(brief, (*left_out, *asked), row)
        assert len(asked) == 1
        assert bounded(brief) == brief
    assert (brief.lacks, asked) == ((), (MORE,))
    assert check_answers(TEMPLATE, answers_of(brief, TEMPLATE)).ok


@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from(["no", "2", "teal", "one", "five words, as a, list"])),
        max_size=12,
    )
)
def test_made_anew_from_all_that_was_said_it_is_the_same(steps: list[tuple[bool, str]]) -> None:
    brief, asked = fold(Brief(), (), said("A shop", "goal", "first"))
    rows = [said("A shop", "goal", "first")]
    left_out: list[str] = []
    for number, (skip, text) in enumerate(steps):
        row = said("" if skip else text, (SKIP if skip else "") + asked[0], f"k{number}")
        rows.append(row)
        brief, asked = fold(brief, (*left_out, *asked), row)
        left_out += [row.answers.removeprefix(SKIP)] if skip else []
    assert fold(Brief(), (), *rows) == (brief, asked)


@given(st.builds(Brief, st.text(), st.text(), st.text(), st.lists(st.text()).map(tuple)))
def test_bounds_hold_and_change_nothing_twice(brief: Brief) -> None:
    assert bounded(bounded(brief)) == bounded(brief)
