"""Backups: whole or refused, from either database into either, and frozen when they come back."""

from __future__ import annotations

import gzip
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from steward.adapters.store import backup, check, open_store, restore
from steward.adapters.store.engine import connect as connect_raw
from steward.adapters.store.schema import HEAD, metadata
from steward.adapters.store.store import SqlStore
from steward.domain.deliveries import Delivery, Hook
from steward.domain.needs import Sort
from steward.domain.people import AuditLine, Grant, Pass, PassKind, Right, Role, User
from steward.domain.project import Freeze
from steward.domain.repository import PageMark
from steward.domain.vault import Kept, Place, Use, Waiver
from steward.ports import Answer, Permanent, SchemaMismatch, StoreUnavailable, Writes
from steward.ports.vault import SealedValue, WrappedKey
from steward.testing import postgres
from tests.contract.store.kit import (
    NOW,
    adopt,
    after,
    connect,
    estimate,
    happened,
    incident,
    keep_hands,
    keep_talks,
    look,
    notice,
    operation,
    record,
    release,
    row,
    run,
    spec,
    wanted,
)

UNTOUCHED = {"organisations", "events", "settings", "passes", "operations", "chats", "posts"}
"""The tables that a restore itself writes to; all others come back as they were."""


@pytest.fixture(params=["sqlite", "postgresql"])
def other_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of another database, without a table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/other.db"
        return
    server_url: str = request.getfixturevalue("postgres_url")
    url = postgres.fresh_database(server_url)
    yield url
    postgres.drop_database(server_url, url)


def fill(store: SqlStore) -> None:
    """Put something into every table."""
    made = connect(store)
    connect(store, "Frozen")
    adopt(store, "shop", 1)
    record(store, row(1, name="market", project_id="id-shop", held=True), row(2), seconds=1)
    with store.writing() as tx:
        first = tx.begin_look(look())
        tx.finish_look(replace(look(), id=first, outcome="failed", finished_at=NOW))
        tx.begin_look(look())
        tx.save_marks(1, {1: (PageMark(1, "e", 2, False), {1: 2, 3: 4})}, 1)
        tx.append([happened("first", project_id="id-shop"), happened("«второе»")])
        tx.save_incident(incident("k", project_id="id-shop", evidence={"a": [1, None]}))
        tx.enqueue([notice("n")], ["mail"])
        tx.ask_look(1, "local:anna", NOW)
        tx.set_setting("budget", {"left": 3})
        tx.save_organisation(
            replace(tx.organisations()[1], frozen=Freeze(NOW, "person:anna", "kept"), revision=3)
        )
        tx.save_hook(Hook(1, 1, "https://steward.test/hooks/github", ("push",), True, NOW))
        tx.deliver([Delivery(1, "g", "push", NOW, b"\x00\xff raw", {"x": "y"})])
        anna = tx.add_user(User(0, "anna", NOW, (Grant(Role.ADMIN),)))
        tx.add_pass(
            Pass(0, PassKind.TOKEN, anna.id, "digest", NOW, after(60), rights=frozenset({Right.READ}))
        )
        tx.add_audit([AuditLine(NOW, "user:anna", "incident.ack", "done")])
        tx.begin_answer(Answer("key", "user:anna", "fingerprint", NOW))
        build(tx)
    lease = store.acquire("loops", "first")
    assert lease is not None
    store.release(lease)
    store.publish()
    assert made.id == 1


def build(tx: Writes) -> None:
    """Something of building."""
    tx.add_operation(operation("op-1", facts={"sha": "abc"}))
    tx.append_log("op-1", 1, NOW, "find_base", ["a line"])
    tx.add_spec(spec())
    tx.save_estimate(estimate())
    tx.save_release(release("abc"))
    tx.save_update(wanted("a cart"))
    tx.save_agent_run(run("run-1"))
    tx.save_agent_run(run("run-2", cost_usd=None))
    tx.set_budget("id-shop", 50.0)
    keep_hands(tx)
    keep_talks(tx)
    kept = Kept("id-shop", "API_KEY", Sort.SECRET, frozenset(Place), NOW, "user:anna")
    tx.save_vault_value(SealedValue(kept, 1, b"\x00\xff sealed"))
    tx.save_vault_key(WrappedKey("id-shop", 1, "m1", b"\x00wrapped"))
    tx.save_vault_waiver(Waiver("id-shop", "OLD_KEY", "not used", "user:anna", NOW))
    tx.add_vault_uses([Use("id-shop", "API_KEY", "deploy", "operation:1", NOW)])


