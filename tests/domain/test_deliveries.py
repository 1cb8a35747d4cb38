"""What deliveries name, which of them ask for a look, and how a hook does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.domain.deliveries import (
    EVENTS,
    SINGLE,
    WHOLE,
    Delivery,
    Hook,
    Sent,
    Subject,
    Told,
    health,
    lacking,
    names,
    on_branch,
    trouble,
    wanted,
)

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
HOOK = Hook(7, 1, "https://steward.test/hooks/github", tuple(EVENTS), True, NOW)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["action", "repository", "organization", "installation", "account", "ref", "hook_id", "id", "owner"]


def test_a_delivery_names_owner_and_repository_by_number() -> None:
    payload = {
        "action": "renamed",
        "repository": {"id": 5, "name": "shop", "owner": {"id": 8}},
        "organization": {"id": 9},
    }
    assert names("repository", payload) == Subject("renamed", 9, 5)
    del payload["organization"]
    assert names("repository", payload).owner_id == 8
    assert names("installation", {"installation": {"account": {"id": 4}}}).owner_id == 4
    assert names("push", {"ref": "refs/heads/main"}).ref == "refs/heads/main"
    assert names("create", {"ref": "main"}).ref == ""
    assert names("meta", {"hook_id": 3, "action": "deleted"}) == Subject("deleted", hook_id=3)


@pytest.mark.parametrize("number", [True, 0, -1, 2**63, 1.0, "5", None, [5], {"id": 5}])
def test_what_is_no_id_names_nothing(number: Any) -> None:
    payload = {"repository": {"id": number}, "organization": {"id": number}, "hook_id": number}
    assert names("meta", payload) == Subject()


@given(
    st.sampled_from([*EVENTS, *WHOLE, "ping", "star"]),
    st.dictionaries(st.sampled_from(FIELDS), JSON | st.dictionaries(st.sampled_from(FIELDS), JSON)),
)
def test_no_payload_is_refused_for_its_shape(event: str, payload: dict[str, Any]) -> None:
    subject = names(event, payload)
    for number in (subject.owner_id, subject.repository_id, subject.hook_id):
        assert number is None or 0 < number < 2**63
    assert isinstance(wanted(event, subject), str)


def test_only_what_names_something_of_ours_asks_for_a_look() -> None:
    for event in SINGLE:
        assert wanted(event, Subject(repository_id=5)) == ""
        assert "names no repository" in wanted(event, Subject())
    assert wanted("organization", Subject("renamed")) == ""
    assert wanted("organization", Subject("member_added")) == "of no consequence"
    assert wanted("installation_repositories", Subject("removed")) == ""
    assert "does not use" in wanted("star", Subject(repository_id=5))
    assert "ping" in wanted("ping", Subject())
    assert "deleted" in wanted("meta", Subject("deleted"))


def test_every_event_subscribed_to_is_used() -> None:
    assert set(EVENTS) <= SINGLE | set(WHOLE) | {"meta"}


def test_a_deletion_and_a_whole_look_are_told_by_event_and_action() -> None:
    made = Delivery(7, "g", "repository", NOW, action="deleted")
    assert (made.gone, made.whole) == (True, False)
    assert not replace(made, event="create").gone
    assert replace(made, event="organization", action="renamed").whole


@pytest.mark.parametrize(
    ("ref", "branch", "same"),
    [
        ("refs/heads/main", "main", True),
        ("refs/heads/main-2", "main", False),
        ("refs/heads/not-main", "main", False),
        ("refs/heads/feature/main", "main", False),
        ("refs/heads/Main", "main", False),
        ("refs/tags/main", "main", False),
        ("main", "main", False),
        ("refs/heads/feature/main", "feature/main", True),
        ("", "main", True),
        ("refs/heads/main", None, True),
    ],
)
def test_fault_31_a_branch_is_the_very_ref(ref: str, branch: str | None, same: bool) -> None:
    assert on_branch(ref, branch) is same


def sent(*codes: int, event: str = "push") -> list[Sent]:
    """Deliveries as GitHub lists them, newest first."""
    return [Sent(100 - n, f"g{n}", event, "", code, NOW) for n, code in enumerate(codes)]


TOLD = Told(7, HOOK.url, tuple(EVENTS), True)


def test_what_is_wrong_with_a_hook_is_said() -> None:
    assert trouble(TOLD, []) == trouble(TOLD, sent(202, 500, 500, 500)) == ""
    assert trouble(TOLD, sent(500, 502)) == "", "two failures may be a restart"
    assert trouble(TOLD, sent(0, 502, 401, 202)) == (
        "GitHub cannot deliver; the last 3 failed, the newest with 0"
    )
    assert "the last 1 failed" in trouble(TOLD, sent(404, event="ping"))
    assert "does not have" in trouble(None, [])
    assert "switched off" in trouble(replace(TOLD, active=False), [])
    assert trouble(replace(TOLD, events=("push", "star")), []) == (
        "the webhook lacks events: repository, public, organization, meta"
    )
    assert lacking(["*"]) == []


def test_the_health_of_a_hook() -> None:
    soon, later = NOW + timedelta(seconds=30), NOW + timedelta(minutes=10)
    assert health(HOOK, None, soon).state == "waiting"
    assert health(HOOK, None, later).state == "failing"
    assert health(replace(HOOK, pinged_at=later), None, later).state == "waiting"
    assert health(HOOK, NOW - timedelta(days=1), later).state == "failing", "that was before it was set right"
    assert health(HOOK, soon, later + timedelta(days=30)).state == "ok", "silence is no failure"
    bad = health(replace(HOOK, failure="switched off", events=("push",)), soon, later)
    assert (bad.state, bad.reason, "meta" in bad.missing, bad.last_at) == (
        "failing",
        "switched off",
        True,
        soon,
    )
