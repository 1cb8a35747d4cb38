"""`deploy.toml`: how a project says what it runs and what proves that it lives.

[service]
command = ["python3", "-m", "shop"]
port_variable = "PORT"      # the names that the address to listen on is given by
host_variable = "HOST"

[proof]
kind = "http"
path = "/up"
version_path = "/version"
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FILE: Final = "deploy.toml"
BYTES_MAX: Final = 64 * 1024
VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
KNOWN: Final = {
    "service": {"command", "port_variable", "host_variable"},
    "proof": {"kind", "path", "version_path"},
}
KINDS: Final = ("http", "process", "package", "attested")


class BadService(Exception):
    """The file is missing or malformed; the message names it, and the key."""


@dataclass(frozen=True, slots=True)
class Service:
    """What a project runs. `command` is empty only where `compose` (its own compose.yaml) runs it."""

    command: tuple[str, ...]
    port_variable: str = "PORT"
    host_variable: str = "HOST"
    compose: bool = False


def read_service(tree: Path, *, compose_allowed: bool = False) -> Service:
    """What the commit's `deploy.toml` asks for. Raises BadService."""
    tables = _tables(tree / FILE)
    compose = compose_allowed and _is_plain(tree / "compose.yaml")
    service = tables.get("service", {})
    if "service" not in tables and not compose:
        raise BadService(f"{FILE}: there is no [service]")
    command = service.get("command", [])
    if not compose or command:
        _check_command(command)
    _check_proof(tables.get("proof", {}))
    return Service(
        tuple(command),
        _variable(service, "port_variable", "PORT"),
        _variable(service, "host_variable", "HOST"),
        compose,
    )


def _is_plain(path: Path) -> bool:
    # A link could name any file of this machine.
    return path.is_file() and not path.is_symlink()


def _tables(path: Path) -> dict[str, dict[str, Any]]:
    if not _is_plain(path):
        raise BadService(f"{FILE} is missing: the commit does not say what it runs")
    if path.stat().st_size > BYTES_MAX:
        raise BadService(f"{FILE} is longer than {BYTES_MAX} bytes")
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadService(f"{FILE} is no TOML: {error}") from None
    for name, table in tables.items():
        if name not in KNOWN:
            raise BadService(f"{FILE}: [{name}] is not known")
        if not isinstance(table, dict):
            raise BadService(f"{FILE}: {name} must be a table")
        if unknown := sorted(set(table) - KNOWN[name]):
            raise BadService(f"{FILE}: {name}.{unknown[0]} is not known")
    return tables


def _variable(service: dict[str, Any], key: str, default: str) -> str:
    name = service.get(key, default)
    if not isinstance(name, str) or not VARIABLE.fullmatch(name):
        raise BadService(f"{FILE}: service.{key} is no name of a variable")
    return name


def _check_command(command: Any) -> None:
    if not isinstance(command, list) or not command:
        raise BadService(f"{FILE}: service.command must be a list of words")
    if any(not isinstance(word, str) or not word or re.search(r"[\0\n\r]", word) for word in command):
        raise BadService(f"{FILE}: service.command must hold words of one line")


def _check_proof(proof: dict[str, Any]) -> None:
    if proof.get("kind", "http") not in KINDS:
        raise BadService(f"{FILE}: proof.kind must be one of {', '.join(KINDS)}")
    for key in ("path", "version_path"):
        path = proof.get(key, "/")
        if not isinstance(path, str) or not (path.startswith("/") or path == ""):
            raise BadService(f"{FILE}: proof.{key} must begin with a slash")
