"""A whole Steward that drives: localhub, git, copier, the box, Ansible, the engine, all real, in this process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localhub.testing import Hub
from steward.adapters.agents import StarterAgent
from steward.adapters.box import Bubblewrap, NoBox
from steward.adapters.clock import SystemClock
from steward.adapters.deploy.deployer import AnsibleDeployer
from steward.adapters.deploy.local import LocalHost
from steward.adapters.deploy.probe import LifeProbe
from steward.adapters.deploy.targets import Target
from steward.adapters.engine import open_engine
from steward.adapters.git import GitWorkshop
from steward.adapters.github import Token, connect
from steward.adapters.github.write import connect_write
from steward.adapters.store import open_store
from steward.adapters.templates import CopierTemplates
from steward.app.application import Application
from steward.app.connecting import connect as connect_organisations
from steward.app.driving import Driver
from steward.app.operations.context import Tools
from steward.app.operations.runner import Runner
from steward.domain.agents import Role
from steward.domain.operations import Work
from steward.domain.people import local
from steward.domain.rules import Rules
from steward.domain.verdict import Rule
from steward.ports.engine import Lane

ANNA = local("local:anna")
ROAD_S = 120.0


@dataclass
class Road:
    """One installation. `app` is what people use; `drive` lets the leader's loop run until something holds."""

    app: Application
    driver: Driver
    hub: Hub
    tools: Tools

    def building(self) -> Any:
        """What Anna may ask."""
        return self.app.commands(ANNA)

    def project(self, slug: str) -> dict[str, Any]:
        """As faces see it."""
        return self.app.queries(ANNA).project(slug)

    def until(self, slug: str, *statuses: str, timeout_s: float = ROAD_S) -> dict[str, Any]:
        """Drive until the project is in one of these; an error shows its incident."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            self.driver.tick()
            shown = self.project(slug)
            if shown["status"] in statuses:
                return shown
            if shown["status"] == "error":
                raise AssertionError(shown["incidents"])
            time.sleep(0.05)
        raise AssertionError((shown["status"], shown["operation"]))


@contextmanager
def road(tmp: Path, url: str, *, ports: tuple[int, int]) -> Iterator[Road]:
    """Everything, up to the end of the block."""
    with ExitStack() as closing:
        hub = closing.enter_context(Hub(orgs=["acme"]))
        clock = SystemClock()
        store = open_store(url, upgrade=True)
        closing.callback(store.close)
        forge = closing.enter_context(connect(hub.url, credential=Token(hub.token), clock=clock))
        writing = closing.enter_context(connect_write(hub.url, credential=Token(hub.token), clock=clock))
        host = LocalHost(tmp, clock=clock, ports=ports)
        closing.callback(host.suspend)
        box = Bubblewrap()
        starter = StarterAgent(box, NoBox(), clock)
        tools = Tools(
            forge=lambda: writing,
            workshop=GitWorkshop(tmp / "git"),
            templates=CopierTemplates(tmp / "templates"),
            agents=dict.fromkeys(Role, starter),
            deployer=AnsibleDeployer(tmp, [Target("local")], clock=clock, local=host),
            probe=LifeProbe(clock),
            workdir=tmp / "work",
            rule=Rule(deadline_s=60.0, grace_s=5.0),
            poll_s=0.1,
        )
        engine = open_engine(url, state_dir=tmp, holder="test", clock=clock)
        runner = Runner(store, clock, tools, ["log"])
        engine.launch(runner, [Lane(kind.value, 4) for kind in Work], work=True)
        closing.callback(engine.close, 10.0)
        app = Application(
            store=store,
            clock=clock,
            rules=Rules(),
            forge=lambda: forge,
            logins=["acme"],
            server=hub.url,
            notifiers=[],
            holder="test",
            templates=tools.templates,
        )
        connect_organisations(store, ["acme"], hub.url, clock.now().at)
        driver = Driver(store, clock, engine, app.policy, [])
        yield Road(app, driver, hub, tools)
