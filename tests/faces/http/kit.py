"""A whole server on a small world, driven without a socket."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter
from starlette.testclient import TestClient

from steward.adapters.store import open_store
from steward.domain.people import Grant, Role, User
from steward.faces.http.app import ROUTERS, build
from steward.faces.http.live import Live
from steward.faces.http.site import COOKIE, Site, csrf_token
from steward.testing.world import World

ORIGIN = "http://127.0.0.1"


@dataclass
class Served:
    """A world behind a server. `visitor` makes a client that is signed in, or nobody's."""

    world: World
    site: Site
    app: Any
    clients: list[TestClient] = field(default_factory=list)

    def nobody(self) -> TestClient:
        """A client that has shown nothing."""
        client = TestClient(self.app, base_url=ORIGIN, follow_redirects=False, raise_server_exceptions=False)
        self.clients.append(client)
        return client

    def visitor(
        self, role: Role | None = Role.ADMIN, name: str = "", organisation: str | None = None
    ) -> Visitor:
        """A client in a browser's session of a user with that role (None: none at all)."""
        name = name or (role.value if role else "guest")
        place = self.world.organisation(organisation).id if organisation else None
        grants = (Grant(role, place),) if role else ()
        with self.world.store.writing() as tx:
            if tx.user(name) is None:
                tx.add_user(User(0, name, self.world.clock.now().at, grants))
        access = self.world.app.access
        secret, _user = access.sign_in(access.link(name, "test"), "a test")
        client = self.nobody()
        client.cookies.set(COOKIE, secret)
        return Visitor(client, csrf_token(secret))


@dataclass
class Visitor:
    """Somebody at a browser."""

    client: TestClient
    csrf: str

    def get(self, path: str, **more: Any) -> Any:
        """Ask for a page."""
        return self.client.get(path, **more)

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> Any:
        """Send a form of our own pages."""
        return self.client.post(path, data={"csrf": self.csrf, **(data or {})}, **more)


@contextmanager
def served(
    routers: Sequence[APIRouter] = ROUTERS, logins: Sequence[str] = ("acme",), **more: Any
) -> Iterator[Served]:
    """A server on an empty world."""
    store = open_store("sqlite://")
    world = World(store, logins)
    site = Site(world.app, Live(world.app), names=frozenset({"testserver"}), **more)
    made = Served(world, site, build(site, routers))
    try:
        yield made
    finally:
        for client in made.clients:
            client.close()
        store.close()


def text(answer: Any) -> str:
    """A page without its tags, its blanks folded."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())
