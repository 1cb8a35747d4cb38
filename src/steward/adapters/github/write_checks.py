"""Everything that was said of a commit, read whole: check runs, statuses, suites, workflow runs, what is required.

GitHub's own words are kept as they are, unknown ones too; what they come to is not decided here.

Source of the shapes: GitHub's REST reference, "Check runs", "Check suites", "Commit statuses", "Workflow runs",
"Rules" and "Protected branches".
"""

from __future__ import annotations

from typing import Any, Final, TypeVar
from urllib.parse import quote

import msgspec

from steward.adapters.github.desk import PAGE, PAGES_MAX, moment
from steward.adapters.github.write_wire import Desk
from steward.domain.verdict import PASSING, Check, CommitChecks
from steward.ports.errors import Unreachable

T = TypeVar("T")
SUMMARY_MAX: Final = 2_000
NO_APP: Final = -1
"""In place of the id of an app that is no more; 0 stands for a commit status."""
_ABSENT: Final = frozenset({403, 404})


class _App(msgspec.Struct):
    id: int = NO_APP


class _Output(msgspec.Struct):
    title: str | None = None
    summary: str | None = None


class _SuiteId(msgspec.Struct):
    id: int = 0


class _Run(msgspec.Struct):
    id: int
    name: str
    status: str = ""
    conclusion: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    html_url: str | None = None
    app: _App | None = None
    output: _Output | None = None
    check_suite: _SuiteId | None = None


class _Runs(msgspec.Struct):
    check_runs: list[_Run]


class _Status(msgspec.Struct):
    id: int
    context: str
    state: str = ""
    target_url: str | None = None
    description: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class _Statuses(msgspec.Struct):
    statuses: list[_Status]


class _Suite(msgspec.Struct):
    id: int
    status: str | None = None
    conclusion: str | None = None
    app: _App | None = None


class _Suites(msgspec.Struct):
    check_suites: list[_Suite]


class _Workflow(msgspec.Struct):
    id: int
    status: str | None = None
    conclusion: str | None = None
    workflow_id: int = 0
    check_suite_id: int | None = None
    head_sha: str = ""


class _Workflows(msgspec.Struct):
    workflow_runs: list[_Workflow]


class _Rule(msgspec.Struct):
    type: str = ""
    parameters: dict[str, Any] | None = None


class _Needed(msgspec.Struct):
    contexts: list[str] = []
    checks: list[dict[str, Any]] = []
    enforcement_level: str = ""


class _Protection(msgspec.Struct):
    required_status_checks: _Needed | None = None


class _Branch(msgspec.Struct):
    protected: bool = False
    protection: _Protection | None = None


def checks(desk: Desk, repo_id: int, sha: str) -> CommitChecks:
    """All of it. Raises Permanent where there is no such commit."""
    at = f"/commits/{quote(sha, safe='')}"
    runs: list[_Run] = []
    for found in _pages(desk, repo_id, f"{at}/check-runs", _Runs, {"filter": "all"}):
        runs += found.check_runs
    statuses: list[_Status] = []
    for page in _pages(desk, repo_id, f"{at}/status", _Statuses, {}):
        statuses += page.statuses
    return CommitChecks(
        sha,
        (*map(_of_run, runs), *map(_of_status, statuses)),
        _required(desk, repo_id),
        _suites(desk, repo_id, sha, {run.check_suite.id for run in runs if run.check_suite}),
    )


def _pages(desk: Desk, repo_id: int, tail: str, kind: type[T], params: dict[str, str]) -> list[T]:
    """Every page, until one is not full."""
    found: list[T] = []
    for number in range(1, PAGES_MAX + 1):
        asked = {**params, "per_page": str(PAGE), "page": str(number)}
        page = desk.ask(repo_id, tail, kind, "read the checks of a commit", asked)
        found.append(page)
        if max((len(part) for part in _lists(page)), default=0) < PAGE:
            return found
    raise Unreachable(f"{tail} of repository {repo_id} has more than {PAGES_MAX} pages")


def _lists(page: object) -> list[list[object]]:
    parts = page if isinstance(page, list) else None
    if parts is not None:
        return [parts]
    values = (getattr(page, name) for name in getattr(page, "__struct_fields__", ()))
    return [value for value in values if isinstance(value, list)]


def _of_run(run: _Run) -> Check:
    output = run.output or _Output()
    return Check(
        run.name,
        run.app.id if run.app else NO_APP,
        run.status,
        run.conclusion,
        run.id,
        moment(run.started_at),
        moment(run.completed_at),
        run.html_url or "",
        "\n".join(filter(None, (output.title, output.summary)))[:SUMMARY_MAX],
    )


def _of_status(one: _Status) -> Check:
    """A state other than pending is an end, and the word for it."""
    done = one.state != "pending"
    return Check(
        one.context,
        0,
        "completed" if done else "pending",
        one.state if done else None,
        one.id,
        moment(one.created_at),
        moment(one.updated_at) if done else None,
        one.target_url or "",
        (one.description or "")[:SUMMARY_MAX],
    )


