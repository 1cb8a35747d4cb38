"""Runs the checks that repositories declare, and reports them as GitHub Actions does.

A push to a branch runs the checks declared at its new tip for `push`, a pull request those for `pull_request`. A
verdict is about a commit: what was run for a commit is not run once more because another branch or a pull request
comes to stand there (GitHub would run it again, and report it under the same name). Whoever wants another attempt
asks for it.

The queue is a record for each check that is waiting or under way, written in one transaction with what is
reported of it. So a localhub that was killed runs at its next start whatever it had not finished. The commands run
in a few threads of their own; a request never waits for one.
"""

import logging
import shutil
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localhub import box, checkfaults, checks, declared, workflows
from localhub.checks import Run
from localhub.declared import BadDeclaration, Check
from localhub.gitstore import ZERO_SHA, GitRepo, RefMove
from localhub.pulls import Pull
from localhub.registry import Repo
from localhub.render import ACTIONS_APP_ID
from localhub.store import Record
from localhub.tokens import Caller

if TYPE_CHECKING:
    from localhub.core import Core

DEFAULT_WORKERS = 2
_JOB = "check_job"
_MALFORMED = "checks"
_log = logging.getLogger(__name__)


class StillRunning(RuntimeError):
    """It is not completed, so it cannot be run again."""


