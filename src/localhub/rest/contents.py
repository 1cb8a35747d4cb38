"""Files of a repository read and written one at a time: the contents interface, and the README.

A write is one commit on one branch and needs the file's present blob id, so that nothing is overwritten unseen.

Source of the rules: GitHub's REST reference, "Repository contents".
"""

import base64
import binascii
import re
from typing import Any

from localhub import branchrules, githistory, gitjson, pushes
from localhub.githistory import Entry
from localhub.gitjson import Json
from localhub.gitstore import ZERO_SHA, GitRepo, Moved, NewCommit, Person, RefMove, valid_path, valid_ref
from localhub.registry import Repo
from localhub.rest.git import place
from localhub.wire import Answer, Call, Problem, Route, invalid, not_found

_RAW = re.compile(r"application/vnd\.github\.(v3\.)?raw")
_README = ("readme.md", "readme", "readme.rst", "readme.txt")


def show(call: Call) -> Answer:
    """`GET .../contents/{path}`: a file with its content, or the entries of a directory."""
    repo = call.repo()
    git, path = call.core.git(repo), call.params.get("path", "").strip("/")
    ref = call.query.get("ref") or repo.default_branch
    commit = _commit(git, ref)
    found = githistory.entry(git, commit, path)
    if found is None:
        raise not_found()
    if found.kind == "tree":
        listed = githistory.directory(git, commit, path)
        return Answer(body=[gitjson.content(place(call, repo), one, ref) for one in listed])
    return _file(call, repo, git, found, ref)


def readme(call: Call) -> Answer:
    """`GET .../readme`: the README at the root, whatever the case of its name."""
    repo = call.repo()
    git = call.core.git(repo)
    ref = call.query.get("ref") or repo.default_branch
    root = {one.name.lower(): one for one in githistory.directory(git, _commit(git, ref), "")}
    found = next((root[name] for name in _README if name in root and root[name].kind == "blob"), None)
    if found is None:
        raise not_found()
    return _file(call, repo, git, found, ref)


def _commit(git: GitRepo, ref: str) -> str:
    commit = git.resolve(ref)
    if commit is None and not git.refs("refs/heads"):
        raise Problem(404, "This repository is empty.")
    if commit is None:
        raise Problem(404, f"No commit found for the ref {ref}")
    return commit


def _file(call: Call, repo: Repo, git: GitRepo, found: Entry, ref: str) -> Answer:
    if found.kind == "commit":
        return Answer(body=gitjson.content(place(call, repo), found, ref))
    data = githistory.blob(git, found.sha)
    if _RAW.search(call.headers.get("accept", "")):
        return Answer(body=data, headers={"content-type": "application/vnd.github.raw; charset=utf-8"})
    return Answer(body=gitjson.content(place(call, repo), found, ref, data))


def put(call: Call) -> Answer:
    """`PUT .../contents/{path}`: make the file, or change it where `sha` is its present blob."""
    repo = call.repo(write="contents")
    path = _path(call)
    message = call.text("message", resource="Commit")
    data = _decoded(call.text("content", resource="Commit"))
    with call.core.lock(repo.id):
        branch, known = _target(call, repo, path)
        sha = _commit_file(call, repo, branch, message, {path: data})
    git = call.core.git(repo)
    written = githistory.entry(git, sha, path)
    if written is None:
        raise RuntimeError(f"{path} was committed as {sha} and is not in it")
    content = gitjson.content(place(call, repo), written, branch)
    return Answer(201 if known is None else 200, _result(call, repo, git, sha, content))


def delete(call: Call) -> Answer:
    """`DELETE .../contents/{path}`: `sha` is its present blob; parameters in the body or the query."""
    repo = call.repo(write="contents")
    path = _path(call)
    message = _parameter(call, "message")
    if message is None:
        raise invalid("Commit", "message", "message is missing", "missing_field")
    with call.core.lock(repo.id):
        branch, known = _target(call, repo, path)
        if known is None:
            raise not_found()
        sha = _commit_file(call, repo, branch, message, {path: None})
    return Answer(200, _result(call, repo, call.core.git(repo), sha, None))


def _target(call: Call, repo: Repo, path: str) -> tuple[str, Entry | None]:
    """The branch to write to, and the file as it is there.

    Raises Problem: 404 for an unknown branch, 409 where `sha` is not the file's, 422 where it is missing or
    something else is in the way.
    """
    git = call.core.git(repo)
    branch = _parameter(call, "branch") or repo.default_branch
    tip = git.ref(f"refs/heads/{branch}")
    if tip is None:
        if git.refs("refs/heads") or not valid_ref(f"refs/heads/{branch}"):
            raise Problem(404, f"Branch {branch} not found")
        return branch, None
    parts = path.split("/")
    above = (githistory.entry(git, tip, "/".join(parts[:depth])) for depth in range(1, len(parts)))
    known = githistory.entry(git, tip, path)
    if any(one is not None and one.kind != "tree" for one in above):
        raise Problem(422, f"{path} lies below a file: a file and a directory cannot have one name")
    if known is not None and known.kind != "blob":
        raise Problem(422, f"{path} is a directory")
    sha = _parameter(call, "sha")
    if known is not None and sha is None:
        raise Problem(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if sha is not None and (known is None or known.sha != sha):
        raise Problem(409, f"{path} does not match {sha}")
    return branch, known


def _commit_file(call: Call, repo: Repo, branch: str, message: str, files: dict[str, bytes | None]) -> str:
    at = int(call.core.clock.now().timestamp())
    author = _author(call)
    git = call.core.git(repo)
    move = RefMove(f"refs/heads/{branch}", git.ref(f"refs/heads/{branch}") or ZERO_SHA, "")
    if violations := branchrules.refused(call.core, call.caller, repo, git, move):
        raise branchrules.problem(409, violations)
    try:
        return pushes.commit(call.core, call.caller, repo, NewCommit(message, files, author, at, branch))
    except Moved as error:
        raise Problem(409, f"{branch} was updated by someone else: read the file again") from error


def _author(call: Call) -> Person:
    """`author`, or else `committer`, where given; otherwise the caller."""
    asked: Any = call.json().get("author") or call.json().get("committer")
    if asked is None:
        return pushes.person(call.caller)
    if not isinstance(asked, dict) or not all(isinstance(asked.get(one), str) for one in ("name", "email")):
        raise invalid("Commit", "author", "author needs a name and an email", "invalid")
    return Person(asked["name"], asked["email"])


def _result(call: Call, repo: Repo, git: GitRepo, sha: str, content: Json | None) -> Json:
    return {"content": content, "commit": gitjson.bare_commit(place(call, repo), githistory.commit(git, sha))}


def _parameter(call: Call, name: str) -> str | None:
    value = call.json().get(name, call.query.get(name))
    if value is not None and not isinstance(value, str):
        raise invalid("Commit", name, f"{name} is not a string", "invalid")
    return value


def _path(call: Call) -> str:
    path = call.params["path"]
    if not valid_path(path):
        raise invalid("Commit", "path", "path is malformed: relative, without '.', '..' or '.git'", "invalid")
    return path


def _decoded(content: str) -> bytes:
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Problem(422, "content is not valid Base64") from error


_REPO = "/repos/{owner}/{repo}"
ROUTES = [
    Route("GET", f"{_REPO}/readme", readme),
    Route("GET", f"{_REPO}/contents", show),
    Route("GET", f"{_REPO}/contents/{{path:path}}", show),
    Route("PUT", f"{_REPO}/contents/{{path:path}}", put),
    Route("DELETE", f"{_REPO}/contents/{{path:path}}", delete),
]
