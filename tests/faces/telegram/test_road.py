"""The whole road in a chat: a talk, an approval, a live site, a change of it, an incident, and back again.

Nothing but what a person can do on Telegram leads along it: words that are written, buttons that are pressed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from steward.domain.brief import Brief
from steward.domain.spending import Usage
from steward.domain.talks import Purpose
from steward.ports.mind import Folded, Heard
from steward.testing.mind import ScriptedMind
from tests.faces.telegram.bench import Bench, bench
from tests.telegram.people import Person
from tests.telegram.state import Message

WISH = {
    "en": "I want a page for my bakery where people order bread",
    "ru": "Хочу страницу для моей пекарни, где можно заказать хлеб",
}
ANSWERS = {
    "en": ["Neighbours who like bread", "Menu: shows the bread\nOrder: takes a phone number", "No payments"],
    "ru": ["Соседи, которые любят хлеб", "Меню: показывает хлеб\nЗаказ: берёт телефон", "Без оплаты"],
}
TITLE = {"en": "Corner bakery", "ru": "Пекарня на углу"}
CHANGE = {"en": "add payments to the bakery", "ru": "добавь оплату в пекарню"}
NOW = {"en": "What is it doing now?", "ru": "Что сейчас происходит?"}


def scripted(lang: str) -> ScriptedMind:
    """A model that understands at once what is wanted of it."""

    def fold(heard: Heard) -> Folded:
        usage = Usage("scripted:mind", 100, 50, 0.01, "computed")
        if heard.purpose is Purpose.UPDATE:
            return Folded(replace(heard.brief, title=heard.brief.title, goal=CHANGE[lang]), (), usage)
        users, features, out = ANSWERS[lang]
        brief = Brief(TITLE[lang], WISH[lang], users, tuple(features.splitlines()), (out,))
        return Folded(replace(brief, answers={"accent": "teal"}), (), usage)

    return ScriptedMind(fold)


def button(message: Message, start: str) -> str | None:
    """The data of the first button whose data begins so."""
    found = [b.get("callback_data", "") for row in message.buttons for b in row]
    return next((data for data in found if data.startswith(start)), None)


class Chatting:
    """A founder in the chat with the bot, and the Steward behind it."""

    def __init__(self, desk: Bench, lang: str) -> None:
        self.desk, self.lang = desk, lang
        self.anna: Person = desk.person("Anna", "approver", lang)

    def says(self, text: str) -> None:
        """Write, and wait until everything has come to rest."""
        self.anna.writes(text)
        self.works()

    def works(self) -> None:
        """Let the bot and the engine work until nothing is left to do."""
        for _ in range(3):
            self.desk.settle()
            self.desk.world.drive()
        self.desk.settle()

    def presses(self, start: str) -> None:
        """Press the newest button whose data begins so, and let them work."""
        for message in reversed(self.anna.sees()):
            if data := button(message, start):
                self.anna.presses(data, message)
                self.works()
                return
        shown = [(m.text[:80], m.labels) for m in self.anna.sees()]
        raise AssertionError(f"no button begins with {start}; there is: {shown}")

    def answers_all(self) -> None:
        """Answer whatever the dialog asks, until it asks nothing more."""
        words = iter(ANSWERS[self.lang])
        for _ in range(12):
            talk = self.desk.talks("anna")[0]
            if not talk["asked"] or talk["asked"][0]["name"] == "more":
                return
            if talk["asked"][0]["choices"]:
                self.presses("t:pick")
            else:
                self.says(next(words))
        raise AssertionError("it never stops asking")

    @property
    def shop(self) -> str:
        """The slug of the one project that came of the talk."""
        return next(one.slug for one in self.desk.world.projects() if one.title)

    def orders(self) -> None:
        """From the first word to the live site."""
        self.says(WISH[self.lang])
        self.answers_all()
        self.presses("t:order")
        self.presses("p:confirm")
        self.presses("p:sure")


@pytest.fixture(params=["plain", "model"])
def chatting(request: pytest.FixtureRequest, tmp_path: Path, lang: str) -> Iterator[Chatting]:
    """A founder who was just connected, with a model and without one."""
    with bench(tmp_path) as desk:
        if request.param == "model":
            mind = scripted(lang)
            desk.world.app = desk.app = replace(desk.world.app, mind=lambda: mind)
            desk.begin()
        desk.world.neighbours()
        yield Chatting(desk, lang)


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_from_a_talk_to_a_live_site_a_change_an_incident_and_back(chatting: Chatting, lang: str) -> None:
    world, anna = chatting.desk.world, chatting.anna
    chatting.orders()
    slug = chatting.shop
    assert world.project(slug).status == "active"
    first = world.project(slug).live
    assert first is not None
    assert any(first["url"] in message.text for message in anna.sees())
    spec = chatting.desk.app.works(chatting.desk.by("anna")).spec(slug)
    assert ANSWERS[lang][1].splitlines()[0] in spec["criteria"]

    chatting.says(NOW[lang])
    chatting.says(CHANGE[lang])
    if any(button(message, "t:about") for message in anna.sees()):
        chatting.presses("t:about")
    chatting.presses("t:ask")
    assert world.updates(slug)[0].text.startswith(CHANGE[lang])
    chatting.presses("p:approve")
    assert world.project(slug).status == "active"
    second = world.project(slug).live
    assert second is not None
    assert second["commit"] != first["commit"]

    world.vanish(slug)
    chatting.works()
    incident = next(m for m in reversed(anna.sees()) if button(m, "i:ack"))
    chatting.presses("i:ack")
    lost = world.project(slug).id
    with chatting.desk.app.store.reading() as view:
        assert [one.state for one in view.incidents() if one.project_id == lost] == ["acknowledged"]
    assert any(m.message_id == incident.message_id and m.edited for m in anna.sees())
    world.forge.restore(world.project(slug).repository_id or 0)
    world.settle()
    chatting.works()
    assert world.project(slug).status == "active"

    chatting.presses("p:rollback")
    chatting.presses("p:back")
    back = world.project(slug).live
    assert back is not None
    assert back["commit"] == first["commit"]
    assert all(
        call.status == 200 or call.method == "answerCallbackQuery" for call in chatting.desk.server.calls
    )
