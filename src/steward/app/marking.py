"""Marks a database that was put back: frozen, with an id of its own, until a person has looked and accepts it."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime
from typing import Final

from steward.domain.journal import Event, Kind
from steward.domain.project import Freeze
from steward.domain.restored import BY, DATABASE_ID, RESTORED, Restored
from steward.ports import Writes

REASON: Final = "restored from a backup: see what would happen with `steward db plan`, then let it go on: `steward unfreeze`"
PERSON: Final = "person:"


def mark_restored(tx: Writes, at: datetime, by: str, backup_at: datetime | None) -> Restored:
    """Freeze every organisation, give the database a new id, and write down that it was restored.

    A person's freeze is kept as it is; one of a guard is not, because what heals the guard's cause would lift it.
    """
    homes = tx.organisations()
    for home in homes:
        kept = home.frozen is not None and home.frozen.by.startswith(PERSON)
        if not kept:
            tx.save_organisation(replace(home, frozen=Freeze(at, BY, REASON)))
        tx.append([Event(Kind.ORGANISATION_FROZEN, at, BY, None, home.id, REASON, {"by": BY})])
    mark = Restored(at, by, backup_at, tuple(home.id for home in homes))
    # Attempts that the engine knows of, perhaps later ones than the record does, are nobody's any more.
    tx.renumber_attempts()
    tx.set_setting(RESTORED, mark.json() if homes else None)
    tx.set_setting(DATABASE_ID, secrets.token_hex(16))
    data = {"by": by, "backup_at": backup_at.isoformat() if backup_at else None}
    tx.append([Event(Kind.INSTALLATION_RESTORED, at, BY, data=data)])
    return mark
