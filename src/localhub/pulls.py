"""Pull requests inside one repository: kept as records, following their branches, told to hooks.

It takes no request (rest/pulls.py) and merges nothing (gitmerge.py). Pull requests from forks do not exist here:
both branches lie in the same repository.

Source of the shapes: GitHub's REST reference, "Pull requests", and its webhook event `pull_request`.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from localhub import githistory, gitmerge, render
from localhub.clock import stamp
from localhub.gitstore import ZERO_SHA, GitRepo, RefMove
from localhub.registry import Repo
from localhub.store import Record
from localhub.tokens import Caller

if TYPE_CHECKING:
    from localhub.core import Core

_KIND = "pull"


class User(msgspec.Struct, frozen=True):
    """Who opened or merged it."""

    login: str
    id: int
    type: str


class Pull(msgspec.Struct, frozen=True, kw_only=True):
    """One pull request; `number` counts from 1 in its repository.

    `base_sha` is where the base branch stood when the pull request was opened, followed or merged.
    """

    id: int = 0
    number: int
    title: str
    body: str | None
    state: Literal["open", "closed"] = "open"
    draft: bool = False
    user: User
    head_ref: str
    head_sha: str
    base_ref: str
    base_sha: str
    created_at: str
    updated_at: str
    closed_at: str | None = None
    merged_at: str | None = None
    merge_sha: str | None = None
    merged_by: User | None = None


def user(caller: Caller) -> User:
    """A caller as the one who opens or merges."""
    return User(caller.login, caller.user_id, caller.type)


def all_of(core: "Core", repo: Repo) -> list[Pull]:
    """All pull requests of a repository, oldest first."""
    return [_pull(record) for record in core.store.records(_KIND, repo.scope)]


def find(core: "Core", repo: Repo, number: int) -> Pull | None:
    """The pull request with this number."""
    record = core.store.by_key(_KIND, repo.scope, str(number))
    return None if record is None else _pull(record)


def add(core: "Core", sender: Caller, repo: Repo, wanted: Mapping[str, Any]) -> Pull:
    """Open a pull request. `wanted` holds title, body, draft and head_ref, head_sha, base_ref, base_sha."""
    now = stamp(core.clock.now())
    with core.store.transaction():
        number = core.store.next_id(f"number:{repo.scope}")
        new = Pull(number=number, user=user(sender), created_at=now, updated_at=now, **wanted)
        pull = _pull(core.store.add(_KIND, repo.scope, str(number), msgspec.to_builtins(new)))
    core.git(repo).set_ref(f"refs/pull/{number}/head", pull.head_sha, ZERO_SHA)
    tell(core, sender, repo, pull, "opened")
    return pull


def change(core: "Core", repo: Repo, pull: Pull, **fields: Any) -> Pull:
    """Write a pull request with these fields changed, as of now; nobody is told."""
    changed = msgspec.structs.replace(pull, updated_at=stamp(core.clock.now()), **fields)
    core.store.change(_KIND, Record(pull.id, repo.scope, str(pull.number), msgspec.to_builtins(changed)))
    return changed


def close(core: "Core", sender: Caller, repo: Repo, pull: Pull) -> Pull:
    """Close it without merging."""
    closed = change(core, repo, pull, state="closed", closed_at=stamp(core.clock.now()))
    tell(core, sender, repo, closed, "closed")
    return closed


def mark_merged(core: "Core", sender: Caller, repo: Repo, pull: Pull, sha: str, base_before: str) -> Pull:
    """Note that it was merged as commit `sha` into a base that stood at `base_before`."""
    now = stamp(core.clock.now())
    more = {"merge_sha": sha, "base_sha": base_before, "merged_by": user(sender)}
    merged = change(core, repo, pull, state="closed", closed_at=now, merged_at=now, **more)
    tell(core, sender, repo, merged, "closed")
    return merged


def follow(core: "Core", sender: Caller, repo: Repo, moved: Sequence[RefMove]) -> None:
    """Let the open pull requests follow branches that have moved."""
    moves = {
        move.ref.removeprefix("refs/heads/"): move for move in moved if move.ref.startswith("refs/heads/")
    }
    for pull in all_of(core, repo) if moves else []:
        if pull.state == "open":
            _follow_one(core, sender, repo, pull, moves)


def _follow_one(core: "Core", sender: Caller, repo: Repo, pull: Pull, moves: Mapping[str, RefMove]) -> None:
    """It closes when a branch is gone, is merged when the base holds its head, else takes the new head."""
    head, base = moves.get(pull.head_ref), moves.get(pull.base_ref)
    if ZERO_SHA in {move.after for move in (head, base) if move is not None}:
        close(core, sender, repo, pull)
        return
    if head is not None:
        core.git(repo).set_ref(f"refs/pull/{pull.number}/head", head.after, pull.head_sha)
        pull = change(core, repo, pull, head_sha=head.after)
        more = {"before": head.before, "after": head.after}
        tell(core, sender, repo, pull, "synchronize", more)
    if base is not None and core.git(repo).is_ancestor(pull.head_sha, base.after):
        mark_merged(core, sender, repo, pull, base.after, base.before)


def tell(
    core: "Core", sender: Caller, repo: Repo, pull: Pull, action: str, more: Mapping[str, Any] | None = None
) -> None:
    """Send the event `pull_request`; one with a new head has its declared checks queued."""
    if core.webhooks.wanted([f"org:{repo.owner_id}", repo.scope], "pull_request"):
        site = core.public_url
        shown = full_shape(core.git(repo), repo, pull, site, site)
        body = {"number": pull.number, "pull_request": shown, **(more or {})}
        core.emit("pull_request", action, sender, repo, body)
    if action in {"opened", "reopened", "synchronize"}:
        core.actions.proposed(sender, repo, pull)


def sides(git: GitRepo, pull: Pull) -> tuple[str, str]:
    """The commits to compare, base first: the base's tip while it is open, else where it stood."""
    base = git.ref(f"refs/heads/{pull.base_ref}") if pull.state == "open" else None
    return base or pull.base_sha, pull.head_sha


