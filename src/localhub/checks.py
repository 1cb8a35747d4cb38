"""Verdicts on commits: statuses, check runs and the suites that hold them, kept as records and told to hooks.

It runs no check: actions.py does, and whoever else reports here. What a branch requires, and whether a commit
may be merged, is decided in branchrules.py.

Source of the values and shapes: GitHub's REST reference, "Commit statuses" and "Checks".
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from localhub import githistory, gitjson, pulls, render
from localhub.clock import stamp
from localhub.pulls import User
from localhub.registry import Repo
from localhub.store import Record, Taken
from localhub.tokens import Caller

if TYPE_CHECKING:
    from localhub.core import Core

STATES = ("error", "failure", "pending", "success")
RUN_STATUSES = ("queued", "in_progress", "completed", "waiting", "requested", "pending")
CONCLUSIONS = (
    "failure",
    "timed_out",
    "action_required",
    "cancelled",
    "stale",
    "success",
    "neutral",
    "skipped",
)
"""Gravest first: a suite concludes as the gravest of its runs."""

_Kind = TypeVar("_Kind", bound=msgspec.Struct)
_STATUS, _RUN, _SUITE = "status", "check_run", "check_suite"


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """A commit status; a later one of the same context stands for it."""

    id: int = 0
    sha: str
    state: str
    context: str
    description: str | None
    target_url: str | None
    creator: User
    created_at: str


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A check run; `conclusion` is set exactly when `status` is `completed`."""

    id: int = 0
    suite_id: int
    app_id: int
    name: str
    head_sha: str
    status: str
    conclusion: str | None = None
    started_at: str
    completed_at: str | None = None
    details_url: str | None = None
    external_id: str = ""
    output: dict[str, Any] = {}


class Suite(msgspec.Struct, frozen=True, kw_only=True):
    """All check runs of one app on one commit."""

    id: int = 0
    app_id: int
    head_sha: str
    head_branch: str | None
    created_at: str
    updated_at: str
    conclusion: str | None = None
    """Set where it ended as a whole, before any run: `startup_failure`."""


def add_status(core: "Core", sender: Caller, repo: Repo, wanted: Mapping[str, Any]) -> Status:
    """Note a status. `wanted` holds sha, state, context, description and target_url."""
    made = Status(creator=pulls.user(sender), created_at=stamp(core.clock.now()), **wanted)
    record = core.store.add(_STATUS, repo.scope, None, msgspec.to_builtins(made))
    return msgspec.structs.replace(made, id=record.id)


def statuses(core: "Core", repo: Repo, sha: str) -> list[Status]:
    """All statuses of a commit, latest first."""
    found = [_as(Status, record) for record in core.store.records(_STATUS, repo.scope)]
    return [one for one in reversed(found) if one.sha == sha]


def combined(found: Iterable[Status]) -> tuple[str, list[Status]]:
    """The state of a commit, and the latest status of each context; `found` comes latest first.

    Any error or failure makes `failure`; otherwise any pending one, or none at all, makes `pending`.
    """
    latest: dict[str, Status] = {}
    for one in found:
        latest.setdefault(one.context, one)
    states = {one.state for one in latest.values()}
    if states & {"error", "failure"}:
        return "failure", list(latest.values())
    return "pending" if "pending" in states or not states else "success", list(latest.values())


def suites(core: "Core", repo: Repo, sha: str | None = None) -> list[Suite]:
    """The check suites of a repository, or of one commit of it, oldest first."""
    found = [_as(Suite, record) for record in core.store.records(_SUITE, repo.scope)]
    return [one for one in found if sha in {None, one.head_sha}]


def find_suite(core: "Core", repo: Repo, suite_id: int) -> Suite | None:
    """The check suite with this id."""
    record = core.store.by_id(_SUITE, repo.scope, suite_id)
    return None if record is None else _as(Suite, record)


