"""Branches, tags, refs, commits, trees, blobs and comparisons of a repository.

A ref is always compared whole: `feature` never finds `feature-2`, save in `matching-refs`, whose purpose that
is. Objects are made by `git push` and the contents interface; the "Git database" interface only reads them.
"""

from localhub import branchrules, githistory, gitjson, pushes
from localhub.gitjson import Json, Place
from localhub.gitstore import ZERO_SHA, GitRepo, Moved, RefMove, valid_ref
from localhub.registry import Repo
from localhub.wire import Answer, Call, Problem, Route, not_found

_MAX_FILES = 300
"""A comparison and a commit list no more files than this (GitHub's limit)."""
_COMPARED = 100
"""The commits on one page of a comparison, where the caller does not say."""


def place(call: Call, repo: Repo) -> Place:
    """Where this caller finds the repository."""
    return Place(f"{call.base}/repos/{repo.full_name}", f"{call.site}/{repo.full_name}")


def commit_of(git: GitRepo, ref: str) -> str:
    """The commit that a ref parameter means. Raises Problem: 409 for an empty repository, 422 for no commit."""
    sha = git.resolve(ref)
    if sha is None and not git.refs("refs/heads"):
        raise Problem(409, "Git Repository is empty.")
    if sha is None:
        raise Problem(422, f"No commit found for SHA: {ref}")
    return sha


def branches(call: Call) -> Answer:
    """`GET .../branches`, by name."""
    repo = call.repo()
    where = place(call, repo)
    heads = sorted(call.core.git(repo).heads().items())
    shown = [
        gitjson.branch(where, name, {"sha": sha, "url": f"{where.api}/commits/{sha}"}) for name, sha in heads
    ]
    return call.paged(shown)


def branch(call: Call) -> Answer:
    """`GET .../branches/{branch}`, with its whole last commit."""
    repo, name = call.repo(), call.params["branch"]
    git, where = call.core.git(repo), place(call, repo)
    sha = git.ref(f"refs/heads/{name}")
    if sha is None:
        raise Problem(404, "Branch not found")
    tip = gitjson.commit(where, githistory.commit(git, sha))
    links = {"self": f"{where.api}/branches/{name}", "html": f"{where.html}/tree/{name}"}
    return Answer(body=gitjson.branch(where, name, tip) | {"_links": links})


def protection(call: Call) -> Answer:
    """`GET .../branches/{branch}/protection`: rules of branches are rulesets here."""
    if call.core.git(call.repo()).ref(f"refs/heads/{call.params['branch']}") is None:
        raise Problem(404, "Branch not found")
    raise Problem(404, "Branch not protected")


def tags(call: Call) -> Answer:
    """`GET .../tags`, latest name first, each with the commit that it stands for."""
    repo = call.repo()
    git, where = call.core.git(repo), place(call, repo)
    names = sorted((name.removeprefix("refs/tags/") for name in git.refs("refs/tags")), reverse=True)
    return call.paged([_tag(git, where, name) for name in names])


def _tag(git: GitRepo, where: Place, name: str) -> Json:
    sha = git.resolve(f"tags/{name}")
    return {
        "name": name,
        "commit": {"sha": sha, "url": f"{where.api}/commits/{sha}"},
        "zipball_url": f"{where.api}/zipball/refs/tags/{name}",
        "tarball_url": f"{where.api}/tarball/refs/tags/{name}",
        "node_id": gitjson.node_id("REF", f"{where.api}:refs/tags/{name}"),
    }


def ref(call: Call) -> Answer:
    """`GET .../git/ref/{ref}`: exactly this one."""
    repo = call.repo()
    git, name = call.core.git(repo), f"refs/{call.params['ref']}"
    sha = git.ref(name)
    if sha is None:
        raise not_found()
    return Answer(body=gitjson.ref(place(call, repo), name, git.kind(sha) or "commit", sha))


def refs(call: Call) -> Answer:
    """`GET .../git/refs` and `.../git/matching-refs/{ref}`: all that begin so."""
    repo = call.repo()
    git, start = call.core.git(repo), f"refs/{call.params.get('ref', '')}"
    found = {name: sha for name, sha in git.refs().items() if name.startswith(start)}
    if not found and start == "refs/":
        raise Problem(409, "Git Repository is empty.")
    where = place(call, repo)
    return call.paged(
        [gitjson.ref(where, name, git.kind(sha) or "commit", sha) for name, sha in found.items()]
    )


