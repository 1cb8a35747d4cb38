"""The watching client where localhub cannot show it: answers as GitHub was seen or is documented to give them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import httpx
import pytest

from steward.adapters.github import App, GitHubWatch, Token, connect_watch, connect_write
from steward.domain.hands import Commit, Compared
from steward.ports.errors import Permanent, RateLimited, Transient, Unauthorised, Unreachable
from steward.ports.watching import Heads
from steward.testing.clock import FakeClock
from tests.contract.forge.scripted import entry, told
from tests.contract.forge.test_app import pem

BASE = "https://api.github.com"
SECRET = "ghp_thisIsTheSecretOfTheObserver0123"
A, B, C = "a" * 40, "b" * 40, "c" * 40
KEY = "/repositories/5/actions/secrets/public-key"
Answer = Callable[[httpx.Request], httpx.Response]


class Script:
    """Repository 5, and what else was given; anything else answers 404."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[httpx.Request] = []
        transport = httpx.MockTransport(self.answer)
        self.watch = connect_watch(BASE, credential=Token(SECRET), clock=FakeClock(), transport=transport)
        self.forge = connect_write(BASE, credential=Token(SECRET), clock=FakeClock(), transport=transport)

    def say(self, path: str, status: int, body: Any = None, **headers: str) -> None:
        self.answers[path] = lambda _: told(status, body, **headers)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path = request.url.raw_path.decode().partition("?")[0]
        if path in self.answers:
            return self.answers[path](request)
        if path == "/repositories/5":
            return told(200, entry(5))
        return told(404, {"message": "Not Found"})


@pytest.fixture
def script() -> Iterator[Script]:
    made = Script()
    yield made
    assert {one.method for one in made.asked} <= {"GET"}
    made.watch.close()
    made.forge.close()


def page(status: str, commits: list[Any], files: list[Any] | None = None, total: int | None = None) -> Any:
    body = {"status": status, "commits": commits, "total_commits": len(commits) if total is None else total}
    return body if files is None else {**body, "files": files}


def commit(sha: str, *parents: str, **more: Any) -> dict[str, Any]:
    return {"sha": sha, "parents": [{"sha": one} for one in parents], **more}


COMPARE = f"/repositories/5/compare/{A}...{B}"


@pytest.mark.parametrize("status", [404, 409, 422])
def test_a_commit_that_github_has_lost_is_forced_and_not_whole(script: Script, status: int) -> None:
    script.say(COMPARE, status, {"message": "Not Found"})
    assert script.watch.compare(5, A, B) == Compared(forced=True, whole=False)
    script.say("/repositories/5", 404, {"message": "Not Found"})
    with pytest.raises(Permanent, match="does not answer"):
        script.watch.compare(5, A, B)


def test_a_difference_that_is_too_large_is_not_called_forced(script: Script) -> None:
    script.say(COMPARE, 422, {"message": "Sorry, this diff is taking too long to generate."})
    assert script.watch.compare(5, A, B) == Compared(forced=False, whole=False)


@pytest.mark.parametrize(
    ("status", "forced"),
    [("ahead", False), ("identical", False), ("behind", True), ("diverged", True), ("odd", True)],
)
def test_what_does_not_come_after_is_forced(script: Script, status: str, forced: bool) -> None:
    script.say(COMPARE, 200, page(status, [commit(B, A)]))
    assert script.watch.compare(5, A, B).forced is forced


def test_what_is_told_of_a_commit_is_read_tolerantly(script: Script) -> None:
    text = {"message": "m", "author": {"name": "Ann", "date": "nonsense"}, "committer": None, "new": 1}
    listed = [
        commit(C, A, commit={"message": None, "author": None}, author={}, committer=None),
        commit(B, C, commit=text, author={"login": "renovate[bot]", "type": "Bot", "id": 1}),
    ]
    script.say(COMPARE, 200, page("ahead", listed))
    assert script.watch.compare(5, A, B).commits == (
        Commit(C, (A,), account="User"),
        Commit(B, (C,), "m", "Ann", "renovate[bot]", "Bot"),
    )
    odds: list[Any] = [{"status": 5}, [], {"status": "ahead", "commits": [{"sha": None}]}]
    for odd in odds:
        script.say(COMPARE, 200, odd)
        with pytest.raises(Unreachable, match="another shape"):
            script.watch.compare(5, A, B)


