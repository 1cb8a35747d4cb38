"""Making repositories, and looking at their branches and files.

Source of the rules: GitHub's REST reference, "Repositories", "Git database", "Repository contents".
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final
from urllib.parse import quote

import msgspec

from steward.adapters.github.answer import Answer
from steward.adapters.github.desk import read_repo, words
from steward.adapters.github.wire import Grant, Tally
from steward.adapters.github.write_wire import Desk, no_organisation
from steward.domain.repository import Repo
from steward.ports.building import NameTaken
from steward.ports.errors import Permanent, Unreachable
from steward.ports.outside import Clock

README: Final = "README.md"
DESCRIPTION_MAX: Final = 350
"""Characters; GitHub takes no more, and no control characters."""
LOOK_AGAIN_S: Final = (1.0, 3.0)
"""Waits before a name that GitHub calls taken counts as somebody's whom we cannot see."""
_NAME: Final = re.compile(r"(?!\.\.?$)(?!.*\.git$)[A-Za-z0-9._-]{1,100}")
_REF: Final = re.compile(
    r"(?![/.-])(?!.*(?:\.\.|//|/\.|@\{|\.lock(?:/|$)))[^\x00-\x20\x7f~^:?*\[\\]{1,200}(?<![/.])"
)


class _Entry(msgspec.Struct):
    path: str
    type: str = ""


class _Tree(msgspec.Struct):
    tree: list[_Entry]
    truncated: bool = False


class _Target(msgspec.Struct):
    sha: str
    type: str = "commit"


class _Ref(msgspec.Struct):
    object: _Target


class _File(msgspec.Struct):
    type: str = ""
    sha: str = ""
    encoding: str = ""
    content: str = ""


class _Branch(msgspec.Struct):
    name: str


def ensure_repository(
    desk: Desk, clock: Clock, login: str, name: str, *, marker: str, description: str, visibility: str
) -> tuple[Repo, bool]:
    """The repository that bears our marker, made if there is none of that name. Raises NameTaken.

    Whether an answer was lost or somebody was quicker, a look decides; a name can be given once only, so that
    however often this is asked there is one repository.
    """
    if not _NAME.fullmatch(name):
        raise Permanent(f"{name!r} is no name for a repository", "Use letters, digits, '.', '-' and '_'")
    grant = desk.grant_at(login)
    found = _look(desk, grant, login, name, marker)
    if found is not None:
        return found, False
    body = {
        "name": name,
        "description": described(description, marker),
        "private": visibility != "public",
        "visibility": visibility,
        "auto_init": True,
    }
    url = desk.wire.address(f"/orgs/{quote(login, safe='')}/repos")
    try:
        answer = desk.wire.change("POST", url, grant, body)
    except Unreachable:
        found = _look(desk, grant, login, name, marker)
        if found is None:
            raise
        return found, True
    if answer.status == 201:
        return desk.kept(read_repo(answer)), True
    return _not_made(desk, clock, grant, answer, login, name, marker), False


def _not_made(
    desk: Desk, clock: Clock, grant: Grant, answer: Answer, login: str, name: str, marker: str
) -> Repo:
    """What is there instead, where GitHub says that the name exists; the refusal otherwise."""
    if answer.status == 404:
        raise no_organisation(login)
    if answer.status != 422 or "already exists" not in words(answer):
        raise desk.refusal(answer, grant, f"make the repository {login}/{name}")
    for wait_s in (0.0, *LOOK_AGAIN_S):
        if wait_s and clock.wait(wait_s):
            raise Unreachable(f"{login}/{name} exists, but was not seen yet")
        found = _look(desk, grant, login, name, marker)
        if found is not None:
            return found
    raise NameTaken(f"{login}/{name}")


def _look(desk: Desk, grant: Grant, login: str, name: str, marker: str) -> Repo | None:
    """Ours by that name; None where the name is free. Raises NameTaken.

    A former name leads to where its repository is now: it is free again, unless that repository is ours.
    """
    where = f"/repos/{quote(login, safe='')}/{quote(name, safe='')}"
    answer = desk.wire.get(desk.wire.address(where), grant, Tally(), urgent=True)
    if answer.status == 404:
        return None
    if answer.status != 200:
        raise desk.refusal(answer, grant, f"look for {login}/{name}")
    found = read_repo(answer)
    here = found.owner_login.lower() == login.lower()
    if bears(found.description, marker):
        if not here:
            raise NameTaken(found.full_name)
        return desk.kept(found)
    if here and found.name.lower() == name.lower():
        raise NameTaken(found.full_name)
    return None


def described(description: str, marker: str) -> str:
    """The description with the marker at its end, as GitHub takes it."""
    text = " ".join("".join(c if c.isprintable() else " " for c in description).split())
    return f"{text[: DESCRIPTION_MAX - len(marker) - 1].rstrip()} {marker}".strip()


def bears(description: str | None, marker: str) -> bool:
    """Whether a description holds the marker as words of its own."""
    return marker != "" and f" {marker} " in f" {description or ''} "


def is_bare(desk: Desk, repo_id: int) -> bool:
    """Whether its default branch holds README.md alone, or there is nothing at all."""
    repo = desk.repo(repo_id)
    if repo.default_branch is not None:
        tail = f"/git/trees/{quote(repo.default_branch, safe='')}"
        tree = desk.find(repo_id, tail, _Tree, "read its files", absent=frozenset({404, 409}))
        if tree is not None:
            return not tree.truncated and all((one.path, one.type) == (README, "blob") for one in tree.tree)
    return not desk.ask(repo_id, "/branches", list[_Branch], "list its branches", {"per_page": "1"})


def tip(desk: Desk, repo_id: int, branch: str) -> str | None:
    """The commit of a branch; None where there is none."""
    tail = f"/git/ref/heads/{ref_path(branch)}"
    found = desk.find(repo_id, tail, _Ref, f"read the branch {branch}", absent=frozenset({404, 409}))
    return None if found is None else found.object.sha


def file_at(desk: Desk, repo_id: int, path: str, ref: str) -> bytes | None:
    """A file's bytes; None where there is none, and for a directory or a submodule."""
    if any(part in {"", ".", ".."} for part in path.split("/")):
        return None
    tail = f"/contents/{quote(path)}"
    found = desk.find(repo_id, tail, msgspec.Raw, f"read {path}", {"ref": ref})
    if found is None or bytes(found).lstrip().startswith(b"["):
        return None
    try:
        file = msgspec.json.decode(found, type=_File)
        if file.type != "file":
            return None
        if file.encoding != "base64":
            # Beyond a megabyte the content comes as a blob only.
            file = desk.ask(repo_id, f"/git/blobs/{quote(file.sha, safe='')}", _File, f"read {path}")
        return base64.b64decode("".join(file.content.split()), validate=True)
    except (msgspec.DecodeError, binascii.Error, ValueError):
        raise Unreachable(f"{path} of repository {repo_id} came in another shape") from None


def ref_path(branch: str) -> str:
    """A branch as a part of an address. Raises Permanent where git would not take it."""
    if not _REF.fullmatch(branch):
        raise Permanent(f"{branch[:80]!r} is no name of a branch", "Use letters, digits, '/', '-' and '_'")
    return quote(branch)
