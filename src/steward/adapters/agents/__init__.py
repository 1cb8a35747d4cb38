"""Coding agents: programs that are run in a box, heard, and not believed."""

from steward.adapters.agents.builtin import StarterAgent
from steward.adapters.agents.command import CommandAgent
from steward.adapters.agents.gate import ModelAccess

__all__ = ["CommandAgent", "ModelAccess", "StarterAgent"]
