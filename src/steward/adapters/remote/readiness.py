"""What projects lack at a Steward elsewhere, and what they do without; see `app.readiness`."""

from __future__ import annotations

from dataclasses import dataclass

from steward.adapters.remote.shapes import Json
from steward.adapters.remote.wire import Wire, project_path


@dataclass(frozen=True, slots=True)
class RemoteReadiness:
    """Readiness lists and waivers."""

    wire: Wire

    def lines(self, reference: str) -> Json:
        """The list of a project, with its score."""
        return self.wire.get(Json, project_path(reference, "readiness"))

    def waive(self, reference: str, code: str, reason: str) -> Json:
        """Do without a rule; the new list."""
        at = project_path(reference, "readiness", code, "waive")
        return self.wire.send(Json, "POST", at, {"reason": reason})

    def unwaive(self, reference: str, code: str) -> Json:
        """Ask for a rule again; the new list."""
        return self.wire.send(Json, "POST", project_path(reference, "readiness", code, "unwaive"))
