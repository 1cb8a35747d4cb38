"""The plain dialog as a `Mind`: what makes briefs where no model is configured, or none may be asked."""

from __future__ import annotations

from steward.domain.dialog import go_on
from steward.ports.mind import Folded, Heard


class PlainMind:
    """Makes briefs of the answers to fixed questions. It never fails, and costs nothing."""

    @property
    def name(self) -> str:
        """No model's."""
        return ""

    def fold(self, heard: Heard) -> Folded:
        """As the port says; one question at a time."""
        brief, asked = go_on(heard.purpose, heard.brief, heard.said, heard.asked, heard.template)
        return Folded(brief, asked)
