"""The outsides that operations build with: the forge's writing side, git, templates, agents, boxes, deployers.

None of these can delete a repository. Every method may raise Transient (it may work later) and Permanent (a
person must change something).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from steward.domain.agents import RunEvent, RunResult, RunSpec
from steward.domain.repository import Repo
from steward.domain.spec import Proof, Template, TemplateRef
from steward.domain.verdict import CommitChecks
from steward.ports.engine import StopAsked
from steward.ports.watching import ForgeWatch


@dataclass(frozen=True, slots=True)
class Ensured:
    """A thing that is now as asked. `made`: it was not before."""

    made: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request. `state` is "open", "closed" or "merged"; `mergeable` None while the server still works on it."""

    number: int
    url: str
    state: str
    head_sha: str
    base: str
    merge_sha: str | None = None
    mergeable: bool | None = None


class ForgeWrite(ForgeWatch, Protocol):
    """The writing side of a GitHub server, with the builder's credential, which also reads. Repositories are named by id.

    Each method is an "ensure": asked twice it changes nothing the second time.
    """

    @property
    def server(self) -> str:
        """The API address, without a trailing slash."""
        ...

    def ensure_repository(
        self, login: str, name: str, *, marker: str, description: str, visibility: str
    ) -> tuple[Repo, bool]:
        """The repository of that name that bears our marker in its description, made if there is none.

        A new one holds README.md alone. Raises NameTaken where the name is somebody else's.
        """
        ...

    def is_bare(self, repo_id: int) -> bool:
        """Whether it holds nothing but README.md (and our marker), as the lifecycle asks of a new one."""
        ...

    def ensure_branch_rule(self, repo_id: int, required_checks: Sequence[str]) -> Ensured:
        """A rule on the default branch: pull requests only, no force pushes, no deletion, these checks.

        Where the plan does not allow rules, `detail` says so and nothing is made.
        """
        ...

    def ensure_labels(self, repo_id: int, labels: Mapping[str, str]) -> Ensured:
        """These labels, by name, each with its colour (six hex digits)."""
        ...

    def tip(self, repo_id: int, branch: str) -> str | None:
        """The commit of a branch; None where there is no such branch."""
        ...

    def file_at(self, repo_id: int, path: str, ref: str) -> bytes | None:
        """A file as it is at a commit or branch; None where it is not there."""
        ...

    def ensure_pull(self, repo_id: int, *, head: str, base: str, title: str, body: str) -> Pull:
        """The pull request from `head` to `base` (branches of the repository): the open one, else a merged one
        of the same head commit, else a new one.
        """
        ...

    def pull(self, repo_id: int, number: int) -> Pull: ...

    def merge(self, repo_id: int, number: int, *, sha: str, title: str, message: str = "") -> Pull:
        """Merge it if its head is still `sha`; the merge commit says `title`, then `message`.

        Raises MovedOn where it is not, Blocked where rules forbid it.
        """
        ...

    def checks(self, repo_id: int, sha: str) -> CommitChecks:
        """Everything that was said of a commit: check runs, statuses, suites, workflow runs, required checks."""
        ...

    def git_address(self, repo_id: int) -> tuple[str, str]:
        """Where git clones it from, and the token to give there as `x-access-token`. Never logged."""
        ...

    def ensure_secret(self, repo_id: int, name: str, value: str) -> Ensured:
        """Set a secret for the repository's workflows, sealed for its public key before it leaves this process.

        Raises Permanent: a name that GitHub does not take, a value that is too large, no right to it.
        """
        ...

    def ensure_variable(self, repo_id: int, name: str, value: str) -> Ensured:
        """Set a variable for the repository's workflows."""
        ...

    def mend(self, repo_id: int, setting: str, value: str) -> Ensured:
        """Set one setting of the repository right: `default_branch` to a branch that is there, `visibility` to
        "private" (nothing is ever published from here), `archived` to "false". Raises Permanent for anything else.
        """
        ...


class NameTaken(Exception):
    """The name belongs to a repository that is not ours. `full_name` says which."""

    def __init__(self, full_name: str) -> None:
        super().__init__(f"the name {full_name} is taken")
        self.full_name = full_name


class MovedOn(Exception):
    """A branch or pull request is no longer at the commit that was expected. `found` is where it is."""

    def __init__(self, what: str, expected: str, found: str) -> None:
        super().__init__(f"{what} is at {found[:12]}, not at {expected[:12]}")
        self.what = what
        self.expected = expected
        self.found = found


class Blocked(Exception):
    """The server's rules forbid a merge; `reason` is what it said."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed between two commits: paths with their kind (A, M, D), and numbers of lines."""

    files: Mapping[str, str]
    added: int = 0
    removed: int = 0


