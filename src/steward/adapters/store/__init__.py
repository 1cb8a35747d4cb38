"""The database: SQLite or PostgreSQL behind `ports.Store`.

`open_store` is the way in; `upgrade`, `check`, `backup` and `restore` work on a database by its address.
What a table holds is in `schema`; how it is read and written, in the `*_views` by noun.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from steward.adapters.store.opening import open_store, upgrade

if TYPE_CHECKING:
    from steward.adapters.store.checking import Finding

__all__ = ["backup", "check", "open_store", "restore", "upgrade"]


def check(url: str) -> list[Finding]:
    """Examine a database; see `checking.check`."""
    from steward.adapters.store.checking import check as examine

    return examine(url)


def backup(url: str, target: Path) -> None:
    """Copy a whole database into a new file; see `backups.backup`."""
    from steward.adapters.store.backups import backup as copy

    copy(url, target)


def restore(url: str, source: Path, *, force: bool = False) -> None:
    """Fill a database from a backup; see `backups.restore`."""
    from steward.adapters.store.backups import restore as fill

    fill(url, source, force=force)
