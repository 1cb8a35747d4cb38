"""Shallow copies of repositories that are in memory."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha1
from pathlib import Path, PurePosixPath

from steward.ports.errors import Permanent
from steward.ports.scan import Bounds


class FakeTrees:
    """Writes files to disk as `Trees` does. `files` maps an address of git, or "<address>@<ref>", to path -> bytes.

    The commit is worked out from the files, so that the same files are the same commit. `refuses` is raised by every
    call; `asked` tells the calls as (address, ref).
    """

    def __init__(self, files: Mapping[str, Mapping[str, bytes]], refuses: Exception | None = None) -> None:
        self.files = dict(files)
        self.refuses = refuses
        self.asked: list[tuple[str, str]] = []

    def tree(self, address: str, token: str, ref: str, into: Path, bounds: Bounds) -> str:  # noqa: ARG002 - the port's shape
        """As the port says; files over a bound of their own are left out."""
        self.asked.append((address, ref))
        if self.refuses is not None:
            raise self.refuses
        found = self.files.get(f"{address}@{ref}", self.files.get(address))
        if found is None:
            raise Permanent(f"there is no {ref} to be read", "Was it removed or renamed?")
        if not found:
            raise Permanent("the repository is empty", "Push a first commit to it")
        kept = {path: data for path, data in found.items() if len(data) <= bounds.file_bytes}
        if len(kept) > bounds.files or sum(map(len, kept.values())) > bounds.tree_bytes:
            raise Permanent("the repository is too large to be read", "Raise the bounds of the scan")
        into.mkdir(parents=True, exist_ok=True)
        for path, data in kept.items():
            parts = PurePosixPath(path).parts
            if ".." in parts or ".git" in parts or path.startswith("/"):
                raise ValueError(f"{path!r} is no path of a repository")
            target = into / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        return sha1(repr(sorted(found.items())).encode(), usedforsecurity=False).hexdigest()