def add_suite(core: "Core", repo: Repo, app_id: int, sha: str) -> tuple[Suite, bool]:
    """The suite of an app on a commit, and whether it was made just now."""
    key = f"{sha}:{app_id}"
    now = stamp(core.clock.now())
    heads = core.git(repo).heads()
    branch = next((name for name, tip in heads.items() if tip == sha), None)
    made = Suite(app_id=app_id, head_sha=sha, head_branch=branch, created_at=now, updated_at=now)
    try:
        return _as(Suite, core.store.add(_SUITE, repo.scope, key, msgspec.to_builtins(made))), True
    except Taken:
        record = core.store.by_key(_SUITE, repo.scope, key)
        if record is None:
            raise
        return _as(Suite, record), False


def end_suite(core: "Core", sender: Caller, repo: Repo, suite: Suite, conclusion: str | None) -> None:
    """End a suite as a whole and tell it; None lets its runs decide again, and nobody is told."""
    if conclusion == suite.conclusion:
        return
    changed = msgspec.structs.replace(suite, conclusion=conclusion, updated_at=stamp(core.clock.now()))
    key = f"{suite.head_sha}:{suite.app_id}"
    core.store.change(_SUITE, Record(suite.id, repo.scope, key, msgspec.to_builtins(changed)))
    if conclusion is not None:
        tell_suite(core, sender, repo, changed, "completed")


def runs(core: "Core", repo: Repo) -> list[Run]:
    """All check runs of a repository, oldest first."""
    return [_as(Run, record) for record in core.store.records(_RUN, repo.scope)]


def find_run(core: "Core", repo: Repo, run_id: int) -> Run | None:
    """The check run with this id."""
    record = core.store.by_id(_RUN, repo.scope, run_id)
    return None if record is None else _as(Run, record)


def latest(found: Iterable[Run]) -> list[Run]:
    """The latest run of each name of each app, oldest first; `found` comes oldest first."""
    kept: dict[tuple[int, str], Run] = {}
    for one in found:
        kept[one.app_id, one.name] = one
    return sorted(kept.values(), key=lambda one: one.id)


def add_run(core: "Core", sender: Caller, repo: Repo, app_id: int, wanted: Mapping[str, Any]) -> Run:
    """Note a new check run of an app, in its suite, which is made when it is missing.

    `wanted` holds name, head_sha, status and what else a run has.
    """
    suite, _ = add_suite(core, repo, app_id, wanted["head_sha"])
    made = Run(suite_id=suite.id, app_id=app_id, **wanted)
    run = _as(Run, core.store.add(_RUN, repo.scope, None, msgspec.to_builtins(made)))
    tell_run(core, sender, repo, run, "created")
    _tell_completed(core, sender, repo, run)
    return run


def change_run(core: "Core", sender: Caller, repo: Repo, run: Run, fields: Mapping[str, Any]) -> Run:
    """Write a check run anew; tell when that completes it, and its suite."""
    changed = msgspec.structs.replace(run, **fields)
    core.store.change(_RUN, Record(run.id, repo.scope, str(run.id), msgspec.to_builtins(changed)))
    if run.status != "completed":
        _tell_completed(core, sender, repo, changed)
    return changed


def _tell_completed(core: "Core", sender: Caller, repo: Repo, run: Run) -> None:
    if run.status != "completed":
        return
    tell_run(core, sender, repo, run, "completed")
    suite = find_suite(core, repo, run.suite_id)
    if suite is not None and verdict(core, repo, suite)[0] == "completed":
        tell_suite(core, sender, repo, suite, "completed")


def verdict(core: "Core", repo: Repo, suite: Suite) -> tuple[str, str | None, int]:
    """Status, conclusion and number of the latest runs of a suite."""
    own = latest(one for one in runs(core, repo) if one.suite_id == suite.id)
    if suite.conclusion is not None:
        return "completed", suite.conclusion, len(own)
    if not own:
        return "queued", None, 0
    if any(one.status != "completed" for one in own):
        return "in_progress", None, len(own)
    reached = {one.conclusion for one in own}
    return "completed", next((one for one in CONCLUSIONS if one in reached), None), len(own)


def tell_run(core: "Core", sender: Caller, repo: Repo, run: Run, action: str) -> None:
    """Send the event `check_run`."""
    if core.webhooks.wanted([f"org:{repo.owner_id}", repo.scope], _RUN):
        core.emit(
            _RUN, action, sender, repo, {_RUN: run_shape(core, repo, run, core.public_url, core.public_url)}
        )


