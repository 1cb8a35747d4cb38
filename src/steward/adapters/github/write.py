"""GitHubWrite: `ports.building.ForgeWrite` over HTTP, for github.com, GitHub Enterprise Server and localhub.

Every method looks before it acts and looks again where an answer was lost, so that asking twice, or being killed
between the act and its answer, changes nothing more. It watches as the observer does, with its own credential. It
holds no way to delete a repository.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import httpx

from steward.adapters.github import write_checks, write_pulls, write_repos, write_rules, write_settings
from steward.adapters.github.app import source_of
from steward.adapters.github.credentials import Credential, Source
from steward.adapters.github.limits import Meter
from steward.adapters.github.watch import Watching
from steward.adapters.github.write_wire import Desk, WriteWire
from steward.domain.repository import Repo
from steward.domain.verdict import CommitChecks
from steward.ports.building import Ensured, Pull
from steward.ports.outside import Clock

THREADS: Final = 4


def connect_write(
    url: str, *, credential: Credential, clock: Clock, transport: httpx.BaseTransport | None = None
) -> GitHubWrite:
    """Make a writing client for one server, without a request. Raises BadSettings.

    It may use the rate limit to its end: what it does, a person or an operation waits for.
    """
    wire = WriteWire(url, clock, threads=THREADS, transport=transport)

    source = source_of(credential, wire, clock, lambda: Meter(clock, 0.0))
    return GitHubWrite(wire, source, clock)


class GitHubWrite(Watching):
    """The writing side of one server. Safe to use from several threads; close it, or use it in a `with`."""

    def __init__(self, wire: WriteWire, source: Source, clock: Clock) -> None:
        self._clock = clock
        self._desk = Desk(wire, source)
        super().__init__(wire, self._desk)

    def ensure_repository(
        self, login: str, name: str, *, marker: str, description: str, visibility: str
    ) -> tuple[Repo, bool]:
        """Ours by that name, made with a README if there is none. Raises NameTaken."""
        return write_repos.ensure_repository(
            self._desk,
            self._clock,
            login,
            name,
            marker=marker,
            description=description,
            visibility=visibility,
        )

    def is_bare(self, repo_id: int) -> bool:
        """Whether it holds README.md at most."""
        return write_repos.is_bare(self._desk, repo_id)

    def ensure_branch_rule(self, repo_id: int, required_checks: Sequence[str]) -> Ensured:
        """One ruleset of ours on the default branch."""
        return write_rules.ensure_branch_rule(self._desk, repo_id, required_checks)

    def ensure_labels(self, repo_id: int, labels: Mapping[str, str]) -> Ensured:
        """These labels with these colours."""
        return write_rules.ensure_labels(self._desk, repo_id, labels)

    def tip(self, repo_id: int, branch: str) -> str | None:
        """The commit of a branch."""
        return write_repos.tip(self._desk, repo_id, branch)

    def file_at(self, repo_id: int, path: str, ref: str) -> bytes | None:
        """A file at a commit or branch."""
        return write_repos.file_at(self._desk, repo_id, path, ref)

    def ensure_pull(self, repo_id: int, *, head: str, base: str, title: str, body: str) -> Pull:
        """One pull request from `head` to `base`."""
        return write_pulls.ensure_pull(self._desk, repo_id, head=head, base=base, title=title, body=body)

    def pull(self, repo_id: int, number: int) -> Pull:
        """One by its number."""
        return write_pulls.pull(self._desk, repo_id, number)

    def merge(self, repo_id: int, number: int, *, sha: str, title: str, message: str = "") -> Pull:
        """Merge it at that commit. Raises MovedOn, Blocked."""
        return write_pulls.merge(self._desk, repo_id, number, sha=sha, title=title, message=message)

    def checks(self, repo_id: int, sha: str) -> CommitChecks:
        """Everything that was said of a commit."""
        return write_checks.checks(self._desk, repo_id, sha)

    def git_address(self, repo_id: int) -> tuple[str, str]:
        """Where git finds it by its present name, and the token."""
        return self.source(repo_id)

    def ensure_secret(self, repo_id: int, name: str, value: str) -> Ensured:
        """A secret of its workflows, sealed before it leaves."""
        return write_settings.ensure_secret(self._desk, repo_id, name, value)

    def ensure_variable(self, repo_id: int, name: str, value: str) -> Ensured:
        """A variable of its workflows."""
        return write_settings.ensure_variable(self._desk, repo_id, name, value)

    def mend(self, repo_id: int, setting: str, value: str) -> Ensured:
        """One setting of its own, set right."""
        return write_settings.mend(self._desk, repo_id, setting, value)
