"""A fake of `ports.watching.ForgeWatch`, over the branches of a FakeForge; it can be made to fail at any call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from steward.domain.hands import Compared
from steward.ports.errors import Unreachable
from steward.ports.watching import Heads, Shown
from steward.testing.branches import Branches
from steward.testing.forge import FakeForge


@dataclass(frozen=True, slots=True)
class _Fault:
    method: str
    number: int
    after: bool
    error: Exception


class FakeForgeWatch(Branches):
    """Watches in memory. `calls` counts what was asked of each method.

    Attributes to set at any time: `rules_seen` (False: we may not see the rules of a branch), `most_commits` and
    `most_files` (what one comparison lists), `watch_token` (what `source` gives).
    """

    def __init__(self, forge: FakeForge) -> None:
        super().__init__(forge)
        self._faults: list[_Fault] = []
        self.calls: Counter[str] = Counter()
        self.rules_seen = True
        self.most_commits = 1_000
        self.most_files = 300
        self.watch_token = "ghs_watch"  # noqa: S105 # a token of a server that is none

    @property
    def server(self) -> str:
        """The address that the forge pretends to have."""
        return self._forge.server

    def fail(self, method: str, nth: int = 1, *, after: bool = False, error: Exception | None = None) -> None:
        """Let the `nth` call of a method from now on raise: before its effect, or after (its answer is lost)."""
        number = self.calls[method] + nth
        lost = error or Unreachable(f"the answer to {method} was lost")
        self._faults.append(_Fault(method, number, after, lost))

    def heads(self, repo_id: int, default_branch: str, prefix: str) -> Heads:
        """As the port says."""
        number = self._begin("heads")
        branches = self._room(repo_id).branches
        ours = {name: sha for name, sha in sorted(branches.items()) if name.startswith(prefix)}
        self._end("heads", number)
        return Heads(branches.get(default_branch), ours)

    def compare(self, repo_id: int, base: str, head: str) -> Compared:
        """As the port says. As GitHub does, files are those since the newest commit that both have."""
        number = self._begin("compare")
        self._repo(repo_id)
        self._end("compare", number)
        if base not in self._commits or head not in self._commits:
            return Compared(forced=True, whole=False)
        between = self._between(base, head)
        forced = not self._holds(head, base)
        common = set(self._ancestry(base))
        old = base
        if forced:
            old = next((sha for sha in self._ancestry(head) if sha in common), "")
        before = self._commits[old].files if old else {}
        files = _changes(before, self._commits[head].files)
        whole = len(between) <= self.most_commits and len(files) < self.most_files
        listed = tuple(self.told(sha) for sha in between[: self.most_commits])
        return Compared(forced, listed, dict(list(files.items())[: self.most_files]), whole)

    def merged_as(self, repo_id: int, pull: int) -> tuple[str, str] | None:
        """As the port says."""
        number = self._begin("merged_as")
        pulls = self._room(repo_id).pulls
        found = pulls[pull - 1][1] if 0 < pull <= len(pulls) else None
        self._end("merged_as", number)
        if found is None or found.state != "merged" or found.merge_sha is None:
            return None
        return found.head_sha, found.merge_sha

    def has_file(self, repo_id: int, path: str, ref: str) -> bool:
        """As the port says."""
        number = self._begin("has_file")
        commit = self._commits.get(self._room(repo_id).branches.get(ref, ref))
        self._end("has_file", number)
        return commit is not None and path in commit.files

    def shown(self, repo_id: int, default_branch: str) -> Shown:  # noqa: ARG002 - the port's; the one rule is the default branch's
        """As the port says."""
        number = self._begin("shown")
        repo, room = self._repo(repo_id), self._room(repo_id)
        rule = room.rule is not None if self.rules_seen else None
        self._end("shown", number)
        return Shown(repo.default_branch, repo.visibility, repo.archived, rule, room.homepage)

    def source(self, repo_id: int) -> tuple[str, str]:
        """As the port says; nothing answers there."""
        number = self._begin("source")
        address = f"{self.server}/{self._repo(repo_id).full_name}.git"
        self._end("source", number)
        return address, self.watch_token

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


def _changes(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> dict[str, str]:
    """Paths with their kind; a file that moved unchanged is R where it is now and D where it was."""
    kinds = {path: "M" if path in old else "A" for path in new if old.get(path) != new[path]}
    gone = {path: "D" for path in old if path not in new}
    left = {old[path] for path in gone if old[path]}
    moved = {path: "R" for path, kind in kinds.items() if kind == "A" and new[path] in left}
    return dict(sorted({**kinds, **moved, **gone}.items()))
