"""Incidents in groups, and what was said of them; the contract is `ports.AttentionReads`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select

from steward.adapters.store.journal_rows import incident_from, outgoing_from
from steward.adapters.store.journal_views import WORST_FIRST, beyond
from steward.adapters.store.schema import incidents, outbox
from steward.adapters.store.values import stamp
from steward.adapters.store.view import View
from steward.domain.incidents import Group, Incident
from steward.domain.journal import Outgoing
from steward.ports import IncidentQuery

_i, _o = incidents.c, outbox.c
_UNRESOLVED = _i.state.in_(["open", "acknowledged"])
_EVERY_UNRESOLVED = frozenset(Group) - {Group.RESOLVED}


def _in_group(group: Group, at: datetime) -> ColumnElement[bool]:
    """Whether an incident is in that group: the SQL of `domain.incidents.group`."""
    if group is Group.RESOLVED:
        return _i.state == "resolved"
    if group is Group.MUTED:
        return and_(_UNRESOLVED, _i.muted_until.is_not(None), _i.muted_until > stamp(at))
    state = "acknowledged" if group is Group.ACKNOWLEDGED else "open"
    return and_(_i.state == state, or_(_i.muted_until.is_(None), _i.muted_until <= stamp(at)))


class AttentionReads(View):
    """What is read of incidents in groups; the contract is `ports.AttentionReads`."""

    def attention(self, query: IncidentQuery) -> list[Incident]:
        """Those that match, worst first, then newest."""
        statement = select(incidents).order_by(WORST_FIRST, _i.id.desc()).limit(query.limit)
        if frozenset(query.groups) == _EVERY_UNRESOLVED:
            statement = statement.where(_UNRESOLVED)
        elif query.groups:
            statement = statement.where(or_(*(_in_group(group, query.at) for group in query.groups)))
        if query.organisation_ids is not None:
            statement = statement.where(_i.organisation_id.in_(list(query.organisation_ids)))
        if query.project_id is not None:
            statement = statement.where(_i.project_id == query.project_id)
        if query.wide:
            statement = statement.where(_i.project_id.is_(None))
        if query.after is not None:
            statement = statement.where(beyond(*query.after))
        return [incident_from(row) for row in self._all(statement)]

    def attention_counts(
        self, organisation_ids: Collection[int] | None, at: datetime
    ) -> dict[tuple[Group, str], int]:
        """How many per group and severity, of those not resolved."""
        muted = _in_group(Group.MUTED, at).label("muted")
        statement = select(_i.state, _i.severity, muted, func.count()).where(_UNRESOLVED)
        if organisation_ids is not None:
            statement = statement.where(_i.organisation_id.in_(list(organisation_ids)))
        counted: dict[tuple[Group, str], int] = {}
        for state, severity, is_muted, number in self._all(statement.group_by(_i.state, _i.severity, muted)):
            awake = Group.ACKNOWLEDGED if state == "acknowledged" else Group.NEEDS
            key = (Group.MUTED if is_muted else awake, severity)
            counted[key] = counted.get(key, 0) + number
        return counted

    def incident_notices(self, incident_id: int, limit: int) -> list[Outgoing]:
        """Outbox rows that tell of an incident, newest first."""
        # The keys of its notices begin with "incident:<id>:"; ";" is the character after ":".
        begins = and_(_o.key >= f"incident:{incident_id}:", _o.key < f"incident:{incident_id};")
        rows = self._all(select(outbox).where(begins).order_by(_o.id.desc()).limit(limit))
        return [outgoing_from(row) for row in rows]
