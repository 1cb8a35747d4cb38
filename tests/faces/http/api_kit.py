"""The API over real sockets, and tokens to ask it with."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from steward.app.access import digest, new_secret
from steward.domain.people import Grant, Pass, PassKind, Role, User
from steward.faces.http.app import build
from steward.faces.http.live import Live
from steward.faces.http.server import address_of, bind, serving
from steward.faces.http.site import Site
from steward.testing.world import World


@dataclass(frozen=True)
class Api:
    """A world behind a real server."""

    world: World
    address: str

    def token(self, role: Role = Role.ADMIN, login: str | None = None) -> str:
        """A new token of a user with that role, everywhere or in one organisation."""
        return token_of(self.world, role, login)

    def client(self, role: Role = Role.ADMIN, login: str | None = None) -> httpx.Client:
        """Somebody who asks the API with such a token."""
        headers = {"Authorization": f"Bearer {self.token(role, login)}"}
        return httpx.Client(base_url=f"{self.address}/api/v1/", headers=headers, timeout=30, trust_env=False)


def token_of(world: World, role: Role, login: str | None = None) -> str:
    """A new token of a user with that role, everywhere or in one organisation."""
    place = world.organisation(login).id if login else None
    name = f"api-{role.value}-{login.lower() if login else 'all'}"
    secret, now = new_secret(PassKind.TOKEN), world.clock.now().at
    with world.store.writing() as tx:
        user = tx.user(name) or tx.add_user(User(0, name, now, (Grant(role, place),)))
        tx.add_pass(
            Pass(0, PassKind.TOKEN, user.id, digest(secret), now, now + timedelta(days=365), note="test")
        )
    return secret


@contextmanager
def api(world: World) -> Iterator[Api]:
    """Serve a world for the length of the block."""
    bound = bind("127.0.0.1", 0)
    with serving(build(Site(world.app, Live(world.app))), bound):
        yield Api(world, address_of(bound))


@contextmanager
def looking(world: World) -> Iterator[None]:
    """Make the looks that are asked for, as the loops of a running Steward do."""
    over = threading.Event()

    def serve() -> None:
        while not over.wait(0.2):
            with world.store.reading() as view:
                requests = view.look_requests()
            for request in requests:
                world.heartbeat.beat(request.organisation_id, "person", [request.id])

    with ThreadPoolExecutor(1) as pool:
        loops = pool.submit(serve)
        try:
            yield
        finally:
            over.set()
            loops.result()


def walk(client: httpx.Client, path: str, **params: Any) -> Iterator[list[dict[str, Any]]]:
    """The parts of a list, one by one, along `next`."""
    more: dict[str, Any] = {}
    while True:
        answer = client.get(path, params={**params, **more})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        yield page["items"]
        link = answer.links.get("next")
        assert (link is not None) == (page["next"] is not None)
        if page["next"] is None:
            return
        more = dict(httpx.URL(link["url"] if link else "").params)


def ids(items: Sequence[dict[str, Any]], name: str = "id") -> list[Any]:
    """One field of each."""
    return [item[name] for item in items]
