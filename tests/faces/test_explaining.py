"""Incidents in plain words: every cause has its own, in both languages, and what it rests on is shown."""

from __future__ import annotations

import pytest

from steward.domain.incidents import Cause
from steward.faces.web.explaining import explain, facts
from steward.faces.words import speaking

EVIDENCE = {
    "operation": "0a1b",
    "work": "deploy",
    "step": "prove_life",
    "fault": "infrastructure",
    "reason": "no answer",
    "commit": "c0ffee",
    "days_left": 7.4,
    "spent_usd": 12,
    "budget_usd": 10.5,
    "since": "2026-11-24T12:00:00.000Z",
}


@pytest.mark.parametrize("lang", ["en", "ru"])
@pytest.mark.parametrize("cause", Cause)
def test_every_cause_is_explained(cause: Cause, lang: str) -> None:
    given = {
        "cause": cause,
        "project": "shop",
        "organisation": "acme",
        "evidence": {"full_name": "acme/shop"},
    }
    with speaking(lang):
        words = explain(given)
    assert words
    assert any(name in words for name in ("shop", "acme", "Telegram"))


def test_the_evidence_of_a_failed_operation_is_shown_line_by_line() -> None:
    incident = {"evidence": EVIDENCE, "count": 1, "first_at": "a", "last_at": "b"}
    told = {fact.name: (fact.value, fact.kind) for fact in facts(incident)}
    assert told["What ran"] == ("Deploy", "text")
    assert told["Step"] == ("prove life", "text")
    assert told["Whose fault"] == ("infrastructure", "text")
    assert told["Valid for"] == ("7 days", "text")
    assert told["Spent"] == ("12.00 USD", "text")
    assert told["Budget"] == ("10.50 USD", "text")
    assert told["Commit"] == ("c0ffee", "mono")
    assert told["Since"] == (EVIDENCE["since"], "time")
    with speaking("ru"):
        told = {fact.name: (fact.value, fact.kind) for fact in facts(incident)}
    assert told["Что выполнялось"] == ("Развёртывание", "text")
    assert told["Шаг"] == ("доказать, что работает", "text")
