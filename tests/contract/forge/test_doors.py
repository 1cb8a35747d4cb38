"""What may leave towards GitHub at all: the doors of the building client, and what goes through each."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steward.adapters.github.limits import Meter
from steward.adapters.github.wire import Grant
from steward.adapters.github.write_wire import WriteWire
from steward.testing.clock import FakeClock

BASE = "https://api.github.com"
OPEN: list[dict[str, Any]] = [
    {"default_branch": "main"},
    {"visibility": "private"},
    {"private": True},
    {"archived": False},
]


def sent(method: Any, path: str, body: Any) -> int:
    """How many requests leave."""
    clock, left = FakeClock(), list[httpx.Request]()

    def answer(request: httpx.Request) -> httpx.Response:
        left.append(request)
        return httpx.Response(204)

    wire = WriteWire(BASE, clock, threads=1, transport=httpx.MockTransport(answer))
    with closing(wire), suppress(ValueError):
        wire.change(method, wire.address(path), Grant("x", Meter(clock, 0), ""), body)
    return len(left)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/repositories/5"),
        ("POST", "/repositories/5/transfer"),
        ("PUT", "/repositories/5/contents/a"),
        ("POST", "/repositories/5/git/refs"),
        ("PATCH", "/repositories/5/labels/.."),
        ("PATCH", "/repositories/5/actions/variables/.."),
        ("PUT", "/repositories/5/actions/secrets/.."),
        ("PUT", "/repositories/5/actions/secrets/A/../../.."),
        ("PUT", "/orgs/acme/actions/secrets/A"),
        ("PATCH", "/repos/acme/shop"),
        ("PUT", "/orgs/acme/repos"),
        ("DELETE", "/repositories/5"),
        ("DELETE", "/repositories/5/actions/secrets/A"),
    ],
)
def test_what_is_no_door_is_not_sent(method: str, path: str) -> None:
    for body in ({}, *OPEN):
        if body and path in {"/repositories/5", "/repositories/5/labels/.."} and method == "PATCH":
            continue  # the door of these bodies; the second path leads to it too
        assert sent(method, path, body) == 0


def test_a_refusal_says_what_was_not_sent() -> None:
    clock = FakeClock()
    with closing(WriteWire(BASE, clock, threads=1)) as wire:
        url = wire.address("/repositories/5")
        with pytest.raises(ValueError, match="PATCH /repositories/5 is no change that is made here"):
            wire.change("PATCH", url, Grant("x", Meter(clock, 0), ""), {"visibility": "public"})


@pytest.mark.parametrize("body", OPEN)
def test_three_settings_of_a_repository_may_leave(body: dict[str, Any]) -> None:
    assert sent("PATCH", "/repositories/5", body) == 1
    for method in ("POST", "PUT", "DELETE"):
        assert sent(method, "/repositories/5", body) == 0


@pytest.mark.parametrize(
    "body",
    [
        {"visibility": "public"},
        {"visibility": "internal"},
        {"visibility": ["private"]},
        {"private": False},
        {"private": 0},
        {"private": 1},
        {"archived": True},
        {"archived": 0},
        {"archived": None},
        {"name": "store"},
        {"new_owner": "eve"},
        {"homepage": "https://evil.example"},
        {"default_branch": ""},
        {"default_branch": None},
        {"default_branch": "main", "name": "store"},
        {"visibility": "private", "archived": True},
        {"private": True, "visibility": "public"},
    ],
)
def test_nothing_publishes_archives_renames_or_hands_over(body: dict[str, Any]) -> None:
    assert sent("PATCH", "/repositories/5", body) == 0


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 2),
    st.sampled_from(["private", "public", "internal", "false", ""]),
)
_FIELDS = st.sampled_from(
    ["visibility", "private", "archived", "name", "default_branch", "new_owner", "security"]
)


@settings(max_examples=40)
@given(body=st.dictionaries(_FIELDS, _VALUES, max_size=3))
def test_what_leaves_is_one_of_the_three(body: dict[str, Any]) -> None:
    left = sent("PATCH", "/repositories/5", body)
    if left:
        ((name, value),) = body.items()
        assert (name == "default_branch" and isinstance(value, str) and value) or body in OPEN
        assert not isinstance(value, int) or isinstance(value, bool)


@pytest.mark.parametrize(
    ("method", "tail", "good", "bad"),
    [
        ("PUT", "secrets/A", {"encrypted_value": "x", "key_id": "1"}, {"value": "clear"}),
        ("POST", "variables", {"name": "A", "value": "x"}, {"name": "A", "value": "x", "more": 1}),
        ("PATCH", "variables/A", {"value": "x"}, {"name": "B", "value": "x"}),
    ],
)
def test_secrets_and_variables_leave_in_one_shape(method: str, tail: str, good: Any, bad: Any) -> None:
    assert sent(method, f"/repositories/5/actions/{tail}", good) == 1
    assert sent(method, f"/repositories/5/actions/{tail}", bad) == 0
