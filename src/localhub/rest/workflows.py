"""Workflow runs over REST: listed, run again, cancelled. They are of the checks that localhub runs itself.

Source of the rules: GitHub's REST reference, "Workflow runs".
"""

from collections.abc import Iterable
from typing import Any

from localhub import workflows
from localhub.actions import StillRunning
from localhub.checks import latest
from localhub.registry import Repo
from localhub.store import Record
from localhub.wire import Answer, Call, Problem, Route, not_found


def index(call: Call) -> Answer:
    """`GET .../actions/runs`, latest first.

    Of one `head_sha`, `branch`, `event`, `check_suite_id` or `status` where given.
    """
    repo = call.repo()
    wanted = {name: call.query[name] for name in ("head_sha", "event") if name in call.query}
    if "branch" in call.query:
        wanted["head_branch"] = call.query["branch"]
    if "check_suite_id" in call.query:
        wanted["suite_id"] = call.query["check_suite_id"]
    state = call.query.get("status")  # of either kind: `completed` as well as `failure`
    kept = [
        one
        for one in reversed(workflows.all_of(call.core, repo))
        if all(str(one.data.get(name)) == value for name, value in wanted.items())
        and state in {None, one.data.get("status"), one.data.get("conclusion")}
    ]
    page = call.page()
    part = [_shape(call, repo, one) for one in kept[page.skip : page.skip + page.size]]
    return Answer(body={"total_count": len(kept), "workflow_runs": part}, headers=call.links(page, len(kept)))


def show(call: Call) -> Answer:
    """`GET .../actions/runs/{run_id}`."""
    repo = call.repo()
    return Answer(body=_shape(call, repo, _run(call, repo)))


def rerun(call: Call) -> Answer:
    """`POST .../actions/runs/{run_id}/rerun`: the next attempt; 403 while the last one is not completed."""
    again(call, call.repo(write="actions"), call.number("run_id"))
    return Answer(201, {})


def rerun_failed(call: Call) -> Answer:
    """`POST .../actions/runs/{run_id}/rerun-failed-jobs`: the next attempt at what did not succeed."""
    repo = call.repo(write="actions")
    last = latest(workflows.jobs(call.core, repo, _run(call, repo)))
    again(call, repo, call.number("run_id"), [one.name for one in last if one.conclusion != "success"])
    return Answer(201, {})


def cancel(call: Call) -> Answer:
    """`POST .../actions/runs/{run_id}/cancel`: 409 when it is completed."""
    repo = call.repo(write="actions")
    run = _run(call, repo)
    if run.data["status"] == "completed":
        raise Problem(409, "Cannot cancel a workflow run that is completed.")
    call.core.actions.cancel(repo, run)
    return Answer(202, {})


def again(call: Call, repo: Repo, number: int, names: Iterable[str] | None = None) -> None:
    """Begin the next attempt at a workflow run. Raises Problem: 404, or 403 while it is under way."""
    run = workflows.find(call.core, repo, number)
    if run is None:
        raise not_found()
    try:
        call.core.actions.rerun(call.caller, repo, run, names)
    except StillRunning as error:
        raise Problem(403, str(error)) from error


def _run(call: Call, repo: Repo) -> Record:
    found = workflows.find(call.core, repo, call.number("run_id"))
    if found is None:
        raise not_found()
    return found


def _shape(call: Call, repo: Repo, run: Record) -> dict[str, Any]:
    return workflows.shape(call.core, repo, run, call.base, call.site)


_RUNS = "/repos/{owner}/{repo}/actions/runs"
ROUTES = [
    Route("GET", _RUNS, index),
    Route("GET", f"{_RUNS}/{{run_id}}", show),
    Route("POST", f"{_RUNS}/{{run_id}}/rerun", rerun),
    Route("POST", f"{_RUNS}/{{run_id}}/rerun-failed-jobs", rerun_failed),
    Route("POST", f"{_RUNS}/{{run_id}}/cancel", cancel),
]
