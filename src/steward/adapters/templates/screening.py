"""What is refused in a template before anything of it is rendered, in words that a person can act on."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from steward.adapters.templates.trees import LINK, SUBMODULE, Tree
from steward.ports.errors import Permanent

FILES_MAX: Final = 5_000
BYTES_MAX: Final = 50_000_000
CODE: Final = ("_tasks", "_migrations", "_jinja_extensions", "_extensions")
"""Settings with which a template runs programs of its own."""


def screen_tree(tree: Tree) -> None:
    """Refuse trees that are too large, or that reach out of themselves. Raises Permanent."""
    entries = tree.entries
    if len(entries) > FILES_MAX:
        raise Permanent(
            f"the template has {len(entries):,} files; {FILES_MAX:,} are the most",
            "Take out what is not rendered",
        )
    size = sum(entry.size for entry in entries.values())
    if size > BYTES_MAX:
        raise Permanent(
            f"the template holds {size // 1_000_000} MB; {BYTES_MAX // 1_000_000} are the most",
            "Take large files out of it",
        )
    for path, entry in entries.items():
        if entry.mode == SUBMODULE:
            raise Permanent(
                f"the template has a submodule at {path}", "Put its files into the template itself"
            )
        if entry.mode == LINK and _leaves(path, tree.read(path).decode(errors="replace")):
            raise Permanent(
                f"the link {path} leads out of the template", "Make it lead to a file within, or take it out"
            )


def _leaves(path: str, target: str) -> bool:
    """Whether a link leads out of its tree, or into what git keeps of it."""
    led = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    return target.startswith("/") or "\0" in target or escapes(led) or ".git" in PurePosixPath(led).parts


def escapes(path: str) -> bool:
    """Whether a path is absolute or climbs out of where it starts."""
    return path.startswith(("/", "~", "\\")) or ".." in path.replace("\\", "/").split("/")


def screen_settings(settings: Mapping[str, Any], tree: Tree, *, code: bool) -> None:
    """Refuse settings of copier.yml that run programs (unless `code`) or name places outside. Raises Permanent."""
    running = [name for name in CODE if settings.get(name)]
    if running and not code:
        raise Permanent(
            f"the template runs programs of its own ({', '.join(running)})",
            "Take them out of its copier.yml, or allow template code to run in a box",
        )
    places = {name: settings[name] for name in ("_subdirectory", "_answers_file") if name in settings}
    outside = settings.get("_external_data") or {}
    if not isinstance(outside, Mapping):
        raise Permanent("_external_data of copier.yml is no mapping", "Correct it")
    places |= {f"_external_data.{name}": place for name, place in outside.items()}
    for name, place in places.items():
        if not isinstance(place, str) or escapes(place):
            raise Permanent(
                f"{name} of copier.yml names a place outside of the template", "Name a path within it"
            )
    within = settings.get("_subdirectory") or ""
    if within and "{" not in within:
        start = posixpath.normpath(within) + "/"
        if start != "./" and not any(path.startswith(start) for path in tree.entries):
            raise Permanent(f"_subdirectory of copier.yml names {within}, which is not there", "Correct it")
