"""Two places with branches that people move: the fake, and the clients over a localhub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import httpx

from localhub import pushes
from localhub.gitstore import ZERO_SHA, NewCommit, RefMove
from localhub.testing import Hub
from localhub.tokens import DEFAULT_SCOPES, Caller
from steward.adapters.github import Token, connect_watch, connect_write
from steward.ports.building import ForgeWrite
from steward.ports.watching import ForgeWatch
from steward.testing.building import FakeForgeWrite
from steward.testing.clock import FakeClock
from steward.testing.forge import FakeForge

MARKER = "steward:7f3a"
Files = Mapping[str, bytes | None]


class Place(Protocol):
    """A server with the organisation `acme`. `watch` is the observer's client, `forge` the builder's."""

    watch: ForgeWatch
    forge: ForgeWrite

    def empty(self, name: str) -> int: ...
    def delete(self, repo_id: int) -> None: ...
    def archive(self, repo_id: int) -> None: ...
    def publish(self, repo_id: int) -> None: ...
    def homepage(self, repo_id: int, url: str) -> None: ...
    def push(self, repo_id: int, branch: str, files: Files, login: str = "anna") -> str: ...
    def move(self, repo_id: int, branch: str, sha: str | None) -> None: ...
    def merge(self, repo_id: int, number: int, how: str) -> None: ...
    def secret(self, repo_id: int, name: str) -> str: ...
    def variable(self, repo_id: int, name: str) -> str: ...


class FakePlace:
    """FakeForgeWrite over a FakeForge."""

    def __init__(self) -> None:
        self.world = FakeForge(FakeClock())
        self.world.add_organisation("acme")
        self.fake = FakeForgeWrite(self.world)
        self.forge: ForgeWrite = self.fake
        self.watch: ForgeWatch = self.fake

    def empty(self, name: str) -> int:
        return self.world.create("acme", name).id

    def delete(self, repo_id: int) -> None:
        self.world.delete(repo_id)

    def archive(self, repo_id: int) -> None:
        self.world.archive(repo_id)

    def publish(self, repo_id: int) -> None:
        self.world.edit(repo_id, visibility="public")

    def homepage(self, repo_id: int, url: str) -> None:
        self.fake.set_homepage(repo_id, url)

    def push(self, repo_id: int, branch: str, files: Files, login: str = "anna") -> str:
        act = self.fake.robot_push if login.endswith("[bot]") else self.fake.person_push
        return act(repo_id, branch, files, login, message="work")

    def move(self, repo_id: int, branch: str, sha: str | None) -> None:
        self.fake.move(repo_id, branch, sha)

    def merge(self, repo_id: int, number: int, how: str) -> None:
        self.fake.person_merge(repo_id, number, how)

    def secret(self, repo_id: int, name: str) -> str:
        return self.fake.secrets(repo_id)[name.upper()]

    def variable(self, repo_id: int, name: str) -> str:
        return self.fake.variables(repo_id)[name.upper()]


class HubPlace:
    """localhub, over real connections; `forge` and `watch` are clients of their own."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        clock, token = FakeClock(), Token(hub.token)
        self.http = httpx.Client(base_url=hub.url, headers=hub.headers)
        builder = connect_write(hub.url, credential=token, clock=clock)
        observer = connect_watch(hub.url, credential=token, clock=clock)
        self.forge: ForgeWrite = builder
        self.watch: ForgeWatch = observer
        self._closing = [builder.close, observer.close, self.http.close]
        self._at = 1_700_000_000

    def empty(self, name: str) -> int:
        return self.hub.create(name)

    def delete(self, repo_id: int) -> None:
        self.hub.delete(repo_id)

    def archive(self, repo_id: int) -> None:
        self.hub.archive(repo_id)

    def publish(self, repo_id: int) -> None:
        self.hub.set_visibility(repo_id, "public")

    def homepage(self, repo_id: int, url: str) -> None:
        self.http.patch(f"/repositories/{repo_id}", json={"homepage": url}).raise_for_status()

    def push(self, repo_id: int, branch: str, files: Files, login: str = "anna") -> str:
        bot = login.endswith("[bot]")
        by = Caller("installation" if bot else "user", login, login, 4_242, frozenset(DEFAULT_SCOPES))
        repo = self.hub.repo(repo_id)
        there = self.hub.core.git(repo).heads()
        parent = None if branch in there or not there else repo.default_branch
        self._at += 1
        new = NewCommit("work", files, pushes.person(by), self._at, branch, parent)
        return pushes.commit(self.hub.core, by, repo, new)

    def move(self, repo_id: int, branch: str, sha: str | None) -> None:
        repo, ref = self.hub.repo(repo_id), f"refs/heads/{branch}"
        before = self.hub.core.git(repo).ref(ref) or ZERO_SHA
        by = Caller("user", "anna", "anna", 4_242, frozenset(DEFAULT_SCOPES))
        pushes.move_ref(self.hub.core, by, repo, RefMove(ref, before, sha or ZERO_SHA))

    def merge(self, repo_id: int, number: int, how: str) -> None:
        path = f"/repositories/{repo_id}/pulls/{number}/merge"
        self.http.put(path, json={"merge_method": how}).raise_for_status()

    def secret(self, repo_id: int, name: str) -> str:
        return self.hub.open_secret(repo_id, name)

    def variable(self, repo_id: int, name: str) -> str:
        return self.hub.variable(repo_id, name)

    def close(self) -> None:
        """End the connections."""
        for close in self._closing:
            close()
