"""Lists of repositories: pages, links, order, filters, validators, and what they cost."""

import re

import httpx
import pytest

from localhub.testing import Hub
from tests.localhub.hub_kit import back, names

ALL = "/orgs/acme/repos"


def _rels(answer: httpx.Response) -> list[str]:
    return re.findall(r'rel="(\w+)"', answer.headers.get("link", ""))


def test_pages_are_linked_by_the_organisations_id_as_on_github(hub: Hub, http: httpx.Client) -> None:
    for number in range(5):
        hub.create(f"r{number}", created_at=back(days=10 - number))
    first = http.get(ALL, params={"per_page": 2, "sort": "created", "direction": "asc"})
    base = f"{hub.url}/organizations/{hub.org().id}/repos?per_page=2&sort=created&direction=asc&page="
    assert first.headers["link"] == f'<{base}2>; rel="next", <{base}3>; rel="last"'
    second = http.get(first.links["next"]["url"])
    assert second.headers["link"] == (
        f'<{base}1>; rel="prev", <{base}3>; rel="next", <{base}3>; rel="last", <{base}1>; rel="first"'
    )
    third = http.get(second.links["next"]["url"])
    assert _rels(third) == ["prev", "first"]
    assert [names(page) for page in (first, second, third)] == [["r0", "r1"], ["r2", "r3"], ["r4"]]


def test_one_page_has_no_link_and_a_page_past_the_end_is_empty(hub: Hub, http: httpx.Client) -> None:
    hub.create("only")
    assert "link" not in http.get(ALL).headers
    past = http.get(ALL, params={"page": 9})
    assert (past.status_code, past.json(), _rels(past)) == (200, [], ["prev", "first"])


def test_a_page_holds_30_and_at_most_100(hub: Hub, http: httpx.Client) -> None:
    for number in range(120):
        hub.create(f"r{number}")
    sizes = [len(http.get(ALL, params=asked).json()) for asked in ({}, {"per_page": 500}, {"per_page": "x"})]
    assert sizes == [30, 100, 30]


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", ["old", "mid", "new"]),
        ("sort=created", ["new", "mid", "old"]),
        ("sort=created&direction=asc", ["old", "mid", "new"]),
        ("sort=full_name", ["mid", "new", "old"]),
        ("sort=full_name&direction=desc", ["old", "new", "mid"]),
        ("sort=pushed", ["old", "new", "mid"]),
        ("sort=updated", ["old", "new", "mid"]),
    ],
)
def test_the_order_is_as_asked(hub: Hub, http: httpx.Client, query: str, order: list[str]) -> None:
    for name, days in (("old", 9), ("mid", 6), ("new", 3)):
        hub.create(name, created_at=back(days=days))
    hub.core.registry.change_repo(hub.repo("new"))
    hub.core.store.run(
        "UPDATE repo SET pushed_at = ?, updated_at = ? WHERE name = 'new'", *[back(days=1)] * 2
    )
    hub.push("old")
    assert names(http.get(f"{ALL}?{query}")) == order


def test_kinds_are_told_apart(hub: Hub, http: httpx.Client) -> None:
    for visibility in ("public", "private", "internal"):
        hub.create(visibility, visibility=visibility)
    found = {
        kind: names(http.get(ALL, params={"type": kind})) for kind in ("public", "private", "internal", "all")
    }
    assert found["public"] == ["public"]
    assert found["private"] == ["private", "internal"]
    assert found["internal"] == ["internal"]
    assert len(found["all"]) == 3


def test_a_validator_belongs_to_token_and_body(hub: Hub, http: httpx.Client) -> None:
    shop = hub.create("shop")
    etag = http.get(ALL).headers["etag"]
    assert re.fullmatch(r'W/"[0-9a-f]{64}"', etag)
    again = http.get(ALL, headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    other = {"Authorization": f"Bearer {hub.add_token('other')}", "If-None-Match": etag}
    assert http.get(ALL, headers=other).status_code == 200
    hub.rename(shop, "store")
    assert http.get(ALL, headers={"If-None-Match": etag}).status_code == 200


def test_every_other_answer_has_a_validator_too(hub: Hub, http: httpx.Client) -> None:
    shop = hub.create("shop")
    for path in ("/orgs/acme", f"/repositories/{shop}", "/user"):
        etag = http.get(path).headers["etag"]
        assert http.get(path, headers={"If-None-Match": etag}).status_code == 304


def test_a_304_costs_no_points(hub: Hub, http: httpx.Client) -> None:
    first = http.get(ALL)
    second = http.get(ALL, headers={"If-None-Match": first.headers["etag"]})
    used = [int(one.headers["x-ratelimit-used"]) for one in (first, second)]
    assert used[0] == used[1]
    assert [(one.status, one.points) for one in hub.requests()] == [(200, 1), (304, 0)]


def test_a_change_on_one_page_leaves_the_others_valid(hub: Hub, http: httpx.Client) -> None:
    for number in range(4):
        hub.create(f"r{number}", created_at=back(days=9 - number))
    pages = [http.get(ALL, params={"per_page": 2, "page": page}) for page in (1, 2)]
    hub.archive("r3")
    again = [
        http.get(str(page.url), headers={"If-None-Match": page.headers["etag"]}).status_code for page in pages
    ]
    assert again == [304, 200]


def test_the_interface_of_an_enterprise_server_is_the_same(hub: Hub, http: httpx.Client) -> None:
    hub.create("shop")
    hub.create("site")
    page = http.get("/api/v3/orgs/acme/repos", params={"per_page": 1})
    assert page.links["next"]["url"].startswith(f"{hub.url}/api/v3/organizations/")
    assert names(http.get(page.links["next"]["url"])) == ["site"]
    assert page.json()[0]["url"] == f"{hub.url}/api/v3/repos/acme/shop"
    assert hub.requests()[0].path == "/orgs/acme/repos"


def test_the_organisation_counts_what_the_caller_may_see(hub: Hub, http: httpx.Client) -> None:
    for visibility in ("public", "private", "internal"):
        hub.create(visibility, visibility=visibility)
    full = http.get("/orgs/ACME").json()
    assert (full["public_repos"], full["total_private_repos"], full["owned_private_repos"]) == (1, 2, 2)
    assert http.get(f"/organizations/{hub.org().id}").json() == full
    narrow = {"Authorization": f"Bearer {hub.add_token('narrow', scopes=['public_repo'])}"}
    shown = http.get("/orgs/acme", headers=narrow).json()
    assert (shown["public_repos"], "total_private_repos" in shown) == (1, False)


def test_two_organisations_do_not_mix() -> None:
    with Hub(orgs=["acme", "Bolt-Co"], repos=3) as hub, httpx.Client(headers=hub.headers) as http:
        hub.create("extra", org="bolt-co")
        found = {login: names(http.get(f"{hub.url}/orgs/{login}/repos")) for login in ("acme", "bolt-co")}
        assert [len(one) for one in found.values()] == [3, 4]
        assert "extra" in found["bolt-co"]
