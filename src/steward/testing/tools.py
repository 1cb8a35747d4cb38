"""The outsides of operations in memory: git, templates, agents, a deployer and a probe around a FakeForge.

Deterministic: no process, no socket, no clock of its own. Every effect passes a `Gate`, which can let a test die
before it (nothing was done) or after it (all was done, nobody remembers).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from pathlib import Path
from typing import Any, Final

from steward.domain.agents import Outcome, Role, RunEvent, RunEventKind, RunResult, RunSpec
from steward.domain.spec import STARTER, Proof, Question, Template, TemplateRef
from steward.domain.verdict import Check, CommitChecks
from steward.ports import Permanent
from steward.ports.building import Deployed, DeployOrder, Diff, MovedOn, Sign
from steward.ports.engine import StopAsked
from steward.testing.branches import BUILDER
from steward.testing.building import FakeForgeWrite
from steward.testing.clock import START
from steward.testing.forge import FakeForge
from steward.testing.gate import Gate
from steward.testing.gitlike import cut_at_line, kept, merged, patch

WRITING: Final = (
    "ensure_repository",
    "ensure_branch_rule",
    "ensure_labels",
    "ensure_pull",
    "merge",
    "ensure_secret",
    "ensure_variable",
    "mend",
)
"""The calls of the forge that change something there."""


class GatedForge(FakeForgeWrite):
    """A FakeForgeWrite whose changes pass a gate, and whose checks end as `conclude` says.

    `conclude` gives the conclusion of the check "test" for a commit's files: GitHub's word, "" while it runs,
    None where nothing checks it.
    """

    def __init__(self, forge: FakeForge, gate: Gate) -> None:
        super().__init__(forge)
        self._gate = gate
        self.conclude: Callable[[Mapping[str, bytes]], str | None] = lambda _files: "success"

    def _begin(self, method: str) -> int:
        number = super()._begin(method)
        if method in WRITING:
            # What dies before leaves no trace; the end of the effect is `_end`.
            self._open = self._gate.effect(f"forge.{method}")
            self._open.__enter__()
        return number

    def _end(self, method: str, number: int) -> None:
        super()._end(method, number)
        if method in WRITING:
            self._open.__exit__(None, None, None)

    def checks(self, repo_id: int, sha: str) -> CommitChecks:
        """What was said of it, else what `conclude` says."""
        found = super().checks(repo_id, sha)
        if found.checks:
            return found
        word = self.conclude(self.held(sha)[1])
        if word is None:
            return found
        made = Check("test", 1, "completed" if word else "in_progress", word or None, id=1, started_at=START)
        return CommitChecks(sha, (made,), found.required)


@dataclass(slots=True)
class _Clone:
    """A working clone: its head, and its files as they lie there."""

    head: str
    branch: str
    files: dict[str, bytes]


class FakeWorkshop:
    """Git in memory: objects are the forge's once they are pushed, ours before."""

    def __init__(self, forge: GatedForge, gate: Gate) -> None:
        self._forge = forge
        self._gate = gate
        self.clones: dict[Path, _Clone] = {}

    def clone(self, repo_id: int, address: str, token: str, base: str, into: Path, branch: str) -> None:  # noqa: ARG002 - the port's shape
        """As the port says."""
        self.clones[into] = _Clone(base, branch, dict(self._forge.held(base)[1]))

    def commit_all(self, clone: Path, message: str, author: str) -> str | None:  # noqa: ARG002 - the port's shape
        """As the port says."""
        held = self.clones[clone]
        if held.files == self._forge.held(held.head)[1]:
            return None
        held.head = self._commit((held.head,), held.files)
        return held.head

    def take(self, repo_id: int, clone: Path, branch: str) -> str | None:  # noqa: ARG002 - the port's shape
        """As the port says."""
        return self.clones[clone].head

    def diff(self, repo_id: int, base: str, head: str) -> Diff:  # noqa: ARG002 - the port's shape
        """As the port says."""
        old, new = self._forge.held(base)[1], self._forge.held(head)[1]
        kinds = {path: "M" if path in old else "A" for path in new if old.get(path) != new[path]}
        return Diff({**kinds, **{path: "D" for path in old if path not in new}}, len(kinds))

    def is_ancestor(self, repo_id: int, older: str, newer: str) -> bool:  # noqa: ARG002 - the port's shape
        """As the port says."""
        waiting = [newer]
        while waiting:
            at = waiting.pop()
            if at == older:
                return True
            waiting += self._forge.held(at)[0]
        return False

    def push(
        self,
        repo_id: int,
        address: str,  # noqa: ARG002 - the port's shape
        token: str,  # noqa: ARG002 - the same
        sha: str,
        branch: str,
        expected: str | None,
    ) -> None:
        """As the port says."""
        with self._gate.effect("git.push"):
            found = self._forge.tip(repo_id, branch)
            if found == sha:
                return
            if found != expected:
                raise MovedOn(branch, expected or "nothing", found or "nothing")
            self._forge.move(repo_id, branch, sha, BUILDER)
            self._forge.changes.append(f"push {branch}")

    def export(self, repo_id: int, address: str, token: str, sha: str, into: Path) -> None:  # noqa: ARG002 - the port's shape
        """As the port says; nothing is written to disk."""
        self.clones[into] = _Clone(sha, "", dict(self._forge.held(sha)[1]))

    def revert(self, repo_id: int, address: str, token: str, base: str, commits: Sequence[str]) -> str:  # noqa: ARG002 - the port's shape
        """As the port says."""
        files = dict(self._forge.held(base)[1])
        for sha in commits:
            parents, after = self._forge.held(sha)
            before = self._forge.held(parents[0])[1]
            for path in {*before, *after}:
                if before.get(path) == after.get(path):
                    continue
                if files.get(path) != after.get(path):
                    raise Permanent(f"taking {sha[:12]} back conflicts in {path}", "Take it back by hand.")
                if path in before:
                    files[path] = before[path]
                else:
                    files.pop(path, None)
        return self._commit((base,), files)

    def unpushed(self, repo_id: int, clone: Path, base: str, most: int) -> tuple[str, bool]:  # noqa: ARG002 - the port's shape
        """As the port says; a clone that was dropped, as by a restart, holds nothing."""
        lies = self.clones.get(clone)
        if lies is None:
            return "", False
        files = kept(lies.files, self._forge.held(lies.head)[1])
        return cut_at_line(patch(self._forge.held(base)[1], files), most)

    def rebase(self, repo_id: int, address: str, token: str, base: str, head: str, onto: str) -> str | None:  # noqa: ARG002 - the port's shape
        """As the port says, file by file. None for merges among them too."""
        commits, at = [], head
        while at != base:
            parents = self._forge.held(at)[0]
            if len(parents) != 1:
                return None
            commits.append(at)
            at = parents[0]
        top, files = onto, dict(self._forge.held(onto)[1])
        for sha in reversed(commits):
            parents, after = self._forge.held(sha)
            found = merged(self._forge.held(parents[0])[1], files, after)
            if found is None:
                return None
            top, files = (top if found == files else self._commit((top,), found)), found
        return top

    def is_plain_merge(
        self,
        repo_id: int,
        address: str,  # noqa: ARG002 - the port's shape
        token: str,  # noqa: ARG002 - the same
        commit: str,
        onto: str,
        head: str,
    ) -> bool:
        """As the port says."""
        parents, files = self._forge.held(commit)
        if parents not in {(onto,), (onto, head)}:
            return False
        side, at = [head], head
        while not self.is_ancestor(repo_id, at, onto) and self._forge.held(at)[0]:
            at = self._forge.held(at)[0][0]
            side.append(at)
        base = self._forge.held(side[-1])[1]
        return merged(base, self._forge.held(onto)[1], self._forge.held(head)[1]) == files

    def _commit(self, parents: tuple[str, ...], files: Mapping[str, bytes]) -> str:
        sha = sha1(repr((parents, sorted(files.items()))).encode(), usedforsecurity=False).hexdigest()
        self._forge.hold(sha, parents, files)
        return sha


