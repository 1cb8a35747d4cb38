"""What lies in a work tree that anybody may have made, copied out of it within bounds, without git.

Git is never run on that tree: a nested repository in it would have its configuration run. It is read through open
directories, never through a link; what differs from what is tracked is copied into a clean tree of our own, and
there git is asked what is ignored. Paths are as `os.fsdecode` has them, "" being the top.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha1, sha256
from pathlib import Path
from typing import Final

from steward.adapters.git.program import Git
from steward.ports.errors import Transient

LINK: Final = "120000"
SUBMODULE: Final = "160000"
IGNORE_BYTES_MAX: Final = 2**20
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_UNSEEN: Final = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_GIT: Final = re.compile(r"(\.git|git~\d)[ .]*(:.*)?", re.IGNORECASE)
_MODULES: Final = re.compile(r"(\.gitmodules|gitmod~\d)[ .]*(:.*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Most:
    """How much is looked at: names, changed files that are copied, bytes of one and of all of them, levels, seconds."""

    names: int = 200_000
    files: int = 20_000
    file_bytes: int = 16 * 2**20
    total_bytes: int = 128 * 2**20
    levels: int = 100
    seconds: float = 60.0


@dataclass(slots=True)
class Found:
    """What differs: paths that were copied, paths that are gone; and what was left out, in words."""

    changed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    path: str
    kind: int
    ignored: bool


class Wanderer:
    """One walk. `tracked` maps paths to mode and id of their blob; `git_dir` and `clean` are ours and empty."""

    def __init__(
        self, git: Git, git_dir: Path, clean: Path, tracked: Mapping[str, tuple[str, str]], most: Most
    ) -> None:
        self._git, self._git_dir, self._clean = git, git_dir, clean
        self._tracked, self._most = tracked, most
        self._above = {parent for path in tracked for parent in _parents(path)}
        self._names, self._files, self._bytes = most.names, most.files, most.total_bytes
        self._until = time.monotonic() + most.seconds
        self._seen: set[str] = set()
        self._unlisted: set[str] = set()
        self._found = Found()

    def walk(self, top: int) -> Found:
        """Look through the open directory `top`, level by level."""
        level = [_Entry("", "", stat.S_IFDIR, ignored=False)]
        for _ in range(self._most.levels):
            if not level:
                break
            level = self._level(top, level)
        for entry in level:
            self._leave_directory(entry.path, "too deep")
        for path in self._tracked:
            if path not in self._seen and self._unlisted.isdisjoint(["", *_parents(path)]):
                self._found.gone.append(path)
        return self._found

    def _level(self, top: int, level: list[_Entry]) -> list[_Entry]:
        entries: dict[str, list[_Entry]] = {}
        for here in level:
            entries[here.path] = self._listed(top, here)
        ignored = self._ignored([entry for here in level for entry in entries[here.path]])
        below = []
        for here in level:
            kept = []
            for entry in entries[here.path]:
                is_ignored = entry.ignored or entry.path in ignored
                if stat.S_ISDIR(entry.kind):
                    if not is_ignored or entry.path in self._above:
                        below.append(_Entry(entry.name, entry.path, entry.kind, is_ignored))
                elif not is_ignored or entry.path in self._tracked:
                    kept.append(entry)
            if kept:
                self._copy_all(top, here.path, kept)
        return below

    # -- listing --------------------------------------------------------------------------------------

    def _listed(self, top: int, here: _Entry) -> list[_Entry]:
        """What lies in one directory; its `.gitignore` is copied, its directories are made in the clean tree."""
        if self._over():
            self._leave_directory(here.path, "too much is there")
            return []
        try:
            with _opened(top, here.path) as opened:
                found = list(self._entries(opened, here))
                (self._clean / here.path).mkdir(exist_ok=True)
                if not here.ignored:
                    self._copy_ignore(opened, here.path)
            for entry in found:
                if stat.S_ISDIR(entry.kind):
                    (self._clean / entry.path).mkdir(exist_ok=True)
        except OSError as error:
            self._leave_directory(here.path, error.strerror or "not readable")
            return []
        return found

    def _entries(self, opened: int, here: _Entry) -> Iterator[_Entry]:
        with os.scandir(opened) as names:
            for one in names:
                if self._names <= 0 or self._over():
                    self._leave_directory(here.path, "too much is there")
                    return
                self._names -= 1
                path = f"{here.path}/{one.name}" if here.path else one.name
                kind = stat.S_IFMT(one.stat(follow_symlinks=False).st_mode)
                if one.name.lower() == ".git":
                    continue
                if barred(one.name, kind):
                    self._leave(path, "git takes no such name")
                elif stat.S_ISDIR(kind) and self._tracked.get(path, ("", ""))[0] == SUBMODULE:
                    self._seen.add(path)
                else:
                    yield _Entry(one.name, path, kind, here.ignored)

    def _copy_ignore(self, opened: int, here: str) -> None:
        try:
            data = _read(".gitignore", opened, IGNORE_BYTES_MAX)
        except OSError:  # not there; or a link, which git does not go by either
            return
        if data is None:
            self._leave(f"{here}/.gitignore" if here else ".gitignore", "it cannot be gone by")
        else:
            (self._clean / here / ".gitignore").write_bytes(data[0])

    def _ignored(self, entries: Collection[_Entry]) -> set[str]:
        """Those that are ignored, as git has it: asked in the clean tree, where the directories are already."""
        asked = [entry.path for entry in entries if not entry.ignored]
        if not asked:
            return set()
        # "./" keeps a name that begins with ":" from being read as more than a name.
        told = b"".join(b"./" + os.fsencode(path) + b"\0" for path in asked)
        where = f"--work-tree={self._clean}"
        call = (where, "check-ignore", "-z", "--stdin", "--no-index")
        git = replace(self._git, timeout_s=self._most.seconds / 3)
        with suppress(Transient):  # patterns can be made to take for ever
            done = git.run(self._git_dir, *call, stdin=told, cwd=self._clean)
            if done.code in {0, 1}:
                return {os.fsdecode(line)[2:] for line in done.out.split(b"\0") if line}
        self._found.left_out.append("nothing for being ignored, for what is ignored could not be told")
        return set()

    # -- copying --------------------------------------------------------------------------------------

    def _copy_all(self, top: int, here: str, entries: Iterable[_Entry]) -> None:
        try:
            with _opened(top, here) as opened:
                for entry in entries:
                    self._copy(opened, entry)
        except OSError as error:
            self._leave_directory(here, error.strerror or "not readable")

    def _copy(self, opened: int, entry: _Entry) -> None:
        path, mode, data = entry.path, "", None
        why = ""
        try:
            if self._files <= 0 or self._over():
                why = "too much is there"
            elif stat.S_ISLNK(entry.kind):
                mode, data = LINK, os.fsencode(os.readlink(entry.name, dir_fd=opened))
            elif stat.S_ISREG(entry.kind):
                found = _read(entry.name, opened, self._most.file_bytes)
                why = "it is too large" if found is None else ""
                data, mode = found or (None, "")
            elif path in self._tracked:
                why = "it is neither a file nor a link"
        except OSError as error:
            why = error.strerror or "not readable"
        was = self._tracked.get(path, ("", ""))
        if data is not None and was == (mode, _blob(data, was[1])):
            self._seen.add(path)
        elif data is not None and len(data) <= self._bytes:
            self._put(path, mode, data)
        elif data is not None or why:
            self._leave(path, why or "too much is there")

    def _put(self, path: str, mode: str, data: bytes) -> None:
        self._files -= 1
        self._bytes -= len(data)
        target = self._clean / path
        target.unlink(missing_ok=True)
        if mode == LINK:
            target.symlink_to(os.fsdecode(data))
        else:
            target.write_bytes(data)
            target.chmod(0o755 if mode == "100755" else 0o644)
        self._seen.add(path)
        self._found.changed.append(path)

    # -- leaving out ----------------------------------------------------------------------------------

    def _over(self) -> bool:
        return time.monotonic() > self._until

    def _leave(self, path: str, why: str) -> None:
        """Leave one file as it is tracked."""
        self._seen.add(path)
        self._found.left_out.append(f"{path!r}: {why}")

    def _leave_directory(self, path: str, why: str) -> None:
        if path not in self._unlisted:
            self._unlisted.add(path)
            self._found.left_out.append(f"{path + '/'!r}, or a part of it: {why}")


def barred(name: str, kind: int) -> bool:
    """Whether git refuses such a name, on this system or another."""
    parts = [_UNSEEN.sub("", part) for part in name.split("\\")]
    if any(map(_GIT.fullmatch, parts)):
        return True
    return stat.S_ISLNK(kind) and any(map(_MODULES.fullmatch, parts))


def _blob(data: bytes, like: str) -> str:
    """The id that git gives to a file, in the kind of id that `like` is."""
    whole = b"blob %d\0" % len(data) + data
    return (sha1(whole, usedforsecurity=False) if len(like) == 40 else sha256(whole)).hexdigest()


def _parents(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


@contextmanager
def _opened(top: int, path: str) -> Iterator[int]:
    """A directory below an open one, no part of whose path is a link. Raises OSError."""
    opened = os.dup(top)
    try:
        for part in filter(None, path.split("/")):
            inner = os.open(part, _DIRECTORY, dir_fd=opened)
            os.close(opened)
            opened = inner
        yield opened
    finally:
        os.close(opened)


def _read(name: str, parent: int, most: int) -> tuple[bytes, str] | None:
    """A regular file and git's mode of it; None where it is larger, or none. Raises OSError."""
    with os.fdopen(os.open(name, _FILE, dir_fd=parent), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > most:
            return None
        data = file.read(most + 1)
        mode = "100755" if found.st_mode & stat.S_IXUSR else "100644"
        return None if len(data) > most else (data, mode)