def test_files_are_told_by_their_kinds_and_a_renamed_one_at_both_paths(script: Script) -> None:
    listed = [
        {"filename": "a", "status": "added"},
        {"filename": "c", "status": "copied", "previous_filename": "kept"},
        {"filename": "d", "status": "removed"},
        {"filename": "new", "status": "renamed", "previous_filename": "old"},
        {"filename": "m", "status": "changed"},
        {"filename": "u", "status": "unchanged"},
        {"filename": "x", "status": "whatever comes next"},
    ]
    script.say(COMPARE, 200, page("ahead", [commit(B, A)], listed))
    found = script.watch.compare(5, A, B)
    assert found.files == {"a": "A", "c": "A", "d": "D", "old": "D", "new": "R", "m": "M", "x": "M"}
    assert found.whole


def test_three_hundred_files_are_not_the_whole(script: Script) -> None:
    for count, whole in ((299, True), (300, False)):
        listed = [{"filename": f"f{number}", "status": "added"} for number in range(count)]
        script.say(COMPARE, 200, page("ahead", [commit(B, A)], listed))
        found = script.watch.compare(5, A, B)
        assert (len(found.files), found.whole) == (count, whole)


def chain(script: Script, count: int) -> str:
    """So many commits on A, in pages; the newest."""
    shas = [A, *(f"{number:040x}" for number in range(1, count + 1))]
    listed = [commit(newer, older) for older, newer in pairwise(shas)]
    path = f"/repositories/5/compare/{A}...{shas[-1]}"

    def answer(request: httpx.Request) -> httpx.Response:
        number, size = (int(request.url.params[name]) for name in ("page", "per_page"))
        more = number * size < count
        link = {"link": f'<{BASE}{path}?per_page={size}&page={number + 1}>; rel="next"'} if more else {}
        files = [{"filename": "f", "status": "added"}] if number == 1 else []
        return told(200, page("ahead", listed[(number - 1) * size : number * size], files, count), **link)

    script.answers[path] = answer
    return shas[-1]


@pytest.mark.parametrize(
    ("count", "listed", "whole"), [(1, 1, True), (250, 250, True), (1_001, 1_000, False)]
)
def test_commits_are_read_in_pages_up_to_a_bound(
    script: Script, count: int, listed: int, whole: bool
) -> None:
    head = chain(script, count)
    found = script.watch.compare(5, A, head)
    assert (len(found.commits), found.files, found.whole, found.forced) == (listed, {"f": "A"}, whole, False)
    assert found.commits[0].parents == (A,)
    assert (found.commits[-1].sha == head) is whole


def test_a_list_that_breaks_off_or_lacks_its_head_is_not_the_whole(script: Script) -> None:
    script.say(COMPARE, 200, page("ahead", [commit(B, A)], total=300))
    assert not script.watch.compare(5, A, B).whole
    script.say(COMPARE, 200, page("ahead", [commit(C, A)]))
    assert not script.watch.compare(5, A, B).whole
    script.say(COMPARE, 200, page("ahead", [commit(B, C), commit(C, A)]))
    found = script.watch.compare(5, A, B)
    assert ([one.sha for one in found.commits], found.whole) == ([C, B], True), "dates do not order them"


RULES, BRANCH = "/repositories/5/rules/branches/main", "/repositories/5/branches/main"


@pytest.mark.parametrize(
    ("rules", "protected", "seen"),
    [
        ((200, [{"type": "non_fast_forward"}]), None, True),
        ((200, [{"type": "deletion"}]), None, True),
        ((200, [{"type": "pull_request", "parameters": {}}]), None, True),
        ((200, [{"type": "required_linear_history"}]), True, False),
        ((200, []), True, True),
        ((200, []), False, False),
        ((200, []), None, False),
        ((403, {"message": "Upgrade to GitHub Pro"}), False, None),
        ((404, {"message": "Not Found"}), None, None),
        ((404, {"message": "Not Found"}), True, True),
    ],
)
def test_a_rule_is_seen_or_it_is_said_that_we_may_not(
    script: Script, rules: tuple[int, Any], protected: bool | None, seen: bool | None
) -> None:
    script.say(RULES, *rules)
    if protected is not None:
        script.say(BRANCH, 200, {"name": "main", "protected": protected})
    assert script.watch.shown(5, "main").rule is seen


