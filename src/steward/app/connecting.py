"""Connects the configured organisations: one row each, found again by any name it ever bore."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from steward.app.errors import Unknown
from steward.domain.journal import Event, Kind
from steward.domain.project import Organisation
from steward.ports import BadSettings, Store, Writes


def connect(store: Store, logins: Sequence[str], server: str, at: datetime) -> list[Organisation]:
    """Return the organisations with these names, adding those that are new.

    Raises BadSettings where one is recorded at another server: its repositories' ids would mean others.
    """
    with store.reading() as view:
        known = view.organisations()
    found = [_find(known, login) for login in logins]
    for organisation in found:
        if organisation is not None and organisation.server != server:
            raise _elsewhere(organisation, server)
    if all(found):
        return _distinct([o for o in found if o is not None])
    with store.writing() as tx:
        return _distinct(
            [_find(tx.organisations(), login) or _add(tx, login, server, at) for login in logins]
        )


def _distinct(organisations: Sequence[Organisation]) -> list[Organisation]:
    return list({organisation.id: organisation for organisation in organisations}.values())


def _find(known: Sequence[Organisation], login: str) -> Organisation | None:
    for organisation in known:
        if login.lower() == organisation.login.lower():
            return organisation
    for organisation in known:
        if login.lower() in {alias.lower() for alias in organisation.aliases}:
            return organisation
    return None


def _add(tx: Writes, login: str, server: str, at: datetime) -> Organisation:
    organisation = tx.add_organisation(login, server)
    data = {"login": login, "server": server}
    tx.append([Event(Kind.ORGANISATION_CONNECTED, at, "settings", None, organisation.id, data=data)])
    return organisation


def _elsewhere(organisation: Organisation, server: str) -> BadSettings:
    return BadSettings(
        f"{organisation.login} is recorded at {organisation.server}, but the settings name {server}",
        "Set STEWARD_GITHUB_URL back, or use another STEWARD_DATA_DIR or STEWARD_DATABASE_URL for the new server.",
    )


def choose(organisations: Sequence[Organisation], logins: Sequence[str]) -> list[Organisation]:
    """Those that a person named, by any name; all if none was named. Raises Unknown."""
    if not logins:
        return list(organisations)
    chosen = []
    for login in logins:
        organisation = _find(organisations, login)
        if organisation is None:
            raise Unknown("configured organisation", login, [o.login for o in organisations][:3])
        chosen.append(organisation)
    return _distinct(chosen)