@dataclass(slots=True)
class FakeTemplates:
    """One template, by whatever source but "nowhere". `refuses` is raised by every call."""

    workshop: FakeWorkshop
    checks: tuple[str, ...] = ("test",)
    questions: tuple[Question, ...] = (
        Question("title"),
        Question("features"),
        Question("accent", choices=("indigo", "teal")),
        Question("api_key", secret=True),
    )
    refuses: Exception | None = None
    conflicts: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def read(self, ref: TemplateRef) -> Template:
        """As the port says."""
        if self.refuses is not None:
            raise self.refuses
        if ref.source == "nowhere":
            raise Permanent("there is no template at nowhere", "Name one that is there.")
        pinned = TemplateRef(ref.source, ref.tag or "v1", "c" * 40)
        return Template(
            pinned,
            ref.source or STARTER,
            "A fake",
            self.questions,
            environment=self.environment,
            checks=self.checks,
        )

    def render(
        self,
        ref: TemplateRef,
        answers: Mapping[str, Any],
        into: Path,
        previous: bool,  # noqa: ARG002 - the port's shape
    ) -> Sequence[str]:
        """As the port says."""
        if self.refuses is not None:
            raise self.refuses
        self.workshop.clones[into].files["app.py"] = repr((ref.source, sorted(answers.items()))).encode()
        return self.conflicts


