"""Hostile repositories through the real parts: each scan ends in bounded time and in words, and the next ones go on."""

from __future__ import annotations

import os
import stat
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from localhub.gitstore import git_environment
from localhub.testing import Hub
from steward.adapters.clock import SystemClock
from steward.adapters.git import ShallowTrees
from steward.adapters.github import Token, connect
from steward.adapters.github.watch import connect_watch
from steward.adapters.scan import TreeScanner
from steward.adapters.store import open_store
from steward.app.application import Application
from steward.app.scanning import Scanning
from steward.app.surveying import Surveying
from steward.domain.rules import Rules
from steward.ports.scan import Bounds
from tests.localhub.check_kit import WHO
from tests.road.kit import ANNA

SMALL = Bounds(files=200, file_bytes=10_000, tree_bytes=300_000, seconds=30.0)
Files = Mapping[bytes, tuple[str, bytes]]
"""Paths to a mode as git has it, and what lies there."""
PLAIN: Files = {b"app.py": ("100644", b"import os\nos.environ['MAIL_KEY']\n")}


class Meanwhile:
    """Real shallow trees; something happens before each is read."""

    def __init__(self, inner: ShallowTrees) -> None:
        self._inner = inner
        self.happens: dict[str, Callable[[], object]] = {}

    def tree(self, address: str, token: str, ref: str, into: Path, bounds: Bounds) -> str:
        """As the port says."""
        self.happens.pop(address.rpartition("/")[2].removesuffix(".git"), lambda: None)()
        return self._inner.tree(address, token, ref, into, bounds)


class Scans:
    """Repositories of localhub, and a loop that scans them."""

    def __init__(self, hub: Hub, app: Application, scans: Scanning, trees: Meanwhile, folder: Path) -> None:
        self.hub, self.app, self.scans, self.trees, self.folder = hub, app, scans, trees, folder

    def repository(self, name: str, files: Files) -> None:
        """Push a repository with these files, whatever their names."""
        self.hub.create(name)
        bare = self.folder / f"{name}.git"
        url = self.hub.url.replace("http://", f"http://x-access-token:{self.hub.token}@") + f"/acme/{name}"
        stream = bytearray(
            b"commit refs/heads/main\ncommitter Anna <anna@example.org> 1700000000 +0000\ndata 1\nx\n"
        )
        for path, (mode, data) in files.items():
            quoted = b'"' + b"".join(b"\\%03o" % one for one in path) + b'"'
            if mode == "160000":
                stream += b"M 160000 " + data + b" " + quoted + b"\n"
            else:
                stream += b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), quoted, len(data), data)
        env: Any = {**os.environ, **git_environment(WHO)}
        for words, given in (
            (["init", "-q", "--bare", str(bare)], None),
            (["-C", str(bare), "fast-import", "--quiet"], bytes(stream)),
            (["-C", str(bare), "push", "-q", url, "main"], None),
        ):
            subprocess.run(["git", *words], input=given, env=env, check=True, capture_output=True)

    def beat(self) -> None:
        """Look at the organisation."""
        self.app.sync(ANNA).run(progress=lambda _text: None)

    def all(self, *names: str) -> dict[str, Any]:
        """Take all of them in and scan them; the scan of each as it is shown."""
        self.app.setup(ANNA).take_in(names)
        while self.scans.tick() == 0.0:
            pass
        return {name: self.app.setup(ANNA).scan(name) for name in names}


@contextmanager
def scans(tmp_path: Path, bounds: Bounds) -> Iterator[Scans]:
    """Everything that scans take, all of it real."""
    with ExitStack() as closing:
        hub, clock = closing.enter_context(Hub(orgs=["acme"])), SystemClock()
        store = open_store("sqlite://", upgrade=True)
        closing.callback(store.close)
        credential = Token(hub.token)
        forge = closing.enter_context(connect(hub.url, credential=credential, clock=clock))
        watch = closing.enter_context(connect_watch(hub.url, credential=credential, clock=clock))
        trees = Meanwhile(ShallowTrees(tmp_path / "reading"))
        tools = Surveying(trees, TreeScanner(), lambda: watch, tmp_path / "scans", bounds)
        app = Application(
            store=store,
            clock=clock,
            rules=Rules(),
            forge=lambda: forge,
            logins=["acme"],
            server=hub.url,
            notifiers=[],
            holder="test",
            surveying=lambda: tools,
        )
        yield Scans(hub, app, Scanning(store, clock, tools, forge), trees, tmp_path)


