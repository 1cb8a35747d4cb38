"""A small site of the standard library, its commits, and a deployer on this machine."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from steward.adapters.clock import SystemClock
from steward.adapters.deploy import hand
from steward.adapters.deploy.deployer import PLAYBOOKS, AnsibleDeployer, local_env
from steward.adapters.deploy.local import LocalHost
from steward.adapters.deploy.parcel import pack
from steward.adapters.deploy.probe import LifeProbe
from steward.adapters.deploy.service import read_service
from steward.adapters.deploy.targets import Target
from steward.domain.spec import Proof
from steward.ports.building import Deployed, DeployOrder

ONE, TWO, THREE = "1" * 40, "2" * 40, "3" * 40

SITE = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        said = {"/version": json.dumps({"commit": COMMIT}), "/up": "up", "/env": json.dumps(dict(os.environ))}
        body = said.get(self.path, "?").encode()
        self.send_response(200 if self.path in said else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass

class Server(ThreadingHTTPServer):
    request_queue_size = 128

COMMIT = os.environ["RELEASE"]
"""
SERVE = 'Server((os.environ["HOST"], int(os.environ["PORT"])), Answer).serve_forever()\n'
DEPLOY = """
[service]
command = ["python3", "site.py"]

[proof]
kind = "http"
"""


@dataclass
class Scene:
    """A deployer with its state, and what it told."""

    state: Path
    trees: Path
    ports: tuple[int, int]
    clock: SystemClock = field(default_factory=SystemClock)
    told: list[str] = field(default_factory=list)
    playbooks: Path = PLAYBOOKS
    prove_s: float = 15.0

    def __post_init__(self) -> None:
        self.local = LocalHost(self.state, clock=self.clock, ports=self.ports)
        self.deployer = AnsibleDeployer(
            self.state,
            [Target("here")],
            clock=self.clock,
            local=self.local,
            playbooks=self.playbooks,
            prove_s=self.prove_s,
        )
        self.probe = LifeProbe(self.clock, process=lambda url: self.local.running(url.rpartition("/")[2]))

    def order(
        self, commit: str, *, slug: str = "shop", extra: str = "", secrets: Mapping[str, str] | None = None
    ) -> DeployOrder:
        """An order for a commit of the small site; `extra` is code that runs before it serves."""
        tree = self.trees / f"{slug}-{commit}"
        shutil.rmtree(tree, ignore_errors=True)
        tree.mkdir(parents=True)
        (tree / "site.py").write_text(SITE + extra + "\n" + SERVE)
        (tree / "deploy.toml").write_text(DEPLOY)
        return DeployOrder("id", slug, commit, tree, {"GREETING": "{{ 7 * 7 }}"}, secrets or {}, Proof())

    def deploy(self, order: DeployOrder, stop: Callable[[], bool] = lambda: False) -> Deployed:
        """Deploy it, keeping what is told."""
        self.told.clear()
        return self.deployer.deploy(order, self.told.append, stop)

    def ok(self, order: DeployOrder) -> Deployed:
        """Deploy it; it must go well."""
        ended = self.deploy(order)
        assert ended.outcome == "ok", (ended, site_log(self, order.slug))
        return ended

    def quick(self, order: DeployOrder, wait_s: float = 10.0) -> str:
        """What the playbook does, without Ansible; the address. Raises hand.Failed."""
        url, site = self.local.ensure(order.slug), self.local.site(order.slug)
        archive = self.trees / "release.tar"
        pack(order.tree, order.commit, archive)
        hand.place(site, order.commit, archive)
        hand.write_env(site, order.commit, local_env(order, read_service(order.tree)))
        proof = order.proof
        hand.start(
            site,
            order.commit,
            kind=proof.kind,
            path=proof.path,
            version_path=proof.version_path,
            wait_s=wait_s,
        )
        hand.switch(site, order.commit)
        return url

    def commit_at(self, url: str) -> str:
        """The commit that an address serves."""
        return str(json.loads(get(url, "/version"))["commit"])

    def releases(self, slug: str = "shop") -> list[str]:
        """The releases that lie on this machine, unfinished ones too."""
        return sorted(path.name for path in (self.local.site(slug) / "releases").iterdir())


def site_log(scene: Scene, slug: str) -> str:
    """What a site printed."""
    path = scene.local.site(slug) / "site.log"
    return path.read_text() if path.exists() else ""


def get(url: str, path: str) -> bytes:
    """Read one page over a connection of its own."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request("GET", path)
        with connection.getresponse() as answer:
            body = answer.read()
            assert answer.status == 200, (answer.status, body)
            return body
    finally:
        connection.close()


@contextmanager
def hammering(url: str) -> Iterator[dict[str, int]]:
    """Ask for /version without pause meanwhile; how often each commit, and each failure, came."""
    seen: dict[str, int] = {}
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            try:
                word = str(json.loads(get(url, "/version"))["commit"])[:1]
            except (OSError, http.client.HTTPException, AssertionError) as error:
                word = repr(error)
            seen[word] = seen.get(word, 0) + 1
            over.wait(0.02)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join()


def processes() -> dict[int, str]:
    """Every process of this machine with its command line."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if words:
                found[int(folder.name)] = words
    return found


def await_true(holds: Callable[[], bool], within_s: float = 10.0) -> None:
    """Wait until it holds."""
    until = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < until, "it did not come to hold"
        time.sleep(0.02)


def with_proof(order: DeployOrder, **changes: str) -> DeployOrder:
    """The order with another proof of life."""
    return replace(order, proof=replace(order.proof, **changes))


def free_range(count: int) -> tuple[int, int]:
    """Ports for one test, apart from those of tests that run beside it."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 21000 + worker * 500 + next(_NUMBERS) * count
    return first, first + count - 1


_NUMBERS = iter(range(10_000))