def tell_suite(core: "Core", sender: Caller, repo: Repo, suite: Suite, action: str) -> None:
    """Send the event `check_suite`."""
    if core.webhooks.wanted([f"org:{repo.owner_id}", repo.scope], _SUITE):
        shown = suite_shape(core, repo, suite, core.public_url, core.public_url)
        core.emit(_SUITE, action, sender, repo, {_SUITE: shown})


def status_shape(repo: Repo, one: Status, base: str, site: str) -> dict[str, Any]:
    """GitHub's `status`."""
    return {
        "url": f"{base}/repos/{repo.full_name}/statuses/{one.sha}",
        "avatar_url": f"{site}/avatars/u/{one.creator.id}",
        "id": one.id,
        "node_id": render.node_id("StatusContext", one.id),
        "state": one.state,
        "description": one.description,
        "target_url": one.target_url,
        "context": one.context,
        "created_at": one.created_at,
        "updated_at": one.created_at,
        "creator": render.owner(one.creator.login, one.creator.id, one.creator.type, base, site),
    }


def run_shape(core: "Core", repo: Repo, run: Run, base: str, site: str) -> dict[str, Any]:
    """GitHub's `check-run`."""
    url = f"{base}/repos/{repo.full_name}/check-runs/{run.id}"
    page = f"{site}/{repo.full_name}/runs/{run.id}"
    if run.app_id == render.ACTIONS_APP_ID:
        page = f"{site}/{repo.full_name}/actions/runs/{run.external_id}/job/{run.id}"
    annotations = run.output.get("annotations") or []
    texts = {name: run.output.get(name) for name in ("title", "summary", "text")}
    return {
        "id": run.id,
        "node_id": render.node_id("CheckRun", run.id),
        "name": run.name,
        "head_sha": run.head_sha,
        "external_id": run.external_id,
        "url": url,
        "html_url": page,
        "details_url": run.details_url or page,
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": run.started_at,
        "completed_at": run.completed_at,
        "output": texts | {"annotations_count": len(annotations), "annotations_url": f"{url}/annotations"},
        "check_suite": {"id": run.suite_id},
        "app": render.app(run.app_id, base, site),
        "pull_requests": pulls_of(core, repo, run.head_sha, base),
    }


def suite_shape(core: "Core", repo: Repo, suite: Suite, base: str, site: str) -> dict[str, Any]:
    """GitHub's `check-suite`."""
    url = f"{base}/repos/{repo.full_name}/check-suites/{suite.id}"
    status, conclusion, count = verdict(core, repo, suite)
    head = githistory.commit(core.git(repo), suite.head_sha)
    return {
        "id": suite.id,
        "node_id": render.node_id("CheckSuite", suite.id),
        "head_branch": suite.head_branch,
        "head_sha": suite.head_sha,
        "status": status,
        "conclusion": conclusion,
        "url": url,
        "before": None,
        "after": suite.head_sha,
        "pull_requests": pulls_of(core, repo, suite.head_sha, base),
        "app": render.app(suite.app_id, base, site),
        "created_at": suite.created_at,
        "updated_at": suite.updated_at,
        "rerequestable": True,
        "runs_rerequestable": True,
        "latest_check_runs_count": count,
        "check_runs_url": f"{url}/check-runs",
        "head_commit": gitjson.simple_commit(head),
        "repository": render.repo(repo, base, site, None),
    }


def pulls_of(core: "Core", repo: Repo, sha: str, base: str) -> list[dict[str, Any]]:
    """The open pull requests whose head is this commit, in the short form that checks hold."""
    place = {"id": repo.id, "url": f"{base}/repos/{repo.full_name}", "name": repo.name}
    return [
        {
            "url": f"{base}/repos/{repo.full_name}/pulls/{one.number}",
            "id": one.id,
            "number": one.number,
            "head": {"ref": one.head_ref, "sha": one.head_sha, "repo": place},
            "base": {"ref": one.base_ref, "sha": one.base_sha, "repo": place},
        }
        for one in pulls.all_of(core, repo)
        if one.state == "open" and one.head_sha == sha
    ]


def _as(kind: type[_Kind], record: Record) -> _Kind:
    return msgspec.convert(record.data | {"id": record.id}, kind)
