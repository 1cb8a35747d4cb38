"""Projects: found, counted, added, moved and changed. `board_views` lists them."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, func, select, update

from steward.adapters.store.board_views import joined, pair_from
from steward.adapters.store.rows import project_from, project_row
from steward.adapters.store.schema import projects, repositories, repository_names
from steward.adapters.store.values import json_text
from steward.adapters.store.view import View, among, elements, written_columns
from steward.domain.lifecycle import Move
from steward.domain.project import SLUG_LENGTH_MAX, Project, Tracked
from steward.ports import Conflict, Expected

_p, _r, _n = projects.c, repositories.c, repository_names.c
_TABLE: Final = projects

_FACETS: Final = tuple(
    name
    for name in written_columns(projects)
    if name
    not in {"id", "status", "interrupted", "phase", "created_at", "updated_at", "entered_at", "version"}
)

SUFFIX_LENGTH_MAX: Final = 8
"""The longest suffix that a slug is given where its base is taken, dash included."""


class ProjectReads(View):
    """What is read of projects; the contract is `ports.Reads`."""

    def expected(self, organisation_id: int) -> list[Expected]:
        """Projects that wait for a repository with their name and marker, by slug."""
        waiting = (_p.expects.is_not(None), _p.repository_id.is_(None), _p.marker.is_not(None))
        rows = self._all(select(projects).where(_p.organisation_id == organisation_id, *waiting))
        found = sorted(map(project_from, rows), key=lambda project: project.slug)
        return [Expected(project, project.expects or "", project.marker or "") for project in found]

    def slugs_like(self, bases: Collection[str]) -> set[str]:
        """Taken slugs that equal a base or extend it, or that a cut base with a suffix could equal."""
        equal = select(_p.slug).where(among(_p.slug, bases))
        ends = SLUG_LENGTH_MAX - SUFFIX_LENGTH_MAX
        taken = {row[0] for row in self._all(equal)}
        starts = [base + "-" if len(base) <= ends else base[:ends] for base in bases]
        start = elements(starts, numbers=False).subquery("start")
        # '{' follows 'z', so these two bound the slugs that begin so, by the index.
        begins = and_(_p.slug >= start.c.value, _p.slug < start.c.value + "{")
        alike = select(_p.slug).select_from(start.join(projects, begins))
        return taken | {row[0] for row in self._all(alike)}

    def project(self, reference: str) -> Tracked | Project | None:
        """Find a project by id, slug, present name or full name, or an earlier name, in that order."""
        if (found := self._project_with_repository(reference.strip())) is not None:
            return found
        sought = reference.strip().lower()
        row = self._first(select(_p.id).where(_p.slug == sought)) or self._first(self._by_name(sought))
        return None if row is None else self._project_with_repository(row[0])

    def _by_name(self, sought: str) -> Any:
        """A present name of a repository that is not lost, else of a lost one, else the newest earlier one."""
        key = _n.full_name_key if "/" in sought else _n.name_key
        present = _n.until.is_(None)
        rank = case((and_(present, _r.lost_at.is_(None)), 0), (present, 1), else_=2)
        return (
            select(_p.id)
            .select_from(
                repository_names.join(repositories, _r.id == _n.repository_id).join(
                    projects, _p.repository_id == _r.id
                )
            )
            .where(key == sought)
            .order_by(rank, _n.until.desc(), _n.id.desc())
            .limit(1)
        )

    def _project_with_repository(self, project_id: str) -> Tracked | Project | None:
        row = self._first(joined().where(_p.id == project_id))
        if row is None:
            return None
        project, repository = pair_from(row)
        return project if repository is None else Tracked(repository, project)

    def slugs(self, project_ids: Collection[str]) -> dict[str, str]:
        """Project id -> slug, of those that exist."""
        rows = self._all(select(_p.id, _p.slug).where(among(_p.id, project_ids)))
        return {row[0]: row[1] for row in rows}

    def status_counts(self) -> dict[str, int]:
        """How many projects are in each status that any is in."""
        rows = self._all(select(_p.status, func.count()).group_by(_p.status))
        return {row[0]: row[1] for row in rows}

    def near_slugs(self, reference: str, limit: int) -> list[str]:
        """Slugs that resemble a mistyped one, best first."""
        sought = reference.strip().lower()
        near = func.length(_p.slug).between(len(sought) - 3, len(sought) + 3)
        slugs = [row[0] for row in self._all(select(_p.slug).where(near).order_by(_p.slug))]
        return difflib.get_close_matches(sought, slugs, n=max(limit, 1), cutoff=0.6)[:limit]


class ProjectWrites(ProjectReads):
    """What is written of projects; the contract is `ports.Writes`."""

    def add_projects(self, projects: Iterable[Project]) -> None:
        """Insert. Raises Conflict if a slug or an id is taken."""
        self._insert_many(_TABLE, map(project_row, projects))

    def move(self, project: Project, move: Move, at: datetime) -> Project:
        """Compare-and-set from `move.before` and `project.version`; return the project as it is now."""
        if move.before is None:
            raise ValueError("a project is added, not moved, into its first status")
        now = replace(
            project,
            status=move.after.status,
            interrupted=move.after.interrupted,
            entered_at=at,
            updated_at=at,
            version=project.version + 1,
        )
        stack = json_text(move.before.interrupted)
        as_read = (_p.status == str(move.before.status), _p.interrupted == stack)
        self._swap(project, now, ("status", "interrupted", "phase", "entered_at"), as_read)
        return now

    def save_project(self, project: Project, at: datetime) -> Project:
        """Compare-and-set on `version` of every facet but status and stack."""
        now = replace(project, updated_at=at, version=project.version + 1)
        self._swap(project, now, _FACETS, ())
        return now

    def _swap(
        self,
        project: Project,
        now: Project,
        columns: Iterable[str],
        as_read: tuple[ColumnElement[bool], ...],
    ) -> None:
        new = dict(zip(written_columns(_TABLE), project_row(now), strict=True))
        values = {name: new[name] for name in (*columns, "updated_at", "version")}
        mine = (_p.id == project.id, _p.version == project.version)
        if not self._write(update(_TABLE).where(*mine, *as_read).values(values)):
            raise Conflict(f"the project {project.slug} was changed meanwhile; read it again")
