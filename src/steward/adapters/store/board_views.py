"""Many projects at once, as faces show them: listed, counted, a window per phase, those in trouble."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, false, func, or_, select, text, union, union_all

from steward.adapters.store.journal_rows import incident_from
from steward.adapters.store.journal_views import WORST_FIRST
from steward.adapters.store.rows import REPOSITORY_WIDTH, project_from, repository_from
from steward.adapters.store.schema import incidents, organisations, projects, repositories
from steward.adapters.store.schema_hands import STANDS, holds, scores
from steward.adapters.store.values import stamp
from steward.adapters.store.view import View, among
from steward.domain.incidents import Incident
from steward.domain.lifecycle import phase_shown
from steward.domain.project import Management
from steward.domain.repository import Presence
from steward.domain.status import Phase, Status
from steward.ports import Found, ProjectQuery, Tally

_p, _r, _i = projects.c, repositories.c, incidents.c

_PLACE: Final = case({str(status): place for place, status in enumerate(Status)}, value=_p.status, else_=99)
_owner: Final = func.coalesce(_p.owner, "")
_SORTED_BY: Final[dict[str, ColumnElement[Any]]] = {
    "slug": _p.slug,
    "status": _PLACE,
    "since": _p.entered_at,
    "updated": _p.updated_at,
    "owner": _owner,
}
_UNSCORED: Final = {False: 101, True: -1}
"""What stands for a score that is not there, by whether the order descends: it sorts behind every percent."""
_HELD: Final = select(holds.c.project_id).where(text(STANDS))
_UNRESOLVED: Final = _i.state.in_(["open", "acknowledged"])
_UNSEEN: Final = [str(presence) for presence in Presence if presence is not Presence.SEEN]


def joined(*more: Any) -> Select[Any]:
    """Projects with their repositories; `pair_from` reads a row."""
    pairs = projects.outerjoin(repositories, _r.id == _p.repository_id)
    return select(*repositories.columns, *projects.columns, *more).select_from(pairs)


def pair_from(row: Any) -> Found:
    """Read a row of `joined`."""
    project = project_from(row[REPOSITORY_WIDTH : REPOSITORY_WIDTH + len(projects.columns)])
    return project, None if row[0] is None else repository_from(row)


def _coded(
    column: ColumnElement[str], wanted: Collection[str], codes: type[StrEnum]
) -> list[ColumnElement[bool]]:
    """Whether the column is one of these codes.

    Most of the codes are asked for by what they are not: an index that leads to nearly every row is the
    wrong one to take, and SQLite would take it.
    """
    if not wanted:
        return []
    rest = [code.value for code in codes if code.value not in wanted]
    if len(rest) < len(codes) / 2:
        return [column.not_in(rest)] if rest else []
    return [column.in_([str(code) for code in wanted])]


def _conditions(query: ProjectQuery) -> list[ColumnElement[bool]]:
    """The filters of a query as SQL, but for where the list goes on."""
    conditions = [
        *_coded(_p.status, query.statuses, Status),
        *_coded(_p.management, query.management, Management),
        *_coded(_p.phase, query.phases, Phase),
    ]
    if query.organisation_ids:
        conditions.append(_p.organisation_id.in_(list(query.organisation_ids)))
    if query.owner is not None:
        # Of one who has a name the index knows; that there is none is asked of each row.
        conditions.append(_p.owner == query.owner if query.owner else _owner == "")
    if query.entered_before is not None:
        conditions.append(_p.entered_at < stamp(query.entered_before))
    if query.waiting is not None:
        waiting = (
            and_(_p.organisation_id == key, _p.status.in_([str(status) for status in statuses]))
            for key, statuses in query.waiting.items()
        )
        conditions.append(or_(false(), *waiting))
    if query.held is not None:
        conditions.append(_p.id.in_(_HELD) if query.held else _p.id.not_in(_HELD))
    if query.ready_below is not None or query.ready_from is not None:
        conditions.append(_scored(query.ready_from, query.ready_below))
    if query.text:
        sought = query.text.lower()
        conditions.append(
            or_(*(c.contains(sought, autoescape=True) for c in (_p.slug, _p.title_key, _r.full_name_key)))
        )
    return conditions


def _asks_more(query: ProjectQuery) -> bool:
    """Whether anything besides the projects' own columns decides."""
    return bool(query.text) or not (query.held is query.ready_below is query.ready_from is None)


def _scored(lowest: int | None, below: int | None) -> ColumnElement[bool]:
    """Whether the project's score is in these bounds."""
    own = scores.alias().c  # the list itself may be sorted by the same table
    bounds = [own.project_id == _p.id]
    if lowest is not None:
        bounds.append(own.percent >= lowest)
    if below is not None:
        bounds.append(own.percent < below)
    return select(own.percent).where(*bounds).exists()


def _within(query: ProjectQuery, *columns: Any) -> Select[Any]:
    """These columns of the projects that match; the repositories are looked at only where a text is sought."""
    pairs = projects.outerjoin(repositories, _r.id == _p.repository_id) if query.text else projects
    return select(*columns).select_from(pairs).where(*_conditions(query))


def _after(query: ProjectQuery) -> list[ColumnElement[bool]]:
    """Where the list goes on: after a row, in the order of the query."""
    if not query.after_slug:
        return []
    if query.sort == "slug":
        return [_p.slug < query.after_slug if query.descending else _p.slug > query.after_slug]
    column, value = _sorted_by(query), _value(query)
    beyond = column < value if query.descending else column > value
    return [or_(beyond, and_(column == value, _p.slug > query.after_slug))]


