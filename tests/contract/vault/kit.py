"""A vault over a store with two projects, and values to keep in it."""

from __future__ import annotations

from pathlib import Path

from steward.adapters.deploy.redaction import Redactor
from steward.adapters.store.store import SqlStore
from steward.adapters.vault import KeptVault, MasterKeys
from steward.domain.needs import Sort
from steward.domain.vault import Kept, Place
from steward.testing.clock import FakeClock
from tests.contract.store.kit import NOW, connect, project

SHOP, MARKET = "id-shop", "id-market"
CHEAP = 10
"""What a passphrase costs in tests."""
SECRET = "sk-planted/secret+key=4711"


def prepared(store: SqlStore) -> SqlStore:
    """The same store, with an organisation and two projects."""
    connect(store)
    with store.writing() as tx:
        tx.add_projects([project("shop"), project("market")])
    return store


def vault_at(folder: Path) -> KeptVault:
    """A vault as a process that has just begun opens it."""
    return KeptVault(MasterKeys(folder / "master.key"), FakeClock(), Redactor, CHEAP)


def kept(
    name: str, project_id: str = SHOP, sort: Sort = Sort.SECRET, *places: Place, by: str = "user:anna"
) -> Kept:
    """What is said of a value."""
    return Kept(project_id, name, sort, frozenset(places or (Place.RUN,)), NOW, by)
