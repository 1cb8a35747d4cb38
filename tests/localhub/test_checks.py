"""Commit statuses, check runs, check suites and workflow runs over REST."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import jwt
import pytest

from localhub.testing import Hub
from tests.localhub import git_kit
from tests.localhub.git_kit import messages, put_file, start_branch, tip, told

_numbers = count(1)
_NOT_CHECKED = "a key of thirty-two bytes or more, unused"
"""Signs an app's token; without a configured key localhub does not check it."""


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with git_kit.running() as running:
        yield running


@pytest.fixture
def http(hub: Hub) -> Iterator[httpx.Client]:
    with git_kit.client(hub) as opened:
        yield opened


@pytest.fixture
def app(hub: Hub, http: httpx.Client) -> Iterator[httpx.Client]:
    """A client with an installation token of the app."""
    signed = jwt.encode({"iss": "1", "exp": 4_000_000_000}, _NOT_CHECKED, "HS256")
    url = f"{hub.url}/app/installations/{hub.installation_id()}/access_tokens"
    token = httpx.post(url, headers={"Authorization": f"Bearer {signed}"}).json()["token"]
    with httpx.Client(base_url=hub.url, headers={"Authorization": f"Bearer {token}"}) as opened:
        yield opened


@pytest.fixture
def repo(hub: Hub) -> str:
    name = f"checked-{next(_numbers)}"
    hub.create(name, auto_init=True)
    return name


def status(http: httpx.Client, repo: str, sha: str, state: str, context: str | None = None) -> httpx.Response:
    body = {"state": state, "description": "What came of it"}
    return http.post(
        f"/repos/acme/{repo}/statuses/{sha}", json=body | ({"context": context} if context else {})
    )


def start(app: httpx.Client, repo: str, name: str, **more: Any) -> dict[str, Any]:
    body = {"name": name, "head_sha": tip(app, repo), **more}
    answer = app.post(f"/repos/acme/{repo}/check-runs", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_latest_status_of_each_context_makes_one_state(hub: Hub, http: httpx.Client, repo: str) -> None:
    sha = tip(http, repo)
    url = f"/repos/acme/{repo}/commits/main/status"
    assert http.get(url).json()["state"] == "pending"
    made = status(http, repo, sha, "pending", "build")
    assert (made.status_code, made.json()["context"], made.json()["creator"]["login"]) == (
        201,
        "build",
        "player",
    )
    assert http.get(url).json()["state"] == "pending"
    status(http, repo, sha, "success", "build")
    assert http.get(url).json()["state"] == "success"
    status(http, repo, sha, "error")
    found = http.get(url).json()
    assert (found["state"], found["total_count"], found["sha"]) == ("failure", 2, sha)
    assert {one["context"]: one["state"] for one in found["statuses"]} == {
        "default": "error",
        "build": "success",
    }
    listed = http.get(f"/repos/acme/{repo}/commits/{sha}/statuses").json()
    assert [one["state"] for one in listed] == ["error", "success", "pending"]
    event = told(hub, "status")[0]
    assert (event["sha"], event["state"], event["context"]) == (sha, "pending", "build")
    assert event["name"] == f"acme/{repo}"
    assert [one["name"] for one in event["branches"]] == ["main"]


def test_a_status_belongs_to_its_commit_alone(http: httpx.Client, repo: str) -> None:
    before = tip(http, repo)
    status(http, repo, before, "success")
    put_file(http, repo, "a", "x")
    assert http.get(f"/repos/acme/{repo}/commits/main/status").json()["total_count"] == 0
    assert http.get(f"/repos/acme/{repo}/commits/{before}/status").json()["state"] == "success"


def test_a_status_that_cannot_be_set_says_why(http: httpx.Client, repo: str) -> None:
    sha = tip(http, repo)
    assert "must be one of" in messages(status(http, repo, sha, "green"))[0]
    assert status(http, repo, "1" * 40, "success").status_code == 422
    long = http.post(
        f"/repos/acme/{repo}/statuses/{sha}", json={"state": "success", "description": "x" * 141}
    )
    assert "too long" in messages(long)[0]


def test_a_check_run_goes_from_queued_to_completed(hub: Hub, app: httpx.Client, repo: str) -> None:
    run = start(app, repo, "tests")
    assert (run["status"], run["conclusion"], run["app"]["id"]) == ("queued", None, 1)
    url = f"/repos/acme/{repo}/check-runs/{run['id']}"
    assert app.patch(url, json={"status": "in_progress"}).json()["status"] == "in_progress"
    suite_url = f"/repos/acme/{repo}/check-suites/{run['check_suite']['id']}"
    assert app.get(suite_url).json()["status"] == "in_progress"
    note = {"path": "a", "start_line": 1, "end_line": 1, "annotation_level": "warning", "message": "m"}
    output = {"title": "All well", "summary": "12 passed", "annotations": [note]}
    done = app.patch(url, json={"conclusion": "success", "output": output}).json()
    assert (done["status"], done["conclusion"]) == ("completed", "success")
    assert done["completed_at"] is not None
    assert (done["output"]["title"], done["output"]["annotations_count"]) == ("All well", 1)
    assert app.get(f"{url}/annotations").json() == [note]
    suite = app.get(suite_url).json()
    assert (suite["status"], suite["conclusion"], suite["head_branch"]) == ("completed", "success", "main")
    assert [one["action"] for one in told(hub, "check_run")] == ["created", "completed"]
    assert told(hub, "check_run")[1]["check_run"]["conclusion"] == "success"
    assert told(hub, "check_run")[1]["sender"]["type"] == "Bot"
    assert [one["action"] for one in told(hub, "check_suite")] == ["completed"]


def test_a_suite_concludes_as_the_gravest_of_its_latest_runs(app: httpx.Client, repo: str) -> None:
    first = start(app, repo, "lint", conclusion="failure")
    start(app, repo, "tests", conclusion="success")
    suites_url = f"/repos/acme/{repo}/commits/main/check-suites"
    assert [one["conclusion"] for one in app.get(suites_url).json()["check_suites"]] == ["failure"]
    again = start(app, repo, "lint", conclusion="skipped")
    assert again["check_suite"] == first["check_suite"]
    found = app.get(suites_url).json()
    assert (found["total_count"], found["check_suites"][0]["conclusion"]) == (1, "success")
    assert found["check_suites"][0]["latest_check_runs_count"] == 2
    assert app.get(suites_url, params={"app_id": "7"}).json()["total_count"] == 0


def test_runs_of_a_commit_are_the_latest_of_each_name(app: httpx.Client, repo: str) -> None:
    first = start(app, repo, "tests", conclusion="failure")
    second = start(app, repo, "tests")
    other = start(app, repo, "lint", conclusion="success")

    def ids(**query: str) -> list[int]:
        found = app.get(f"/repos/acme/{repo}/commits/main/check-runs", params=query).json()
        assert found["total_count"] == len(found["check_runs"])
        return [one["id"] for one in found["check_runs"]]

    assert ids() == [second["id"], other["id"]]
    assert ids(filter="all") == [first["id"], second["id"], other["id"]]
    assert ids(check_name="lint") == [other["id"]]
    assert ids(status="completed") == [other["id"]]
    of_suite = app.get(f"/repos/acme/{repo}/check-suites/{first['check_suite']['id']}/check-runs").json()
    assert of_suite["total_count"] == 2


def test_only_an_app_reports_checks(http: httpx.Client, app: httpx.Client, repo: str) -> None:
    body = {"name": "tests", "head_sha": tip(http, repo)}
    refused = http.post(f"/repos/acme/{repo}/check-runs", json=body)
    assert (refused.status_code, "GitHub App" in refused.json()["message"]) == (403, True)
    run = start(app, repo, "tests")
    assert http.get(f"/repos/acme/{repo}/check-runs/{run['id']}").json()["name"] == "tests"
    assert http.patch(f"/repos/acme/{repo}/check-runs/{run['id']}", json={}).status_code == 403


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"status": "green"}, "status must be one of"),
        ({"conclusion": "fine"}, "conclusion must be one of"),
        ({"status": "completed"}, "conclusion is missing"),
        ({"output": {"title": "t"}}, "title and a summary"),
    ],
)
def test_a_check_run_that_makes_no_sense_says_why(
    app: httpx.Client, repo: str, body: dict[str, Any], words: str
) -> None:
    whole = {"name": "tests", "head_sha": tip(app, repo), **body}
    answer = app.post(f"/repos/acme/{repo}/check-runs", json=whole)
    assert (answer.status_code, words in messages(answer)[0]) == (422, True)
    unknown = app.post(f"/repos/acme/{repo}/check-runs", json={"name": "tests", "head_sha": "1" * 40})
    assert unknown.status_code == 422


