"""Every card in both languages, as it was read with one's own eyes, and within Telegram's rules.

    STEWARD_GOLDEN=write pytest tests/faces/telegram/test_cards.py

writes the golden files anew. Read what changed before it is committed.
"""

from __future__ import annotations

import json
import os

import pytest

from steward.adapters.store import open_store
from steward.adapters.templates import CopierTemplates
from steward.domain.chats import Chat, ChatKind, Post, Rendered, unpack
from steward.faces.telegram.cards import CARDS, render
from steward.faces.telegram.desk import person
from steward.faces.words import LANGUAGES
from steward.testing.showcase import furnish
from steward.testing.world import World
from tests.faces.telegram.cases import CASES, GOLDEN, Case, readable
from tests.telegram.markup import keyboard, written


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return furnish(open_store("sqlite://"), CopierTemplates(tmp_path_factory.mktemp("templates")))


def obeys(shown: Rendered) -> None:
    """Raise BadRequest where Telegram would not take it."""
    written(shown.text, "HTML")
    rows = [
        [{"text": b.text, **({"url": b.url} if b.url else {"callback_data": b.data})} for b in row]
        for row in shown.buttons
    ]
    if rows:
        keyboard(json.dumps({"inline_keyboard": rows}))
    for row in shown.buttons:
        for button in row:
            assert button.url or unpack(button.data), button


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_card_is_as_it_was_read(world: World, case: Case, lang: str) -> None:
    shown = case.rendered(world, lang)
    file, text = GOLDEN / lang / f"{case.id}.txt", readable(shown, world)
    if shown is not None:
        obeys(shown)
    if os.environ.get("STEWARD_GOLDEN") == "write":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert text == file.read_text()


def test_a_talk_is_shown_in_its_chat_and_to_nobody_else(world: World) -> None:
    at = world.clock.now().at
    with world.store.writing() as tx:
        for name, chat_id, kind in (("anna", 1, "private"), ("marta", -5, "group"), ("vera", 3, "private")):
            tx.save_chat(Chat(chat_id, ChatKind(kind), name, at))
    with world.store.reading() as view:
        anna = person(view, "anna")
    assert anna is not None
    talks = world.app.talks(anna)
    talk = talks.open("tg:-5:1", chat_id=-5)
    talks.say(talk["id"], "tg:-5:1", "A shop for tea")

    def shown(chat_id: int) -> Rendered | None:
        with world.store.reading() as view:
            chat = view.chat(chat_id)
        assert chat is not None
        return render(world.app, chat, Post(chat_id, "talk:1", "brief", at, {"talk": talk["id"]}))

    here = shown(-5)
    assert here is not None
    assert "thinking" in here.text, "marta connected the group, anna talks in it"
    assert shown(1) is not None, "her own talk, in another chat of hers"
    assert shown(3) is None


def test_every_kind_of_post_has_cases_and_every_file_its_case() -> None:
    assert {case.kind for case in CASES} == set(CARDS)
    assert len({case.id for case in CASES}) == len(CASES)
    expected = {f"{lang}/{case.id}.txt" for case in CASES for lang in LANGUAGES}
    assert {str(file.relative_to(GOLDEN)) for file in GOLDEN.rglob("*.txt")} == expected
