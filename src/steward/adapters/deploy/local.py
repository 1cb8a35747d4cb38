"""This machine as a host: one folder, one address and one keeper per site.

Layout below `<state>/sites/<slug>`: `site.json` (port, remembered for good), `releases/<commit>/`, `current`,
`env/<commit>.json` (0600), `wanted.json`, `status.json`, `site.log`.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import steward
from steward.adapters.deploy import hand
from steward.adapters.deploy.files import is_seized, locked, read_json, write_json
from steward.adapters.deploy.keeper import HELD, TAKEN
from steward.adapters.deploy.release import HOST
from steward.ports import Clock, Permanent, Transient

SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
START_S: Final = 15.0
STOP_S: Final = 20.0
ROUND_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Running:
    """The supervisor's word on a process: whether it runs, at which commit, for how long, restarted how often."""

    alive: bool
    commit: str = ""
    up_s: float = 0.0
    restarts: int = 0


class LocalHost:
    """The sites of this machine. Addresses are http://127.0.0.1:<port>, the port one of `ports` (both included)."""

    def __init__(self, state_dir: Path, *, clock: Clock, ports: tuple[int, int] = (18100, 18199)) -> None:
        self._root = state_dir / "sites"
        self._clock = clock
        self._ports = ports

    def site(self, slug: str) -> Path:
        """The folder of a site. Raises Permanent for what is no slug."""
        if not SLUG.fullmatch(slug):
            raise Permanent(f"{slug!r} is no slug", "")
        return self._root / slug

    def url(self, slug: str) -> str:
        """The address of a site; "" where it has none yet."""
        port = read_json(self.site(slug) / "site.json").get("port")
        return f"http://{HOST}:{port}" if port else ""

    def ensure(self, slug: str) -> str:
        """See that the site has an address and a keeper that holds it; the address.

        Raises Permanent (no port is free, the remembered one is another program's), Transient.
        """
        site = self.site(slug)
        for folder in (self._root, site, site / "releases", site / "env"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self._root / ".lock"):
            known = read_json(site / "site.json").get("port")
            others = {port for _slug, port in self._remembered()}
            for port in [known] if known else self._free(others):
                write_json(site / "site.json", {"slug": slug, "port": port})
                if self._launch(site):
                    return self.url(slug)
                if not known:
                    (site / "site.json").unlink()
        if known:
            raise Permanent(
                f"the address {self.url(slug)} of {slug} is taken by another program",
                "End that program, or undeploy the project to have it given another address.",
            )
        raise Permanent(
            f"every port from {self._ports[0]} to {self._ports[1]} is taken", "Widen the range of ports."
        )

    def _free(self, others: set[int]) -> Iterator[int]:
        for port in range(self._ports[0], self._ports[1] + 1):
            if port in others:
                continue
            with socket.socket() as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    trial.bind((HOST, port))
                except OSError:
                    continue
            yield port

    def _remembered(self) -> Iterator[tuple[str, int]]:
        for path in sorted(self._root.glob("*/site.json")):
            facts = read_json(path)
            if "port" in facts:
                yield path.parent.name, int(facts["port"])

    def _launch(self, site: Path) -> bool:
        """Start the keeper unless one runs; False where the address is another program's."""
        if is_seized(site / "keeper.lock"):
            return True
        try:
            ended = subprocess.run(
                [sys.executable, "-m", "steward.adapters.deploy.keeper", str(site)],
                env=python_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=START_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Transient(f"the keeper of {site.name} does not start: {error}") from None
        if ended.returncode not in {0, HELD, TAKEN}:
            raise Transient(
                f"the keeper of {site.name} ended: {ended.stderr.decode(errors='replace')[-300:]}"
            )
        return ended.returncode != TAKEN

    def abandon(self, slug: str, commit: str) -> None:
        """Give up what a deployment left unfinished; what serves goes on."""
        hand.abandon(self.site(slug), commit)

    def running(self, slug: str) -> Running:
        """The keeper's word on what serves."""
        site = self.site(slug)
        serving: Any = read_json(site / "status.json").get("serving")
        if not isinstance(serving, dict) or not is_seized(site / "keeper.lock"):
            return Running(alive=False)
        up_s = max(0.0, self._clock.now().tick_s - float(serving["since"]))
        return Running(bool(serving["alive"]), str(serving["commit"]), up_s, int(serving["restarts"]))

    def suspend(self) -> None:
        """Stop every site and its keeper. What was served is remembered."""
        keepers = [site.parent for site in self._root.glob("*/site.json")]
        for site in keepers:
            self._signal(site, signal.SIGTERM)
        for site in keepers:
            self._await_end(site)

    def resume(self) -> list[str]:
        """Start every site that served; a sentence for each that could not be."""
        problems = []
        for slug, _port in list(self._remembered()):
            if not read_json(self.site(slug) / "wanted.json").get("serving"):
                continue
            try:
                self.ensure(slug)
            except (Permanent, Transient) as error:
                problems.append(error.reason)
        return problems

    def remove(self, slug: str) -> None:
        """Stop a site for good and delete its files, its address with them."""
        site = self.site(slug)
        self._signal(site, signal.SIGTERM)
        self._await_end(site)
        shutil.rmtree(site, ignore_errors=True)

    def _signal(self, site: Path, number: signal.Signals) -> None:
        if not is_seized(site / "keeper.lock"):
            return
        try:
            os.kill(int((site / "keeper.lock").read_text()), number)
        except (OSError, ValueError):
            return

    def _await_end(self, site: Path) -> None:
        until = self._clock.now().tick_s + STOP_S
        while is_seized(site / "keeper.lock"):
            if self._clock.now().tick_s > until:
                self._signal(site, signal.SIGKILL)
                until += STOP_S
            hand.pause()


def python_environment() -> dict[str, str]:
    """What another Python of ours needs to find this package: nothing of this process's own environment."""
    home = str(Path(steward.__file__).parents[1])
    return {"PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": home}
