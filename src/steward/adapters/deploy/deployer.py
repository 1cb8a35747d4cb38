"""Deploys with Ansible: one playbook per kind of host, a private folder per run, a lock per host."""

from __future__ import annotations

import base64
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import steward
from steward.adapters.deploy import files, units
from steward.adapters.deploy.local import SLUG, LocalHost
from steward.adapters.deploy.parcel import BadTree, pack
from steward.adapters.deploy.playing import Player
from steward.adapters.deploy.private import PrivateFolders
from steward.adapters.deploy.redaction import Redactor
from steward.adapters.deploy.release import bubblewrap
from steward.adapters.deploy.service import VARIABLE, BadService, Service, read_service
from steward.adapters.deploy.targets import Target, checked
from steward.adapters.deploy.variables import variables_file
from steward.ports import Clock, Transient
from steward.ports.building import Deployed, DeployOrder
from steward.ports.engine import StopAsked

COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")
PATH: Final = re.compile(r"/[A-Za-z0-9._~/?=&%+-]*")
LOCK_ROUND_S: Final = 0.2
PROVE_S: Final = 60.0
BOXLESS: Final = (
    "bubblewrap is not there: only the built-in template's projects run without a box. "
    "Install it (apt-get install bubblewrap)"
)
PLAYBOOKS: Final = Path(steward.__file__).parent / "playbooks"


class _Refused(Exception):
    """It is not to be deployed; `task` says what was looked at."""

    def __init__(self, task: str, reason: str) -> None:
        super().__init__(reason)
        self.task = task


