"""Merges inside a bare repository, without a working copy: merge commit, squash, rebase.

It makes commits and answers their ids; moving a branch to them is the caller's. It never resolves a conflict.

The merge itself is `git merge-tree --write-tree` (git 2.38 or newer).
"""

from collections.abc import Mapping

from localhub import githistory
from localhub.gitstore import GitError, GitRepo, Person


class Conflict(GitError):
    """The two sides changed the same lines."""


def merged_tree(repo: GitRepo, base: str, head: str) -> str:
    """The tree that merging `head` into `base` gives. Raises Conflict."""
    done = repo.try_git("merge-tree", "--write-tree", "--allow-unrelated-histories", base, head)
    if done.returncode == 1:
        raise Conflict(f"{head[:7]} does not merge into {base[:7]} without conflicts")
    if done.returncode:
        raise GitError(done.stderr.decode("utf-8", "replace").strip())
    return done.stdout.decode("ascii", "replace").split("\n", 1)[0]


def merge(repo: GitRepo, base: str, head: str, *, message: str, author: Person, at: int) -> str:
    """A merge commit of `base` and `head`. Raises Conflict."""
    tree = merged_tree(repo, base, head)
    return _commit_tree(repo, tree, [base, head], message, _stamps(author, at, author, at))


def squash(repo: GitRepo, base: str, head: str, *, message: str, author: Person, at: int) -> str:
    """One commit on `base` with all that `head` brings. Raises Conflict."""
    tree = merged_tree(repo, base, head)
    return _commit_tree(repo, tree, [base], message, _stamps(author, at, author, at))


def rebase(repo: GitRepo, base: str, head: str, *, committer: Person, at: int) -> str:
    """The commits of `head` made again on `base`, in order, merges left out. Raises Conflict.

    Each keeps its author and message. To apply one commit alone, a passing commit that holds the tree so far
    is set on that commit's parent, so that this parent is the merge base of the two.
    """
    tip = base
    listed = repo.git("rev-list", "--reverse", "--topo-order", "--no-merges", f"{base}..{head}", "--")
    for sha in listed.decode("ascii").split():
        one = githistory.commit(repo, sha)
        stamps = _stamps(one.author, one.authored_at, committer, at)
        so_far = f"{tip}^{{tree}}"
        beside = _commit_tree(repo, so_far, list(one.parents), "passing", stamps)
        tree = merged_tree(repo, beside, sha)
        tip = _commit_tree(repo, tree, [tip], one.message, stamps)
    return tip


def _commit_tree(
    repo: GitRepo, tree: str, parents: list[str], message: str, stamps: Mapping[str, str]
) -> str:
    flags = [part for parent in parents for part in ("-p", parent)]
    text = message.encode() + b"\n"
    return repo.git("commit-tree", tree, *flags, stdin=text, env=stamps).decode("ascii").strip()


def _stamps(author: Person, authored_at: int, committer: Person, at: int) -> dict[str, str]:
    return {
        "GIT_AUTHOR_NAME": author.name,
        "GIT_AUTHOR_EMAIL": author.email,
        "GIT_AUTHOR_DATE": f"@{authored_at} +0000",
        "GIT_COMMITTER_NAME": committer.name,
        "GIT_COMMITTER_EMAIL": committer.email,
        "GIT_COMMITTER_DATE": f"@{at} +0000",
    }
