"""Pull requests: opened once, read, and merged at one commit.

Source of the rules: GitHub's REST reference, "Pull requests".
"""

from __future__ import annotations

from typing import Final

import msgspec

from steward.adapters.github.answer import Answer
from steward.adapters.github.desk import PAGE, decode, words
from steward.adapters.github.wire import Grant
from steward.adapters.github.write_repos import ref_path, tip
from steward.adapters.github.write_wire import Desk
from steward.ports.building import Blocked, MovedOn, Pull
from steward.ports.errors import Permanent, Transient, Unreachable

_MERGED_BEFORE_MAX: Final = 100
"""How many closed pull requests of one head are looked through for a merged one."""


class _Repo(msgspec.Struct):
    id: int


class _Side(msgspec.Struct):
    ref: str
    sha: str
    repo: _Repo | None = None


class _Pull(msgspec.Struct):
    number: int
    head: _Side
    base: _Side
    state: str = "open"
    html_url: str = ""
    merged_at: str | None = None
    merge_commit_sha: str | None = None
    mergeable: bool | None = None


class _Settings(msgspec.Struct):
    allow_merge_commit: bool | None = None
    allow_squash_merge: bool | None = None
    allow_rebase_merge: bool | None = None


class _Merged(msgspec.Struct):
    sha: str = ""
    merged: bool = False


def ensure_pull(desk: Desk, repo_id: int, *, head: str, base: str, title: str, body: str) -> Pull:
    """The pull request of a branch: an open one, a merged one of the same commit, else a new one."""
    ref_path(head)
    ref_path(base)
    found = _open_or_merged(desk, repo_id, head, base)
    if found is not None:
        return found
    wanted = {"title": title, "head": head, "base": base, "body": body}
    try:
        answer, grant = desk.change("POST", repo_id, "/pulls", wanted)
    except Unreachable:
        found = _open_or_merged(desk, repo_id, head, base)
        if found is None:
            raise
        return found
    if answer.status == 201:
        return _shown(decode(answer, _Pull))
    return _not_opened(desk, repo_id, head, base, answer, grant)


def _not_opened(desk: Desk, repo_id: int, head: str, base: str, answer: Answer, grant: Grant) -> Pull:
    said = words(answer)
    if answer.status == 422 and "already exists" in said:
        found = _open_or_merged(desk, repo_id, head, base)
        if found is None:
            raise Unreachable(f"a pull request of {head} exists, but was not seen yet")
        return found
    if answer.status == 422 and "No commits between" in said:
        raise Permanent(
            f"the branch {head} holds nothing that {base} lacks, so there is no pull request to open",
            "Commit the change to the branch first, or leave it out: it may be merged already",
        )
    raise desk.refusal(answer, grant, f"open a pull request from {head} to {base}")


def _open_or_merged(desk: Desk, repo_id: int, head: str, base: str) -> Pull | None:
    owner = desk.repo(repo_id).owner_login
    for one in _listed(desk, repo_id, f"{owner}:{head}", base, "open"):
        if _is_of(one, repo_id, head, base):
            return pull(desk, repo_id, one.number)
    closed = _listed(desk, repo_id, f"{owner}:{head}", base, "closed")
    merged = [one for one in closed if one.merged_at is not None and _is_of(one, repo_id, head, base)]
    if not merged:
        return None
    at = tip(desk, repo_id, head)
    # A branch that was removed after its merge stands where the latest merge found it.
    same = [one for one in merged if at in {None, one.head.sha}]
    return _shown(max(same, key=lambda one: one.number)) if same else None


def _listed(desk: Desk, repo_id: int, head: str, base: str, state: str) -> list[_Pull]:
    params = {"state": state, "head": head, "base": base, "sort": "updated", "direction": "desc"}
    params["per_page"] = str(min(PAGE, _MERGED_BEFORE_MAX))
    return desk.ask(repo_id, "/pulls", list[_Pull], "list its pull requests", params)


