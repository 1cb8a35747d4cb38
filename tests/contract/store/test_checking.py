"""The examination of a database finds each kind of wrong that it looks for, and nothing in one in order."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from steward.adapters.store import check, open_store
from steward.adapters.store.checking import _QUERIES
from steward.adapters.store.store import SqlStore
from steward.domain.status import Status
from steward.ports import StoreUnavailable
from tests.contract.store.kit import (
    NOW,
    adopt,
    connect,
    estimate,
    happened,
    incident,
    keep_hands,
    keep_talks,
    operation,
    project,
    record,
    release,
    row,
    run,
    spec,
    wanted,
)
from tests.contract.store.test_failures import damage


def fill(store: SqlStore) -> None:
    """Something of every kind, all in order."""
    connect(store)
    adopt(store, "shop", 1)
    record(store, row(1, name="market", project_id="id-shop"), row(2), seconds=1)
    with store.writing() as tx:
        tx.add_projects([project("gone", status=Status.MISSING, interrupted=(Status.ACTIVE,))])
        tx.append([happened(str(n), project_id="id-shop") for n in range(3)])
        tx.save_incident(incident("k", project_id="id-shop", organisation_id=1))
        tx.add_operation(operation("op-1"))
        tx.append_log("op-1", 1, NOW, "find_base", ["one", "two"])
        tx.add_spec(spec())
        tx.save_estimate(estimate())
        tx.save_release(release("abc"))
        tx.save_update(wanted("a cart"))
        tx.save_agent_run(run("run-1"))
        keep_hands(tx)
        keep_talks(tx)
    store.publish()


def words(url: str) -> list[str]:
    """What a check says."""
    return [str(finding) for finding in check(url)]


def test_a_database_in_order_has_no_findings(store: SqlStore, store_url: str) -> None:
    assert words(store_url) == []
    fill(store)
    assert words(store_url) == []


SPOILED = {
    "events of a project that is not recorded": "INSERT INTO events (kind, at, actor, project_id, why, data)"
    " VALUES ('x', '2026-11-24T00:00:00+00:00', 'a', 'nobody', '', '{}')",
    "incidents of a project that is not recorded": "UPDATE incidents SET project_id = 'nobody'",
    "incidents of an organisation that is not recorded": "UPDATE incidents SET organisation_id = 77",
    "projects whose repository is not recorded for them": "UPDATE repositories SET project_id = NULL",
    "repositories whose project is not theirs": "UPDATE projects SET repository_id = NULL",
    "gaps before these positions of events": "INSERT INTO events (kind, at, actor, why, data, position)"
    " VALUES ('x', '2026-11-24T00:00:00+00:00', 'a', '', '{}', 9)",
    "repositories without exactly one present name": "UPDATE repository_names SET until = since",
    "repositories whose present name is another": "UPDATE repositories SET name = 'other' WHERE id = 1",
    "operations whose log has gaps": "INSERT INTO operation_log (operation, number, attempt, at, step, text)"
    " VALUES (1, 4, 1, '2026-11-24T00:00:00+00:00', '', '')",
    "projects that do not remember what was interrupted, or remember it needlessly": "UPDATE projects"
    " SET interrupted = '[]' WHERE slug = 'gone'",
}


@pytest.mark.parametrize("what", SPOILED)
def test_each_kind_of_wrong_is_found(store: SqlStore, store_url: str, what: str) -> None:
    fill(store)
    with store.writing() as tx:
        tx._write(text(SPOILED[what]))
    assert [found.split(":")[0] for found in words(store_url)] == [what]


def test_every_query_has_a_case_but_the_one_that_the_schema_itself_forbids() -> None:
    assert set(_QUERIES) - set(SPOILED) == {"unresolved incidents that share a key"}


def test_what_cannot_be_read_is_named(store: SqlStore, store_url: str) -> None:
    fill(store)
    with store.writing() as tx:
        tx._write(text("UPDATE projects SET management = 'adore' WHERE slug = 'shop'"))
        tx._write(text("UPDATE repositories SET presence = 'unsure' WHERE id = 2"))
        tx._write(text("UPDATE operations SET kind = 'dream'"))
        tx._write(text("UPDATE specs SET proof = '{'"))
        tx._write(text("UPDATE estimates SET basis = ''"))
        tx._write(text("UPDATE releases SET made_at = 'soon'"))
        tx._write(text("UPDATE updates SET asked_at = 'soon'"))
        tx._write(text("UPDATE agent_runs SET started_at = 'soon'"))
        tx._write(text("UPDATE ledger SET before = 'x' WHERE NOT made"))
        tx._write(text("UPDATE holds SET evidence = '{'"))
        tx._write(text("UPDATE watches SET tips = ''"))
        tx._write(text("UPDATE patches SET at = 'soon'"))
        tx._write(text("UPDATE scans SET result = '{'"))
        tx._write(text("UPDATE scores SET unmet = '['"))
    found = words(store_url)
    assert len(found) == 14
    assert "the project shop" in found[0]
    assert "the repository 2" in found[1]
    assert "the operation op-1" in found[2]


def test_a_schema_that_is_not_ours_to_examine_is_said(store: SqlStore, store_url: str) -> None:
    fill(store)
    with store.writing() as tx:
        tx._write(text("UPDATE alembic_version SET version_num = '9999'"))
    assert len(words(store_url)) == 1
    assert "newer" in words(store_url)[0]
    with store.writing() as tx:
        tx._write(text("DELETE FROM alembic_version"))
    assert "steward db upgrade" in words(store_url)[0]


def test_damage_is_found_in_a_file(tmp_path: Path) -> None:
    url, path = f"sqlite:///{tmp_path}/steward.db", tmp_path / "steward.db"
    store = open_store(url)
    fill(store)
    with store.writing() as tx:
        tx.append([happened("x" * 3000) for _ in range(50)])
    store.close()
    pages = path.read_bytes()
    path.write_bytes(pages[:-4096] + b"\xa5" * 4096)
    assert any(finding.startswith("integrity: ") for finding in words(url))
    damage(path)
    with pytest.raises(StoreUnavailable, match="is damaged"):
        check(url)


def test_references_that_lead_nowhere_are_found_in_a_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/steward.db"
    store = open_store(url)
    fill(store)
    store.close()
    with sqlite3.connect(tmp_path / "steward.db") as raw:
        raw.execute("DELETE FROM organisations")
    raw.close()
    assert any(finding.startswith("references: ") for finding in words(url))


def test_no_read_of_a_beat_goes_through_a_whole_table(tmp_path: Path) -> None:
    """SQLite's plans for what the views ask, taken from the statements that they run."""
    store = open_store(f"sqlite:///{tmp_path}/steward.db")
    fill(store)
    plans: list[tuple[str, str]] = []
    with store.reading() as view:
        raw = view._connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        asked: list[str] = []
        raw.set_trace_callback(asked.append)
        view.digests(1)
        view.tracked([1, 2])
        view.absences(1, 5)
        view.unseen(1, ["blocked", "inaccessible"], 5)
        view.held(1)
        view.presence_counts(1)
        view.lost_since(1, 1000)
        view.canaries(1, "private", 3)
        view.marks(1)
        view.page_entries(1, [1, 2])
        view.expected(1)
        view.namesakes(1, ["shop"])
        view.names(1)
        view.slugs_like(["shop"])
        view.project("shop")
        view.project("acme/market")
        view.events(after=1)
        view.events(before=2)
        view.events(project_id="id-shop")
        view.last_position()
        view.unpublished()
        view.latest_incidents(["k"])
        view.muted_expired(NOW)
        view.looks(1, 3)
        view.look_requests()
        view.outbox_due(NOW, 5)
        view.outbox_counts()
        view.setting("x")
        view.watches([1])
        view.watched_projects(1)
        view.ledger(1)
        view.ledger(1, "main")
        view.holds("id-shop")
        view.holds("id-shop", lifted=True)
        view.hold(1)
        view.standing_holds(["id-shop"])
        view.foreign_holds(1)
        view.senders(1, ["a"], "main")
        view.patches("id-shop")
        view.scan("id-shop")
        view.scans(["queued", "running"])
        view.scores(["id-shop"])
        raw.set_trace_callback(None)
        for statement in asked:
            plans += [(plan[3], statement) for plan in raw.execute(f"EXPLAIN QUERY PLAN {statement}")]
    store.close()
    assert len(asked) >= 42
    assert [
        (plan, statement) for plan, statement in plans if plan.startswith("SCAN") and not _small(plan)
    ] == []
    whole_organisation = [plan for plan, _ in plans if plan.endswith("(organisation_id=?)")]
    assert sorted({plan.split(" INDEX ")[1].split()[0] for plan in whole_organisation}) == [
        "ix_holds_foreign",  # those alone
        "ix_looks_organisation",  # newest first, up to a limit
        "ix_repositories_digests",  # the digests themselves
        "ix_repositories_held",
        "ix_repositories_standing",  # the counts
        "sqlite_autoindex_page_marks_1",
    ]


def _small(plan: str) -> bool:
    """Whether a scan is of given values, of a subquery, or of an index that holds only what is sought."""
    small = ("VIRTUAL TABLE", "ix_look_requests_waiting", "ix_outbox_state", "uq_holds_standing")
    return any(name in plan for name in small)
