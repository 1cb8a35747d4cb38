"""A running Steward and the deliveries of a whole organisation in turmoil, over real sockets.

The forge is in memory, so that the truth is known at any moment; the loops, the receiver and the database are
those that ship. Deliveries are lost, doubled and reordered on their way; those that GitHub would list as failed
are there for the sweep.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from steward.adapters.clock import SystemClock
from steward.adapters.secret import SecretFile
from steward.adapters.store import open_store
from steward.app.application import Application
from steward.domain.repository import Access, Cost, Listing, PageMark, Sighting
from steward.domain.rules import Rules
from steward.faces.http import hooks
from steward.faces.http.app import build
from steward.faces.http.live import Live
from steward.faces.http.server import address_of, bind, serving
from steward.faces.http.site import Site
from steward.ports import ProjectQuery
from steward.testing.forge import FakeForge
from steward.testing.hooks import FakeHooks
from steward.testing.world import ANYONE, Recorder

SECRET = "a secret of sixteen characters and more"
BY_WEBHOOKS = Rules(interval_s=3600, jitter=0, confirm_spacing_s=0.1, grace_s=0, loss_count_max=10**6)
"""Beats so far apart that what is seen is seen by deliveries, or by the sweep."""


class SharedForge(FakeForge):
    """A fake forge that is read by a service while it is changed: one at a time."""

    def __init__(self, clock: SystemClock) -> None:
        super().__init__(clock, server="http://forge.test")
        self.lock = threading.RLock()

    def listing(
        self, login: str, owner_id: int | None, marks: Sequence[PageMark], credential: str
    ) -> Listing:
        """The same, undisturbed."""
        with self.lock:
            return super().listing(login, owner_id, marks, credential)

    def repository(self, repo_id: int, *, urgent: bool = False) -> tuple[Sighting, Cost]:
        """The same, undisturbed."""
        with self.lock:
            return super().repository(repo_id, urgent=urgent)

    def access(self, login: str, owner_id: int | None = None) -> Access:
        """The same, undisturbed."""
        with self.lock:
            return super().access(login, owner_id)


@dataclass(frozen=True)
class Message:
    """One delivery on its way."""

    guid: str
    event: str
    body: bytes

    def headers(self, hook: int) -> dict[str, str]:
        """As GitHub sends them."""
        signed = hmac.new(SECRET.encode(), self.body, hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/json",
            "X-GitHub-Event": self.event,
            "X-GitHub-Delivery": self.guid,
            "X-GitHub-Hook-ID": str(hook),
            "X-Hub-Signature-256": f"sha256={signed}",
        }


@dataclass
class Storm:
    """What runs, and what happened. `lost` deliveries never arrive; GitHub lists them as failed."""

    app: Application
    forge: SharedForge
    hooks: FakeHooks
    url: str
    hook: int
    dice: random.Random
    waiting: list[Message] = field(default_factory=list)
    lost: int = 0
    made: int = 0

    def happens(self, action: str, repo_id: int, event: str = "repository") -> None:
        """GitHub has something to deliver."""
        self.made += 1
        number = f"{self.made:012}"
        payload = {
            "action": action,
            "repository": {"id": repo_id},
            "padding": "x" * self.dice.randint(0, 20_000),
        }
        if self.dice.random() < 0.3:
            self.lost += 1
            self.hooks.answers = 0
            self.hooks.missed(self.hook, event, action, repo_id)
            return
        message = Message(f"00000000-1111-0000-0000-{number}", event, json.dumps(payload).encode())
        copies = 2 if self.dice.random() < 0.2 else 1
        self.waiting += [message] * copies

    def change(self) -> None:
        """One thing happens to one repository."""
        with self.forge.lock:
            living = sorted(self.forge.live("acme"))
            chosen = self.dice.choice(living)
            roll = self.dice.random()
            if roll < 0.25 or len(living) < 20:
                made = self.forge.create("acme", f"made-{self.made}")
                self.happens("created", made.id)
            elif roll < 0.5:
                self.forge.rename(chosen, f"named-{self.made}")
                self.happens("renamed", chosen)
            elif roll < 0.7:
                self.forge.archive(chosen, archived=self.dice.random() < 0.5)
                self.happens("archived", chosen)
            elif roll < 0.8:
                self.forge.delete(chosen)
                self.happens("deleted", chosen)
            else:
                self.forge.touch(chosen)
                self.happens("", chosen, "push")

    def send(self, threads: int = 4) -> None:
        """Deliver what waits, out of order. What is refused as too much is listed as failed."""
        window = 50
        for start in range(0, len(self.waiting), window):
            part = self.waiting[start : start + window]
            self.dice.shuffle(part)
            self.waiting[start : start + window] = part
        with httpx.Client(timeout=60) as client, ThreadPoolExecutor(threads) as pool:
            statuses = list(pool.map(lambda message: self._post(client, message), self.waiting))
        self.waiting.clear()
        assert set(statuses) <= {202}

    def _post(self, client: httpx.Client, message: Message) -> int:
        answer = client.post(
            f"{self.url}/hooks/github", content=message.body, headers=message.headers(self.hook)
        )
        return answer.status_code

    def healed(self) -> int:
        """Sweep; return how many were taken in."""
        (swept,) = self.app.webhooks(ANYONE).sweep()
        assert swept["problem"] is None
        return int(swept["healed"])

    def swept(self) -> int:
        """How many were taken in by sweeps, by this one or by the loop's own."""
        with self.app.store.reading() as view:
            return sum(row.source == "sweep" for row in view.deliveries(limit=1_000_000))

    def counts(self) -> dict[str, int]:
        """Deliveries per state."""
        with self.app.store.reading() as view:
            return view.delivery_counts()

    def agrees(self) -> bool:
        """Whether the record shows the truth: every name, flag and loss."""
        with self.forge.lock:
            truth = {r.id: (r.name, r.archived, r.pushed_at) for r in self.forge.live("acme").values()}
        with self.app.store.reading() as view:
            shown = {
                repository.repo.id: (
                    repository.repo.name,
                    repository.repo.archived,
                    repository.repo.pushed_at,
                )
                for project, repository in view.projects(ProjectQuery())
                if repository is not None and project.status.value != "missing" and repository.lost_at is None
            }
        return shown == truth


