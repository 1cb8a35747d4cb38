"""Runs of coding agents, as values: what is asked, what is heard, what it came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any


class Role(StrEnum):
    """What an agent is asked to be."""

    ARCHITECT = "architect"
    DEVELOPER = "developer"
    TESTER = "tester"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may take. None: no limit of that kind. `silence_s` is the longest time without an event."""

    wall_s: float = 3600.0
    silence_s: float = 600.0
    turns: int | None = None
    usd: float | None = None
    output_bytes: int = 50_000_000
    memory_bytes: int = 4_000_000_000


@dataclass(frozen=True, slots=True)
class RunSpec:
    """One run. `clone` is the only place it may write to; `environment` all of its environment.

    `contract` is the machine-readable form of `instructions` (project, spec, criteria, update): what `command`
    and the built-in agent read. `network` is "none" or "model": through the proxy, to the model alone.
    """

    run_id: str
    role: Role
    clone: Path
    base_sha: str
    branch: str
    instructions: str
    contract: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    model: str = ""
    limits: Limits = field(default=Limits())
    network: str = "none"
    resume: str | None = None


class RunEventKind(StrEnum):
    """What was heard of a run. What is not known is kept as `text` with its raw form."""

    STARTED = "started"
    TEXT = "text"
    TOOL_START = "tool_start"
    TOOL_END = "tool_end"
    USAGE = "usage"
    RETRY = "retry"
    WARNING = "warning"
    ERROR = "error"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One thing heard. `seq` counts from 1; `raw` is the line as it came, shortened."""

    seq: int
    at: datetime
    kind: RunEventKind
    text: str = ""
    raw: str = ""


class Outcome(StrEnum):
    """What a run came to, before git was looked at."""

    COMPLETED = "completed"
    NO_CHANGE = "no_change"
    REFUSED = "refused"
    LIMIT = "limit"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    PROVIDER_ERROR = "provider_error"


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended. `cost_source` is "agent", "computed" or "unknown"; `verdict` is a tester's word.

    `tail` is the end of what it said, for people; the whole lies in the log of the operation.
    """

    outcome: Outcome
    reason: str = ""
    usage: Mapping[str, int] = field(default_factory=dict)
    cost_usd: float | None = None
    cost_source: str = "unknown"
    exit_code: int | None = None
    verdict: Mapping[str, Any] = field(default_factory=dict)
    tail: str = ""
    session: str | None = None
