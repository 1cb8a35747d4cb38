"""The files of a commit as one archive, the same bytes for the same files whenever it is made."""

from __future__ import annotations

import os
import stat
import tarfile
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Final

RELEASE: Final = "RELEASE"
"""A file that every release holds: it names the commit."""
BYTES_MAX: Final = 1024**3
FILES_MAX: Final = 100_000


class BadTree(Exception):
    """The commit holds what cannot be deployed; the message says what."""


def pack(tree: Path, commit: str, into: Path) -> None:
    """Write the archive of a tree, with its RELEASE. Raises BadTree, OSError."""
    total = 0
    with tarfile.open(into, "w", format=tarfile.PAX_FORMAT) as archive:
        _add(archive, RELEASE, (commit + "\n").encode(), 0o444)
        for number, path in enumerate(_walk(tree)):
            name = path.relative_to(tree).as_posix()
            if name == RELEASE:
                continue
            info = path.lstat()
            total += info.st_size
            if total > BYTES_MAX or number > FILES_MAX:
                raise BadTree(f"the commit is larger than {BYTES_MAX} bytes or {FILES_MAX} files")
            if stat.S_ISLNK(info.st_mode):
                _add_link(archive, name, path.readlink().as_posix())
            elif stat.S_ISDIR(info.st_mode):
                folder = tarfile.TarInfo(name)
                folder.type, folder.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(folder)
            elif stat.S_ISREG(info.st_mode):
                _add(archive, name, path.read_bytes(), 0o555 if info.st_mode & 0o100 else 0o444)
            else:
                raise BadTree(f"{name} is neither a file, a folder nor a link")


def _walk(tree: Path) -> list[Path]:
    found: list[Path] = []
    for folder, folders, files in os.walk(tree):
        folders[:] = sorted(name for name in folders if name != ".git")
        found += [Path(folder) / name for name in sorted([*folders, *files])]
    return found


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), mode
    archive.addfile(info, BytesIO(content))


def _add_link(archive: tarfile.TarFile, name: str, to: str) -> None:
    """A link within the tree; one that leads out of it is refused."""
    depth = len(PurePosixPath(name).parts) - 1
    for part in PurePosixPath(to).parts:
        depth += -1 if part == ".." else 1
        if depth < 0 or part == "/":
            raise BadTree(f"{name} is a link that leads out of the commit")
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, to
    archive.addfile(info)
