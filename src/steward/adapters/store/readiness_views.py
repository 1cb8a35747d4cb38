"""What readiness is judged by, of many projects at once: one query each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from sqlalchemy import func, select

from steward.adapters.store.board_views import joined, pair_from
from steward.adapters.store.building_rows import spec_from
from steward.adapters.store.schema import projects
from steward.adapters.store.schema_building import specs
from steward.adapters.store.schema_hands import scans
from steward.adapters.store.schema_vault import vault_values, vault_waivers
from steward.adapters.store.vault_rows import waiver_from
from steward.adapters.store.view import View, among
from steward.domain.spec import Spec
from steward.domain.vault import Waiver
from steward.ports import Found


class ReadinessReads(View):
    """The contract is `ports.readiness.ReadinessReads`."""

    def pairs(self, project_ids: Collection[str]) -> list[Found]:
        """These projects with their repositories."""
        return [pair_from(row) for row in self._all(joined().where(among(projects.c.id, project_ids)))]

    def newest_specs(self, project_ids: Collection[str]) -> dict[str, Spec]:
        """Project id -> the newest version of its spec."""
        one = specs.c
        mine = among(one.project_id, project_ids)
        newest = select(one.project_id, func.max(one.version).label("version")).where(mine)
        last = newest.group_by(one.project_id).subquery()
        alike = (one.project_id == last.c.project_id) & (one.version == last.c.version)
        found = map(spec_from, self._all(select(specs).join(last, alike)))
        return {spec.project_id: spec for spec in found}

    def kept_names(self, project_ids: Collection[str]) -> dict[str, frozenset[str]]:
        """Project id -> the names of what is kept for it."""
        one = vault_values.c
        names: dict[str, set[str]] = {}
        for key, name in self._all(
            select(one.project_id, one.name).where(among(one.project_id, project_ids))
        ):
            names.setdefault(key, set()).add(name)
        return {key: frozenset(found) for key, found in names.items()}

    def waivers_of(self, project_ids: Collection[str]) -> dict[str, dict[str, Waiver]]:
        """Project id -> its waivers, by name."""
        mine = select(vault_waivers).where(among(vault_waivers.c.project_id, project_ids))
        found: dict[str, dict[str, Waiver]] = {}
        for waiver in map(waiver_from, self._all(mine)):
            found.setdefault(waiver.project_id, {})[waiver.name] = waiver
        return found

    def scan_results(self, project_ids: Collection[str]) -> dict[str, Mapping[str, Any]]:
        """Project id -> what its newest scan that was done found."""
        mine = select(scans.c.project_id, scans.c.result).where(
            among(scans.c.project_id, project_ids), scans.c.result.is_not(None)
        )
        read = ((row[0], msgspec.json.decode(row[1])) for row in self._all(mine))
        return {key: result for key, result in read if isinstance(result, dict)}
