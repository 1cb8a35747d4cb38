"""What tests of agents start from: a clone like those of the workshop, and specs of runs in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from steward.adapters.box import Bubblewrap
from steward.adapters.clock import SystemClock
from steward.domain.agents import Limits, Role, RunEvent, RunSpec

BOX = Bubblewrap()
CLOCK = SystemClock()
PAGE = """
import json
from html import escape


class Content:
    @classmethod
    def read(cls, path):
        return json.loads(path.read_text())


def page(content, commit):
    texts = [content["title"], content["tagline"]]
    texts += [text for one in content["features"] for text in (one["title"], one["text"])]
    texts += [one["text"] for one in content["news"]]
    return "<p>" + "</p><p>".join(map(escape, texts)) + "</p>"
"""
SERVER = """
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from app.page import Content, page

Server = ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        answers = {"/": page(Content.read(Path("content.json")), ""), "/up": "ok", "/version": "{}"}
        body = answers.get(self.path, "").encode()
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def make_server(host, port):
    return ThreadingHTTPServer((host, port), Handler)
"""
CONTENT = {"title": "Bakery", "tagline": "Bread & rolls", "accent": "teal", "language": "en"}
STARTER = {
    "content.json": json.dumps({**CONTENT, "features": [], "news": []}),
    "app/__init__.py": "",
    "app/page.py": PAGE,
    "app/server.py": SERVER,
    "tests/__init__.py": "",
}


def git(clone: Path, *words: str) -> str:
    """What git says of a clone, with nothing of it executed."""
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": "/dev/null",
        **{
            f"GIT_{who}_{what}": "test@example.org"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
    }
    ran = subprocess.run(
        ["git", "-c", "core.hooksPath=/dev/null", *words],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.strip()


def clone_of(folder: Path, files: Mapping[str, str]) -> Path:
    """A clone on its branch, with one commit that holds those files."""
    clone = folder / "clone"
    for name, text in files.items():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text(text)
    clone.mkdir(exist_ok=True)
    git(clone, "init", "--quiet", "--initial-branch", "steward/work")
    git(clone, "add", "-A")
    git(clone, "commit", "--quiet", "--allow-empty", "-m", "Begin")
    return clone


def contract(role: Role, **spec: Any) -> dict[str, Any]:
    """A contract as the application makes it."""
    rest: dict[str, Any] = {name: spec.pop(name) for name in ("update", "rework") if name in spec}
    return {
        "project": {"slug": "bakery", "title": "Bakery"},
        "role": role.value,
        "branch": "steward/work",
        "spec": {
            "version": 1,
            "template": {"source": "starter", "tag": "", "commit": ""},
            "answers": {},
            "brief": "A page for a bakery",
            "criteria": [],
            "environment": {"PORT": "allocation"},
            **spec,
        },
        "update": None,
        "rework": [],
        **rest,
    }


@dataclass
class Hearing:
    """What a run was heard to say; it stops the run as soon as it hears `stop_at`."""

    stop_at: str | None = None
    events: list[RunEvent] = field(default_factory=list)

    def __call__(self, event: RunEvent) -> None:
        self.events.append(event)

    def stop(self) -> bool:
        """Whether it has heard enough."""
        return self.stop_at is not None and any(self.stop_at in event.text for event in self.events)

    def texts(self, kind: str) -> list[str]:
        """The texts of one kind."""
        return [event.text for event in self.events if event.kind == kind]


def spec_of(clone: Path, role: Role = Role.DEVELOPER, **more: Any) -> RunSpec:
    """A run in a clone. `limits` are short, so that a test that hangs says so."""
    more.setdefault("limits", Limits(wall_s=60, silence_s=30))
    more.setdefault("contract", contract(role))
    return RunSpec(
        run_id="operation-1:1",
        role=role,
        clone=clone,
        base_sha=git(clone, "rev-parse", "HEAD"),
        branch="steward/work",
        instructions=more.pop("instructions", "Write hello.txt"),
        **more,
    )


def script(folder: Path, text: str) -> tuple[str, ...]:
    """A program of Python that a box can read, as a command line."""
    path = folder / "agent.py"
    path.write_text(text)
    return (str(Path(sys.executable).resolve()), "-I", str(path))


def alive(mark: str) -> list[str]:
    """The command lines of living processes of this machine that hold a mark."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                dead = (folder / "stat").read_text().rpartition(")")[2].split()[0] in "ZX"
            except OSError:
                continue
            if mark in line and not dead:
                found.append(line)
    return found
