"""A model that writes briefs. It is given text, and has one way to answer: the parts of a brief. No tool is offered."""

from steward.adapters.mind.mind import ModelMind
from steward.adapters.mind.models import Price, connected

__all__ = ["ModelMind", "Price", "connected"]
