"""The files of a template, without checking them out: from a commit, or from the package's own folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from steward.adapters.templates.git import Git

LINK = "120000"
SUBMODULE = "160000"
FILE = "100644"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a tree: git's mode, its name for the content, and its size in bytes."""

    mode: str
    blob: str
    size: int


class Tree(Protocol):
    """Files by their path within the template, with "/" between."""

    @property
    def entries(self) -> Mapping[str, Entry]: ...

    def read(self, path: str) -> bytes:
        """The content of a file; for a link, its target."""
        ...


class GitTree:
    """The files of one commit in a bare repository."""

    def __init__(self, git: Git, repository: Path, commit: str) -> None:
        self._git = git
        self._repository = repository
        listed = git.run("ls-tree", "-r", "-l", "-z", "--full-tree", commit, cwd=repository)
        self._entries: dict[str, Entry] = {}
        for line in listed.decode(errors="surrogateescape").split("\0"):
            if line:
                about, _, path = line.partition("\t")
                mode, _kind, blob, size = about.split()
                self._entries[path] = Entry(mode, blob, int(size) if size.isdigit() else 0)

    @property
    def entries(self) -> Mapping[str, Entry]:
        """All files, links and submodules."""
        return self._entries

    def read(self, path: str) -> bytes:
        """The content of a file, or the target of a link."""
        return self._git.run("cat-file", "blob", self._entries[path].blob, cwd=self._repository)


class FolderTree:
    """The files of a folder that is trusted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._entries = {
            path.relative_to(folder).as_posix(): Entry(FILE, "", path.stat().st_size)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }

    @property
    def entries(self) -> Mapping[str, Entry]:
        """All files."""
        return self._entries

    def read(self, path: str) -> bytes:
        """The content of a file."""
        return (self._folder / path).read_bytes()

    def digest(self) -> str:
        """Forty hex digits that stand for all of it, where git would name a commit."""
        found = hashlib.sha256()
        for path in self._entries:
            found.update(f"{path}\0".encode() + hashlib.sha256(self.read(path)).digest())
        return found.hexdigest()[:40]
