"""The building client where something goes wrong: lost answers, refusals, odd shapes, doors that are shut."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import pytest

from localhub import checks as hub_checks
from localhub.testing import Hub
from steward.adapters.github import App, GitHubWrite, Token, connect_write
from steward.adapters.github.desk import site
from steward.adapters.github.wire import base_address
from steward.adapters.github.write_repos import bears, described
from steward.domain.verdict import Colour, Rule, verdict
from steward.ports.building import Blocked, Ensured, NameTaken
from steward.ports.errors import Permanent, RateLimited, Transient, Unauthorised, Unreachable
from steward.testing.building import FakeForgeWrite
from steward.testing.clock import FakeClock
from steward.testing.forge import FakeForge
from tests.contract.forge.scripted import entry, told
from tests.contract.forge.test_app import pem
from tests.contract.forge.test_write import LABELS, MARKER, HubPlace, opened

BASE = "https://api.github.com"
SECRET = "ghp_thisIsTheSecretOfTheBuilder01234"


class Losing(httpx.BaseTransport):
    """Sends every request; of those that match, `times` answers are lost after the server acted."""

    def __init__(self, method: str, path: str, times: int = 1) -> None:
        self._inner = httpx.HTTPTransport()
        self._method = method
        self._path = re.compile(path)
        self._times = times
        self.lost = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        if self.lost < self._times and request.method == self._method and self._path.search(request.url.path):
            response.read()
            response.close()
            self.lost += 1
            raise httpx.ReadTimeout("no answer in time", request=request)
        return response

    def close(self) -> None:
        self._inner.close()


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as made:
        yield made


@pytest.fixture
def place(hub: Hub) -> Iterator[HubPlace]:
    made = HubPlace(hub)
    yield made
    made.client.close()


def losing(place: HubPlace, method: str, path: str, times: int = 1) -> Losing:
    """Lose answers from here on."""
    transport = Losing(method, path, times)
    place.client.close()
    hub = place.hub
    place.client = connect_write(hub.url, credential=Token(hub.token), clock=FakeClock(), transport=transport)
    place.forge = place.client
    return transport


def ensured(forge: Any, name: str = "shop") -> Any:
    return forge.ensure_repository("acme", name, marker=MARKER, description="d", visibility="private")


def again(ask: Callable[[], Any]) -> Any:
    """As an operation does it: once more after each transient failure."""
    for _ in range(5):
        try:
            return ask()
        except Transient:
            continue
    raise AssertionError("it never came to an end")


def test_a_lost_answer_never_makes_two_repositories(place: HubPlace) -> None:
    transport = losing(place, "POST", "^/orgs/acme/repos$")
    made, new = again(lambda: ensured(place.client))
    assert (transport.lost, new, place.count()) == (1, True, 1)
    assert ensured(place.client) == (made, False)


def test_a_lost_answer_that_no_look_follows_is_made_good_the_next_time(hub: Hub, place: HubPlace) -> None:
    hub.fault("status", code=502, path="^/repos/acme/shop$", method="GET", skip=1, times=1)
    transport = losing(place, "POST", "^/orgs/acme/repos$")
    with pytest.raises(Unreachable, match="502"):
        ensured(place.client)
    made, new = ensured(place.client)
    assert (transport.lost, new, place.count(), made.name) == (1, False, 1, "shop")


def test_a_repository_of_ours_that_is_not_seen_yet_is_looked_for_again(hub: Hub, place: HubPlace) -> None:
    hub.create("shop", description=f"d {MARKER}")
    hub.fault("not_found", repo="shop", by="name", times=2)
    made, new = ensured(place.client)
    assert (made.name, new, place.count()) == ("shop", False, 1)


def test_a_name_whose_holder_is_hidden_from_us_is_taken(hub: Hub, place: HubPlace) -> None:
    hub.create("shop")
    hub.fault("not_found", repo="shop", by="name")
    with pytest.raises(NameTaken):
        ensured(place.client)


def test_a_former_name_is_free_unless_it_was_ours(hub: Hub, place: HubPlace) -> None:
    hub.rename(hub.create("shop"), "kiosk")
    made, new = ensured(place.client)
    assert (new, made.name, place.count()) == (True, "shop", 2)
    hub.rename(made.id, "store")
    found, new = ensured(place.client)
    assert (found.id, found.name, new, place.count()) == (made.id, "store", False, 2)
    hub.transfer(made.id, "elsewhere")
    with pytest.raises(NameTaken, match="elsewhere/store"):
        ensured(place.client)


def test_a_lost_answer_never_opens_two_pull_requests(place: HubPlace) -> None:
    transport = losing(place, "POST", "/pulls$")
    repo, _ = ensured(place.client)
    assert again(lambda: opened(place, repo)) == 1
    assert transport.lost == 1
    with pytest.raises(Permanent):
        place.forge.pull(repo.id, 2)


def test_a_lost_answer_never_merges_twice(place: HubPlace) -> None:
    transport = losing(place, "PUT", "/merge$")
    repo, _ = ensured(place.client)
    sha = place.forge.pull(repo.id, opened(place, repo)).head_sha
    merged = again(lambda: place.forge.merge(repo.id, 1, sha=sha, title="Work (#1)"))
    assert (transport.lost, merged.state) == (1, "merged")
    assert place.forge.tip(repo.id, "main") == merged.merge_sha
    assert again(lambda: place.forge.merge(repo.id, 1, sha=sha, title="Work (#1)")) == merged
    assert place.forge.tip(repo.id, "main") == merged.merge_sha


def test_a_lost_answer_never_makes_two_rules_or_labels(hub: Hub, place: HubPlace) -> None:
    transport = losing(place, "POST", "/(rulesets|labels)$", times=2)
    repo, _ = ensured(place.client)
    again(lambda: place.forge.ensure_branch_rule(repo.id, ["test"]))
    again(lambda: place.forge.ensure_labels(repo.id, LABELS))
    assert transport.lost == 2
    assert len(hub.core.store.records("ruleset", hub.repo("shop").scope)) == 1
    assert len(hub.core.store.records("label", hub.repo("shop").scope)) == 2
    assert not place.forge.ensure_branch_rule(repo.id, ["test"]).made
    assert not place.forge.ensure_labels(repo.id, LABELS).made


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("method", ["ensure_repository", "ensure_pull", "merge"])
def test_the_fake_fails_before_or_after_its_effect_and_asking_again_is_enough(
    method: str, after: bool
) -> None:
    world = FakeForge(FakeClock())
    world.add_organisation("acme")
    fake = FakeForgeWrite(world)
    fake.fail(method, after=after)
    repo, _ = again(lambda: ensured(fake))
    head = fake.commit(repo.id, "steward/op-1", {"a": b"1"})
    asked = {"head": "steward/op-1", "base": "main", "title": "Work", "body": ""}
    again(lambda: fake.ensure_pull(repo.id, **asked))
    again(lambda: fake.merge(repo.id, 1, sha=head, title="Work"))
    assert fake.changes == ["repository acme/shop", "pull 1", "merge 1"]
    assert fake.calls[method] == 2


def test_checks_are_read_over_pages_with_every_attempt_and_every_kind(hub: Hub, place: HubPlace) -> None:
    repo, _ = ensured(place.client)
    sha = place.forge.tip(repo.id, "main") or ""
    core, found, player = hub.core, hub.repo("shop"), hub._player()

    def report(name: str, status: str, conclusion: str | None) -> int:
        wanted = {"name": name, "head_sha": sha, "status": status, "conclusion": conclusion}
        return hub_checks.add_run(core, player, found, 1, {**wanted, "started_at": core.now()}).id

    for number in range(130):
        report(f"job {number}", "completed", "success")
    report("job 7", "completed", "failure")
    for number in range(101):
        place.status(repo.id, sha, f"ci/{number}", "success")
    told_of = place.forge.checks(repo.id, sha)
    assert len(told_of.checks) == 131 + 101
    assert told_of.suites == ()
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert verdict(told_of, Rule(), now, now).colour is Colour.RED
    report("job 7", "completed", "success")
    assert verdict(place.forge.checks(repo.id, sha), Rule(), now, now).colour is Colour.GREEN
    report("job 8", "in_progress", None)
    told_of = place.forge.checks(repo.id, sha)
    assert told_of.suites == ((1, "in_progress", None),)
    assert verdict(told_of, Rule(), now, now).colour is Colour.PENDING


# Scripted answers ----------------------------------------------------------------------------------------

Answers = dict[tuple[str, str], Callable[[], httpx.Response]]
REPO = "/repositories/5"


class Script:
    """Answers by (method, path); `asked` keeps the requests. Repository 5 is acme/repo-5."""

    def __init__(self, answers: Answers | None = None) -> None:
        self.asked: list[httpx.Request] = []
        self.answers: Answers = {("GET", REPO): lambda: told(200, entry(5)), **(answers or {})}
        transport = httpx.MockTransport(self._answer)
        self.forge: GitHubWrite = connect_write(
            BASE, credential=Token(SECRET), clock=FakeClock(), transport=transport
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        missing = told(404, {"message": "Not Found"})
        return self.answers.get((request.method, request.url.path), lambda: missing)()


def pull_of(**more: Any) -> dict[str, Any]:
    side = {"ref": "b", "sha": "a" * 40, "repo": {"id": 5}}
    shown = {"number": 1, "head": side, "base": {**side, "ref": "main"}, "state": "open", "mergeable": True}
    return {**shown, "html_url": "https://github.com/acme/repo-5/pull/1", "surprise": {}, **more}


def merging(status: int, message: str, **pull: Any) -> Script:
    return Script(
        {
            ("GET", f"{REPO}/pulls/1"): lambda: told(200, pull_of(**pull)),
            ("PUT", f"{REPO}/pulls/1/merge"): lambda: told(status, {"message": message}),
        }
    )


@pytest.mark.parametrize(
    ("script", "error", "said"),
    [
        (merging(405, "At least 1 approving review is required"), Blocked, "approving review"),
        (merging(405, "Base branch was modified. Review and try the merge again."), Transient, "moved"),
        (merging(409, "Head branch was modified"), Transient, "just now"),
        (merging(202, ""), Transient, "still at work"),
        (merging(200, "", mergeable=None), Transient, "not yet worked out"),
        (merging(200, "", state="closed"), Blocked, "closed without a merge"),
        (merging(200, ""), Unreachable, "did not say that"),
        (merging(403, "Resource not accessible by integration"), Unauthorised, "may not merge"),
        (merging(403, "Repository was archived so is read-only."), Permanent, "archived"),
        (merging(422, "Validation Failed"), Permanent, "422"),
        (merging(401, "Bad credentials"), Unauthorised, "401"),
        (merging(502, ""), Unreachable, "502"),
    ],
)
def test_what_a_merge_is_refused_with(script: Script, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        script.forge.merge(5, 1, sha="a" * 40, title="t")


def test_a_merge_goes_the_way_that_the_repository_allows() -> None:
    script = merging(405, "no")
    only_squash = {**entry(5), "allow_merge_commit": False, "allow_squash_merge": True}
    script.answers["GET", REPO] = lambda: told(200, only_squash)
    with pytest.raises(Blocked):
        script.forge.merge(5, 1, sha="a" * 40, title="t")
    sent = script.asked[[one.method for one in script.asked].index("PUT")]
    assert b'"merge_method":"squash"' in sent.content
    assert f'"sha":"{"a" * 40}"'.encode() in sent.content


def test_a_plan_without_rulesets_is_told_and_a_lacking_right_is_an_error() -> None:
    upgrade = {"message": "Upgrade to GitHub Pro or make this repository public to enable this feature."}
    found = Script({("GET", f"{REPO}/rulesets"): lambda: told(403, upgrade)}).forge.ensure_branch_rule(5, [])
    assert found == Ensured(made=False, detail=found.detail)
    assert "Upgrade to GitHub Pro" in found.detail
    lacking = {"message": "Resource not accessible by personal access token"}
    with pytest.raises(Unauthorised, match="not accessible"):
        Script({("GET", f"{REPO}/rulesets"): lambda: told(403, lacking)}).forge.ensure_branch_rule(5, [])


def test_what_a_person_made_stricter_in_our_rule_stays() -> None:
    strict = {"required_approving_review_count": 2, "required_review_thread_resolution": True}
    kept = {
        "id": 9,
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
        "bypass_actors": [{"actor_id": 1, "actor_type": "Team", "bypass_mode": "always"}],
        "rules": [
            {"type": "pull_request", "parameters": strict},
            {"type": "required_signatures"},
            {"type": "non_fast_forward"},
            {"type": "deletion"},
            {
                "type": "required_status_checks",
                "parameters": {
                    "strict_required_status_checks_policy": True,
                    "required_status_checks": [{"context": "test", "integration_id": 15368}],
                },
            },
        ],
    }
    short = [{"id": 8, "name": "steward", "source_type": "Organization"}, {"id": 9, "name": "steward"}]
    script = Script(
        {
            ("GET", f"{REPO}/rulesets"): lambda: told(200, short),
            ("GET", f"{REPO}/rulesets/9"): lambda: told(200, kept),
            ("PUT", f"{REPO}/rulesets/9"): lambda: told(200, kept),
        }
    )
    assert script.forge.ensure_branch_rule(5, ["test"]) == Ensured(made=False)
    assert script.forge.ensure_branch_rule(5, ["test", "lint"]).made
    sent = script.asked[-1].content.decode()
    for part in (
        '"required_approving_review_count":2',
        "required_signatures",
        '"integration_id":15368',
        '"strict_required_status_checks_policy":true',
        '"bypass_mode":"always"',
        '{"context":"lint"}',
    ):
        assert part in sent


def checking(**answers: Any) -> Script:
    """Answers for the checks of commit `c`, empty unless told."""
    at = f"{REPO}/commits/c"
    bodies = {
        f"{at}/check-runs": {"check_runs": answers.get("runs", [])},
        f"{at}/status": {"statuses": answers.get("statuses", [])},
        f"{at}/check-suites": {"check_suites": answers.get("suites", [])},
        f"{REPO}/actions/runs": {"workflow_runs": answers.get("workflows", [])},
        f"{REPO}/rules/branches/main": answers.get("rules", []),
        f"{REPO}/branches/main": answers.get("branch", {}),
        f"{REPO}/branches/main/protection/required_status_checks": answers.get("protection"),
    }
    return Script(
        {("GET", path): partial(told, 200, body) for path, body in bodies.items() if body is not None}
    )


def test_words_that_nobody_knows_are_kept() -> None:
    runs = [{"id": 1, "name": "t", "status": "dreaming", "conclusion": "glorious", "app": None, "new": 1}]
    statuses = [{"id": 2, "context": "c", "state": "odd", "created_at": "yesterday"}]
    run, status = checking(runs=runs, statuses=statuses).forge.checks(5, "c").checks
    assert (run.status, run.conclusion, run.app_id) == ("dreaming", "glorious", -1)
    assert (status.status, status.conclusion, status.started_at) == ("completed", "odd", None)


def test_suites_and_workflow_runs_that_tell_more_than_checks() -> None:
    run = {"id": 1, "name": "t", "status": "completed", "conclusion": "success", "check_suite": {"id": 11}}
    suites = [
        {"id": 10, "status": "queued", "app": {"id": 29110}},
        {"id": 11, "status": "completed", "conclusion": "success", "app": {"id": 15368}},
        {"id": 12, "status": "completed", "conclusion": "startup_failure", "app": {"id": 15368}},
    ]
    flow = {"head_sha": "c", "status": "completed", "check_suite_id": 11}
    workflows = [
        {"id": 3, "workflow_id": 1, "conclusion": "failure", **flow},
        {"id": 2, "workflow_id": 1, "conclusion": "cancelled", **flow},
        {"id": 4, "workflow_id": 2, "conclusion": "success", **flow},
        {"id": 5, "workflow_id": 3, "conclusion": None, **flow, "status": "in_progress"},
        {"id": 6, "workflow_id": 4, "conclusion": "failure", **flow, "head_sha": "other"},
    ]
    found = checking(runs=[run], suites=suites, workflows=workflows).forge.checks(5, "c")
    assert found.suites == (
        (15368, "completed", "startup_failure"),
        (15368, "completed", "failure"),
        (15368, "in_progress", None),
    )


def test_what_is_required_comes_of_rulesets_and_of_the_older_protection() -> None:
    listed = [{"context": "lint", "integration_id": 15368}, {"context": "test"}, {"odd": 1}]
    rules = [
        {"type": "required_status_checks", "parameters": {"required_status_checks": listed}},
        {"type": "deletion"},
    ]
    summary = {"enforcement_level": "everyone", "contexts": ["old"], "checks": []}
    branch = {"protected": True, "protection": {"required_status_checks": summary}}
    protection = {"contexts": ["old", "e2e"], "checks": [{"context": "e2e", "app_id": -1}]}
    script = checking(rules=rules, branch=branch, protection=protection)
    needed = (("e2e", None), ("lint", 15368), ("old", None), ("test", None))
    assert script.forge.checks(5, "c").required == needed
    script.answers["GET", f"{REPO}/branches/main/protection/required_status_checks"] = lambda: told(
        403, {"message": "Resource not accessible"}
    )
    assert ("old", None) in script.forge.checks(5, "c").required


def test_checks_that_cannot_be_read_whole_are_no_checks() -> None:
    for path, answer in (
        (f"{REPO}/commits/c/check-runs", told(200, {"check_runs": [{"id": "x"}]})),
        (f"{REPO}/commits/c/status", told(200, [])),
        (f"{REPO}/commits/c/check-suites", told(500, {})),
    ):
        script = checking()
        script.answers["GET", path] = partial(lambda one: one, answer)
        with pytest.raises(Unreachable):
            script.forge.checks(5, "c")
    unknown = told(422, {"message": "No commit found for SHA: c"})
    script = checking()
    script.answers["GET", f"{REPO}/commits/c/check-runs"] = lambda: unknown
    with pytest.raises(Permanent, match="No commit found"):
        script.forge.checks(5, "c")


def test_a_rate_limit_is_told_and_kept() -> None:
    script = Script({("POST", f"{REPO}/labels"): lambda: told(403, {"message": "x"}, retry_after="60")})
    script.answers["GET", f"{REPO}/labels"] = lambda: told(200, [])
    with pytest.raises(RateLimited):
        script.forge.ensure_labels(5, LABELS)
    asked = len(script.asked)
    with pytest.raises(RateLimited):
        script.forge.tip(5, "main")
    assert len(script.asked) == asked


def test_nothing_of_ours_is_sent_to_another_server() -> None:
    script = Script({("GET", REPO): lambda: told(301, {}, location="https://evil.example/repositories/5")})
    with pytest.raises(Unreachable, match="not followed"):
        script.forge.tip(5, "main")
    make = ("POST", "/orgs/acme/repos")
    script = Script({make: lambda: told(307, {}, location="https://evil.example/orgs/acme/repos")})
    with pytest.raises(Unreachable, match="not followed"):
        ensured(script.forge)
    assert {one.url.host for one in script.asked} == {"api.github.com"}
    led = Script({make: lambda: told(307, {}, location="/organizations/7/repos")})
    led.answers["POST", "/organizations/7/repos"] = lambda: told(201, entry(9, description=MARKER))
    assert ensured(led.forge)[0].id == 9


def test_the_token_shows_in_no_error() -> None:
    for status in (400, 401, 403, 404, 409, 422, 500):
        script = Script({("POST", "/orgs/acme/repos"): partial(told, status, {"message": "m"})})
        with pytest.raises((Permanent, Transient)) as refused:
            ensured(script.forge)
        assert SECRET not in f"{refused.value!r} {refused.value.__cause__!r} {script.forge!r}"


@pytest.mark.parametrize(
    ("api", "web"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://ghe.acme.test/api/v3", "https://ghe.acme.test"),
        ("https://ghe.acme.test:8443/git/api/v3/", "https://ghe.acme.test:8443/git"),
        ("https://api.acme.ghe.com", "https://acme.ghe.com"),
        ("http://127.0.0.1:7880", "http://127.0.0.1:7880"),
        ("http://127.0.0.1:7880/api/v3", "http://127.0.0.1:7880"),
        ("https://api.evil.test", "https://api.evil.test"),
    ],
)
def test_the_web_address_follows_from_the_api_address(api: str, web: str) -> None:
    assert site(base_address(api)) == web


def test_a_description_bears_its_marker_whole() -> None:
    text = described("Two\nlines\x00 and " + "long " * 100, MARKER)
    assert len(text) <= 350
    assert text.isprintable()
    assert bears(text, MARKER)
    assert bears(MARKER, MARKER)
    for other in (None, "", f"{MARKER}0", f"x{MARKER}"):
        assert not bears(other, MARKER)
    assert not bears("anything", "")


@pytest.mark.parametrize("name", ["", "..", "a b", "a/b", "x.git", "a" * 101, "ü"])
def test_a_name_that_github_would_change_is_refused(name: str) -> None:
    script = Script()
    with pytest.raises(Permanent, match="no name for a repository"):
        ensured(script.forge, name)
    assert script.asked == []


@pytest.mark.parametrize("branch", ["", "../..", "a..b", "/a", "a/", "a b", "a.lock", "-x", "a/.b", "a@{1}"])
def test_a_branch_that_git_would_not_take_is_refused(branch: str) -> None:
    with pytest.raises(Permanent, match="no name of a branch"):
        Script().forge.tip(5, branch)


def test_an_app_builds_with_the_installation_of_each_organisation() -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        path, token = request.url.path, request.headers["authorization"].removeprefix("Bearer ")
        seen.append((path, token[:5]))
        if path == "/app/installations":
            return told(200, [{"id": n, "account": {"id": 70 + n, "login": f"org{n}"}} for n in (1, 2)])
        if path.endswith("/access_tokens"):
            end = "2026-01-01T01:00:00Z"
            return told(201, {"token": f"ghs_{path.split('/')[3]}", "expires_at": end})
        if path == "/repositories/5" and token == "ghs_2":
            return told(200, entry(5, 72, "org2"))
        if path == "/repositories/5/git/ref/heads/main" and token == "ghs_2":
            return told(200, {"object": {"sha": "a" * 40, "type": "commit"}})
        return told(404, {"message": "Not Found"})

    seen: list[tuple[str, str]] = []
    transport = httpx.MockTransport(serve)
    with connect_write(BASE, credential=App("11", pem()), clock=FakeClock(), transport=transport) as forge:
        assert forge.tip(5, "main") == "a" * 40
        assert forge.git_address(5) == ("https://github.com/org2/repo-5.git", "ghs_2")
        seen.clear()
        assert forge.tip(5, "main") == "a" * 40
        assert [path for path, _ in seen] == ["/repositories/5/git/ref/heads/main"]
        with pytest.raises(Permanent, match="repository 6 does not answer"):
            forge.tip(6, "main")
        with pytest.raises(Permanent, match="not installed on org3"):
            forge.ensure_repository("org3", "a", marker=MARKER, description="", visibility="private")
