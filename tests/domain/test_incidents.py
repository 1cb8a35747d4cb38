"""Incidents: one per cause, counted, closed by the cause that goes; late news changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from steward.domain.incidents import Cause, Incident, Report, Severity, is_muted, judge

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def news(look: int, *, stands: bool = True) -> Report:
    return Report("missing:p", Cause.MISSING, look, stands, Severity.ERROR, "gone", evidence={"look": look})


def opened(look: int = 1) -> Incident:
    made = judge(news(look), None, T0, "heartbeat")
    assert made is not None
    return replace(made, id=9)


def test_a_cause_opens_one_incident_and_then_counts() -> None:
    first = opened()
    again = judge(news(2), first, T0 + timedelta(seconds=5), "heartbeat")
    assert again is not None
    assert (again.id, again.count, again.first_at, again.state) == (9, 2, T0, "open")
    assert again.last_at == T0 + timedelta(seconds=5)


def test_it_resolves_when_the_cause_goes_and_keeps_its_evidence() -> None:
    closed = judge(replace(news(3, stands=False), resolution="seen again"), opened(), T0, "heartbeat")
    assert closed is not None
    assert (closed.state, closed.resolution, closed.resolved_by) == ("resolved", "seen again", "heartbeat")
    assert closed.evidence == {"look": 3}


def test_a_cause_that_is_gone_and_was_never_there_is_no_news() -> None:
    assert judge(news(3, stands=False), None, T0, "heartbeat") is None


def test_late_news_does_not_reopen() -> None:
    closed = replace(opened(), state="resolved", look=5)
    assert judge(news(4), closed, T0, "heartbeat") is None
    assert judge(news(5), closed, T0, "heartbeat") is None
    anew = judge(news(6), closed, T0, "heartbeat")
    assert anew is not None
    assert (anew.id, anew.count) == (0, 1)


def test_late_news_does_not_close_either() -> None:
    assert judge(news(0, stands=False), opened(look=1), T0, "heartbeat") is None


def test_a_mute_ends() -> None:
    muted = replace(opened(), muted_until=T0 + timedelta(hours=1))
    assert is_muted(muted, T0)
    assert not is_muted(muted, T0 + timedelta(hours=1))


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=30))
def test_however_news_is_ordered_at_most_one_is_open_and_looks_never_go_back(
    story: list[tuple[int, bool]],
) -> None:
    latest: Incident | None = None
    for number, (look, stands) in enumerate(story, start=1):
        after = judge(news(look, stands=stands), latest, T0, "heartbeat")
        if after is None:
            continue
        if latest is not None:
            assert after.look >= latest.look
            assert after.id == latest.id or latest.state == "resolved"
        latest = replace(after, id=after.id or number)


def test_news_of_this_moment_opens_anew_what_was_resolved_since_the_last_look() -> None:
    closed = replace(opened(), state="resolved", look=5)
    anew = judge(replace(news(5), now=True), closed, T0, "operation:design")
    assert anew is not None
    assert (anew.id, anew.state) == (0, "open")
