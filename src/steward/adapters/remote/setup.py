"""Taking in at a Steward elsewhere; see `app.setup` and `app.adopting`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from steward.adapters.remote.shapes import Json, Project
from steward.adapters.remote.wire import Wire, project_path

if TYPE_CHECKING:
    # For the type alone: what is asked through a server needs nothing of the road here.
    from steward.app.adopting import Wanted

ROWS: Final = 200


class _Table(msgspec.Struct):
    items: list[Json]
    progress: Json


class _Items(msgspec.Struct):
    items: list[Json]


@dataclass(frozen=True, slots=True)
class RemoteSetup:
    """Checklists, scans, taking in and adopting."""

    wire: Wire

    def checklist(self, reference: str) -> Json:
        """What a project lacks before it can be adopted."""
        return self.wire.get(Json, project_path(reference, "checklist"))

    def scan(self, reference: str) -> Json:
        """What its newest scan found."""
        return self.wire.get(Json, project_path(reference, "scan"))

    def ask(self, reference: str) -> Json:
        """Have it scanned."""
        return self.wire.send(Json, "POST", project_path(reference, "scan"))

    def take_in(
        self, references: Sequence[str] = (), *, organisation: str = "", text: str = ""
    ) -> list[Json]:
        """Have many scanned, to be driven."""
        body: Json = {
            "projects": list(references),
            "all": not references,
            "organisation": organisation,
            "q": text,
        }
        return self.wire.send(_Items, "POST", "/setup/take-in", body).items

    def progress(self) -> Json:
        """How far the scans are."""
        return self.wire.get(_Table, "/setup", limit=1).progress

    def table(
        self, organisation: str = "", text: str = "", *, limit: int = ROWS, after: str = ""
    ) -> list[Json]:
        """What was found of many."""
        found = self.wire.get(_Table, "/setup", organisation=organisation, q=text, limit=limit, after=after)
        return found.items

    def adopt(self, reference: str, wanted: Wanted) -> Json:
        """Adopt a project."""
        body: Json = {
            "entry": wanted.entry.value if wanted.entry else None,
            "owner": wanted.owner,
            "proof": wanted.proof,
            "url": wanted.url,
            "reason": wanted.reason,
            "accept_self_deploy": wanted.accept_self_deploy,
            "waive": dict(wanted.waive or {}),
        }
        return self.wire.send(Project, "POST", project_path(reference, "adopt"), body).json()
