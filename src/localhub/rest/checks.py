"""Commit statuses, check runs and check suites over REST.

As on GitHub, anybody who may write sets statuses, and only an App reports checks.

Source of the rules: GitHub's REST reference, "Commit statuses", "Check runs", "Check suites".
"""

from typing import Any

from localhub import checks, githistory, gitjson, workflows
from localhub.checks import CONCLUSIONS, RUN_STATUSES, STATES, Run, Suite
from localhub.registry import Repo
from localhub.render import ACTIONS_APP_ID
from localhub.rest.git import commit_of, place
from localhub.rest.shapes import repo as repo_shape
from localhub.rest.workflows import again
from localhub.wire import Answer, Call, Problem, Route, invalid, not_found

_MAX_DESCRIPTION_CHARACTERS = 140
_RUN_TEXTS = ("name", "details_url", "external_id", "started_at", "completed_at")


def create_status(call: Call) -> Answer:
    """`POST .../statuses/{sha}`: `state`, `context` (default `default`), `description`, `target_url`."""
    repo = call.repo(write="statuses")
    git = call.core.git(repo)
    sha = commit_of(git, call.params["sha"])
    state = call.text("state", resource="Status")
    if state not in STATES:
        raise invalid("Status", "state", f"state must be one of {', '.join(STATES)}", "invalid")
    description = _optional(call, "description")
    if description is not None and len(description) > _MAX_DESCRIPTION_CHARACTERS:
        words = f"description is too long (maximum is {_MAX_DESCRIPTION_CHARACTERS} characters)"
        raise invalid("Status", "description", words)
    wanted = {
        "sha": sha,
        "state": state,
        "context": call.text("context", resource="Status", default="default"),
        "description": description,
        "target_url": _optional(call, "target_url"),
    }
    made = checks.add_status(call.core, call.caller, repo, wanted)
    where = place(call, repo)
    told: dict[str, Any] = {"id": made.id, "name": repo.full_name, **wanted, "created_at": made.created_at}
    told |= {
        "updated_at": made.created_at,
        "commit": gitjson.commit(where, githistory.commit(git, sha)),
        "branches": [
            {"name": name, "commit": {"sha": sha, "url": f"{where.api}/commits/{sha}"}, "protected": False}
            for name, tip in git.heads().items()
            if tip == sha
        ],
    }
    call.core.emit("status", None, call.caller, repo, told)
    return Answer(201, checks.status_shape(repo, made, call.base, call.site))


def statuses(call: Call) -> Answer:
    """`GET .../commits/{ref}/statuses`, latest first."""
    repo = call.repo()
    sha = commit_of(call.core.git(repo), call.params["ref"])
    found = checks.statuses(call.core, repo, sha)
    return call.paged([checks.status_shape(repo, one, call.base, call.site) for one in found])


def combined_status(call: Call) -> Answer:
    """`GET .../commits/{ref}/status`: one state for the commit, and the latest status of each context."""
    repo = call.repo()
    sha = commit_of(call.core.git(repo), call.params["ref"])
    state, latest = checks.combined(checks.statuses(call.core, repo, sha))
    where, page = place(call, repo), call.page()
    body = {
        "state": state,
        "statuses": [
            checks.status_shape(repo, one, call.base, call.site)
            for one in latest[page.skip : page.skip + page.size]
        ],
        "sha": sha,
        "total_count": len(latest),
        "repository": repo_shape(call, repo),
        "commit_url": f"{where.api}/commits/{sha}",
        "url": f"{where.api}/commits/{sha}/status",
    }
    return Answer(body=body, headers=call.links(page, len(latest)))


def create_run(call: Call) -> Answer:
    """`POST .../check-runs`: `name`, `head_sha`, `status`, `conclusion`, `output`, ..."""
    repo = _app_repo(call)
    fields = _run_fields(call)
    name, asked = call.text("name", resource="CheckRun"), call.text("head_sha", resource="CheckRun")
    sha = commit_of(call.core.git(repo), asked)
    wanted = {"status": "queued", "started_at": call.core.now()} | fields | {"name": name, "head_sha": sha}
    run = checks.add_run(call.core, call.caller, repo, call.caller.user_id, wanted)
    return Answer(201, checks.run_shape(call.core, repo, run, call.base, call.site))


