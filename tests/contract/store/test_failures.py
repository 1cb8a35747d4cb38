"""A database that is locked, full, read-only, damaged or away: said plainly, nothing written, no secret told."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors as pg
from sqlalchemy import event, text

from steward.adapters.store import open_store
from steward.adapters.store.errors import translated
from steward.adapters.store.store import SqlStore
from steward.ports import Conflict, SchemaMismatch, StoreUnavailable
from steward.testing import postgres
from tests.contract.store.kit import connect, happened, project, record, row


def putting(store: SqlStore, name: str, value: Any) -> Callable[[], None]:
    """A transaction that stores a setting."""

    def put() -> None:
        with store.writing() as tx:
            tx.set_setting(name, value)

    return put


def value_of(store: SqlStore, name: str) -> Any:
    """A setting, read."""
    with store.reading() as view:
        return view.setting(name)


def test_a_locked_database_is_said_to_be_and_works_again_once_free(store: SqlStore, store_url: str) -> None:
    other = open_store(store_url, busy_timeout_s=0.1)
    with store.writing() as tx:
        tx.set_setting("a", 1)
        with pytest.raises(StoreUnavailable, match="locked by another process"):
            putting(other, "a", 2)()
        assert value_of(other, "a") is None
    putting(other, "b", 3)()
    assert (value_of(other, "a"), value_of(other, "b")) == (1, 3)
    other.close()


def limited(store: SqlStore, pragma: str) -> None:
    """Set a pragma on every connection that is opened from now on."""
    store.database.engine.dispose()

    def on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(pragma).close()

    event.listen(store.database.engine, "connect", on_connect)


def test_a_full_disk_is_said_and_nothing_of_the_transaction_is_kept(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/steward.db"
    store = open_store(url)
    connect(store)
    with store.database.reading() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
    limited(store, f"PRAGMA max_page_count = {pages + 5}")

    def write() -> None:
        with store.writing() as tx:
            tx.set_setting("small", 1)
            tx.append([happened("x" * 500) for _ in range(1000)])

    with pytest.raises(StoreUnavailable, match=r"no room left .*free some space"):
        write()
    store.close()
    again = open_store(url)
    assert value_of(again, "small") is None
    with again.database.reading() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM events")).scalar_one() == 0
        assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
    putting(again, "small", 2)()
    again.close()


def test_a_database_that_takes_no_writes_is_still_read(store: SqlStore, store_url: str) -> None:
    putting(store, "a", 1)()
    if store.database.kind == "sqlite":
        limited(store, "PRAGMA query_only = ON")
    else:
        with psycopg.connect(store_url, autocommit=True) as raw:
            raw.execute(
                f'ALTER DATABASE "{postgres.database_name(store_url)}" SET default_transaction_read_only = on'
            )
        store.database.engine.dispose()
    with pytest.raises(StoreUnavailable, match=r"cannot be written|takes no writes"):
        putting(store, "a", 2)()
    assert value_of(store, "a") == 1


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_bytes(b"these are notes, not tables. " * 200)
    with pytest.raises(StoreUnavailable, match=r"notes\.db is no SQLite database.*db restore"):
        open_store(f"sqlite:///{tmp_path}/notes.db")


def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/steward.db"
    store = open_store(url)
    connect(store)
    with store.writing() as tx:
        tx.add_projects([project(f"p{n}") for n in range(500)])
    store.close()
    damage(tmp_path / "steward.db")

    def read() -> None:
        with closing(open_store(url)) as damaged, damaged.reading() as view:
            view.status_counts()
            view.near_slugs("p1", 3)

    with pytest.raises(StoreUnavailable, match=r"is damaged.*db check.*db restore"):
        read()


def damage(path: Path) -> None:
    """Overwrite every page but the first."""
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match=r"file/steward\.db"):
        open_store(f"sqlite:///{tmp_path}/file/steward.db")


def test_a_server_that_is_away_is_named_without_the_password() -> None:
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1/steward cannot be reached") as refused:
        open_store("postgresql://anna:secretword@127.0.0.1:1/steward")
    assert "secretword" not in str(refused.value)


def test_a_database_that_the_server_lacks_is_named(postgres_url: str) -> None:
    url = postgres.fresh_database(postgres_url)
    postgres.drop_database(postgres_url, url)
    with pytest.raises(StoreUnavailable, match="does not exist"):
        open_store(url)


def test_a_connection_that_breaks_ends_its_transaction_and_the_next_one_works(postgres_url: str) -> None:
    url = postgres.fresh_database(postgres_url)
    store = open_store(url)

    def write() -> None:
        with store.writing() as tx:
            tx.set_setting("a", 1)
            with psycopg.connect(url, autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            tx.set_setting("b", 1)

    with pytest.raises(StoreUnavailable, match="try again"):
        write()
    assert value_of(store, "a") is None
    putting(store, "a", 2)()
    assert value_of(store, "a") == 2
    store.close()
    postgres.drop_database(postgres_url, url)


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (pg.DiskFull("could not extend file"), "disk of the store is full"),
        (pg.TooManyConnections("sorry"), "no more connections"),
        (pg.InsufficientPrivilege("permission denied for table looks"), "grant it the right"),
        (pg.InvalidPassword("password authentication failed: secretword"), r"refused the login .*\*\*\*"),
        (pg.ReadOnlySqlTransaction("cannot execute INSERT"), "takes no writes"),
        (pg.SerializationFailure("could not serialize"), "try again"),
        (pg.AdminShutdown("terminating connection"), "try again in a moment"),
        (pg.DataCorrupted("invalid page in block 0"), "is damaged"),
    ],
)
def test_what_the_server_answers_is_said_with_what_to_do(raised: psycopg.Error, words: str) -> None:
    with pytest.raises(StoreUnavailable, match=words) as refused, translated("the store", "secretword"):
        raise raised
    assert "secretword" not in str(refused.value)


def test_a_fault_of_this_program_is_no_passing_trouble() -> None:
    with pytest.raises(RuntimeError, match="syntax"), translated("the store"):
        raise pg.SyntaxError("syntax error")
    with closing(sqlite3.connect(":memory:")) as connection:
        with pytest.raises(RuntimeError, match="syntax"), translated("the store"):
            connection.execute("SELEC 1")
        with pytest.raises(SchemaMismatch, match="db check"), translated("the store"):
            connection.execute("SELECT 1 FROM absent")


def test_a_reference_to_nothing_is_refused_whole(store: SqlStore) -> None:
    connect(store)
    with pytest.raises(Conflict):
        record(store, row(1, project_id="nobody"))
    with pytest.raises(Conflict):
        record(store, row(1, organisation_id=9))
    with store.reading() as view:
        assert view.digests(1) == {}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("UPDATE projects SET status = 'dreaming'", "the project shop .*dreaming"),
        ("UPDATE projects SET management = 'adore'", "the project shop .*adore"),
        ("UPDATE projects SET interrupted = '[\"sleeping\"]'", "the project shop .*sleeping"),
        ("UPDATE projects SET created_at = 'yesterday'", "the project shop .*yesterday"),
    ],
)
def test_a_row_that_a_newer_steward_wrote_is_named_not_guessed(
    store: SqlStore, change: str, what: str
) -> None:
    connect(store)
    with store.writing() as tx:
        tx.add_projects([project("shop")])
        tx._write(text(change))
    with pytest.raises(SchemaMismatch, match=what), store.reading() as view:
        view.project("shop")
