"""GitWorkshop: `ports.building.Workshop` with the program git.

Of each repository of the forge one clean bare repository is kept here. Working clones are given out of it, without
remote and without credential; what comes back is looked at and pushed from it.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from steward.adapters.git import replaying
from steward.adapters.git.program import Access, Done, Git, explained, transport_failure
from steward.adapters.git.store import FORGE, Lost, Store, built, require_branch
from steward.adapters.git.taking import Bounds, take
from steward.adapters.git.unpushed import unpushed
from steward.adapters.git.wandering import Most
from steward.ports.building import Blocked, Diff, MovedOn
from steward.ports.errors import Permanent, Transient, Unreachable

NOTHING: Final = "0" * 40
"""Git's word for a branch that is not there; MovedOn carries it."""
AUTHOR: Final = ("Steward", "steward@users.noreply.invalid")
_AUTHOR: Final = re.compile(r"([^<>\n]+?)\s*<([^<>\s]+)>")
_CLONE_CONFIG: Final = f"""[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
\tlogallrefupdates = true
[user]
\tname = {AUTHOR[0]}
\temail = {AUTHOR[1]}
[gc]
\tauto = 0
"""
_DECLINED: Final = (
    "rule violations",
    "protected branch",
    "hook declined",
    "GH006",
    "GH013",
    "refusing to allow",
)