def merge_base(git: GitRepo, pull: Pull) -> str:
    """The commit from which the changes of a pull request count."""
    base, head = sides(git, pull)
    return githistory.compare(git, base, head).merge_base or githistory.EMPTY_TREE


def shape(repo: Repo, pull: Pull, base: str, site: str) -> dict[str, Any]:
    """GitHub's `pull-request-simple`, as lists hold it."""
    url = f"{base}/repos/{repo.full_name}/pulls/{pull.number}"
    issue = f"{base}/repos/{repo.full_name}/issues/{pull.number}"
    page = f"{site}/{repo.full_name}/pull/{pull.number}"
    statuses = f"{base}/repos/{repo.full_name}/statuses/{pull.head_sha}"
    urls = {
        "html": page,
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{base}/repos/{repo.full_name}/pulls/comments{{/number}}",
        "commits": f"{url}/commits",
        "statuses": statuses,
    }
    return {
        "url": url,
        "id": pull.id,
        "node_id": render.node_id("PullRequest", pull.id),
        **{f"{name}_url": address for name, address in urls.items()},
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "number": pull.number,
        "state": pull.state,
        "locked": False,
        "title": pull.title,
        "user": _user(pull.user, base, site),
        "body": pull.body,
        "created_at": pull.created_at,
        "updated_at": pull.updated_at,
        "closed_at": pull.closed_at,
        "merged_at": pull.merged_at,
        "merge_commit_sha": pull.merge_sha,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "labels": [],
        "milestone": None,
        "draft": pull.draft,
        "head": _side(repo, pull.head_ref, pull.head_sha, base, site),
        "base": _side(repo, pull.base_ref, pull.base_sha, base, site),
        "_links": {"self": {"href": url}} | {name: {"href": address} for name, address in urls.items()},
        "author_association": "MEMBER",
        "auto_merge": None,
        "active_lock_reason": None,
    }


def full_shape(git: GitRepo, repo: Repo, pull: Pull, base: str, site: str) -> dict[str, Any]:
    """GitHub's `pull-request`: what its own address answers and webhooks hold."""
    base_sha, head_sha = sides(git, pull)
    compared = githistory.compare(git, base_sha, head_sha)
    files = githistory.changes(git, compared.merge_base or githistory.EMPTY_TREE, head_sha)
    mergeable = _mergeable(git, base_sha, head_sha) if pull.state == "open" else None
    words = {None: "unknown", True: "draft" if pull.draft else "clean", False: "dirty"}
    return shape(repo, pull, base, site) | {
        "merged": pull.merged_at is not None,
        "mergeable": mergeable,
        "rebaseable": mergeable,
        "mergeable_state": words[mergeable],
        "merged_by": None if pull.merged_by is None else _user(pull.merged_by, base, site),
        "comments": 0,
        "review_comments": 0,
        "maintainer_can_modify": False,
        "commits": compared.ahead_by,
        "additions": sum(one.additions for one in files),
        "deletions": sum(one.deletions for one in files),
        "changed_files": len(files),
    }


def _mergeable(git: GitRepo, base: str, head: str) -> bool:
    try:
        gitmerge.merged_tree(git, base, head)
    except gitmerge.Conflict:
        return False
    return True


def _side(repo: Repo, ref: str, sha: str, base: str, site: str) -> dict[str, Any]:
    return {
        "label": f"{repo.owner}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": render.owner(repo.owner, repo.owner_id, repo.owner_type, base, site),
        "repo": render.repo(repo, base, site, None),
    }


def _user(one: User, base: str, site: str) -> dict[str, Any]:
    return render.owner(one.login, one.id, one.type, base, site)


def _pull(record: Record) -> Pull:
    return msgspec.convert(record.data | {"id": record.id}, Pull)