class Actions:
    """All checks that one localhub runs."""

    def __init__(self, core: "Core", workers: int = DEFAULT_WORKERS) -> None:
        self._core = core
        self.workers = workers
        self.box = box.Box(None)
        self._pool: ThreadPoolExecutor | None = None
        self._stopping = threading.Event()
        self._stops: dict[int, threading.Event] = {}
        self._timers: set[threading.Timer] = set()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to run checks, first of all what an earlier localhub had not finished."""
        shutil.rmtree(self._directory, ignore_errors=True)
        self.box = box.find()
        self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="localhub-check")
        for job in self._core.store.everywhere(_JOB):
            self._requeue(job)
            self._submit(job)

    def stop(self) -> None:
        """Kill what runs; it and what waits are run at the next start."""
        self._stopping.set()
        with self._lock:
            timers, stops = list(self._timers), list(self._stops.values())
        for timer in timers:
            timer.cancel()
        for one in stops:
            one.set()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def queued(self) -> int:
        """How many checks wait or are under way."""
        return len(self._core.store.everywhere(_JOB))

    def pushed(self, sender: Caller, repo: Repo, moved: Iterable[RefMove]) -> None:
        """Run what the new tips of branches declare for `push`."""
        for move in moved:
            if move.ref.startswith("refs/heads/") and move.after != ZERO_SHA:
                self._run(sender, repo, move.after, move.ref.removeprefix("refs/heads/"), "push")

    def proposed(self, sender: Caller, repo: Repo, pull: Pull) -> None:
        """Run what the head of a pull request declares for `pull_request`."""
        self._run(sender, repo, pull.head_sha, pull.head_ref, "pull_request")

    def _run(self, sender: Caller, repo: Repo, sha: str, branch: str, event: str) -> None:
        """Queue the checks declared at a commit for an event, those that were not run for it before."""
        wanted, problem = _declared(self._core.git(repo), sha)
        done = (
            {one.name for one in checks.runs(self._core, repo) if _is_ours(one, sha)}
            if wanted or problem
            else set()
        )
        wanted = [one for one in wanted if event in one.events and one.name not in done]
        if not wanted and (problem is None or _MALFORMED in done):
            return
        if self._core.faults.checks(checkfaults.Absent, repo):
            return
        with self._core.store.transaction():
            suite, _ = checks.add_suite(self._core, repo, ACTIONS_APP_ID, sha)
            run = workflows.add(
                self._core, sender, repo, sha=sha, branch=branch, event=event, suite_id=suite.id
            )
            jobs = self._begin(sender, repo, run, wanted, problem)
        self._submit(*jobs)

    def rerun(self, sender: Caller, repo: Repo, run: Record, names: Iterable[str] | None = None) -> None:
        """Begin the next attempt at a workflow run: at the checks of these names, or at all of them.

        Raises StillRunning.
        """
        if self._core.faults.checks(checkfaults.Absent, repo):
            return
        wanted, problem = _declared(self._core.git(repo), run.data["head_sha"])
        own = {one.name for one in workflows.jobs(self._core, repo, run)}
        chosen = own if names is None else own & set(names)
        wanted = [one for one in wanted if (one.name in chosen if own else run.data["event"] in one.events)]
        with self._core.store.transaction():
            run = workflows.find(self._core, repo, run.id) or run
            if run.data["status"] != "completed":
                raise StillRunning("This workflow is already running")
            run = workflows.again(self._core, sender, repo, run)
            jobs = self._begin(sender, repo, run, wanted, problem)
        self._submit(*jobs)

    def cancel(self, repo: Repo, run: Record) -> None:
        """End what is left of a workflow run as `cancelled`."""
        left = [
            one for one in self._core.store.records(_JOB, repo.scope) if one.data["workflow_id"] == run.id
        ]
        for job in left:
            self._finish(job, "cancelled", "Cancelled", "The run was cancelled.", "")
            with self._lock:
                stop = self._stops.get(job.id)
            if stop is not None:
                stop.set()

    def _begin(
        self, sender: Caller, repo: Repo, run: Record, wanted: Sequence[Check], problem: str | None
    ) -> list[Record]:
        """Report one attempt as queued, or what keeps it from being run; its jobs."""
        core = self._core
        suite = checks.find_suite(core, repo, run.data["suite_id"])
        broken = bool(core.faults.checks(checkfaults.Infrastructure, repo))
        if suite is not None:
            checks.end_suite(core, sender, repo, suite, "startup_failure" if broken else None)
        if broken:
            workflows.complete(core, repo, run, "startup_failure")
            return []
        facts = {"head_sha": run.data["head_sha"], "external_id": str(run.id), "started_at": core.now()}
        if problem is not None:
            output = {"title": "The declaration cannot be used", "summary": f"{declared.PATH}, {problem}"}
            failed = {"status": "completed", "conclusion": "failure", "completed_at": core.now()}
            checks.add_run(
                core, sender, repo, ACTIONS_APP_ID, facts | failed | {"name": _MALFORMED, "output": output}
            )
            workflows.settle(core, repo, run)
            return []
        jobs = []
        for one in wanted:
            made = checks.add_run(
                core, sender, repo, ACTIONS_APP_ID, facts | {"name": one.name, "status": "queued"}
            )
            job = {"workflow_id": run.id, "run_id": made.id, "attempt": run.data["run_attempt"]}
            job |= {"name": one.name, "command": list(one.command), "timeout_s": one.timeout_s}
            jobs.append(core.store.add(_JOB, repo.scope, None, job))
        if not jobs:
            workflows.settle(core, repo, run)
        return jobs

    def _requeue(self, job: Record) -> None:
        """What was begun when localhub ended waits again."""
        repo, run, workflow = self._subject(job)
        if repo is not None and run is not None and workflow is not None and run.status == "in_progress":
            checks.change_run(self._core, workflows.sender_of(workflow), repo, run, {"status": "queued"})

    def _submit(self, *jobs: Record) -> None:
        for job in jobs:
            self._hand_over(job, partial(self._take, job))

    def _hand_over(self, job: Record, work: Callable[[], None]) -> None:
        """Let a thread of the pool do this for a job, unless localhub ends or has not begun to run checks."""
        with self._lock:
            if self._pool is not None and not self._stopping.is_set():
                self._pool.submit(work).add_done_callback(partial(self._done, job))

    def _done(self, job: Record, done: "Future[None]") -> None:
        """Report a check that localhub itself failed to run; else it would stay in progress for ever."""
        error = None if done.cancelled() else done.exception()
        if error is not None:
            _log.error("a check could not be run", exc_info=error)
            self._finish(job, "failure", "Not run", f"localhub could not run this check: {error}", "")

    def _is_open(self, job: Record) -> bool:
        """Whether it was neither completed nor cancelled."""
        return self._core.store.by_id(_JOB, job.scope, job.id) is not None

    def _subject(self, job: Record) -> tuple[Repo | None, Run | None, Record | None]:
        """The repository, the check run and the workflow run that a job is about."""
        repo = self._core.registry.repo_by_id(int(job.scope.partition(":")[2]), deleted=True)
        if repo is None:
            return None, None, None
        run = checks.find_run(self._core, repo, job.data["run_id"])
        return repo, run, workflows.find(self._core, repo, job.data["workflow_id"])

    def _take(self, job: Record) -> None:
        """Begin a check whose turn has come, as far as the faults that are on let it."""
        with self._core.store.transaction():
            subject = self._begun(job)
        if subject is None:
            return
        (repo, workflow), on = subject, self._core.faults
        if on.checks(checkfaults.Stuck, repo):
            return
        flaky = any(job.data["attempt"] <= one.attempts for one in on.checks(checkfaults.Flaky, repo))
        if on.checks(checkfaults.Failing, repo) or flaky:
            self._finish(job, "failure", "Failed", "localhub was told to let this check fail.", "")
            return
        delay_s = sum(one.delay_s for one in on.checks(checkfaults.SlowChecks, repo))
        if delay_s:
            self._later(job, delay_s, partial(self._execute, job, repo, workflow))
        else:
            self._execute(job, repo, workflow)

    def _begun(self, job: Record) -> tuple[Repo, Record] | None:
        """Report that a check is in progress; None where it is not to be run, or not now."""
        if self._stopping.is_set() or not self._is_open(job):
            return None
        repo, run, workflow = self._subject(job)
        if repo is None or run is None or workflow is None:
            self._core.store.remove(_JOB, job.id)
            return None
        if repo.deleted_at is not None:
            self._finish(job, "cancelled", "Cancelled", "The repository was deleted.", "")
            return None
        begun = {"status": "in_progress", "started_at": self._core.now()}
        checks.change_run(self._core, workflows.sender_of(workflow), repo, run, begun)
        workflows.begin(self._core, repo, workflow)
        return repo, workflow

    def _later(self, job: Record, delay_s: float, work: Callable[[], None]) -> None:
        """Go on with a check after a while; no thread of the pool waits for it."""

        def go_on() -> None:
            with self._lock:
                self._timers.discard(timer)
            self._hand_over(job, work)

        timer = threading.Timer(delay_s, go_on)
        timer.daemon = True
        with self._lock:
            self._timers.add(timer)
        if not self._stopping.is_set():
            timer.start()

    def _execute(self, job: Record, repo: Repo, workflow: Record) -> None:
        """Run the command on a clean checkout and report what came of it."""
        if not self._is_open(job):
            return
        stop = threading.Event()
        with self._lock:
            self._stops[job.id] = stop
        if self._stopping.is_set():
            stop.set()
        place = self._directory / str(job.id)
        try:
            ended = self._command(job, repo, workflow, place, stop)
        finally:
            _remove(place)
            with self._lock:
                self._stops.pop(job.id, None)
        if not ended.stopped:
            self._finish(job, *_verdict(ended, job.data["timeout_s"]))

    def _command(
        self, job: Record, repo: Repo, workflow: Record, place: Path, stop: threading.Event
    ) -> box.Ended:
        checkout, home = place / "checkout", place / "home"
        for path in (checkout, home):
            path.mkdir(parents=True)
        sha = workflow.data["head_sha"]
        self._core.git(repo).check_out(sha, checkout)
        about = {"GITHUB_SHA": sha, "GITHUB_REF_NAME": workflow.data["head_branch"]}
        environment = self.box.environment(home, about)
        return box.run(self.box, job.data["command"], checkout, environment, job.data["timeout_s"], stop)

    def _finish(self, job: Record, conclusion: str, title: str, summary: str, text: str) -> None:
        """Complete a check and with the last one its workflow run; nothing where that was done before."""
        core = self._core
        with core.store.transaction():
            if not self._is_open(job):
                return
            core.store.remove(_JOB, job.id)
            repo, run, workflow = self._subject(job)
            if repo is None or run is None or workflow is None:
                return
            output: dict[str, Any] = {"title": title, "summary": summary} | ({"text": text} if text else {})
            fields = {
                "status": "completed",
                "conclusion": conclusion,
                "completed_at": core.now(),
                "output": output,
            }
            checks.change_run(core, workflows.sender_of(workflow), repo, run, fields)
            workflows.settle(core, repo, workflow)

    @property
    def _directory(self) -> Path:
        return self._core.directory / "checks"


def _declared(git: GitRepo, sha: str) -> tuple[list[Check], str | None]:
    """The checks declared at a commit, and what is wrong where they cannot be used."""
    try:
        return declared.read(git, sha), None
    except BadDeclaration as problem:
        return [], str(problem)


def _is_ours(run: Run, sha: str) -> bool:
    return run.app_id == ACTIONS_APP_ID and run.head_sha == sha


def _verdict(ended: box.Ended, timeout_s: float) -> tuple[str, str, str, str]:
    """Conclusion, title, summary and text of a command that ended."""
    took = f"after {ended.took_s:.1f} s"
    if ended.cut:
        took += "; the text is the end of what it wrote"
    if ended.timed_out:
        return "timed_out", "Timed out", f"It was killed, as it may take {timeout_s:g} s: {took}.", ended.tail
    if ended.code is None:
        return "failure", "Not started", ended.tail, ""
    if ended.code == 0:
        return "success", "Passed", f"It ended well {took}.", ended.tail
    return "failure", "Failed", f"It ended with exit code {ended.code} {took}.", ended.tail


def _remove(place: Path) -> None:
    """Remove a checkout, also where a check has made directories unreadable."""

    def free(_function: object, path: str, _error: object) -> None:
        blocked = Path(path)
        for one in (blocked.parent, blocked):
            if one.is_dir() and not one.is_symlink():
                one.chmod(0o700)
        shutil.rmtree(blocked, ignore_errors=True)

    shutil.rmtree(place, onerror=free)
    shutil.rmtree(place, ignore_errors=True)
