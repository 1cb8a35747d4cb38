"""The examination of a database: what is damaged, what refers to nothing, what cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Table, select, text
from sqlalchemy.exc import DatabaseError

from steward.adapters.store.building_rows import (
    estimate_from,
    log_from,
    operation_from,
    release_from,
    run_from,
    spec_from,
    update_from,
)
from steward.adapters.store.chat_rows import call_from, chat_from, post_from, said_from, talk_from
from steward.adapters.store.engine import Database, connect
from steward.adapters.store.hand_rows import (
    entry_from,
    hold_from,
    patch_from,
    scan_from,
    score_from,
    watch_from,
)
from steward.adapters.store.journal_rows import event_from, incident_from, look_from, outgoing_from
from steward.adapters.store.opening import EMPTY, refuse_unless_older, revision
from steward.adapters.store.rows import organisation_from, project_from, repository_from
from steward.adapters.store.schema import (
    HEAD,
    agent_runs,
    chats,
    estimates,
    events,
    holds,
    incidents,
    ledger,
    looks,
    mind_calls,
    operation_log,
    operations,
    organisations,
    outbox,
    patches,
    posts,
    projects,
    releases,
    repositories,
    said,
    scans,
    scores,
    specs,
    talks,
    updates,
    watches,
)
from steward.domain.status import INTERRUPTIONS
from steward.ports import SchemaMismatch

EXAMPLES_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: what was checked, and what was found, in words."""

    check: str
    words: str

    def __str__(self) -> str:
        """As a line of a report."""
        return f"{self.check}: {self.words}"


_INTERRUPTIONS: Final = ", ".join(f"'{status}'" for status in sorted(INTERRUPTIONS))

_QUERIES: Final = {
    "events of a project that is not recorded": "SELECT e.id FROM events e"
    " LEFT JOIN projects p ON p.id = e.project_id WHERE e.project_id IS NOT NULL AND p.id IS NULL",
    "incidents of a project that is not recorded": "SELECT i.id FROM incidents i"
    " LEFT JOIN projects p ON p.id = i.project_id WHERE i.project_id IS NOT NULL AND p.id IS NULL",
    "incidents of an organisation that is not recorded": "SELECT i.id FROM incidents i"
    " LEFT JOIN organisations o ON o.id = i.organisation_id"
    " WHERE i.organisation_id IS NOT NULL AND o.id IS NULL",
    "projects whose repository is not recorded for them": "SELECT p.slug FROM projects p"
    " LEFT JOIN repositories r ON r.id = p.repository_id AND r.project_id = p.id"
    " WHERE p.repository_id IS NOT NULL AND r.id IS NULL",
    "repositories whose project is not theirs": "SELECT r.id FROM repositories r"
    " LEFT JOIN projects p ON p.id = r.project_id AND p.repository_id = r.id"
    " WHERE r.project_id IS NOT NULL AND p.id IS NULL",
    "gaps before these positions of events": "SELECT e.position FROM events e"
    " LEFT JOIN events d ON d.position = e.position - 1 WHERE e.position > 1 AND d.id IS NULL",
    "unresolved incidents that share a key": "SELECT key FROM incidents WHERE state <> 'resolved'"
    " GROUP BY key HAVING COUNT(*) > 1",
    "repositories without exactly one present name": "SELECT r.id FROM repositories r"
    " LEFT JOIN repository_names n ON n.repository_id = r.id AND n.until IS NULL"
    " GROUP BY r.id HAVING COUNT(n.id) <> 1",
    "repositories whose present name is another": "SELECT r.id FROM repositories r"
    " JOIN repository_names n ON n.repository_id = r.id AND n.until IS NULL"
    " WHERE n.full_name <> r.owner_login || '/' || r.name",
    "operations whose log has gaps": "SELECT o.operation_id FROM operations o"
    " JOIN operation_log l ON l.operation = o.id"
    " GROUP BY o.operation_id HAVING COUNT(*) <> MAX(l.number)",
    "projects that do not remember what was interrupted, or remember it needlessly": (
        "SELECT slug FROM projects"  # noqa: S608  (the statuses are the table's, no input)
        f" WHERE (status IN ({_INTERRUPTIONS})) <> (interrupted <> '[]')"
    ),
}
"""What is looked for: each query returns what is wrong, one value a row."""

_READERS: Final[tuple[tuple[Table, Callable[[Any], object]], ...]] = (
    (organisations, organisation_from),
    (projects, project_from),
    (repositories, repository_from),
    (looks, look_from),
    (incidents, incident_from),
    (events, event_from),
    (outbox, outgoing_from),
    (operations, operation_from),
    (operation_log, log_from),
    (specs, spec_from),
    (estimates, estimate_from),
    (releases, release_from),
    (updates, update_from),
    (agent_runs, run_from),
    (ledger, entry_from),
    (holds, hold_from),
    (watches, watch_from),
    (patches, patch_from),
    (scans, scan_from),
    (scores, score_from),
    (chats, chat_from),
    (posts, post_from),
    (talks, talk_from),
    (said, said_from),
    (mind_calls, call_from),
)


def check(url: str) -> list[Finding]:
    """Examine a database; an empty list means that nothing is wrong. It is not changed.

    Raises StoreUnavailable where it cannot be opened at all.
    """
    database = connect(url, create=False)
    try:
        with database.reading() as connection:
            return list(_findings(database, connection))
    finally:
        database.close()


def _findings(database: Database, connection: Connection) -> Iterator[Finding]:
    damage = list(_damage(connection))
    if damage:
        yield from damage
        return
    try:
        found = revision(connection)
        refuse_unless_older(database, found)
    except SchemaMismatch as error:
        yield Finding("schema", str(error))
        return
    if found != HEAD:
        advice = "there is none" if found == EMPTY else f"it is {found}, older than {HEAD}"
        yield Finding("schema", f"{advice}; run `steward db upgrade`")
        return
    for what, query in _QUERIES.items():
        wrong = [row[0] for row in connection.execute(text(f"{query} ORDER BY 1"))]
        if wrong:
            more = ", ..." if len(wrong) > EXAMPLES_MAX else ""
            names = ", ".join(str(name) for name in wrong[:EXAMPLES_MAX])
            yield Finding(what, f"{len(wrong)} ({names}{more})")
    for table, reader in _READERS:
        yield from _unreadable(connection, table, reader)


def _damage(connection: Connection) -> Iterator[Finding]:
    """What SQLite itself finds wrong; PostgreSQL has no such question."""
    if connection.dialect.name != "sqlite":
        return
    broken: list[str] = []
    try:
        rows = connection.execute(text("PRAGMA integrity_check"))
        broken.extend(row[0] for row in rows if row[0] != "ok")
    except DatabaseError as error:
        broken.append(str(error.orig))  # so damaged that it cannot even be examined to the end
    yield from (Finding("integrity", words) for words in broken)
    if broken:
        return
    for row in connection.execute(text("PRAGMA foreign_key_check")):
        yield Finding("references", f"row {row[1]} of {row[0]} refers to a row of {row[2]} that is not there")


def _unreadable(connection: Connection, table: Table, reader: Callable[[Any], object]) -> Iterator[Finding]:
    rows = connection.execution_options(yield_per=1000).execute(select(table))
    for row in rows:
        try:
            reader(row)
        except SchemaMismatch as error:
            yield Finding("unreadable", error.reason)
