"""What may be believed: evidence, counting and the mass-loss guard, as tables of examples and as laws."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.domain import drift
from steward.domain.belief import Context, Evidence, Losses, believe, lost_within, weigh
from steward.domain.instant import Instant, elapsed_s
from steward.domain.project import Organisation, Project, Tracked
from steward.domain.repository import (
    Access,
    Blocked,
    Forbidden,
    Found,
    NotFound,
    Presence,
    Repo,
    Repository,
    Sighting,
    Unclear,
)
from steward.domain.rules import Rules
from steward.domain.status import Status

T0 = datetime(2026, 1, 1, tzinfo=UTC)
NOW = Instant(T0, "boot", 1000.0)
RULES = Rules()
HOME = Organisation(1, "acme", "http://x", owner_id=7, last_whole_look=5)
WHOLE = Evidence(Access.ALL, canary=True)


def repo(repo_id: int = 1, **facts: object) -> Repo:
    base = Repo(repo_id, f"r{repo_id}", 7, "acme", digest=repo_id, created_at=T0 - timedelta(days=9))
    return replace(base, **facts)  # type: ignore[arg-type] # facts are named by each test


def tracked(repo_id: int = 1, **state: object) -> Tracked:
    project = Project(f"p{repo_id}", f"r{repo_id}", 1, Status.ACTIVE, T0, T0, T0, repository_id=repo_id)
    row = Repository(repo(repo_id), 1, project.id, look=3)
    return Tracked(replace(row, **state), project)  # type: ignore[arg-type] # state is named by each test


def context(evidence: Evidence | None = WHOLE, **other: object) -> Context:
    base = Context(
        organisation=HOME,
        homes={7: 1},
        evidence={"private": evidence} if evidence else {},
        expected=(),
        look=6,
        now=NOW,
        server_at=T0,
        rules=RULES,
    )
    return replace(base, **other)  # type: ignore[arg-type] # named by each test


def kind(change: drift.Change | None) -> str | None:
    return change.kind if change else None


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (Evidence(Access.ALL, canary=True), "absent"),
        (Evidence(Access.ALL, canary=False), "inaccessible"),
        (Evidence(Access.ALL, canary=None, counts_agree=True), "absent"),
        (Evidence(Access.ALL, canary=None, counts_agree=False), "inaccessible"),
        (Evidence(Access.ALL, canary=None, counts_agree=None), "inaccessible"),
        (Evidence(Access.SELECTED, canary=True), "inaccessible"),
        (Evidence(Access.SELECTED, canary=None, counts_agree=True), "inaccessible"),
        (Evidence(Access.UNKNOWN, canary=True, counts_agree=True), "absent"),
        (Evidence(Access.UNKNOWN, canary=True, counts_agree=False), "inaccessible"),
        (Evidence(Access.UNKNOWN, canary=True, counts_agree=None), "inaccessible"),
        (None, None),
    ],
)
def test_a_404_counts_only_with_our_access_proven_whole(
    evidence: Evidence | None, expected: str | None
) -> None:
    assert kind(weigh(tracked(), NotFound(), context(evidence))) == expected


@pytest.mark.parametrize(
    ("sighting", "expected"),
    [
        (Found(repo()), None),
        (Found(repo(digest=99)), "changed"),
        (Found(repo(owner_id=8, owner_login="else")), "transferred"),
        (Forbidden(), "inaccessible"),
        (Blocked("dmca"), "blocked"),
        (Unclear("HTML"), None),
    ],
)
def test_each_answer_means_one_thing(sighting: Sighting, expected: str | None) -> None:
    assert kind(weigh(tracked(), sighting, context())) == expected


def test_a_newer_record_is_not_overwritten() -> None:
    assert weigh(tracked(look=7), NotFound(), context()) is None
    assert weigh(tracked(look=7), Found(repo(digest=99)), context()) is None


def absent(absences: int, seconds_ago: float, **state: Any) -> Tracked:
    then = Instant(T0 - timedelta(seconds=seconds_ago), "boot", 1000.0 - seconds_ago)
    known: dict[str, Any] = {
        "presence": Presence.ABSENT,
        "absences": absences,
        "confirmed": then,
        "absent_look": 4,
    }
    return tracked(**{**known, **state})


@pytest.mark.parametrize(
    ("absences", "seconds_ago", "expected"),
    [(1, 19.9, None), (1, 20, "absent"), (2, 19.9, None), (2, 20, "missing"), (2, 9999, "missing")],
)
def test_confirmations_are_spaced_and_counted(
    absences: int, seconds_ago: float, expected: str | None
) -> None:
    assert kind(weigh(absent(absences, seconds_ago), NotFound(), context())) == expected


def test_a_loss_waits_for_a_whole_listing_without_it() -> None:
    change = weigh(absent(2, 30, absent_look=6), NotFound(), context())
    assert isinstance(change, drift.Absent)
    assert change.waits_for_look
    assert kind(weigh(absent(2, 30, absent_look=5), NotFound(), context())) == "missing"


def test_a_repository_just_created_is_not_absent() -> None:
    young = tracked()
    row = replace(young.repository, repo=repo(created_at=T0 - timedelta(seconds=119)))
    assert weigh(Tracked(row, young.project), NotFound(), context()) is None
    later = context(server_at=T0 + timedelta(seconds=1))
    assert kind(weigh(Tracked(row, young.project), NotFound(), later)) == "absent"


def test_a_person_s_word_concludes_and_another_s_prevents() -> None:
    assert kind(weigh(tracked(vouched="person:anna"), NotFound(), context(None))) == "missing"
    rejected = tracked(presence=Presence.INACCESSIBLE, vouched="rejected:anna")
    assert weigh(rejected, NotFound(), context()) is None


def test_a_delivery_that_tells_of_a_deletion_outweighs_doubt() -> None:
    told = tracked(vouched="delivery:1")
    assert kind(weigh(told, NotFound(), context(Evidence(Access.SELECTED, canary=None)))) == "absent"


def lost(repo_id: int, vouched: str = "") -> drift.Lost:
    return (
        drift.Lost(absent(2, 30, vouched=vouched), 3)
        if repo_id == 1
        else drift.Lost(replace(absent(2, 30, vouched=vouched), project=None), 3)
    )


@pytest.mark.parametrize(
    ("lost_now", "concluded", "pending", "recorded", "held"),
    [
        (1, 0, 1, 1, False),
        (1, 0, 1, 2, False),
        (2, 0, 2, 2, True),
        (2, 0, 2, 3, False),
        (3, 0, 3, 3, True),
        (3, 0, 3, 10, False),
        (4, 0, 4, 10, True),
        (1, 3, 1, 10, True),
        (1, 2, 1, 10, False),
        (10, 0, 10, 100, False),
        (11, 0, 11, 100, True),
        (1, 0, 11, 100, True),
        (1, 10, 1, 100, True),
    ],
)
def test_the_mass_loss_guard(lost_now: int, concluded: int, pending: int, recorded: int, held: bool) -> None:
    changes: list[drift.Change] = [lost(number) for number in range(lost_now)]
    kinds = {change.kind for change in believe(changes, Losses(concluded, pending, recorded), RULES)}
    assert kinds == ({"held"} if held else {"missing"})


def test_transfers_count_as_losses_and_other_changes_pass() -> None:
    away = drift.Transferred(tracked(2), repo(2, owner_id=8))
    seen = drift.Discovered(repo(3))
    believed = believe([away, away, away, away, seen], Losses(0, 0, 20), RULES)
    assert [change.kind for change in believed] == ["held"] * 4 + ["discovered"]


def test_what_a_person_vouched_for_passes_the_guard() -> None:
    changes: list[drift.Change] = [lost(1, "person:anna") for _ in range(9)]
    assert {c.kind for c in believe(changes, Losses(0, 9, 9), RULES)} == {"missing"}


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 400))
def test_the_guard_never_lets_through_more_than_its_limit(lost_now: int, concluded: int, rest: int) -> None:
    changes: list[drift.Change] = [lost(number) for number in range(lost_now)]
    recorded = lost_now + concluded + rest
    through = [
        c for c in believe(changes, Losses(concluded, lost_now, recorded), RULES) if c.kind == "missing"
    ]
    if through:
        assert len(through) + concluded <= max(RULES.loss_count_max, RULES.loss_share_max * recorded)


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_time_that_passed_never_depends_on_the_wall_clock_within_one_boot(
    jump_s: float, passed_s: float
) -> None:
    later = Instant(T0 + timedelta(seconds=jump_s), "boot", 1000.0 + passed_s)
    assert elapsed_s(NOW, later) == pytest.approx(passed_s, abs=1e-6)
    assert elapsed_s(NOW, replace(later, boot="other")) == pytest.approx(max(0.0, jump_s), abs=1e-3)
    assert Instant.decode(later.encode()).at == later.at


def test_losses_within_the_window_are_counted() -> None:
    moments = [Instant(T0, "boot", 1000.0 - ago) for ago in (10.0, 3599.0, 3600.0, 9999.0)]
    assert lost_within(moments, NOW, 3600.0) == 2