class _Broken(Exception):
    """Waiting ended; `outcome` says how."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class AnsibleDeployer:
    """Puts commits on hosts of the allow-list `targets`; the first one is meant where an order names none.

    `playbooks` holds local.yml, ssh.yml and remove.yml; `prove_s` is how long a new release has to prove itself.
    """

    def __init__(
        self,
        state_dir: Path,
        targets: Sequence[Target],
        *,
        clock: Clock,
        local: LocalHost,
        playbooks: Path = PLAYBOOKS,
        prove_s: float = PROVE_S,
    ) -> None:
        self._targets = {target.name: checked(target) for target in targets}
        self._first = targets[0].name if targets else ""
        self._clock = clock
        self._local = local
        self._playbooks = playbooks
        self._prove_s = prove_s
        self._state = state_dir / "deploy"
        self._folders = PrivateFolders(state_dir)
        self._player = Player(clock)
        self._folders.sweep()

    def deploy(self, order: DeployOrder, told: Callable[[str], None], stop: StopAsked) -> Deployed:
        """Deploy one commit; see `ports.building.Deployer`. Raises Permanent, Transient for this machine's faults."""
        redact = Redactor(order.secrets.values())
        try:
            target = self._target(order.target or self._placed(order.slug))
            service = self._checked(order, target)
            with self._lock(target, order.timeout_s, told, stop):
                ended = self._deploy(order, target, service, redact, told, stop)
        except _Refused as refused:
            return Deployed("failed", failed_task=refused.task, reason=redact(str(refused)))
        except _Broken as broken:
            return Deployed(broken.outcome, reason="another deployment has the host")
        except OSError as error:
            raise Transient(redact(f"this machine cannot deploy now: {error}")) from None
        if ended.outcome == "ok":
            files.write_json(self._state / f"{order.slug}.json", {"target": target.name})
        return ended

    def undeploy(self, project_id: str, slug: str) -> Deployed:  # noqa: ARG002 - the slug names its files
        """Stop what was deployed of a project and remove it from its host."""
        try:
            target = self._target(self._placed(slug))
            with self._lock(target, 60.0, lambda _text: None, lambda: False):
                ended = self._remove(slug, target)
        except _Refused as refused:
            return Deployed("failed", failed_task=refused.task, reason=str(refused))
        except _Broken:
            return Deployed("timeout", reason="another deployment has the host")
        if ended.outcome == "ok":
            (self._state / f"{slug}.json").unlink(missing_ok=True)
        return ended

    def _remove(self, slug: str, target: Target) -> Deployed:
        if target.kind == "local":
            self._local.remove(slug)
            return Deployed("ok")
        with self._folders.one() as folder:
            facts = {**units.host_facts(target, slug), "stamp": str(folder)}
            job = self._prepare(folder, target, facts, {}, "remove.yml", 120.0)
            return self._player.play(job, redact=Redactor(()), said=lambda _text: None, stop=lambda: False)

    def _placed(self, slug: str) -> str:
        """The host that a project was deployed to before; the first one where it was not."""
        if not SLUG.fullmatch(slug):
            raise _Refused("Look at the order", f"{slug!r} is no slug")
        return str(files.read_json(self._state / f"{slug}.json").get("target", self._first))

    def _target(self, name: str) -> Target:
        if name not in self._targets:
            raise _Refused("Look at the host", f"the host {name!r} is not on the list of hosts to deploy to")
        return self._targets[name]

    def _checked(self, order: DeployOrder, target: Target) -> Service:
        """What the commit runs, if the order can be carried out on that host. Raises _Refused."""
        values = {**order.variables, **order.secrets}
        rules = (
            (COMMIT.fullmatch(order.commit), "the commit is no full hash"),
            (order.proof.kind != "package", "a package is published, not deployed to a host"),
            (PATH.fullmatch(order.proof.path), "the path that proves life is no path"),
            (PATH.fullmatch(order.proof.version_path or "/"), "the path that tells the commit is no path"),
            (all(VARIABLE.fullmatch(name) for name in values), "a variable's name is none"),
            (not any("\0" in value for value in values.values()), "a variable holds a null character"),
            (
                target.kind == "local" or order.proof.kind != "http" or target.domain(order.slug),
                f"the host {target.name} has no domain pattern, or no reverse proxy, for a site",
            ),
            (
                target.kind != "local" or bubblewrap() or order.trusted,
                BOXLESS,
            ),
        )
        for good, reason in rules:
            if not good:
                raise _Refused("Look at the order", reason)
        try:
            return read_service(order.tree, compose_allowed=target.kind == "ssh")
        except BadService as error:
            raise _Refused("Read deploy.toml", str(error)) from None

    @contextmanager
    def _lock(
        self, target: Target, wait_s: float, told: Callable[[str], None], stop: StopAsked
    ) -> Iterator[None]:
        """The host's lock. Raises _Broken when it was not had in time."""
        self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._state / f"{target.name}.lock"
        until = self._clock.now().tick_s + wait_s
        held = files.seize(path)
        if held is None:
            told(f"Waiting for another deployment on {target.name} ...")
        while held is None:
            if stop() or self._clock.wait(LOCK_ROUND_S):
                raise _Broken("cancelled")
            if self._clock.now().tick_s > until:
                raise _Broken("timeout")
            held = files.seize(path)
        try:
            yield
        finally:
            os.close(held)

    def _deploy(
        self,
        order: DeployOrder,
        target: Target,
        service: Service,
        redact: Redactor,
        told: Callable[[str], None],
        stop: StopAsked,
    ) -> Deployed:
        is_local = target.kind == "local"
        url = self._local.ensure(order.slug) if is_local else units.url(target, order)
        with self._folders.one() as folder:
            try:
                pack(order.tree, order.commit, folder / "release.tar")
            except BadTree as error:
                raise _Refused("Pack the commit", str(error)) from None
            facts = self._facts(order, target, service, folder)
            env = local_env(order, service) if is_local else units.env_file(order)
            secrets = {"release_env": base64.b64encode(env.encode()).decode()}
            job = self._prepare(folder, target, facts, secrets, f"{target.kind}.yml", order.timeout_s)
            redact = Redactor([*order.secrets.values(), secrets["release_env"]])
            ended = None
            try:
                ended = self._player.play(job, redact=redact, said=told, stop=stop)
            finally:
                if is_local and (ended is None or ended.outcome != "ok"):
                    self._local.abandon(order.slug, order.commit)
        if is_local and order.proof.kind != "http":
            url = f"process://local/{order.slug}"
        return replace(ended, url=url if ended.outcome == "ok" else "")

    def _facts(self, order: DeployOrder, target: Target, service: Service, folder: Path) -> dict[str, Any]:
        """The variables of the playbook that are no secrets."""
        common = {
            "slug": order.slug,
            "commit": order.commit,
            "archive": str(folder / "release.tar"),
            "proof_kind": order.proof.kind,
            "proof_path": order.proof.path,
            "version_path": order.proof.version_path,
            "prove_s": min(self._prove_s, order.timeout_s),
        }
        if target.kind == "local":
            return {**common, "site": str(self._local.site(order.slug)), "python": sys.executable}
        return {**common, **units.facts(target, order, service)}

    def _prepare(
        self,
        folder: Path,
        target: Target,
        facts: Mapping[str, Any],
        secrets: Mapping[str, str],
        playbook: str,
        timeout_s: float,
    ) -> dict[str, Any]:
        """Write what a run reads, but for the secrets; the job that `play` is given."""
        variables = folder / "inventory" / "group_vars" / "all"
        for path in (variables, folder / "tmp", folder / "c"):
            path.mkdir(mode=0o700, parents=True)
        files.write_whole(variables / "facts.yml", variables_file(facts))
        connection = (
            {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
            if target.kind == "local"
            else units.connection(target, folder)
        )
        hosts = {"all": {"hosts": {target.name: connection}}}
        files.write_whole(folder / "inventory" / "hosts.yml", json.dumps(hosts))
        return {
            "folder": str(folder),
            "playbook": str(self._playbooks / playbook),
            "secrets": dict(secrets),
            "timeout_s": timeout_s,
            "local": target.kind == "local",
        }


def local_env(order: DeployOrder, service: Service) -> str:
    """What the keeper of a site runs a release with, as the text of its file."""
    return json.dumps(
        {
            "boxed": not order.trusted or bubblewrap() is not None,
            "command": list(service.command),
            "host_variable": service.host_variable,
            "port_variable": service.port_variable,
            "secrets": dict(order.secrets),
            "variables": dict(order.variables),
        },
        sort_keys=True,
    )
