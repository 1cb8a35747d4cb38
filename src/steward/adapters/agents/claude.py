"""Claude Code: `claude -p` with a stream of JSON. Tested with version 2.1.332."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from steward.adapters.agents.account import Account, Said, added, amount, inner, items, record, text
from steward.adapters.agents.gate import ANTHROPIC, ModelAccess
from steward.adapters.agents.gathering import identity
from steward.adapters.agents.metering import tokens
from steward.adapters.agents.programs import found, needed, reached_by
from steward.adapters.agents.running import Command, Runner
from steward.domain.agents import Outcome, RunEvent, RunEventKind, RunResult, RunSpec
from steward.ports.box import Box
from steward.ports.engine import StopAsked
from steward.ports.outside import Clock

TESTED_WITH: Final = "2.1.332"
INSTALL: Final = f"Install it: npm install --global @anthropic-ai/claude-code@{TESTED_WITH}"
QUIET: Final = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
    # It asks no person for leave, and wants to be told that the place is made for that.
    "IS_SANDBOX": "1",
}


class ClaudeLines:
    """Reads the stream of Claude Code."""

    def __init__(self) -> None:
        self._counted: dict[str, Mapping[str, int]] = {}

    def read(self, line: str, account: Account) -> Iterable[Said]:
        """What a line says."""
        event = record(line)
        if event is None:
            return [(RunEventKind.TEXT, line)]
        kind = event.get("type")
        if kind == "system":
            return self._system(event, account)
        if kind == "assistant":
            return list(self._assistant(inner(event, "message"), account))
        if kind == "user":
            content = items(inner(event, "message").get("content"))
            results = [block for block in content if block.get("type") == "tool_result"]
            return [(RunEventKind.TOOL_END, text(block.get("content"))) for block in results]
        if kind == "result":
            return self._result(event, account)
        return [(RunEventKind.TEXT, "")]

    def _system(self, event: dict[str, Any], account: Account) -> list[Said]:
        subtype = event.get("subtype")
        if subtype == "init":
            account.session = text(event.get("session_id")) or None
            account.model = text(event.get("model")) or account.model
            return [(RunEventKind.TEXT, f"Claude Code {text(event.get('claude_code_version'))}".strip())]
        if subtype == "api_retry":
            return [
                (RunEventKind.RETRY, f"{text(event.get('error_status'))} {text(event.get('error'))}".strip())
            ]
        return [(RunEventKind.TEXT, "")]

    def _assistant(self, message: dict[str, Any], account: Account) -> Iterator[Said]:
        # One message comes in several events, each with all of its usage so far.
        self._counted[text(message.get("id"))] = tokens(inner(message, "usage"))
        account.turns = len(self._counted)
        account.usage = {}
        for usage in self._counted.values():
            added(account.usage, usage)
        for block in items(message.get("content")):
            if block.get("type") == "text":
                account.last = text(block.get("text"))
                yield RunEventKind.TEXT, account.last
            elif block.get("type") == "tool_use":
                yield RunEventKind.TOOL_START, f"{text(block.get('name'))} {text(block.get('input'))}"

    def _result(self, event: dict[str, Any], account: Account) -> list[Said]:
        said = text(event.get("result"))
        account.last = said or account.last
        account.cost_usd = amount(event.get("total_cost_usd"))
        account.usage = tokens(inner(event, "usage")) or account.usage
        account.turns = int(amount(event.get("num_turns")) or account.turns)
        subtype = text(event.get("subtype"))
        if subtype in {"error_max_turns", "error_max_budget_usd"}:
            account.finish(Outcome.LIMIT, subtype.removeprefix("error_").replace("_", " "))
        elif event.get("is_error"):
            reason = said or "; ".join(text(error) for error in event.get("errors") or ()) or subtype
            account.finish(Outcome.PROVIDER_ERROR, reason[:500])
        else:
            account.finish()
        return [(RunEventKind.FINISHED, said)]


class ClaudeCode:
    """Claude Code as `ports.building.Agent`. `program` is its name or path, `access` the model that it reaches."""

    def __init__(self, box: Box, clock: Clock, access: ModelAccess | None, program: str = "claude") -> None:
        self._runner = Runner(box, clock)
        self._access = access
        self._program = program

    @property
    def name(self) -> str:
        """What it is called in the settings."""
        return "claude"

    def run(self, spec: RunSpec, heard: Callable[[RunEvent], None], stop: StopAsked) -> RunResult:
        """Run to the end, a limit or a stop. No process of it is alive when this returns."""
        program = found(self._program, INSTALL)
        argv = [str(program), "-p", "--output-format", "stream-json", "--verbose"]
        # What lies in the repository configures nothing: neither its settings nor its servers of tools.
        argv += ["--dangerously-skip-permissions", "--strict-mcp-config", "--setting-sources", "user"]
        argv += ["--disallowedTools", "WebSearch,WebFetch"]
        argv += ["--model", spec.model] if spec.model else []
        argv += ["--max-turns", str(spec.limits.turns)] if spec.limits.turns is not None else []
        command = Command(
            tuple(argv),
            ClaudeLines(),
            environment={**identity(spec.environment), **QUIET, "PATH": reached_by(program)},
            readable=needed(program),
            stdin=spec.instructions,
            access=self._access if self._access is None or self._access.kind == ANTHROPIC else None,
        )
        return self._runner.run(spec, command, heard, stop)
