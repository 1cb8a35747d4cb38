"""Hooks and the inbox of deliveries: read and written."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, literal, or_, select, update

from steward.adapters.store.inbox_rows import (
    LIGHT,
    delivery_from,
    delivery_row,
    hook_from,
    hook_row,
    outcome_row,
)
from steward.adapters.store.schema import deliveries, hooks
from steward.adapters.store.values import stamp, time_from
from steward.adapters.store.view import View, among
from steward.domain.deliveries import Delivery, Hook, State

_h, _d = hooks.c, deliveries.c
_HOOKS, _DELIVERIES = hooks, deliveries
_LIGHT: Final = [_d[name] for name in LIGHT]
_BY_ID: Final = select(_HOOKS).order_by(_h.id)
_WAITS: Final = _d.state == literal(str(State.PENDING), literal_execute=True)
_HOOK_REPLACED: Final = "ON CONFLICT (id) DO UPDATE SET " + ", ".join(
    f"{column.name} = excluded.{column.name}" for column in hooks.columns if column.name != "id"
)


class InboxReads(View):
    """What is read of hooks and deliveries; the contract is `ports.InboxReads`."""

    def hooks(self, organisation_id: int | None = None) -> list[Hook]:
        """Those of an organisation (None: of all), by id."""
        statement = _BY_ID
        if organisation_id is not None:
            statement = statement.where(_h.organisation_id == organisation_id)
        return [hook_from(row) for row in self._all(statement)]

    def hook(self, hook_id: int) -> Hook | None:
        """By GitHub's id."""
        row = self._first(select(_HOOKS).where(_h.id == hook_id))
        return None if row is None else hook_from(row)

    def pending_deliveries(self, organisation_id: int, at: datetime, limit: int) -> list[Delivery]:
        """Those of the organisation that wait and may be tried now, oldest first."""
        due = or_(_d.next_at.is_(None), _d.next_at <= stamp(at))
        statement = select(*_LIGHT).where(_WAITS, _d.organisation_id == organisation_id, due)
        return [delivery_from(row) for row in self._all(statement.order_by(_d.id).limit(limit))]

    def deliveries(
        self,
        *,
        organisation_ids: Collection[int] | None = None,
        hook_id: int | None = None,
        states: Collection[str] = (),
        before: int | None = None,
        limit: int = 100,
    ) -> list[Delivery]:
        """Newest first; with `before`, those with a smaller id."""
        statement = select(*_LIGHT).order_by(_d.id.desc()).limit(limit)
        if organisation_ids is not None:
            statement = statement.where(_d.organisation_id.in_(list(organisation_ids)))
        if hook_id is not None:
            statement = statement.where(_d.hook_id == hook_id)
        if states:
            statement = statement.where(_d.state.in_([str(state) for state in states]))
        if before is not None:
            statement = statement.where(_d.id < before)
        return [delivery_from(row) for row in self._all(statement)]

    def delivery(self, delivery_id: int) -> Delivery | None:
        """One, with its body and headers where they are kept still."""
        row = self._first(select(*_LIGHT, _d.body, _d.headers).where(_d.id == delivery_id))
        return None if row is None else delivery_from(row[:-2], bytes(row[-2]), row[-1])

    def known_guids(self, hook_id: int, guids: Collection[str]) -> set[str]:
        """Which of these deliveries of a hook are in the inbox."""
        mine = select(_d.guid).where(_d.hook_id == hook_id, among(_d.guid, guids))
        return {row[0] for row in self._all(mine)}

    def delivery_counts(self) -> dict[str, int]:
        """How many per state."""
        return {row[0]: row[1] for row in self._all(select(_d.state, func.count()).group_by(_d.state))}

    def newest_deliveries(self) -> dict[int, datetime]:
        """Hook -> when its newest delivery arrived here by itself."""
        came = select(_d.hook_id, func.max(_d.received_at)).where(_d.source == "webhook").group_by(_d.hook_id)
        return {row[0]: time_from(row[1]) for row in self._all(came)}


class InboxWrites(InboxReads):
    """What is written of hooks and deliveries; the contract is `ports.InboxWrites`."""

    def save_hook(self, hook: Hook) -> None:
        """Insert or update, by its id."""
        self._insert_many(_HOOKS, [hook_row(hook)], _HOOK_REPLACED)

    def forget_hook(self, hook_id: int) -> None:
        """Delete our record of it; its deliveries stay."""
        self._write(delete(_HOOKS).where(_h.id == hook_id))

    def deliver(self, rows: Iterable[Delivery]) -> int:
        """Insert; one whose (hook, GUID) is there already is left as it is. Returns how many were new."""
        packed = (delivery_row(row, self._kind) for row in rows)
        return self._insert_many(_DELIVERIES, packed, "ON CONFLICT (hook_id, guid) DO NOTHING")

    def save_deliveries(self, rows: Iterable[Delivery]) -> None:
        """Store state, attempts, error, next_at, done_at and look, by id."""
        outcomes = [outcome_row(row) for row in rows]
        if not outcomes:
            return
        values: dict[str, Any] = {name: bindparam(name) for name in outcomes[0] if name != "key"}
        statement = update(_DELIVERIES).where(_d.id == bindparam("key")).values(values)
        with self._guarded():
            self._connection.execute(statement, outcomes)

    def prune_deliveries(self, bodies_before: datetime, rows_before: datetime) -> int:
        """Empty bodies and delete rows that were received before these and do not wait; return how many rows."""
        settled = _d.state != str(State.PENDING)
        emptied = update(_DELIVERIES).where(settled, _d.received_at < stamp(bodies_before), _d.body != b"")
        self._write(emptied.values(body=b"", headers="{}"))
        return self._write(delete(_DELIVERIES).where(settled, _d.received_at < stamp(rows_before)))
