"""Which project a text means: in Russian and English, in any case of a word, and only when it is clear."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.domain.latin import latin
from steward.domain.meant import FAINT, meant, sure

NAMED = {
    "1": ["ceramics-shop", "Магазин керамики"],
    "2": ["tea-shop", "Магазин чая Улун", "tea"],
    "3": ["vrach-bot", "Запись к врачу"],
    "4": ["crm", "CRM"],
}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Добавь оплату картой в магазин керамики", "1"),
        ("в керамике нужна скидка", "1"),
        ("в ceramics-shop не работает корзина", "1"),
        ("Пусть запись к врачам напоминает за день", "3"),
        ("добавь в CRM поле «телефон»", "4"),
        ("the tea shop needs a search", "2"),
        ("в Улуне сломался поиск", None),
        ("добавь оплату в магазин", None),
        ("add payments", None),
        ("", None),
    ],
)
def test_one_is_meant_for_sure_only_where_it_stands_out(text: str, key: str | None) -> None:
    assert sure(meant(text, NAMED)) == key


@pytest.mark.parametrize(
    ("text", "first"), [("в керамике нужна скидка", "1"), ("в Улуне сломался поиск", "2"), ("врачам", "3")]
)
def test_a_part_of_a_name_proposes_it_first(text: str, first: str) -> None:
    scores = meant(text, NAMED)
    assert scores[0][0] == first
    assert scores[0][1] >= FAINT


def test_words_of_no_name_mean_nothing() -> None:
    assert {score for _, score in meant("add payments please", NAMED)} == {0.0}


def test_russian_is_written_in_latin_letters() -> None:
    assert latin("Ёлка, щит и объезд — café") == "elka, schit i obezd — cafe"


@given(
    st.text(max_size=200),
    st.dictionaries(st.text(min_size=1, max_size=5), st.lists(st.text(max_size=20), max_size=3)),
)
def test_any_text_and_names_are_judged(text: str, named: dict[str, list[str]]) -> None:
    scores = meant(text, named)
    assert {key for key, _ in scores} == set(named)
    assert all(0 <= score <= 1 for _, score in scores)
    assert scores == sorted(scores, key=lambda one: (-one[1], one[0]))


@given(st.sampled_from(sorted(NAMED)), st.sampled_from(["{}", "add a cart to {}", "в {} добавь поиск"]))
def test_a_project_called_by_its_slug_is_meant(key: str, frame: str) -> None:
    assert meant(frame.format(NAMED[key][0]), NAMED)[0][0] == key
