"""The shapes in which GitHub's REST interface shows git's objects: commits, files, refs, comparisons.

Pure: values in, JSON-ready dicts out. It reads no repository and knows no request.

Source of the shapes: GitHub's REST reference, "Repositories" and "Git database".
"""

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from localhub import render
from localhub.clock import stamp
from localhub.githistory import Commit, Entry, FileChange
from localhub.gitstore import Person

Json = dict[str, Any]

_UNSIGNED: Json = {
    "verified": False,
    "reason": "unsigned",
    "signature": None,
    "payload": None,
    "verified_at": None,
}
_NOREPLY = re.compile(r"(?P<id>[0-9]{1,18})\+(?P<login>.+)@users\.noreply\.localhost")
INLINE_BYTES = 1_000_000
"""A larger file is shown without its content, which is then to be asked for raw (GitHub: 1 MB)."""

_CONTENT_TYPES = {"tree": "dir", "blob": "file", "commit": "submodule"}


@dataclass(frozen=True)
class Place:
    """Where a repository is found: its address in the REST interface, and the one for people."""

    api: str
    html: str


def moment(at: int) -> str:
    """Seconds since the epoch as GitHub writes a moment: `2026-11-24T10:00:00Z`."""
    return stamp(datetime.fromtimestamp(at, UTC))


def node_id(kind: str, key: str) -> str:
    """An opaque, stable id for an object that has no number."""
    return f"{kind}_" + base64.urlsafe_b64encode(key.encode()).decode("ascii").rstrip("=")


def commit(place: Place, one: Commit, *, files: list[FileChange] | None = None) -> Json:
    """A commit; with `files`, also what it changed."""
    shown: Json = {
        "sha": one.sha,
        "node_id": node_id("C", one.sha),
        "commit": git_commit(place, one) | {"comment_count": 0},
        "url": f"{place.api}/commits/{one.sha}",
        "html_url": f"{place.html}/commit/{one.sha}",
        "comments_url": f"{place.api}/commits/{one.sha}/comments",
        "author": account(place, one.author),
        "committer": account(place, one.committer),
        "parents": _parents(place, one, "commits"),
    }
    if files is not None:
        added, removed = sum(each.additions for each in files), sum(each.deletions for each in files)
        shown["stats"] = {"total": added + removed, "additions": added, "deletions": removed}
        shown["files"] = [changed_file(place, each, one.sha) for each in files]
    return shown


def account(place: Place, person: Person) -> Json | None:
    """The account that an address "ID+LOGIN@users.noreply..." names, as GitHub reads its own; None for any other,
    which proves no account.
    """
    found = _NOREPLY.fullmatch(person.email)
    if found is None:
        return None
    login = found["login"]
    kind = "Bot" if login.endswith("[bot]") else "User"
    base, site = place.api.rpartition("/repos/")[0], place.html.rsplit("/", 2)[0]
    return render.owner(login, int(found["id"]), kind, base, site)


def git_commit(place: Place, one: Commit) -> Json:
    """A commit as the "Git database" interface shows it, without its id and parents."""
    return {
        "url": f"{place.api}/git/commits/{one.sha}",
        "author": _stamp(one.author, one.authored_at),
        "committer": _stamp(one.committer, one.committed_at),
        "message": one.message,
        "tree": {"sha": one.tree, "url": f"{place.api}/git/trees/{one.tree}"},
        "verification": _UNSIGNED,
    }


def bare_commit(place: Place, one: Commit) -> Json:
    """A commit as `/git/commits/{sha}` answers it."""
    known = {"sha": one.sha, "node_id": node_id("C", one.sha), "html_url": f"{place.html}/commit/{one.sha}"}
    return known | git_commit(place, one) | {"parents": _parents(place, one, "git/commits")}


def simple_commit(one: Commit) -> Json:
    """A commit in the short form that check suites hold and the `push` event builds on."""
    return {
        "id": one.sha,
        "tree_id": one.tree,
        "message": one.message,
        "timestamp": moment(one.committed_at),
        "author": {"name": one.author.name, "email": one.author.email},
        "committer": {"name": one.committer.name, "email": one.committer.email},
    }