def _suites(
    desk: Desk, repo_id: int, sha: str, with_checks: set[int]
) -> tuple[tuple[int, str, str | None], ...]:
    """Suites and workflow runs that tell more than their checks.

    A suite that is queued and holds nothing is left out: GitHub makes one for every app that may write checks,
    whether it ever will or not. Of the runs of one workflow the latest counts. One under way is told though it has
    checks: a job that waits for another one has none yet. One that ended badly is told as well: a workflow that
    could not start has no checks, and two workflows may give their jobs one name.
    """
    told: list[tuple[int, str, str | None]] = []
    apps: dict[int, int] = {}
    for found in _pages(desk, repo_id, f"/commits/{quote(sha, safe='')}/check-suites", _Suites, {}):
        for suite in found.check_suites:
            apps[suite.id] = suite.app.id if suite.app else NO_APP
            status = suite.status or ""
            empty = suite.id not in with_checks
            if (status == "completed" and empty) or status not in {"completed", "queued"}:
                told.append((apps[suite.id], status, suite.conclusion))
    told += [
        (apps.get(run.check_suite_id or 0, NO_APP), run.status or "", run.conclusion)
        for run in _workflows(desk, repo_id, sha)
        if run.status != "completed" or run.conclusion not in PASSING
    ]
    return tuple(told)


def _workflows(desk: Desk, repo_id: int, sha: str) -> list[_Workflow]:
    """The latest run of each workflow on that commit."""
    latest: dict[int, _Workflow] = {}
    for number in range(1, PAGES_MAX + 1):
        params = {"head_sha": sha, "per_page": str(PAGE), "page": str(number)}
        # A server without Actions answers 404.
        found = desk.find(repo_id, "/actions/runs", _Workflows, "read its workflow runs", params)
        for run in found.workflow_runs if found else []:
            if run.head_sha == sha and run.id > latest.get(run.workflow_id, _Workflow(0)).id:
                latest[run.workflow_id] = run
        if found is None or len(found.workflow_runs) < PAGE:
            return list(latest.values())
    raise Unreachable(f"a commit of repository {repo_id} has more than {PAGES_MAX} pages of workflow runs")


def _required(desk: Desk, repo_id: int) -> tuple[tuple[str, int | None], ...]:
    """What rulesets and the older branch protection require of the default branch."""
    branch = desk.repo(repo_id).default_branch
    if branch is None:
        return ()
    quoted = quote(branch)
    needed: set[tuple[str, int | None]] = set()
    for rule in _rules(desk, repo_id, quoted):
        if rule.type == "required_status_checks":
            listed = (rule.parameters or {}).get("required_status_checks")
            needed |= _named(listed, "integration_id")
    found = desk.find(repo_id, f"/branches/{quoted}", _Branch, "read its default branch")
    if found is not None and found.protected:
        told = found.protection.required_status_checks if found.protection else None
        if told is not None and told.enforcement_level != "off":
            needed |= _of_protection(told)
        tail = f"/branches/{quoted}/protection/required_status_checks"
        what = "read what its default branch requires"
        # Whoever may not administrate the repository is told 403 or 404.
        whole = desk.find(repo_id, tail, _Needed, what, absent=_ABSENT)
        needed |= _of_protection(whole) if whole else set()
    return tuple(sorted(needed, key=lambda one: (one[0], one[1] or 0)))


def _rules(desk: Desk, repo_id: int, branch: str) -> list[_Rule]:
    """The active rules of a branch, those of its organisation too; none where the plan has none."""
    found: list[_Rule] = []
    for number in range(1, PAGES_MAX + 1):
        params = {"per_page": str(PAGE), "page": str(number)}
        what = "read the rules of its default branch"
        page = desk.find(repo_id, f"/rules/branches/{branch}", list[_Rule], what, params, absent=_ABSENT)
        found += page or []
        if page is None or len(page) < PAGE:
            return found
    raise Unreachable(f"repository {repo_id} has more than {PAGES_MAX} pages of rules")


def _of_protection(needed: _Needed) -> set[tuple[str, int | None]]:
    """Contexts stand for any app, where the newer list does not name one for them."""
    bound = _named(needed.checks, "app_id")
    names = {name for name, _ in bound}
    return bound | {(name, None) for name in needed.contexts if name not in names}


def _named(listed: object, key: str) -> set[tuple[str, int | None]]:
    """(context, app) of each entry; an app of -1 or null stands for any."""
    entries = listed if isinstance(listed, list) else []
    named: set[tuple[str, int | None]] = set()
    for one in entries:
        if isinstance(one, dict) and isinstance(one.get("context"), str):
            app = one.get(key)
            named.add((one["context"], app if isinstance(app, int) and app > 0 else None))
    return named