def create_ref(call: Call) -> Answer:
    """`POST .../git/refs`: `ref` by its full name, at `sha`."""
    repo = call.repo(write="contents")
    git = call.core.git(repo)
    name, sha = call.text("ref", resource="Reference"), call.text("sha", resource="Reference")
    if not valid_ref(name) or not name.startswith(("refs/heads/", "refs/tags/")):
        raise Problem(422, "Reference name must start with 'refs/heads/' or 'refs/tags/' and be a valid name")
    _require_object(git, name, sha)
    try:
        _obey(call, repo, RefMove(name, ZERO_SHA, sha))
    except Moved as error:
        raise Problem(422, "Reference already exists") from error
    shown = gitjson.ref(place(call, repo), name, git.kind(sha) or "commit", sha)
    return Answer(201, shown, {"Location": shown["url"]})


def move_ref(call: Call) -> Answer:
    """`PATCH .../git/refs/{ref}`: to `sha`, which must come after it unless `force` is true."""
    repo = call.repo(write="contents")
    git, name = call.core.git(repo), _changeable(call)
    sha = call.text("sha", resource="Reference")
    _require_object(git, name, sha)
    old = git.ref(name)
    if old is None:
        raise Problem(422, "Reference does not exist")
    if call.json().get("force") is not True and not git.is_ancestor(old, sha):
        raise Problem(422, "Update is not a fast forward")
    _move(call, repo, RefMove(name, old, sha))
    return Answer(body=gitjson.ref(place(call, repo), name, git.kind(sha) or "commit", sha))


def delete_ref(call: Call) -> Answer:
    """`DELETE .../git/refs/{ref}`: any but the default branch."""
    repo = call.repo(write="contents")
    name = _changeable(call)
    old = call.core.git(repo).ref(name)
    if old is None:
        raise Problem(422, "Reference does not exist")
    if name == f"refs/heads/{repo.default_branch}":
        raise Problem(422, "Cannot delete the default branch")
    _move(call, repo, RefMove(name, old, ZERO_SHA))
    return Answer(204)


def _changeable(call: Call) -> str:
    name = f"refs/{call.params['ref']}"
    if not name.startswith(("refs/heads/", "refs/tags/")):
        raise Problem(422, "Reference cannot be updated: only branches and tags can")
    return name


def _move(call: Call, repo: Repo, move: RefMove) -> None:
    """Move a ref that was just read; 409 where somebody was quicker."""
    if move.before == move.after:
        return
    try:
        _obey(call, repo, move)
    except Moved as error:
        raise Problem(409, "Reference was updated by someone else: read it again") from error


def _obey(call: Call, repo: Repo, move: RefMove) -> None:
    """Move a ref if no rule of its branch forbids it. Raises Moved, and Problem 422."""
    with call.core.lock(repo.id):
        git = call.core.git(repo)
        if (git.ref(move.ref) or ZERO_SHA) == move.before:  # else git says that it has moved
            violations = branchrules.refused(call.core, call.caller, repo, git, move)
            if violations:
                raise branchrules.problem(422, violations)
        pushes.move_ref(call.core, call.caller, repo, move)


def _require_object(git: GitRepo, name: str, sha: str) -> None:
    """A branch stands at a commit; a tag may stand at any object."""
    kind = git.kind(sha)
    if kind is None or (name.startswith("refs/heads/") and kind != "commit"):
        raise Problem(422, "Object does not exist")


def commits(call: Call) -> Answer:
    """`GET .../commits` from `sha` (default branch) backwards, of one `path` where given."""
    repo = call.repo()
    git, where, page = call.core.git(repo), place(call, repo), call.page()
    start, path = commit_of(git, call.query.get("sha") or repo.default_branch), call.query.get("path", "")
    listed = githistory.log(git, start, path=path, limit=page.size, skip=page.skip)
    links = call.links(page, githistory.count(git, start, path))
    return Answer(body=[gitjson.commit(where, one) for one in listed], headers=links)


def commit(call: Call) -> Answer:
    """`GET .../commits/{ref}` with the files that it changed."""
    repo = call.repo()
    git = call.core.git(repo)
    one = githistory.commit(git, commit_of(git, call.params["ref"]))
    files = githistory.commit_changes(git, one)[:_MAX_FILES]
    return Answer(body=gitjson.commit(place(call, repo), one, files=files))


