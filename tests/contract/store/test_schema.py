"""Opening: empty, current, older, newer and foreign databases; migrations against metadata."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from steward.adapters.store import open_store, upgrade
from steward.adapters.store.engine import Database, connect
from steward.adapters.store.migrate import config, migrate
from steward.adapters.store.schema import HEAD, REVISIONS, metadata
from steward.ports import BadSettings, SchemaMismatch, StoreUnavailable
from steward.testing import postgres
from tests.contract.store.kit import connect as connect_organisation


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without a table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    server_url: str = request.getfixturevalue("postgres_url")
    url = postgres.fresh_database(server_url)
    yield url
    postgres.drop_database(server_url, url)


def run(url: str, *statements: str) -> None:
    """Run SQL in one transaction, past the store."""
    database = connect(url, create=True)
    with database.writing() as connection:
        for statement in statements:
            connection.execute(text(statement))
    database.close()


_CATALOGUE = {
    "sqlite": "SELECT type, name, tbl_name, COALESCE(sql, '') FROM sqlite_master"
    " WHERE name NOT LIKE 'sqlite_%'",
    "postgresql": """
        SELECT 'column', table_name || '.' || ordinal_position || '.' || column_name, data_type,
               concat_ws(' ', is_nullable, collation_name, identity_generation, column_default)
          FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT 'index', indexname, tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT 'constraint', conname, conrelid::regclass::text, pg_get_constraintdef(oid)
          FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT 'trigger', tgname, tgrelid::regclass::text, pg_get_triggerdef(oid)
          FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT 'function', proname, '', pg_get_functiondef(oid)
          FROM pg_proc WHERE pronamespace = 'public'::regnamespace""",
}


def catalogue(connection: Connection) -> dict[tuple[str, str], Any]:
    """Everything that the database says of its schema, spelling and order of constraints aside."""
    rows = connection.execute(text(_CATALOGUE[connection.dialect.name]))
    return {(row[0], row[1]): (row[2], _parts(row[3])) for row in rows}


def _parts(definition: str) -> list[str]:
    """The parts of a definition in one order, without its outer brackets' place and its quotes."""
    apart = definition.replace('"', "").replace("(", " ( ").replace(")", " ) ")
    return sorted(" ".join(part.split()).rstrip(" )") for part in apart.split(","))


def schema_of(database: Database) -> dict[tuple[str, str], Any]:
    """The catalogue of a database, which is then closed."""
    with database.reading() as connection:
        found = catalogue(connection)
    database.close()
    return found


def test_the_migrations_make_the_schema_that_the_tables_describe(empty_url: str) -> None:
    migrated = connect(empty_url, create=True)
    migrate(migrated)
    with migrated.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    by_migrations = schema_of(migrated)
    assert len(by_migrations) > 40

    other = connect(empty_url, create=True)
    with other.writing() as connection:
        metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))
    other.close()
    open_store(empty_url).close()
    assert schema_of(connect(empty_url, create=False)) == by_migrations


def test_the_revisions_are_those_of_the_migrations() -> None:
    scripts = ScriptDirectory.from_config(config())
    assert tuple(script.revision for script in reversed(list(scripts.walk_revisions()))) == REVISIONS
    assert scripts.get_current_head() == HEAD


def test_an_empty_database_is_made_and_opened_again(empty_url: str) -> None:
    store = open_store(empty_url)
    made = connect_organisation(store)
    store.close()
    again = open_store(empty_url, create=False)
    with again.reading() as view:
        assert view.organisations() == [made]
    again.close()


def test_an_empty_database_is_refused_where_it_is_not_to_be_made(empty_url: str) -> None:
    run(empty_url)
    with pytest.raises(SchemaMismatch, match="db upgrade"):
        open_store(empty_url, create=False)


def test_an_older_database_is_refused_until_it_is_upgraded(empty_url: str) -> None:
    run(empty_url, "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    with pytest.raises(SchemaMismatch, match="steward db upgrade"):
        open_store(empty_url)
    assert upgrade(empty_url) == f"the schema was brought from base to {HEAD}"
    assert upgrade(empty_url) == f"the schema was up to date ({HEAD})"
    open_store(empty_url).close()


def test_an_older_database_is_upgraded_on_opening_if_asked(empty_url: str) -> None:
    run(empty_url, "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    store = open_store(empty_url, upgrade=True)
    connect_organisation(store)
    store.close()


def test_an_older_file_is_backed_up_beside_itself_before_it_is_upgraded(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    run(url, "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    upgrade(url)
    assert (tmp_path / f"old.db.before-base-to-{HEAD}.gz").exists()


@pytest.mark.parametrize("upgrading", [False, True])
def test_a_newer_database_is_refused_and_left_alone(empty_url: str, upgrading: bool) -> None:
    open_store(empty_url).close()
    run(empty_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaMismatch, match="newer") as refused:
        open_store(empty_url, upgrade=upgrading)
    assert "Install the Steward" in refused.value.advice
    with pytest.raises(SchemaMismatch, match="newer"):
        upgrade(empty_url)


def test_somebody_elses_database_is_refused_and_left_alone(empty_url: str) -> None:
    run(empty_url, "CREATE TABLE customers (id INTEGER)")
    with pytest.raises(SchemaMismatch, match="customers"):
        open_store(empty_url, upgrade=True)


def test_a_missing_file_is_named_where_it_is_not_to_be_made(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"there is no database .*absent\.db"):
        open_store(f"sqlite:///{tmp_path}/absent.db", create=False)
    with pytest.raises(StoreUnavailable, match="there is no database"):
        upgrade(f"sqlite:///{tmp_path}/absent.db")
    assert list(tmp_path.iterdir()) == []


def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path}/deep/er/steward.db").close()
    assert stat.S_IMODE((tmp_path / "deep/er/steward.db").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://u:secretword@h/x", "sqlite+aiosqlite:///x", "postgresql+asyncpg://h/x"]
)
def test_an_address_of_another_kind_is_a_bad_setting(url: str) -> None:
    with pytest.raises(BadSettings, match="STEWARD_DATABASE_URL") as refused:
        open_store(url)
    assert "secretword" not in str(refused.value)


def test_opening_a_current_database_does_not_load_the_migrations(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/steward.db"
    open_store(url).close()
    script = (
        "import sys; from steward.adapters.store import open_store; open_store(sys.argv[1]).close();"
        " print('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script, url], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_databases_in_memory_are_apart_and_at_the_newest_schema() -> None:
    first, second = open_store("sqlite://"), open_store("sqlite:///:memory:")
    connect_organisation(first)
    with first.reading() as one:
        assert len(one.organisations()) == 1
    with second.reading() as other:
        assert other.organisations() == []
    with second.database.reading() as connection:
        in_memory = catalogue(connection)
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD
    assert len(in_memory) > 40
    first.close()
    second.close()