def _value(query: ProjectQuery) -> Any:
    """The sort value after which the list goes on, as the database compares it."""
    if query.sort == "status":
        return list(Status).index(Status(query.after))
    if query.sort == "readiness":
        return int(query.after) if query.after else _UNSCORED[query.descending]
    return query.after


def _sorted_by(query: ProjectQuery) -> ColumnElement[Any]:
    if query.sort == "readiness":
        return func.coalesce(scores.c.percent, _UNSCORED[query.descending])
    return _SORTED_BY[query.sort]


def _with_sorted(query: ProjectQuery, statement: Select[Any]) -> Select[Any]:
    """The statement over projects, with what they are sorted by where that is not theirs."""
    if query.sort != "readiness":
        return statement
    return statement.outerjoin(scores, scores.c.project_id == _p.id)


def _order(query: ProjectQuery) -> list[ColumnElement[Any]]:
    column = _sorted_by(query)
    first = column.desc() if query.descending else column.asc()
    return [first] if query.sort == "slug" else [first, _p.slug.asc()]


class BoardReads(View):
    """What is read of many projects at once; the contract is `ports.BoardReads`."""

    def projects(self, query: ProjectQuery) -> list[Found]:
        """Those that match, sorted, with their repositories."""
        # The keys are sorted alone: whole rows would be many times as much to sort.
        within = _with_sorted(query, _within(query, _p.id))
        keys = within.where(*_after(query)).order_by(*_order(query)).limit(query.limit)
        statement = _with_sorted(query, joined()).where(_p.id.in_(keys)).order_by(*_order(query))
        return [pair_from(row) for row in self._all(statement)]

    def tallies(self, query: ProjectQuery, aged_before: datetime) -> list[Tally]:
        """Those that match, counted by what tells them apart."""
        # Where the projects alone are asked, one walk along an index counts; else `+ 0` keeps SQLite from
        # taking that index to each row in turn.
        home = _p.organisation_id + 0 if _asks_more(query) else _p.organisation_id
        alike = (home, _p.management, _p.phase, _p.status)
        aged = func.sum(case((_p.entered_at < stamp(aged_before), 1), else_=0))
        statement = _within(query, *alike, func.count(), aged).group_by(*alike)
        return [
            Tally(place, phase, status, management, number, int(old))
            for place, management, phase, status, number, old in self._all(statement)
        ]

    def windows(self, query: ProjectQuery, limit: int) -> dict[str, list[Found]]:
        """Per phase that has any, the first of those that match, newest in their status first."""
        # Per phase one walk along its index, which ends when the window is full; then the rows at once.
        within = _within(query, _p.id)
        heads = [
            select(
                within.where(_p.phase == str(phase))
                .order_by(_p.entered_at.desc(), _p.slug.desc())
                .limit(limit)
                .subquery()
                .c.id
            )
            for phase in query.phases or Phase
        ]
        newest = joined().where(_p.id.in_(union_all(*heads))).order_by(_p.entered_at.desc(), _p.slug.desc())
        found: dict[str, list[Found]] = {}
        for pair in map(pair_from, self._all(newest)):
            found.setdefault(phase_shown(pair[0].position), []).append(pair)
        return found

    def troubled(self, query: ProjectQuery, limit: int) -> tuple[int, list[Found]]:
        """How many of those that match are in trouble, and the first of them, worst first."""
        homes = list(query.organisation_ids) or select(organisations.c.id)
        unseen = (_r.organisation_id.in_(homes), _r.lost_at.is_(None), _r.presence.in_(_UNSEEN))
        ids = union(
            select(_p.id).where(_p.status.in_([Status.ERROR.value, Status.MISSING.value])),
            select(_i.project_id).where(_UNRESOLVED, _i.project_id.is_not(None)),
            select(_r.project_id).where(*unseen, _r.project_id.is_not(None)),
        ).subquery()
        worst = select(func.min(WORST_FIRST)).where(_UNRESOLVED, _i.project_id == _p.id).scalar_subquery()
        rank = func.coalesce(worst, 9).label("rank")
        # The keys are ranked and counted alone: whole rows would be many times as much to sort.
        first = (
            _within(query, _p.id, rank, func.count().over().label("total"))
            .where(_p.id.in_(select(ids)))
            .order_by(rank, _p.entered_at.desc(), _p.slug)
            .limit(limit)
            .subquery()
        )
        statement = joined(first.c.total).join(first, first.c.id == _p.id)
        rows = self._all(statement.order_by(first.c.rank, _p.entered_at.desc(), _p.slug))
        return (rows[0][-1] if rows else 0), [pair_from(row) for row in rows]

    def worst_incidents(self, project_ids: Collection[str]) -> dict[str, Incident]:
        """Project id -> the worst of its incidents that are not resolved, the newest of equals."""
        if not project_ids:
            return {}
        statement = select(incidents).where(_UNRESOLVED, among(_i.project_id, project_ids))
        found = [incident_from(row) for row in self._all(statement.order_by(WORST_FIRST.desc(), _i.id))]
        return {incident.project_id or "": incident for incident in found}

    def owners(self, organisation_ids: Collection[int] | None, limit: int) -> list[str]:
        """Who looks after projects, by name."""
        statement = select(_p.owner).distinct().where(_p.owner.is_not(None)).order_by(_p.owner).limit(limit)
        if organisation_ids is not None:
            statement = statement.where(_p.organisation_id.in_(list(organisation_ids)))
        return [row[0] for row in self._all(statement)]
