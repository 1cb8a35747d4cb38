"""What Steward reads of a template besides its questions: steward-template.toml, and env.contract.yaml files."""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from steward.adapters.templates.trees import LINK, Tree
from steward.domain.spec import Proof
from steward.ports.errors import Permanent

FILE: Final = "steward-template.toml"
_BYTES_MAX: Final = 64_000
SOURCES: Final = frozenset({"user_secret", "generated_secret", "allocation", "derived", "literal"})
_PROOFS: Final = frozenset({"http", "process", "package", "attested"})
_KNOWN: Final = {"title", "description", "base_hours", "checks", "proof", "environment", "questions"}
_CONTRACT: Final = re.compile(r"(?:^|/)env\.contract\.ya?ml(?:\.\w+)?$")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class About:
    """What a template says of itself. `several`: names that a question's text with commas may hold."""

    title: str = ""
    description: str = ""
    base_hours: float = 8.0
    checks: tuple[str, ...] = ()
    proof: Proof = field(default=Proof())
    environment: Mapping[str, str] = field(default_factory=dict)
    several: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_about(tree: Tree) -> About:
    """What steward-template.toml says; a template need not have one. Raises Permanent where it is wrong."""
    entry = tree.entries.get(FILE)
    if entry is None:
        return About()
    if entry.mode == LINK or entry.size > _BYTES_MAX:
        raise Permanent(f"{FILE} is a link, or larger than {_BYTES_MAX:,} bytes", "Make it a plain file")
    try:
        held = tomllib.loads(tree.read(FILE).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Permanent(f"{FILE} is no valid TOML: {error}", "Correct it") from None
    if unknown := sorted(set(held) - _KNOWN):
        raise Permanent(
            f"{FILE} holds {', '.join(unknown)}, which means nothing", f"Known are {_listed(_KNOWN)}"
        )
    try:
        return _about(held)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise Permanent(f"{FILE} is not as it must be: {error}", "Correct it") from None


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))


def _about(held: Mapping[str, Any]) -> About:
    hours = float(held.get("base_hours", 8.0))
    if not 0 <= hours <= 10_000:
        raise ValueError("base_hours must lie between 0 and 10,000")
    proof = Proof(**{name: str(value) for name, value in held.get("proof", {}).items()})
    if proof.kind not in _PROOFS:
        raise ValueError(f"a proof is of the kind {_listed(set(_PROOFS))}")
    if any(path and not path.startswith("/") for path in (proof.path, proof.version_path)):
        raise ValueError("the paths of a proof start with /")
    checks = held.get("checks", [])
    if not isinstance(checks, list) or not all(isinstance(name, str) and name for name in checks):
        raise TypeError("checks is a list of names")
    environment = {str(name): str(source) for name, source in held.get("environment", {}).items()}
    if wrong := [
        name for name, source in environment.items() if source not in SOURCES or not _NAME.fullmatch(name)
    ]:
        raise ValueError(f"{wrong[0]} of environment must come from {_listed(set(SOURCES))}")
    several = {
        str(name): tuple(str(part) for part in about["several"])
        for name, about in held.get("questions", {}).items()
    }
    title, description = str(held.get("title", "")), str(held.get("description", ""))
    return About(title[:200], description[:2_000], hours, tuple(checks), proof, environment, several)


def read_contracts(tree: Tree, within: str) -> dict[str, str]:
    """The variables that all env.contract.yaml files below `within` require in production, with their sources.

    Which of them a project needs in the end may depend on its answers: what conditions would take out is in here.
    Files that cannot be read before they are rendered say nothing.
    """
    start = "" if within in {"", "."} else posixpath.normpath(within) + "/"
    found: dict[str, str] = {}
    for path, entry in tree.entries.items():
        if (
            not path.startswith(start)
            or not _CONTRACT.search(path)
            or entry.mode == LINK
            or entry.size > _BYTES_MAX
        ):
            continue
        try:
            held = yaml.safe_load(_without_expressions(tree.read(path).decode()))
        except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError):
            continue
        if isinstance(held, dict):
            found |= _required(held)
    return found


def _without_expressions(text: str) -> str:
    """A Jinja template with its conditions taken out and its values made up."""
    return re.sub(
        r"\{\{.*?\}\}", "x", re.sub(r"\{%.*?%\}|\{#.*?#\}", "", text, flags=re.DOTALL), flags=re.DOTALL
    )


def _required(held: Mapping[str, Any]) -> dict[str, str]:
    entries = held.get("entries", held.get("variables", held))
    found: dict[str, str] = {}
    for name, about in entries.items() if isinstance(entries, dict) else ():
        told = about if isinstance(about, dict) else {"source": about}
        where = told.get("environments") or ["production"]
        needed = told.get("required", True) is not False and isinstance(where, list) and "production" in where
        if needed and told.get("source") in SOURCES and _NAME.fullmatch(str(name)):
            found[str(name)] = str(told["source"])
    return found
