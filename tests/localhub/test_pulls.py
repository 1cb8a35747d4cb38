"""Pull requests: opened, followed, merged in three ways, closed; and what is told of them."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import pytest

from localhub.testing import Hub
from tests.localhub import git_kit
from tests.localhub.git_kit import messages, put_file, start_branch, tip, told

_numbers = count(1)


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with git_kit.running() as running:
        yield running


@pytest.fixture
def http(hub: Hub) -> Iterator[httpx.Client]:
    with git_kit.client(hub) as opened:
        yield opened


@pytest.fixture
def repo(hub: Hub, http: httpx.Client) -> str:
    """A repository with a branch `dev` that is one commit ahead of `main`."""
    name = f"pulled-{next(_numbers)}"
    hub.create(name, auto_init=True)
    start_branch(http, name, "dev")
    put_file(http, name, "dev.txt", "one\ntwo\n", branch="dev")
    return name


def opened(http: httpx.Client, repo: str, **more: Any) -> dict[str, Any]:
    body = {"title": "Add dev", "head": "dev", "base": "main", **more}
    answer = http.post(f"/repos/acme/{repo}/pulls", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def merged(http: httpx.Client, repo: str, number: int, **body: Any) -> httpx.Response:
    return http.put(f"/repos/acme/{repo}/pulls/{number}/merge", json=body)


def test_it_is_opened_with_what_it_changes(hub: Hub, http: httpx.Client, repo: str) -> None:
    pull = opened(http, repo, body="Because.")
    assert (pull["number"], pull["state"], pull["title"], pull["body"]) == (1, "open", "Add dev", "Because.")
    assert (pull["head"]["ref"], pull["head"]["sha"]) == ("dev", tip(http, repo, "dev"))
    assert (pull["base"]["ref"], pull["base"]["sha"]) == ("main", tip(http, repo))
    assert pull["head"]["label"] == "acme:dev"
    assert (pull["commits"], pull["additions"], pull["deletions"], pull["changed_files"]) == (1, 2, 0, 1)
    assert (pull["merged"], pull["mergeable"], pull["mergeable_state"]) == (False, True, "clean")
    assert (pull["user"]["login"], pull["user"]["type"]) == ("player", "User")
    url = f"/repos/acme/{repo}/pulls/1"
    assert http.get(url).json() == pull
    assert [one["filename"] for one in http.get(f"{url}/files").json()] == ["dev.txt"]
    assert [one["sha"] for one in http.get(f"{url}/commits").json()] == [pull["head"]["sha"]]
    (event,) = told(hub, "pull_request")
    assert (event["action"], event["number"], event["pull_request"]["id"]) == ("opened", 1, pull["id"])
    ref = http.get(f"/repos/acme/{repo}/git/ref/pull/1/head").json()
    assert ref["object"]["sha"] == pull["head"]["sha"]


def test_lists_filter_by_state_and_branch(http: httpx.Client, repo: str) -> None:
    base = f"/repos/acme/{repo}"
    opened(http, repo)
    start_branch(http, repo, "more", tip(http, repo, "dev"))
    opened(http, repo, head="more", title="More")
    http.patch(f"{base}/pulls/1", json={"state": "closed"})

    def numbers(**query: str) -> list[int]:
        return [one["number"] for one in http.get(f"{base}/pulls", params=query).json()]

    assert numbers() == [2]
    assert numbers(state="closed") == [1]
    assert numbers(state="all") == [2, 1]
    assert numbers(state="all", direction="asc") == [1, 2]
    assert numbers(state="all", head="acme:dev") == [1]
    assert numbers(state="all", base="dev") == []
    of_commit = http.get(f"{base}/commits/dev/pulls").json()
    assert [one["number"] for one in of_commit] == [1, 2]


def test_what_cannot_be_opened_says_why(http: httpx.Client, repo: str) -> None:
    url = f"/repos/acme/{repo}/pulls"
    start_branch(http, repo, "same")
    bodies: list[dict[str, Any]] = [
        {"title": "t", "head": "nowhere", "base": "main"},
        {"title": "t", "head": "dev", "base": "nowhere"},
        {"title": "t", "head": "same", "base": "main"},
        {"head": "dev", "base": "main"},
    ]
    answers = [http.post(url, json=body) for body in bodies]
    assert [one.status_code for one in answers] == [422] * 4
    assert [one.json()["errors"][0].get("field") for one in answers] == ["head", "base", None, "title"]
    assert messages(answers[2]) == ["No commits between main and same"]
    opened(http, repo)
    again = http.post(url, json={"title": "t", "head": "dev", "base": "main"})
    assert messages(again) == ["A pull request already exists for acme:dev."]
    assert http.get(f"{url}/99").status_code == 404


def test_it_follows_its_branch(hub: Hub, http: httpx.Client, repo: str) -> None:
    before = opened(http, repo)["head"]["sha"]
    after = put_file(http, repo, "more.txt", "x\n", branch="dev")
    pull = http.get(f"/repos/acme/{repo}/pulls/1").json()
    assert (pull["head"]["sha"], pull["commits"], pull["changed_files"]) == (after, 2, 2)
    event = told(hub, "pull_request")[-1]
    assert (event["action"], event["before"], event["after"]) == ("synchronize", before, after)
    assert http.get(f"/repos/acme/{repo}/git/ref/pull/1/head").json()["object"]["sha"] == after


@pytest.mark.parametrize(("method", "parents"), [("merge", 2), ("squash", 1), ("rebase", 1)])
def test_it_is_merged(hub: Hub, http: httpx.Client, repo: str, method: str, parents: int) -> None:
    put_file(http, repo, "main.txt", "m\n")
    pull = opened(http, repo)
    url = f"/repos/acme/{repo}/pulls/1"
    assert http.get(f"{url}/merge").status_code == 404
    answer = merged(http, repo, 1, merge_method=method, sha=pull["head"]["sha"])
    assert (answer.status_code, answer.json()["merged"]) == (200, True)
    sha = answer.json()["sha"]
    assert tip(http, repo) == sha
    assert len(http.get(f"/repos/acme/{repo}/commits/{sha}").json()["parents"]) == parents
    names = {one["name"] for one in http.get(f"/repos/acme/{repo}/contents").json()}
    assert names == {"README.md", "dev.txt", "main.txt"}
    now = http.get(url).json()
    assert (now["state"], now["merged"], now["merge_commit_sha"]) == ("closed", True, sha)
    assert now["merged_by"]["login"] == "player"
    assert now["changed_files"] == 1
    assert http.get(f"{url}/merge").status_code == 204
    closed = [one for one in told(hub, "pull_request") if one["action"] == "closed"]
    assert [one["pull_request"]["merged"] for one in closed] == [True]
    assert told(hub, "push")[-1]["after"] == sha
    assert merged(http, repo, 1).status_code == 405


def test_messages_of_merges(http: httpx.Client, repo: str) -> None:
    opened(http, repo)
    answer = merged(http, repo, 1, merge_method="squash", commit_title="One thing", commit_message="And why")
    shown = http.get(f"/repos/acme/{repo}/commits/{answer.json()['sha']}").json()
    assert shown["commit"]["message"] == "One thing\n\nAnd why"
    start_branch(http, repo, "again")
    put_file(http, repo, "again.txt", "x\n", branch="again")
    opened(http, repo, head="again", title="Again")
    sha = merged(http, repo, 2).json()["sha"]
    plain = http.get(f"/repos/acme/{repo}/commits/{sha}").json()["commit"]["message"]
    assert plain == "Merge pull request #2 from acme/again\n\nAgain"


def test_a_head_that_moved_is_not_merged(http: httpx.Client, repo: str) -> None:
    seen = opened(http, repo)["head"]["sha"]
    before = tip(http, repo)
    put_file(http, repo, "late.txt", "x\n", branch="dev")
    answer = merged(http, repo, 1, sha=seen)
    assert (answer.status_code, "modified" in answer.json()["message"]) == (409, True)
    assert tip(http, repo) == before
    assert http.get(f"/repos/acme/{repo}/pulls/1").json()["state"] == "open"


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_conflict_is_not_merged(http: httpx.Client, repo: str, method: str) -> None:
    put_file(http, repo, "dev.txt", "three\n")
    pull = opened(http, repo)
    assert (pull["mergeable"], pull["mergeable_state"]) == (False, "dirty")
    before = tip(http, repo)
    answer = merged(http, repo, 1, merge_method=method)
    assert (answer.status_code, answer.json()["message"]) == (405, "Pull Request is not mergeable")
    assert tip(http, repo) == before


def test_a_draft_and_an_unknown_method_are_not_merged(http: httpx.Client, repo: str) -> None:
    assert opened(http, repo, draft=True)["mergeable_state"] == "draft"
    assert merged(http, repo, 1).status_code == 405
    assert merged(http, repo, 1, merge_method="wish").status_code == 422


def test_the_repository_decides_how_to_merge(http: httpx.Client, repo: str) -> None:
    settings = {"allow_squash_merge": False, "delete_branch_on_merge": True}
    assert http.patch(f"/repos/acme/{repo}", json=settings).status_code == 200
    opened(http, repo)
    assert merged(http, repo, 1, merge_method="squash").status_code == 405
    assert merged(http, repo, 1).status_code == 200
    assert [one["name"] for one in http.get(f"/repos/acme/{repo}/branches").json()] == ["main"]


def test_it_is_edited_closed_and_opened_again(hub: Hub, http: httpx.Client, repo: str) -> None:
    opened(http, repo)
    url = f"/repos/acme/{repo}/pulls/1"
    assert http.patch(url, json={"title": "Better"}).json()["title"] == "Better"
    closed = http.patch(url, json={"state": "closed"}).json()
    assert (closed["state"], closed["merged"], closed["mergeable"]) == ("closed", False, None)
    later = put_file(http, repo, "later.txt", "x\n", branch="dev")
    again = http.patch(url, json={"state": "open"}).json()
    assert (again["state"], again["closed_at"], again["head"]["sha"]) == ("open", None, later)
    assert [one["action"] for one in told(hub, "pull_request")] == ["opened", "edited", "closed", "reopened"]
    assert told(hub, "pull_request")[1]["changes"] == {"title": {"from": "Add dev"}}
    merged(http, repo, 1)
    assert messages(http.patch(url, json={"state": "open"})) == [
        "state cannot be changed. The pull request was merged."
    ]
    assert http.patch(url, json={"state": "odd"}).status_code == 422


def test_it_ends_with_its_branch(hub: Hub, http: httpx.Client, repo: str) -> None:
    opened(http, repo)
    assert http.delete(f"/repos/acme/{repo}/git/refs/heads/dev").status_code == 204
    now = http.get(f"/repos/acme/{repo}/pulls/1").json()
    assert (now["state"], now["merged"], now["changed_files"]) == ("closed", False, 1)
    assert told(hub, "pull_request")[-1]["action"] == "closed"


def test_a_base_that_comes_to_hold_the_head_merges_it(hub: Hub, http: httpx.Client, repo: str) -> None:
    head = opened(http, repo)["head"]["sha"]
    assert http.patch(f"/repos/acme/{repo}/git/refs/heads/main", json={"sha": head}).status_code == 200
    now = http.get(f"/repos/acme/{repo}/pulls/1").json()
    assert (now["state"], now["merged"], now["merge_commit_sha"]) == ("closed", True, head)
    assert told(hub, "pull_request")[-1]["pull_request"]["merged"] is True


def test_numbers_count_for_each_repository_and_ids_for_all(http: httpx.Client, hub: Hub, repo: str) -> None:
    first = opened(http, repo)
    other = f"{repo}-other"
    hub.create(other, auto_init=True)
    start_branch(http, other, "dev")
    put_file(http, other, "dev.txt", "x", branch="dev")
    second = opened(http, other)
    assert (first["number"], second["number"]) == (1, 1)
    assert second["id"] > first["id"]
    assert http.get(f"/repos/acme/{other}/pulls/2").status_code == 404
