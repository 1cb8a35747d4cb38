"""Decoding by generated damage: an error of the port, or a listing that agrees with the page. Nothing else."""

from __future__ import annotations

import copy
import json
from typing import Any

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from steward.adapters.github import GitHubRead
from steward.domain.repository import Cost, Found, Listing, NotFound, PageMark, Repo
from steward.ports.errors import Incomplete, Permanent, Transient
from tests.contract.forge.scripted import Scripted, entry, told

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**70), max_value=2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = sorted(entry(1))
OWNER_FIELDS = ["login", "id"]


def damaged(draw: st.DrawFn, page: list[Any]) -> Any:
    """Change one thing anywhere in a page of a listing."""
    page = copy.deepcopy(page)
    at = draw(st.integers(0, len(page) - 1))
    what = draw(st.sampled_from(["body", "entry", "field", "owner", "drop", "drop field", "double", "swap"]))
    if what == "body":
        return draw(JSON)
    if what == "entry":
        page[at] = draw(JSON)
    elif what == "field":
        page[at][draw(st.sampled_from(FIELDS))] = draw(JSON)
    elif what == "owner":
        page[at]["owner"][draw(st.sampled_from(OWNER_FIELDS))] = draw(JSON)
    elif what == "drop":
        del page[at]
    elif what == "drop field":
        del page[at][draw(st.sampled_from(FIELDS))]
    elif what == "double":
        page.insert(draw(st.integers(0, len(page) - 1)), copy.deepcopy(page[at]))
    else:
        page[at], page[0] = page[0], page[at]
    return page


@st.composite
def damage(draw: st.DrawFn) -> tuple[int, Any]:
    """A page number of three, and its body with one to three damages."""
    number = draw(st.sampled_from([1, 2, 3]))
    body: Any = Scripted(230).repos[(number - 1) * 100 : number * 100]
    for _ in range(draw(st.integers(1, 3))):
        intact = isinstance(body, list) and body and all(isinstance(one, dict) for one in body)
        if intact and all(isinstance(one.get("owner"), dict) and set(one) == set(FIELDS) for one in body):
            body = damaged(draw, body)
    return number, body


def agrees(listing: Listing, pages: list[Any]) -> None:
    """Every entry of the pages is in the listing, with its id, name and owner; and nothing else is."""
    entries = [one for page in pages for one in page]
    assert sorted(listing.repos) == sorted(one["id"] for one in entries)
    assert sum(page.mark.count for page in listing.pages) == len(entries)
    for one in entries:
        repo = listing.repos[one["id"]]
        assert (repo.name, repo.owner_id) == (one["name"], one["owner"]["id"])
        assert isinstance(repo, Repo)
        assert (
            "\0" not in f"{repo.description}{repo.default_branch}{repo.topics}{repo.html_url}{repo.node_id}"
        )


def list_all(forge: GitHubRead, marks: list[PageMark], credential: str) -> Listing | None:
    """The listing, or None where the port's own errors say why there is none."""
    error: Transient | Permanent
    try:
        return forge.listing("acme", 7, marks, credential)
    except (Transient, Permanent) as raised:
        error = raised
    assert error.reason
    if isinstance(error, Incomplete):
        assert all(repo_id == repo.id for repo_id, repo in error.seen.items())
    return None


@settings(max_examples=60, deadline=None)
@given(damage())
def test_a_damaged_page_is_an_error_or_comes_in_as_it_is(found: tuple[int, Any]) -> None:
    number, body = found
    server = Scripted(230)
    pages: list[Any] = [server.repos[:100], server.repos[100:200], server.repos[200:]]
    pages[number - 1] = body
    raw = json.dumps(body).encode()

    def damage_page(response: httpx.Response) -> httpx.Response:
        kept = {name: response.headers[name] for name in ("content-type", "link") if name in response.headers}
        return httpx.Response(200, headers=kept, content=raw)

    server.rewrites[number] = damage_page
    with server.client() as forge:
        listing = list_all(forge, [], "")
    if listing is not None:
        agrees(listing, pages)
        assert number == 3 or len(body) == 100


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_bytes_that_are_no_page_are_an_error(raw: bytes) -> None:
    server = Scripted(230)
    headers = {"content-type": "application/json"}
    server.rewrites[2] = lambda _: httpx.Response(200, headers=headers, content=raw)
    with server.client() as forge:
        assert list_all(forge, [], "") is None


@settings(max_examples=50, deadline=None)
@given(
    JSON | st.dictionaries(st.sampled_from(FIELDS), JSON, min_size=1).map(lambda more: {**entry(1), **more})
)
def test_a_damaged_answer_by_id_is_never_a_404(body: Any) -> None:
    server = Scripted(0)
    server.intercepts.append(lambda _: told(200, body))
    with server.client() as forge:
        sighting, _ = forge.repository(1)
    assert not isinstance(sighting, NotFound)
    if isinstance(sighting, Found):
        assert sighting.repo.id == body["id"] == 1


def remember(entries: dict[int, list[int]], listing: Listing) -> None:
    """Keep which ids each page held, as the application does."""
    for page in listing.pages:
        if page.entries is not None:
            entries[page.mark.number] = list(page.entries)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_an_organisation_that_changes_between_looks_is_never_seen_short(data: st.DataObject) -> None:
    """With validators of the last look: unchanged pages by memory and sent ones together are the truth."""
    server = Scripted(data.draw(st.sampled_from([0, 1, 99, 100, 101, 200, 201, 300])))
    entries: dict[int, list[int]] = {}
    marks: list[PageMark] = []
    credential, next_id = "", 1_000
    with server.client() as forge:
        for _ in range(4):
            listing = forge.listing("acme", 7, marks, credential)
            for page in listing.pages:
                if page.entries is not None:
                    entries[page.mark.number] = list(page.entries)
            known = [one for page in listing.pages for one in entries[page.mark.number]]
            assert known == [repo["id"] for repo in server.repos]
            marks, credential = [page.mark for page in listing.pages], listing.credential
            for _ in range(2):
                quiet = forge.listing("acme", 7, marks, credential)
                known_marks = {mark.number: mark for mark in marks}
                marks = [page.mark for page in quiet.pages]
                for page in quiet.pages:
                    assert page.entries is not None or page.mark == known_marks[page.mark.number]
                remember(entries, quiet)
            assert quiet.cost == Cost(len(quiet.pages), len(quiet.pages), 0)
            assert len(quiet.pages) <= len(server.repos) // 100 + 1
            changes: int = data.draw(st.sampled_from([0, 1, 1, 50, 150]))
            for _ in range(changes):
                doomed: int = data.draw(st.integers(-len(server.repos), len(server.repos)))
                if 0 <= doomed < len(server.repos):
                    del server.repos[doomed]
                else:
                    next_id += 1
                    server.repos.append(entry(next_id))


def test_json_nested_without_end_is_an_error() -> None:
    server = Scripted(230)
    headers = {"content-type": "application/json"}
    deep = b'[{"x":' * 20_000
    server.rewrites[2] = lambda _: httpx.Response(200, headers=headers, content=deep)
    with server.client() as forge:
        assert list_all(forge, [], "") is None
