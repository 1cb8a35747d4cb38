"""Any program that reads the contract of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from steward.adapters.agents.account import Account, Said, amount, counts, inner, judged, record, text
from steward.adapters.agents.gate import ModelAccess
from steward.adapters.agents.gathering import identity
from steward.adapters.agents.running import Command, Runner
from steward.domain.agents import Outcome, RunEvent, RunEventKind, RunResult, RunSpec
from steward.ports.box import Box
from steward.ports.engine import StopAsked
from steward.ports.outside import Clock


class Lines:
    """Reads lines of JSON, {"kind": ..., "text": ...}; anything else is text.

    One of kind "finished" ends the run. It may carry `outcome`, `reason`, `verdict`, `cost_usd`, `session`,
    `model`, and `usage` with numbers of tokens.
    """

    def read(self, line: str, account: Account) -> Iterable[Said]:
        """What a line says."""
        found = record(line)
        if found is None or "kind" not in found:
            account.last = line
            return [(RunEventKind.TEXT, line)]
        try:
            kind = RunEventKind(found["kind"])
        except ValueError:
            return [(RunEventKind.TEXT, text(found.get("text")) or line)]
        said = text(found.get("text"))
        # Nobody counts its turns, so its uses of tools are counted.
        account.turns += kind is RunEventKind.TOOL_START
        if kind is RunEventKind.USAGE:
            account.usage.update(_usage(found))
        if kind is RunEventKind.FINISHED:
            self._finished(found, account)
        elif kind is RunEventKind.TEXT:
            account.last = said or account.last
        return [(kind, said)]

    def _finished(self, found: dict[str, Any], account: Account) -> None:
        try:
            outcome = Outcome(found.get("outcome") or Outcome.COMPLETED)
        except ValueError:
            outcome = Outcome.CRASHED
        account.finish(outcome, text(found.get("reason")))
        account.cost_usd = amount(found.get("cost_usd"))
        account.usage.update(_usage(found))
        account.session = text(found.get("session")) or account.session
        account.model = text(found.get("model")) or account.model
        if verdict := inner(found, "verdict"):
            account.verdict = judged(verdict)


def _usage(found: dict[str, Any]) -> dict[str, int]:
    usage = inner(found, "usage")
    names = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    return counts(**{name: usage.get(name) for name in names})


class CommandAgent:
    """Runs a program in a clone. It finds its contract, a JSON file, by the variable STEWARD_CONTRACT.

    `argv` is the program with its arguments, `readable` what it needs of this machine besides /usr. `access`
    is the model that it may reach where a run asks for that.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        box: Box,
        clock: Clock,
        *,
        readable: Sequence[Path] = (),
        access: ModelAccess | None = None,
    ) -> None:
        self._name = name
        self._argv = tuple(argv)
        self._runner = Runner(box, clock)
        self._readable = tuple(readable)
        self._access = access

    @property
    def name(self) -> str:
        """What it is called in the settings."""
        return self._name

    def run(self, spec: RunSpec, heard: Callable[[RunEvent], None], stop: StopAsked) -> RunResult:
        """Run to the end, a limit or a stop. No process of it is alive when this returns."""
        command = Command(
            self._argv,
            Lines(),
            environment=identity(spec.environment),
            readable=self._readable,
            access=self._access,
        )
        return self._runner.run(spec, command, heard, stop)
