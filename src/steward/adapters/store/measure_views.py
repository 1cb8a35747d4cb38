"""What monitors ask of the database; the contract is `ports.MeasureReads`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, literal, select, text, union

from steward.adapters.store.journal_rows import look_from
from steward.adapters.store.schema import HEAD, deliveries, looks, organisations
from steward.adapters.store.schema_building import IS_OPEN, operations
from steward.adapters.store.values import time_from
from steward.adapters.store.view import View, among
from steward.domain.deliveries import State
from steward.domain.project import Look

_l, _o, _d, _w = looks.c, organisations.c, deliveries.c, operations.c
_RUNS = text(IS_OPEN)
_WAITS = _d.state == literal(str(State.PENDING), literal_execute=True)


class MeasureReads(View):
    """What is measured; the contract is `ports.MeasureReads`."""

    def schema_is_current(self) -> bool:
        """Whether the schema is still the one that this process was started with."""
        return bool(self._value(text("SELECT version_num FROM alembic_version")) == HEAD)

    def newest_look(self) -> int:
        """The id of the newest look of all; 0 if none."""
        return int(self._value(select(func.max(_l.id))) or 0)

    def looks_among(self, after: int, ids: Collection[int], limit: int) -> list[Look]:
        """The looks with an id above `after`, at most `limit`, and those with these ids; by id."""
        newer = select(_l.id).where(_l.id > after).order_by(_l.id).limit(limit).subquery()
        wanted = union(select(newer.c.id), select(_l.id).where(among(_l.id, ids))).subquery()
        statement = select(looks).where(_l.id.in_(select(wanted.c.id))).order_by(_l.id)
        return [look_from(row) for row in self._all(statement)]

    def whole_look_times(self) -> dict[int, datetime]:
        """Organisation -> when its newest whole look ended, of those that had one."""
        joined = organisations.join(looks, _l.id == _o.last_whole_look)
        rows = self._all(select(_o.id, _l.finished_at).select_from(joined))
        return {row[0]: time_from(row[1]) for row in rows if row[1] is not None}

    def oldest_waiting_delivery(self) -> datetime | None:
        """When the delivery was received that has waited longest; None if none waits."""
        found = self._value(select(_d.received_at).where(_WAITS).order_by(_d.id).limit(1))
        return None if found is None else time_from(found)

    def operation_counts(self) -> dict[tuple[str, str], int]:
        """How many operations have not ended, by (kind, state)."""
        grouped = select(_w.kind, _w.state, func.count()).where(_RUNS).group_by(_w.kind, _w.state)
        return {(row[0], row[1]): int(row[2]) for row in self._all(grouped)}
