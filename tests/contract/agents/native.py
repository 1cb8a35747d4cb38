"""The coding agents that are installed for the tests, each with a way to the scripted model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from steward.adapters.agents import ClaudeCode, Codex, ModelAccess, opencode
from steward.ports.box import Box
from steward.ports.building import Agent
from tests.contract.agents.installed import PROGRAMS
from tests.contract.agents.kit import CLOCK
from tests.contract.agents.model_server import KEY, Model

MODELS: Final = {"claude": "claude-sonnet-4-5", "codex": "gpt-5", "opencode": "gpt-5"}
QUICK: Final = {"CLAUDE_CODE_MAX_RETRIES": "1"}
"""So that a model that stays away is soon given up."""


def claude(box: Box, server: Model) -> Agent:
    """Claude Code."""
    access = ModelAccess("anthropic", server.address, lambda: KEY)
    return ClaudeCode(box, CLOCK, access, str(PROGRAMS["claude"]))


def codex(box: Box, server: Model) -> Agent:
    """Codex."""
    return Codex(box, CLOCK, openai(server), str(PROGRAMS["codex"]))


def open_code(box: Box, server: Model) -> Agent:
    """opencode."""
    return opencode(box, CLOCK, openai(server), str(PROGRAMS["opencode"]))


def openai(server: Model) -> ModelAccess:
    """The scripted model as one of OpenAI's."""
    return ModelAccess("openai", f"{server.address}/v1", lambda: KEY)


AGENTS: Final[dict[str, Callable[[Box, Model], Agent]]] = {
    "claude": claude,
    "codex": codex,
    "opencode": open_code,
}