class GitWorkshop:
    """Git work under one directory; several processes may share it.

    `bounds` limits what is taken of a clone as commits, `most` what is read of one that was not handed over.
    """

    def __init__(
        self, root: Path, *, timeout_s: float = 900.0, bounds: Bounds | None = None, most: Most | None = None
    ) -> None:
        self._git = Git(timeout_s)
        self._store = Store(root.resolve(), self._git)
        self._bounds = bounds or Bounds()
        self._most = most or Most()

    def clone(self, repo_id: int, address: str, token: str, base: str, into: Path, branch: str) -> None:
        """A working clone of `base` (a commit, or a branch of the forge) on a new branch; `into` must be empty."""
        require_branch(branch)
        with self._store.locked(repo_id) as bare, built(into) as draft:
            sha = self._store.commit(bare, Access(address, token), base)
            git_dir = draft / ".git"
            initial = f"--initial-branch={branch}"
            self._git.check(None, "init", "--quiet", "--template=", initial, str(draft))
            (git_dir / "config").write_text(_CLONE_CONFIG)
            # It is our own repository that is read: what it holds was checked when it came, or is the forge's.
            self._copy_out(bare, git_dir, sha)
            self._git.check(git_dir, "update-ref", f"refs/heads/{branch}", sha)
            self._git.check(
                git_dir, f"--work-tree={draft.resolve()}", "reset", "--quiet", "--hard", cwd=draft
            )

    def _copy_out(self, bare: Path, git_dir: Path, sha: str) -> None:
        giving = ("pack-objects", "--revs", "--stdout", "--quiet", "--delta-base-offset")
        gave, took = self._git.pipe(bare, giving, f"{sha}\n", git_dir, ("index-pack", "--stdin"))
        if gave.code or took.code:
            words = explained(gave.err or took.err)
            raise Permanent(f"commit {sha[:12]} could not be cloned: {words}", "Look at the disk")

    def commit_all(self, clone: Path, message: str, author: str) -> str | None:
        """Commit everything in a clone that trusted code wrote; its config is written anew before git reads it.

        `author` is `Name <address>`.
        """
        found = _AUTHOR.fullmatch(author.strip())
        if found is None:
            raise Permanent(f"{author[:80]!r} is no author", "Write it as: Name <address>")
        git_dir = self._ours(clone)
        work = f"--work-tree={clone.resolve()}"
        self._git.check(git_dir, work, "add", "--all", cwd=clone)
        if self._git.run(git_dir, work, "diff", "--cached", "--quiet", "HEAD", cwd=clone).code == 0:
            return None
        names = {"GIT_AUTHOR_NAME": found[1], "GIT_AUTHOR_EMAIL": found[2]}
        names |= {"GIT_COMMITTER_NAME": found[1], "GIT_COMMITTER_EMAIL": found[2]}
        asked = ("commit", "--quiet", "--no-verify", "--cleanup=strip", "--file=-")
        self._git.check(git_dir, work, *asked, env=names, stdin=message.encode(), cwd=clone)
        return self._git.check(git_dir, "rev-parse", "HEAD").text

    def _ours(self, clone: Path) -> Path:
        """The clone's git directory, made harmless: whatever a config could execute is not in it any more."""
        git_dir = clone.resolve() / ".git"
        odd = [name for name in ("commondir", "objects/info/alternates") if os.path.lexists(git_dir / name)]
        if git_dir.is_symlink() or not git_dir.is_dir() or odd:
            raise Permanent(f"{clone.name} is no clone that was made here", "Make a new clone")
        (git_dir / "config").unlink(missing_ok=True)
        (git_dir / "config").write_text(_CLONE_CONFIG)
        return git_dir

    def take(self, repo_id: int, clone: Path, branch: str) -> str | None:
        """Bring the branch's objects out of a clone that anybody may have written; its head."""
        with self._store.locked(repo_id) as bare:
            return take(self._store, bare, clone, branch, self._bounds)

    def diff(self, repo_id: int, base: str, head: str) -> Diff:
        """What lies between two commits that are here; a renamed file is one removed and one added."""
        with self._store.locked(repo_id) as bare:
            ends = [self._store.require(bare, sha) for sha in (base, head)]
            asked = ("diff-tree", "-r", "-z", "--raw", "--numstat", "--no-renames", "--no-ext-diff")
            return parsed(self._git.check(bare, *asked, "--no-textconv", *ends, "--").out)

    def is_ancestor(self, repo_id: int, older: str, newer: str) -> bool:
        """Whether `newer` is `older` or comes after it."""
        with self._store.locked(repo_id) as bare:
            ends = [self._store.require(bare, sha) for sha in (older, newer)]
            done = self._git.run(bare, "merge-base", "--is-ancestor", *ends)
            if done.code > 1:
                raise Permanent(
                    f"git could not compare two commits: {explained(done.err)}", "Look at the disk"
                )
            return done.code == 0

    def push(
        self, repo_id: int, address: str, token: str, sha: str, branch: str, expected: str | None
    ) -> None:
        """Push a commit that is here to a branch that is at `expected`, or at `sha` already.

        Raises MovedOn where it is elsewhere, Blocked where rules of the forge forbid it.
        """
        require_branch(branch)
        access = Access(address, token)
        with self._store.locked(repo_id) as bare:
            self._store.require(bare, sha)
            ref = f"refs/heads/{branch}"
            lease = f"--force-with-lease={ref}:{expected or ''}"
            asked = ("push", "--porcelain", "--quiet", "--no-verify", lease, access.address, f"{sha}:{ref}")
            done = self._git.run(bare, *asked, config=access.config())
            if done.code:
                self._explain_push(bare, access, done, (sha, branch, expected))
            # A memory of where it is; it may be in the way of an older name, and the next fetch sets that right.
            self._git.run(bare, "update-ref", f"{FORGE}{branch}", sha)

    def _explain_push(
        self, bare: Path, access: Access, done: Done, asked: tuple[str, str, str | None]
    ) -> None:
        """Return where the branch is at the commit all the same: an answer was lost, or somebody was quicker."""
        sha, branch, expected = asked
        said = f"{done.text}\n{done.err}"
        rejected = [line for line in said.splitlines() if line.lstrip().startswith("!")]
        if any(word in said for word in _DECLINED):
            raise Blocked(_words_of_server(done.err) or explained("\n".join(rejected)))
        failure = transport_failure(done, access, "push")
        if not rejected and not isinstance(failure, Unreachable):
            raise failure
        found = self._remote(bare, access, branch)
        if found == sha:
            return
        if found != expected:
            raise MovedOn(branch, expected or NOTHING, found or NOTHING)
        if rejected:
            raise Transient(f"the forge did not take the push: {explained(rejected[0])}")
        raise failure

    def _remote(self, bare: Path, access: Access, branch: str) -> str | None:
        """Where a branch of the forge is now."""
        ref = f"refs/heads/{branch}"
        done = self._git.run(bare, "ls-remote", "--refs", access.address, ref, config=access.config())
        if done.code:
            raise transport_failure(done, access, "look")
        for line in done.text.splitlines():
            sha, _, name = line.partition("\t")
            if name == ref:
                return sha
        return None

    def export(self, repo_id: int, address: str, token: str, sha: str, into: Path) -> None:
        """The files of a commit in `into`, which must be empty. Raises Permanent for a link that leads out of it."""
        with self._store.locked(repo_id) as bare, self._store.scratch() as room, built(into) as draft:
            commit = self._store.commit(bare, Access(address, token), sha)
            index = {"GIT_INDEX_FILE": str(room / "index")}
            self._git.check(bare, "read-tree", commit, env=index)
            self._require_inner_links(bare, index)
            work = f"--work-tree={draft.resolve()}"
            self._git.check(bare, work, "checkout-index", "--all", "--force", env=index, cwd=draft)

    def _require_inner_links(self, bare: Path, index: dict[str, str]) -> None:
        listed = self._git.check(bare, "ls-files", "--stage", "-z", env=index)
        for line in filter(None, listed.out.split(b"\0")):
            facts, _, raw = line.partition(b"\t")
            mode, sha, _ = facts.decode("ascii").split(" ")
            if mode == "120000":
                path = os.fsdecode(raw)
                leads = os.fsdecode(self._git.check(bare, "cat-file", "blob", sha).out)
                there = posixpath.normpath(posixpath.join(posixpath.dirname(path), leads))
                if leads.startswith("/") or there == ".." or there.startswith("../"):
                    raise Permanent(
                        f"the link {path!r} leads out of the repository", "Take it out of the repository"
                    )

    def revert(self, repo_id: int, address: str, token: str, base: str, commits: Sequence[str]) -> str:
        """One commit on `base` that takes `commits` back, the latest first; a merge as its first parent saw it.

        Asked again it is the same commit. Raises Permanent where that conflicts, or changes nothing.
        """
        with self._store.locked(repo_id) as bare, self._store.scratch() as room:
            onto = self._store.commit(bare, Access(address, token), base)
            wanted = self._in_order(bare, onto, commits)
            work = room / "work"
            self._git.check(bare, "worktree", "prune")
            self._git.check(bare, "worktree", "add", "--quiet", "--detach", str(work), onto)
            try:
                tree = self._reverted_tree(work, wanted)
            finally:
                self._git.run(bare, "worktree", "remove", "--force", str(work))
            if tree == self._git.check(bare, "rev-parse", f"{onto}^{{tree}}").text:
                raise Permanent(
                    "there is nothing to take back: the files are as before", "Is it done already?"
                )
            return self._commit_of(bare, onto, tree, wanted)

    def _in_order(self, bare: Path, onto: str, commits: Sequence[str]) -> list[tuple[str, bool]]:
        """The commits, latest first, each with whether it is a merge."""
        listed = self._git.check(bare, "rev-list", "--topo-order", "--parents", onto).text.splitlines()
        parents = {line.split(" ")[0]: len(line.split(" ")) - 1 for line in listed}
        foreign = [sha for sha in commits if sha not in parents]
        if foreign or not commits:
            what = foreign[0][:12] if foreign else "nothing"
            raise Permanent(f"{what} is not in the history of {onto[:12]}", "Name commits that were merged")
        return [(sha, parents[sha] > 1) for sha in parents if sha in set(commits)]

    def _reverted_tree(self, work: Path, wanted: list[tuple[str, bool]]) -> str:
        own = Path((work / ".git").read_text().removeprefix("gitdir:").strip())
        for sha, is_merge in wanted:
            mainline = ("--mainline", "1") if is_merge else ()
            asked = (f"--work-tree={work}", "revert", "--no-commit", *mainline, sha)
            done = self._git.run(own, *asked, env=_identity("0 +0000"), cwd=work)
            if done.code:
                listed = self._git.run(
                    own, f"--work-tree={work}", "diff", "--name-only", "--diff-filter=U", "-z"
                )
                paths = ", ".join(filter(None, listed.text.split("\0")))[:200]
                raise Permanent(
                    f"commit {sha[:12]} cannot be taken back without a conflict: {paths or explained(done.err)}",
                    "A person has to take it back by hand, or later work with it",
                )
        return self._git.check(own, "write-tree").text

    def _commit_of(self, bare: Path, onto: str, tree: str, wanted: list[tuple[str, bool]]) -> str:
        """The commit; dated after its parent, so that the same question has the same answer."""
        at = int(self._git.check(bare, "show", "--no-patch", "--format=%ct", onto).text) + 1
        titles = [self._git.check(bare, "show", "--no-patch", "--format=%s", sha).text for sha, _ in wanted]
        what = titles[0] if len(titles) == 1 else f"{len(titles)} changes"
        lines = [f"This takes back {sha}: {title}" for (sha, _), title in zip(wanted, titles, strict=True)]
        text = "\n".join([f"Revert {what}", "", *lines, ""])
        asked = ("commit-tree", tree, "-p", onto)
        sha = self._git.check(bare, *asked, stdin=text.encode(), env=_identity(f"{at} +0000")).text
        self._git.check(bare, "update-ref", f"refs/taken/{sha}", sha)
        return sha

    def unpushed(self, repo_id: int, clone: Path, base: str, most: int) -> tuple[str, bool]:
        """What a clone holds beyond `base`, committed or not. Runs nothing of it, and reads it within bounds.

        The second is True for a patch that is cut at `most` characters, or that lacks something: then it begins
        with lines of "# " that say what. Raises Permanent where `base` is not here, or the clone is a link.
        """
        with self._store.locked(repo_id) as bare:
            return unpushed(self._store, bare, clone, base, most, (self._bounds, self._most))

    def rebase(self, repo_id: int, address: str, token: str, base: str, head: str, onto: str) -> str | None:
        """The commits between two on top of a third; None where one conflicts, or is a merge."""
        access = Access(address, token)
        with self._store.locked(repo_id) as bare:
            ends = [self._store.commit(bare, access, end) for end in (base, head, onto)]
            return replaying.rebase(self._store, bare, (ends[0], ends[1], ends[2]))

    def is_plain_merge(
        self, repo_id: int, address: str, token: str, commit: str, onto: str, head: str
    ) -> bool:
        """Whether a commit is a merge of `head` into `onto`, or the same in one commit, that adds nothing.

        False where the forge has one of them no more: then nothing can be shown.
        """
        access = Access(address, token)
        with self._store.locked(repo_id) as bare:
            try:
                ends = [self._store.commit(bare, access, end) for end in (commit, onto, head)]
            except Lost:
                return False
            return replaying.is_plain_merge(self._store, bare, ends[0], ends[1], ends[2])


def parsed(out: bytes) -> Diff:
    """Read `git diff-tree -z --raw --numstat`."""
    files: dict[str, str] = {}
    added = removed = 0
    parts = iter(out.split(b"\0"))
    for part in parts:
        if part.startswith(b":"):
            kind = part.rsplit(b" ", 1)[-1].decode("ascii")[:1]
            path = next(parts).decode("utf-8", "backslashreplace")
            files[path] = kind if kind in {"A", "D"} else "M"
        elif part:
            plus, minus, _ = part.split(b"\t", 2)
            added += int(plus) if plus.isdigit() else 0
            removed += int(minus) if minus.isdigit() else 0
    return Diff(files, added, removed)


def _identity(at: str) -> dict[str, str]:
    """We as author and committer at a moment, in git's own form."""
    return {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", AUTHOR[0]), ("EMAIL", AUTHOR[1]), ("DATE", f"@{at}"))
    }


def _words_of_server(err: str) -> str:
    """What the server said about a push, in one line."""
    lines = [line.removeprefix("remote:").strip() for line in err.splitlines() if line.startswith("remote:")]
    return "".join(filter(str.isprintable, " ".join(filter(None, lines))))[:500]