def compare(call: Call) -> Answer:
    """`GET .../compare/{base}...{head}`; either may be written `owner:branch` for this repository's owner."""
    repo = call.repo()
    git, where = call.core.git(repo), place(call, repo)
    base_ref, dots, head_ref = call.params["basehead"].partition("...")
    base, head = (git.resolve(one.removeprefix(f"{repo.owner}:")) for one in (base_ref, head_ref))
    if not dots or base is None or head is None:
        raise not_found()
    found = githistory.compare(git, base, head)
    if found.merge_base is None:
        raise Problem(404, f"No common ancestor between {base_ref} and {head_ref}.")
    listed = githistory.between(git, base, head, limit=found.ahead_by)
    page = call.page(size=_COMPARED)
    # Files come with the first page alone, whatever its size, as on GitHub.
    files = githistory.changes(git, found.merge_base, head)[:_MAX_FILES] if page.number == 1 else []
    shown = {
        name: gitjson.commit(where, githistory.commit(git, sha))
        for name, sha in (("base_commit", base), ("merge_base_commit", found.merge_base))
    }
    window = listed[page.skip : page.skip + page.size]
    body = {
        "url": f"{where.api}/compare/{base_ref}...{head_ref}",
        "html_url": f"{where.html}/compare/{base_ref}...{head_ref}",
        "permalink_url": f"{where.html}/compare/{base[:12]}...{head[:12]}",
        "diff_url": f"{where.html}/compare/{base_ref}...{head_ref}.diff",
        "patch_url": f"{where.html}/compare/{base_ref}...{head_ref}.patch",
        **shown,
        "status": found.status,
        "ahead_by": found.ahead_by,
        "behind_by": found.behind_by,
        "total_commits": found.ahead_by,
        "commits": [gitjson.commit(where, one) for one in window],
        "files": [gitjson.changed_file(where, one, head) for one in files],
    }
    return Answer(body=body, headers=call.links(page, len(listed)))


def git_commit(call: Call) -> Answer:
    """`GET .../git/commits/{sha}`."""
    repo, sha = call.repo(), call.params["sha"]
    git = call.core.git(repo)
    if git.kind(sha) != "commit":
        raise not_found()
    return Answer(body=gitjson.bare_commit(place(call, repo), githistory.commit(git, sha)))


def tree(call: Call) -> Answer:
    """`GET .../git/trees/{sha}`, of a tree or a commit; `recursive` with any value lists those below."""
    repo, asked = call.repo(), call.params["sha"]
    git, where = call.core.git(repo), place(call, repo)
    sha = asked if git.kind(asked) == "tree" else git.resolve(asked)
    if sha is None:
        raise not_found()
    root = git.git("rev-parse", f"{sha}^{{tree}}").decode("ascii").strip()
    listed = githistory.tree(git, sha, recursive="recursive" in call.query)
    body = {
        "sha": root,
        "url": f"{where.api}/git/trees/{root}",
        "tree": [gitjson.tree_entry(where, one) for one in listed],
        "truncated": False,
    }
    return Answer(body=body)


def blob(call: Call) -> Answer:
    """`GET .../git/blobs/{sha}`."""
    repo, sha = call.repo(), call.params["sha"]
    git, where = call.core.git(repo), place(call, repo)
    if git.kind(sha) != "blob":
        raise not_found()
    data = githistory.blob(git, sha)
    body = {
        "sha": sha,
        "node_id": gitjson.node_id("B", sha),
        "size": len(data),
        "url": f"{where.api}/git/blobs/{sha}",
        "content": gitjson.wrapped_base64(data),
        "encoding": "base64",
    }
    return Answer(body=body)


_REPO = "/repos/{owner}/{repo}"
ROUTES = [
    Route("GET", f"{_REPO}/branches", branches),
    Route("GET", f"{_REPO}/branches/{{branch:path}}/protection", protection),
    Route("GET", f"{_REPO}/branches/{{branch:path}}", branch),
    Route("GET", f"{_REPO}/tags", tags),
    Route("GET", f"{_REPO}/git/ref/{{ref:path}}", ref),
    Route("GET", f"{_REPO}/git/refs", refs),
    Route("GET", f"{_REPO}/git/matching-refs/{{ref:path}}", refs),
    Route("POST", f"{_REPO}/git/refs", create_ref),
    Route("PATCH", f"{_REPO}/git/refs/{{ref:path}}", move_ref),
    Route("DELETE", f"{_REPO}/git/refs/{{ref:path}}", delete_ref),
    Route("GET", f"{_REPO}/git/commits/{{sha}}", git_commit),
    Route("GET", f"{_REPO}/git/trees/{{sha:path}}", tree),
    Route("GET", f"{_REPO}/git/blobs/{{sha}}", blob),
    Route("GET", f"{_REPO}/commits", commits),
    Route("GET", f"{_REPO}/commits/{{ref:path}}", commit),
    Route("GET", f"{_REPO}/compare/{{basehead:path}}", compare),
]
