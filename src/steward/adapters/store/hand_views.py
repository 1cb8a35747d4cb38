"""Hands off: the ledger, holds, what is known of branches, patches, scans and scores, read and written."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import delete, func, insert, or_, select, text, update

from steward.adapters.store.hand_rows import (
    entry_from,
    entry_row,
    hold_from,
    hold_row,
    patch_from,
    patch_row,
    scan_from,
    scan_row,
    score_from,
    score_row,
    watch_from,
    watch_row,
)
from steward.adapters.store.inbox_rows import sender_from
from steward.adapters.store.rows import tracked_from
from steward.adapters.store.schema import deliveries, projects, repositories
from steward.adapters.store.schema_hands import (
    FOREIGN,
    STANDS,
    holds,
    ledger,
    patches,
    scans,
    scores,
    watches,
)
from steward.adapters.store.values import stamp
from steward.adapters.store.view import View, among, replacing
from steward.domain.hands import Entry, Hold, Sender, Watch
from steward.domain.project import Management, Tracked
from steward.domain.status import Status
from steward.ports import Conflict
from steward.ports.hands import Patch, ScanRecord, Score

PATCHES_KEPT: Final = 20
"""How many patches of a project are kept: the newest."""

_l, _h, _w, _t = ledger.c, holds.c, watches.c, patches.c
_s, _c, _d = scans.c, scores.c, deliveries.c
_p, _r = projects.c, repositories.c
# The methods of the views bear the names of some tables.
_LEDGER, _HOLDS, _PATCHES, _SCANS, _SCORES = ledger, holds, patches, scans, scores

_STANDS: Final = text(STANDS)
_FOREIGN: Final = text(FOREIGN)
_LISTED: Final = [column for column in scans.columns if column.name != "result"]


class HandReads(View):
    """What is read of hands off; the contract is `ports.hands.HandReads`."""

    def watches(self, repository_ids: Collection[int]) -> dict[int, Watch]:
        """Those of these repositories."""
        found = self._all(select(watches).where(among(_w.repository_id, repository_ids)))
        return {watch.repository_id: watch for watch in map(watch_from, found)}

    def watched_projects(self, organisation_id: int) -> list[Tracked]:
        """Repositories of driven projects, but for those whose loss was concluded, by id."""
        pairs = projects.join(repositories, _r.id == _p.repository_id)
        mine = (_p.organisation_id == organisation_id, _p.management == Management.DRIVE.value)
        found = select(*repositories.columns, *projects.columns).select_from(pairs)
        rows = self._all(found.where(*mine, _r.lost_at.is_(None)).order_by(_r.id))
        return [tracked_from(row) for row in rows]

    def ledger(self, repository_id: int, branch: str | None = None, limit: int = 500) -> list[Entry]:
        """Entries of a repository (of one branch), newest first."""
        found = select(_LEDGER).where(_l.repository_id == repository_id)
        if branch is not None:
            found = found.where(_l.branch == branch)
        return [entry_from(row) for row in self._all(found.order_by(_l.id.desc()).limit(limit))]

    def holds(self, project_id: str, *, lifted: bool = False, limit: int = 50) -> list[Hold]:
        """Those that stand, oldest first; with `lifted`, the lifted ones, newest first."""
        found = select(_HOLDS).where(_h.project_id == project_id)
        if lifted:
            found = found.where(_h.lifted_at.is_not(None)).order_by(_h.lifted_at.desc(), _h.id.desc())
        else:
            found = found.where(_STANDS).order_by(_h.id)
        return [hold_from(row) for row in self._all(found.limit(limit))]

    def hold(self, hold_id: int) -> Hold | None:
        """By its id."""
        row = self._first(select(_HOLDS).where(_h.id == hold_id))
        return None if row is None else hold_from(row)

    def standing_holds(self, project_ids: Collection[str]) -> dict[str, list[Hold]]:
        """Per project those that stand, oldest first; projects without any are left out."""
        found: dict[str, list[Hold]] = {}
        mine = select(_HOLDS).where(among(_h.project_id, project_ids), _STANDS)
        for hold in map(hold_from, self._all(mine.order_by(_h.id))):
            found.setdefault(hold.project_id, []).append(hold)
        return found

    def foreign_holds(self, organisation_id: int) -> list[Hold]:
        """Those that stand for a foreign move of a default branch, oldest first."""
        mine = (_h.organisation_id == organisation_id, _FOREIGN)
        return [hold_from(row) for row in self._all(select(_HOLDS).where(*mine).order_by(_h.id))]

    def senders(
        self, repository_id: int, shas: Collection[str], branch: str | None = None
    ) -> dict[str, Sender]:
        """Commit -> who moved a branch of the repository to it, by the newest delivery that tells."""
        found = select(_d.after, _d.sender).where(
            _d.repository_id == repository_id, among(_d.after, shas), _d.sender.is_not(None)
        )
        if branch is not None:
            found = found.where(_d.ref == f"refs/heads/{branch}")
        return {row[0]: sender_from(row[1]) for row in self._all(found.order_by(_d.id))}

    def patches(self, project_id: str, limit: int = PATCHES_KEPT) -> list[Patch]:
        """Newest first, with their text."""
        found = select(_PATCHES).where(_t.project_id == project_id).order_by(_t.id.desc())
        return [patch_from(row) for row in self._all(found.limit(limit))]

    def scan(self, project_id: str) -> ScanRecord | None:
        """The newest one of a project, with the result of the last that was done."""
        row = self._first(select(_SCANS).where(_s.project_id == project_id))
        return None if row is None else scan_from(row)

    def scans(self, states: Collection[str], limit: int = 100) -> list[ScanRecord]:
        """Those in these states, oldest asked first; without results."""
        found = select(*_LISTED).where(_s.state.in_(list(states))).order_by(_s.asked_at, _s.project_id)
        return [scan_from(row) for row in self._all(found.limit(limit))]

    def scan_counts(self) -> dict[str, int]:
        """How many per state."""
        return {row[0]: row[1] for row in self._all(select(_s.state, func.count()).group_by(_s.state))}

    def scores(self, project_ids: Collection[str]) -> dict[str, Score]:
        """Those of these projects that have one."""
        found = self._all(select(_SCORES).where(among(_c.project_id, project_ids)))
        return {score.project_id: score for score in map(score_from, found)}

    def unscored(self, since: datetime, limit: int) -> list[str]:
        """Ids of projects whose score is missing or too old; those without one first, then the oldest."""
        stale = or_(_c.at.is_(None), _c.at < stamp(since), _c.at < _p.updated_at)
        shown = (_p.status != Status.ARCHIVED.value, _p.management != Management.IGNORE.value)
        pairs = projects.outerjoin(scores, _c.project_id == _p.id)
        found = select(_p.id).select_from(pairs).where(*shown, stale)
        return [row[0] for row in self._all(found.order_by(_c.at.nulls_first(), _p.id).limit(limit))]


class HandWrites(HandReads):
    """What is written of hands off; the contract is `ports.hands.HandWrites`."""

    def save_watch(self, watch: Watch) -> None:
        """Insert or replace, by repository."""
        self._insert_many(watches, [watch_row(watch)], replacing(watches))

    def drop_watch(self, repository_id: int) -> None:
        """Forget it."""
        self._write(delete(watches).where(_w.repository_id == repository_id))

    def enter(self, entry: Entry) -> Entry:
        """Add an entry, or write one again by its id. Raises Conflict: not recorded, or made already otherwise."""
        values = entry_row(entry)
        if not entry.id:
            key = self._value(insert(_LEDGER).values(values).returning(_l.id))
            return replace(entry, id=int(key))
        if not self._write(update(_LEDGER).where(_l.id == entry.id).values(values)):
            raise Conflict(f"the entry {entry.id} of the ledger is not recorded")
        return entry

    def save_hold(self, hold: Hold) -> Hold:
        """Insert or update; returned with its id. Raises Conflict: a standing one of that reason, none of that id."""
        self._refuse_second_hold(hold)
        values = hold_row(hold)
        if not hold.id:
            key = self._value(insert(_HOLDS).values(values).returning(_h.id))
            return replace(hold, id=int(key))
        if not self._write(update(_HOLDS).where(_h.id == hold.id).values(values)):
            raise Conflict(f"the hold {hold.id} is not recorded")
        return hold

    def _refuse_second_hold(self, hold: Hold) -> None:
        """Said before the database refuses it: a statement that failed spoils the transaction."""
        if not hold.stands:
            return
        alike = (_h.project_id == hold.project_id, _h.reason == str(hold.reason), _STANDS)
        other = self._value(select(_h.id).where(*alike, _h.id != hold.id))
        if other is not None:
            raise Conflict(f"the project is held for that reason already: {hold.reason} (hold {other})")

    def keep_patch(self, patch: Patch) -> Patch:
        """Add one; the oldest beyond those that are kept go. Returned as it is kept, with its id."""
        values = patch_row(patch)
        key = int(self._value(insert(_PATCHES).values(values).returning(_t.id)))
        mine = _t.project_id == patch.project_id
        kept = select(_t.id).where(mine).order_by(_t.id.desc()).limit(PATCHES_KEPT)
        self._write(delete(_PATCHES).where(mine, _t.id.not_in(kept)))
        return replace(patch, text=values["text"], cut=values["cut"], id=key)

    def save_scan(self, scan: ScanRecord) -> None:
        """Insert or replace, by project."""
        self._insert_many(_SCANS, [scan_row(scan)], replacing(_SCANS))

    def save_scores(self, scores: Iterable[Score]) -> None:
        """Insert or replace, set-based."""
        self._insert_many(_SCORES, map(score_row, scores), replacing(_SCORES))