class Workshop(Protocol):
    """Git work on this machine. Nothing that an agent left in its clone is ever executed: objects are fetched out
    of it into a clean bare repository, looked at there, and pushed from there.
    """

    def clone(self, repo_id: int, address: str, token: str, base: str, into: Path, branch: str) -> None:
        """A throw-away working clone of one commit on a new branch, without remote and without credential."""
        ...

    def commit_all(self, clone: Path, message: str, author: str) -> str | None:
        """Commit what lies in a clone that only trusted code wrote; None where nothing changed."""
        ...

    def take(self, repo_id: int, clone: Path, branch: str) -> str | None:
        """Fetch the branch's objects out of a clone; its head, None where the branch is not there."""
        ...

    def diff(self, repo_id: int, base: str, head: str) -> Diff: ...

    def is_ancestor(self, repo_id: int, older: str, newer: str) -> bool: ...

    def push(
        self, repo_id: int, address: str, token: str, sha: str, branch: str, expected: str | None
    ) -> None:
        """Push with `--force-with-lease`: the branch must be at `expected` (None: not there), or at `sha` already.

        Raises MovedOn.
        """
        ...

    def export(self, repo_id: int, address: str, token: str, sha: str, into: Path) -> None:
        """The files of a commit, without `.git`."""
        ...

    def revert(self, repo_id: int, address: str, token: str, base: str, commits: Sequence[str]) -> str:
        """A commit on `base` that takes those commits back; its sha. Raises Permanent where that conflicts."""
        ...

    def unpushed(self, repo_id: int, clone: Path, base: str, most: int) -> tuple[str, bool]:
        """What lies in an agent's clone beyond `base`, committed or not, as `git apply` takes it, ignored files left
        out; and whether it was cut at `most` characters. "" where there is nothing. Runs nothing of the clone.
        """
        ...

    def rebase(self, repo_id: int, address: str, token: str, base: str, head: str, onto: str) -> str | None:
        """The commits between `base` and `head` put on top of `onto`; the new head, None where that conflicts."""
        ...

    def is_plain_merge(
        self, repo_id: int, address: str, token: str, commit: str, onto: str, head: str
    ) -> bool:
        """Whether a commit holds exactly what merging `head` into `onto` without conflict comes to, no more."""
        ...


class Templates(Protocol):
    """Templates: what they ask, and their rendering. Template code runs in a box only."""

    def read(self, ref: TemplateRef) -> Template:
        """What it is and asks, pinned to a commit. Raises Permanent: none there, no template, unsafe."""
        ...

    def render(
        self, ref: TemplateRef, answers: Mapping[str, Any], into: Path, previous: bool
    ) -> Sequence[str]:
        """Render into a working clone; the paths of files left in conflict (after an update of `previous`)."""
        ...


class Agent(Protocol):
    """A coding agent. What it says is not believed: the truth of a run is git and our checks."""

    @property
    def name(self) -> str: ...

    def run(self, spec: RunSpec, heard: Callable[[RunEvent], None], stop: StopAsked) -> RunResult:
        """Run to the end, a limit or a stop. No process of it is alive when this returns."""
        ...


@dataclass(frozen=True, slots=True)
class DeployOrder:
    """One deployment. `tree` holds the commit's files; `secrets` go through a vault file only.

    `target` names a host of the allow-list ("": the one that has the project, else the first). `trusted`: the
    code is the built-in template's own and may run without a box where there is none.
    """

    project_id: str
    slug: str
    commit: str
    tree: Path
    variables: Mapping[str, str]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    proof: Proof = field(default=Proof())
    timeout_s: float = 600.0
    target: str = ""
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class Deployed:
    """How a playbook ended: "ok", "failed", "cancelled", "timeout" or "unreachable". `url` is where it serves."""

    outcome: str
    url: str = ""
    failed_task: str = ""
    reason: str = ""
    tail: str = ""


class Deployer(Protocol):
    """Puts a commit where people reach it. Deploying the same commit again changes nothing."""

    def deploy(self, order: DeployOrder, told: Callable[[str], None], stop: StopAsked) -> Deployed: ...

    def undeploy(self, project_id: str, slug: str) -> Deployed: ...


@dataclass(frozen=True, slots=True)
class Sign:
    """One look at a live thing: alive for that commit or not, what it said, days left of its TLS certificate.

    `tls_trusted`: whether that certificate would be believed by a browser; None without TLS. `up_s`: how long a
    process has been running, where that was asked.
    """

    alive: bool
    commit: str = ""
    detail: str = ""
    tls_days_left: float | None = None
    tls_trusted: bool | None = None
    up_s: float | None = None


class Probe(Protocol):
    """Looks whether a release is alive, as its proof of life says. It raises nothing: silence is an answer."""

    def look(self, url: str, proof: Proof, commit: str, timeout_s: float) -> Sign: ...
