"""A template whose program must be given secrets, and a search for planted values in every place of an installation."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, quote_plus

import httpx

from steward.domain.agents import RunEvent, RunResult, RunSpec
from steward.ports.building import Agent
from steward.ports.engine import StopAsked

STARTER = Path(__file__).parents[2] / "src" / "steward" / "starter"
ADDRESS = """
        "/env": Answer(json.dumps(environment()).encode(), "application/json"),
    }
    if "RELEASE" in os.environ and not os.environ.get("API_KEY"):
        found["/up"] = Answer(b"no key", status=HTTPStatus.SERVICE_UNAVAILABLE)
"""
HELPER = '''
def environment() -> dict[str, str]:
    """A mark of each value that it was given, never the value."""
    from hashlib import sha256

    skipped = {"LANG", "HOME", "PATH", "PORT", "HOST", "PWD", "RELEASE", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
    given = {name: value for name, value in os.environ.items() if name not in skipped}
    return {name: sha256(value.encode()).hexdigest()[:12] for name, value in sorted(given.items())}


def answers('''


def template(folder: Path) -> str:
    """The starter in git, with a secret question, and a program that lives with its secrets alone; its address."""
    shutil.copytree(STARTER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    server = folder / "template" / "app" / "server.py"
    text = server.read_text()
    assert "    }\n    for file in sorted" in text
    text = text.replace(
        "    }\n    for file in sorted", ADDRESS.strip("\n").rstrip() + "\n    for file in sorted", 1
    )
    server.write_text(text.replace("\ndef answers(", HELPER, 1))
    with (folder / "copier.yml").open("a") as questions:
        questions.write('\ndoor:\n  type: str\n  help: The code of the door\n  secret: true\n  default: ""\n')
    with (folder / "steward-template.toml").open("a") as facts:
        facts.write('API_KEY = "user_secret"\nDOOR = "user_secret"\nSIGNING = "generated_secret"\n')
    who = ("-c", "user.name=Anna", "-c", "user.email=anna@example.org")
    for words in (("init", "-q"), ("add", "."), (*who, "commit", "-qm", "A template"), ("tag", "v1.0.0")):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder.as_uri()


def forms(value: str) -> set[bytes]:
    """A value as it may lie somewhere: plain, in addresses, in JSON, in hex, in base64 at three offsets."""
    raw = value.encode()
    found = {
        value,
        quote(value, safe=""),
        quote(value),
        quote_plus(value),
        json.dumps(value)[1:-1],
        raw.hex(),
    }
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for ahead in range(3):
            inner = encode(b"\0" * ahead + raw).decode().rstrip("=")[(0, 2, 3)[ahead] :]
            found.add(inner if (ahead + len(raw)) % 3 == 0 else inner[:-1])
    return {one.encode() for one in found}


class Places:
    """Texts by where they were met."""

    def __init__(self) -> None:
        self.held: list[tuple[str, bytes]] = []

    def add(self, where: str, what: bytes | str) -> None:
        """Keep one."""
        self.held.append((where, what.encode() if isinstance(what, str) else what))

    def folder(self, root: Path, but: Callable[[Path], bool] = lambda _path: False) -> None:
        """Every file below a folder."""
        for path in root.rglob("*"):
            with suppress(OSError):
                if path.is_file() and not path.is_symlink() and not but(path):
                    self.add(str(path.relative_to(root)), path.read_bytes())

    def database(self, path: Path) -> None:
        """Every cell of a SQLite database, texts and blobs as they are."""
        with closing(sqlite3.connect(path)) as base:
            for (table,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                for row in base.execute(f'SELECT * FROM "{table}"'):
                    for cell in row:
                        if isinstance(cell, str | bytes):
                            self.add(f"{path.name} {table}", cell)

    def packed(self, path: Path) -> None:
        """A backup, and what of it is base64, decoded."""
        text = gzip.decompress(path.read_bytes())
        self.add(path.name, text)
        for line in text.splitlines():
            row = json.loads(line)
            for cell in row if isinstance(row, list) else ():
                with suppress(ValueError):
                    if isinstance(cell, str):
                        self.add(f"{path.name}, decoded", base64.b64decode(cell, validate=True))

    def found(self, values: Mapping[str, str]) -> list[str]:
        """Where any form of these values lies."""
        return sorted(
            {
                f"{name} in {where}"
                for name, value in values.items()
                for form in forms(value)
                for where, text in self.held
                if form in text
            }
        )


class Processes:
    """Watches command lines and environments of this machine's processes while a block runs."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._stop = threading.Event()
        self._seen: set[bytes] = set()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.environments: dict[bytes, bytes] = {}
        """Command lines, each with the environment of one that bore it."""

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            for process in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    line = (process / "cmdline").read_bytes()
                    if line and line not in self._seen:
                        self._seen.add(line)
                        self.environments[line] = (process / "environ").read_bytes()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for line in self._seen:
            self._places.add("a command line", line)


class ListeningAgent:
    """The built-in agent; what each run was given is kept, and the clone as the agent left it."""

    def __init__(self, inner: Agent, places: Places) -> None:
        self._inner, self._places = inner, places
        self.name = inner.name
        self.runs = 0

    def run(self, spec: RunSpec, heard: Callable[[RunEvent], None], stop: StopAsked) -> RunResult:
        """As the port says."""

        def listened(event: RunEvent) -> None:
            self._places.add("what an agent said", repr(event))
            heard(event)

        self.runs += 1
        self._places.add("what an agent was given", repr(spec))
        result = self._inner.run(spec, listened, stop)
        self._places.add("what an agent came to", repr(result))
        self._places.folder(spec.clone)
        return result


def listening(places: Places, monkeypatch: Any) -> None:
    """Keep the bodies of every request over HTTP that this process sends, but those that a test sends."""
    real = httpx.HTTPTransport.handle_request

    def heard(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        with suppress(httpx.RequestNotRead):
            places.add(
                f"{request.method} {request.url.path}", str(request.url).encode() + b"\n" + request.content
            )
        places.add("headers", repr(request.headers.multi_items()))
        return real(self, request)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", heard)
