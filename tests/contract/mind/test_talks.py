"""Talks whose briefs a real model writes, as the loop asks it: on loopback, with what it cost and what it may cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from steward.adapters.agents.costs import price_usd
from steward.adapters.store import open_store
from steward.adapters.store.store import SqlStore
from steward.domain.spending import Allowance
from tests.app.talks_kit import Talking
from tests.contract.mind.kit import KEY, WRITTEN, Answer, chat, mind, serving
from tests.contract.mind.test_hostile import HOSTILE, OBEDIENT

Asking = Callable[..., Talking]


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Asking]:
    """A Steward whose talks are put to the model of a server."""
    stores: list[SqlStore] = []

    def made(server: Any, allowance: Allowance | None = None) -> Talking:
        stores.append(open_store("sqlite://"))
        talking = Talking(stores[-1], tmp_path / "work")
        talking.modelled(mind(server, price=price_usd), allowance)
        return talking

    yield made
    for store in stores:
        store.close()


def test_what_is_said_becomes_a_brief_with_questions_and_its_cost_is_kept(asking: Asking) -> None:
    with serving(Answer(chat(WRITTEN, tokens=(100_000, 10_000)))) as server:
        talking = asking(server)
        shown = talking.told("Хочу принимать заказы на хлеб")
    assert shown["brief"]["title"] == "Bakery orders"
    assert [one["words"] for one in shown["asked"]] == ["How do customers pay?", "How late may one order?"]
    [call] = talking.calls()
    assert (call.user, call.outcome, call.usage.source) == ("anna", "ok", "computed")
    assert call.usage.cost_usd == pytest.approx(0.1 * 0.15 + 0.01 * 0.6)


def test_at_a_limit_the_model_is_not_asked_and_the_plain_dialog_goes_on(asking: Asking) -> None:
    with serving(Answer(chat(WRITTEN, tokens=(1_000_000, 0)))) as server:
        talking = asking(server, Allowance(person_day_usd=0.1))
        talk = talking.told()
        talking.by().say(talk["id"], "tg:77:2", "И каталог")
        talking.fold()
        assert len(server.asked) == 1
        assert talking.by().show(talk["id"])["waiting"] == 0
        talking.clock.advance(25 * 3600)
        talking.by().say(talk["id"], "tg:77:3", "И доставка")
        talking.fold()
        assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"error": {"message": f"bad key {KEY}"}}),
        (404, {"error": {"message": "no such model"}}),
    ],
)
def test_a_model_that_cannot_be_asked_leaves_the_plain_dialog_to_go_on(
    asking: Asking, status: int, body: Any
) -> None:
    with serving(Answer(body, status)) as server:
        talking = asking(server)
        shown = talking.told("Магазин керамики")
    assert "керамики" in shown["brief"]["goal"].lower()
    assert shown["waiting"] == 0
    assert [call.outcome for call in talking.calls()] == ["refused"]
    assert KEY not in repr(shown)


def test_a_model_that_is_down_for_a_while_is_asked_again_and_nothing_said_is_lost(asking: Asking) -> None:
    with serving(Answer("", 503), Answer("", 503), Answer()) as server:
        talking = asking(server)
        talk = talking.told("Хлеб на завтра")
        assert talk["waiting"] == 1
        talking.fold(5)
        talking.fold(15)
        assert len(server.asked) == 3
        assert talking.by().show(talk["id"])["waiting"] == 0
    assert [call.outcome for call in talking.calls()] == ["ok", "unreachable", "unreachable"]


@pytest.mark.parametrize("text", [text for text in HOSTILE if "\x00" not in text])
def test_a_hostile_talk_with_an_obedient_model_comes_to_a_brief_and_to_nothing_else(
    asking: Asking, text: str
) -> None:
    with serving(Answer(chat(OBEDIENT))) as server:
        talking = asking(server)
        talk_id = talking.by().open("tg:77:1", chat_id=77)["id"]
        talking.by().say(talk_id, "tg:77:1", text)
        before = everything_else(talking)
        talking.fold()
        shown = talking.by().show(talk_id)
        assert (len(server.asked), shown["waiting"]) == (1, 0)
    assert shown["state"] == "open"
    assert shown["brief"]["template"] == "starter"
    assert len(shown["asked"]) <= 2
    assert everything_else(talking) == before


def everything_else(talking: Talking) -> Any:
    """What a talk alone must not change: projects, operations, chats, people, secrets."""
    with talking.store.reading() as view:
        return (
            view.last_position(),
            view.status_counts(),
            [user.name for user in view.users()],
            view.chats(),
            view.outbox_counts(),
        )
