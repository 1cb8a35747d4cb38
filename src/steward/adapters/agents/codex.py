"""Codex: `codex exec --json`. Tested with version 0.171.0."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from steward.adapters.agents.account import Account, Said, added, counts, inner, record, text
from steward.adapters.agents.gate import INSIDE, OPENAI, ModelAccess
from steward.adapters.agents.gathering import identity
from steward.adapters.agents.programs import found, needed, reached_by
from steward.adapters.agents.running import Command, Runner
from steward.domain.agents import Outcome, RunEvent, RunEventKind, RunResult, RunSpec
from steward.ports.box import Box
from steward.ports.engine import StopAsked
from steward.ports.outside import Clock

TESTED_WITH: Final = "0.171.0"
INSTALL: Final = f"Install it: npm install --global @openai/codex@{TESTED_WITH}"
SETTINGS: Final = (
    'model_provider="steward"',
    'model_providers.steward.name="steward"',
    f'model_providers.steward.base_url="{INSIDE}"',
    'model_providers.steward.env_key="OPENAI_API_KEY"',
    'model_providers.steward.wire_api="responses"',
    "model_providers.steward.supports_websockets=false",
    # Whoever runs this tries again later; it need not try for long.
    "model_providers.steward.request_max_retries=1",
    "model_providers.steward.stream_max_retries=2",
    "check_for_update_on_startup=false",
    "analytics.enabled=false",
    'web_search="disabled"',
)
TOOLS: Final = frozenset({"command_execution", "file_change", "mcp_tool_call", "web_search"})


class CodexLines:
    """Reads the events of Codex."""

    def read(self, line: str, account: Account) -> Iterable[Said]:
        """What a line says."""
        event = record(line)
        if event is None:
            return [(RunEventKind.TEXT, line)]
        kind = text(event.get("type"))
        if kind.startswith("item."):
            return self._item(kind, inner(event, "item"), account)
        if kind == "turn.completed":
            return self._completed(inner(event, "usage"), account)
        if kind == "turn.failed":
            reason = text(inner(event, "error").get("message"))
            account.finish(Outcome.PROVIDER_ERROR, reason[:500])
            return [(RunEventKind.ERROR, reason), (RunEventKind.FINISHED, "")]
        said = text(event.get("message"))
        if kind == "error":
            return [(RunEventKind.RETRY if said.startswith("Reconnecting") else RunEventKind.ERROR, said)]
        account.session = text(event.get("thread_id")) or account.session
        return [(RunEventKind.TEXT, said)]

    def _item(self, kind: str, item: dict[str, Any], account: Account) -> list[Said]:
        what = text(item.get("type"))
        if what in TOOLS:
            told = item.get("command") or item.get("changes") or item.get("tool") or item.get("query")
            if kind == "item.started":
                account.turns += 1
                return [(RunEventKind.TOOL_START, text(told))]
            if kind == "item.completed":
                return [(RunEventKind.TOOL_END, text(item.get("aggregated_output")) or text(told))]
        if what == "agent_message" and kind == "item.completed":
            account.last = text(item.get("text"))
            return [(RunEventKind.TEXT, account.last)]
        if what == "error":
            return [(RunEventKind.WARNING, text(item.get("message")))]
        return [(RunEventKind.TEXT, text(item.get("text")))]

    def _completed(self, usage: dict[str, Any], account: Account) -> list[Said]:
        added(
            account.usage,
            counts(
                input_tokens=usage.get("input_tokens"),
                cache_read_tokens=usage.get("cached_input_tokens"),
                output_tokens=usage.get("output_tokens"),
            ),
        )
        account.finish()
        return [(RunEventKind.USAGE, text(usage)), (RunEventKind.FINISHED, account.last)]


class Codex:
    """Codex as `ports.building.Agent`. `program` is its name or path, `access` the model that it reaches."""

    def __init__(self, box: Box, clock: Clock, access: ModelAccess | None, program: str = "codex") -> None:
        self._runner = Runner(box, clock)
        self._access = access
        self._program = program

    @property
    def name(self) -> str:
        """What it is called in the settings."""
        return "codex"

    def run(self, spec: RunSpec, heard: Callable[[RunEvent], None], stop: StopAsked) -> RunResult:
        """Run to the end, a limit or a stop. No process of it is alive when this returns."""
        program = found(self._program, INSTALL)
        argv = [
            str(program),
            "exec",
            "--json",
            "--ephemeral",
            "--ignore-user-config",
            "--skip-git-repo-check",
        ]
        # The box is the sandbox; one of its own cannot be built in there.
        argv += ["--dangerously-bypass-approvals-and-sandbox"]
        argv += [word for setting in SETTINGS for word in ("-c", setting)]
        argv += ["--model", spec.model] if spec.model else []
        command = Command(
            (*argv, "-"),
            CodexLines(),
            environment={**identity(spec.environment), "PATH": reached_by(program)},
            readable=needed(program),
            stdin=spec.instructions,
            access=self._access if self._access is None or self._access.kind == OPENAI else None,
        )
        return self._runner.run(spec, command, heard, stop)
