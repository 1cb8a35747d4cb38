"""Hosts that may be deployed to. Whatever is not among them is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from steward.ports import Permanent

NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")
ADDRESS: Final = re.compile(r"[A-Za-z0-9:][A-Za-z0-9.:-]*")
USER: Final = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
DOMAIN: Final = re.compile(r"[A-Za-z0-9*{}.:-]+")


@dataclass(frozen=True, slots=True)
class Target:
    """One host. `kind` is "local" (this machine) or "ssh"; the rest is for ssh alone.

    `host_key` is one line, "ssh-ed25519 AAAA...", that the host must show; `key_file` the private key for this
    host alone. `base` is where releases lie. `domain_pattern` holds "{slug}". With `reverse_proxy` Caddy on the
    host serves https://<domain>. `ports` are those that releases may listen on, on the host's loopback.
    `unit_folder` and `caddyfile` are where systemd and Caddy look; `python` is the host's interpreter, found by
    Ansible where it is left out.
    """

    name: str
    kind: str = "local"
    address: str = ""
    user: str = ""
    port: int = 22
    key_file: Path | None = None
    host_key: str = ""
    base: str = "/srv/steward"
    domain_pattern: str = ""
    reverse_proxy: bool = True
    ports: tuple[int, int] = (20000, 20999)
    unit_folder: str = "/etc/systemd/system"
    caddyfile: str = "/etc/caddy/Caddyfile"
    python: str = ""

    def domain(self, slug: str) -> str:
        """The name that a project gets; "" where the host gives none."""
        return self.domain_pattern.replace("{slug}", slug) if self.reverse_proxy else ""


def checked(target: Target) -> Target:
    """The target, if it is whole and nothing in it can be taken for something else. Raises Permanent."""
    wrong = _wrong(target)
    if wrong:
        raise Permanent(f"the host {target.name!r} cannot be deployed to: {wrong}", "Correct its settings.")
    return target


def _wrong(target: Target) -> str:
    if not NAME.fullmatch(target.name):
        return "its name must be small letters, digits, dots and dashes"
    if target.kind == "local":
        return ""
    if target.kind != "ssh":
        return f"its kind is {target.kind!r}, not local or ssh"
    rules = (
        (ADDRESS.fullmatch(target.address), "its address is no host name and no IP address"),
        (USER.fullmatch(target.user), "its user is no user name"),
        (0 < target.port < 65536, "its port is none"),
        (target.key_file is not None, "it has no key file of its own"),
        (re.fullmatch(r"[a-z0-9@.-]+ [A-Za-z0-9+/=]+", target.host_key), "its host key is not pinned"),
        (re.fullmatch(r"/[\w./-]+", target.base), "its base folder is no absolute path"),
        (re.fullmatch(r"/[\w./-]+", target.unit_folder), "its folder of units is no absolute path"),
        (re.fullmatch(r"/[\w./-]+", target.caddyfile), "its Caddyfile is no absolute path"),
        (re.fullmatch(r"(/[\w./-]+)?", target.python), "its interpreter is no absolute path"),
        (
            not target.domain_pattern or (DOMAIN.fullmatch(target.domain_pattern)),
            "its domain pattern is no domain",
        ),
        (not target.domain_pattern or "{slug}" in target.domain_pattern, "its domain pattern lacks {slug}"),
        (1024 <= target.ports[0] <= target.ports[1] < 65536, "its range of ports is none"),
    )
    return next((words for good, words in rules if not good), "")
