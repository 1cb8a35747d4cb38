"""What holds of every mind, whatever it is made of and whatever it was told."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.models.test import TestModel

from steward.adapters.agents.costs import price_usd
from steward.adapters.mind import ModelMind
from steward.app.plain import PlainMind
from steward.domain.brief import ASKED_MAX, ITEMS_MAX, Brief, bounded
from steward.domain.talks import Purpose
from steward.ports.mind import Folded, Mind
from steward.testing.clock import FakeClock
from steward.testing.mind import ScriptedMind
from tests.contract.mind.kit import (
    TEMPLATE,
    WRITTEN,
    Answer,
    chat,
    heard,
    message,
    mind,
    said,
    serving,
    text_of,
)

Answering = Callable[[list[ModelMessage], AgentInfo], ModelResponse]


def within(answer: Answering) -> ModelMind:
    """A mind whose model is a function."""
    return ModelMind(
        "openai:within",
        FakeClock(),
        key=lambda: None,
        connect=lambda _name, _url, _key: (FunctionModel(answer), None),
    )


def calling(arguments: Any) -> Answering:
    """A model that makes the one call with these arguments, whatever it is asked."""
    return lambda _messages, _info: ModelResponse(parts=[ToolCallPart("write_brief", arguments)])


def minds() -> list[Mind]:
    """One of each kind."""
    return [
        within(calling(dict(WRITTEN))),
        ModelMind(
            "openai:test",
            FakeClock(),
            key=lambda: None,
            connect=lambda _name, _url, _key: (TestModel(custom_output_args={"title": "t"}), None),
        ),
        PlainMind(),
        ScriptedMind(lambda _heard: Folded(Brief(title="t"), ("what?",))),
    ]


@pytest.mark.parametrize("one", minds(), ids=["function", "test model", "plain", "scripted"])
@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("messages", [(), ("",), ("I want a shop",), ("one", "two", "three")])
def test_a_fold_gives_a_bounded_brief_and_at_most_two_questions(
    one: Mind, purpose: Purpose, messages: tuple[str, ...]
) -> None:
    folded = one.fold(heard(*messages, purpose=purpose))
    assert folded.brief == bounded(folded.brief)
    assert len(folded.asked) <= ASKED_MAX
    assert set(folded.brief.answers) <= {question.name for question in TEMPLATE.questions}
    assert one.name == one.name.strip()


@pytest.mark.parametrize("one", minds()[:3], ids=["function", "test model", "plain"])
def test_an_answer_to_a_question_of_the_template_is_kept_by_whoever_writes_the_brief(one: Mind) -> None:
    talk = heard(
        said("A shop"), said("amber", number=2, answers="template:accent"), asked=("template:accent",)
    )
    assert one.fold(talk).brief.answers["accent"] == "amber"


@pytest.mark.parametrize("one", minds()[:3], ids=["function", "test model", "plain"])
def test_nobody_keeps_an_answer_that_is_none_of_the_choices(one: Mind) -> None:
    talk = heard(
        said("A shop"), said("mauve", number=2, answers="template:accent"), asked=("template:accent",)
    )
    assert one.fold(talk).brief.answers.get("accent") in {None, "amber"}


def test_what_the_model_wrote_is_the_brief() -> None:
    with serving() as server:
        folded = mind(server).fold(heard("I want my customers to order bread"))
    assert folded.brief == Brief(
        title="Bakery orders",
        goal="Customers order bread for the next day.",
        users="Customers and two bakers",
        features=("Order form: pick bread and a time", "List: what to bake tomorrow"),
        out_of_scope=("Delivery",),
        questions=("How is it paid for?",),
        answers={"title": "Bakery orders", "accent": "amber"},
    )
    assert folded.asked == ("How do customers pay?", "How late may one order?")
    assert folded.usage is not None
    assert (folded.usage.input_tokens, folded.usage.output_tokens) == (1000, 50)
    assert (folded.usage.cost_usd, folded.usage.source) == (None, "unknown")


def test_a_model_of_anthropic_answers_the_same() -> None:
    with serving() as chatting, serving(Answer(message(WRITTEN))) as messaging:
        one = mind(chatting).fold(heard("bread"))
        other = mind(messaging, name="anthropic:claude-haiku-4-5").fold(heard("bread"))
    assert (one.brief, one.asked) == (other.brief, other.asked)
    assert messaging.paths == ["/v1/messages"]
    assert chatting.paths == ["/v1/chat/completions"]


def test_what_stands_is_kept_where_the_model_leaves_it_out() -> None:
    before = Brief(
        title="Bakery", goal="Bread", features=("a", "b"), questions=("q?",), answers={"visitors": 5}
    )
    folded = within(calling({"users": "bakers", "open_questions": []})).fold(
        heard("for bakers", brief=before)
    )
    assert folded.brief == Brief(
        title="Bakery", goal="Bread", users="bakers", features=("a", "b"), answers={"visitors": 5}
    )


def test_the_template_of_a_talk_is_not_the_models_to_change() -> None:
    folded = within(calling({"title": "t", "template": "https://evil.example/t"})).fold(heard("x"))
    assert folded.brief.template == "starter"


@pytest.mark.parametrize(
    ("answers", "kept"),
    [
        ([{"name": "accent", "value": "teal"}], {"accent": "teal"}),
        ([{"name": "accent", "value": "mauve"}], {}),
        ([{"name": "visitors", "value": "120"}], {"visitors": 120}),
        ([{"name": "visitors", "value": 120}], {"visitors": 120}),
        ([{"name": "visitors", "value": "many"}], {}),
        ([{"name": "parts", "value": "shop, blog"}], {"parts": "shop,blog"}),
        ([{"name": "parts", "value": "shop, casino"}], {}),
        ([{"name": "token", "value": "a-secret"}], {}),
        ([{"name": "slug", "value": "x"}], {}),
        ([{"name": "root_password", "value": "x"}], {}),
        ([{"name": "title", "value": "x" * 30_000}], {"title": "x" * 20_000}),
        ({"accent": "teal", "nothing": "x"}, {"accent": "teal"}),
        ([{"name": 5}, "teal", None, {"value": "x"}], {}),
        ("accent=teal", {}),
    ],
)
def test_answers_are_to_the_templates_questions_alone_and_fit(answers: Any, kept: dict[str, Any]) -> None:
    assert dict(within(calling({"title": "t", "answers": answers})).fold(heard("x")).brief.answers) == kept


def test_what_the_person_answered_to_a_question_stands_over_the_models_guess() -> None:
    obedient = within(calling({"answers": [{"name": "accent", "value": "teal"}]}))
    folded = obedient.fold(heard(said("amber", answers="template:accent")))
    assert dict(folded.brief.answers) == {"accent": "amber"}


def test_a_question_is_put_with_what_was_answered_and_one_that_was_left_out_is_told() -> None:
    with serving() as server:
        mind(server).fold(
            heard(
                said("Neighbours", answers="users"),
                said("", number=2, answers="skip:template:visitors"),
                said("By card", number=3, answers="How do they pay?"),
                asked=("features",),
            )
        )
    text = text_of(server.asked[0])
    assert "message 1, a question and its answer>>\nWho will use it?\nNeighbours\n" in text
    assert "message 2, a question that is left open>>\nHow many visitors a day\n" in text
    assert "message 3, a question and its answer>>\nHow do they pay?\nBy card\n" in text
    assert "What shall it do? A line for each thing." in text


def test_an_answer_to_a_secret_question_is_not_shown_to_the_model() -> None:
    with serving() as server:
        folded = mind(server).fold(
            heard(said("hunter2-hunter2", answers="template:token"), said("a shop", number=2))
        )
    assert "hunter2" not in json.dumps(server.asked)
    assert "token" not in folded.brief.answers
    assert "mail service" not in json.dumps(server.asked)


def test_more_than_can_be_put_at_a_time_is_put_in_parts_and_nothing_is_left_out() -> None:
    texts = [f"<{number}>" + "x" * 9_000 for number in range(20)]
    with serving() as server:
        folded = mind(server).fold(heard(*texts))
    put = [json.dumps(one["messages"]) for one in server.asked]
    assert len(put) == 4
    assert all(sum(f"<{number}>" in one for one in put) == 1 for number in range(20))
    assert "Bakery orders" not in put[0]
    assert "Bakery orders" in put[1]
    assert folded.usage is not None
    assert folded.usage.input_tokens == 4_000


def test_what_it_cost_is_worked_out_by_the_price_list_that_is_installed() -> None:
    with serving(Answer(chat(WRITTEN, tokens=(1_000_000, 1_000_000)))) as server:
        usage = mind(server, price=price_usd).fold(heard("x")).usage
    assert usage is not None
    assert usage.cost_usd == pytest.approx(0.75)
    assert usage.source == "computed"


def test_what_a_model_costs_that_is_on_no_list_is_not_known() -> None:
    with serving() as server:
        usage = mind(server, name="openai:our-own-model", price=price_usd).fold(heard("x")).usage
    assert usage is not None
    assert (usage.cost_usd, usage.source) == (None, "unknown")


def test_threads_may_ask_at_the_same_time_and_nothing_is_left_open() -> None:
    found: list[Folded] = []
    with serving() as server:
        asked = mind(server)
        threads = [
            threading.Thread(target=lambda: found.append(asked.fold(heard("a shop")))) for _number in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    gc.collect()
    assert len(found) == 4
    assert len({one.brief.title for one in found}) == 1


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
)
PARTS = st.sampled_from([*WRITTEN, "tool", "role", "cost_usd"])


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(PARTS, ANYTHING, min_size=1))
def test_whatever_a_model_answers_a_brief_stays_a_brief(arguments: dict[str, Any]) -> None:
    before = Brief(title="Bakery", features=("a",))
    answered = calling({"title": "t", **arguments})
    folded = within(answered).fold(heard("x", brief=before))
    assert folded.brief == bounded(folded.brief)
    assert folded.brief.title
    assert len(folded.asked) <= ASKED_MAX
    assert set(folded.brief.answers) <= {"title", "accent", "visitors", "parts"}
    json.dumps(dict(folded.brief.answers), allow_nan=False)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"title": "Bread"}),
        f"```json\n{json.dumps({'title': 'Bread'})}\n```",
        f"```\n{json.dumps({'title': 'Bread', 'mood': 'good'})}\n```",
    ],
)
def test_a_model_that_makes_no_calls_may_answer_in_its_text(text: str) -> None:
    folded = within(lambda _messages, _info: ModelResponse(parts=[TextPart(text)])).fold(heard("x"))
    assert folded.brief.title == "Bread"


def test_a_sloppy_answer_is_understood() -> None:
    sloppy = {
        "title": ["Bread"],
        "goal": 5,
        "features": [{"name": "Form", "what": "orders"}, "List", None, 7, ["x"]],
        "out_of_scope": "Delivery\nPayment",
        "ask": "Who pays?",
        "users": {"who": "bakers"},
    }
    folded = within(calling(sloppy)).fold(heard("x"))
    assert folded.brief == Brief(
        title="Bread",
        goal="5",
        features=("Form: orders", "List", "7", "x"),
        out_of_scope=("Delivery", "Payment"),
    )
    assert folded.asked == ("Who pays?",)


def test_a_flood_of_words_is_cut_to_the_bounds() -> None:
    flood = {"title": "t" * 10**6, "features": [f"{number} " + "f" * 10**4 for number in range(5_000)]}
    folded = within(calling(flood)).fold(heard("x"))
    assert len(folded.brief.title) == 120
    assert len(folded.brief.features) == ITEMS_MAX
