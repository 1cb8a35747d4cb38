"""The throw-away server of the tests: it never outlives its process, and says what it needs."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest

from steward.testing import postgres

START = """
import sys
from steward.testing import postgres
with postgres.server() as url:
    print(url, flush=True)
    sys.stdin.read()
"""


def is_up(url: str) -> bool:
    """Whether it answers."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def test_a_server_ends_with_its_process_however_that_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_POSTGRES_URL", raising=False)
    process = subprocess.Popen(
        [sys.executable, "-c", START], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert is_up(url)
    process.kill()
    process.communicate()
    pause = threading.Event()
    for _ in range(100):
        if not is_up(url):
            break
        pause.wait(0.1)
    assert not is_up(url)


def test_a_server_that_is_named_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_POSTGRES_URL", "postgresql://somebody@example.test/x")
    with postgres.server() as url:
        assert url == "postgresql://somebody@example.test/x"


def test_a_machine_without_a_server_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(postgres, "SYSTEM", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(RuntimeError, match=r"install .*TEST_POSTGRES_URL"):
        postgres._programs()


def test_the_wheel_will_do_where_the_system_has_no_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(postgres, "SYSTEM", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = postgres._programs()
    done = subprocess.run([found / "postgres", "--version"], capture_output=True, text=True, check=True)
    assert "PostgreSQL" in done.stdout
