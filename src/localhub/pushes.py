"""What follows when refs of a repository move, whether by `git push` or through the REST interface.

The repository notes when it was pushed to, hooks hear `create`, `delete` and `push`, declared checks are queued,
and pull requests follow their branches. Moving the refs is the caller's part, under the repository's lock, which is still held here.

Source of the payloads: GitHub's "Webhook events and payloads", `push`, `create`, `delete`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from localhub import githistory, gitjson, pulls
from localhub.gitjson import Place
from localhub.gitstore import ZERO_SHA, GitRepo, NewCommit, Person, RefMove
from localhub.registry import Repo
from localhub.tokens import Caller

if TYPE_CHECKING:
    from localhub.core import Core

_MAX_COMMITS = 2_048
"""GitHub lists no more commits than this in one `push`."""


def place(core: "Core", repo: Repo) -> Place:
    """Where webhooks say that the repository is."""
    return Place(f"{core.public_url}/repos/{repo.full_name}", f"{core.public_url}/{repo.full_name}")


def person(caller: Caller) -> Person:
    """A caller as the author of a commit."""
    return Person(caller.login, f"{caller.user_id}+{caller.login}@users.noreply.localhost")


def move_ref(core: "Core", sender: Caller, repo: Repo, move: RefMove) -> None:
    """Move one ref and do what follows. Raises Moved when the ref no longer stands where `move` says."""
    with core.lock(repo.id):
        core.git(repo).set_ref(move.ref, move.after, move.before)
        follow(core, sender, repo, [move])


def commit(core: "Core", sender: Caller, repo: Repo, new: NewCommit) -> str:
    """Make one commit at the tip of its branch and do what follows; return its id. Raises Moved."""
    with core.lock(repo.id):
        git = core.git(repo)
        before = git.ref(f"refs/heads/{new.branch}") or ZERO_SHA
        (after,) = git.commit([new])
        follow(core, sender, repo, [RefMove(f"refs/heads/{new.branch}", before, after)])
    return after


def follow(core: "Core", sender: Caller, repo: Repo, moved: Sequence[RefMove]) -> Repo:
    """Do what follows from these moves, which have happened; return the repository as it is afterwards.

    Nothing does when the repository was deleted meanwhile.
    """
    git = core.git(repo)
    with core.store.transaction():
        if core.registry.repo_by_id(repo.id) is None:
            return repo
        repo = _with_default_branch(core, git, core.note_push(repo), moved)
    for move in moved:
        _tell(core, sender, repo, git, move)
    core.actions.pushed(sender, repo, moved)
    pulls.follow(core, sender, repo, moved)
    return repo


def _with_default_branch(core: "Core", git: GitRepo, repo: Repo, moved: Sequence[RefMove]) -> Repo:
    """Where all branches are new and none is the default one, the first becomes it, as on GitHub."""
    new = [move.ref.removeprefix("refs/heads/") for move in moved if move.before == ZERO_SHA]
    heads = list(git.heads())
    if not heads or repo.default_branch in heads or not set(heads) <= set(new):
        return repo
    git.set_head_branch(heads[0])
    return core.registry.change_repo(replace(repo, default_branch=heads[0]))


def _tell(core: "Core", sender: Caller, repo: Repo, git: GitRepo, move: RefMove) -> None:
    """Send `create` or `delete` where a ref came or went, and always `push`."""
    kind = "tag" if move.ref.startswith("refs/tags/") else "branch"
    name = {"ref": move.ref.split("/", 2)[2], "ref_type": kind, "pusher_type": "user"}
    if move.before == ZERO_SHA:
        about = {"master_branch": repo.default_branch, "description": repo.description}
        core.emit("create", None, sender, repo, name | about)
    if move.after == ZERO_SHA:
        core.emit("delete", None, sender, repo, name)
    if core.webhooks.wanted([f"org:{repo.owner_id}", repo.scope], "push"):
        core.emit("push", None, sender, repo, _push(core, sender, repo, git, move))


def _push(core: "Core", sender: Caller, repo: Repo, git: GitRepo, move: RefMove) -> dict[str, Any]:
    where = place(core, repo)
    listed = _listed(core, repo, git, move)
    head = None
    after = git.resolve(move.after) if move.after != ZERO_SHA else None
    if after is not None:
        shown = githistory.commit(git, after)
        head = gitjson.pushed_commit(where, shown, githistory.touched(git, [after])[after])
    both = ZERO_SHA not in {move.before, move.after}
    return {
        "ref": move.ref,
        "before": move.before,
        "after": move.after,
        "created": move.before == ZERO_SHA,
        "deleted": move.after == ZERO_SHA,
        "forced": both and not git.is_ancestor(move.before, move.after),
        "base_ref": None,
        "compare": f"{where.html}/compare/{move.before[:12]}...{move.after[:12]}",
        "commits": listed,
        "head_commit": head,
        "pusher": {"name": sender.login, "email": person(sender).email},
    }


def _listed(core: "Core", repo: Repo, git: GitRepo, move: RefMove) -> list[dict[str, Any]]:
    """The commits that the branch gained; of a new branch, those that the default branch lacks."""
    if move.after == ZERO_SHA or not move.ref.startswith("refs/heads/"):
        return []
    base = move.before
    if base == ZERO_SHA:
        default = git.ref(f"refs/heads/{repo.default_branch}")
        base = default if default not in {None, move.after} else ""
    commits = githistory.between(git, base, move.after, limit=_MAX_COMMITS)
    files = githistory.touched(git, [one.sha for one in commits])
    return [gitjson.pushed_commit(place(core, repo), one, files[one.sha]) for one in commits]
