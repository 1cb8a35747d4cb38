"""Pull requests over REST: open, list, read, change, merge, and their files and commits.

Reviews and comments are not here.

Source of the rules and words: GitHub's REST reference, "Pull requests".
"""

from typing import Any

from localhub import branchrules, githistory, gitjson, gitmerge, pulls, pushes
from localhub.gitstore import ZERO_SHA, GitRepo, Moved, RefMove
from localhub.pulls import Pull
from localhub.registry import Repo
from localhub.rest.git import commit_of, place
from localhub.wire import Answer, Call, Problem, Route, invalid, not_found

_MAX_COMMITS = 250
_METHODS = {"merge": "merge_commit", "squash": "squash_merge", "rebase": "rebase_merge"}
"""Each way to merge, and the repository's setting `allow_...` that permits it."""
_ORDERS = {"created": "created_at", "updated": "updated_at"}


def create(call: Call) -> Answer:
    """`POST .../pulls`: `title`, `head` and `base` branch, `body`, `draft`."""
    repo = call.repo(write="pull_requests")
    title = call.text("title", resource="PullRequest")
    head_ref = call.text("head", resource="PullRequest").removeprefix(f"{repo.owner}:")
    base_ref = call.text("base", resource="PullRequest")
    body = call.json().get("body")
    with call.core.lock(repo.id):
        git = call.core.git(repo)
        head_sha, base_sha = _branch(git, "head", head_ref), _branch(git, "base", base_ref)
        _require_new(call, repo, head_ref, base_ref)
        if githistory.compare(git, base_sha, head_sha).ahead_by == 0:
            raise _refused(f"No commits between {base_ref} and {head_ref}")
        wanted = {
            "title": title,
            "body": body if isinstance(body, str) else None,
            "draft": call.json().get("draft") is True,
            "head_ref": head_ref,
            "head_sha": head_sha,
            "base_ref": base_ref,
            "base_sha": base_sha,
        }
        pull = pulls.add(call.core, call.caller, repo, wanted)
    shown = _full(call, repo, pull)
    return Answer(201, shown, {"Location": shown["url"]})


def _full(call: Call, repo: Repo, pull: Pull) -> dict[str, Any]:
    """The long form; `blocked` where it merges cleanly and a rule of its base keeps this caller from merging it."""
    git = call.core.git(repo)
    shown = pulls.full_shape(git, repo, pull, call.base, call.site)
    if shown["mergeable_state"] == "clean" and branchrules.unmergeable(
        call.core, call.caller, repo, git, pull
    ):
        shown["mergeable_state"] = "blocked"
    return shown


def _branch(git: GitRepo, name: str, ref: str) -> str:
    sha = git.ref(f"refs/heads/{ref}")
    if sha is None:
        raise invalid("PullRequest", name, f"{name} {ref} is not a branch of this repository", "invalid")
    return sha


def _require_new(call: Call, repo: Repo, head_ref: str, base_ref: str) -> None:
    for one in pulls.all_of(call.core, repo):
        if one.state == "open" and (one.head_ref, one.base_ref) == (head_ref, base_ref):
            raise _refused(f"A pull request already exists for {repo.owner}:{head_ref}.")


def _refused(message: str) -> Problem:
    error = {"resource": "PullRequest", "code": "custom", "message": message}
    return Problem(422, "Validation Failed", errors=[error])


def index(call: Call) -> Answer:
    """`GET .../pulls`: `state` open (default), closed or all; `head` as `owner:branch`; `base`; order."""
    repo = call.repo()
    state, head, base = call.query.get("state", "open"), call.query.get("head"), call.query.get("base")
    found = [
        one
        for one in pulls.all_of(call.core, repo)
        if state in {one.state, "all"}
        and head in {None, f"{repo.owner}:{one.head_ref}"}
        and base in {None, one.base_ref}
    ]
    order = call.query.get("sort", "created")
    field = _ORDERS.get(order, "created_at")
    rising = call.query.get("direction", "desc" if order == "created" else "asc") == "asc"
    found.sort(key=lambda one: (getattr(one, field), one.number), reverse=not rising)
    return call.paged([pulls.shape(repo, one, call.base, call.site) for one in found])


def show(call: Call) -> Answer:
    """`GET .../pulls/{number}`."""
    repo = call.repo()
    return Answer(body=_full(call, repo, _pull(call, repo)))


