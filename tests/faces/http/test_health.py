"""Liveness and readiness: true, and silent about what helps nobody but an attacker."""

from __future__ import annotations

from typing import Any

import pytest

from steward.ports import StoreUnavailable
from tests.faces.http.kit import served


def test_it_lives_though_the_database_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with served() as here:
        assert here.nobody().get("/readyz").json() == {
            "status": "ok",
            "checks": {"database": True, "schema": True},
        }
        monkeypatch.setattr(type(here.world.store), "reading", _gone)
        assert here.nobody().get("/livez").json() == {"status": "ok"}
        answer = here.nobody().get("/readyz")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    told = answer.json()
    assert (told["type"], told["checks"]) == ("urn:steward:problem:not-ready", {"database": False})
    assert "db.example.com" not in answer.text


def _gone(_store: object) -> Any:
    raise StoreUnavailable("db.example.com does not answer")


def test_an_older_process_is_not_ready_for_a_newer_schema() -> None:
    with served() as here:
        store: Any = here.world.store
        with store.database.writing() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        answer = here.nobody().get("/readyz")
    assert (answer.status_code, answer.json()["checks"]) == (503, {"database": True, "schema": False})


@pytest.mark.parametrize("lost", ["lease", "loops"])
def test_a_process_that_lost_its_loops_is_not_ready(lost: str) -> None:
    checks = {"lease": True, "loops": True, lost: False}
    with served(ready=lambda: checks) as here:
        answer = here.nobody().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["detail"] == f"not ready: {lost}"
