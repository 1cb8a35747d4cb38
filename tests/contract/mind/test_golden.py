"""What is asked of a model: the whole request, as it goes over the wire."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.adapters.mind.wording import told
from steward.domain.brief import Brief
from tests.contract.mind.kit import KEY, Answer, heard, mind, said, serving, text_of
from tests.contract.mind.record import ANSWERS, GOLDEN, asked, shown


@pytest.mark.parametrize("protocol", ANSWERS)
def test_the_request_is_the_one_that_was_read(protocol: str) -> None:
    assert shown(asked(protocol)) == (GOLDEN / f"{protocol}.json").read_text()


@pytest.mark.parametrize("protocol", ANSWERS)
def test_nothing_is_offered_but_the_one_way_to_answer(protocol: str) -> None:
    request = asked(protocol)
    offered = [tool.get("function", tool)["name"] for tool in request["tools"]]
    assert offered == ["write_brief"]
    assert not {"functions", "mcp_servers", "web_search_options", "container"} & set(request)
    assert KEY not in json.dumps(request)


def test_a_model_that_takes_no_temperature_is_given_none() -> None:
    with serving() as server:
        mind(server, name="openai:gpt-5").fold(heard("x"))
        mind(server, name="openai:gpt-4o-mini").fold(heard("x"))
    assert "temperature" not in server.asked[0]
    assert server.asked[1]["temperature"] == 0.2


def test_the_marks_are_others_at_each_call() -> None:
    with serving() as server:
        one = mind(server)
        one._mark = type(one)("openai:x", one._clock, key=lambda: None)._mark
        one.fold(heard("x"))
        one.fold(heard("x"))
    marks = [set(re.findall(r"<<([0-9a-f]{16}) ", text_of(request))) for request in server.asked]
    assert [len(found) for found in marks] == [1, 1]
    assert marks[0] != marks[1]


def test_a_server_of_ones_own_may_do_without_a_key() -> None:
    with serving(Answer()) as server:
        mind(server, key=None).fold(heard("x"))
    assert server.keys == ["Bearer none"]


@given(st.text(max_size=200), st.text(max_size=60), st.booleans())
def test_whatever_is_said_stands_between_marks_that_it_cannot_close(
    text: str, title: str, forwarded: bool
) -> None:
    mark = "f00dfacecafebeef"
    if mark in text + title:
        return
    whole = told(heard(), Brief(title=title), [said(text, forwarded=forwarded)], mark)
    assert [kind for _slash, kind in re.findall(rf"<<(/?){mark} (template|brief|message 1)", whole)] == [
        "template",
        "template",
        "brief",
        "brief",
        "message 1",
        "message 1",
    ]
    inside = whole.partition(f"<<{mark} message 1")[2].partition(">>\n")[2]
    assert inside.startswith(text)
    assert inside[len(text) :] == f"\n<</{mark} message 1>>\n\nWrite the brief as it stands now."