def _pull(call: Call, repo: Repo) -> Pull:
    found = pulls.find(call.core, repo, call.number("number"))
    if found is None:
        raise not_found()
    return found


def change(call: Call) -> Answer:
    """`PATCH .../pulls/{number}`: `title`, `body`, `base`, and `state` (a merged one stays closed)."""
    repo = call.repo(write="pull_requests")
    with call.core.lock(repo.id):
        pull = _pull(call, repo)
        pull = _edited(call, repo, pull)
        state = call.json().get("state", pull.state)
        if state not in {"open", "closed"}:
            raise invalid("PullRequest", "state", "state must be open or closed", "invalid")
        if state == "closed" and pull.state == "open":
            pull = pulls.close(call.core, call.caller, repo, pull)
        elif state == "open" and pull.state == "closed":
            pull = _reopened(call, repo, pull)
    return Answer(body=_full(call, repo, pull))


def _edited(call: Call, repo: Repo, pull: Pull) -> Pull:
    asked = call.json()
    edits: dict[str, Any] = {
        name: asked[name] for name in ("title", "body") if isinstance(asked.get(name), str)
    }
    changes: dict[str, Any] = {name: {"from": getattr(pull, name)} for name in edits}
    if isinstance(asked.get("base"), str) and asked["base"] != pull.base_ref:
        edits["base_ref"] = asked["base"]
        edits["base_sha"] = _branch(call.core.git(repo), "base", asked["base"])
        changes["base"] = {"ref": {"from": pull.base_ref}, "sha": {"from": pull.base_sha}}
    if not edits:
        return pull
    edited = pulls.change(call.core, repo, pull, **edits)
    pulls.tell(call.core, call.caller, repo, edited, "edited", {"changes": changes})
    return edited


def _reopened(call: Call, repo: Repo, pull: Pull) -> Pull:
    """Open it again at the head's present tip."""
    if pull.merged_at is not None:
        raise _refused("state cannot be changed. The pull request was merged.")
    git = call.core.git(repo)
    head_sha, base_sha = _branch(git, "head", pull.head_ref), _branch(git, "base", pull.base_ref)
    _require_new(call, repo, pull.head_ref, pull.base_ref)
    if head_sha != pull.head_sha:
        git.set_ref(f"refs/pull/{pull.number}/head", head_sha, pull.head_sha)
    again = {"state": "open", "closed_at": None, "head_sha": head_sha, "base_sha": base_sha}
    opened = pulls.change(call.core, repo, pull, **again)
    pulls.tell(call.core, call.caller, repo, opened, "reopened")
    return opened


