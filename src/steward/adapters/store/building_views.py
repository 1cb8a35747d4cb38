"""Operations with their logs, specs, estimates, releases, updates, agents' runs and budgets: read and written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, func, select, text, update

from steward.adapters.store.building_rows import (
    estimate_from,
    estimate_row,
    log_from,
    operation_from,
    operation_row,
    release_from,
    release_row,
    run_from,
    run_row,
    spec_from,
    spec_row,
    update_from,
    update_row,
)
from steward.adapters.store.schema import projects
from steward.adapters.store.schema_building import (
    IS_LIVE,
    IS_OPEN,
    agent_runs,
    budgets,
    estimates,
    operation_log,
    operations,
    releases,
    specs,
    updates,
)
from steward.adapters.store.values import clean, readable, stamp, time_from
from steward.adapters.store.view import View, among, replacing
from steward.domain.operations import Operation
from steward.domain.spec import Estimate, Release, Spec, Update
from steward.domain.status import Status
from steward.ports import Conflict
from steward.ports.records import LINE_MAX, LOG_MAX, AgentRun, Built, LogLine

_o, _l, _s, _e = operations.c, operation_log.c, specs.c, estimates.c
_r, _u, _a, _b = releases.c, updates.c, agent_runs.c, budgets.c
# The methods of the views bear the names of some tables.
_OPERATIONS, _SPECS, _RELEASES, _UPDATES, _RUNS = operations, specs, releases, updates, agent_runs

_IS_OPEN: Final = text(IS_OPEN)
_IS_LIVE: Final = text(IS_LIVE)
_CUT: Final = "…"
_LOG_ENDS: Final = f"The log ends here: it has {LOG_MAX:,} lines."
_DAY: Final = timedelta(days=1)
_UNCHANGING: Final = frozenset(
    {"operation_id", "project_id", "organisation_id", "kind", "created_at", "version"}
)


class BuildingReads(View):
    """What is read of building; the contract is `ports.RecordReads`."""

    def operation(self, operation_id: str) -> Operation | None:
        """By its id."""
        row = self._first(select(_OPERATIONS).where(_o.operation_id == operation_id))
        return None if row is None else operation_from(row)

    def operations(self, project_id: str, *, before: str | None = None, limit: int = 50) -> list[Operation]:
        """Those of a project, newest first; with `before`, the ones older than that operation."""
        statement = select(_OPERATIONS).where(_o.project_id == project_id)
        if before is not None:
            bound = select(_o.id).where(_o.operation_id == before).scalar_subquery()
            statement = statement.where(_o.id < bound)
        return [operation_from(row) for row in self._all(statement.order_by(_o.id.desc()).limit(limit))]

    def open_operation(self, project_id: str) -> Operation | None:
        """The one that has not ended; there is at most one."""
        row = self._first(select(_OPERATIONS).where(_o.project_id == project_id, _IS_OPEN))
        return None if row is None else operation_from(row)

    def open_operations(self, limit: int = 1000) -> list[Operation]:
        """All that have not ended, oldest first."""
        found = select(_OPERATIONS).where(_IS_OPEN).order_by(_o.id).limit(limit)
        return [operation_from(row) for row in self._all(found)]

    def current_operations(self, project_ids: Sequence[str]) -> dict[str, Operation]:
        """Per project the open operation."""
        found = self._all(select(_OPERATIONS).where(among(_o.project_id, project_ids), _IS_OPEN))
        return {operation.project_id: operation for operation in map(operation_from, found)}

    def operation_log(self, operation_id: str, after: int = 0, limit: int = 500) -> list[LogLine]:
        """Lines after that number, in order."""
        mine = select(_o.id).where(_o.operation_id == operation_id).scalar_subquery()
        found = select(operation_log).where(_l.operation == mine, _l.number > after)
        return [log_from(row) for row in self._all(found.order_by(_l.number).limit(limit))]

    def spec(self, project_id: str, version: int | None = None) -> Spec | None:
        """One version; the newest where none is named."""
        statement = select(_SPECS).where(_s.project_id == project_id)
        if version is not None:
            statement = statement.where(_s.version == version)
        row = self._first(statement.order_by(_s.version.desc()).limit(1))
        return None if row is None else spec_from(row)

    def specs(self, project_id: str) -> list[Spec]:
        """All versions, oldest first."""
        found = select(_SPECS).where(_s.project_id == project_id).order_by(_s.version)
        return [spec_from(row) for row in self._all(found)]

    def estimate(self, project_id: str, spec_version: int) -> Estimate | None:
        """The estimate of that version."""
        mine = (_e.project_id == project_id, _e.spec_version == spec_version)
        row = self._first(select(estimates).where(*mine))
        return None if row is None else estimate_from(row)

    def releases(self, project_id: str, limit: int = 50) -> list[Release]:
        """Newest first."""
        found = select(_RELEASES).where(_r.project_id == project_id).order_by(_r.number.desc())
        return [release_from(row) for row in self._all(found.limit(limit))]

    def live_releases(self) -> list[Release]:
        """Every release that is live, by project."""
        found = select(_RELEASES).where(_IS_LIVE).order_by(_r.project_id)
        return [release_from(row) for row in self._all(found)]

    def updates(self, project_id: str) -> list[Update]:
        """Oldest first."""
        found = select(_UPDATES).where(_u.project_id == project_id).order_by(_u.number)
        return [update_from(row) for row in self._all(found)]

    def open_update(self, project_id: str) -> Update | None:
        """The one that is being made; those that are queued are not open."""
        found = select(_UPDATES).where(_u.project_id == project_id, _u.state == "open")
        row = self._first(found.order_by(_u.number).limit(1))
        return None if row is None else update_from(row)

    def queued_updates(self) -> list[Update]:
        """The first queued update of each active project, by project."""
        found = (
            select(_UPDATES)
            .join(projects, projects.c.id == _u.project_id)
            .where(_u.state == "queued", projects.c.status == Status.ACTIVE.value)
            .order_by(_u.project_id, _u.number)
        )
        first: dict[str, Update] = {}
        for row in self._all(found):
            update = update_from(row)
            first.setdefault(update.project_id, update)
        return list(first.values())

    def agent_runs(self, project_id: str) -> list[AgentRun]:
        """Oldest first."""
        found = select(_RUNS).where(_a.project_id == project_id).order_by(_a.started_at, _a.run_id)
        return [run_from(row) for row in self._all(found)]

    def spent_usd(self, project_id: str) -> float:
        """What agents' runs of a project are known to have cost."""
        total = select(func.sum(_a.cost_usd)).where(_a.project_id == project_id)
        return float(self._value(total) or 0.0)

    def built(self, template: str, limit: int = 100) -> list[Built]:
        """Projects of that template that came to be live, newest first.

        The template is that of the spec that was estimated first; the road ends with the first release that
        was live, and what agents cost after that is not the road's.
        """
        first = (
            select(_e.project_id, func.min(_e.spec_version).label("version"))
            .group_by(_e.project_id)
            .subquery("first")
        )
        live = func.min(_r.first_live_at).label("live")
        p = projects.c
        statement = (
            select(_s.project_id, _e.effort_hours, p.created_at, live)
            .join(first, and_(first.c.project_id == _s.project_id, first.c.version == _s.version))
            .join(estimates, and_(_e.project_id == _s.project_id, _e.spec_version == _s.version))
            .join(projects, p.id == _s.project_id)
            .join(releases, _r.project_id == _s.project_id)
            .where(_s.template == template, _r.first_live_at.is_not(None))
            .group_by(_s.project_id, _e.effort_hours, p.created_at)
            .order_by(live.desc(), _s.project_id)
        )
        rows = self._all(statement.limit(limit))
        costs = self._road_costs([row[0] for row in rows])
        return [_built(row, template, costs.get(row[0], 0.0)) for row in rows]

    def _road_costs(self, project_ids: Sequence[str]) -> dict[str, float]:
        """What the runs that began before a project was first live are known to have cost."""
        live = (
            select(_r.project_id, func.min(_r.first_live_at).label("at"))
            .where(among(_r.project_id, project_ids))
            .group_by(_r.project_id)
            .subquery("live")
        )
        until = and_(_a.project_id == live.c.project_id, _a.started_at <= live.c.at)
        totals = select(_a.project_id, func.sum(_a.cost_usd)).join(live, until).group_by(_a.project_id)
        return {row[0]: float(row[1] or 0.0) for row in self._all(totals)}

    def budget_usd(self, project_id: str) -> float | None:
        """What a project's agents may cost in all; None: nothing was set."""
        value = self._value(select(_b.usd).where(_b.project_id == project_id))
        return None if value is None else float(value)


