"""A small Steward that drives projects, in memory: a World, an InlineEngine, and the fakes of the outsides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast

from steward.app.building import Building
from steward.app.describing import Wish
from steward.app.driving import Driver
from steward.app.health import Health
from steward.app.operations.context import Tools
from steward.app.operations.runner import Runner
from steward.app.policy import Policy
from steward.app.watching import Watching
from steward.app.whose import Eyes
from steward.domain.agents import Role
from steward.domain.operations import Operation, Work
from steward.domain.people import Principal, local
from steward.domain.project import Project
from steward.domain.spec import Release, Update
from steward.domain.verdict import Rule, Verdict, verdict
from steward.ports import Lease, Reads, Store, Writes
from steward.ports.engine import Lane
from steward.testing.engine import Crashed, InlineEngine
from steward.testing.gate import Gate
from steward.testing.tools import (
    FakeAgent,
    FakeDeployer,
    FakeProbe,
    FakeTemplates,
    FakeWorkshop,
    GatedForge,
)
from steward.testing.world import World

ANNA: Final = "local:anna"
SEAL_KEY: Final = b"a key for the seals of tests"
ROUNDS_MAX: Final = 500
"""Rounds of the leader's loop: a road that takes more is never over."""


class GatedStore:
    """A store whose write transactions pass a gate too: the process can die before and after each."""

    def __init__(self, store: Store, gate: Gate) -> None:
        self._store = store
        self._gate = gate

    def reading(self) -> AbstractContextManager[Reads]:
        """As the port says."""
        return self._store.reading()

    @contextmanager
    def writing(self, lease: Lease | None = None) -> Iterator[Writes]:
        """As the port says."""
        with self._gate.effect("write"), self._store.writing(lease) as tx:
            yield tx

    def __getattr__(self, name: str) -> Any:
        """Everything else is the store's own."""
        return getattr(self._store, name)


