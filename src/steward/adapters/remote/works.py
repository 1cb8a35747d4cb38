"""What can be shown of building at a Steward elsewhere; see `app.works`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from steward.adapters.remote.shapes import Json, LogPart, Page
from steward.adapters.remote.wire import Wire, path, project_path
from steward.domain.spec import STARTER

LIMIT_MAX: Final = 200
LOG_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class RemoteWorks:
    """Operations, specs, releases, updates, costs and templates."""

    wire: Wire

    def operations(self, reference: str, limit: int = 50, before: str | None = None) -> list[Json]:
        """Those of a project, newest first."""
        found: list[Json] = []
        while len(found) < limit:
            size = min(LIMIT_MAX, limit - len(found))
            at = project_path(reference, "operations")
            page = self.wire.get(Page, at, before=before, limit=size)
            found += page.items
            if page.next is None:
                break
            before = page.next
        return found

    def operation(self, reference: str, operation_id: str | None = None) -> Json:
        """One operation; the newest where none is named."""
        return self.wire.get(Json, self._operation(reference, operation_id))

    def log(
        self, reference: str, operation_id: str | None = None, after: int = 0, limit: int = 500
    ) -> list[Json]:
        """Lines of an operation's log after that number."""
        at = self._operation(reference, operation_id) + path("log")
        return self.wire.get(LogPart, at, after=after, limit=min(LOG_MAX, limit)).items

    def _operation(self, reference: str, operation_id: str | None) -> str:
        return project_path(reference, "operations", "latest" if operation_id is None else operation_id)

    def spec(self, reference: str, version: int | None = None) -> Json:
        """One version of the spec with its estimate."""
        return self.wire.get(Json, project_path(reference, "spec"), version=version)

    def specs(self, reference: str) -> list[Json]:
        """All versions, oldest first."""
        return self.wire.get(list[Json], project_path(reference, "specs"))

    def releases(self, reference: str) -> list[Json]:
        """Newest first."""
        return self.wire.get(list[Json], project_path(reference, "releases"))

    def updates(self, reference: str) -> list[Json]:
        """Oldest first."""
        return self.wire.get(list[Json], project_path(reference, "updates"))

    def costs(self, reference: str) -> Json:
        """What agents cost so far, and the budget."""
        return self.wire.get(Json, project_path(reference, "costs"))

    def template(self, source: str = STARTER, tag: str = "") -> Json:
        """A template and what it asks."""
        return self.wire.get(Json, "/template", source=source, tag=tag)
