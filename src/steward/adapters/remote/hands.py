"""Holds, kept patches and changed settings at a Steward elsewhere; see `app.hands` and `app.mending`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from steward.adapters.remote.shapes import Json, Project
from steward.adapters.remote.wire import Wire, path, project_path
from steward.app.errors import Invalid
from steward.domain.hands import Exit, HandsOff
from steward.ports.hands import Patch


class Kept(msgspec.Struct):
    """A kept patch, without its text."""

    id: int
    operation: str
    attempt: int
    base: str
    at: datetime
    why: str
    cut: bool


def silent(_words: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class RemoteHands:
    """What can be asked about holds."""

    wire: Wire

    def shown(self, reference: str) -> Json:
        """The holds of a project with their ways out, the last lifted, the policy, the kept patches."""
        return self.wire.get(Json, project_path(reference, "holds"))

    def patch(self, reference: str, number: int | None = None) -> Patch:
        """A kept patch with its text: the newest where none is named."""
        rows = self.wire.get(list[Kept], project_path(reference, "patches"))
        found = next((one for one in rows if number in (None, one.id)), None)
        if found is None:
            raise Invalid(f"{reference} has no such kept patch", "Patches are kept when a run is stopped.")
        text = self.wire.text(project_path(reference, "patches") + path(found.id))
        return Patch(
            project_id="",
            operation_id=found.operation,
            attempt=found.attempt,
            base=found.base,
            text=text,
            at=found.at,
            why=found.why,
            cut=found.cut,
            id=found.id,
        )

    def policy_of(self, reference: str, policy: HandsOff) -> Json:
        """Say what a person's push does from now on."""
        return self._changed("PUT", project_path(reference, "hands-off"), {"policy": policy.value})

    def pause(self, reference: str, reason: str = "") -> Json:
        """Hold a project until somebody says that it may go on."""
        return self._changed("POST", project_path(reference, "holds"), {"reason": reason})

    def leave(
        self, reference: str, way: Exit = Exit.RESUME, reason: str = "", *, hold: int | None = None
    ) -> Json:
        """Leave the holds of a project by one of their ways."""
        body: Json = {"exit": way.value, "reason": reason}
        at = project_path(reference, "resume")
        if hold is not None:
            at = project_path(reference, "holds") + path(hold, "exit")
        return self._changed("POST", at, body)

    def _changed(self, method: str, at: str, body: Json) -> Json:
        return self.wire.send(Project, method, at, body).json()


@dataclass(frozen=True, slots=True)
class RemoteMending:
    """What can be done about changed settings."""

    wire: Wire

    def mend(self, reference: str, setting: str, *, tell: Callable[[str], None] = silent) -> Json:
        """Set one setting right."""
        tell(f"asked the Steward at {self.wire.address}")
        return self.wire.send(Project, "POST", project_path(reference, "settings", setting, "mend")).json()

    def accept(self, reference: str, setting: str) -> Json:
        """Take a setting as it is now."""
        return self.wire.send(Project, "POST", project_path(reference, "settings", setting, "accept")).json()
