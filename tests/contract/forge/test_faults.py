"""The fault matrix where the client must hold it: what a server does to a listing, and what must follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from steward.adapters.github import Token
from steward.ports.errors import Incomplete, NoSuchOrganisation, Permanent, Unauthorised, Unreachable
from tests.contract.forge.scripted import (
    BASE,
    Rewrite,
    Scripted,
    entry,
    html,
    on_page,
    told,
    with_entries,
    without_link,
)


def broken(server: Scripted, **options: Any) -> Incomplete:
    """List; it must come out incomplete."""
    with server.client(**options) as forge, pytest.raises(Incomplete) as caught:
        forge.listing("acme", 7, [], "")
    return caught.value


def whole(server: Scripted, **options: Any) -> set[int]:
    """List; it must come out whole. Return the ids."""
    with server.client(**options) as forge:
        return set(forge.listing("acme", 7, [], "").repos)


def test_fault_01_403_on_page_5_aborts_the_look() -> None:
    server = Scripted(1_000)
    server.intercepts.append(on_page(5, lambda: told(403, {"message": "Forbidden"})))
    error = broken(server)
    assert "page 5 answered 403" in error.reason
    assert set(range(1, 101)) <= set(error.seen)
    assert not set(range(401, 501)) & set(error.seen)
    assert error.cost.requests == len(server.requests)


def test_fault_02_404_on_page_2_aborts_the_look() -> None:
    server = Scripted(250)
    server.intercepts.append(on_page(2, lambda: told(404, {"message": "Not Found"})))
    assert "page 2 answered 404" in broken(server).reason


def test_fault_03_401_mid_sweep_is_a_refused_credential() -> None:
    server = Scripted(1_000)
    server.intercepts.append(on_page(4, lambda: told(401, {"message": "Bad credentials"})))
    with server.client() as forge, pytest.raises(Unauthorised) as caught:
        forge.listing("acme", 7, [], "")
    assert "STEWARD_GITHUB_TOKEN" in caught.value.advice


@pytest.mark.parametrize("page", [2, 3, 10])
def test_fault_04_empty_page_mid_list_aborts_the_look(page: int) -> None:
    server = Scripted(1_000)
    server.rewrites[page] = with_entries(lambda _: [])
    error = broken(server)
    assert "twice" in error.reason
    assert server.pages_asked().count(page) == 2


@pytest.mark.parametrize("page", [1, 2, 3, 5])
def test_fault_05_a_lost_link_header_loses_no_page(page: int) -> None:
    server = Scripted(430)
    server.rewrites[page] = without_link
    assert whole(server) == set(range(1, 431))
    assert len(server.requests) == 5


@pytest.mark.parametrize("count", [100, 200])
def test_fault_05_all_links_lost_and_the_last_page_full(count: int) -> None:
    server = Scripted(count)
    server.rewrites = dict.fromkeys(range(1, 6), without_link)
    assert whole(server) == set(range(1, count + 1))
    assert server.pages_asked() == list(range(1, count // 100 + 2))


@pytest.mark.parametrize("page", [1, 3])
def test_fault_06_html_body_aborts_the_look(page: int) -> None:
    server = Scripted(500)
    with server.client() as forge:
        forge.organisation("acme", 7)
        server.intercepts.append(on_page(page, html))
        with pytest.raises(Incomplete, match="not JSON but text/html"):
            forge.listing("acme", 7, [], "")


def test_fault_06_html_from_the_first_request_on_asks_for_the_address() -> None:
    server = Scripted(5)
    server.intercepts.append(lambda _: html(404))
    with server.client(url="https://ghe.example.com") as forge:
        with pytest.raises(Permanent) as caught:
            forge.listing("acme", None, [], "")
        with pytest.raises(Permanent):
            forge.repository(1)
    assert "/api/v3" in caught.value.advice


def test_fault_06_json_under_a_wrong_content_type_aborts_the_look() -> None:
    server = Scripted(500)

    def mislabel(response: httpx.Response) -> httpx.Response:
        response.headers["content-type"] = "text/plain"
        return response

    server.rewrites[2] = mislabel
    assert "page 2 is not JSON but text/plain" in broken(server).reason


@pytest.mark.parametrize("body", [{"message": "Server Error"}, {}, "text", 5, True])
def test_fault_07_something_else_than_a_list_aborts_the_look(body: object) -> None:
    server = Scripted(500)
    server.intercepts.append(on_page(3, lambda: told(200, body)))
    assert "page 3 is not a list but" in broken(server).reason


def test_fault_07_a_body_cut_off_aborts_the_look() -> None:
    server = Scripted(500)
    headers = {"content-type": "application/json"}
    server.intercepts.append(on_page(3, lambda: httpx.Response(200, headers=headers, content=b'[{"id": 1')))
    assert "page 3 is not JSON" in broken(server).reason


UNUSABLE: list[Any] = [
    None,
    5,
    {},
    entry(0),
    entry(-1),
    entry(2**63),
    {**entry(5), "id": True},
    {**entry(5), "id": "5"},
    {**entry(5), "name": None},
    {**entry(5), "name": ""},
    {**entry(5), "name": "a\0b"},
    {**entry(5), "owner": None},
    {**entry(5), "owner": {"login": "acme"}},
]


@pytest.mark.parametrize("one", UNUSABLE)
def test_fault_08_an_unusable_entry_is_unknown_never_absent(one: Any) -> None:
    server = Scripted(300)
    server.rewrites[2] = with_entries(lambda entries: [one, *entries[1:]])
    error = broken(server)
    assert "page 2 cannot be used whole" in error.reason
    assert set(range(102, 201)) <= set(error.seen)


def test_fault_08_an_entry_twice_aborts_the_look() -> None:
    server = Scripted(300)
    server.rewrites[3] = with_entries(lambda entries: [*entries[:-1], entries[0]])
    assert "names repository 201 twice" in broken(server).reason


def as_if_last(keep: int) -> Rewrite:
    """A page that holds less and says that nothing follows."""

    def rewrite(response: httpx.Response) -> httpx.Response:
        links = [one for one in response.headers.get("link", "").split(", ") if "next" not in one]
        kept = {"content-type": "application/json", "link": ", ".join(n for n in links if "last" not in n)}
        return httpx.Response(200, headers=kept, json=response.json()[:keep])

    return rewrite


@pytest.mark.parametrize("page", [1, 2, 4])
@pytest.mark.parametrize("keep", [0, 1, 99])
def test_fault_09_short_page_that_claims_to_be_the_last(page: int, keep: int) -> None:
    server = Scripted(480)
    with server.client() as forge:
        before = forge.listing("acme", 7, [], "")
        server.rewrites[page] = as_if_last(keep)
        with pytest.raises(Incomplete):
            forge.listing("acme", 7, [page.mark for page in before.pages], before.credential)


def test_fault_10_reaching_the_page_cap_is_an_error() -> None:
    error = broken(Scripted(501), page_cap=5)
    assert "cap of 5 pages" in error.reason
    assert "page_cap" in error.reason
    assert whole(Scripted(500), page_cap=5) == set(range(1, 501))


def test_fault_10_a_server_that_never_ends_is_an_error() -> None:
    server = Scripted(100)

    def endless(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("page", "1"))
        link = f'<{BASE}/organizations/7/repos?page={number + 1}>; rel="next"'
        fresh = [entry(number * 1_000 + at) for at in range(100)]
        return told(200, fresh, link=link)

    server.intercepts.append(endless)
    assert "cap of 8 pages" in broken(server, page_cap=8).reason


def test_fault_10_a_server_that_gives_the_first_page_for_every_number() -> None:
    server = Scripted(100)
    server.intercepts.append(
        lambda r: (
            told(200, server.repos, link=f'<{BASE}/organizations/7/repos?page=2>; rel="next"')
            if r.url.params.get("page", "1") == "1"
            else told(200, server.repos)
        )
    )
    assert "on two pages" in broken(server).reason
    assert len(server.requests) == 4


def deletes_after(
    server: Scripted, page: int, repo_id: int
) -> Callable[[httpx.Request], httpx.Response | None]:
    """Delete a repository as soon as that page was served for the first time."""

    def intercept(request: httpx.Request) -> httpx.Response | None:
        if request.url.params.get("page", "1") != str(page):
            return None
        response = server._true_answer(request)
        server.intercepts.clear()
        server.repos = [repo for repo in server.repos if repo["id"] != repo_id]
        return response

    return intercept


def test_fault_11_a_deletion_mid_list_hides_at_most_the_entry_that_slipped_to_an_earlier_page() -> None:
    """No client can see that; so the application confirms every absence by id."""
    server = Scripted(250)
    server.intercepts.append(deletes_after(server, page=1, repo_id=50))
    ids = whole(server)
    assert set(range(1, 251)) - ids == {101}
    with server.client() as forge:
        sighting, _ = forge.repository(101)
    assert type(sighting).__name__ == "Found"


def test_fault_11_a_deletion_that_empties_the_last_page_is_read_again() -> None:
    server = Scripted(201)
    server.intercepts.append(deletes_after(server, page=1, repo_id=50))
    assert whole(server) == set(range(1, 202)) - {50}
    assert server.pages_asked() == [1, 1, 2, 2, 3]


def test_fault_12_the_listing_is_in_order_of_creation() -> None:
    server = Scripted(250)
    whole(server)
    for request in server.requests:
        assert request.url.params["sort"] == "created"
        assert request.url.params["direction"] == "asc"
        assert request.url.params["type"] == "all"
        assert request.url.params["per_page"] == "100"


def test_fault_36_no_rate_limit_headers_means_unlimited() -> None:
    server = Scripted(5)
    with server.client() as forge:
        for _ in range(20):
            forge.repository(1)
        assert forge.budget().limit is None
        assert forge.budget().remaining is None


def test_fault_37_validators_are_keyed_by_token() -> None:
    server = Scripted(150)
    with server.client() as forge:
        first = forge.listing("acme", 7, [], "")
    marks = [page.mark for page in first.pages]
    server.requests.clear()
    with server.client(Token("ghp_another")) as forge:
        cold = forge.listing("acme", 7, marks, first.credential)
        assert cold.credential != first.credential
        assert [request.headers.get("if-none-match") for request in server.requests] == [None, None]
        assert (cold.cost.requests, cold.cost.not_modified, cold.cost.points) == (2, 0, 2)
        warm = forge.listing("acme", 7, [page.mark for page in cold.pages], cold.credential)
        assert warm.cost.not_modified == 2


def test_fault_38_a_304_keeps_the_links_of_its_page() -> None:
    server = Scripted(350)
    with server.client() as forge:
        first = forge.listing("acme", 7, [], "")
        marks = [page.mark for page in first.pages]
        server.repos[-1]["description"] = "changed"
        again = forge.listing("acme", 7, marks, first.credential)
    assert [page.entries is None for page in again.pages] == [True, True, True, False]
    assert [page.mark for page in again.pages[:3]] == marks[:3]
    assert set(again.repos) == set(range(301, 351))
    assert again.cost.requests == 4


@pytest.mark.parametrize("count", [100, 300])
def test_fault_38_a_repository_after_a_full_unchanged_last_page_is_found(count: int) -> None:
    server = Scripted(count)
    with server.client() as forge:
        first = forge.listing("acme", 7, [], "")
        warm = forge.listing("acme", 7, [p.mark for p in first.pages], first.credential)
        quiet = forge.listing("acme", 7, [p.mark for p in warm.pages], warm.credential)
        assert quiet.cost.points == 0
        assert all(page.entries is None for page in quiet.pages)
        server.repos.append(entry(5_000))
        grown = forge.listing("acme", 7, [p.mark for p in quiet.pages], quiet.credential)
    assert set(grown.repos) == {5_000}
    assert sum(page.mark.count for page in grown.pages) == count + 1


def test_fault_39_an_organisation_that_does_not_answer_is_named_with_advice() -> None:
    server = Scripted(5)
    with server.client() as forge:
        with pytest.raises(NoSuchOrganisation) as caught:
            forge.listing("acmee", None, [], "")
        assert "STEWARD_GITHUB_ORGS" in caught.value.advice
        with pytest.raises(NoSuchOrganisation):
            forge.organisation("acmee", None)


def test_fault_39_a_token_that_may_not_list_is_refused_with_advice() -> None:
    server = Scripted(5)
    server.intercepts.append(on_page(1, lambda: told(403, {"message": "Resource protected by SAML"})))
    with server.client() as forge, pytest.raises(Unauthorised, match="SAML") as caught:
        forge.listing("acme", None, [], "")
    assert "sign-on" in caught.value.advice


def test_fault_45_a_renamed_organisation_is_listed_by_its_id() -> None:
    server = Scripted(120)
    with server.client() as forge:
        first = forge.listing("acme", None, [], "")
        assert (first.owner_id, first.login) == (7, "acme")
        server.login = "newco"
        for repo in server.repos:
            repo["owner"]["login"] = "newco"
        renamed = forge.listing("acme", first.owner_id, [p.mark for p in first.pages], first.credential)
        assert (renamed.owner_id, renamed.login) == (7, "newco")
        assert forge.organisation("acme", 7).login == "newco"
    assert len(renamed.repos) == 120


def test_entries_of_another_owner_abort_the_look() -> None:
    server = Scripted(120)
    server.repos[110] = entry(111, owner_id=8, login="other")
    assert "another owner, other (id 8, not 7)" in broken(server).reason


def test_a_link_to_another_server_is_never_followed() -> None:
    server = Scripted(250)

    def astray(response: httpx.Response) -> httpx.Response:
        response.headers["link"] = response.headers["link"].replace(BASE, "https://evil.example")
        return response

    server.rewrites[1] = astray
    assert "evil.example" in broken(server).reason
    assert {request.url.host for request in server.requests} == {"api.github.com"}


@pytest.mark.parametrize(
    "link", ["page=abc", "page=0", f"page={'9' * 5000}", "page=7", "cursor=x", "page=%00", "page=-1"]
)
def test_a_link_to_no_page_aborts_the_look(link: str) -> None:
    server = Scripted(250)
    server.rewrites[2] = lambda r: httpx.Response(
        200,
        headers={
            "content-type": "application/json",
            "link": f'<{BASE}/organizations/7/repos?{link}>; rel="next"',
        },
        content=r.content,
    )
    assert "page 2" in broken(server).reason


def test_an_organisation_that_grows_while_it_is_read_comes_in_whole() -> None:
    server = Scripted(200)
    grown: list[int] = []

    def grow(request: httpx.Request) -> None:
        if not grown and request.url.params.get("page") == "2":
            grown.append(1)
            server.repos += [entry(number) for number in range(201, 321)]

    server.intercepts.append(grow)
    assert whole(server) == set(range(1, 321))


def test_a_shrunken_organisation_costs_no_wrong_alarm() -> None:
    server = Scripted(320)
    with server.client() as forge:
        first = forge.listing("acme", 7, [], "")
        server.repos = server.repos[:150]
        shrunk = forge.listing("acme", 7, [p.mark for p in first.pages], first.credential)
    assert sum(page.mark.count for page in shrunk.pages) == 150
    assert [page.entries is None for page in shrunk.pages] == [True, False]


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("page", [1, 4])
def test_a_failing_server_is_unreachable_or_incomplete(status: int, page: int) -> None:
    server = Scripted(500)
    server.intercepts.append(on_page(page, lambda: html(status)))
    kind = Unreachable if page == 1 else Incomplete
    with server.client() as forge, pytest.raises(kind, match=f"answered {status}"):
        forge.listing("acme", 7, [], "")


@pytest.mark.parametrize("page", [1, 4])
def test_a_connection_that_breaks_is_unreachable_or_incomplete(page: int) -> None:
    server = Scripted(500)

    def drop() -> httpx.Response:
        raise httpx.ReadTimeout("slow")

    server.intercepts.append(on_page(page, drop))
    kind = Unreachable if page == 1 else Incomplete
    with server.client() as forge, pytest.raises(kind, match="took too long"):
        forge.listing("acme", 7, [], "")


def test_an_empty_organisation_is_whole() -> None:
    server = Scripted(0)
    with server.client() as forge:
        empty = forge.listing("acme", None, [], "")
        assert (empty.owner_id, empty.login, len(empty.repos), len(empty.pages)) == (0, "", 0, 1)
        again = forge.listing("acme", 7, [p.mark for p in empty.pages], empty.credential)
        assert (again.owner_id, again.cost.not_modified) == (7, 1)
