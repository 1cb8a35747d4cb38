"""What the real programs printed, read again: `python -m tests.contract.agents.record` records it anew."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from steward.adapters.agents import acp, claude, codex
from steward.adapters.agents.account import Account, Reader, verdict_in
from steward.adapters.agents.command import Lines
from steward.domain.agents import Outcome
from tests.contract.agents.model_server import DONE
from tests.contract.agents.record import GOLDEN

ROOT = Path(__file__).parents[3]


def read(name: str, lines: list[str]) -> tuple[list[str], Account]:
    """The kinds of what was heard, and the account at the end."""
    reader: Reader = claude.ClaudeLines() if name.startswith("claude") else codex.CodexLines()
    account = Account()
    return [kind.value for line in lines for kind, _ in reader.read(line, account)], account


def golden(name: str) -> list[str]:
    """The lines of a file."""
    return (GOLDEN / f"{name}.jsonl").read_text().splitlines()


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("claude-write", "text tool_start tool_end text finished"),
        ("claude-nothing", "text text finished"),
        ("claude-overloaded", "text retry text finished"),
        ("codex-write", "text warning text tool_start tool_end text usage finished"),
        ("codex-nothing", "text warning text text usage finished"),
        ("codex-overloaded", "text warning text retry retry error error finished"),
    ],
)
def test_events_are_read(name: str, kinds: str) -> None:
    heard, account = read(name, golden(name))
    assert heard == kinds.split()
    assert account.finished
    assert account.session
    assert account.outcome is (Outcome.PROVIDER_ERROR if "overloaded" in name else Outcome.COMPLETED)
    assert ("529" in account.reason) is ("overloaded" in name)


@pytest.mark.parametrize(
    ("name", "tokens", "cost"),
    [
        ("claude-write", (2000, 100), 0.0075),
        ("codex-write", (2000, 100), None),
        ("codex-nothing", (1000, 50), None),
    ],
)
def test_tokens_and_cost_are_read(name: str, tokens: tuple[int, int], cost: float | None) -> None:
    account = read(name, golden(name))[1]
    assert (account.usage["input_tokens"], account.usage["output_tokens"]) == tokens
    assert account.cost_usd == cost
    assert account.last == DONE


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("*.jsonl")))
def test_whatever_is_missing_or_of_another_kind_is_tolerated(name: str) -> None:
    """Every value of every line in turn is taken away, and put in as another kind."""
    for line in golden(name):
        for odd in spoiled(json.loads(line)):
            read(name, [json.dumps(odd), "", "null", "{", "[]", '{"type": {}}', '{"type": "new"}'])


def spoiled(value: Any) -> list[Any]:
    """The same with one part of it spoiled, in every way."""
    found: list[Any] = [None, 1, "x", [], {}, True]
    if isinstance(value, dict):
        for name, inner in value.items():
            found += [{**value, name: other} for other in spoiled(inner)]
    if isinstance(value, list):
        for number, inner in enumerate(value[:2]):
            found += [[*value[:number], other, *value[number + 1 :]] for other in spoiled(inner)]
    return found


def test_limits_of_claude_code_are_told_apart() -> None:
    for subtype in ("error_max_turns", "error_max_budget_usd"):
        line = json.dumps({"type": "result", "subtype": subtype, "is_error": True})
        assert read("claude", [line])[1].outcome is Outcome.LIMIT


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ('All is well.\n{"approved": true, "reasons": []}', {"approved": True, "reasons": []}),
        ('```json\n{"approved": false, "reasons": ["red"]}\n```', {"approved": False, "reasons": ["red"]}),
        ('{\n "approved": false,\n "reasons": ["red"]\n}', {"approved": False, "reasons": ["red"]}),
        ("approved: true", {}),
        ('{"approved": "yes"}', {}),
        ("", {}),
    ],
)
def test_a_verdict_is_found_in_what_a_tester_says_last(said: str, verdict: dict[str, Any]) -> None:
    assert verdict_in(said) == verdict


def test_signs_of_life_without_a_text_leave_the_last_word_as_it_is() -> None:
    account = Account()
    for text in ('{"approved": true, "reasons": []}', ""):
        list(Lines().read(json.dumps({"kind": "text", "text": text}), account))
    assert verdict_in(account.last)["approved"] is True


def test_the_versions_that_are_installed_are_those_that_were_tested() -> None:
    pinned = re.findall(
        r"@([\d.]+)", re.findall(r"^AGENTS := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0]
    )
    assert pinned == [claude.TESTED_WITH, codex.TESTED_WITH, acp.TESTED_WITH.split()[1]]
