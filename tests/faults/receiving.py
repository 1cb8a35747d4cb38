"""A scene that deliveries reach: a localhub that sends them, and the server that takes them, over real HTTP.

What a running Steward would do by itself is done here when told to: `work` is one tick of its loop.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from steward.adapters.github import Token, connect_hooks
from steward.adapters.secret import SecretFile
from steward.app.application import Application
from steward.app.inbox import Inbox
from steward.app.service import OrganisationLoop
from steward.domain.deliveries import Delivery
from steward.faces.http import hooks
from steward.faces.http.app import build
from steward.faces.http.live import Live
from steward.faces.http.server import address_of, bind, serving
from steward.faces.http.site import Site
from steward.testing.world import ANYONE
from tests.faults.scene import Scene

SECRET = "a secret of sixteen characters and more"


def headers(
    event: str, body: bytes, *, secret: str = SECRET, guid: str = "", hook: int = 99
) -> dict[str, str]:
    """The headers of a delivery as GitHub sends them."""
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": guid or str(uuid4()),
        "X-GitHub-Hook-ID": str(hook),
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }


@dataclass
class Receiving:
    """The scene, the application that takes deliveries, and where it listens while it does."""

    scene: Scene
    app: Application
    site: Site
    url: str = ""
    loops: dict[str, OrganisationLoop] = field(default_factory=dict)
    _open: ExitStack = field(default_factory=ExitStack)

    def listen(self, port: int = 0) -> None:
        """Take deliveries from here on."""
        bound = bind("127.0.0.1", port)
        self.url = address_of(bound)
        self._open.enter_context(serving(build(self.site, [hooks.router]), bound))

    def close(self) -> None:
        """Take none any more; what was accepted is stored."""
        self._open.close()

    def restart(self) -> None:
        """Come back at the same address."""
        self.close()
        self.listen(int(self.url.rpartition(":")[2]))

    def register(self) -> int:
        """Have localhub deliver here; return the hook's number."""
        (hook,) = self.app.webhooks(ANYONE).register(self.url)
        self.arrived()
        return int(hook["id"])

    def arrived(self) -> None:
        """Wait until localhub has sent what it has to send."""
        assert self.scene.hub.wait_deliveries(30)

    def work(self, login: str | None = None) -> None:
        """Do what is due for an organisation."""
        loop = self.loops.get(login or "")
        if loop is None:
            number = self.scene.organisation(login).id
            inbox = Inbox(self.app, self.scene.lease, number)
            loop = OrganisationLoop(self.app, self.scene.heartbeat, number, print, inbox)
            self.loops[login or ""] = loop
        while loop.tick() == 0.0:
            pass

    def post(self, event: str, payload: dict[str, Any] | bytes, **more: Any) -> httpx.Response:
        """Deliver by hand."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return httpx.post(f"{self.url}/hooks/github", content=body, headers=headers(event, body, **more))

    def deliveries(self) -> list[Delivery]:
        """What is in the inbox, oldest first, pings left out."""
        with self.scene.store.reading() as view:
            return [d for d in reversed(view.deliveries(limit=100_000)) if d.event != "ping"]

    def states(self) -> list[str]:
        """What became of them."""
        return [str(delivery.state) for delivery in self.deliveries()]

    def looks(self) -> list[str]:
        """Who asked for the looks so far, oldest first."""
        with self.scene.store.reading() as view:
            return [look.asked_by for look in reversed(view.looks(self.scene.organisation().id, 10_000))]

    def refusals(self) -> list[str]:
        """The reasons in the audit log, oldest first."""
        with self.scene.store.reading() as view:
            return [line.reason for line in reversed(view.audit_lines()) if line.outcome == "refused"]


@contextmanager
def receiving(scene: Scene, folder: Path, *, secret: str | None = SECRET) -> Iterator[Receiving]:
    """A scene that listens, with a first look behind it; nothing is registered yet."""
    clients: list[Any] = []

    def forge_hooks() -> Any:
        if not clients:
            clients.append(connect_hooks(scene.hub.url, credential=Token(scene.hub.token), clock=scene.clock))
        return clients[0]

    kept = SecretFile(folder / "webhook-secret", fixed=secret)
    app = replace(scene.app, forge_hooks=forge_hooks, webhook_secret=kept)
    made = Receiving(scene, app, Site(app, Live(app)))
    made.listen()
    try:
        made.work()
        yield made
    finally:
        made.close()
        for client in clients:
            client.close()
