"""GitHub's own example payloads: each is taken when it is signed, and refused when it is not."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from localhub.testing import Hub
from steward.adapters.secret import SecretFile
from steward.adapters.store import open_store
from steward.domain.deliveries import SINGLE, WHOLE
from steward.faces.http import hooks
from steward.faces.http.app import build
from steward.faces.http.live import Live
from steward.faces.http.site import Site
from steward.testing.world import World
from tests.faces.http.kit import ORIGIN
from tests.faults.receiving import SECRET, headers


@cache
def examples() -> list[tuple[str, bytes]]:
    """Event and payload: of the file that STEWARD_TEST_WEBHOOK_EXAMPLES names; else as a localhub sends them."""
    path = os.environ.get("STEWARD_TEST_WEBHOOK_EXAMPLES")
    if path:
        listed = json.loads(Path(path).read_text())
        return [
            (event["name"], json.dumps(example).encode()) for event in listed for example in event["examples"]
        ]
    return _from_localhub()


def _from_localhub() -> list[tuple[str, bytes]]:
    """One payload of each change that a localhub tells of."""
    with Hub(sample=True) as hub:
        hub.add_hook("http://127.0.0.1:9/")
        made = hub.create("fresh")
        hub.rename(made, "renamed")
        hub.archive(made)
        hub.set_visibility(made, "public")
        hub.push(made)
        hub.transfer(made, "strangers")
        hub.delete(hub.create("gone"))
        hub.org_rename("acme", "emca")
        assert hub.wait_deliveries(30)
        rows = hub.core.store.rows("SELECT event, payload FROM delivery ORDER BY id")
        return [(row["event"], bytes(row["payload"])) for row in rows]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[tuple[TestClient, World]]:
    """A server that takes webhooks."""
    world = World(open_store("sqlite://"))
    app = replace(world.app, webhook_secret=SecretFile(tmp_path / "secret", fixed=SECRET))
    site = Site(app, Live(app))
    site.receiver.start()
    made = TestClient(build(site, [hooks.router]), base_url=ORIGIN)
    yield made, world
    made.close()
    site.receiver.stop()
    world.store.close()


def test_every_example_is_taken_when_signed(client: tuple[TestClient, World]) -> None:
    server, world = client
    told: Counter[str] = Counter()
    for event, body in examples():
        answer = server.post("/hooks/github", content=body, headers=headers(event, body))
        assert answer.status_code == 202, (event, answer.text)
        assert answer.json() == {"state": "accepted"}
        told[event] += 1
    assert told
    with world.store.reading() as view:
        rows = view.deliveries(limit=10_000)
    assert Counter(row.event for row in rows) == told
    for row in rows:
        assert row.state == "ignored", "none is about an organisation of ours"
        if row.event in SINGLE or row.event in WHOLE:
            assert row.owner_id is not None, row.event
        if row.event in SINGLE:
            assert row.repository_id is not None, row.event


def test_every_example_is_refused_when_not_signed_by_us(client: tuple[TestClient, World]) -> None:
    server, world = client
    for event, body in examples():
        right = headers(event, body)
        unsigned: dict[str, Any] = {k: v for k, v in right.items() if k != "X-Hub-Signature-256"}
        wrong = headers(event, body, secret="the secret of somebody else", guid=str(uuid4()))
        for told in (unsigned, wrong):
            answer = server.post("/hooks/github", content=body, headers=told)
            assert answer.status_code == 401, event
            assert answer.headers["content-type"] == "application/problem+json"
    with world.store.reading() as view:
        assert view.deliveries() == []
        assert len(view.audit_lines()) == 2, "one line per reason, however many"