@dataclass(slots=True)
class FakeAgent:
    """Does what its role asks, at once. `says` are results to give instead, each once, after the work.

    `works` may change the files itself; `rejects` are the reasons of the next testers' words, each once.
    """

    workshop: FakeWorkshop
    gate: Gate
    name: str = "fake"
    says: list[RunResult] = field(default_factory=list)
    rejects: list[Sequence[str]] = field(default_factory=list)
    works: Callable[[RunSpec, dict[str, bytes]], None] | None = None
    missing: Permanent | None = None
    talks: RunEvent | None = None
    runs: list[RunSpec] = field(default_factory=list)

    def run(self, spec: RunSpec, heard: Callable[[RunEvent], None], stop: StopAsked) -> RunResult:
        """As the port says."""
        if self.missing is not None:
            raise self.missing
        self.runs.append(spec)
        heard(RunEvent(1, START, RunEventKind.TEXT, f"{spec.role} begins"))
        if self.talks is not None:
            heard(self.talks)
        clone = self.workshop.clones[spec.clone]
        with self.gate.effect(f"agent.{spec.role}"):
            if stop():
                return RunResult(Outcome.CANCELLED)
            if spec.role is Role.TESTER:
                reasons = self.rejects.pop(0) if self.rejects else ()
                verdict = {"approved": not reasons, "reasons": list(reasons)}
                done = RunResult(Outcome.COMPLETED, verdict=verdict, cost_usd=0.5, cost_source="agent")
            else:
                self._write(spec, clone)
                done = RunResult(Outcome.COMPLETED, cost_usd=0.5, cost_source="agent")
            return self.says.pop(0) if self.says else done

    def _write(self, spec: RunSpec, clone: _Clone) -> None:
        asked = spec.contract
        text = repr((asked["spec"]["version"], asked["update"], asked["rework"])).encode()
        if self.works is not None:
            self.works(spec, clone.files)
        elif spec.role is Role.ARCHITECT:
            clone.files["IMPLEMENTATION.md"] = b"plan " + text
        else:
            clone.files["feature.txt"] = b"made " + text
        self.workshop.commit_all(spec.clone, "work", "agent")


@dataclass(slots=True)
class FakeDeployer:
    """Serves at once. `ends` are results to give instead, each once; `serving` is project id -> commit, `orders` are
    all that was asked for.
    """

    gate: Gate
    ends: list[Deployed] = field(default_factory=list)
    serving: dict[str, str] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    orders: list[DeployOrder] = field(default_factory=list)

    def deploy(self, order: DeployOrder, told: Callable[[str], None], stop: StopAsked) -> Deployed:
        """As the port says."""
        self.orders.append(order)
        with self.gate.effect("deploy"):
            if stop():
                return Deployed("cancelled")
            if self.ends:
                return self.ends.pop(0)
            told("Copying")
            if self.serving.get(order.project_id) != order.commit:
                self.serving[order.project_id] = order.commit
                self.done.append(order.commit)
            return Deployed("ok", url=f"http://{order.slug}.test")

    def undeploy(self, project_id: str, slug: str) -> Deployed:  # noqa: ARG002 - the port's shape
        """As the port says."""
        self.serving.pop(project_id, None)
        return Deployed("ok")


@dataclass(slots=True)
class FakeProbe:
    """Looks at what the deployer serves. `dead` commits never live; `down`: nothing answers."""

    deployer: FakeDeployer
    dead: set[str] = field(default_factory=set)
    down: bool = False

    def look(self, url: str, proof: Proof, commit: str, timeout_s: float) -> Sign:  # noqa: ARG002 - the port's shape
        """As the port says."""
        if self.down:
            return Sign(False, detail="nothing answers")
        served = set(self.deployer.serving.values())
        if commit not in served or commit in self.dead:
            return Sign(False, next(iter(served), ""), "another commit answers")
        return Sign(True, commit)
