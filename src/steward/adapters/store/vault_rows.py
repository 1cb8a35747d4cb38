"""The vault's rows into values and back; see `rows`."""

from __future__ import annotations

from typing import Any

from steward.adapters.store.rows import Fields
from steward.adapters.store.values import clean, maybe, readable, stamp, stamp_or_none, time_from
from steward.domain.needs import Sort
from steward.domain.vault import Kept, Place, Use, Waiver
from steward.ports.vault import SealedValue, WrappedKey


def value_row(value: SealedValue) -> tuple[Any, ...]:
    """The columns of a kept value, in order."""
    kept = value.kept
    return (
        kept.project_id,
        kept.name,
        str(kept.sort),
        ",".join(sorted(kept.places)),
        stamp(kept.set_at),
        clean(kept.set_by),
        kept.generated,
        kept.length,
        stamp_or_none(kept.sent_at),
        kept.version,
        value.key_version,
        value.cipher,
    )


def value_from(row: Fields) -> SealedValue:
    """Read a row of `vault_values`."""
    project_id, name, sort, places, set_at, set_by, generated, length, sent_at, version, key, cipher = row
    with readable(f"the kept value {name} of the project", project_id):
        kept = Kept(
            project_id,
            name,
            Sort(sort),
            frozenset(Place(place) for place in places.split(",") if place),
            time_from(set_at),
            set_by,
            bool(generated),
            length,
            maybe(time_from, sent_at),
            version,
        )
        return SealedValue(kept, key, bytes(cipher))


def key_row(key: WrappedKey) -> tuple[Any, ...]:
    """The columns of a wrapped data key, in order."""
    return (key.project_id, key.version, key.master_id, key.wrapped)


def key_from(row: Fields) -> WrappedKey:
    """Read a row of `vault_keys`."""
    project_id, version, master_id, wrapped = row
    return WrappedKey(project_id, version, master_id, bytes(wrapped))


def waiver_row(waiver: Waiver) -> tuple[Any, ...]:
    """The columns of a waiver, in order."""
    return (waiver.project_id, waiver.name, clean(waiver.reason), clean(waiver.by), stamp(waiver.at))


def waiver_from(row: Fields) -> Waiver:
    """Read a row of `vault_waivers`."""
    project_id, name, reason, by, at = row
    with readable(f"the waiver of {name} of the project", project_id):
        return Waiver(project_id, name, reason, by, time_from(at))


def use_row(use: Use) -> tuple[Any, ...]:
    """The columns of a use but the key, in order."""
    return (use.project_id, use.name, clean(use.used_for), clean(use.by), stamp(use.at))


def use_from(row: Fields) -> Use:
    """Read a row of `vault_uses`."""
    _key, project_id, name, used_for, by, at = row
    with readable(f"a use of {name} of the project", project_id):
        return Use(project_id, name, used_for, by, time_from(at))