def change_run(call: Call) -> Answer:
    """`PATCH .../check-runs/{run_id}`, by the app that made it."""
    repo = _app_repo(call)
    run = _run(call, repo)
    if run.app_id != call.caller.user_id:
        raise Problem(403, "Invalid app_id: the check run was made by another app")
    changed = checks.change_run(call.core, call.caller, repo, run, _run_fields(call))
    return Answer(body=checks.run_shape(call.core, repo, changed, call.base, call.site))


def _run_fields(call: Call) -> dict[str, Any]:
    """The fields of a check run that the body sets. A conclusion completes it; completing needs one."""
    asked = call.json()
    fields: dict[str, Any] = {name: asked[name] for name in _RUN_TEXTS if isinstance(asked.get(name), str)}
    status, conclusion = asked.get("status"), asked.get("conclusion")
    if status not in {None, *RUN_STATUSES}:
        raise invalid("CheckRun", "status", f"status must be one of {', '.join(RUN_STATUSES)}", "invalid")
    if conclusion not in {None, *CONCLUSIONS}:
        raise invalid(
            "CheckRun", "conclusion", f"conclusion must be one of {', '.join(CONCLUSIONS)}", "invalid"
        )
    if status == "completed" and conclusion is None:
        raise invalid(
            "CheckRun", "conclusion", "conclusion is missing: the status is completed", "missing_field"
        )
    if conclusion is not None:
        fields |= {"status": "completed", "conclusion": conclusion}
        fields.setdefault("completed_at", call.core.now())
    elif status is not None:
        fields |= {"status": status, "conclusion": None, "completed_at": None}
    output = asked.get("output")
    if output is not None:
        if not isinstance(output, dict) or not all(
            isinstance(output.get(n), str) for n in ("title", "summary")
        ):
            raise invalid("CheckRun", "output", "output needs a title and a summary", "invalid")
        fields["output"] = output
    return fields


def run(call: Call) -> Answer:
    """`GET .../check-runs/{run_id}`."""
    repo = call.repo()
    return Answer(body=checks.run_shape(call.core, repo, _run(call, repo), call.base, call.site))


def annotations(call: Call) -> Answer:
    """`GET .../check-runs/{run_id}/annotations`."""
    return call.paged(_run(call, call.repo()).output.get("annotations") or [])


def rerequest_run(call: Call) -> Answer:
    """`POST .../check-runs/{run_id}/rerequest`: asks the app, by an event, to run it again.

    A check that localhub runs is run again as a new check run; 403 while it is not completed.
    """
    repo = call.repo(write="checks")
    wanted = _run(call, repo)
    if wanted.app_id == ACTIONS_APP_ID:
        again(call, repo, int(wanted.external_id), [wanted.name])
    else:
        checks.tell_run(call.core, call.caller, repo, wanted, "rerequested")
    return Answer(201, {})


def runs_of_commit(call: Call) -> Answer:
    """`GET .../commits/{ref}/check-runs`; see _runs."""
    repo = call.repo()
    sha = commit_of(call.core.git(repo), call.params["ref"])
    return _runs(call, repo, [one for one in checks.runs(call.core, repo) if one.head_sha == sha])


def runs_of_suite(call: Call) -> Answer:
    """`GET .../check-suites/{suite_id}/check-runs`; see _runs."""
    repo = call.repo()
    suite = _suite(call, repo)
    return _runs(call, repo, [one for one in checks.runs(call.core, repo) if one.suite_id == suite.id])


def _runs(call: Call, repo: Repo, found: list[Run]) -> Answer:
    """Those of `check_name`, `status` and `app_id`; of each name the latest, unless `filter` is `all`."""
    kept = found if call.query.get("filter") == "all" else checks.latest(found)
    wanted = {name: call.query[name] for name in ("status", "app_id") if name in call.query}
    if "check_name" in call.query:
        wanted["name"] = call.query["check_name"]
    kept = [one for one in kept if all(str(getattr(one, name)) == value for name, value in wanted.items())]
    shown = [checks.run_shape(call.core, repo, one, call.base, call.site) for one in kept]
    return counted(call, "check_runs", shown)


