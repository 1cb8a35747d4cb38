"""Where an installed program lies, and what of this machine it needs to see in a box."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from steward.ports.errors import Permanent

NODE_MODULES: Final = "node_modules"
SEEN_ANYWAY: Final = ("/usr", "/bin", "/lib", "/sbin")


def found(program: str, advice: str) -> Path:
    """The program by name or path. Raises Permanent with `advice` where it is not installed."""
    path = shutil.which(program)
    if path is None:
        raise Permanent(f"{program} is not installed", advice)
    return Path(path).absolute()


def needed(program: Path) -> tuple[Path, ...]:
    """The folders that a program runs from, outermost first; none where a box holds them anyway.

    Of an npm package that is the whole of its node_modules, and Node.js itself where the program is a script of it.
    """
    real = program.resolve()
    folders = {_home(program.parent / real.name), _home(real)}
    with real.open("rb") as file:
        first = file.readline(200)
    if first.startswith(b"#!") and b"node" in first and (node := shutil.which("node")):
        folders.add(Path(node).resolve().parent.parent)
    outside = {folder for folder in folders if not str(folder).startswith(SEEN_ANYWAY)}
    return tuple(sorted(outside))


def reached_by(program: Path) -> str:
    """The PATH of a box in which a program and its interpreter are found."""
    folders = [program.parent, program.resolve().parent]
    if node := shutil.which("node"):
        folders.append(Path(node).resolve().parent)
    return ":".join([*map(str, dict.fromkeys(folders)), "/usr/local/bin", "/usr/bin", "/bin"])


def _home(file: Path) -> Path:
    """The outermost node_modules that a file lies in, else its folder."""
    for parent in reversed(file.parents):
        if parent.name == NODE_MODULES:
            return parent
    return file.parent
