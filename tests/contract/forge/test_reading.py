"""Reads by id, the organisation itself, and addresses: every answer means one thing, and none is guessed."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from steward.adapters.github import Token, connect
from steward.domain.repository import (
    Access,
    Blocked,
    Forbidden,
    Found,
    NotFound,
    OrganisationFacts,
    Sighting,
    Unclear,
)
from steward.ports.errors import BadSettings, Unauthorised, Unreachable
from steward.testing.clock import FakeClock
from tests.contract.forge.scripted import BASE, Scripted, entry, html, told


def sight(response: httpx.Response) -> Sighting:
    """What a read of repository 1 shows where the server answers so (and has spoken JSON before)."""
    server = Scripted(1)
    with server.client() as forge:
        forge.organisation("acme", None)
        server.intercepts.append(lambda _: response)
        sighting, cost = forge.repository(1)
    assert cost.requests == len(server.requests) - 1
    return sighting


NOT_FOUND = {"message": "Not Found"}
BLOCK = {"message": "Repository access blocked", "block": {"reason": "dmca", "created_at": "2020-01-01"}}
SIGHTINGS: list[tuple[httpx.Response, type[Sighting]]] = [
    (told(200, entry(1)), Found),
    (told(404, NOT_FOUND), NotFound),
    (told(403, {"message": "Resource not accessible"}), Forbidden),
    (told(451, BLOCK), Blocked),
    (html(404), Unclear),
    (html(403), Unclear),
    (html(451), Unclear),
    (html(200), Unclear),
    (told(404, ["Not Found"]), Unclear),
    (told(200, entry(2)), Unclear),
    (told(200, {**entry(1), "owner": None}), Unclear),
    (told(200, [entry(1)]), Unclear),
    (told(200, "null"), Unclear),
    (told(410, {"message": "Gone"}), Unclear),
    (told(301, {"message": "Moved"}, location=""), Unclear),
    (httpx.Response(204), Unclear),
]


@pytest.mark.parametrize(("response", "kind"), SIGHTINGS)
def test_each_answer_by_id_means_one_thing(response: httpx.Response, kind: type[Sighting]) -> None:
    assert type(sight(response)) is kind


def test_fault_22_451_says_why() -> None:
    assert sight(told(451, BLOCK)) == Blocked("dmca")


def test_a_refused_credential_and_a_failing_server_are_no_sightings() -> None:
    with pytest.raises(Unauthorised):
        sight(told(401, {"message": "Bad credentials"}))
    with pytest.raises(Unreachable, match="answered 502"):
        sight(html(502))


def test_a_server_that_is_busy_says_when_to_come_back() -> None:
    server = Scripted(1)
    server.intercepts.append(lambda _: told(503, {}, retry_after="120"))
    with server.client() as forge, pytest.raises(Unreachable) as caught:
        forge.repository(1)
    assert caught.value.retry_at is not None
    assert (caught.value.retry_at - server.clock.now().at).total_seconds() == 120


def test_a_redirect_is_followed_once_within_the_origin() -> None:
    server = Scripted(1)
    redirect = told(301, {"message": "Moved Permanently"}, location="/api/elsewhere/1")
    server.intercepts.append(lambda r: redirect if r.url.path == "/repositories/1" else None)
    server.intercepts.append(lambda r: told(200, entry(1)) if r.url.path == "/api/elsewhere/1" else None)
    with server.client() as forge:
        sighting, cost = forge.repository(1)
    assert isinstance(sighting, Found)
    assert cost.requests == 2


def test_a_redirect_in_circles_ends() -> None:
    server = Scripted(1)
    server.intercepts.append(lambda _: told(307, {"message": "Moved"}, location="/repositories/1"))
    with server.client() as forge:
        sighting, cost = forge.repository(1)
    assert isinstance(sighting, Unclear)
    assert cost.requests == 2


@pytest.mark.parametrize(
    "to", ["https://evil.example/repositories/1", "http://api.github.com/repositories/1"]
)
def test_a_redirect_to_another_origin_is_not_followed(to: str) -> None:
    server = Scripted(1)
    server.intercepts.append(lambda _: told(301, {"message": "Moved"}, location=to))
    with server.client() as forge, pytest.raises(Unreachable, match="not followed"):
        forge.repository(1)
    assert len(server.requests) == 1


def test_listing_and_read_by_id_agree_on_the_digest() -> None:
    server = Scripted(3)
    server.repos[1]["topics"] = ["b", "a"]
    with server.client() as forge:
        listing = forge.listing("acme", None, [], "")
        for repo_id, repo in listing.repos.items():
            assert forge.repository(repo_id)[0] == Found(repo)
            assert listing.pages[0].entries is not None
            assert listing.pages[0].entries[repo_id] == repo.digest


CHANGES: list[dict[str, Any]] = [
    {"name": "other"},
    {"owner": {"login": "other", "id": 7}},
    {"owner": {"login": "acme", "id": 8}},
    {"node_id": "R_x"},
    {"visibility": "public"},
    {"default_branch": "trunk"},
    {"description": None},
    {"description": ""},
    {"archived": True},
    {"disabled": True},
    {"fork": True},
    {"topics": []},
    {"topics": ["ab"]},
    {"html_url": "https://x"},
    {"created_at": None},
    {"pushed_at": "2026-01-02T00:00:01Z"},
    {"id": 2},
]


def test_every_fact_is_in_the_digest() -> None:
    digests = set()
    for change in [{}, *CHANGES]:
        number = change.get("id", 1)
        server = Scripted(0)
        server.repos = [{**entry(1), **change}]
        with server.client() as forge:
            sighting, _ = forge.repository(number)
        assert isinstance(sighting, Found)
        assert 0 <= sighting.repo.digest < 2**63
        digests.add(sighting.repo.digest)
    assert len(digests) == len(CHANGES) + 1


def test_what_does_not_matter_is_not_in_the_digest() -> None:
    def digest(**change: object) -> int:
        found = sight(told(200, {**entry(1), **change}))
        assert isinstance(found, Found)
        return found.repo.digest

    plain = digest()
    assert digest(stargazers_count=5, unheard_of={"a": []}, topics=["b", "a"]) == plain
    assert digest(pushed_at=1_767_312_000) == plain
    assert digest(pushed_at="2026-01-02T02:00:00+02:00") == plain
    assert digest(archived="no", fork=None) == plain


def test_the_organisation_itself() -> None:
    server = Scripted(1)
    with server.client() as forge:
        assert forge.organisation("acme", None) == OrganisationFacts(7, "acme", 3, None)
        body = {"id": 7, "login": "acme", "public_repos": 1, "total_private_repos": 2}
        server.intercepts.append(lambda _: told(200, body))
        assert forge.organisation("ACME", 7) == OrganisationFacts(7, "acme", 1, 2)


@pytest.mark.parametrize(
    "url", ["", "ftp://x", "github.example.com", "https://github.com", "https://u:p@x", "https://x?y=1"]
)
def test_a_bad_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(BadSettings, match="address"):
        connect(url, credential=Token("ghp_x"), clock=FakeClock())


@pytest.mark.parametrize("token", ["", "  ", "a b", "a\nb", "tökén"])
def test_a_bad_token_is_refused_at_once(token: str) -> None:
    with pytest.raises(BadSettings, match="token"):
        connect(BASE, credential=Token(token), clock=FakeClock())


def test_the_address_of_an_enterprise_server_keeps_its_path() -> None:
    server = Scripted(150)
    with server.client(url="https://ghe.example.com/api/v3/") as forge:
        assert forge.server == "https://ghe.example.com/api/v3"
        assert len(forge.listing("acme", None, [], "").repos) == 150
    assert server.requests[0].url.path == "/api/v3/orgs/acme/repos"


@pytest.mark.parametrize(
    ("token", "access"),
    [("ghp_x", Access.ALL), ("old", Access.ALL), ("github_pat_x", Access.UNKNOWN), ("ghs_x", Access.UNKNOWN)],
)
def test_what_a_token_may_list_is_told_by_its_kind(token: str, access: Access) -> None:
    with Scripted(1).client(Token(token)) as forge:
        assert forge.access("acme") is access


def test_requests_say_who_asks_and_for_what() -> None:
    server = Scripted(1)
    with server.client() as forge:
        forge.repository(1)
    headers = server.requests[0].headers
    assert headers["user-agent"].startswith("steward/")
    assert headers["accept"] == "application/vnd.github+json"
    assert headers["x-github-api-version"] == "2022-11-28"