def create_suite(call: Call) -> Answer:
    """`POST .../check-suites` for `head_sha`: 201, or 200 when the app has one there already."""
    repo = _app_repo(call)
    sha = commit_of(call.core.git(repo), call.text("head_sha", resource="CheckSuite"))
    suite, new = checks.add_suite(call.core, repo, call.caller.user_id, sha)
    shown = checks.suite_shape(call.core, repo, suite, call.base, call.site)
    return Answer(201 if new else 200, shown)


def suite(call: Call) -> Answer:
    """`GET .../check-suites/{suite_id}`."""
    repo = call.repo()
    return Answer(body=checks.suite_shape(call.core, repo, _suite(call, repo), call.base, call.site))


def rerequest_suite(call: Call) -> Answer:
    """`POST .../check-suites/{suite_id}/rerequest`: asks the app, by an event, to check again; see rerequest_run."""
    repo = call.repo(write="checks")
    wanted = _suite(call, repo)
    if wanted.app_id != ACTIONS_APP_ID:
        checks.tell_suite(call.core, call.caller, repo, wanted, "rerequested")
        return Answer(201, {})
    for one in workflows.all_of(call.core, repo):
        if one.data.get("suite_id") == wanted.id:
            again(call, repo, one.id)
    return Answer(201, {})


def suites_of_commit(call: Call) -> Answer:
    """`GET .../commits/{ref}/check-suites`, of one `app_id` where given."""
    repo = call.repo()
    sha = commit_of(call.core.git(repo), call.params["ref"])
    app_id = call.query.get("app_id")
    found = [one for one in checks.suites(call.core, repo, sha) if app_id in {None, str(one.app_id)}]
    shown = [checks.suite_shape(call.core, repo, one, call.base, call.site) for one in found]
    return counted(call, "check_suites", shown)


def counted(call: Call, name: str, shown: list[dict[str, Any]]) -> Answer:
    """One page of a list in an object that tells how many there are."""
    page = call.page()
    part = shown[page.skip : page.skip + page.size]
    return Answer(body={"total_count": len(shown), name: part}, headers=call.links(page, len(shown)))


def _app_repo(call: Call) -> Repo:
    repo = call.repo(write="checks")
    if call.caller.kind != "installation":
        raise Problem(403, "You must authenticate via a GitHub App.")
    return repo


def _run(call: Call, repo: Repo) -> Run:
    found = checks.find_run(call.core, repo, call.number("run_id"))
    if found is None:
        raise not_found()
    return found


def _suite(call: Call, repo: Repo) -> Suite:
    found = checks.find_suite(call.core, repo, call.number("suite_id"))
    if found is None:
        raise not_found()
    return found


def _optional(call: Call, name: str) -> str | None:
    return call.text(name, resource="Status") if call.json().get(name) is not None else None


_REPO = "/repos/{owner}/{repo}"
ROUTES = [
    Route("POST", f"{_REPO}/statuses/{{sha}}", create_status),
    Route("GET", f"{_REPO}/commits/{{ref:path}}/statuses", statuses),
    Route("GET", f"{_REPO}/commits/{{ref:path}}/status", combined_status),
    Route("POST", f"{_REPO}/check-runs", create_run),
    Route("GET", f"{_REPO}/check-runs/{{run_id}}", run),
    Route("PATCH", f"{_REPO}/check-runs/{{run_id}}", change_run),
    Route("GET", f"{_REPO}/check-runs/{{run_id}}/annotations", annotations),
    Route("POST", f"{_REPO}/check-runs/{{run_id}}/rerequest", rerequest_run),
    Route("GET", f"{_REPO}/commits/{{ref:path}}/check-runs", runs_of_commit),
    Route("GET", f"{_REPO}/commits/{{ref:path}}/check-suites", suites_of_commit),
    Route("POST", f"{_REPO}/check-suites", create_suite),
    Route("GET", f"{_REPO}/check-suites/{{suite_id}}", suite),
    Route("POST", f"{_REPO}/check-suites/{{suite_id}}/rerequest", rerequest_suite),
    Route("GET", f"{_REPO}/check-suites/{{suite_id}}/check-runs", runs_of_suite),
]
