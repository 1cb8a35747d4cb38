"""The recorded organisation: GitHub's own answers for 2,204 repositories, old as they are, come in whole."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import httpx

from steward.adapters.github import GitHubRead, Token, connect
from steward.testing.clock import FakeClock
from tests.contract.forge.scripted import BASE, recorded_organisation


@cache
def pages() -> list[dict[str, Any]]:
    return recorded_organisation()


def serve(request: httpx.Request) -> httpx.Response:
    """Each page as it was recorded, with its own ETag and Link."""
    page = pages()[int(request.url.params.get("page", "1")) - 1]
    headers = {name: page["headers"][name] for name in ("ETag", "Link", "Date") if name in page["headers"]}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return httpx.Response(304, headers={"etag": headers["ETag"]})
    headers["content-type"] = "application/json; charset=utf-8"
    return httpx.Response(200, headers=headers, content=json.dumps(page["body"]).encode())


def client() -> GitHubRead:
    return connect(BASE, credential=Token("ghp_x"), clock=FakeClock(), transport=httpx.MockTransport(serve))


def test_it_comes_in_whole_with_one_request_per_hundred() -> None:
    with client() as forge:
        listing = forge.listing("jenkinsci", None, [], "")
    bodies = [entry for page in pages() for entry in page["body"]]
    assert len(listing.repos) == len(bodies) == 2_204
    assert (listing.cost.requests, listing.cost.not_modified, listing.cost.points) == (23, 0, 23)
    assert (listing.owner_id, listing.login) == (107_424, "jenkinsci")
    for entry in bodies:
        repo = listing.repos[entry["id"]]
        assert repo.full_name == entry["full_name"]
        assert repo.visibility == ("private" if entry["private"] else "public")
        assert repo.description == entry["description"]
        assert repo.pushed_at is not None
        assert repo.pushed_at.strftime("%Y-%m-%dT%H:%M:%SZ") == entry["pushed_at"]


def test_a_quiet_look_is_all_304_and_costs_no_points() -> None:
    with client() as forge:
        first = forge.listing("jenkinsci", None, [], "")
        marks = [page.mark for page in first.pages]
        again = forge.listing("jenkinsci", first.owner_id, marks, first.credential)
    assert (again.cost.requests, again.cost.not_modified, again.cost.points) == (23, 23, 0)
    assert all(page.entries is None for page in again.pages)
    assert [page.mark for page in again.pages] == marks
    assert len(again.repos) == 0
