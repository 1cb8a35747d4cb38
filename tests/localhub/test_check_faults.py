"""Every fault of the checks that localhub runs, shown to do what it says."""

from collections.abc import Iterator
from itertools import count

import httpx
import pytest

from localhub.testing import Hub
from tests.localhub import git_kit
from tests.localhub.check_kit import (
    PASSES,
    check,
    check_runs,
    completed,
    conclusions,
    eventually,
    shell,
    workflow_runs,
)
from tests.localhub.git_kit import put_file, told

_numbers = count(1)
_PATH = ".localhub/checks.toml"
_GOOD = check("unit", *PASSES)


@pytest.fixture(scope="module")
def running() -> Iterator[Hub]:
    with git_kit.running() as hub:
        yield hub


@pytest.fixture
def hub(running: Hub) -> Hub:
    running.clear_faults()
    return running


@pytest.fixture
def http(hub: Hub) -> Iterator[httpx.Client]:
    with git_kit.client(hub) as opened:
        yield opened


@pytest.fixture
def repo(hub: Hub) -> str:
    name = f"faulty-{next(_numbers)}"
    hub.create(name, auto_init=True)
    return name


def test_failing_checks_fail_without_being_run(hub: Hub, http: httpx.Client, repo: str) -> None:
    fault = hub.fault("checks_failing", repo=repo)
    sha = put_file(http, repo, _PATH, _GOOD)
    assert completed(http, repo, sha)["conclusion"] == "failure"
    assert check_runs(http, repo, sha)["unit"]["output"]["text"] is None
    hub.create(f"{repo}-other", auto_init=True)
    other = put_file(http, f"{repo}-other", _PATH, _GOOD)
    assert completed(http, f"{repo}-other", other)["conclusion"] == "success"
    hub.clear_faults(fault)
    (run,) = workflow_runs(http, repo)
    assert http.post(f"/repos/acme/{repo}/actions/runs/{run['id']}/rerun").status_code == 201
    assert completed(http, repo, sha, attempt=2)["conclusion"] == "success"


def test_slow_checks_hold_up_no_other(hub: Hub, http: httpx.Client, repo: str) -> None:
    hub.fault("checks_slow", repo=f"acme/{repo}", delay_s=0.5)
    slow = "".join(shell(f"unit{number}", "exit 0") for number in range(4))
    sha = put_file(http, repo, _PATH, slow)
    eventually(lambda: {one["status"] for one in check_runs(http, repo, sha).values()} == {"in_progress"})
    hub.create(f"{repo}-other", auto_init=True)
    other = put_file(http, f"{repo}-other", _PATH, _GOOD)
    assert completed(http, f"{repo}-other", other)["conclusion"] == "success"
    assert completed(http, repo, sha)["conclusion"] == "success"


def test_flaky_checks_fail_for_the_first_attempts(hub: Hub, http: httpx.Client, repo: str) -> None:
    hub.fault("checks_flaky", repo=hub.repo(repo).id, attempts=2)
    sha = put_file(http, repo, _PATH, _GOOD)
    run = completed(http, repo, sha)
    found = [run["conclusion"]]
    for attempt in (2, 3):
        http.post(f"/repos/acme/{repo}/check-suites/{run['check_suite_id']}/rerequest")
        found.append(completed(http, repo, sha, attempt=attempt)["conclusion"])
    assert found == ["failure", "failure", "success"]


def test_absent_checks_are_never_reported(hub: Hub, http: httpx.Client, repo: str) -> None:
    hub.fault("checks_absent")
    sha = put_file(http, repo, _PATH, _GOOD)
    assert workflow_runs(http, repo) == []
    assert http.get(f"/repos/acme/{repo}/commits/{sha}/check-suites").json()["total_count"] == 0
    assert told(hub, "workflow_run") == told(hub, "check_run") == []
    hub.clear_faults()
    assert workflow_runs(http, repo) == []


def test_stuck_checks_stay_in_progress_and_hold_up_no_other(hub: Hub, http: httpx.Client, repo: str) -> None:
    fault = hub.fault("checks_stuck", repo=repo)
    stuck = "".join(check(f"unit{number}", *PASSES) for number in range(3))
    sha = put_file(http, repo, _PATH, stuck)
    eventually(lambda: {one["status"] for one in check_runs(http, repo, sha).values()} == {"in_progress"})
    hub.clear_faults(fault)
    other = put_file(http, repo, "a", "x")
    assert completed(http, repo, other)["conclusion"] == "success"
    (run,) = workflow_runs(http, repo, head_sha=sha)
    assert run["status"] == "in_progress"
    url = f"/repos/acme/{repo}/actions/runs/{run['id']}"
    assert http.post(f"{url}/cancel").status_code == 202
    assert set(conclusions(http, repo, sha).values()) == {"cancelled"}
    assert http.post(f"{url}/rerun").status_code == 201
    assert completed(http, repo, sha, attempt=2)["conclusion"] == "success"


def test_infrastructure_ends_a_run_before_any_check(hub: Hub, http: httpx.Client, repo: str) -> None:
    hub.fault("checks_infrastructure", repo=repo)
    sha = put_file(http, repo, _PATH, _GOOD)
    run = completed(http, repo, sha)
    assert run["conclusion"] == "startup_failure"
    assert check_runs(http, repo, sha) == {}
    (suite,) = http.get(f"/repos/acme/{repo}/commits/{sha}/check-suites").json()["check_suites"]
    assert (suite["status"], suite["conclusion"]) == ("completed", "startup_failure")
    assert [one["action"] for one in told(hub, "workflow_run")] == ["requested", "completed"]
    assert [one["action"] for one in told(hub, "check_suite")] == ["completed"]
    hub.clear_faults()
    http.post(f"/repos/acme/{repo}/check-suites/{run['check_suite_id']}/rerequest")
    assert completed(http, repo, sha, attempt=2)["conclusion"] == "success"
    (suite,) = http.get(f"/repos/acme/{repo}/commits/{sha}/check-suites").json()["check_suites"]
    assert suite["conclusion"] == "success"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "checks_failing", "repo": "nowhere"}, "no repository nowhere"),
        ({"kind": "checks_slow"}, "delay_s"),
        ({"kind": "checks_slow", "delay_s": -1}, "delay_s must be"),
        ({"kind": "checks_flaky", "attempts": "x"}, "attempts"),
    ],
)
def test_a_fault_of_checks_that_cannot_be_is_refused(
    http: httpx.Client, fault: dict[str, object], words: str
) -> None:
    answer = http.post("/_localhub/faults", json=fault)
    assert (answer.status_code, words in answer.json()["message"]) == (422, True)


def test_faults_of_checks_are_set_and_listed_over_http(hub: Hub, http: httpx.Client, repo: str) -> None:
    made = http.post("/_localhub/faults", json={"kind": "checks_failing", "repo": repo})
    assert made.status_code == 201
    sha = put_file(http, repo, _PATH, _GOOD)
    completed(http, repo, sha)
    found = http.get("/_localhub/faults").json()
    assert [(one["kind"], one["used"]) for one in found["faults"]] == [("checks_failing", 1)]
    assert {"checks_slow", "checks_flaky", "checks_absent", "checks_stuck", "checks_infrastructure"} <= found[
        "kinds"
    ].keys()
