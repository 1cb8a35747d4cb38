"""Organisations, their looks and page marks, requests for looks, and settings: read and written."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from steward.adapters.store.journal_rows import look_from, look_request_from, look_row
from steward.adapters.store.rows import mark_from, organisation_from, organisation_row
from steward.adapters.store.schema import (
    look_requests,
    looks,
    organisations,
    outbox,
    page_marks,
    settings,
)
from steward.adapters.store.values import clean, json_text, json_value, stamp
from steward.adapters.store.view import View, among
from steward.domain.project import Look, Organisation
from steward.domain.repository import PageMark
from steward.ports import Conflict, LookRequest

_ENTRIES = msgspec.json.Decoder(list[int])


class OrganisationReads(View):
    """What is read of organisations and looks; the contract is `ports.Reads`."""

    def organisations(self) -> list[Organisation]:
        """All, by login."""
        found = [organisation_from(row) for row in self._all(select(organisations))]
        return sorted(found, key=lambda organisation: (organisation.login.lower(), organisation.id))

    def organisation(self, organisation_id: int) -> Organisation:
        """By our id. Raises Conflict if there is none."""
        row = self._first(select(organisations).where(organisations.c.id == organisation_id))
        if row is None:
            raise Conflict(f"organisation {organisation_id} is not recorded")
        return organisation_from(row)

    def marks(self, organisation_id: int) -> list[PageMark]:
        """Page marks, by number."""
        m = page_marks.c
        columns = (m.number, m.etag, m.count, m.has_next, m.last)
        statement = select(*columns).where(m.organisation_id == organisation_id).order_by(m.number)
        return [mark_from(row) for row in self._all(statement)]

    def page_entries(self, organisation_id: int, numbers: Collection[int]) -> dict[int, dict[int, int]]:
        """Page number -> (id -> digest)."""
        m = page_marks.c
        statement = select(m.number, m.entries).where(
            m.organisation_id == organisation_id, among(m.number, numbers)
        )
        return {row[0]: _unpack_entries(row[1]) for row in self._all(statement)}

    def looks(self, organisation_id: int, limit: int) -> list[Look]:
        """Newest first."""
        mine = looks.c.organisation_id == organisation_id
        statement = select(looks).where(mine).order_by(looks.c.id.desc()).limit(limit)
        return [look_from(row) for row in self._all(statement)]

    def look(self, look_id: int) -> Look | None:
        """By id."""
        row = self._first(select(looks).where(looks.c.id == look_id))
        return None if row is None else look_from(row)

    def look_requests(self) -> list[LookRequest]:
        """Those not served yet, oldest first."""
        waiting = look_requests.c.look.is_(None)
        rows = self._all(select(look_requests).where(waiting).order_by(look_requests.c.id))
        return [look_request_from(row) for row in rows]

    def look_request(self, request_id: int) -> LookRequest | None:
        """By id."""
        row = self._first(select(look_requests).where(look_requests.c.id == request_id))
        return None if row is None else look_request_from(row)

    def setting(self, name: str) -> Any | None:
        """A stored JSON value, or None."""
        text = self._value(select(settings.c.value).where(settings.c.name == name))
        return None if text is None else json_value(text)


class OrganisationWrites(OrganisationReads):
    """What is written of organisations and looks; the contract is `ports.Writes`."""

    def add_organisation(self, login: str, server: str) -> Organisation:
        """Connect one. Raises Conflict if it is connected already."""
        for known in self.organisations():
            if known.server == server and known.login.lower() == login.lower():
                raise Conflict(f"the organisation {known.login} at {server} is connected already")
        new = Organisation(0, login, server)
        key = self._value(insert(organisations).values(organisation_row(new)).returning(organisations.c.id))
        return Organisation(int(key), login, server)

    def save_organisation(self, organisation: Organisation) -> None:
        """Store every field but `id`. Raises Conflict if it is not recorded."""
        mine = organisations.c.id == organisation.id
        if not self._write(update(organisations).where(mine).values(organisation_row(organisation))):
            raise Conflict(f"organisation {organisation.id} is not recorded")

    def begin_look(self, look: Look) -> int:
        """Store a running look; return its id."""
        return int(self._value(insert(looks).values(look_row(look)).returning(looks.c.id)))

    def finish_look(self, look: Look) -> None:
        """Store its end. Raises Conflict if it was never begun."""
        if not self._write(update(looks).where(looks.c.id == look.id).values(look_row(look))):
            raise Conflict(f"look {look.id} is not recorded")

    def interrupt_looks(self, at: datetime) -> int:
        """End every running look as interrupted; return how many there were."""
        running = update(looks).where(looks.c.outcome == "running")
        return self._write(running.values(outcome="interrupted", finished_at=stamp(at)))

    def save_marks(
        self, organisation_id: int, pages: Mapping[int, tuple[PageMark, Mapping[int, int]]], total: int
    ) -> None:
        """Replace the marks and entries of these pages; drop those with a number above `total`."""
        m = page_marks.c
        self._write(delete(page_marks).where(m.organisation_id == organisation_id, m.number > total))
        rows = (
            (organisation_id, n, mark.etag, mark.count, mark.has_next, mark.last, _pack_entries(entries))
            for n, (mark, entries) in pages.items()
        )
        replaced = ", ".join(f"{c} = excluded.{c}" for c in ("etag", "count", "has_next", "last", "entries"))
        conflict = f"ON CONFLICT (organisation_id, number) DO UPDATE SET {replaced}"
        self._insert_many(page_marks, rows, conflict)

    def ask_look(self, organisation_id: int, asked_by: str, at: datetime) -> int:
        """Ask the holder of the lease for a look; return the request's id."""
        values = {"organisation_id": organisation_id, "asked_by": clean(asked_by), "asked_at": stamp(at)}
        return int(self._value(insert(look_requests).values(values).returning(look_requests.c.id)))

    def serve_look_requests(self, ids: Collection[int], look: int) -> None:
        """Say which look served these."""
        self._write(update(look_requests).where(among(look_requests.c.id, ids)).values(look=look))

    def set_setting(self, name: str, value: Any) -> None:
        """Store a JSON value."""
        make = postgresql.insert if self._kind == "postgresql" else sqlite.insert
        new = make(settings).values(name=name, value=json_text(value))
        self._write(new.on_conflict_do_update(index_elements=["name"], set_={"value": new.excluded.value}))

    def prune(self, looks_before: datetime) -> int:
        """Delete looks that changed nothing and ended before then, but for the newest of each
        organisation, and outbox rows of notices from before then that were sent; return how many.
        """
        before = stamp(looks_before)
        last = select(organisations.c.last_whole_look)
        idle = delete(looks).where(~looks.c.changed, looks.c.finished_at < before, looks.c.id.not_in(last))
        sent = delete(outbox).where(outbox.c.state == "sent", outbox.c.at < before)
        return self._write(idle) + self._write(sent)


def _pack_entries(entries: Mapping[int, int]) -> str:
    """One flat list of id, digest, id, digest, ...: digits and commas, quick to write and to read."""
    return json_text([number for pair in entries.items() for number in pair])


def _unpack_entries(text: str) -> dict[int, int]:
    flat = _ENTRIES.decode(text)
    return dict(zip(flat[::2], flat[1::2], strict=True))
