"""Work that an agent has not handed over, as a patch: read out of its clone, never run (`wandering` reads it)."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from steward.adapters.git.program import Git, explained
from steward.adapters.git.store import Store, borrowing
from steward.adapters.git.taking import MEMORY_BYTES, Bounds, directory, take_head
from steward.adapters.git.wandering import Found, Most, Wanderer
from steward.ports.errors import Permanent

NOTES_MAX: Final = 20
NOTE_CHARACTERS_MAX: Final = 200
_SECTION: Final = re.compile(rb"^(?=diff --git )", re.MULTILINE)
_CONFIG: Final = {
    "core.quotePath": "true",
    "core.safecrlf": "false",
    "core.symlinks": "true",
    "core.fileMode": "true",
    "core.bigFileThreshold": "32m",
}


def unpushed(
    store: Store, bare: Path, clone: Path, base: str, most: int, limits: tuple[Bounds, Most]
) -> tuple[str, bool]:
    """What the clone holds beyond `base`, as `git apply` takes it, and whether it is less.

    It begins with lines of "# ", which `git apply` passes over, for what was left out. `most` is in characters; a
    longer patch ends with the line before. A clone that is not there holds nothing. Raises Permanent for one that
    is a link, and where `base` is not here.
    """
    if not os.path.lexists(clone):
        return "", False
    store.require(bare, base)
    bounds, limit = limits
    notes = []
    start = base
    with directory(clone) as top, borrowing(store, bare) as git_dir:
        try:
            start = take_head(store, bare, clone, bounds) or base
        except Permanent as refused:
            notes.append(f"its commits, but for what lies in its files: {refused.reason}")
        git = replace(store.git, memory_bytes=MEMORY_BYTES, timeout_s=min(store.git.timeout_s, limit.seconds))
        desk = _Desk(git, git_dir)
        found = desk.gather(top, start, limit)
        sections, whole = desk.sections(base, 4 * most + 1)
    notes += found.left_out
    head = "".join(f"# Left out: {_line(note)}\n" for note in notes[:NOTES_MAX])
    if len(notes) > NOTES_MAX:
        head += f"# Left out: {len(notes) - NOTES_MAX} more\n"
    if not whole:
        head += "# Cut: the whole difference is longer\n"
    text = head + "".join(sections)
    if len(text) > most:
        return text[: text.rfind("\n", 0, most) + 1], True
    return text, bool(notes) or not whole


def _line(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text)[:NOTE_CHARACTERS_MAX]


class _Desk:
    """A repository of our own beside a clean work tree, with an index of its own."""

    def __init__(self, git: Git, git_dir: Path) -> None:
        self._git, self._dir = git, git_dir
        self._clean = git_dir.with_name("clean")
        self._clean.mkdir()
        self._env = {"GIT_INDEX_FILE": str(git_dir.with_name("index"))}
        self._attributes = git_dir / "info" / "attributes"
        self._attributes.parent.mkdir(exist_ok=True)

    def gather(self, top: int, start: str, limit: Most) -> Found:
        """Have the index hold what lies in the open directory, by way of the clean tree."""
        self._git.check(self._dir, "read-tree", start, env=self._env)
        listed = self._git.check(self._dir, "ls-tree", "-r", "-z", "--full-tree", start).out
        tracked = {}
        for line in filter(None, listed.split(b"\0")):
            facts, _, path = line.partition(b"\t")
            mode, _, sha = facts.decode("ascii").split(" ")
            tracked[os.fsdecode(path)] = (mode, sha)
        found = Wanderer(self._git, self._dir, self._clean, tracked, limit).walk(top)
        self._index("--force-remove", found.gone)
        if error := self._index("--add", found.changed):
            # An encoding that the files do not have, or that there is not, must not cost the work.
            self._attributes.write_text("* !working-tree-encoding\n")
            error = self._index("--add", found.changed)
            if error:
                self._by_halves(found.changed, found.left_out, time.monotonic() + limit.seconds)
        return found

    def _index(self, how: str, paths: Sequence[str]) -> str:
        """Have the index take paths as they lie in the clean tree, or all of them dropped; why not, "" if it did."""
        if not paths:
            return ""
        told = b"".join(os.fsencode(path) + b"\0" for path in paths)
        call = (f"--work-tree={self._clean}", "update-index", how, "--replace", "-z", "--stdin")
        done = self._git.run(self._dir, *call, config=_CONFIG, env=self._env, stdin=told, cwd=self._clean)
        return explained(done.err) if done.code else ""

    def _by_halves(self, paths: Sequence[str], left_out: list[str], until: float) -> None:
        """Find those that git refuses, and leave them out."""
        error = "there was no time" if time.monotonic() > until else self._index("--add", paths)
        if error and (len(paths) == 1 or time.monotonic() > until):
            left_out += [f"{path!r}: {error}" for path in paths]
        elif error:
            self._by_halves(paths[: len(paths) // 2], left_out, until)
            self._by_halves(paths[len(paths) // 2 :], left_out, until)

    def sections(self, base: str, most: int) -> tuple[list[str], bool]:
        """The difference between a commit and the index, a text per file, and whether it is whole in `most` bytes.

        A file that is no UTF-8, or holds a zero byte, is given in git's binary form.
        """
        texts, whole = self._diff(base, most)
        if all(_is_text(section) for section in texts):
            return [section.decode() for section in texts], whole
        self._attributes.write_text("* !working-tree-encoding -diff\n")
        binary, rest = self._diff(base, most)
        kept = []
        for number, section in enumerate(texts):
            is_last = number >= len(binary) - (0 if rest else 1)
            given = section if _is_text(section) else b"" if is_last else binary[number]
            whole = whole and bool(given) and _is_text(given)
            kept.append(given.decode() if _is_text(given) else "")
        return kept, whole

    def _diff(self, base: str, most: int) -> tuple[list[bytes], bool]:
        asked = ("diff-index", "--cached", "--patch", "--binary", "--full-index", "--no-ext-diff")
        forms = ("--no-textconv", "--no-renames", "--no-color", "--src-prefix=a/", "--dst-prefix=b/")
        call = (*asked, *forms, "--submodule=short", "--ignore-submodules=none", base, "--")
        out, whole = self._git.first(self._dir, *call, most=most, config=_CONFIG, env=self._env)
        if not whole:
            out = out[: out.rfind(b"\n") + 1]
        return [section for section in _SECTION.split(out) if section], whole


def _is_text(data: bytes) -> bool:
    try:
        return "\0" not in data.decode()
    except UnicodeDecodeError:
        return False
