"""What a real host needs in its own words: systemd's, SSH's, Caddy's."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steward.adapters.deploy import files
from steward.adapters.deploy.service import Service
from steward.adapters.deploy.targets import Target
from steward.ports.building import DeployOrder


def url(target: Target, order: DeployOrder) -> str:
    """Where a project of that host is reached; `process://host/slug` where it has no address."""
    domain = target.domain(order.slug)
    if order.proof.kind == "http":
        return domain if domain.startswith(("http://", "https://")) else f"https://{domain}"
    return f"process://{target.name}/{order.slug}"


def host_facts(target: Target, slug: str) -> dict[str, Any]:
    """The variables of a playbook that hold for a project on that host, whatever its commit."""
    return {
        "slug": slug,
        "root": f"{target.base}/{slug}",
        "run_as": user_of(slug),
        "become_root": target.user != "root",
        "host_python": target.python or "python3",
        "unit_folder": target.unit_folder,
        "caddyfile": target.caddyfile,
        "caddy_folder": str(Path(target.caddyfile).parent / "steward"),
    }


def user_of(slug: str) -> str:
    """The user that a project runs as. Names of users end at 32 characters; long slugs are told apart by a hash."""
    name = f"steward-{slug}"
    return name if len(name) < 32 else f"{name[:22]}-{hashlib.sha256(slug.encode()).hexdigest()[:8]}"


def facts(target: Target, order: DeployOrder, service: Service) -> dict[str, Any]:
    """The variables of ssh.yml that come from the host and the commit. No secrets."""
    return {
        **host_facts(target, order.slug),
        "unit": f"steward-{order.slug}-{order.commit[:12]}",
        "ports": [*target.ports],
        "domain": target.domain(order.slug) if order.proof.kind == "http" else "",
        "exec_start": " ".join(quoted(word) for word in service.command),
        "port_variable": service.port_variable,
        "host_variable": service.host_variable,
        "compose": service.compose,
    }


def quoted(word: str) -> str:
    """A word of a command as systemd reads it, with nothing in it expanded."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'.replace("\t", "\\t")


def env_file(order: DeployOrder) -> str:
    """The variables and secrets as systemd's EnvironmentFile; within double quotes it takes any character."""
    values: Mapping[str, str] = {**order.variables, **order.secrets}
    return "".join(f"{name}={_assigned(values[name])}\n" for name in sorted(values))


def _assigned(value: str) -> str:
    escaped = value
    for character in ("\\", '"', "`", "$"):
        escaped = escaped.replace(character, "\\" + character)
    return f'"{escaped}"'


def connection(target: Target, folder: Path) -> dict[str, Any]:
    """How Ansible reaches the host: with its own key, and only if it shows the pinned host key."""
    place = target.address if target.port == 22 else f"[{target.address}]:{target.port}"
    known = folder / "known_hosts"
    files.write_whole(known, f"{place} {target.host_key}\n")
    options = (
        "-F /dev/null",
        f"-o UserKnownHostsFile={known}",
        "-o GlobalKnownHostsFile=/dev/null",
        "-o StrictHostKeyChecking=yes",
        "-o IdentitiesOnly=yes",
        "-o BatchMode=yes",
        "-o PasswordAuthentication=no",
        "-o ForwardAgent=no",
    )
    return {
        "ansible_connection": "ssh",
        "ansible_host": target.address,
        "ansible_port": target.port,
        "ansible_user": target.user,
        "ansible_ssh_private_key_file": str(target.key_file),
        "ansible_ssh_common_args": " ".join(options),
        "ansible_python_interpreter": target.python or "auto_silent",
    }
