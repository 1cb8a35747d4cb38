"""Shallow copies of repositories, to be read: one commit's files, nothing of which git or we execute or follow."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from steward.adapters.git.program import Access, Git, explained, transport_failure
from steward.adapters.git.store import SHA, Store, built, require_branch
from steward.adapters.git.taking import MEMORY_BYTES
from steward.adapters.git.wandering import LINK, barred
from steward.ports.errors import Permanent, Transient
from steward.ports.scan import Bounds

HERE: Final = "refs/steward/read"
PATH_BYTES: Final = 600
"""What is allowed for, on the average, of each line of a listing."""
_OFFLINE: Final = {"protocol.http.allow": "never", "protocol.https.allow": "never"}
_CONFIG: Final = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n\tsymlinks = false\n"
_LARGE: Final = "Raise the bounds of the scan, or say by hand what the project needs"


class ShallowTrees:
    """`Trees` by git over http. What is being read lies under `root` meanwhile.

    Links are written as small files that hold where they lead, pointers of LFS stay pointers, and files over
    `Bounds.file_bytes`, submodules and names that git takes on no system are left out.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def tree(self, address: str, token: str, ref: str, into: Path, bounds: Bounds) -> str:
        """The files of a branch, of a commit, or of "HEAD", in `into`; the commit. Nothing is there if it fails."""
        access = Access(address, token)
        self._root.mkdir(parents=True, exist_ok=True)
        with Store(self._root, Git()).scratch() as room:
            copy = _Copy(room / "read.git", access, bounds, time.monotonic() + bounds.seconds)
            commit = copy.fetch(ref)
            with built(into) as draft:
                copy.write(commit, draft)
            return commit


@dataclass(frozen=True, slots=True)
class _Copy:
    """One shallow copy; `until` is when it has to be done."""

    repo: Path
    access: Access
    bounds: Bounds
    until: float

    def git(self) -> Git:
        """Git, for as long as there is time."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise self._late()
        return Git(left, MEMORY_BYTES)

    def _late(self) -> Transient:
        return Transient(f"the repository could not be read within {self.bounds.seconds:.0f} s")

    def _watch(self) -> None:
        if time.monotonic() > self.until:
            raise self._late()
        if _size(self.repo) > self.bounds.tree_bytes:
            raise self._too_large()

    def _too_large(self) -> Permanent:
        most = self.bounds.tree_bytes // 10**6
        return Permanent(f"the repository holds more than {most} MB, too much to be read", _LARGE)

    def fetch(self, ref: str) -> str:
        """Bring one commit here, without large files where the server can leave them out; its id."""
        wanted = ref if ref == "HEAD" or SHA.fullmatch(ref) else f"refs/heads/{require_branch(ref)}"
        self.git().check(None, "init", "--quiet", "--bare", "--template=", str(self.repo))
        asked = ("fetch", "--quiet", "--no-tags", "--depth=1", "--no-write-fetch-head")
        leaving_out = f"--filter=blob:limit={self.bounds.file_bytes + 1}"
        call = (*asked, leaving_out, self.access.address, f"+{wanted}:{HERE}")
        done = self.git().watched(self.repo, *call, config=self.access.config(), watch=self._watch)
        # Git noted the server as one to ask for what is missing. Nothing is asked of it any more.
        (self.repo / "config").write_text(_CONFIG)
        if done.code == 0:
            self._watch()
            return self.git().check(self.repo, "rev-parse", "--verify", f"{HERE}^{{commit}}").text
        if "find remote ref" in done.err or "not our ref" in done.err:
            raise self._absent(ref)
        raise transport_failure(done, self.access, "read")

    def _absent(self, ref: str) -> Exception:
        call = ("ls-remote", "--heads", self.access.address)
        done = self.git().watched(self.repo, *call, config=self.access.config(), watch=self._watch)
        if done.code:
            return transport_failure(done, self.access, "read")
        if not done.out.strip():
            return Permanent("the repository is empty", "Push a first commit to it")
        what = f"commit {ref[:12]}" if SHA.fullmatch(ref) else f"branch {ref}"
        return Permanent(f"there is no {what} on the forge", "Was it removed, renamed or forced away?")

    def write(self, commit: str, into: Path) -> None:
        """The files of a commit that are here, into an empty directory of ours."""
        entries = self._listed(commit)
        sizes = self._sizes(sorted({sha for _, sha, _ in entries}))
        kept = [entry for entry in entries if sizes.get(entry[1], -1) in range(self.bounds.file_bytes + 1)]
        if sum(sizes[sha] for _, sha, _ in kept) > self.bounds.tree_bytes:
            raise self._too_large()
        attributes = self.repo / "info" / "attributes"
        attributes.parent.mkdir(exist_ok=True)
        attributes.write_text("* -text -ident -filter !eol !working-tree-encoding\n")
        told = b"".join(f"{mode} {sha}\t".encode() + path + b"\0" for mode, sha, path in kept)
        index = {"GIT_INDEX_FILE": str(self.repo.with_name("index"))}
        asked = ("update-index", "-z", "--replace", "--index-info")
        git = self.git()
        for done in (
            git.run(self.repo, *asked, env=index, config=_OFFLINE, stdin=told),
            git.run(
                self.repo,
                f"--work-tree={into.resolve()}",
                "checkout-index",
                "--all",
                "--force",
                env=index,
                config=_OFFLINE,
                cwd=into,
            ),
        ):
            if done.code:
                raise Permanent(
                    f"the repository's files cannot be written down: {explained(done.err)}",
                    "Look at the disk, and at odd names in the repository",
                )

    def _listed(self, commit: str) -> list[tuple[str, str, bytes]]:
        """Mode, id and path of each file and link that can be written down."""
        most = self.bounds.files * PATH_BYTES + PATH_BYTES
        call = ("ls-tree", "-r", "-z", "--full-tree", commit)
        out, whole = self.git().first(self.repo, *call, most=most, config=_OFFLINE)
        found = []
        for line in out.split(b"\0")[:-1]:
            facts, _, path = line.partition(b"\t")
            mode, kind, sha = facts.decode("ascii").split(" ")
            if kind == "blob" and not _escapes(path, mode):
                found.append((mode, sha, path))
        if len(found) > self.bounds.files or len(out) >= most:
            raise Permanent(f"the repository has more than {self.bounds.files} files", _LARGE)
        if not whole:
            raise Permanent(
                "the files of the commit cannot be listed", "Look at the repository with git fsck"
            )
        return found

    def _sizes(self, blobs: Sequence[str]) -> dict[str, int]:
        """Bytes of each blob that is here."""
        told = "".join(f"{sha}\n" for sha in blobs).encode()
        call = ("cat-file", "--batch-check=%(objectname) %(objectsize)", "--buffer")
        done = self.git().check(self.repo, *call, config=_OFFLINE, stdin=told)
        lines = (line.split(" ") for line in done.text.splitlines())
        return {sha: int(size) for sha, size in lines if size.isdigit()}


def _escapes(path: bytes, mode: str) -> bool:
    kind = stat.S_IFLNK if mode == LINK else stat.S_IFREG
    return any(part in {"", ".", ".."} or barred(part, kind) for part in os.fsdecode(path).split("/"))


def _size(directory: Path) -> int:
    """Bytes of all files below; those that vanish meanwhile do not count."""
    total = 0
    for here, _, names in os.walk(directory):
        for name in names:
            with suppress(FileNotFoundError):
                total += (Path(here) / name).lstat().st_size
    return total
