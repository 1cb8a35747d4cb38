"""Older schemas to the newest one, with Alembic, in one transaction. Imported only where needed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from steward.adapters.store.engine import Database
from steward.ports import SchemaMismatch

SCRIPTS: Final = Path(__file__).parent / "migrations"


def config() -> Config:
    """Alembic's configuration, without a file of its own."""
    made = Config()
    made.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    return made


def migrate(database: Database) -> None:
    """Run the migrations that are lacking: all of them, or none. Raises SchemaMismatch, StoreUnavailable."""
    try:
        with database.writing() as connection:
            run(connection, "head")
    except CommandError as error:
        raise SchemaMismatch(
            f"{database.name} cannot be upgraded ({error})", "Look with `steward db check`."
        ) from error


def run(connection: Connection, target: str) -> None:
    """Run the migrations up to that revision, in the transaction that is open."""
    settings = config()
    settings.attributes["connection"] = connection
    command.upgrade(settings, target)