class Driven(World):
    """A World that drives. `gate` passes every effect on the outside; `writes` every write of the operations."""

    def __init__(self, store: Store, workdir: Path, *, policy: Policy | None = None, **tools: Any) -> None:
        super().__init__(store)
        self.gate, self.writes = Gate(), Gate()
        self.build = GatedForge(self.forge, self.gate)
        self.workshop = FakeWorkshop(self.build, self.gate)
        self.templates = FakeTemplates(self.workshop)
        self.agent = FakeAgent(self.workshop, self.gate)
        self.deployer = FakeDeployer(self.gate)
        self.probe = FakeProbe(self.deployer)
        self.policy = policy or Policy()
        self.eyes = Eyes(
            forge=lambda: self.build,
            workshop=self.workshop,
            seal_keys=lambda: [SEAL_KEY],
            checks=self._checks,
            robots=frozenset({"dependabot[bot]"}),
        )
        self.app = replace(
            self.app,
            templates=self.templates,
            policy=self.policy,
            vault=tools.get("vault"),
            writing=lambda: self.build,
        )
        self.tools = Tools(
            forge=lambda: self.build,
            workshop=self.workshop,
            templates=self.templates,
            agents=dict.fromkeys(Role, self.agent),
            deployer=self.deployer,
            probe=self.probe,
            workdir=workdir,
            rule=Rule(deadline_s=600.0, grace_s=60.0),
            poll_s=20.0,
            eyes=self.eyes,
            **tools,
        )
        self.channels = [self.recorder.channel]
        self.engine = InlineEngine()
        self.begin()

    def begin(self) -> None:
        """A new process: nothing that the last one knew is left but the database and the engine's record."""
        store = cast("Store", GatedStore(self.store, self.writes))
        runner = Runner(store, self.clock, self.tools, self.channels)
        self.engine.launch(runner, [Lane(kind.value, 4) for kind in Work], work=True)
        self.driver = Driver(store, self.clock, self.engine, self.policy, self.channels)
        self.watching = Watching(store, self.clock, self.eyes, self.channels)
        self.health = Health(store, self.clock, self.probe, self.channels)

    def _checks(self, repo_id: int, sha: str, since: datetime) -> Verdict:
        return verdict(self.build.checks(repo_id, sha), self.tools.rule, self.clock.now().at, since)

    def watch(self) -> int:
        """Look at the branches that are due, as the loop of the organisation does after a look."""
        return sum(self.watching.round(one.id) for one in self.organisations)

    def neighbours(self) -> None:
        """Other repositories in the organisation, so that the loss of one is no mass loss."""
        for name in ("tickets", "blog", "bot", "api", "docs"):
            self.forge.create("acme", name)
        self.beat()
        self.clock.advance(600)

    def vanish(self, slug: str = "shop") -> None:
        """Delete a project's repository on GitHub, and look until that is concluded."""
        repo_id = self.project(slug).repository_id or 0
        # Past the window of the mass-loss guard, so that losses that a story has before do not hold this one.
        self.clock.advance(self.rules.loss_window_s + 60)
        self.forge.delete(repo_id)
        for _ in range(5):
            self.settle()
            if self.status(repo_id) == "missing":
                return
        raise RuntimeError("the loss is not concluded")

    def building(self, actor: str = ANNA) -> Building:
        """What a person may ask."""
        return self.app.commands(local(actor))

    def drive(self) -> int:
        """Let the leader and the engine work until nothing is left to do; how often they died at it."""
        deaths = 0
        for _ in range(ROUNDS_MAX):
            try:
                calls = self.engine.calls
                busy = self.driver.tick()
                self.engine.run_all(self.clock)
                if not busy and calls == self.engine.calls:
                    return deaths
            except Crashed:
                deaths += 1
                self.begin()
        raise RuntimeError(f"the road is never over: {self.project().status}")

    def until(self, until: Callable[[], bool]) -> None:
        """Let them work one round at a time until something holds. Raises RuntimeError where it never does."""
        for _ in range(ROUNDS_MAX):
            self.driver.tick()
            if until():
                return
            self.engine.run_all(self.clock)
        raise RuntimeError("it never holds")

    def wish(self, **said: Any) -> Wish:
        """A wish for the fake template."""
        return Wish(answers={"features": "Cart: adds up"}, **said)

    def order_past_deaths(self, slug: str = "shop", *, confirm: bool = True) -> None:
        """Order a project and have it estimated and confirmed, however often what drives dies at it."""
        self.building().draft(slug, wish=self.wish())
        self.building().approve(slug)
        self.drive()
        if confirm:
            self.building().confirm(slug)

    def order(self, slug: str = "shop", **wish: Any) -> None:
        """Order a project, and say yes to all that is asked until it is provisioned."""
        self.building().draft(slug, wish=self.wish(**wish))
        self.building().approve(slug)
        self.drive()
        self.building().confirm(slug)

    def live(self, slug: str = "shop") -> None:
        """Order a project and have it built."""
        self.order(slug)
        self.drive()

    # What is recorded ----------------------------------------------------------------------------------

    def project(self, slug: str = "shop") -> Project:
        """A project of ours."""
        return next(one for one in self.projects() if one.slug == slug)

    def operations(self, slug: str = "shop") -> list[Operation]:
        """Its operations, the newest first."""
        project_id = self.project(slug).id
        with self.store.reading() as view:
            return view.operations(project_id)

    def releases(self, slug: str = "shop") -> list[Release]:
        """Its releases, the newest first."""
        project_id = self.project(slug).id
        with self.store.reading() as view:
            return view.releases(project_id)

    def updates(self, slug: str = "shop") -> list[Update]:
        """Its updates, the oldest first."""
        project_id = self.project(slug).id
        with self.store.reading() as view:
            return view.updates(project_id)

    def branch(self, kind: Work, slug: str = "shop") -> str:
        """The branch of its newest operation of that kind."""
        return f"steward/{kind}-{self.work_of(kind, slug).id[:8]}"

    def person(self, actor: str) -> Principal:
        """Somebody on the same machine."""
        return local(actor)

    def tip(self, slug: str = "shop") -> str:
        """The commit of its default branch."""
        found = self.build.tip(self.project(slug).repository_id or 0, "main")
        assert found is not None, "a repository of ours has a default branch"
        return found

    def work_of(self, kind: Work, slug: str = "shop") -> Operation:
        """Its newest operation of that kind."""
        return next(one for one in self.operations(slug) if one.kind is kind)
