"""An installation that drives, without an engine: words write operations, and the test says what comes of them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from steward.adapters.deploy.redaction import Redactor
from steward.adapters.store import open_store
from steward.adapters.templates import CopierTemplates
from steward.adapters.vault import KeptVault, MasterKeys
from steward.app.describing import Wish
from steward.app.driving import start_work
from steward.app.filing import told
from steward.app.operations.ending import fail, succeed
from steward.app.policy import Policy
from steward.app.queries import find_project, the_project
from steward.domain.lifecycle import Who
from steward.domain.operations import STEPS, Failure, Fault, Operation, OperationState, Progress, Work
from steward.domain.people import local
from steward.domain.project import Project
from steward.domain.spec import Estimate, Release
from steward.faces.cli.root import steward
from steward.ports import Writes
from steward.testing.world import World
from tests.contract.vault.kit import CHEAP
from tests.faces.remote_kit import Wired

ANNA = local("local:anna")
URL = "http://127.0.0.1:8700"


QUESTIONS = """\
title: {type: str, help: What it is called}
door: {type: str, help: The code of the door, secret: true, default: ""}
open: {type: bool, help: Whether anybody may come in, default: true}
days: {type: str, help: When, multiselect: true, choices: [monday, friday], default: [friday]}
seats: {type: int, help: How many seats, default: "{{ 2 * 10 }}"}
"""


def templates(folder: Path) -> CopierTemplates:
    """Templates with their cache below a folder; those in files too."""
    return CopierTemplates(folder / "templates", allow_files=True)


def a_template(folder: Path) -> str:
    """A template in git, with questions of every kind; its address."""
    folder.mkdir()
    (folder / "copier.yml").write_text(QUESTIONS)
    (folder / "README.md.jinja").write_text("# {{ title }}\n")
    who = ("-c", "user.name=Anna", "-c", "user.email=anna@example.org")
    for words in (("init", "-q"), ("add", "."), (*who, "commit", "-qm", "A template"), ("tag", "v1.0.0")):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder.as_uri()


def vault(folder: Path, world: World) -> KeptVault:
    """What keeps secrets there."""
    return KeptVault(MasterKeys(folder / "master.key"), world.clock, Redactor, CHEAP)


def driving(folder: Path) -> World:
    """A world whose projects are made of templates."""
    folder.mkdir(parents=True, exist_ok=True)
    world = World(open_store(f"sqlite:///{folder}/steward.db"))
    world.app = replace(world.app, templates=templates(folder), vault=vault(folder, world))
    world.beat()
    return world


def of(tx: Writes, slug: str) -> Project:
    """The project as it is recorded."""
    return the_project(find_project(tx, slug, ANNA))


def running(tx: Writes, slug: str) -> Operation:
    """What runs for it."""
    found = tx.open_operation(of(tx, slug).id)
    assert found is not None, f"something runs for {slug}"
    return found


def advance(world: World, slug: str, number: int, text: str = "") -> None:
    """Let what runs come to that step, and write a line of its log."""
    with told(world.store) as tx:
        operation = running(tx, slug)
        steps = STEPS[operation.kind]
        tx.save_operation(
            replace(
                operation,
                state=OperationState.RUNNING,
                started_at=world.clock.now().at,
                progress=Progress(steps[number - 1], number, len(steps), text),
            )
        )
        tx.append_log(operation.id, operation.attempt, world.clock.now().at, steps[number - 1], [text])


def finish(world: World, slug: str) -> None:
    """Let what runs succeed, and what follows begin."""
    now = world.clock.now()
    with told(world.store) as tx:
        project, operation = of(tx, slug), running(tx, slug)
        if operation.kind is Work.SPECIFY:
            spec = tx.spec(project.id)
            assert spec is not None
            basis = ("no project of this template was built before",)
            tx.save_estimate(Estimate(project.id, spec.version, 8.0, 4.0, 16.0, 1.25, 2.0, basis, now.at))
        if operation.kind is Work.DEPLOY:
            commit = f"{len(tx.releases(project.id)) + 1:040x}"
            made = Release(project.id, 0, commit, URL, "live", now.at, operation.id, health="healthy")
            saved = tx.save_release(made)
            live = {"url": URL, "commit": commit, "since": now.at.isoformat(), "health": "healthy"}
            tx.save_project(replace(project, live={**live, "release": saved.number}), now.at)
        succeed(tx, operation, now, [])
    with told(world.store) as tx:
        start_work(tx, of(tx, slug).id, Policy(), world.clock, "steward", Who.SYSTEM)
    world.store.publish()


def go_wrong(world: World, slug: str, reason: str = "the host does not answer", number: int = 2) -> None:
    """Let what runs fail at that step."""
    with told(world.store) as tx:
        operation = running(tx, slug)
        step = STEPS[operation.kind][number - 1]
        failure = Failure(step, Fault.INFRASTRUCTURE, reason, "Start the host again, then retry.")
        fail(tx, operation, failure, world.clock.now(), [])
    world.store.publish()


def lay(world: World, slug: str) -> None:
    """Order a project and bring it live."""
    asked = world.app.commands(ANNA)
    asked.draft(slug, title="Corner shop", wish=Wish(answers={"features": "Cart: adds up"}))
    asked.approve(slug)
    finish(world, slug)
    asked.confirm(slug)
    for _work in ("provision", "design", "implement", "verify", "deploy"):
        finish(world, slug)


class Meanwhile(Wired):
    """Lets one thing happen each time that a command waits; when nothing is left, the process is to end."""

    def __init__(self, app: Any, *happenings: Callable[[], object]) -> None:
        super().__init__(app)
        self._happenings = list(happenings)

    def wait(self, timeout_s: float) -> bool:
        """Let the next thing happen."""
        assert timeout_s <= 1
        if not self._happenings:
            return True
        self._happenings.pop(0)()
        return False


def main(folder: str, *args: str) -> None:
    """Run `steward ARGS` on the world of that folder, at whatever terminal this process has."""
    world = World(open_store(f"sqlite:///{folder}/steward.db"))
    world.store.release(world.lease)
    app = replace(world.app, templates=templates(Path(folder)), vault=vault(Path(folder), world))
    steward.main(list(args), "steward", obj=Wired(app))