def test_what_is_not_told_is_not_made_up(script: Script) -> None:
    script.say("/repositories/5", 200, {**entry(5), "visibility": None, "homepage": None, "private": False})
    shown = script.watch.shown(5, "main")
    assert (shown.visibility, shown.homepage) == ("public", "")


def test_branches_come_in_one_answer_or_in_pages(script: Script) -> None:
    path = "/repositories/5/git/matching-refs/heads/steward/"
    refs = [{"ref": f"refs/heads/steward/{n:03}", "object": {"sha": A}} for n in range(250)]
    refs.append({"ref": "refs/heads/other", "object": {"sha": B}})
    script.say(path, 200, refs)  # GitHub's documentation knows no pages here
    assert len(script.watch.heads(5, "main", "steward/").ours) == 250

    def endless(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params["page"]) + 1
        return told(200, refs[:1], link=f'<{BASE}{path}?page={number}>; rel="next"')

    script.answers[path] = endless
    with pytest.raises(Unreachable, match="more than 50 pages"):
        script.watch.heads(5, "main", "steward/")
    script.say(path, 409, {"message": "Git Repository is empty."})
    assert script.watch.heads(5, "main", "steward/") == Heads(None)


def test_refusals_and_limits_are_told_apart(script: Script) -> None:
    path = "/repositories/5/git/ref/heads/main"
    script.say(path, 401, {"message": "Bad credentials"})
    with pytest.raises(Unauthorised, match="observer's credential"):
        script.watch.heads(5, "main", "steward/")
    script.say(path, 403, {"message": "Resource not accessible"})
    with pytest.raises(Unauthorised, match="may not read the branch main"):
        script.watch.heads(5, "main", "steward/")
    script.say(path, 502, {})
    with pytest.raises(Unreachable):
        script.watch.heads(5, "main", "steward/")
    script.say(path, 429, {"message": "You have exceeded a secondary rate limit"}, **{"retry-after": "60"})
    with pytest.raises(RateLimited):
        script.watch.heads(5, "main", "steward/")


def test_the_reserve_of_the_limit_is_left_to_urgent_reads(script: Script) -> None:
    left = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "400", "x-ratelimit-reset": "1900000000"}
    script.say("/repositories/5", 200, entry(5), **left)
    script.watch.source(5)
    with pytest.raises(RateLimited):
        script.watch.source(5)
    script.forge.source(5)
    script.forge.source(5)


def test_an_app_watches_with_the_installation_of_the_organisation() -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/app/installations":
            return told(200, [{"id": 2, "account": {"id": 72, "login": "org2"}}])
        if path.endswith("/access_tokens"):
            return told(201, {"token": "ghs_2", "expires_at": "2026-01-01T01:00:00Z"})
        return told(200, entry(5, 72, "org2"))

    transport = httpx.MockTransport(serve)
    with connect_watch(BASE, credential=App("11", pem()), clock=FakeClock(), transport=transport) as watch:
        assert isinstance(watch, GitHubWatch)
        assert watch.source(5) == ("https://github.com/org2/repo-5.git", "ghs_2")


def test_neither_token_nor_value_shows_anywhere(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    value = "hunter2-the-value"
    asks = (
        partial(script.forge.ensure_secret, 5, "A", value),
        partial(script.forge.ensure_secret, 5, "A", value + "\ud800"),
    )
    odd = ({"key_id": "1", "key": "short"}, {"key_id": "1", "key": "AAAA"}, {"key": 1}, None)
    for status, body in [(200, one) for one in odd] + [(403, {"message": "no"}), (404, {}), (500, {})]:
        script.say(KEY, status, body)
        for ask in asks:
            with pytest.raises((Permanent, Transient)) as refused:
                ask()
            text = f"{refused.value!r} {refused.value.__cause__!r} {script.forge!r} {caplog.text}"
            assert value not in text
            assert SECRET not in text
            assert refused.value.__suppress_context__ or refused.value.__context__ is None
    assert not any(value.encode() in one.content for one in script.asked)