def pushed_commit(place: Place, one: Commit, files: list[FileChange]) -> Json:
    """A commit as the `push` event lists it."""
    moved_from = [each.previous_path for each in files if each.status == "renamed"]
    return simple_commit(one) | {
        "distinct": True,
        "url": f"{place.html}/commit/{one.sha}",
        "added": [each.path for each in files if each.status in {"added", "renamed", "copied"}],
        "removed": [each.path for each in files if each.status == "removed"] + moved_from,
        "modified": [each.path for each in files if each.status in {"modified", "changed"}],
    }


def changed_file(place: Place, one: FileChange, at_commit: str) -> Json:
    """A file of a commit, a comparison or a pull request."""
    shown: Json = {
        "sha": one.sha,
        "filename": one.path,
        "status": one.status,
        "additions": one.additions,
        "deletions": one.deletions,
        "changes": one.additions + one.deletions,
        "blob_url": f"{place.html}/blob/{at_commit}/{one.path}",
        "raw_url": f"{place.html}/raw/{at_commit}/{one.path}",
        "contents_url": f"{place.api}/contents/{one.path}?ref={at_commit}",
    }
    if one.patch:
        shown["patch"] = one.patch
    if one.previous_path:
        shown["previous_filename"] = one.previous_path
    return shown


def content(place: Place, one: Entry, ref: str, data: bytes | None = None) -> Json:
    """An entry of a tree as the contents interface shows it; with `data`, a file with its content."""
    kind = "symlink" if one.mode == "120000" else _CONTENT_TYPES[one.kind]
    self_url = f"{place.api}/contents/{one.path}?ref={ref}"
    git_url = f"{place.api}/git/{'trees' if kind == 'dir' else 'blobs'}/{one.sha}"
    html_url = f"{place.html}/{'tree' if kind == 'dir' else 'blob'}/{ref}/{one.path}"
    shown: Json = {
        "type": kind,
        "size": one.size_bytes,
        "name": one.name,
        "path": one.path,
        "sha": one.sha,
        "url": self_url,
        "git_url": git_url,
        "html_url": html_url,
        "download_url": f"{place.html}/raw/{ref}/{one.path}" if kind == "file" else None,
        "_links": {"self": self_url, "git": git_url, "html": html_url},
    }
    if data is None:
        return shown
    if kind == "symlink":
        return shown | {"target": data.decode("utf-8", "replace")}
    if len(data) > INLINE_BYTES:
        return shown | {"encoding": "none", "content": ""}
    return shown | {"encoding": "base64", "content": wrapped_base64(data)}


def tree_entry(place: Place, one: Entry) -> Json:
    """An entry as `/git/trees/{sha}` lists it."""
    shown: Json = {"path": one.path, "mode": one.mode, "type": one.kind, "sha": one.sha}
    if one.kind == "blob":
        shown["size"] = one.size_bytes
    return shown | {"url": f"{place.api}/git/{one.kind}s/{one.sha}"}


def ref(place: Place, name: str, kind: str, sha: str) -> Json:
    """A ref by its full name, pointing at an object of this kind."""
    return {
        "ref": name,
        "node_id": node_id("REF", f"{place.api}:{name}"),
        "url": f"{place.api}/git/{name}",
        "object": {"type": kind, "sha": sha, "url": f"{place.api}/git/{kind}s/{sha}"},
    }


def branch(place: Place, name: str, tip: Json) -> Json:
    """A branch with the commit that it shows; no branch is protected here except by rulesets."""
    return {
        "name": name,
        "commit": tip,
        "protected": False,
        "protection": {
            "enabled": False,
            "required_status_checks": {"enforcement_level": "off", "contexts": [], "checks": []},
        },
        "protection_url": f"{place.api}/branches/{name}/protection",
    }


def wrapped_base64(data: bytes) -> str:
    """Base64 in lines of 60 characters, each ended, as GitHub sends file content."""
    text = base64.b64encode(data).decode("ascii")
    return "".join(text[at : at + 60] + "\n" for at in range(0, len(text), 60))


def _stamp(person: Person, at: int) -> Json:
    return {"name": person.name, "email": person.email, "date": moment(at)}


def _parents(place: Place, one: Commit, collection: str) -> list[Json]:
    return [
        {"sha": sha, "url": f"{place.api}/{collection}/{sha}", "html_url": f"{place.html}/commit/{sha}"}
        for sha in one.parents
    ]
