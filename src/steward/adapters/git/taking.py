"""What an agent left in its clone, taken without running or believing any of it.

Git is never run on the clone: its config, hooks, filters and alternates could execute or reach anything. The
branch is read as text; objects are read file by file, never through a link and never more than a limit, into a
scratch repository of ours, and from there as one checked pack into the clean one. Index files are made anew.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Final

from steward.adapters.git.program import explained
from steward.adapters.git.store import SHA, TAKEN, Store, require_branch
from steward.ports.errors import Permanent

REF_BYTES_MAX: Final = 1_024
PACKED_REFS_BYTES_MAX: Final = 16 * 2**20
FILES_MAX: Final = 200_000
MEMORY_BYTES: Final = 6 * 2**30
"""Of address space, for git on what came out of a clone."""
_LOOSE: Final = re.compile(r"[0-9a-f]{38}([0-9a-f]{24})?")
_FAN: Final = re.compile(r"[0-9a-f]{2}")
_PACK: Final = re.compile(r"pack-[0-9a-f]+\.pack")
ADVICE: Final = "The clone is kept as it is for a person to look at; the work has to be done again"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may be taken: bytes of all objects as they are stored, and bytes of one file."""

    total_bytes: int = 2 * 2**30
    file_bytes: int = 100 * 2**20


@dataclass(slots=True)
class _Left:
    """What may still be read."""

    size: int
    files: int = FILES_MAX

    def spend(self, size: int) -> None:
        self.size -= size
        self.files -= 1
        if self.size < 0 or self.files < 0:
            raise Permanent("the clone holds more than may be taken out of it", ADVICE)


def take(store: Store, bare: Path, clone: Path, branch: str, bounds: Bounds) -> str | None:
    """Bring a branch's commits out of a clone into the bare repository; its head, None where it is not there."""
    require_branch(branch)
    with directory(clone) as top, directory(".git", top) as git_dir:
        return _bring(store, bare, git_dir, _head(git_dir, branch), bounds)


def take_head(store: Store, bare: Path, clone: Path, bounds: Bounds) -> str | None:
    """The same for whatever the clone has checked out, a branch or a commit."""
    with directory(clone) as top, directory(".git", top) as git_dir:
        text = (_small(git_dir, ["HEAD"], REF_BYTES_MAX) or "").strip()
        branch = text.removeprefix("ref: refs/heads/")
        sha = _sha(text) if branch == text else _head(git_dir, require_branch(branch))
        return _bring(store, bare, git_dir, sha, bounds)


def _bring(store: Store, bare: Path, git_dir: int, sha: str | None, bounds: Bounds) -> str | None:
    if sha is None or store.has(bare, sha):
        return sha if sha is None else _kept(store, bare, sha)
    with store.scratch() as room:
        scratch = room / "objects.git"
        store.git.check(None, "init", "--quiet", "--bare", "--template=", str(scratch))
        hostile = Store(room, replace(store.git, memory_bytes=MEMORY_BYTES))
        with directory("objects", git_dir) as objects:
            _read_objects(hostile, objects, scratch, _Left(bounds.total_bytes))
        # Only now, for git compares what comes in with what it has already, object by object.
        alternates = scratch / "objects" / "info" / "alternates"
        alternates.parent.mkdir(exist_ok=True)
        alternates.write_text(f"{bare / 'objects'}\n")
        _copy(hostile, scratch, bare, sha, bounds)
    return _kept(store, bare, sha)


def _kept(store: Store, bare: Path, sha: str) -> str:
    store.git.check(bare, "update-ref", f"{TAKEN}{sha}", sha)
    return sha


