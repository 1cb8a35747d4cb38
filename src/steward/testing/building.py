"""A fake of `ports.building.ForgeWrite`: it builds in a FakeForge, and can be made to fail at any call.

Deterministic: commits are named after what they hold. Branches, files and pull requests are kept here; the
repositories are the FakeForge's, so that a heartbeat over the same forge sees what was built.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha1

from steward.domain.repository import Found, Repo
from steward.domain.verdict import CommitChecks
from steward.ports.building import Blocked, Ensured, MovedOn, NameTaken, Pull
from steward.ports.errors import NoSuchOrganisation, Permanent, Unreachable
from steward.testing.forge import FakeForge


@dataclass(frozen=True, slots=True)
class _Commit:
    """A commit: its parents and all its files."""

    parents: tuple[str, ...]
    files: Mapping[str, bytes]


@dataclass(slots=True)
class _Room:
    """What is kept of one repository."""

    branches: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    pulls: list[tuple[str, Pull]] = field(default_factory=list)
    rule: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Fault:
    method: str
    number: int
    after: bool
    error: Exception


class FakeForgeWrite:
    """Builds in memory. `calls` counts what was asked of each method, `changes` what came of it.

    Attributes to set at any time: `rules_allowed` (False: the plan has no rulesets), `blocked` (what the rules say
    to every merge; "" lets them through), `thinking` (True: whether a pull request can be merged is not worked out
    yet), `token` (what `git_address` gives).
    """

    def __init__(self, forge: FakeForge) -> None:
        self._forge = forge
        self._rooms: dict[int, _Room] = {}
        self._commits: dict[str, _Commit] = {}
        self._said: dict[str, CommitChecks] = {}
        self._faults: list[_Fault] = []
        self.calls: Counter[str] = Counter()
        self.changes: list[str] = []
        self.rules_allowed = True
        self.blocked = ""
        self.thinking = False
        self.token = "ghs_fake"  # noqa: S105 # a token of a server that is none

    # -- the world ------------------------------------------------------------------------------------

    def fail(self, method: str, nth: int = 1, *, after: bool = False, error: Exception | None = None) -> None:
        """Let the `nth` call of a method from now on raise: before its effect, or after (its answer is lost)."""
        number = self.calls[method] + nth
        lost = error or Unreachable(f"the answer to {method} was lost")
        self._faults.append(_Fault(method, number, after, lost))

    def commit(self, repo_id: int, branch: str, files: Mapping[str, bytes | None]) -> str:
        """Put a commit on a branch, which is made from the default one; None removes a file. Its id."""
        room, repo = self._room(repo_id), self._repo(repo_id)
        parent = room.branches.get(branch) or room.branches.get(repo.default_branch or "main")
        held = dict(self._commits[parent].files) if parent else {}
        held.update({path: data for path, data in files.items() if data is not None})
        gone = {path for path, data in files.items() if data is None}
        kept = {path: data for path, data in held.items() if path not in gone}
        return self._add(repo_id, branch, (parent,) if parent else (), kept)

    def move(self, repo_id: int, branch: str, sha: str | None) -> None:
        """Point a branch at a commit, known here or not (a push from outside); None removes it."""
        room = self._room(repo_id)
        if sha is None:
            del room.branches[branch]
            return
        self._commits.setdefault(sha, _Commit((), {}))
        room.branches[branch] = sha
        for at, (head, pull) in enumerate(room.pulls):
            if head == branch and pull.state == "open":
                room.pulls[at] = (head, replace(pull, head_sha=sha))

    def say(self, found: CommitChecks) -> None:
        """What `checks` answers of that commit."""
        self._said[found.sha] = found

    def hold(self, sha: str, parents: tuple[str, ...], files: Mapping[str, bytes]) -> None:
        """Have a commit's object, as a push brings it; no branch is moved."""
        self._commits.setdefault(sha, _Commit(parents, dict(files)))

    def held(self, sha: str) -> tuple[tuple[str, ...], Mapping[str, bytes]]:
        """The parents and all files of a commit. Raises KeyError for one that is not here."""
        found = self._commits[sha]
        return found.parents, found.files

    def close_pull(self, repo_id: int, number: int) -> None:
        """Close one without merging it."""
        head, pull = self._room(repo_id).pulls[number - 1]
        self._room(repo_id).pulls[number - 1] = (head, replace(pull, state="closed"))

    # -- ForgeWrite -----------------------------------------------------------------------------------

    @property
    def server(self) -> str:
        """The address that the forge pretends to have."""
        return self._forge.server

    def ensure_repository(
        self, login: str, name: str, *, marker: str, description: str, visibility: str
    ) -> tuple[Repo, bool]:
        """As the port says."""
        number = self._begin("ensure_repository")
        try:
            there = self._forge.live(login).values()
        except KeyError:
            raise NoSuchOrganisation(f"no organisation answers as {login} (404)", "Check its name") from None
        # Ours under another name by now is still ours: GitHub leads a former name on.
        ours = [repo for repo in there if f" {marker} " in f" {repo.description or ''} "]
        named = [repo for repo in there if repo.name.lower() == name.lower()]
        if named and named[0] not in ours:
            raise NameTaken(named[0].full_name)
        found = next(iter([*named, *ours]), None)
        made = found is None
        if found is None:
            text = f"{description} {marker}".strip()
            found = self._forge.create(login, name, description=text, visibility=visibility)
            self._add(found.id, "main", (), {"README.md": f"# {name}\n".encode()})
            self.changes.append(f"repository {found.full_name}")
        self._end("ensure_repository", number)
        return found, made

    def is_bare(self, repo_id: int) -> bool:
        """As the port says."""
        number = self._begin("is_bare")
        at = self._room(repo_id).branches.get(self._repo(repo_id).default_branch or "main")
        self._end("is_bare", number)
        return at is None or set(self._commits[at].files) == {"README.md"}

    def ensure_branch_rule(self, repo_id: int, required_checks: Sequence[str]) -> Ensured:
        """As the port says."""
        number = self._begin("ensure_branch_rule")
        room, wanted = self._room(repo_id), tuple(sorted(set(required_checks)))
        if not self.rules_allowed:
            return Ensured(made=False, detail="GitHub offers no rulesets for this repository: upgrade")
        made = room.rule != wanted
        if made:
            room.rule = wanted
            self.changes.append(f"rule {' '.join(wanted)}".strip())
        self._end("ensure_branch_rule", number)
        return Ensured(made)

    def ensure_labels(self, repo_id: int, labels: Mapping[str, str]) -> Ensured:
        """As the port says."""
        number = self._begin("ensure_labels")
        kept = self._room(repo_id).labels
        changed = [name for name, colour in labels.items() if kept.get(name.lower()) != colour.lower()]
        for name in changed:
            kept[name.lower()] = labels[name].lower()
            self.changes.append(f"label {name}")
        self._end("ensure_labels", number)
        return Ensured(bool(changed), ", ".join(changed))

    def tip(self, repo_id: int, branch: str) -> str | None:
        """As the port says."""
        number = self._begin("tip")
        found = self._room(repo_id).branches.get(branch)
        self._end("tip", number)
        return found

    def file_at(self, repo_id: int, path: str, ref: str) -> bytes | None:
        """As the port says."""
        number = self._begin("file_at")
        commit = self._commits.get(self._room(repo_id).branches.get(ref, ref))
        self._end("file_at", number)
        return commit.files.get(path) if commit else None

    def ensure_pull(self, repo_id: int, *, head: str, base: str, title: str, body: str) -> Pull:  # noqa: ARG002 # the port's; texts are not kept
        """As the port says."""
        number = self._begin("ensure_pull")
        room = self._room(repo_id)
        at, onto = room.branches.get(head), room.branches.get(base)
        same = [pull for name, pull in room.pulls if (name, pull.base) == (head, base)]
        merged = [pull for pull in same if pull.state == "merged" and at in {None, pull.head_sha}]
        found = next((pull for pull in same if pull.state == "open"), merged[-1] if merged else None)
        if found is None:
            if at is None or onto is None:
                raise Permanent(f"GitHub does not let us open a pull request from {head} to {base}", "")
            if self._holds(onto, at):
                reason = f"the branch {head} holds nothing that {base} lacks"
                raise Permanent(reason, "Commit the change to the branch first")
            count = len(room.pulls) + 1
            url = f"{self.server}/{self._repo(repo_id).full_name}/pull/{count}"
            found = Pull(count, url, "open", at, base, None, mergeable=True)
            room.pulls.append((head, found))
            self.changes.append(f"pull {count}")
        self._end("ensure_pull", number)
        return self._shown(found)

    def pull(self, repo_id: int, number: int) -> Pull:
        """As the port says."""
        call = self._begin("pull")
        found = self._pull(repo_id, number)[1]
        self._end("pull", call)
        return self._shown(found)

    def merge(self, repo_id: int, number: int, *, sha: str, title: str) -> Pull:  # noqa: ARG002 # the port's; texts are not kept
        """As the port says."""
        call = self._begin("merge")
        head, found = self._pull(repo_id, number)
        if found.head_sha != sha:
            raise MovedOn(f"pull request {number}", sha, found.head_sha)
        if found.state == "closed":
            raise Blocked(f"pull request {number} was closed without a merge")
        if found.state == "open":
            if self.thinking:
                raise Unreachable(f"GitHub has not yet worked out whether {number} can be merged")
            if self.blocked:
                raise Blocked(self.blocked)
            onto = self._room(repo_id).branches[found.base]
            files = {**self._commits[onto].files, **self._commits[sha].files}
            merged = self._add(repo_id, found.base, (onto, sha), files)
            found = replace(found, state="merged", merge_sha=merged, mergeable=None)
            self._room(repo_id).pulls[number - 1] = (head, found)
            self.changes.append(f"merge {number}")
        self._end("merge", call)
        return found

    def checks(self, repo_id: int, sha: str) -> CommitChecks:
        """What was said with `say`; with what the rule requires, where there is one."""
        number = self._begin("checks")
        rule = self._room(repo_id).rule or ()
        found = self._said.get(sha, CommitChecks(sha))
        needed = set(found.required) | {(name, None) for name in rule}
        self._end("checks", number)
        return replace(found, required=tuple(sorted(needed, key=lambda one: (one[0], one[1] or 0))))

    def git_address(self, repo_id: int) -> tuple[str, str]:
        """As the port says; nothing answers there."""
        number = self._begin("git_address")
        address = f"{self.server}/{self._repo(repo_id).full_name}.git"
        self._end("git_address", number)
        return address, self.token

    # -- inside ---------------------------------------------------------------------------------------

    def _begin(self, method: str) -> int:
        self.calls[method] += 1
        number = self.calls[method]
        self._raise(method, number, after=False)
        return number

    def _end(self, method: str, number: int) -> None:
        self._raise(method, number, after=True)

    def _raise(self, method: str, number: int, *, after: bool) -> None:
        for fault in self._faults:
            if (fault.method, fault.number, fault.after) == (method, number, after):
                raise fault.error

    def _repo(self, repo_id: int) -> Repo:
        found, _ = self._forge.repository(repo_id)
        if not isinstance(found, Found):
            raise Permanent(f"repository {repo_id} does not answer: deleted, or hidden", "Restore it")
        return found.repo

    def _room(self, repo_id: int) -> _Room:
        self._repo(repo_id)
        return self._rooms.setdefault(repo_id, _Room())

    def _pull(self, repo_id: int, number: int) -> tuple[str, Pull]:
        kept = self._room(repo_id).pulls
        if not 0 < number <= len(kept):
            raise Permanent(f"GitHub does not let us read pull request {number} (404)", "It is gone")
        return kept[number - 1]

    def _shown(self, pull: Pull) -> Pull:
        return replace(pull, mergeable=None) if self.thinking or pull.state != "open" else pull

    def _add(self, repo_id: int, branch: str, parents: tuple[str, ...], files: Mapping[str, bytes]) -> str:
        said = repr((repo_id, parents, sorted(files.items())))
        sha = sha1(said.encode(), usedforsecurity=False).hexdigest()
        self._commits[sha] = _Commit(parents, dict(files))
        self._rooms.setdefault(repo_id, _Room())
        self.move(repo_id, branch, sha)
        return sha

    def _holds(self, newer: str, older: str) -> bool:
        """Whether a commit is another one or comes after it."""
        waiting = [newer]
        while waiting:
            at = waiting.pop()
            if at == older:
                return True
            waiting += self._commits[at].parents
        return False
