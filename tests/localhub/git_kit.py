"""What the examples about git objects over REST share: a client, a file to commit, the events that were told."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec

from localhub.testing import Hub

NOBODY_LISTENS = "http://127.0.0.1:9/"
"""Deliveries to here fail at once; what was to be delivered is read from the database."""


@contextmanager
def running() -> Iterator[Hub]:
    with Hub(orgs=["acme"]) as hub:
        hub.add_hook(NOBODY_LISTENS)
        yield hub


@contextmanager
def client(hub: Hub) -> Iterator[httpx.Client]:
    """A client for a hub whose told events are forgotten."""
    hub.core.store.run("DELETE FROM delivery")
    with httpx.Client(base_url=hub.url, headers=hub.headers) as opened:
        yield opened


def told(hub: Hub, event: str) -> list[dict[str, Any]]:
    """The bodies of this event, in the order in which they were queued."""
    rows = hub.core.store.rows("SELECT payload FROM delivery WHERE event = ? ORDER BY id", event)
    return [msgspec.json.decode(row["payload"]) for row in rows]


def as_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def put_file(
    http: httpx.Client, repo: str, path: str, text: str, branch: str = "main", sha: str | None = None
) -> str:
    """Commit a file through the contents interface; return the commit's id."""
    body = {"message": f"Write {path}", "content": as_base64(text), "branch": branch}
    if sha is not None:
        body["sha"] = sha
    answer = http.put(f"/repos/acme/{repo}/contents/{path}", json=body)
    assert answer.status_code in {200, 201}, answer.text
    found: str = answer.json()["commit"]["sha"]
    return found


def tip(http: httpx.Client, repo: str, branch: str = "main") -> str:
    found: str = http.get(f"/repos/acme/{repo}/git/ref/heads/{branch}").json()["object"]["sha"]
    return found


def start_branch(http: httpx.Client, repo: str, name: str, sha: str | None = None) -> None:
    body = {"ref": f"refs/heads/{name}", "sha": sha or tip(http, repo)}
    assert http.post(f"/repos/acme/{repo}/git/refs", json=body).status_code == 201


def messages(answer: httpx.Response) -> list[str]:
    """The messages of a problem's errors."""
    return [one["message"] for one in answer.json()["errors"]]
