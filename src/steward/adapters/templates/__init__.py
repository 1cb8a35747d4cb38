"""Templates through Copier: what they ask, what in them is refused, and their rendering in a process of its own."""

from __future__ import annotations

from steward.adapters.templates.copier_templates import CopierTemplates

__all__ = ["CopierTemplates"]