def _copy(store: Store, scratch: Path, bare: Path, sha: str, bounds: Bounds) -> None:
    held = store.known(bare)
    kind = store.git.run(scratch, "cat-file", "-t", sha)
    if kind.code or kind.text != "commit":
        raise Permanent("the branch names something that is no whole commit", ADVICE)
    revisions = "\n".join([sha, *(f"^{one}" for one in held), ""]).encode()
    listed = store.git.run(scratch, "rev-list", "--objects", "--no-object-names", "--stdin", stdin=revisions)
    if listed.code:
        raise Permanent(f"the branch's history is not whole: {explained(listed.err)}", ADVICE)
    sizes = store.git.run(
        scratch, "cat-file", "--batch-check=%(objecttype) %(objectsize)", "--buffer", stdin=listed.out
    )
    for line in sizes.text.splitlines():
        kind_of, _, size = line.partition(" ")
        if not size.isdigit():
            raise Permanent("the branch's history is not whole: an object is missing", ADVICE)
        if int(size) > bounds.file_bytes:
            limit = bounds.file_bytes // 2**20
            raise Permanent(
                f"the branch holds a {kind_of} of {int(size)} bytes, more than {limit} MiB", ADVICE
            )
    store.copy(scratch, bare, sha, held, bounds.total_bytes)


# Reading the clone -----------------------------------------------------------------------------------------


@contextmanager
def directory(name: str | Path, parent: int | None = None) -> Iterator[int]:
    """A directory, opened without following a link. Raises Permanent."""
    try:
        opened = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    except OSError as error:
        raise _refused(str(name), error) from None
    try:
        yield opened
    finally:
        os.close(opened)


@contextmanager
def _file(name: str, parent: int, left: _Left) -> Iterator[IO[bytes]]:
    """A regular file, opened without following a link or waiting on a pipe. Raises Permanent, FileNotFoundError."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        opened = os.open(name, flags, dir_fd=parent)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _refused(name, error) from None
    with os.fdopen(opened, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise Permanent(f"{name} in the clone is no regular file", ADVICE)
        left.spend(found.st_size)
        yield file


def _refused(name: str, error: OSError) -> Permanent:
    linked = error.errno in {errno.ELOOP, errno.ENOTDIR}
    what = "a link or no directory" if linked else (error.strerror or "not readable")
    return Permanent(f"{Path(name).name} of the clone is {what}", ADVICE)


def _head(git_dir: int, branch: str) -> str | None:
    """The commit that a branch names, read as text."""
    text = _small(git_dir, ["refs", "heads", *branch.split("/")], REF_BYTES_MAX)
    if text is not None:
        return _sha(text.strip())
    packed = _small(git_dir, ["packed-refs"], PACKED_REFS_BYTES_MAX) or ""
    for line in packed.splitlines():
        sha, _, name = line.partition(" ")
        if name == f"refs/heads/{branch}":
            return _sha(sha)
    return None


def _sha(text: str) -> str:
    if not SHA.fullmatch(text):
        raise Permanent("the branch in the clone names no commit", ADVICE)
    return text


def _small(parent: int, parts: list[str], limit: int) -> str | None:
    """A small text file below a directory; None where it, or a directory on the way, is not there."""
    name, *below = parts
    try:
        if below:
            if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                raise Permanent(f"{name} in the clone is a link or no directory", ADVICE)
            with directory(name, parent) as inner:
                return _small(inner, below, limit)
        with _file(name, parent, _Left(limit)) as file:
            return file.read(limit + 1).decode("utf-8", "replace")
    except FileNotFoundError:
        return None


def _read_objects(store: Store, objects: int, scratch: Path, left: _Left) -> None:
    """Every object of the clone into the scratch repository. `info`, and with it `alternates`, is not read."""
    for name in _names(objects):
        if _FAN.fullmatch(name):
            with directory(name, objects) as fan:
                target = scratch / "objects" / name
                target.mkdir(exist_ok=True)
                for loose in _names(fan):
                    if _LOOSE.fullmatch(loose):
                        with _file(loose, fan, left) as file, (target / loose).open("wb") as copy:
                            shutil.copyfileobj(file, copy)
        elif name == "pack":
            with directory(name, objects) as packs:
                for pack in filter(_PACK.fullmatch, _names(packs)):
                    with _file(pack, packs, left) as file:
                        _read_pack(store, scratch, file)


def _names(directory: int) -> list[str]:
    """What lies in an open directory, sorted."""
    with os.scandir(directory) as found:
        return sorted(entry.name for entry in found)


def _read_pack(store: Store, scratch: Path, file: IO[bytes]) -> None:
    done = store.git.run(scratch, "index-pack", "--stdin", stdin=file)
    if done.code:
        raise Permanent(f"a pack in the clone is damaged: {explained(done.err)}", ADVICE)
