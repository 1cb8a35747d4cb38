"""Coding agents: programs that are run in a box, heard, and not believed."""

from steward.adapters.agents.acp import AcpAgent, opencode
from steward.adapters.agents.builtin import StarterAgent
from steward.adapters.agents.claude import ClaudeCode
from steward.adapters.agents.codex import Codex
from steward.adapters.agents.command import CommandAgent
from steward.adapters.agents.gate import ModelAccess

__all__ = ["AcpAgent", "ClaudeCode", "Codex", "CommandAgent", "ModelAccess", "StarterAgent", "opencode"]
