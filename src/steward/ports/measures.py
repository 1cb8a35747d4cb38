"""What is measured of an installation from its database: few reads, each by an index, whatever its size."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from steward.domain.project import Look


class MeasureReads(Protocol):
    """What monitors ask of the database."""

    def schema_is_current(self) -> bool:
        """Whether the schema is still the one that this process was started with."""
        ...

    def newest_look(self) -> int:
        """The id of the newest look of all; 0 if none."""
        ...

    def looks_among(self, after: int, ids: Collection[int], limit: int) -> list[Look]:
        """The looks with an id above `after`, at most `limit`, and those with these ids; by id."""
        ...

    def whole_look_times(self) -> dict[int, datetime]:
        """Organisation -> when its newest whole look ended, of those that had one."""
        ...

    def oldest_waiting_delivery(self) -> datetime | None:
        """When the delivery was received that has waited longest; None if none waits."""
        ...

    def operation_counts(self) -> dict[tuple[str, str], int]:
        """How many operations have not ended, by (kind, state)."""
        ...