def test_hostile_repositories_are_scanned_within_bounds_and_the_next_ones_go_on(tmp_path: Path) -> None:
    with scans(tmp_path, SMALL) as own:
        odd = {
            b"app.py": ("100644", b"\0\xff" * 100 + b"os.environ['BINARY']"),
            b".env.example": ("120000", b"/etc/passwd"),
            b"out": ("120000", b"../../../.."),
            b"vendored": ("160000", b"1" * 40),
            b"a\nb\x1b[2J\xff.py": ("100644", b"import os\nos.environ['ODD']\n"),
            b"compose.yaml": ("100644", b"a: &a [*a, *a]\nb: {<<: !!python/object:os.system x}\n"),
            b"large.py": ("100644", b"# " + b"x" * 20_000),
            b"d/" * 80 + b"deep.py": ("100644", b"import os\nos.environ['DEEP']\n"),
            b".github/workflows/t.yml": ("100644", b"on: push\nenv: {A: '${{ secrets.CI_KEY }}'}\n"),
        }
        own.repository("odd", odd)
        own.repository("many", {b"%03d.py" % n: ("100644", b"%d" % n) for n in range(300)})
        own.repository("heavy", {b"%02d.bin" % n: ("100644", os.urandom(9_900)) for n in range(60)})
        for name in ("vanishing", "emptied", "plain"):
            own.repository(name, PLAIN)
        own.hub.create("empty")
        own.beat()
        own.trees.happens = {
            "vanishing": lambda: own.hub.delete("vanishing"),
            "emptied": lambda: _emptied(own.hub, "emptied"),
        }
        begun = time.monotonic()
        found = own.all("odd", "many", "heavy", "vanishing", "emptied", "empty", "plain")
        assert time.monotonic() - begun < 60
        states = {name: one["state"] for name, one in found.items()}
        assert states == {
            "odd": "done",
            "many": "failed",
            "heavy": "failed",
            "vanishing": "failed",
            "emptied": "failed",
            "empty": "done",
            "plain": "done",
        }, found
        assert "more than 200 files" in found["many"]["reason"]
        assert "too much to be read" in found["heavy"]["reason"]
        assert "bounds" in found["heavy"]["advice"]
        assert "holds no such repository" in found["vanishing"]["reason"]
        assert found["emptied"]["reason"] == "the repository is empty"
        names = {need["name"] for need in found["odd"]["needs"]}
        assert names == {"ODD", "CI_KEY"}
        skipped = {one["path"]: one["why"] for one in found["odd"]["skipped"]}
        assert skipped["app.py"] == "binary"
        assert [need["name"] for need in found["plain"]["needs"]] == ["MAIL_KEY"]
        assert found["empty"]["needs"] == []
        checklist = own.app.setup(ANNA).checklist("many")
        assert "more than 200 files" in str(checklist["scan"])
        assert not (tmp_path / "scans").exists() or list((tmp_path / "scans").iterdir()) == []
        assert not stat.S_ISLNK((tmp_path / "reading").lstat().st_mode)
        shown = own.all("many", "plain")
        assert shown["plain"]["state"] == "done", "asked for again, it is scanned again"


def _emptied(hub: Hub, name: str) -> None:
    bare = hub.core.directory / "git" / f"{hub.repo(name).id}.git"
    subprocess.run(["git", "-C", str(bare), "update-ref", "-d", "refs/heads/main"], check=True)
    subprocess.run(["git", "-C", str(bare), "gc", "-q", "--prune=now"], check=True)


@pytest.mark.soak
def test_a_hundred_thousand_files_are_refused_in_bounded_time(tmp_path: Path) -> None:
    with scans(tmp_path, Bounds()) as own:
        own.repository("huge", {b"%d/%d.py" % (n % 300, n): ("100644", b"%d" % n) for n in range(100_000)})
        own.repository("plain", PLAIN)
        own.beat()
        begun = time.monotonic()
        found = own.all("huge", "plain")
        print(f"{time.monotonic() - begun:.1f} s for 100,000 files")
        assert time.monotonic() - begun < 120 + 30
        assert "more than 50000 files" in found["huge"]["reason"]
        assert found["plain"]["state"] == "done"
