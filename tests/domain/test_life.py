"""What proves that a release lives, what its health is, and when its certificate wants renewing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from steward.domain.life import Expiry, Health, Look, expiry, health, out_of_time, proven

START = datetime(2026, 1, 1, tzinfo=UTC)


def looks(*words: tuple[float, bool]) -> list[Look]:
    """Looks at seconds after the start, good or bad."""
    return [Look(START + timedelta(seconds=at), good) for at, good in words]


@pytest.mark.parametrize(
    ("seen", "holds"),
    [
        ([], False),
        ([(0, True), (5, True)], False),
        ([(0, True), (5, True), (10, True)], True),
        ([(0, True), (5, False), (10, True), (15, True)], False),
        ([(0, False), (5, True), (10, True), (15, True)], True),
        ([(0, True), (5, True), (10, True), (15, False)], False),
        ([(0, True), (60, True), (120, True)], True),
        ([(0, True), (60, True), (121, True)], False),
    ],
)
def test_a_site_is_proven_by_three_good_looks_in_a_row_within_120_seconds(
    seen: list[tuple[float, bool]], holds: bool
) -> None:
    assert proven(looks(*seen)) is holds


def test_a_process_is_proven_once_it_has_run_for_60_seconds() -> None:
    assert not proven(looks((0, True), (30, True), (59, True)), "process")
    assert proven(looks((0, True), (30, True), (60, True)), "process")
    assert not proven(looks((0, True), (30, False), (61, True)), "process")
    assert proven([Look(START, alive=True, up_s=61.0)], "process")
    assert not proven(
        [Look(START, alive=True), Look(START + timedelta(seconds=90), alive=True, up_s=3.0)], "process"
    )


def test_a_package_and_a_persons_word_are_proven_by_one_good_look() -> None:
    assert proven(looks((0, True)), "package")
    assert proven(looks((0, False), (1, True)), "attested")
    assert not proven(looks((0, True), (1, False)), "attested")


def test_the_time_to_prove_oneself_ends() -> None:
    assert not out_of_time(START, START + timedelta(seconds=120))
    assert out_of_time(START, START + timedelta(seconds=121))
    assert not out_of_time(START, START + timedelta(seconds=180), "process")
    assert out_of_time(START, START + timedelta(seconds=181), "process")


@pytest.mark.parametrize(
    ("history", "found"),
    [
        ("", Health.UNKNOWN),
        ("+", Health.HEALTHY),
        ("-", Health.UNSURE),
        ("+--", Health.UNSURE),
        ("--", Health.UNSURE),
        ("+---", Health.UNHEALTHY),
        ("---", Health.UNHEALTHY),
        ("--+-", Health.UNSURE),
        ("----+", Health.HEALTHY),
        ("----+--", Health.UNSURE),
    ],
)
def test_three_failures_in_a_row_are_an_illness_and_the_first_success_ends_it(
    history: str, found: Health
) -> None:
    assert health([sign == "+" for sign in history]) is found


@pytest.mark.parametrize(
    ("days", "found"),
    [
        (90.0, Expiry.FINE),
        (21.1, Expiry.FINE),
        (21.0, Expiry.WARNING),
        (7.1, Expiry.WARNING),
        (7.0, Expiry.URGENT),
        (0.1, Expiry.URGENT),
        (0.0, Expiry.OVER),
        (-3.0, Expiry.OVER),
    ],
)
def test_a_certificate_is_told_of_at_21_and_at_7_days(days: float, found: Expiry) -> None:
    assert expiry(days) is found
