"""Commits put on top of others, and merges worked out again: as trees, without any work tree."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

from steward.adapters.git.program import Git, explained
from steward.adapters.git.store import TAKEN, Store, borrowing
from steward.adapters.git.taking import MEMORY_BYTES
from steward.ports.errors import Permanent

COMMITS_MAX: Final = 500
"""Of one rebase: each is a few calls of git."""
PACK_BYTES_MAX: Final = 2 * 2**30
COMMITTER: Final = b"Steward <steward@users.noreply.invalid>"
_WHEN: Final = re.compile(rb" (\d{1,12} [+-]\d{4})$")


def rebase(store: Store, bare: Path, ends: tuple[str, str, str]) -> str | None:
    """The commits between base and head (of `ends`: base, head, onto; all here) on top of onto; the new head.

    Authors, their dates and messages stay, signatures go; asked again it is the same commit. A commit whose change
    is there already is left out. None where one conflicts, or is a merge or a root: what a merge resolved by hand
    would be lost without a word. Nothing is left behind then. Raises Permanent for more than COMMITS_MAX.
    """
    base, head, onto = ends
    listed = store.git.check(bare, "rev-list", "--reverse", "--topo-order", "--parents", head, f"^{base}")
    lines = [line.split(" ") for line in listed.text.splitlines()]
    if len(lines) > COMMITS_MAX:
        raise Permanent(
            f"{len(lines)} commits are more than are put on top of others at once", "Merge them by hand"
        )
    if any(len(line) != 2 for line in lines):
        return None
    with borrowing(store, bare) as scratch:
        git = replace(store.git, memory_bytes=MEMORY_BYTES)
        top = onto
        for sha, parent in lines:
            picked = _picked(git, scratch, sha, parent, top)
            if picked is None:
                return None
            top = picked
        if not store.has(bare, top):
            store.copy(scratch, bare, top, [onto, head], PACK_BYTES_MAX)
    store.git.check(bare, "update-ref", f"{TAKEN}{top}", top)
    return top


def _picked(git: Git, repo: Path, sha: str, parent: str, top: str) -> str | None:
    """The commit on top of another: merged with one that has that one's files and this one's parent."""
    files = _tree(git, repo, top)
    who = b"author " + COMMITTER + b" 0 +0000\ncommitter " + COMMITTER + b" 0 +0000\n\n"
    stand_in = _written(git, repo, f"tree {files}\nparent {parent}\n".encode() + who)
    found = _merged(git, repo, stand_in, sha)
    if found is None or found == files:
        return None if found is None else top
    header, _, message = git.check(repo, "cat-file", "commit", sha).out.partition(b"\n\n")
    lines = header.split(b"\n")
    author = next(line for line in lines if line.startswith(b"author "))
    committed = next(line for line in lines if line.startswith(b"committer "))
    when = _WHEN.search(committed)
    kept = [author, b"committer " + COMMITTER + b" " + (when[1] if when else b"0 +0000")]
    kept += [line for line in lines if line.startswith(b"encoding ")]
    body = b"\n".join([f"tree {found}".encode(), f"parent {top}".encode(), *kept, b"", message])
    return _written(git, repo, body)


def _written(git: Git, repo: Path, body: bytes) -> str:
    return git.check(repo, "hash-object", "-t", "commit", "-w", "--stdin", stdin=body).text


def _tree(git: Git, repo: Path, commit: str) -> str:
    return git.check(repo, "rev-parse", "--verify", f"{commit}^{{tree}}").text


def _merged(git: Git, repo: Path, ours: str, theirs: str) -> str | None:
    """The tree of a merge of two commits; None where that conflicts, or they have nothing in common."""
    done = git.run(repo, "merge-tree", "--write-tree", "--no-messages", ours, theirs)
    if done.code == 0:
        return done.text
    if done.code == 1 or "unrelated histories" in done.err:
        return None
    raise Permanent(f"git could not merge two commits: {explained(done.err)}", "Look at the disk")


def is_plain_merge(store: Store, bare: Path, commit: str, onto: str, head: str) -> bool:
    """Whether a commit that is here, as are both others, has the one parent `onto` or the two `onto` and `head`,
    and exactly the files that merging them without conflict comes to.
    """
    listed = store.git.check(bare, "rev-list", "--parents", "--max-count=1", commit)
    if listed.text.split(" ")[1:] not in ([onto], [onto, head]):
        return False
    with borrowing(store, bare) as scratch:
        git = replace(store.git, memory_bytes=MEMORY_BYTES)
        return _merged(git, scratch, onto, head) == _tree(git, scratch, commit)
