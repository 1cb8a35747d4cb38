"""How long projects stood in their statuses, out of the history of their moves."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import func, literal, select

from steward.adapters.store.schema import events, projects
from steward.adapters.store.values import json_value, readable, stamp, time_from
from steward.adapters.store.view import View, among
from steward.domain.journal import Kind
from steward.ports import Left

_e, _p = events.c, projects.c
# Literally as the index says it, so that the index is taken.
_MOVED: Final = _e.kind == literal(Kind.PROJECT_MOVED.value, literal_execute=True)


class TimesReads(View):
    """What is read of times in status; the contract is `ports.BoardReads`."""

    def moves(self, since: datetime, organisation_ids: Collection[int] | None) -> list[Left]:
        """Every move out of a status since then, oldest first; one walk over them by time."""
        statement = select(_e.project_id, _e.at, _e.data, _e.id).where(_MOVED, _e.at >= stamp(since))
        if organisation_ids is not None:
            statement = statement.where(_e.organisation_id.in_(list(organisation_ids)))
        rows = self._all(statement.order_by(_e.at, _e.id))
        entered = self._entered({row[0] for row in rows if row[0] is not None}, since)
        found = []
        for project_id, at, data, key in rows:
            with readable("the event", key):
                facts, moved_at = json_value(data), time_from(at)
                before = entered.get(project_id)
                entered[project_id] = moved_at
                if facts["from"] is not None and before is not None:
                    # A clock that was set back lets nothing have lasted less than no time.
                    lasted_s = max(0.0, (moved_at - before).total_seconds())
                    found.append(Left(facts["from"], facts["to"], facts["trigger"], facts["who"], lasted_s))
        return found

    def _entered(self, project_ids: Collection[str], since: datetime) -> dict[str, datetime]:
        """When each project entered the status that it was in at that moment: by its last move, or its creation."""
        made = select(_p.id, _p.created_at).where(among(_p.id, project_ids))
        last = (
            select(_e.project_id, func.max(_e.at))
            .where(among(_e.project_id, project_ids), _MOVED, _e.at < stamp(since))
            .group_by(_e.project_id)
        )
        found = {row[0]: time_from(row[1]) for row in self._all(made)}
        return found | {row[0]: time_from(row[1]) for row in self._all(last)}
