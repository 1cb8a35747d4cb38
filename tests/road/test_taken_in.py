"""A repository that people made, taken in by the real parts: found, scanned, adopted, put live; and then pushed to."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from steward.adapters.agents import CommandAgent
from steward.adapters.box import Bubblewrap
from steward.adapters.clock import SystemClock
from steward.adapters.deploy.probe import LifeProbe
from steward.adapters.git import ShallowTrees
from steward.adapters.github import Token
from steward.adapters.github.watch import connect_watch
from steward.adapters.scan import TreeScanner
from steward.app.adopting import Wanted
from steward.app.scanning import Scanning
from steward.app.surveying import Surveying
from steward.app.watching import Watching
from steward.domain.agents import Role
from steward.domain.lifecycle import Refused
from steward.domain.vault import Place
from steward.ports.watching import ForgeWatch
from tests.localhub.check_kit import clone, commit, git, shell
from tests.road.kit import ANNA, Road, road

PROGRAM = """
import json, os
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

KEY = os.environ["MAIL_KEY"]
LEVEL = os.environ.get("LOG_LEVEL", "info")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        told = {"commit": Path("RELEASE").read_text().strip(), "key": sha256(KEY.encode()).hexdigest(), "level": LEVEL}
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


HTTPServer((os.environ["LISTEN_HOST"], int(os.environ["LISTEN_PORT"])), Handler).serve_forever()
"""
DEPLOY = """
[service]
command = ["python3", "serve.py"]
port_variable = "LISTEN_PORT"
host_variable = "LISTEN_HOST"

[proof]
kind = "http"
path = "/up"
version_path = "/version"
"""
COMPOSE = """
services:
  web:
    build: .
    environment:
      MAIL_KEY: ${MAIL_KEY:?it sends mail}
      LOG_LEVEL: ${LOG_LEVEL:-info}
"""
WORKFLOW = """
on: push
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: python3 -m compileall serve.py
        env: {NPM_TOKEN: "${{ secrets.NPM_TOKEN }}"}
"""
FILES = {
    "serve.py": PROGRAM,
    "deploy.toml": DEPLOY,
    "compose.yaml": COMPOSE,
    ".github/workflows/test.yml": WORKFLOW,
    "README.md": "# Wild\n",
}
KEY = "mail-key-of-anna-4711"
VERDICT = '{"kind": "finished", "text": "judged", "verdict": {"approved": true, "reasons": []}}'
"""What a tester of another kind says: the built-in one knows the starter template alone."""


class Watched:
    """The loops of a running Steward that a project we did not make needs: beats, scans, the watch over branches."""

    def __init__(self, own: Road, forge: ForgeWatch, folder: Path) -> None:
        clock = SystemClock()
        tools = Surveying(
            trees=ShallowTrees(folder / "reading"),
            scanner=TreeScanner(),
            forge=lambda: forge,
            workdir=folder / "scans",
            checks=lambda repo, sha: own.tools.forge().checks(repo, sha),
            probe=lambda: LifeProbe(clock),
            rule=own.tools.rule,
        )
        own.app = replace(own.app, surveying=lambda: tools)
        eyes = own.tools.eyes
        assert eyes is not None
        self.own = own
        self.scans = Scanning(own.app.store, clock, tools, own.app.forge())
        self.watching = Watching(own.app.store, clock, replace(eyes, forge=lambda: forge), [])

    def look(self) -> None:
        """A beat, then a look at the branches."""
        done = self.own.app.sync(ANNA).run(progress=lambda _text: None)
        assert not [one for one in done["organisations"] if one.get("error")], done
        with self.own.app.store.reading() as view:
            homes = view.organisations()
        for home in homes:
            self.watching.round(home.id)

    def scan(self) -> dict[str, Any]:
        """Scan all that waits for it; the checklist."""
        while self.scans.tick() == 0.0:
            pass
        return self.own.app.setup(ANNA).checklist("wild")


def missing(checklist: dict[str, Any]) -> dict[str, str]:
    """What it lacks, each with what mends it."""
    return {
        line["name"] or line["code"]: line["fix"]["command"]
        for line in checklist["lines"]
        if line["state"] == "missing"
    }


def holds(own: Road) -> list[str]:
    """Why automation leaves the project alone."""
    project_id = own.project("wild")["id"]
    with own.app.store.reading() as view:
        return [one.reason.value for one in view.holds(project_id)]


@pytest.mark.soak
def test_a_repository_of_people_is_taken_in_and_put_live_and_a_push_of_theirs_holds_it(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path}/steward.db"
    tester = CommandAgent("command", ["/bin/sh", "-c", f"echo '{VERDICT}'"], Bubblewrap(), SystemClock())
    with (
        road(tmp_path, url, ports=(18730, 18739), watched=True, agents={Role.TESTER: tester}) as own,
        connect_watch(own.hub.url, credential=Token(own.hub.token), clock=SystemClock()) as forge,
    ):
        own.hub.create("wild")
        work = clone(own.hub.url, own.hub.token, "wild", tmp_path / "work")
        git("checkout", "-q", "-b", "main", cwd=work)
        commit(work, shell("test", "python3 -m compileall -q serve.py"), FILES)
        git("push", "-q", "origin", "main", cwd=work)
        loops = Watched(own, forge, tmp_path)
        loops.look()
        assert own.project("wild")["status"] == "discovered"
        taken = own.app.setup(ANNA).take_in(["wild"])
        assert [one["state"] for one in taken] == ["queued"]
        assert missing(loops.scan()) == {
            "owner": "steward project owner wild NAME",
            "MAIL_KEY": "steward secret set wild MAIL_KEY",
            "NPM_TOKEN": "steward secret set wild NPM_TOKEN --for checks",
        }
        assert own.project("wild")["status"] == "setup_required"
        with pytest.raises(Refused, match="MAIL_KEY, NPM_TOKEN"):
            own.app.setup(ANNA).adopt("wild", Wanted(owner="anna"))
        secrets = own.app.secrets(ANNA)
        secrets.set("wild", "MAIL_KEY", KEY)
        secrets.set("wild", "NPM_TOKEN", "in-the-wrong-place")
        assert set(missing(loops.scan())) == {"owner", "NPM_TOKEN"}
        secrets.set("wild", "NPM_TOKEN", "npm-token-4711", places=[Place.CHECKS])
        assert secrets.send("wild")["sent"] == ["NPM_TOKEN"]
        assert own.hub.open_secret("wild", "NPM_TOKEN") == "npm-token-4711"
        adopted = own.app.setup(ANNA).adopt("wild", Wanted.of("implemented", owner="anna"))
        assert adopted["status"] == "implemented"
        live = own.until("wild", "active")["live"]
        told = httpx.get(live["url"]).json()
        assert told == {"commit": live["commit"], "key": sha256(KEY.encode()).hexdigest(), "level": "info"}
        assert own.app.works(ANNA).spec("wild")["environment"]["MAIL_KEY"] == "user_secret"
        loops.look()
        assert holds(own) == [], "what we did ourselves holds nothing"

        commit(work, shell("test", "true"), {"serve.py": PROGRAM + "\n# by hand\n"})
        git("push", "-q", "origin", "main", cwd=work)
        loops.look()
        assert holds(own) == ["foreign"]
        own.driver.tick()
        assert own.project("wild")["operation"] is None
        assert httpx.get(live["url"]).json() == told, "what is live stays so"
