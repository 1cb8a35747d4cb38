"""The branches of a FakeForge: commits, who pushed them, and the deliveries that tell of it.

People and robots act here as they do on GitHub: each push moves `pushed_at` (whole seconds), bears parents and an
author, and leaves a delivery in `deliveries`, which a test may post, lose, keep back or shuffle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha1
from typing import Any, Final
from zlib import crc32

from steward.domain.hands import Commit, Sender
from steward.domain.repository import Found, Repo
from steward.ports.building import Pull
from steward.ports.errors import Permanent
from steward.testing.forge import FakeForge

NOWHERE: Final = "0" * 40
"""How a delivery writes a branch that is not there."""
BUILDER: Final = Sender(4_000, "steward[bot]", "Bot")
"""Whom the forge takes us for."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A commit: its parents, all its files, and what is told of it."""

    parents: tuple[str, ...]
    files: Mapping[str, bytes]
    message: str = ""
    author: Sender | None = None
    at: datetime | None = None


@dataclass(slots=True)
class Room:
    """What is kept of one repository. `rule`: the checks that the branch rule asks for, None without a rule."""

    branches: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    pulls: list[tuple[str, Pull]] = field(default_factory=list)
    rule: tuple[str, ...] | None = None
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    variables: dict[str, str] = field(default_factory=dict)
    homepage: str = ""


@dataclass(frozen=True, slots=True)
class Pushed:
    """One delivery of the event "push": a branch went from `before` to `after` (None: not there)."""

    repository: Repo
    branch: str
    before: str | None
    after: str | None
    forced: bool
    sender: Sender

    def payload(self) -> dict[str, Any]:
        """As GitHub writes it."""
        repo, sender = self.repository, self.sender
        pushed_at = int(repo.pushed_at.timestamp()) if repo.pushed_at else None
        return {
            "ref": f"refs/heads/{self.branch}",
            "before": self.before or NOWHERE,
            "after": self.after or NOWHERE,
            "created": self.before is None,
            "deleted": self.after is None,
            "forced": self.forced,
            "repository": {
                "id": repo.id,
                "name": repo.name,
                "full_name": repo.full_name,
                "default_branch": repo.default_branch,
                "pushed_at": pushed_at,
                "owner": {"id": repo.owner_id, "login": repo.owner_login, "type": "Organization"},
            },
            "organization": {"id": repo.owner_id, "login": repo.owner_login},
            "pusher": {"name": sender.login},
            "sender": {"id": sender.id, "login": sender.login, "type": sender.kind},
        }


def account(login: str, kind: str = "User") -> Sender:
    """The account of that login, always with the same id."""
    return Sender(10_000 + crc32(login.lower().encode()) % 1_000_000, login, kind)


