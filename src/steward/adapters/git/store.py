"""The clean bare repositories, one per repository id: made, locked, filled from the forge, and copied out of.

Branches of the forge are kept as `refs/forge/heads/...`, what was taken out of clones as `refs/taken/<sha>`.
"""

from __future__ import annotations

import fcntl
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from steward.adapters.git.program import Access, Git, explained, transport_failure
from steward.ports.errors import Permanent

SHA: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
BRANCH: Final = re.compile(
    r"(?![/.-])(?!.*(?:\.\.|//|/\.|@\{|\.lock(?:/|$)))[^\x00-\x20\x7f~^:?*\[\\]{1,200}(?<![/.])"
)
FORGE: Final = "refs/forge/heads/"
TAKEN: Final = "refs/taken/"


class Lost(Permanent):
    """The forge does not have a commit, or not any more."""


class Store:
    """The bare repositories under one directory. Several processes may use it at once."""

    def __init__(self, root: Path, git: Git) -> None:
        self._root = root
        self.git = git

    @contextmanager
    def locked(self, repo_id: int) -> Iterator[Path]:
        """The bare repository, made if there is none, to oneself until the end of the block."""
        self._root.mkdir(parents=True, exist_ok=True)
        with (self._root / f"{repo_id:d}.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            bare = self._root / f"{repo_id:d}.git"
            if not (bare / "HEAD").is_file():
                self._make(bare)
            yield bare

    def _make(self, bare: Path) -> None:
        """Build it beside its place and move it there whole, so that a kill leaves nothing half made."""
        shutil.rmtree(bare, ignore_errors=True)
        with self.scratch() as draft:
            self.git.check(None, "init", "--quiet", "--bare", "--template=", str(draft / "new"))
            (draft / "new").rename(bare)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A directory of our own that is gone at the end of the block."""
        with tempfile.TemporaryDirectory(prefix=".scratch-", dir=self._root) as name:
            yield Path(name)

    def fetch(self, bare: Path, access: Access) -> None:
        """Bring every branch of the forge here; branches that are gone there go here as well."""
        refs = f"+refs/heads/*:{FORGE}*"
        asked = ("fetch", "--quiet", "--no-tags", "--prune", "--no-write-fetch-head", access.address, refs)
        done = self.git.run(bare, *asked, config=access.config())
        if done.code:
            raise transport_failure(done, access, "fetch")

    def commit(self, bare: Path, access: Access, wanted: str) -> str:
        """The id of a commit that is here afterwards; `wanted` is an id or a branch of the forge."""
        if SHA.fullmatch(wanted):
            if self.has(bare, wanted):
                return wanted
            self.fetch(bare, access)
            if not self.has(bare, wanted):
                self._fetch_one(bare, access, wanted)
            return wanted
        require_branch(wanted)
        self.fetch(bare, access)
        done = self.git.run(bare, "rev-parse", "--verify", "--quiet", f"{FORGE}{wanted}^{{commit}}")
        if done.code:
            raise Permanent(f"there is no branch {wanted} on the forge", "Was it merged or removed?")
        return done.text

    def _fetch_one(self, bare: Path, access: Access, sha: str) -> None:
        """A commit of no branch, as after a force push: GitHub gives those by id for a while."""
        asked = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", access.address)
        done = self.git.run(bare, *asked, f"{sha}:{TAKEN}{sha}", config=access.config())
        if done.code and "not our ref" in done.err:
            raise Lost(f"commit {sha[:12]} is not on the forge", "Was it pushed, or lost by a force push?")
        if done.code:
            raise transport_failure(done, access, "fetch")

    def has(self, bare: Path, sha: str) -> bool:
        """Whether the commit is here, with all that belongs to it."""
        return self.git.run(bare, "cat-file", "-e", f"{sha}^{{commit}}").code == 0

    def require(self, bare: Path, sha: str) -> str:
        """The commit's id. Raises Permanent where it is not here."""
        if not SHA.fullmatch(sha) or not self.has(bare, sha):
            raise Permanent(f"commit {sha[:12]!r} is not here", "It must be fetched or taken first")
        return sha

    def known(self, bare: Path) -> list[str]:
        """The commits of every ref that is kept here."""
        return self.git.check(bare, "for-each-ref", "--format=%(objectname)").text.split()

    def copy(self, source: Path, target: Path, sha: str, held: list[str], max_bytes: int) -> None:
        """Copy a commit and all below it, but what `held` reaches, as one pack that is checked whole on its way."""
        revisions = "\n".join([sha, *(f"^{one}" for one in held), ""])
        giving = ("pack-objects", "--revs", "--stdout", "--quiet", "--delta-base-offset")
        taking = ("index-pack", "--stdin", "--strict", f"--max-input-size={max_bytes}")
        gave, took = self.git.pipe(source, giving, revisions, target, taking)
        if gave.code or took.code:
            err = gave.err if gave.code and "fatal" in gave.err else took.err
            raise Permanent(
                f"commit {sha[:12]} cannot be taken as it is: {explained(err)}",
                "Its objects are incomplete, malformed or too many: the work has to be done again",
            )


@contextmanager
def borrowing(store: Store, bare: Path) -> Iterator[Path]:
    """A scratch repository that reads the objects of `bare` and keeps its own; gone at the end of the block."""
    with store.scratch() as room:
        made = room / "objects.git"
        store.git.check(None, "init", "--quiet", "--bare", "--template=", str(made))
        alternates = made / "objects" / "info" / "alternates"
        alternates.parent.mkdir(exist_ok=True)
        alternates.write_text(f"{bare / 'objects'}\n")
        yield made


def require_branch(branch: str) -> str:
    """The name, if git takes it. Raises Permanent."""
    if not BRANCH.fullmatch(branch):
        raise Permanent(f"{branch[:80]!r} is no name of a branch", "Use letters, digits, '/', '-' and '_'")
    return branch


@contextmanager
def built(into: Path) -> Iterator[Path]:
    """A directory that takes the place of `into`, which must be empty, whole at the end of the block.

    What a killed attempt left is removed by the next one. Raises Permanent where something is in `into`.
    """
    if into.is_symlink() or (into.exists() and (not into.is_dir() or any(into.iterdir()))):
        raise Permanent(f"{into.name} is not empty", "Give a directory that is not there yet")
    draft = into.with_name(f".{into.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        yield draft
        draft.replace(into)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
