"""Rules of branches refuse merges, pushes and changes over REST, in GitHub's words. Needs git on PATH."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from localhub.testing import Hub
from tests.localhub import git_kit
from tests.localhub.check_kit import PASSES, check, clone, commit, completed, git, shell
from tests.localhub.git_kit import put_file, start_branch, tip

_numbers = count(1)
_PULL = {"type": "pull_request", "parameters": {"required_approving_review_count": 0}}
_VIOLATED = "Repository rule violations found\n\n"


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with git_kit.running() as running:
        yield running


@pytest.fixture
def http(hub: Hub) -> Iterator[httpx.Client]:
    with git_kit.client(hub) as opened:
        yield opened


@pytest.fixture
def repo(hub: Hub) -> str:
    name = f"ruled-{next(_numbers)}"
    hub.create(name, auto_init=True)
    return name


def required(*contexts: str, **more: object) -> dict[str, Any]:
    checks = {"required_status_checks": [{"context": one} for one in contexts], **more}
    return {"type": "required_status_checks", "parameters": checks}


def rule(http: httpx.Client, where: str, *rules: dict[str, Any], **more: Any) -> int:
    body = {
        "name": "main is ruled",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
        "rules": list(rules),
        **more,
    }
    answer = http.post(f"{where}/rulesets", json=body)
    assert answer.status_code == 201, answer.text
    number: int = answer.json()["id"]
    return number


def pull(http: httpx.Client, repo: str, declaration: str, head: str = "dev") -> str:
    """Open a pull request whose head declares these checks; return the head."""
    start_branch(http, repo, head)
    sha = put_file(http, repo, ".localhub/checks.toml", declaration, branch=head)
    made = http.post(f"/repos/acme/{repo}/pulls", json={"title": "t", "head": head, "base": "main"})
    assert made.status_code == 201, made.text
    return sha


def merge(http: httpx.Client, repo: str, **body: str) -> tuple[int, str]:
    answer = http.put(f"/repos/acme/{repo}/pulls/1/merge", json=body)
    return answer.status_code, answer.json()["message"]


def test_a_required_check_must_succeed_before_a_merge(hub: Hub, http: httpx.Client, repo: str) -> None:
    rule(http, f"/repos/acme/{repo}", _PULL, required("unit"))
    (rules, checks) = http.get(f"/repos/acme/{repo}/rules/branches/main").json()
    assert (rules["type"], checks["parameters"]["required_status_checks"]) == (
        "pull_request",
        [{"context": "unit"}],
    )
    fault = hub.fault("checks_absent", repo=repo)
    pull(http, repo, check("unit", *PASSES))
    assert http.get(f"/repos/acme/{repo}/pulls/1").json()["mergeable_state"] == "blocked"
    assert merge(http, repo) == (405, f'{_VIOLATED}Required status check "unit" is expected.\n\n')
    hub.clear_faults(fault)
    hub.fault("checks_stuck", repo=repo)
    sha = put_file(http, repo, "a", "x", branch="dev")
    assert merge(http, repo) == (405, f'{_VIOLATED}Required status check "unit" is in progress.\n\n')
    hub.clear_faults()
    hub.fault("checks_failing", repo=repo)
    sha = put_file(http, repo, "b", "x", branch="dev")
    completed(http, repo, sha)
    assert merge(http, repo) == (405, f'{_VIOLATED}Required status check "unit" is failing.\n\n')
    hub.clear_faults()
    sha = put_file(http, repo, "c", "x", branch="dev")
    completed(http, repo, sha)
    assert http.get(f"/repos/acme/{repo}/pulls/1").json()["mergeable_state"] == "clean"
    assert merge(http, repo, sha="1" * 40)[0] == 409
    assert merge(http, repo, sha=sha) == (200, "Pull Request successfully merged")


def test_several_required_checks_are_counted(http: httpx.Client, repo: str) -> None:
    rule(http, f"/repos/acme/{repo}", required("unit", "lint", "types"))
    sha = pull(http, repo, shell("unit", "exit 1") + check("lint", *PASSES))
    completed(http, repo, sha)
    words = "2 of 3 required status checks have not succeeded: 1 expected and 1 failing."
    assert merge(http, repo) == (405, f"{_VIOLATED}{words}\n\n")
    for context in ("types", "unit"):
        http.post(f"/repos/acme/{repo}/statuses/{sha}", json={"state": "success", "context": context})
    assert merge(http, repo) == (405, f'{_VIOLATED}Required status check "unit" is failing.\n\n')


def test_a_required_check_may_be_of_one_app(http: httpx.Client, repo: str) -> None:
    one = {"context": "unit", "integration_id": 15_368}
    rule(http, f"/repos/acme/{repo}", required(required_status_checks=[one]))
    sha = pull(http, repo, shell("other", "exit 0"))
    http.post(f"/repos/acme/{repo}/statuses/{sha}", json={"state": "success", "context": "unit"})
    assert merge(http, repo) == (405, f'{_VIOLATED}Required status check "unit" is expected.\n\n')
    sha = put_file(http, repo, ".localhub/x", "x", branch="dev")
    kept = http.get(f"/repos/acme/{repo}/contents/.localhub/checks.toml?ref=dev").json()["sha"]
    sha = put_file(http, repo, ".localhub/checks.toml", check("unit", *PASSES), branch="dev", sha=kept)
    completed(http, repo, sha)
    assert merge(http, repo)[0] == 200


def test_a_strict_rule_wants_the_head_up_to_date(hub: Hub, http: httpx.Client, repo: str) -> None:
    rule(http, f"/repos/acme/{repo}", required(strict_required_status_checks_policy=True))
    pull(http, repo, check("unit", *PASSES))
    put_file(http, repo, "meanwhile", "x")
    code, words = merge(http, repo)
    assert (code, "not up to date" in words) == (405, True)


def test_a_push_that_the_rules_forbid_is_refused_by_git(
    hub: Hub, http: httpx.Client, repo: str, tmp_path: Path
) -> None:
    work = clone(hub.url, hub.token, repo, tmp_path / "w")
    before = commit(work, check("unit", *PASSES))
    git("push", "--quiet", cwd=work)
    number = rule(http, f"/repos/acme/{repo}", {"type": "non_fast_forward"}, {"type": "deletion"})
    commit(work, check("unit", *PASSES), {"a": "x"})
    git("push", "--quiet", cwd=work)
    git("reset", "--quiet", "--hard", before, cwd=work)
    after = commit(work, check("unit", *PASSES), {"b": "x"})
    said = git("push", "--force", "origin", "main", f"{after}:refs/heads/free", cwd=work, fails=True)
    assert "remote: error: GH013: Repository rule violations found for refs/heads/main." in said
    assert f"/acme/{repo}/rules?ref=refs%2Fheads%2Fmain" in said
    assert "remote: - Cannot force-push to this branch" in said
    assert "free" not in [one["name"] for one in http.get(f"/repos/acme/{repo}/branches").json()]
    git("push", "--quiet", "origin", f"{after}:refs/heads/free", cwd=work)
    git("push", "--quiet", "--force", "origin", f"{before}:refs/heads/free", cwd=work)
    http.patch(f"/repos/acme/{repo}", json={"default_branch": "free"})
    http.put(
        f"/repos/acme/{repo}/rulesets/{number}",
        json={"conditions": {"ref_name": {"include": ["refs/heads/ma*"], "exclude": []}}},
    )
    said = git("push", "origin", ":main", cwd=work, fails=True)
    assert "- Cannot delete this branch" in said
    assert tip(http, repo) != after


def test_a_branch_that_needs_a_pull_request_takes_no_push(
    hub: Hub, http: httpx.Client, repo: str, tmp_path: Path
) -> None:
    before = tip(http, repo)
    rule(http, f"/repos/acme/{repo}", _PULL, required("unit"))
    work = clone(hub.url, hub.token, repo, tmp_path / "w")
    commit(work, check("unit", *PASSES))
    said = git("push", cwd=work, fails=True)
    assert "- Changes must be made through a pull request." in said
    assert '- Required status check "unit" is expected.' in said
    assert "pre-receive hook declined" in said
    assert tip(http, repo) == before
    git("push", "--quiet", "origin", "HEAD:dev", cwd=work)
    body = {"message": "m", "content": "eA=="}
    answer = http.put(f"/repos/acme/{repo}/contents/x", json=body)
    assert (answer.status_code, "through a pull request" in answer.json()["message"]) == (409, True)
    ref = http.patch(f"/repos/acme/{repo}/git/refs/heads/main", json={"sha": tip(http, repo, "dev")})
    assert (ref.status_code, "through a pull request" in ref.json()["message"]) == (422, True)
    assert tip(http, repo) == before


def test_refs_over_rest_obey_the_rules(http: httpx.Client, repo: str) -> None:
    first = tip(http, repo)
    put_file(http, repo, "a", "x")
    conditions = {
        "ref_name": {"include": ["refs/heads/kept/*", "refs/heads/main"], "exclude": ["refs/heads/kept/not"]}
    }
    kinds = [{"type": one} for one in ("non_fast_forward", "deletion", "creation")]
    rule(http, f"/repos/acme/{repo}", *kinds, conditions=conditions)
    url = f"/repos/acme/{repo}/git/refs"
    forced = http.patch(f"{url}/heads/main", json={"sha": first, "force": True})
    assert (forced.status_code, forced.json()["message"]) == (
        422,
        f"{_VIOLATED}Cannot force-push to this branch\n\n",
    )
    new = http.post(url, json={"ref": "refs/heads/kept/one", "sha": first})
    assert (new.status_code, "creations being restricted" in new.json()["message"]) == (422, True)
    assert http.post(url, json={"ref": "refs/heads/kept/not", "sha": first}).status_code == 201
    assert http.delete(f"{url}/heads/kept/not").status_code == 204
    assert http.post(url, json={"ref": "refs/tags/v1", "sha": first}).status_code == 201


def test_a_branch_that_may_not_be_deleted_outlives_its_merge(http: httpx.Client, repo: str) -> None:
    http.patch(f"/repos/acme/{repo}", json={"delete_branch_on_merge": True})
    conditions = {"ref_name": {"include": ["refs/heads/dev"], "exclude": []}}
    rule(http, f"/repos/acme/{repo}", {"type": "deletion"}, conditions=conditions)
    sha = pull(http, repo, check("unit", *PASSES))
    assert merge(http, repo)[0] == 200
    assert tip(http, repo, "dev") == sha


def test_an_organisation_rules_the_repositories_that_it_names(
    http: httpx.Client, hub: Hub, repo: str
) -> None:
    names = {"repository_name": {"include": [f"{repo}*"], "exclude": []}}
    conditions = {"ref_name": {"include": ["~ALL"], "exclude": []}, **names}
    number = rule(http, "/orgs/acme", _PULL, conditions=conditions)
    hub.create(f"free-{repo}", auto_init=True)
    put_file(http, f"free-{repo}", "a", "x")
    body = {"message": "m", "content": "eA=="}
    assert http.put(f"/repos/acme/{repo}/contents/x", json=body).status_code == 409
    http.put(f"/orgs/acme/rulesets/{number}", json={"enforcement": "evaluate"})
    assert http.put(f"/repos/acme/{repo}/contents/x", json=body).status_code == 201
    assert http.delete(f"/orgs/acme/rulesets/{number}").status_code == 204


@pytest.fixture
def app(hub: Hub, http: httpx.Client) -> Iterator[httpx.Client]:
    signed = jwt.encode(
        {"iss": "1", "exp": 4_000_000_000}, "a key of thirty-two bytes or more, unused", "HS256"
    )
    url = f"{hub.url}/app/installations/{hub.installation_id()}/access_tokens"
    token = httpx.post(url, headers={"Authorization": f"Bearer {signed}"}).json()["token"]
    with httpx.Client(base_url=hub.url, headers={"Authorization": f"Bearer {token}"}) as opened:
        yield opened


def test_whoever_may_bypass_a_ruleset_is_not_bound_by_it(
    hub: Hub, http: httpx.Client, app: httpx.Client, repo: str, tmp_path: Path
) -> None:
    url = f"/repos/acme/{repo}"
    the_app = {"actor_id": 1, "actor_type": "Integration", "bypass_mode": "always"}
    people = {"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "pull_request"}
    number = rule(http, url, _PULL, required("unit"), bypass_actors=[the_app, people])
    shown = [one.get(f"{url}/rulesets/{number}").json()["current_user_can_bypass"] for one in (http, app)]
    assert shown == ["pull_requests_only", "always"]
    body = {"message": "m", "content": "eA=="}
    assert http.put(f"{url}/contents/x", json=body).status_code == 409
    assert app.put(f"{url}/contents/x", json=body).status_code == 201
    pull(http, repo, shell("unit", "exit 1"))
    assert merge(http, repo)[0] == 200
    work = clone(hub.url, app.headers["Authorization"].split()[1], repo, tmp_path / "w")
    commit(work, check("unit", *PASSES), {"z": "z"})
    git("push", "--quiet", cwd=work)


@pytest.mark.parametrize(
    "body",
    [
        {"rules": [{"type": "required_status_checks", "parameters": {"required_status_checks": ["unit"]}}]},
        {"rules": [{"type": "pull_request", "parameters": 3}]},
        {"rules": [{"type": 3}]},
        {"conditions": {"ref_name": []}},
        {"conditions": {"ref_name": {"include": "main"}}},
        {"conditions": [1]},
        {"bypass_actors": ["me"]},
    ],
)
def test_a_ruleset_that_could_not_be_enforced_is_refused(
    http: httpx.Client, repo: str, body: dict[str, Any]
) -> None:
    answer = http.post(f"/repos/acme/{repo}/rulesets", json={"name": "x", "enforcement": "active", **body})
    assert answer.status_code == 422


def test_odd_values_in_a_ruleset_break_no_push(http: httpx.Client, repo: str) -> None:
    conditions = {"ref_name": {"include": [3, None, "~ALL"]}, "repository_name": {"include": ["~ALL"]}}
    odd: dict[str, Any] = {"actor_id": [], "actor_type": {}, "bypass_mode": []}
    rule(http, f"/repos/acme/{repo}", {"type": "of_tomorrow"}, conditions=conditions, bypass_actors=[odd])
    put_file(http, repo, "a", "x")
