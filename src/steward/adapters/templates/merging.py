"""Updates of the built-in template: changed answers reach a project without touching what was built on it.

The package holds one version of the template, so what an older one rendered is not known any more. Merged is
therefore what differs between the old answers and the new ones, and the project's own code stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steward.adapters.templates.git import Git, GitFailed


def merge(
    base: Mapping[str, Path], new: Mapping[str, Path], project: Path, always: str, git: Git
) -> tuple[dict[str, bytes], list[str]]:
    """What to write into the project, by path, and the files that are left in conflict.

    `base` and `new` are files as the old and the new answers render them; the file `always` is taken from `new`.
    """
    changed: dict[str, bytes] = {}
    conflicts: list[str] = []
    for relative, rendered in new.items():
        ours, theirs = project / relative, rendered.read_bytes()
        before = base[relative].read_bytes() if relative in base else b""
        if relative == always:
            changed[relative] = theirs
        elif ours.is_symlink() or before == theirs:
            continue
        elif not ours.is_file():
            conflicts.append(relative)
        elif (held := ours.read_bytes()) == before:
            changed[relative] = theirs
        elif held != theirs:
            merged, whole = _merged(relative, held, before, theirs, (ours, base[relative], rendered), git)
            changed[relative] = merged
            if not whole:
                conflicts.append(relative)
    return changed, conflicts


def _merged(
    relative: str, ours: bytes, base: bytes, new: bytes, files: tuple[Path, Path, Path], git: Git
) -> tuple[bytes, bool]:
    """Both changes in one, and whether they fit."""
    if relative.endswith(".json"):
        return _merged_json(ours, base, new)
    labels = ("-L", "before updating", "-L", "last update", "-L", "after updating")
    quoted = [str(path) for path in files]
    try:
        return git.run("merge-file", "-p", "--diff3", *labels, "--", *quoted, cwd=files[2].parent), True
    except GitFailed:
        # git counts the conflicts in its exit code; marks in the file would be committed as its content.
        return ours, False


def _merged_json(ours: bytes, base: bytes, new: bytes) -> tuple[bytes, bool]:
    """A mapping with what the answers changed, and all else as the project has it."""
    try:
        held, before, asked = (json.loads(text) for text in (ours, base, new))
    except (ValueError, RecursionError):
        return ours, False
    if not (isinstance(held, dict) and isinstance(before, dict) and isinstance(asked, dict)):
        return ours, False
    for name, value in asked.items():
        if value != before.get(name):
            held[name] = _joined(held.get(name), before.get(name), value)
    return (json.dumps(held, indent=2, ensure_ascii=False) + "\n").encode(), True


def _joined(ours: Any, base: Any, new: Any) -> Any:
    """The new value; of lists also what the project added to them."""
    if isinstance(ours, list) and isinstance(base, list) and isinstance(new, list):
        return new + [item for item in ours if item not in base and item not in new]
    return new
