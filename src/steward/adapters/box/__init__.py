"""Boxes: bubblewrap, with namespaces of its own; and none at all, for what is trusted."""

from steward.adapters.box.bubblewrap import Bubblewrap
from steward.adapters.box.completed import completed
from steward.adapters.box.plain import NoBox

__all__ = ["Bubblewrap", "NoBox", "completed"]
