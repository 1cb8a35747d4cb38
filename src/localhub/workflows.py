"""Workflow runs of the checks that localhub runs, as records in GitHub's shape, told to hooks.

A workflow run stands for one attempt after another at the checks of one commit; its jobs are check runs, which
name it in their `external_id`. It runs nothing: actions.py does.

Source of the shape: GitHub's REST reference, "Workflow runs", and its webhook event `workflow_run`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast

from localhub import checks, declared, githistory, gitjson, render
from localhub.checks import CONCLUSIONS, Run
from localhub.registry import Repo
from localhub.store import Record
from localhub.tokens import Caller

if TYPE_CHECKING:
    from localhub.core import Core

_KIND = "workflow_run"
_WORKFLOW_ID = 1
_OWN = frozenset({"suite_id", "sender", "starter"})
"""Fields of the record that are not shown as they are."""


def add(
    core: "Core", sender: Caller, repo: Repo, *, sha: str, branch: str, event: str, suite_id: int
) -> Record:
    """A new workflow run, queued; hooks hear that it is requested."""
    now = core.now()
    title = githistory.commit(core.git(repo), sha).message.split("\n", 1)[0]
    data: dict[str, Any] = {
        "name": "checks",
        "display_title": title,
        "path": declared.PATH,
        "head_branch": branch,
        "head_sha": sha,
        "event": event,
        "status": "queued",
        "conclusion": None,
        "run_number": core.store.next_id(f"{_KIND}:{repo.scope}"),
        "run_attempt": 1,
        "workflow_id": _WORKFLOW_ID,
        "created_at": now,
        "updated_at": now,
        "run_started_at": now,
        "suite_id": suite_id,
        "sender": kept_sender(sender),
        "starter": kept_sender(sender),
    }
    made = core.store.add(_KIND, repo.scope, None, data)
    tell(core, sender, repo, made, "requested")
    return made


def find(core: "Core", repo: Repo, number: int) -> Record | None:
    """The workflow run with this id."""
    return core.store.by_id(_KIND, repo.scope, number)


def all_of(core: "Core", repo: Repo) -> list[Record]:
    """All workflow runs of a repository, oldest first."""
    return core.store.records(_KIND, repo.scope)


def change(core: "Core", run: Record, **fields: Any) -> Record:
    """Write a workflow run with these fields changed, as of now; nobody is told."""
    changed = replace(run, data=run.data | fields | {"updated_at": core.now()})
    core.store.change(_KIND, changed)
    return changed


def again(core: "Core", sender: Caller, repo: Repo, run: Record) -> Record:
    """Begin the next attempt; hooks hear that it is requested."""
    fresh = {"status": "queued", "conclusion": None, "run_started_at": core.now()}
    attempt = run.data["run_attempt"] + 1
    changed = change(core, run, run_attempt=attempt, sender=kept_sender(sender), **fresh)
    tell(core, sender, repo, changed, "requested")
    return changed


def begin(core: "Core", repo: Repo, run: Record) -> None:
    """Note that the first of its checks has begun."""
    if run.data["status"] == "queued":
        changed = change(core, run, status="in_progress")
        tell(core, sender_of(run), repo, changed, "in_progress")


def settle(core: "Core", repo: Repo, run: Record) -> None:
    """Complete it once all of its checks are."""
    latest = checks.latest(jobs(core, repo, run))
    if any(one.status != "completed" for one in latest):
        return
    reached = {one.conclusion for one in latest}
    complete(core, repo, run, next((one for one in CONCLUSIONS if one in reached), "success"))


def complete(core: "Core", repo: Repo, run: Record, conclusion: str) -> None:
    """Complete it with this conclusion and tell hooks."""
    changed = change(core, run, status="completed", conclusion=conclusion)
    tell(core, sender_of(run), repo, changed, "completed")


def jobs(core: "Core", repo: Repo, run: Record) -> list[Run]:
    """Its check runs of all attempts, oldest first."""
    own = str(run.id)
    return [
        one
        for one in checks.runs(core, repo)
        if one.app_id == render.ACTIONS_APP_ID and one.external_id == own
    ]


def tell(core: "Core", sender: Caller, repo: Repo, run: Record, action: str) -> None:
    """Send the event `workflow_run`."""
    if core.webhooks.wanted([f"org:{repo.owner_id}", repo.scope], _KIND):
        site = core.public_url
        workflow = {"id": _WORKFLOW_ID, "name": "checks", "path": declared.PATH, "state": "active"}
        core.emit(
            _KIND, action, sender, repo, {_KIND: shape(core, repo, run, site, site), "workflow": workflow}
        )


def kept_sender(sender: Caller) -> dict[str, Any]:
    """What a record keeps of who caused a run."""
    names = ("kind", "login", "user_id", "installation_id")
    return {name: getattr(sender, name) for name in names}


def sender_of(run: Record) -> Caller:
    """Who caused the latest attempt."""
    facts: Mapping[str, Any] = run.data["sender"]
    kind = cast('Literal["anonymous", "user", "installation", "app"]', facts["kind"])
    number = facts["installation_id"]
    return Caller(kind, "checks", facts["login"], facts["user_id"], installation_id=number)


def shape(core: "Core", repo: Repo, run: Record, base: str, site: str) -> dict[str, Any]:
    """GitHub's `workflow-run`."""
    api = f"{base}/repos/{repo.full_name}"
    url = f"{api}/actions/runs/{run.id}"
    shown = {name: value for name, value in run.data.items() if name not in _OWN}
    shown |= {"id": run.id, "node_id": render.node_id("WorkflowRun", run.id), "url": url}
    if not run.data.keys() >= _OWN:  # a record that somebody put there for a test
        return shown
    short = render.repo(repo, base, site, None)
    suite_id = run.data["suite_id"]
    return shown | {
        "check_suite_id": suite_id,
        "check_suite_node_id": render.node_id("CheckSuite", suite_id),
        "html_url": f"{site}/{repo.full_name}/actions/runs/{run.id}",
        "pull_requests": checks.pulls_of(core, repo, run.data["head_sha"], base),
        "actor": _user(run.data["starter"], base, site),
        "triggering_actor": _user(run.data["sender"], base, site),
        "jobs_url": f"{url}/jobs",
        "logs_url": f"{url}/logs",
        "check_suite_url": f"{api}/check-suites/{suite_id}",
        "artifacts_url": f"{url}/artifacts",
        "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun",
        "previous_attempt_url": None,
        "workflow_url": f"{api}/actions/workflows/{_WORKFLOW_ID}",
        "head_commit": gitjson.simple_commit(githistory.commit(core.git(repo), run.data["head_sha"])),
        "repository": short,
        "head_repository": short,
    }


def _user(facts: Mapping[str, Any], base: str, site: str) -> dict[str, Any]:
    kind = "User" if facts["kind"] == "user" else "Bot"
    return render.owner(facts["login"], facts["user_id"], kind, base, site)
