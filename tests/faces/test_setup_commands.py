"""The commands of taking in, on a database: many taken in, a checklist, a scan, an adoption."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from steward.adapters.store import open_store
from tests.app.setup_kit import PLAIN, Surveyed
from tests.faces.remote_kit import Line
from tests.localhub.hub_kit import recorded_organisation, recorded_repos


@pytest.fixture
def world(clean: None, tmp_path: Path) -> Iterator[Surveyed]:
    """One repository that lacks a secret."""
    made = Surveyed(open_store("sqlite://"), tmp_path)
    made.repository("shop", {**PLAIN, ".env.example": b"MAIL_KEY=\n"})
    made.beat()
    yield made
    made.store.close()


def test_a_repository_is_taken_in_shown_with_what_it_lacks_and_adopted(world: Surveyed) -> None:
    run = Line(world.app)
    assert run("project", "take-in").code == 2
    assert run("project", "take-in", "shop").code == 0
    assert run("project", "take-in", "nothing").code == 1
    world.scan_all()
    shown = run("project", "checklist", "shop").stdout
    assert "MAIL_KEY: a secret is not set" in shown
    assert ".env.example:1" in shown
    scan = json.loads(run("--json", "project", "scan", "shop", "--show").stdout)
    assert scan["needs"][0]["evidence"][0]["line"] == 1
    done = run("--json", "project", "take-in", "--all-discovered", "--wait", "--yes")
    assert (done.code, json.loads(done.stdout)) == (0, [])
    refused = run("project", "adopt", "shop", "--yes")
    assert refused.code != 0
    assert "MAIL_KEY" in refused.stderr
    assert run("project", "adopt", "shop", "--waive", "MAIL_KEY").code == 2
    words = ("--owner", "anna", "--waive", "MAIL_KEY=no mail is sent", "--as", "implemented", "--yes")
    adopted = run("--json", "project", "adopt", "shop", *words)
    assert json.loads(adopted.stdout)["status"] == "implemented"


def test_the_recorded_organisation_comes_in_as_discovered_and_its_table_can_be_paged(
    world: Surveyed, tmp_path: Path
) -> None:
    path, _login, count = recorded_organisation(tmp_path)
    for one in recorded_repos(path):
        world.forge.create("acme", one["name"], archived=bool(one["archived"]))
    world.beat()
    archived = sum(bool(one["archived"]) for one in recorded_repos(path))
    rows: list[dict[str, object]] = []
    while part := world.setting_up().table(after=str(rows[-1]["slug"]) if rows else ""):
        rows += part
    assert len(rows) == count - archived + 1
    assert {row["status"] for row in rows} == {"discovered"}
    assert len({row["slug"] for row in rows}) == len(rows)
