"""The road from a confirmed estimate to a live site, against what cannot be done without.

Everything is real: localhub, git, Copier, boxes, Ansible, the engine on SQLite; the agents are the built-in ones,
and the time that they are at work is taken off. The floor is, within the same run: one clone, commit and push of
the project with plain git, one run of its checks in the box that localhub runs them in, and one run of the playbook
that puts a commit on this machine. The road does the first three times and the second as often as there are commits
to check; what it takes beyond that is waiting, looking and writing down.
"""

from __future__ import annotations

import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final
from urllib.parse import urlsplit

from tests.road.kit import Road, road

from benchmarks.engine import commits
from benchmarks.measure import Result
from localhub import box as checking
from steward.app.building import Wish
from steward.domain.operations import STEPS, Operation, Work
from steward.domain.spec import STARTER, TemplateRef
from steward.ports.building import DeployOrder

LIMIT: Final = 4.0
"""Three pushes and some five runs of checks for one of each; the playbook is half of the floor."""
HANDED_LIMIT_S: Final = 1.0
SLUG: Final = "shop"
TIMES: Final = 3
PORTS: Final = (18720, 18739)
CHECK: Final = ("python3", "-m", "unittest", "discover", "-s", "tests", "-t", ".")
AUTHOR: Final = ("-c", "user.name=Anna", "-c", "user.email=anna@studio.example")


def travelled(own: Road) -> tuple[float, float, Sequence[Operation]]:
    """From confirm to active: the seconds in all, those of agents, and the operations, oldest first."""
    wish = Wish(answers={"features": "Cart: adds up\nSearch: finds"})
    own.building().draft(SLUG, title="Corner shop", wish=wish)
    own.building().approve(SLUG)
    own.until(SLUG, "estimated")
    began = time.perf_counter()
    own.building().confirm(SLUG)
    project_id = own.until(SLUG, "active")["id"]
    took_s = time.perf_counter() - began
    with own.app.store.reading() as view:
        runs, operations = view.agent_runs(project_id), view.operations(project_id)
    agents_s = sum((run.finished_at - run.started_at).total_seconds() for run in runs)
    return took_s, agents_s, operations[::-1]


class Floor:
    """The parts that cannot be done without, each on what the road has built."""

    def __init__(self, own: Road, folder: Path, commit: str) -> None:
        self._own, self._folder, self._commit = own, folder, commit
        self._number = 0
        host = urlsplit(own.hub.url).netloc
        self._address = f"http://x:{own.hub.token}@{host}/acme/{SLUG}.git"

    def pushed(self) -> float:
        """One clone, commit and push; the seconds."""
        self._number += 1
        clone = self._folder / f"clone-{self._number}"
        began = time.perf_counter()
        self._git("clone", "-q", self._address, str(clone))
        self._git("-C", str(clone), *AUTHOR, "commit", "-q", "--allow-empty", "-m", "a change")
        self._git("-C", str(clone), "push", "-q", "origin", f"HEAD:refs/heads/floor-{self._number}")
        return time.perf_counter() - began

    def checked(self) -> float:
        """One run of the project's checks."""
        clone = self._folder / f"clone-{self._number}"
        box = checking.find()
        environment = box.environment(self._folder, {})
        ended = checking.run(box, CHECK, clone, environment, 120.0, threading.Event())
        assert ended.code == 0, ended.tail
        return ended.took_s

    def deployed(self) -> float:
        """One run of the playbook, for a project that is not there yet."""
        clone = self._folder / f"clone-{self._number}"
        slug = f"floor-{self._number}"
        proof = self._own.tools.templates.read(TemplateRef(STARTER)).proof
        order = DeployOrder(slug, slug, self._commit, clone, {}, proof=proof)
        began = time.perf_counter()
        ended = self._own.tools.deployer.deploy(order, lambda _text: None, lambda: False)
        assert ended.outcome == "ok", ended
        return time.perf_counter() - began

    def _git(self, *words: str) -> None:
        subprocess.run(["git", *words], check=True, capture_output=True)


def per_kind(operations: Sequence[Operation]) -> Mapping[Work, float]:
    """How long each operation took from its first step to its end, in seconds."""
    return {
        one.kind: (one.finished_at - one.started_at).total_seconds()
        for one in operations
        if one.started_at and one.finished_at
    }


def steps(operations: Sequence[Operation], commit_s: float) -> Iterator[Result]:
    """What steps and operations take besides their work: `specify` asks nobody but the database and the template."""
    took = per_kind(operations)
    each_s = took[Work.SPECIFY] / len(STEPS[Work.SPECIFY])
    detail = f"{each_s * 1e3:.1f} ms against {commit_s * 1e3:.2f} ms"
    yield Result("a step of specify on the road, against one commit", each_s / commit_s, None, detail)
    gaps = [(one.started_at - one.created_at).total_seconds() for one in operations if one.started_at]
    shown = ", ".join(f"{kind} {seconds:.1f} s in {len(STEPS[kind])} steps" for kind, seconds in took.items())
    name = "from an operation's row to its first step (median), against a second"
    yield Result(name, median(gaps) / HANDED_LIMIT_S, 1.0, shown)


def walked() -> Iterator[Result]:
    """The road once, its floor three times."""
    with tempfile.TemporaryDirectory(prefix="steward-road-") as name:
        folder = Path(name)
        floor_folder = folder / "floor"
        floor_folder.mkdir()
        with road(folder, f"sqlite:///{folder}/steward.db", ports=PORTS) as own:
            took_s, agents_s, operations = travelled(own)
            floor = Floor(own, floor_folder, str(operations[-1].facts["commit"]))
            parts = [(floor.pushed(), floor.checked(), floor.deployed()) for _ in range(TIMES)]
        push_s, check_s, play_s = (min(seconds) for seconds in zip(*parts, strict=True))
        floor_s, ours_s = push_s + check_s + play_s, took_s - agents_s
        detail = (
            f"{ours_s:.1f} s ({took_s:.1f} s with {agents_s:.1f} s of agents) against {floor_s:.1f} s:"
            f" push {push_s:.2f}, checks {check_s:.2f}, playbook {play_s:.2f}"
        )
        yield Result("from confirmed to live, against its parts done once", ours_s / floor_s, LIMIT, detail)
        commit_s = commits(f"sqlite:///{folder}/floor.db", 100) / 100
        yield from steps(operations, commit_s)
