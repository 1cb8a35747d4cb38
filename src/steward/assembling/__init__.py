"""Builds what projects are driven with: agents, boxes, templates, git, the deployer and the engine. A part of main."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from contextlib import ExitStack
    from subprocess import CompletedProcess

    from steward.adapters.box import Bubblewrap
    from steward.adapters.clock import SystemClock
    from steward.adapters.github import Credential
    from steward.adapters.vault import KeptVault, MasterKeys
    from steward.app.driving import Drive
    from steward.app.policy import Policy
    from steward.app.surveying import Surveying
    from steward.app.whose import Eyes
    from steward.domain.agents import Role
    from steward.domain.spec import Template, TemplateRef
    from steward.ports import Secret
    from steward.ports.building import Agent, ForgeWrite, Templates, Workshop
    from steward.ports.vault import Vault
    from steward.ports.watching import ForgeWatch
    from steward.settings import Loaded
    from steward.settings.model import BuildSection


RENDER_S: Final = 120.0
"""How long the rendering of a template may take."""


class LateTemplates:
    """Templates that are opened when they are first asked for: most commands ask for none."""

    def __init__(self, make: Callable[[], Templates]) -> None:
        self._make = make
        self._made: Templates | None = None

    @property
    def _real(self) -> Templates:
        if self._made is None:
            self._made = self._make()
        return self._made

    def read(self, ref: TemplateRef) -> Template:
        """See `ports.building.Templates`."""
        return self._real.read(ref)

    def render(self, ref: TemplateRef, answers: Mapping[str, Any], into: Path, previous: bool) -> Any:
        """See `ports.building.Templates`."""
        return self._real.render(ref, answers, into, previous)


def signs(
    loaded: Loaded, clock: SystemClock, observing: Callable[[], tuple[str, Credential]], closing: ExitStack
) -> dict[str, Any]:
    """What this installation tells of itself outside of its database, and what reads branches, as `Parts` names them.

    `observing` gives the server and the credential that only reads.
    """
    from steward.adapters.highwater import HighWaterFile
    from steward.adapters.notify import HttpPulse

    def watching() -> ForgeWatch:
        from steward.adapters.github.watch import connect_watch

        url, credential = observing()
        watch = connect_watch(url, credential=credential, clock=clock)
        closing.callback(watch.close)
        return watch

    notify = loaded.settings.notify
    url = notify.alive_url
    return {
        "high_water": HighWaterFile(loaded.state_dir / "high-water.json"),
        "pulse": HttpPulse(url.get_secret_value()) if url is not None else None,
        "pulse_every_s": notify.alive_every_s,
        "watching": cache(watching),
    }


def policy(loaded: Loaded) -> Policy:
    """What is asked of people beyond their rights."""
    from steward.app.policy import Policy
    from steward.domain.hands import HandsOff

    asked = loaded.settings.policy
    return Policy(asked.four_eyes, asked.deploy_asks, asked.budget_usd, HandsOff(asked.hands_off))


def templates(loaded: Loaded) -> Templates:
    """The templates of this installation. Outside ones are rendered in a box, or not at all."""

    def made() -> Templates:
        from steward.adapters.box import Bubblewrap, completed
        from steward.adapters.templates import CopierTemplates

        box, package = Bubblewrap(), Path(__file__).parent.parent

        def boxed(argv: list[str], folder: Path) -> CompletedProcess[bytes]:
            return completed(box, argv, folder, readable=(package,), timeout_s=RENDER_S)

        there = box.available() is None
        code = loaded.settings.build.template_code and there
        return CopierTemplates(
            loaded.state_dir / "templates",
            runner=boxed if there else None,
            require_box=True,
            allow_code=code,
            timeout_s=RENDER_S,
        )

    return LateTemplates(made)


def master_keys(loaded: Loaded) -> MasterKeys:
    """The master key of the secrets: of the settings, else a file of our own in the state directory."""
    from steward.adapters.vault import MasterKeys

    own = loaded.settings.vault
    fixed = own.key.get_secret_value() if own.key else None
    return MasterKeys(loaded.state_dir / "master.key", fixed=fixed, named=own.key_file)


def vault(loaded: Loaded, clock: SystemClock) -> KeptVault:
    """What keeps the values of projects. No key is read or made here."""
    from steward.adapters.deploy.redaction import Redactor
    from steward.adapters.vault import KeptVault

    return KeptVault(master_keys(loaded), clock, Redactor)


def drive(
    loaded: Loaded,
    clock: SystemClock,
    holder: str,
    forge: Callable[[], ForgeWrite],
    redact: Callable[[str], str],
    kept: Vault,
) -> Drive:
    """Everything that a process which drives projects needs. Nothing is started here."""
    from steward.adapters.box import Bubblewrap
    from steward.adapters.deploy.deployer import AnsibleDeployer
    from steward.adapters.deploy.local import LocalHost
    from steward.adapters.deploy.probe import LifeProbe
    from steward.adapters.deploy.supervising import Supervisors
    from steward.adapters.engine import open_engine
    from steward.adapters.git import GitWorkshop
    from steward.app.driving import Drive, nothing
    from steward.app.operations.context import Tools

    state, build, deploy = loaded.state_dir, loaded.settings.build, loaded.settings.deploy
    targets = [_target(loaded)]
    host = LocalHost(state, clock=clock, ports=(deploy.first_port, deploy.last_port))
    engine = open_engine(loaded.database_url, state_dir=state, holder=holder, clock=clock)
    workshop = GitWorkshop(state / "git")
    tools = Tools(
        forge=forge,
        workshop=workshop,
        templates=templates(loaded),
        agents=agents(build, Bubblewrap(), clock),
        deployer=AnsibleDeployer(state, targets, clock=clock, local=host),
        probe=LifeProbe(clock, process=Supervisors(state, targets, local=host)),
        workdir=state / "work",
        redact=redact,
        **_numbers(build),
        poll_s=0.3 if loaded.demo else 5.0,
        visibility=build.visibility,
        model=build.model,
        network="model" if build.model_kind else "none",
        fenced=lambda: engine.fenced,
        vault=kept,
        eyes=_eyes(loaded, clock, forge, workshop, kept),
    )
    local = deploy.kind == "local"
    resume = host.resume if local else nothing
    # The sample's sites end with it; those of a real installation serve on.
    suspend = host.suspend if local and loaded.demo else nothing
    return Drive(tools, engine, at_once=build.at_once, resume=resume, suspend=suspend)


def _eyes(
    loaded: Loaded, clock: SystemClock, forge: Callable[[], ForgeWrite], workshop: Workshop, kept: Vault
) -> Eyes:
    """What tells whose a change is."""
    from datetime import datetime

    from steward.app.whose import Eyes
    from steward.domain.verdict import Verdict, verdict

    rule, policy = _numbers(loaded.settings.build)["rule"], loaded.settings.policy

    def checks(repo_id: int, sha: str, since: datetime) -> Verdict:
        return verdict(forge().checks(repo_id, sha), rule, clock.now().at, since)

    return Eyes(
        forge=forge,
        workshop=workshop,
        seal_keys=kept.seal_keys,
        checks=checks,
        robots=frozenset(policy.robots),
        topic=policy.topic,
    )


def surveying(
    loaded: Loaded,
    clock: SystemClock,
    watching: Callable[[], ForgeWatch],
    drive: Callable[[], Drive] | None,
) -> Surveying:
    """What repositories are read with before they are taken in, with the observer's credential. Nothing is read here.

    What checks say of a commit is asked with the builder's credential, where there is one.
    """
    from steward.adapters.deploy.probe import LifeProbe
    from steward.adapters.git import ShallowTrees
    from steward.adapters.scan import TreeScanner
    from steward.app.surveying import Surveying
    from steward.domain.verdict import Rule

    build = loaded.settings.build
    checks = None if drive is None else lambda repo_id, sha: drive().tools.forge().checks(repo_id, sha)
    return Surveying(
        trees=ShallowTrees(loaded.state_dir / "reading"),
        scanner=TreeScanner(),
        forge=watching,
        workdir=loaded.state_dir / "scans",
        checks=checks,
        probe=cache(lambda: LifeProbe(clock)),
        rule=Rule(deadline_s=build.checks_deadline_s, grace_s=build.checks_grace_s),
        reserve=loaded.settings.sync.budget_reserve,
    )


def _numbers(build: BuildSection) -> dict[str, Any]:
    """What the settings say of money, time and checks."""
    from steward.domain.agents import Limits
    from steward.domain.estimating import Rates
    from steward.domain.verdict import Rule

    return {
        "rates": Rates(hour_usd=build.hour_usd, model_usd_per_hour=build.model_hour_usd),
        "limits": Limits(wall_s=build.wall_s, silence_s=build.silence_s),
        "rule": Rule(deadline_s=build.checks_deadline_s, grace_s=build.checks_grace_s),
    }


def _target(loaded: Loaded) -> Any:
    from steward.adapters.deploy.targets import Target

    own = loaded.settings.deploy
    if own.kind == "local":
        return Target("local")
    return Target(
        "host",
        "ssh",
        address=own.address,
        user=own.user,
        port=own.ssh_port,
        key_file=own.key_file,
        host_key=own.host_key,
        base=own.base,
        domain_pattern=own.domain_pattern,
        reverse_proxy=bool(own.domain_pattern),
    )


def agents(build: BuildSection, box: Bubblewrap, clock: SystemClock) -> Mapping[Role, Agent]:
    """Which agent takes which role."""
    from steward.domain.agents import Role

    chosen = {
        Role.ARCHITECT: build.architect or build.agent,
        Role.DEVELOPER: build.developer or build.agent,
        Role.TESTER: build.tester or build.agent,
    }
    made = {name: _agent(name, build, box, clock) for name in set(chosen.values())}
    return {role: made[name] for role, name in chosen.items()}


def _agent(name: str, build: BuildSection, box: Bubblewrap, clock: SystemClock) -> Agent:
    from steward.adapters import agents as kinds
    from steward.adapters.box import NoBox
    from steward.ports import BadSettings

    access = None
    if build.model_kind is not None:
        if build.model_url is None:
            raise BadSettings("STEWARD_BUILD_MODEL_URL is not set", "Name the model's server")
        access = kinds.ModelAccess(build.model_kind, build.model_url, lambda: _key(build.model_key_file))
    if name == "claude":
        return kinds.ClaudeCode(box, clock, access)
    if name == "codex":
        return kinds.Codex(box, clock, access)
    if name == "opencode":
        return kinds.opencode(box, clock, access)
    if name == "command":
        if not build.command:
            raise BadSettings("STEWARD_BUILD_COMMAND is not set", "Name the program of the agent `command`")
        return kinds.CommandAgent("command", build.command, box, clock, access=access)
    return kinds.StarterAgent(box, NoBox(), clock)


def _key(file: Path | None) -> str | None:
    return file.read_text().strip() if file is not None else None


def webhook_secret(loaded: Loaded) -> Secret:
    """What webhooks are signed with: of the settings, else a file of our own in the state directory."""
    from steward.adapters.secret import SecretFile

    github = loaded.settings.github
    fixed = github.webhook_secret.get_secret_value() if github.webhook_secret else None
    own = loaded.state_dir / "webhook-secret"
    return SecretFile(own, fixed=fixed, named=github.webhook_secret_file)


def secrets(loaded: Loaded) -> Iterator[str]:
    """Every secret that the settings hold or name a file for, for the log to mask."""
    from contextlib import suppress
    from urllib.parse import unquote, urlsplit

    from pydantic import SecretStr

    from steward.ports import Permanent
    from steward.settings.model import known

    for section, name, _info in known():
        value = getattr(getattr(loaded.settings, section) if section else loaded.settings, name)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, SecretStr):
                yield one.get_secret_value()
        if value is not None and name.endswith(("token_file", "secret_file", "model_key_file")):
            # A file that cannot be read is complained of where it is needed.
            with suppress(OSError, UnicodeDecodeError):
                yield value.read_text().strip()
    if password := urlsplit(loaded.database_url).password:
        yield from (password, unquote(password))
    with suppress(Permanent):
        yield webhook_secret(loaded).read() or ""
    with suppress(Permanent):
        yield from master_keys(loaded).texts()