class Branches:
    """Branches, commits and pull requests of a FakeForge's repositories, and what people do to them.

    Acts raise KeyError for a branch or pull request that is not there, Permanent for a repository that is not.
    """

    def __init__(self, forge: FakeForge) -> None:
        self._forge = forge
        self._rooms: dict[int, Room] = {}
        self._commits: dict[str, Kept] = {}
        self.deliveries: list[Pushed] = []

    # -- objects --------------------------------------------------------------------------------------

    def commit(self, repo_id: int, branch: str, files: Mapping[str, bytes | None]) -> str:
        """Put a commit on a branch, which is made from the default one; None removes a file. Its id."""
        return self._push(repo_id, branch, files, account("anna"), "")

    def move(self, repo_id: int, branch: str, sha: str | None, by: Sender | None = None) -> None:
        """Point a branch at a commit, known here or not (a push from outside); None removes it."""
        room, by = self._room(repo_id), by or account("anna")
        before = room.branches.get(branch)
        if sha is None:
            del room.branches[branch]
        else:
            self._commits.setdefault(sha, Kept((), {}))
            room.branches[branch] = sha
            for at, (head, pull) in enumerate(room.pulls):
                if head == branch and pull.state == "open":
                    room.pulls[at] = (head, replace(pull, head_sha=sha))
        if before != sha:
            forced = before is not None and sha is not None and not self._holds(sha, before)
            shown = self._forge.touch(repo_id)
            self.deliveries.append(Pushed(shown, branch, before, sha, forced, by))

    def hold(
        self,
        sha: str,
        parents: tuple[str, ...],
        files: Mapping[str, bytes],
        *,
        message: str = "",
        author: Sender | None = None,
    ) -> None:
        """Have a commit's object, as a push brings it; no branch is moved."""
        self._commits.setdefault(sha, Kept(parents, dict(files), message, author, self._now()))

    def held(self, sha: str) -> tuple[tuple[str, ...], Mapping[str, bytes]]:
        """The parents and all files of a commit. Raises KeyError for one that is not here."""
        found = self._commits[sha]
        return found.parents, found.files

    def told(self, sha: str) -> Commit:
        """A commit as GitHub tells it. Raises KeyError for one that is not here."""
        found = self._commits[sha]
        by = found.author
        if by is None:
            return Commit(sha, found.parents, found.message, account="User", at=found.at)
        return Commit(sha, found.parents, found.message, by.login, by.login, by.kind, found.at)

    def lose(self, sha: str) -> None:
        """The server has thrown a commit's object away: it answers 404 to whoever asks."""
        self._commits.pop(sha, None)

    # -- what people and robots do ------------------------------------------------------------------------

    def person_push(
        self,
        repo_id: int,
        branch: str,
        files: Mapping[str, bytes | None],
        login: str = "anna",
        *,
        message: str = "Change by hand",
    ) -> str:
        """A person pushes a commit on top of a branch (made from the default one if new). Its id."""
        return self._push(repo_id, branch, files, account(login), message)

    def robot_push(
        self,
        repo_id: int,
        branch: str,
        files: Mapping[str, bytes | None],
        login: str = "dependabot[bot]",
        *,
        message: str = "Bump",
    ) -> str:
        """Another App than ours does."""
        return self._push(repo_id, branch, files, account(login, "Bot"), message)

    def person_force_push(
        self,
        repo_id: int,
        branch: str,
        files: Mapping[str, bytes | None] | None = None,
        login: str = "anna",
        *,
        onto: str | None = None,
    ) -> str:
        """A person throws the branch back to `onto` (without it, to the first parent of its tip), with a commit of
        these files on top, if any. The new tip.
        """
        by, tip = account(login), self._room(repo_id).branches[branch]
        base = onto or self._commits[tip].parents[0]
        if files is not None:
            base = self._make(repo_id, (base,), self._changed(base, files), "Rewritten by hand", by)
        self.move(repo_id, branch, base, by)
        return base

    def person_delete_branch(self, repo_id: int, branch: str, login: str = "anna") -> None:
        """A person deletes a branch."""
        self.move(repo_id, branch, None, account(login))

    def person_merge(self, repo_id: int, number: int, how: str = "merge", login: str = "anna") -> str:
        """A person merges a pull request on the web page: "merge", "squash" or "rebase". The new tip of its base."""
        head, found = self._room(repo_id).pulls[number - 1]
        by, onto = account(login), self._room(repo_id).branches[found.base]
        message = f"Merge pull request #{number} from {self._repo(repo_id).owner_login}/{head}"
        files = {**self._commits[onto].files, **self._commits[found.head_sha].files}
        if how == "merge":
            tip = self._make(repo_id, (onto, found.head_sha), files, message, by)
        elif how == "squash":
            tip = self._make(repo_id, (onto,), files, f"Work (#{number})", by)
        else:
            tip = onto
            for sha in self._between(onto, found.head_sha):
                kept = self._commits[sha]
                files = {**self._commits[tip].files, **kept.files}
                tip = self._make(repo_id, (tip,), files, kept.message or "Work", kept.author)
        self.move(repo_id, found.base, tip, by)
        self._room(repo_id).pulls[number - 1] = (
            head,
            replace(found, state="merged", merge_sha=tip, mergeable=None),
        )
        return tip

    def close_pull(self, repo_id: int, number: int) -> None:
        """Close one without merging it."""
        head, pull = self._room(repo_id).pulls[number - 1]
        self._room(repo_id).pulls[number - 1] = (head, replace(pull, state="closed"))

    def set_homepage(self, repo_id: int, url: str) -> None:
        """Set the address that the repository gives of itself."""
        self._room(repo_id).homepage = url

    def remove_rule(self, repo_id: int) -> None:
        """A person removes the rule of the default branch."""
        self._room(repo_id).rule = None

    # -- inside ---------------------------------------------------------------------------------------

    def _push(
        self, repo_id: int, branch: str, files: Mapping[str, bytes | None], by: Sender, message: str
    ) -> str:
        room, repo = self._room(repo_id), self._repo(repo_id)
        parent = room.branches.get(branch) or room.branches.get(repo.default_branch or "main")
        parents = (parent,) if parent else ()
        sha = self._make(repo_id, parents, self._changed(parent, files), message, by)
        self.move(repo_id, branch, sha, by)
        return sha

    def _changed(self, base: str | None, files: Mapping[str, bytes | None]) -> dict[str, bytes]:
        held = dict(self._commits[base].files) if base else {}
        held.update({path: data for path, data in files.items() if data is not None})
        return {path: data for path, data in held.items() if path not in files or files[path] is not None}

    def _make(
        self,
        repo_id: int,
        parents: tuple[str, ...],
        files: Mapping[str, bytes],
        message: str,
        by: Sender | None,
    ) -> str:
        """Keep a commit, named after what it holds and says."""
        said = repr((repo_id, parents, sorted(files.items()), message))
        sha = sha1(said.encode(), usedforsecurity=False).hexdigest()
        self.hold(sha, parents, files, message=message, author=by)
        return sha

    def _now(self) -> datetime:
        return self._forge.server_now().replace(microsecond=0)

    def _repo(self, repo_id: int) -> Repo:
        found, _ = self._forge.repository(repo_id)
        if not isinstance(found, Found):
            raise Permanent(f"repository {repo_id} does not answer: deleted, or hidden", "Restore it")
        return found.repo

    def _room(self, repo_id: int) -> Room:
        self._repo(repo_id)
        return self._rooms.setdefault(repo_id, Room())

    def _holds(self, newer: str, older: str) -> bool:
        """Whether a commit is another one or comes after it."""
        return older in set(self._ancestry(newer))

    def _ancestry(self, sha: str) -> Iterator[str]:
        """A commit and all before it, as far as they are here."""
        waiting, seen = [sha], set[str]()
        while waiting:
            at = waiting.pop()
            if at not in seen and at in self._commits:
                seen.add(at)
                yield at
                waiting += self._commits[at].parents

    def _between(self, base: str, head: str) -> list[str]:
        """What `head` has and `base` lacks, parents before children."""
        wanted = set(self._ancestry(head)) - set(self._ancestry(base))
        order: list[str] = []
        waiting = [(head, False)]
        while waiting:
            sha, ready = waiting.pop()
            if sha not in wanted or sha in order:
                continue
            if ready:
                order.append(sha)
                continue
            waiting.append((sha, True))
            waiting += [(parent, False) for parent in reversed(self._commits[sha].parents)]
        return order
