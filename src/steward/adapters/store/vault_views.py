"""The vault's rows: read and written. Ciphertext all of it; keys and values in clear never come here."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, func, select

from steward.adapters.store.schema_vault import vault_keys, vault_uses, vault_values, vault_waivers
from steward.adapters.store.vault_rows import (
    key_from,
    key_row,
    use_from,
    use_row,
    value_from,
    value_row,
    waiver_from,
    waiver_row,
)
from steward.adapters.store.view import View, replacing
from steward.domain.vault import Use, Waiver
from steward.ports.vault import SealedValue, WrappedKey

_v, _k, _w, _u = vault_values.c, vault_keys.c, vault_waivers.c, vault_uses.c
# The methods of the views bear the names of some tables.
_VALUES, _WAIVERS, _USES = vault_values, vault_waivers, vault_uses


class VaultReads(View):
    """What is read of the vault; the contract is `ports.vault.VaultReads`."""

    def vault_values(self, project_id: str) -> list[SealedValue]:
        """Those of a project, by name."""
        rows = self._all(select(_VALUES).where(_v.project_id == project_id).order_by(_v.name))
        return [value_from(row) for row in rows]

    def vault_key(self, project_id: str) -> WrappedKey | None:
        """The data key of a project."""
        row = self._first(select(vault_keys).where(_k.project_id == project_id))
        return None if row is None else key_from(row)

    def vault_masters(self) -> dict[str, int]:
        """The master keys that data keys are wrapped under."""
        rows = self._all(select(_k.master_id, func.count()).group_by(_k.master_id).order_by(_k.master_id))
        return {row[0]: row[1] for row in rows}

    def vault_projects(self) -> list[str]:
        """The projects that have a data key."""
        return [row[0] for row in self._all(select(_k.project_id).order_by(_k.project_id))]

    def vault_waivers(self, project_id: str) -> list[Waiver]:
        """What a project does without."""
        rows = self._all(select(_WAIVERS).where(_w.project_id == project_id).order_by(_w.name))
        return [waiver_from(row) for row in rows]

    def vault_uses(self, project_id: str, limit: int = 50) -> list[Use]:
        """Newest first."""
        mine = select(_USES).where(_u.project_id == project_id)
        return [use_from(row) for row in self._all(mine.order_by(_u.id.desc()).limit(limit))]


class VaultWrites(VaultReads):
    """What is written of the vault; the contract is `ports.vault.VaultWrites`."""

    def save_vault_value(self, value: SealedValue) -> None:
        """Insert or replace, by project and name."""
        self._insert_many(_VALUES, [value_row(value)], replacing(_VALUES))

    def drop_vault_value(self, project_id: str, name: str) -> bool:
        """Delete the row; whether there was one."""
        return self._write(delete(_VALUES).where(_v.project_id == project_id, _v.name == name)) > 0

    def save_vault_key(self, key: WrappedKey) -> None:
        """Insert or replace, by project."""
        self._insert_many(vault_keys, [key_row(key)], replacing(vault_keys))

    def save_vault_waiver(self, waiver: Waiver) -> None:
        """Insert or replace, by project and name."""
        self._insert_many(_WAIVERS, [waiver_row(waiver)], replacing(_WAIVERS))

    def drop_vault_waiver(self, project_id: str, name: str) -> bool:
        """Delete the row; whether there was one."""
        return self._write(delete(_WAIVERS).where(_w.project_id == project_id, _w.name == name)) > 0

    def add_vault_uses(self, uses: Iterable[Use]) -> None:
        """Add lines; none is ever changed."""
        self._insert_many(_USES, [use_row(use) for use in uses])
