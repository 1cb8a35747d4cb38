"""The Russian catalogue: whole, exact where the design names the words, and true to its placeholders."""

from __future__ import annotations

import re

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from steward.domain.status import Phase, Status
from steward.faces.lines import phase_label, status_label
from steward.faces.words import _, catalogue_file, counted, environment_language, said, speaking
from tests.faces.messages import required, written

STATUSES = {
    "draft": "Заказан",
    "estimated": "Оценён",
    "discovered": "Обнаружен",
    "setup_required": "Нужна настройка",
    "provisioning": "Создание",
    "initialized": "Инициализирован",
    "designing": "Проектирование",
    "designed": "Спроектирован",
    "implementing": "Разработка",
    "implemented": "Реализован",
    "verifying": "Тестирование",
    "verified": "Протестирован",
    "deploying": "Развёртывание",
    "active": "Запущен",
    "maintenance": "Обслуживание",
    "error": "Ошибка",
    "missing": "Пропал",
    "archived": "Архив",
}


@pytest.fixture(scope="module")
def russian() -> Catalog:
    with catalogue_file("ru").open("rb") as source:
        return read_po(source, locale="ru")


def test_every_message_is_translated(russian: Catalog) -> None:
    lacking = []
    for context, text in sorted(required(), key=str):
        found = russian.get(text, context)
        strings = found.string if found else ""
        whole = all(strings) if isinstance(strings, tuple) else strings
        if found is None or found.fuzzy or not whole:
            lacking.append((context, text))
    assert lacking == [], "translate these in src/steward/locale/ru/LC_MESSAGES/steward.po"


def test_a_translation_names_the_same_values(russian: Catalog) -> None:
    for message in russian:
        if not message.id:
            continue
        english = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        for string in strings:
            assert _fields(string) == _fields(english[-1]), message.id


def _fields(text: object) -> set[str]:
    return set(re.findall(r"{(\w+)", str(text)))


def test_the_statuses_have_the_names_that_people_use() -> None:
    with speaking("ru"):
        assert {status.value: status_label(status) for status in Status} == STATUSES


def test_no_phase_reads_like_a_status() -> None:
    with speaking("ru"):
        phases = {phase_label(phase) for phase in Phase}
        assert phase_label("construction") == "Реализация"
        assert phases.isdisjoint(STATUSES.values())


def test_numbers_take_their_form() -> None:
    one, other = "{n} ignored project is not shown (--all)", "{n} ignored projects are not shown (--all)"
    with speaking("ru"):
        assert [counted(one, other, n).split(" (")[0] for n in (1, 3, 5, 21)] == [
            "1 скрытый проект не показан",
            "3 скрытых проекта не показаны",
            "5 скрытых проектов не показано",
            "21 скрытый проект не показан",
        ]
    assert counted(one, other, 2).startswith("2 ignored projects are")


def test_sentences_of_lower_layers_are_said_with_what_varies_in_them() -> None:
    with speaking("ru"):
        assert said("Name another file.") == "Укажите другой файл."
        assert said("nothing is held in a{b") == "в a{b ничего не удержано"
        assert said("the rate limit is used up; next request at 10:00:00 UTC") == (
            "лимит запросов исчерпан; следующий запрос в 10:00:00 UTC"
        )
        assert said("404 by id, confirmed 3 times") == "404 по id, подтверждений: 3"
        assert said("something new") == "something new"
        assert said("") == ""
    assert said("Name another file.") == "Name another file."


def test_every_translated_sentence_is_one_that_a_lower_layer_says(russian: Catalog) -> None:
    translated = {str(message.id) for message in russian if message.context == "said"}
    known = written()
    assert [text for text in sorted(translated) if re.sub(r"{\w+}", "{}", text) not in known] == []


def test_what_the_catalogue_lacks_is_shown_in_english() -> None:
    with speaking("ru"):
        assert _("something that nobody ever says") == "something that nobody ever says"


@pytest.mark.parametrize(
    ("environ", "lang"),
    [
        ({}, "en"),
        ({"LANG": "ru_RU.UTF-8"}, "ru"),
        ({"LANG": "ru_RU.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "ru_RU.UTF-8", "STEWARD_LANG": "en"}, "en"),
        ({"STEWARD_LANG": "ru"}, "ru"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_environment_chooses_the_language(environ: dict[str, str], lang: str) -> None:
    assert environment_language(environ) == lang