def _is_of(one: _Pull, repo_id: int, head: str, base: str) -> bool:
    """The filters of the list are GitHub's; a fork's branch of the same name is none of ours."""
    home = one.head.repo is None or one.head.repo.id == repo_id
    return home and one.head.ref == head and one.base.ref == base


def pull(desk: Desk, repo_id: int, number: int) -> Pull:
    """One by its number."""
    found = desk.ask(repo_id, f"/pulls/{number:d}", _Pull, f"read pull request {number}")
    return _shown(found)


def _shown(one: _Pull) -> Pull:
    """`merge_commit_sha` of an open one is a commit of GitHub's own, to try the merge; it is not shown."""
    merged = one.merged_at is not None
    state = "merged" if merged else one.state
    sha = one.merge_commit_sha if merged else None
    return Pull(one.number, one.html_url, state, one.head.sha, one.base.ref, sha, one.mergeable)


def merge(desk: Desk, repo_id: int, number: int, *, sha: str, title: str, message: str = "") -> Pull:
    """Merge it at that commit. Merged there already is as good. Raises MovedOn, Blocked."""
    before = pull(desk, repo_id, number)
    if (done := _decided(before, sha)) is not None:
        return done
    if before.mergeable is None:
        raise Transient(f"GitHub has not yet worked out whether pull request {number} can be merged")
    body = {"sha": sha, "commit_title": title, "merge_method": _method(desk, repo_id)}
    if message:
        body["commit_message"] = message
    try:
        answer, grant = desk.change("PUT", repo_id, f"/pulls/{number:d}/merge", body)
    except Unreachable:
        done = _decided(pull(desk, repo_id, number), sha)
        if done is None:
            raise
        return done
    if answer.status == 200:
        return _after(desk, repo_id, before, decode(answer, _Merged))
    return _not_merged(desk, repo_id, number, sha, answer, grant)


def _decided(found: Pull, sha: str) -> Pull | None:
    """The pull request if it is merged at that commit; None if it can be. Raises MovedOn, Blocked."""
    if found.head_sha != sha:
        raise MovedOn(f"pull request {found.number}", sha, found.head_sha)
    if found.state == "merged":
        return found
    if found.state != "open":
        raise Blocked(f"pull request {found.number} was closed without a merge")
    return None


def _after(desk: Desk, repo_id: int, before: Pull, said: _Merged) -> Pull:
    if not said.merged or not said.sha:
        raise Unreachable(f"GitHub answered 200, but did not say that pull request {before.number} is merged")
    found = pull(desk, repo_id, before.number)
    if found.state == "merged":
        return found
    return Pull(before.number, before.url, "merged", before.head_sha, before.base, said.sha)


def _not_merged(desk: Desk, repo_id: int, number: int, sha: str, answer: Answer, grant: Grant) -> Pull:
    said = words(answer)
    if answer.status == 409:
        done = _decided(pull(desk, repo_id, number), sha)
        if done is None:
            raise Transient(f"GitHub could not merge pull request {number} just now: {said}")
        return done
    if answer.status == 405:
        # The very same merge may have been made by a call whose answer was lost.
        done = _decided(pull(desk, repo_id, number), sha)
        if done is not None:
            return done
        if "Base branch was modified" in said:
            raise Transient(f"the base of pull request {number} moved during the merge")
        raise Blocked(said)
    if answer.status == 202:
        raise Transient(f"GitHub is still at work on the merge of pull request {number}")
    raise desk.refusal(answer, grant, f"merge pull request {number}")


def _method(desk: Desk, repo_id: int) -> str:
    """The way of merging that the repository allows, a merge commit first: it is what a revert undoes whole."""
    allowed = desk.ask(repo_id, "", _Settings, "read its settings")
    if allowed.allow_merge_commit is not False:
        return "merge"
    return "squash" if allowed.allow_squash_merge is not False else "rebase"
