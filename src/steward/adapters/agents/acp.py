"""Agents that speak the Agent Client Protocol: opencode (tested with version 1.18.33), and others."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from steward.adapters.agents.command import Lines
from steward.adapters.agents.gate import INSIDE, PLACEHOLDER, ModelAccess
from steward.adapters.agents.gathering import identity
from steward.adapters.agents.programs import found, needed, reached_by
from steward.adapters.agents.running import Command, Runner
from steward.domain.agents import RunEvent, RunResult, RunSpec
from steward.ports.box import Box
from steward.ports.engine import StopAsked
from steward.ports.outside import Clock

TESTED_WITH: Final = "opencode 1.18.33"
SCRIPT: Final = Path(__file__).with_name("acp_inside.py")


class AcpAgent:
    """An agent that speaks the protocol on its streams, as `ports.building.Agent`.

    `argv` starts it that way. `settings` gives the variables that tell it of a model by name; `authenticate` and
    `mode` are what the protocol calls so, where the agent wants them.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        box: Box,
        clock: Clock,
        access: ModelAccess | None,
        *,
        settings: Callable[[str], Mapping[str, str]] = lambda _model: {},
        authenticate: str = "",
        mode: str = "",
    ) -> None:
        self._name = name
        self._argv = tuple(argv)
        self._runner = Runner(box, clock)
        self._access = access
        self._settings = settings
        self._session = json.dumps({"authenticate": authenticate, "mode": mode})

    @property
    def name(self) -> str:
        """What it is called in the settings."""
        return self._name

    def run(self, spec: RunSpec, heard: Callable[[RunEvent], None], stop: StopAsked) -> RunResult:
        """Run to the end, a limit or a stop. No process of it is alive when this returns."""
        program = found(self._argv[0], f"Install it (this was tested with {TESTED_WITH}).")
        python = str(Path(sys.executable).resolve())
        command = Command(
            (python, "-I", str(SCRIPT), self._session, "--", str(program), *self._argv[1:]),
            Lines(),
            environment={
                **identity(spec.environment),
                "PATH": reached_by(program),
                **self._settings(spec.model),
            },
            readable=(SCRIPT, *needed(program)),
            stdin=spec.instructions,
            access=self._access,
        )
        return self._runner.run(spec, command, heard, stop)


def opencode(box: Box, clock: Clock, access: ModelAccess | None, program: str = "opencode") -> AcpAgent:
    """opencode, with a model behind an interface like OpenAI's chat or Anthropic's messages."""

    def settings(model: str) -> dict[str, str]:
        speaks = "anthropic" if access is not None and access.kind == "anthropic" else "openai-compatible"
        base = f"{INSIDE}/v1" if speaks == "anthropic" else INSIDE
        provider = {
            "npm": f"@ai-sdk/{speaks}",
            "options": {"baseURL": base, "apiKey": PLACEHOLDER},
            "models": {model: {}},
        }
        configured = {
            "model": f"steward/{model}",
            "small_model": f"steward/{model}",
            "provider": {"steward": provider},
            "enabled_providers": ["steward"],
            "permission": "allow",
            "autoupdate": False,
            "share": "disabled",
        }
        return {
            "OPENCODE_CONFIG_CONTENT": json.dumps(configured),
            "OPENCODE_DISABLE_MODELS_FETCH": "1",
            "OPENCODE_DISABLE_AUTOUPDATE": "1",
            "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
            "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
            "OPENCODE_DISABLE_PROJECT_CONFIG": "1",
        }

    return AcpAgent("opencode", (program, "acp"), box, clock, access, settings=settings)