def _built(row: Any, template: str, cost_usd: float) -> Built:
    project_id, hours, created_at, live_at = row
    with readable("the road of the project", project_id):
        # A clock that was set back lets nothing have taken less than no time.
        took_days = max(0.0, (time_from(live_at) - time_from(created_at)) / _DAY)
        return Built(project_id, template, hours, took_days, cost_usd)


class BuildingWrites(BuildingReads):
    """What is written of building; the contract is `ports.RecordWrites`."""

    def add_operation(self, operation: Operation) -> None:
        """Add one. Raises Conflict where the project has one that has not ended, or the id is taken."""
        self._refuse_second(operation)
        self._insert_many(_OPERATIONS, [tuple(operation_row(operation).values())])

    def save_operation(self, operation: Operation) -> Operation:
        """Write it if its row still has `operation.version`; the row with its next version. Raises Conflict."""
        self._refuse_second(operation)
        row = operation_row(operation)
        values = {name: value for name, value in row.items() if name not in _UNCHANGING}
        mine = (_o.operation_id == operation.id, _o.version == operation.version)
        next_version = operation.version + 1
        if not self._write(update(_OPERATIONS).where(*mine).values(version=next_version, **values)):
            raise Conflict(f"the operation {operation.id} was changed meanwhile; read it again")
        return replace(operation, version=next_version)

    def _refuse_second(self, operation: Operation) -> None:
        """Said before the database refuses it: a statement that failed spoils the transaction."""
        other = self.open_operation(operation.project_id) if operation.is_open else None
        if other is not None and other.id != operation.id:
            raise Conflict(f"the project has an operation that has not ended: {other.kind} ({other.id})")

    def append_log(
        self, operation_id: str, attempt: int, at: datetime, step: str, texts: Sequence[str]
    ) -> None:
        """Add lines to its log, each cut; the last that fits says that the log ends. Raises Conflict."""
        key = self._value(select(_o.id).where(_o.operation_id == operation_id))
        if key is None:
            raise Conflict(f"the operation {operation_id} is not recorded")
        last = self._value(select(func.max(_l.number)).where(_l.operation == key)) or 0
        room = max(0, LOG_MAX - 1 - last)
        kept = list(texts[:room])
        if len(texts) > room and last < LOG_MAX:
            kept.append(_LOG_ENDS)
        head = (stamp(at), clean(step))
        rows = (
            (key, last + place, attempt, *head, _line(words)) for place, words in enumerate(kept, start=1)
        )
        self._insert_many(operation_log, rows)

    def add_spec(self, spec: Spec) -> None:
        """Add a version. Raises Conflict where that version is there."""
        if self._value(
            select(_s.version).where(_s.project_id == spec.project_id, _s.version == spec.version)
        ):
            raise Conflict(f"version {spec.version} of the spec is there already; read it again")
        self._insert_many(_SPECS, [spec_row(spec)])

    def save_estimate(self, estimate: Estimate) -> None:
        """Write the estimate of a version, in the place of an earlier one."""
        self._insert_many(estimates, [estimate_row(estimate)], replacing(estimates))

    def save_release(self, release: Release) -> Release:
        """Write a release by (project, commit); `number` 0 gives it the next. A live one supersedes the other."""
        mine = (_r.project_id == release.project_id, _r.sha == clean(release.commit))
        known = self._first(select(_r.number, _r.first_live_at).where(*mine))
        number, first_live_at = (release.number, None) if known is None else known
        if not number:
            number = self._next(_r.number, _r.project_id == release.project_id)
        if release.state == "live":
            first_live_at = first_live_at or stamp(release.made_at)
            other = update(_RELEASES).where(
                _r.project_id == release.project_id, _IS_LIVE, _r.number != number
            )
            self._write(other.values(state="superseded"))
        saved = replace(release, number=int(number))
        if known is None:
            self._insert_many(_RELEASES, [release_row(saved, first_live_at)])
        else:
            self._insert_many(_RELEASES, [release_row(saved, first_live_at)], replacing(_RELEASES))
        return saved

    def save_update(self, update: Update) -> Update:
        """Write an update by (project, number); `number` 0 gives it the next."""
        number = update.number or self._next(_u.number, _u.project_id == update.project_id)
        saved = replace(update, number=number)
        self._insert_many(_UPDATES, [update_row(saved)], replacing(_UPDATES))
        return saved

    def _next(self, number: ColumnElement[int], mine: ColumnElement[bool]) -> int:
        """The number after the last; nobody else writes meanwhile."""
        return int(self._value(select(func.max(number)).where(mine)) or 0) + 1

    def save_agent_run(self, run: AgentRun) -> None:
        """Write a run by its id; a repeat replaces it."""
        self._insert_many(_RUNS, [run_row(run)], replacing(_RUNS))

    def set_budget(self, project_id: str, usd: float | None) -> None:
        """Set what a project's agents may cost in all; None takes the budget away."""
        if usd is None:
            self._write(delete(budgets).where(_b.project_id == project_id))
        else:
            self._insert_many(budgets, [(project_id, float(usd))], replacing(budgets))


def _line(words: str) -> str:
    words = clean(words)
    return words if len(words) <= LINE_MAX else words[: LINE_MAX - len(_CUT)] + _CUT
