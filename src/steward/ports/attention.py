"""What asks for people's attention: incidents by group, with what was said about them and to whom."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from steward.domain.incidents import Group, Incident
from steward.domain.journal import Outgoing


@dataclass(frozen=True, slots=True)
class IncidentQuery:
    """Which incidents, as of `at` (a mute ends by itself). Empty groups match all.

    `organisation_ids` None: of all. `wide`: those of whole organisations alone. `project_id`: of that
    project. Worst first, then newest; the list goes on after the incident `after`, by severity and id.
    """

    at: datetime
    groups: Collection[Group] = ()
    organisation_ids: Collection[int] | None = None
    project_id: str | None = None
    wide: bool = False
    limit: int | None = None
    after: tuple[str, int] | None = None


class AttentionReads(Protocol):
    """What can be read of incidents in groups."""

    def attention(self, query: IncidentQuery) -> list[Incident]:
        """Those that match, worst first, then newest."""
        ...

    def attention_counts(
        self, organisation_ids: Collection[int] | None, at: datetime
    ) -> dict[tuple[Group, str], int]:
        """How many incidents per group and severity, of those not resolved."""
        ...

    def incident_notices(self, incident_id: int, limit: int) -> list[Outgoing]:
        """Outbox rows that tell of an incident, newest first."""
        ...