def merge(call: Call) -> Answer:
    """`PUT .../pulls/{number}/merge`: by `merge_method` merge, squash or rebase.

    `sha` must be the head where it is given: 409 otherwise, and nothing is merged. 405 where it cannot be.
    """
    repo = call.repo(write="contents")
    asked = call.json()
    method = asked.get("merge_method", "merge")
    if method not in _METHODS:
        raise invalid(
            "PullRequest", "merge_method", f"merge_method must be one of {', '.join(_METHODS)}", "invalid"
        )
    if repo.extras().get(f"allow_{_METHODS[method]}", True) is False:
        raise Problem(405, f"{method.capitalize()} merges are not allowed on this repository.")
    with call.core.lock(repo.id):
        pull = _mergeable(call, repo)
        git = call.core.git(repo)
        base, head = pulls.sides(git, pull)
        if asked.get("sha", head) != head:
            raise Problem(409, "Head branch was modified. Review and try the merge again.")
        if violations := branchrules.unmergeable(call.core, call.caller, repo, git, pull):
            raise branchrules.problem(405, violations)
        try:
            sha = _merged(call, git, repo, pull, method)
        except gitmerge.Conflict as error:
            raise Problem(405, "Pull Request is not mergeable") from error
        move = RefMove(f"refs/heads/{pull.base_ref}", base, sha)
        git.set_ref(move.ref, sha, base)
        pulls.mark_merged(call.core, call.caller, repo, pull, sha, base)
        pushes.follow(call.core, call.caller, repo, [move])
        _delete_head(call, repo, pull)
    return Answer(body={"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


def _mergeable(call: Call, repo: Repo) -> Pull:
    pull = _pull(call, repo)
    if pull.state == "closed":
        raise Problem(405, "Pull Request is not mergeable")
    if pull.draft:
        raise Problem(405, "Pull Request is still a draft")
    return pull


def _merged(call: Call, git: GitRepo, repo: Repo, pull: Pull, method: str) -> str:
    """The commit that the base is to stand at. Raises gitmerge.Conflict."""
    base, head = pulls.sides(git, pull)
    author, at = pushes.person(call.caller), int(call.core.clock.now().timestamp())
    if method == "rebase":
        return gitmerge.rebase(git, base, head, committer=author, at=at)
    asked = call.json()
    if method == "squash":
        listed = githistory.between(git, base, head)
        title = asked.get("commit_title") or f"{pull.title} (#{pull.number})"
        text = asked.get("commit_message")
        if text is None:
            text = "\n\n".join(f"* {one.message}" for one in listed) if len(listed) > 1 else ""
        return gitmerge.squash(git, base, head, message=_message(title, text), author=author, at=at)
    title = (
        asked.get("commit_title") or f"Merge pull request #{pull.number} from {repo.owner}/{pull.head_ref}"
    )
    text = asked.get("commit_message")
    message = _message(title, pull.title if text is None else text)
    return gitmerge.merge(git, base, head, message=message, author=author, at=at)


def _message(title: object, text: object) -> str:
    return f"{title}\n\n{text}" if text else str(title)


def _delete_head(call: Call, repo: Repo, pull: Pull) -> None:
    """Where the repository is set to delete merged branches, do so, unless it went on or a rule forbids it."""
    ref = f"refs/heads/{pull.head_ref}"
    if not repo.extras().get("delete_branch_on_merge") or pull.head_ref == repo.default_branch:
        return
    now = call.core.registry.repo_by_id(repo.id) or repo
    move = RefMove(ref, pull.head_sha, ZERO_SHA)
    if branchrules.refused(call.core, call.caller, now, call.core.git(now), move):
        return
    try:
        pushes.move_ref(call.core, call.caller, now, move)
    except Moved:
        return


def is_merged(call: Call) -> Answer:
    """`GET .../pulls/{number}/merge`: 204 when it was merged, else 404."""
    if _pull(call, call.repo()).merged_at is None:
        raise not_found()
    return Answer(204)


def files(call: Call) -> Answer:
    """`GET .../pulls/{number}/files`: what the head changed since it left the base."""
    repo = call.repo()
    pull, git = _pull(call, repo), call.core.git(repo)
    changed = githistory.changes(git, pulls.merge_base(git, pull), pull.head_sha)
    return call.paged([gitjson.changed_file(place(call, repo), one, pull.head_sha) for one in changed])


def commits(call: Call) -> Answer:
    """`GET .../pulls/{number}/commits`, oldest first; at most 250."""
    repo = call.repo()
    git = call.core.git(repo)
    base, head = pulls.sides(git, _pull(call, repo))
    listed = githistory.between(git, base, head, limit=_MAX_COMMITS)
    return call.paged([gitjson.commit(place(call, repo), one) for one in listed])


def of_commit(call: Call) -> Answer:
    """`GET .../commits/{ref}/pulls`: those whose head or merge is this commit."""
    repo = call.repo()
    sha = commit_of(call.core.git(repo), call.params["ref"])
    found = [one for one in pulls.all_of(call.core, repo) if sha in {one.head_sha, one.merge_sha}]
    return call.paged([pulls.shape(repo, one, call.base, call.site) for one in found])


_PULLS = "/repos/{owner}/{repo}/pulls"
ROUTES = [
    Route("GET", _PULLS, index),
    Route("POST", _PULLS, create),
    Route("GET", f"{_PULLS}/{{number}}", show),
    Route("PATCH", f"{_PULLS}/{{number}}", change),
    Route("GET", f"{_PULLS}/{{number}}/merge", is_merged),
    Route("PUT", f"{_PULLS}/{{number}}/merge", merge),
    Route("GET", f"{_PULLS}/{{number}}/files", files),
    Route("GET", f"{_PULLS}/{{number}}/commits", commits),
    Route("GET", "/repos/{owner}/{repo}/commits/{ref:path}/pulls", of_commit),
]