def test_a_suite_is_made_once_and_asked_for_again(hub: Hub, app: httpx.Client, repo: str) -> None:
    url = f"/repos/acme/{repo}/check-suites"
    made = app.post(url, json={"head_sha": tip(app, repo)})
    assert (made.status_code, made.json()["status"]) == (201, "queued")
    again = app.post(url, json={"head_sha": tip(app, repo)})
    assert (again.status_code, again.json()["id"]) == (200, made.json()["id"])
    assert app.post(f"{url}/{made.json()['id']}/rerequest").status_code == 201
    assert [one["action"] for one in told(hub, "check_suite")] == ["rerequested"]
    run = start(app, repo, "tests")
    assert app.post(f"/repos/acme/{repo}/check-runs/{run['id']}/rerequest").status_code == 201
    assert [one["action"] for one in told(hub, "check_run")] == ["created", "rerequested"]
    assert app.get(f"{url}/999").status_code == 404


def test_a_check_names_the_pull_request_of_its_commit(
    http: httpx.Client, app: httpx.Client, repo: str
) -> None:
    start_branch(http, repo, "dev")
    sha = put_file(http, repo, "a", "x", branch="dev")
    http.post(f"/repos/acme/{repo}/pulls", json={"title": "t", "head": "dev", "base": "main"})
    run = start(app, repo, "tests", head_sha=sha)
    assert [(one["number"], one["head"]["sha"]) for one in run["pull_requests"]] == [(1, sha)]


def test_workflow_runs_are_listed_latest_first(hub: Hub, http: httpx.Client, repo: str) -> None:
    url = f"/repos/acme/{repo}/actions/runs"
    assert http.get(url).json() == {"total_count": 0, "workflow_runs": []}
    scope = hub.repo(repo).scope
    kept: list[dict[str, Any]] = [
        {
            "head_sha": "a" * 40,
            "head_branch": "main",
            "event": "push",
            "status": "completed",
            "conclusion": "failure",
        },
        {"head_sha": "b" * 40, "head_branch": "dev", "event": "push", "status": "queued", "conclusion": None},
    ]
    ids = [hub.core.store.add("workflow_run", scope, None, one).id for one in kept]

    def found(**query: str) -> list[int]:
        return [one["id"] for one in http.get(url, params=query).json()["workflow_runs"]]

    assert found() == ids[::-1]
    assert found(branch="main") == found(status="failure") == found(head_sha="a" * 40) == ids[:1]
    assert http.get(f"{url}/{ids[1]}").json()["status"] == "queued"
    assert http.get(f"{url}/{max(ids) + 1}").status_code == 404
