"""Recorded repositories and the history of their names: read and written."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    exists,
    func,
    insert,
    literal,
    literal_column,
    not_,
    select,
    update,
)

from steward.adapters.store.rows import REPOSITORY_WIDTH, name_from, repository_row, tracked_from
from steward.adapters.store.schema import projects, repositories, repository_names
from steward.adapters.store.values import stamp
from steward.adapters.store.view import CHUNK, View, among
from steward.domain.instant import Instant
from steward.domain.project import Tracked
from steward.domain.repository import Repository
from steward.ports import NameRecord

_r, _n = repositories.c, repository_names.c
_TABLE: Final = repositories
assert len(_r) == REPOSITORY_WIDTH, "rows are read by their place"

_FENCED = (
    "ON CONFLICT (id) DO UPDATE SET "
    + ", ".join(
        f"{column.name} = excluded.{column.name}" for column in repositories.columns if column.name != "id"
    )
    + " WHERE repositories.look <= excluded.look"
)


def _tracked() -> Select[Any]:
    return select(*repositories.columns, *projects.columns).select_from(
        repositories.outerjoin(projects, projects.c.id == _r.project_id)
    )


HELD: ColumnElement[bool] = literal_column("repositories.held")
"""The condition as the partial index is written: SQLite takes `held = 1` for another one."""


def _standing(organisation_id: int) -> ColumnElement[bool]:
    """Repositories of the organisation whose loss is not concluded."""
    return and_(_r.organisation_id == organisation_id, _r.lost_at.is_(None))


class RepositoryReads(View):
    """What is read of repositories; the contract is `ports.Reads`."""

    def digests(self, organisation_id: int) -> dict[int, int | None]:
        """Id -> digest, None where its presence is not `seen`. One pass over one index."""
        cursor = self._raw(
            "SELECT id, CASE WHEN presence = 'seen' THEN digest END FROM repositories"
            " WHERE organisation_id = ?",
            (organisation_id,),
        )
        with self._guarded():
            return dict(cursor.fetchall())

    def tracked(self, repo_ids: Collection[int]) -> list[Tracked]:
        """Those with these ids, with their projects, by id."""
        return self._tracked_where(among(_r.id, repo_ids))

    def absences(self, organisation_id: int, limit: int) -> list[Tracked]:
        """Absent, neither concluded nor held, least recently read first."""
        statement = (
            _tracked()
            .where(_standing(organisation_id), _r.presence == "absent", not_(_r.held))
            .order_by(_r.confirmed.asc().nulls_first(), _r.id)
            .limit(limit)
        )
        return [tracked_from(row) for row in self._all(statement)]

    def unseen(self, organisation_id: int, presences: Collection[str], limit: int) -> list[Tracked]:
        """In one of these presences, not concluded as lost, by id."""
        chosen = _r.presence.in_([str(presence) for presence in presences])
        # `+ 0` keeps SQLite from walking the whole organisation in the order of ids.
        statement = _tracked().where(_standing(organisation_id), chosen).order_by(_r.id + 0).limit(limit)
        return [tracked_from(row) for row in self._all(statement)]

    def held(self, organisation_id: int) -> list[Tracked]:
        """Those whose loss the guard holds, by id."""
        return self._tracked_where(_r.organisation_id == organisation_id, HELD)

    def _tracked_where(self, *conditions: ColumnElement[bool]) -> list[Tracked]:
        statement = _tracked().where(*conditions).order_by(_r.id)
        return [tracked_from(row) for row in self._all(statement)]

    def presence_counts(self, organisation_id: int) -> dict[tuple[str, str], int]:
        """How many per (visibility, presence), those concluded as lost left out."""
        statement = (
            select(_r.visibility, _r.presence, func.count())
            .where(_standing(organisation_id))
            .group_by(_r.visibility, _r.presence)
        )
        return {(row[0], row[1]): row[2] for row in self._all(statement)}

    def lost_since(self, organisation_id: int, limit: int) -> list[Instant]:
        """When the losses that still stand were concluded, newest first, at most `limit`."""
        statement = (
            select(_r.lost_at)
            .where(_r.organisation_id == organisation_id, _r.lost_at.is_not(None))
            .order_by(_r.lost_at.desc())
            .limit(limit)
        )
        return [Instant.decode(row[0]) for row in self._all(statement)]

    def canaries(self, organisation_id: int, visibility: str, limit: int) -> list[int]:
        """Ids of `seen` ones of that visibility, lowest first."""
        statement = (
            select(_r.id)
            .where(_standing(organisation_id), _r.presence == "seen", _r.visibility == visibility)
            .order_by(_r.id)
            .limit(limit)
        )
        return [row[0] for row in self._all(statement)]

    def namesakes(self, organisation_id: int, names: Collection[str]) -> dict[str, list[Tracked]]:
        """Lower-case name -> those of the organisation that bear it or once bore it, by id."""
        bears = among(_n.name_key, {name.lower() for name in names})
        borne: dict[int, list[str]] = {}
        for row in self._all(select(_n.repository_id, _n.name_key).where(bears).distinct()):
            borne.setdefault(row[0], []).append(row[1])
        found: dict[str, list[Tracked]] = {}
        for tracked in self._tracked_where(_r.organisation_id == organisation_id, among(_r.id, borne)):
            for name in borne[tracked.repository.repo.id]:
                found.setdefault(name, []).append(tracked)
        return found

    def names(self, repository_id: int) -> list[NameRecord]:
        """Every name it has borne, oldest first."""
        columns = (_n.repository_id, _n.full_name, _n.since, _n.until)
        statement = select(*columns).where(_n.repository_id == repository_id).order_by(_n.id)
        return [name_from(row) for row in self._all(statement)]


class RepositoryWrites(RepositoryReads):
    """What is written of repositories; the contract is `ports.Writes`."""

    def save_repositories(self, repositories: Iterable[Repository], at: datetime) -> int:
        """Insert or update by id behind the fence, and keep the history of names."""
        pending, written = iter(repositories), 0
        while chunk := list(islice(pending, CHUNK)):
            written += self._insert_many(_TABLE, map(repository_row, chunk), _FENCED)
            self._keep_names([row.repo.id for row in chunk], stamp(at))
        return written

    def _keep_names(self, ids: list[int], at: str) -> None:
        """Close the present name of each that bears another one now; open one where none is present."""
        full_name = _r.owner_login + "/" + _r.name
        renamed = exists().where(_r.id == _n.repository_id, full_name != _n.full_name)
        closing = update(repository_names).where(among(_n.repository_id, ids), _n.until.is_(None), renamed)
        self._write(closing.values(until=at))
        named = exists().where(_n.repository_id == _r.id, _n.until.is_(None))
        name_key = func.substr(_r.full_name_key, func.length(_r.owner_login) + 2)
        opening = select(_r.id, full_name, _r.full_name_key, name_key, literal(at)).where(
            among(_r.id, ids), ~named
        )
        columns = ["repository_id", "full_name", "full_name_key", "name_key", "since"]
        self._write(insert(repository_names).from_select(columns, opening))