def tables(store: SqlStore) -> dict[str, list[Any]]:
    """Every row of every table."""
    with store.database.reading() as connection:
        return {
            table.name: [
                tuple(found) for found in connection.execute(select(table).order_by(*table.primary_key))
            ]
            for table in metadata.sorted_tables
        }


def test_a_backup_fills_either_database_and_comes_back_frozen(
    store: SqlStore, store_url: str, other_url: str, tmp_path: Path
) -> None:
    fill(store)
    target = tmp_path / "backup.gz"
    backup(store_url, target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    restore(other_url, target)
    restored = open_store(other_url)
    before, now = tables(store), tables(restored)
    assert {name: now[name] for name in before if name not in UNTOUCHED} == {
        name: before[name] for name in before if name not in UNTOUCHED
    }
    assert all(before[name] for name in before), "every table has something to lose"
    assert now["events"][: len(before["events"])] == before["events"]
    with restored.reading() as view:
        acme, frozen = view.organisations()
        assert acme.frozen is not None
        assert (acme.frozen.by, "steward unfreeze" in acme.frozen.reason) == ("restore", True)
        assert frozen.frozen == Freeze(NOW, "person:anna", "kept")
        assert frozen.revision == 3
        assert view.setting("restored_at") == acme.frozen.at.isoformat()
        assert view.setting("budget") == {"left": 3}
    assert check(other_url) == []
    restored.close()


def test_nobody_is_signed_in_after_a_restore(
    store: SqlStore, store_url: str, other_url: str, tmp_path: Path
) -> None:
    fill(store)
    with store.writing() as tx:
        tx.add_pass(Pass(0, PassKind.SESSION, 1, "ended", NOW, after(60), ended_at=after(1)))
    backup(store_url, tmp_path / "b.gz")
    restore(other_url, tmp_path / "b.gz")
    restored = open_store(other_url)
    with restored.reading() as view:
        at = view.organisations()[0].frozen
        assert at is not None
        assert [(made.digest, made.ended_at) for made in view.passes()] == [
            ("ended", after(1)),
            ("digest", at.at),
        ]
        assert [user.name for user in view.users()] == ["anna"], "users and their roles are kept"
        assert (view.chats(), view.posts()) == ([], []), "somebody may have been shut out of a chat"
        assert [talk.chat_id for talk in view.talks()] == [7], "what was said in it is kept"
    restored.close()


def test_keys_go_on_after_a_restore_where_they_were(
    store: SqlStore, other_url: str, store_url: str, tmp_path: Path
) -> None:
    connect(store)
    with store.writing() as tx:
        tx.begin_look(look())
        pruned = tx.begin_look(look())
        tx.finish_look(replace(look(), id=pruned, outcome="failed", finished_at=NOW))
        assert tx.prune(after(1)) == 1
    backup(store_url, tmp_path / "b.gz")
    restore(other_url, tmp_path / "b.gz")
    restored = open_store(other_url)
    with restored.writing() as tx:
        assert tx.begin_look(look()) > pruned
        tx.append([happened("later")])
    assert restored.publish() == 3  # the freezing, the restore, and ours
    restored.close()


def test_a_database_that_holds_something_is_replaced_only_by_force(
    store: SqlStore, store_url: str, tmp_path: Path
) -> None:
    fill(store)
    backup(store_url, tmp_path / "b.gz")
    with store.writing() as tx:
        tx.set_setting("later", 1)
        tx.append([happened("later")])
    before = tables(store)
    with pytest.raises(Permanent, match=r"not empty.*--force"):
        restore(store_url, tmp_path / "b.gz")
    assert tables(store) == before
    store.close()
    restore(store_url, tmp_path / "b.gz", force=True)
    again = open_store(store_url)
    with again.reading() as view:
        assert view.setting("later") is None
        assert view.setting("budget") == {"left": 3}
    assert check(store_url) == []
    again.close()


def test_a_database_in_use_is_not_replaced(store: SqlStore, store_url: str, tmp_path: Path) -> None:
    fill(store)
    backup(store_url, tmp_path / "b.gz")
    lease = store.acquire("loops", "up, process 7")
    assert lease is not None
    with pytest.raises(StoreUnavailable, match=r"in use.*process 7"):
        restore(store_url, tmp_path / "b.gz", force=True)
    with store.writing(lease) as tx:
        assert tx.setting("budget") == {"left": 3}


def changed(target: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Rewrite a backup by its lines."""
    lines = gzip.decompress(target.read_bytes()).splitlines(keepends=True)
    target.write_bytes(gzip.compress(b"".join(change(lines))))


def test_a_backup_that_is_not_whole_is_refused_and_nothing_is_changed(tmp_path: Path) -> None:
    url, target = f"sqlite:///{tmp_path}/s.db", tmp_path / "b.gz"
    store = open_store(url)
    fill(store)
    backup(url, target)
    whole, before = target.read_bytes(), tables(store)
    store.close()

    def refused(match: str) -> None:
        with pytest.raises(Permanent, match=match):
            restore(url, target, force=True)

    target.write_bytes(whole[: len(whole) // 2])
    refused("no whole backup")
    target.write_bytes(whole[:200] + bytes([whole[200] ^ 0xFF]) + whole[201:])
    refused("no whole backup")
    target.write_bytes(b"not packed at all")
    refused("no whole backup")
    target.write_bytes(b"")
    refused("cut short")
    target.write_bytes(gzip.compress(b'{"another": "format"}\n'))
    refused("no backup that this Steward can read")
    target.write_bytes(whole)
    changed(target, lambda lines: lines[:-1])
    refused("cut short")
    target.write_bytes(whole)
    changed(target, lambda lines: [line for line in lines if b'"shop"' not in line])
    refused("cut short")
    target.write_bytes(whole)
    head = msgspec.json.encode({"format": "steward-backup-1", "schema": "9999"}) + b"\n"
    changed(target, lambda lines: [head, *lines[1:]])
    with pytest.raises(SchemaMismatch, match="newer"):
        restore(url, target, force=True)
    again = open_store(url)
    assert tables(again) == before
    again.close()


def test_a_backup_never_overwrites_a_file(store: SqlStore, store_url: str, tmp_path: Path) -> None:
    target = tmp_path / "b.gz"
    target.write_text("precious")
    with pytest.raises(Permanent, match="exists already"):
        backup(store_url, target)
    assert target.read_text() == "precious"


def test_a_backup_that_cannot_be_written_leaves_nothing(
    store: SqlStore, store_url: str, tmp_path: Path
) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        backup(store_url, tmp_path / "absent" / "b.gz")
    assert not (tmp_path / "absent").exists()


def test_a_backup_is_taken_while_others_write(store: SqlStore, store_url: str, tmp_path: Path) -> None:
    fill(store)
    with store.writing() as tx:
        tx.set_setting("half", 1)
        backup(store_url, tmp_path / "b.gz")
    text = gzip.decompress((tmp_path / "b.gz").read_bytes())
    assert b'"half"' not in text
    assert text.startswith(msgspec.json.encode({"format": "steward-backup-1", "schema": HEAD})[:-1])


def test_a_backup_of_an_older_schema_comes_back_at_the_newest(tmp_path: Path, other_url: str) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    old = connect_raw(url, create=True)
    with old.writing() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"
        )
    old.close()
    backup(url, tmp_path / "b.gz")
    restore(other_url, tmp_path / "b.gz")
    restored = open_store(other_url)
    with restored.reading() as view:
        assert view.setting("restored_at") is not None
    restored.close()
