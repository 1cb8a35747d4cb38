"""A whole Steward that drives: localhub, git, copier, the box, Ansible, the engine, all real, in this process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx

from localhub.testing import Hub
from steward.adapters.agents import StarterAgent
from steward.adapters.box import Bubblewrap, NoBox
from steward.adapters.clock import SystemClock
from steward.adapters.deploy.deployer import AnsibleDeployer
from steward.adapters.deploy.local import LocalHost
from steward.adapters.deploy.probe import LifeProbe
from steward.adapters.deploy.redaction import Redactor
from steward.adapters.deploy.targets import Target
from steward.adapters.engine import open_engine
from steward.adapters.git import GitWorkshop
from steward.adapters.github import Token, connect
from steward.adapters.github.write import connect_write
from steward.adapters.store import open_store
from steward.adapters.templates import CopierTemplates
from steward.adapters.vault import KeptVault, MasterKeys
from steward.app.application import Application
from steward.app.connecting import connect as connect_organisations
from steward.app.describing import Wish
from steward.app.driving import Driver
from steward.app.operations.context import Tools
from steward.app.operations.runner import Runner
from steward.app.whose import Eyes
from steward.domain.agents import Role
from steward.domain.operations import Work
from steward.domain.people import local
from steward.domain.rules import Rules
from steward.domain.verdict import Rule, Verdict, verdict
from steward.ports.building import ForgeWrite
from steward.ports.engine import Lane

ANNA = local("local:anna")
ROAD_S = 200.0
LANES: Final = [Lane(kind.value, 4) for kind in Work]


@dataclass
class Road:
    """One installation. `app` is what people use; `drive` lets the leader's loop run until something holds."""

    app: Application
    driver: Driver
    hub: Hub
    tools: Tools

    @property
    def anna(self) -> Any:
        """Who asks."""
        return ANNA

    def building(self) -> Any:
        """What Anna may ask."""
        return self.app.commands(ANNA)

    def project(self, slug: str) -> dict[str, Any]:
        """As faces see it."""
        return self.app.queries(ANNA).project(slug)

    def ordered(self, slug: str = "shop", *, features: str = "Cart: adds up\nSearch: finds") -> None:
        """Order a project and have it estimated and confirmed."""
        self.building().draft(slug, title="Corner shop", wish=Wish(answers={"features": features}))
        self.building().approve(slug)
        self.until(slug, "estimated")
        self.building().confirm(slug)

    def fails(self, slug: str = "shop", timeout_s: float = ROAD_S) -> dict[str, Any]:
        """Drive until the project is in its error; the only incident."""
        shown = self.until(slug, "error", timeout_s=timeout_s)
        (incident,) = [one for one in shown["incidents"] if one["state"] == "open"]
        found: dict[str, Any] = self.app.queries(ANNA).incident(incident["id"])
        return found

    def get(self, path: str) -> Any:
        """What localhub answers of the repository of the shop."""
        answer = httpx.get(f"{self.hub.url}/repos/acme/shop/{path}", headers=self.hub.headers)
        return answer.raise_for_status().json()

    def tree(self) -> str:
        """The tree of the default branch's tip."""
        found: str = self.get("commits/main")["commit"]["tree"]["sha"]
        return found

    def judge_once(self, slug: str = "shop") -> None:
        """One repository; a pull request and a merge per operation that makes one; a release per commit."""
        assert [repo.name for repo in self.repositories()] == [slug]
        project_id = self.project(slug)["id"]
        with self.app.store.reading() as view:
            operations, releases = view.operations(project_id), view.releases(project_id)
        made = [one for one in operations if "pull" in one.facts]
        pulls = self.get("pulls?state=all&per_page=100")
        assert sorted(pull["number"] for pull in pulls) == sorted(one.facts["pull"] for one in made)
        assert all(pull["merged_at"] for pull in pulls)
        commits = self.get("commits?per_page=100")
        merges = {commit["sha"] for commit in commits if len(commit["parents"]) > 1}
        assert merges == {one.facts["merged"] for one in made}
        assert len({release.commit for release in releases}) == len(releases)

    def repositories(self) -> list[Any]:
        """Every living repository of the organisation."""
        return [self.hub.repo(repo_id) for repo_id in self.hub.ids()]

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


def make_tools(
    tmp: Path, forge: ForgeWrite, *, ports: tuple[int, int], box: Bubblewrap | None = None, **changes: Any
) -> tuple[Tools, LocalHost]:
    """The real outsides of an installation whose files lie in `tmp`; and the host of its sites."""
    clock = SystemClock()
    host = LocalHost(tmp, clock=clock, ports=ports)
    starter = StarterAgent(box or Bubblewrap(), NoBox(), clock)
    tools = Tools(
        forge=lambda: forge,
        workshop=GitWorkshop(tmp / "git"),
        templates=CopierTemplates(tmp / "templates"),
        agents=dict.fromkeys(Role, starter),
        deployer=AnsibleDeployer(tmp, [Target("local")], clock=clock, local=host),
        probe=LifeProbe(clock),
        workdir=tmp / "work",
        rule=Rule(deadline_s=60.0, grace_s=5.0),
        poll_s=0.1,
        vault=KeptVault(MasterKeys(tmp / "master.key"), clock, Redactor),
    )
    return replace(tools, **changes), host


def eyes(tools: Tools, clock: SystemClock) -> Eyes:
    """What tells whose a change is, as an installation has it."""
    vault = tools.vault
    assert vault is not None

    def checks(repo_id: int, sha: str, since: datetime) -> Verdict:
        return verdict(tools.forge().checks(repo_id, sha), tools.rule, clock.now().at, since)

    return Eyes(forge=tools.forge, workshop=tools.workshop, seal_keys=vault.seal_keys, checks=checks)


@contextmanager
def road(
    tmp: Path,
    url: str,
    *,
    ports: tuple[int, int],
    work: bool = True,
    box: Bubblewrap | None = None,
    watched: bool = False,
    **changes: Any,
) -> Iterator[Road]:
    """Everything, up to the end of the block. Without `work`, other processes run what is queued here; `watched`:
    it is told whose changes are.
    """
    with ExitStack() as closing:
        hub = closing.enter_context(Hub(orgs=["acme"]))
        clock = SystemClock()
        store = open_store(url, upgrade=True)
        closing.callback(store.close)
        forge = closing.enter_context(connect(hub.url, credential=Token(hub.token), clock=clock))
        writing = closing.enter_context(connect_write(hub.url, credential=Token(hub.token), clock=clock))
        tools, host = make_tools(tmp, writing, ports=ports, box=box, **changes)
        if watched:
            tools = replace(tools, eyes=eyes(tools, clock))
        closing.callback(host.suspend)
        engine = open_engine(url, state_dir=tmp, holder="test", clock=clock)
        engine.launch(Runner(store, clock, tools, ["log"]), LANES, work=work)
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
            vault=tools.vault,
            writing=tools.forge,
        )
        connect_organisations(store, ["acme"], hub.url, clock.now().at)
        driver = Driver(store, clock, engine, app.policy, [])
        yield Road(app, driver, hub, tools)