def until(true: Any, timeout_s: float) -> float:
    """Wait for something to become true; return how long it took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < timeout_s, "it never came"
        time.sleep(0.02)
    return time.monotonic() - began


@contextmanager
def storming(folder: Path, seed: int, repositories: int = 100) -> Iterator[Storm]:
    """A running Steward with an organisation that has come in and a webhook that works."""
    clock = SystemClock()
    forge, fakes = SharedForge(clock), FakeHooks(clock, server="http://forge.test")
    forge.add_organisation("acme")
    for number in range(repositories):
        forge.create("acme", f"first-{number}")
    store = open_store(f"sqlite:///{folder / 'steward.db'}")
    app = Application(
        store=store,
        clock=clock,
        rules=BY_WEBHOOKS,
        forge=lambda: forge,
        logins=["acme"],
        server=forge.server,
        notifiers=[Recorder()],
        holder="storm",
    )
    app = replace(app, forge_hooks=lambda: fakes, webhook_secret=SecretFile(folder / "s", fixed=SECRET))
    stop, died = threading.Event(), list[BaseException]()
    bound = bind("127.0.0.1", 0)

    def serve() -> None:
        try:
            app.service().run(stop, print)
        except BaseException as error:  # noqa: BLE001 -- a thread hands what it died of to the test
            died.append(error)

    service = threading.Thread(target=serve)
    with serving(build(Site(app, Live(app)), [hooks.router]), bound):
        service.start()
        try:
            (hook,) = app.webhooks(ANYONE).register(address_of(bound), ["acme"])
            until(lambda: len(app.queries(ANYONE).projects(ProjectQuery())) == repositories, 60)
            yield Storm(app, forge, fakes, address_of(bound), hook["id"], random.Random(seed))
        finally:
            stop.set()
            service.join(60)
    store.close()
    assert died == []
