"""What a run has said of itself so far, and what reads it out of the lines of one program."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from steward.domain.agents import Outcome, RunEventKind

Said = tuple[RunEventKind, str]
"""One thing heard: its kind, and its text for people."""


@dataclass
class Account:
    """What a program says of its own run. None of it is proof: git is.

    `usage` counts tokens: `input_tokens` (all that were read, cached ones included), `cache_read_tokens`,
    `cache_write_tokens`, `output_tokens`. `last` is the last thing it said.
    """

    finished: bool = False
    outcome: Outcome = Outcome.COMPLETED
    reason: str = ""
    usage: dict[str, int] = field(default_factory=dict)
    cost_usd: float | None = None
    verdict: Mapping[str, Any] = field(default_factory=dict)
    session: str | None = None
    model: str = ""
    turns: int = 0
    last: str = ""

    def finish(self, outcome: Outcome = Outcome.COMPLETED, reason: str = "") -> None:
        """The program says that it is done. Said twice, the last word holds."""
        self.finished, self.outcome, self.reason = True, outcome, reason


class Reader(Protocol):
    """Reads what one program prints. A line that it does not know is text; it raises nothing."""

    def read(self, line: str, account: Account) -> Iterable[Said]:
        """What a line of the first stream says; the account is brought up to date."""
        ...


def record(line: str) -> dict[str, Any] | None:
    """A line that is a JSON object; None where it is anything else."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def inner(value: Any, *names: str) -> dict[str, Any]:
    """The object at a path within JSON; empty where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[dict[str, Any]]:
    """The objects of a JSON list; none where it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    """A JSON value as text for people: strings as they are, nothing as nothing."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def amount(value: Any) -> float | None:
    """A number that is not negative; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        return None
    return float(value)


def counts(**found: Any) -> dict[str, int]:
    """Those numbers of tokens that are there."""
    known = {name: amount(value) for name, value in found.items()}
    return {name: int(value) for name, value in known.items() if value is not None}


def added(usage: dict[str, int], more: Mapping[str, int]) -> None:
    """Add to numbers of tokens."""
    for name, value in more.items():
        usage[name] = usage.get(name, 0) + value


def verdict_in(said: str) -> dict[str, Any]:
    """A tester's word out of the last lines of what it said; empty where there is none."""
    for line in reversed(said.strip().splitlines()[-8:]):
        start, end = line.find("{"), line.rfind("}")
        found = record(line[start : end + 1]) if 0 <= start < end else None
        if found is not None and isinstance(found.get("approved"), bool):
            return judged(found)
    whole = record(said[said.find("{") : said.rfind("}") + 1]) if "{" in said else None
    return judged(whole) if whole is not None and isinstance(whole.get("approved"), bool) else {}


def judged(found: Mapping[str, Any]) -> dict[str, Any]:
    """A verdict with its reasons as texts."""
    reasons = found.get("reasons")
    listed = [text(reason) for reason in reasons] if isinstance(reasons, list) else [text(reasons)]
    return {"approved": found.get("approved") is True, "reasons": [reason for reason in listed if reason]}
