"""One repository: made, renamed, moved, archived, deleted, restored; and the rules of names and ids."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from localhub.testing import Hub
from tests.localhub.hub_kit import back, names

REQUIRED = frozenset(
    [
        "id",
        "node_id",
        "name",
        "full_name",
        "private",
        "owner",
        "html_url",
        "description",
        "fork",
        "url",
        "archived",
        "disabled",
        "visibility",
        "default_branch",
        "created_at",
        "updated_at",
        "pushed_at",
        "clone_url",
        "ssh_url",
        "git_url",
        "topics",
        "size",
        "stargazers_count",
        "language",
        "has_issues",
        "hooks_url",
        "permissions",
        "forks_count",
        "open_issues_count",
        "license",
    ]
)


def _create(http: httpx.Client, **facts: object) -> httpx.Response:
    return http.post("/orgs/acme/repos", json=facts)


def test_a_repository_is_made_as_asked(hub: Hub, http: httpx.Client) -> None:
    made = _create(http, name="shop", description="Sells", private=True, auto_init=True)
    assert made.status_code == 201
    body = made.json()
    assert body.keys() >= REQUIRED
    assert (body["visibility"], body["private"], body["description"]) == ("private", True, "Sells")
    assert body["owner"] | {"login": "acme", "id": hub.org().id, "type": "Organization"} == body["owner"]
    assert body["clone_url"] == f"{hub.url}/acme/shop.git"
    assert http.get("/repos/acme/shop/contents/README.md").status_code == 200
    assert _create(http, name="open").json()["visibility"] == "public"
    assert _create(http, name="inside", visibility="internal").json()["private"] is True


@pytest.mark.parametrize("name", ["", "..", "x" * 101])
def test_a_bad_name_is_refused(http: httpx.Client, name: str) -> None:
    answer = _create(http, name=name)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "name")


def test_a_name_that_is_taken_is_refused_whatever_its_case(hub: Hub, http: httpx.Client) -> None:
    hub.create("Shop")
    answer = _create(http, name="sHOP")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["message"] == "name already exists on this account"
    assert http.get("/repos/ACME/shop").json()["name"] == "Shop"
    other = hub.create("other")
    assert http.patch(f"/repositories/{other}", json={"name": "SHOP"}).status_code == 422


def test_what_is_missing_or_no_json_is_said(http: httpx.Client) -> None:
    assert _create(http).json()["errors"][0]["code"] == "missing_field"
    assert http.post("/orgs/acme/repos", content=b"{").status_code == 400
    assert http.post("/orgs/acme/repos", content=b"[1]").status_code == 400
    assert http.post("/orgs/acme/repos", content=b" " * (64 * 1024 * 1024 + 1)).status_code == 413
    assert _create(http, name="x", visibility="secret").status_code == 422


def test_a_former_name_leads_to_the_address_by_id(hub: Hub, http: httpx.Client) -> None:
    shop = hub.create("shop", auto_init=True)
    hub.rename(shop, "store")
    read = http.get("/repos/acme/shop")
    assert (read.status_code, read.headers["location"]) == (301, f"{hub.url}/repositories/{shop}")
    below = http.get("/api/v3/repos/acme/shop/branches/main")
    assert below.headers["location"] == f"{hub.url}/api/v3/repositories/{shop}/branches/main"
    for method in ("PATCH", "DELETE", "PUT"):
        path = "/repos/acme/shop" + ("/topics" if method == "PUT" else "")
        answer = http.request(method, path, json={})
        assert (answer.status_code, answer.headers["location"].split("/topics")[0]) == (
            307,
            f"{hub.url}/repositories/{shop}",
        )
    assert http.get(below.headers["location"]).json()["name"] == "main"
    changed = http.patch("/repos/acme/shop", json={"description": "new"}, follow_redirects=True)
    assert changed.json()["description"] == "new"


def test_a_reused_name_ends_the_redirect(hub: Hub, http: httpx.Client) -> None:
    shop = hub.create("shop")
    hub.rename(shop, "store")
    impostor = hub.create("shop")
    assert http.get("/repos/acme/shop").json()["id"] == impostor
    hub.delete(impostor)
    assert http.get("/repos/acme/shop").status_code == 404
    assert http.get(f"/repositories/{shop}").json()["name"] == "store"


def test_two_repositories_can_swap_their_names(hub: Hub, http: httpx.Client) -> None:
    one, two = hub.create("a"), hub.create("b")
    hub.rename(one, "c")
    hub.rename(two, "a")
    hub.rename(one, "b")
    assert (http.get("/repos/acme/a").json()["id"], http.get("/repos/acme/b").json()["id"]) == (two, one)


def test_a_deleted_repository_is_gone_and_its_id_is_never_given_again(hub: Hub, http: httpx.Client) -> None:
    first = hub.create("shop")
    assert http.delete("/repos/acme/shop").status_code == 204
    assert http.get(f"/repositories/{first}").status_code == 404
    assert names(http.get("/orgs/acme/repos")) == []
    assert hub.create("shop") > first


def test_a_deleted_repository_comes_back_under_its_id(hub: Hub, http: httpx.Client) -> None:
    shop = hub.create("shop", auto_init=True)
    before = http.get("/repos/acme/shop/commits").json()[0]["sha"]
    hub.delete(shop)
    listed = http.get("/_localhub/repos/deleted").json()
    assert [(one["id"], one["full_name"]) for one in listed] == [(shop, "acme/shop")]
    assert http.post(f"/_localhub/repos/{shop}/restore").json()["id"] == shop
    assert http.get("/repos/acme/shop/commits").json()[0]["sha"] == before
    assert http.post(f"/_localhub/repos/{shop}/restore").status_code == 404


def test_a_restore_is_refused_when_the_name_was_used_or_too_late(hub: Hub, http: httpx.Client) -> None:
    shop = hub.delete(hub.create("shop"))
    hub.create("shop")
    taken = http.post(f"/_localhub/repos/{shop}/restore")
    assert (taken.status_code, "name already exists" in taken.json()["message"]) == (422, True)
    hub.delete("shop")
    hub.core.store.run("UPDATE repo SET deleted_at = ? WHERE id = ?", back(days=91), shop)
    late = http.post(f"/_localhub/repos/{shop}/restore")
    assert (late.status_code, "90 days" in late.json()["message"]) == (422, True)


def test_a_transfer_keeps_the_id_and_changes_the_owner(hub: Hub, http: httpx.Client) -> None:
    shop = hub.create("shop")
    moved = http.post("/repos/acme/shop/transfer", json={"new_owner": "elsewhere", "new_name": "store"})
    assert (moved.status_code, moved.json()["full_name"]) == (202, "elsewhere/store")
    by_id = http.get(f"/repositories/{shop}").json()
    assert by_id["owner"]["id"] != hub.org().id
    assert names(http.get("/orgs/acme/repos")) == []
    assert http.get("/repos/acme/shop").headers["location"] == f"{hub.url}/repositories/{shop}"


def test_an_archived_repository_is_read_only_until_it_is_not(hub: Hub, http: httpx.Client) -> None:
    shop = hub.create("shop")
    assert http.patch("/repos/acme/shop", json={"archived": True}).json()["archived"] is True
    refused = http.patch("/repos/acme/shop", json={"description": "x"})
    assert (refused.status_code, refused.json()["message"]) == (
        403,
        "Repository was archived so is read-only.",
    )
    assert http.put("/repos/acme/shop/topics", json={"names": ["a"]}).status_code == 403
    assert names(http.get("/orgs/acme/repos")) == ["shop"]
    again = http.patch(f"/repositories/{shop}", json={"archived": False, "description": "x"}).json()
    assert (again["archived"], again["description"]) == (False, "x")


def test_a_repository_is_changed_as_asked(hub: Hub, http: httpx.Client) -> None:
    hub.create("shop", auto_init=True)
    wanted = {
        "name": "store",
        "description": "d",
        "visibility": "public",
        "homepage": "https://x",
        "has_wiki": True,
    }
    changed = http.patch("/repos/acme/shop", json=wanted).json()
    assert changed | wanted == changed
    assert changed["private"] is False
    missing = http.patch("/repos/acme/store", json={"default_branch": "nowhere"})
    assert (missing.status_code, missing.json()["errors"][0]["field"]) == (422, "default_branch")
    tip = http.get("/repos/acme/store/git/ref/heads/main").json()["object"]["sha"]
    http.post("/repos/acme/store/git/refs", json={"ref": "refs/heads/next", "sha": tip})
    assert http.patch("/repos/acme/store", json={"default_branch": "next"}).json()["default_branch"] == "next"
    assert hub.core.git(hub.repo("store")).head_branch() == "next"


def test_many_callers_at_once_lose_nothing(hub: Hub) -> None:
    def play(player: int) -> list[int]:
        with httpx.Client(base_url=hub.url, headers=hub.headers) as http:
            statuses = []
            for number in range(6):
                name = f"p{player}-{number}"
                statuses.append(_create(http, name=name).status_code)
                statuses.append(http.patch(f"/repos/acme/{name}", json={"name": f"{name}-new"}).status_code)
                statuses.append(http.get("/orgs/acme/repos?per_page=100").status_code)
                if number % 2:
                    statuses.append(http.delete(f"/repos/acme/{name}-new").status_code)
            return statuses

    with ThreadPoolExecutor(8) as players:
        told = list(players.map(play, range(8)))
    assert {status for one in told for status in one} == {200, 201, 204}
    assert len(hub.ids()) == 8 * 3
    assert len(hub.core.registry.deleted()) == 8 * 3


def test_topics_are_kept_in_lower_case(hub: Hub, http: httpx.Client) -> None:
    hub.create("shop")
    assert http.put("/repos/acme/shop/topics", json={"names": ["Web", "shop"]}).json() == {
        "names": ["web", "shop"]
    }
    assert http.get("/repos/acme/shop/topics").json() == {"names": ["web", "shop"]}
    assert http.get("/repos/acme/shop").json()["topics"] == ["web", "shop"]
    assert http.put("/repos/acme/shop/topics", json={"names": "web"}).status_code == 422


def test_a_template_gives_its_files_in_one_commit(http: httpx.Client, hub: Hub) -> None:
    hub.create("base", auto_init=True)
    http.put("/repos/acme/base/contents/app.py", json={"message": "More", "content": "eA=="})
    assert http.post("/repos/acme/base/generate", json={"name": "made"}).status_code == 404
    http.patch("/repos/acme/base", json={"is_template": True})
    made = http.post("/repos/acme/base/generate", json={"name": "made", "private": True})
    assert (made.status_code, made.json()["visibility"]) == (201, "private")
    assert [one["path"] for one in http.get("/repos/acme/made/contents").json()] == ["README.md", "app.py"]
    assert len(http.get("/repos/acme/made/commits").json()) == 1


def test_a_renamed_organisation_keeps_id_and_repositories(hub: Hub, http: httpx.Client) -> None:
    shop, owner = hub.create("shop"), hub.org().id
    assert http.post("/_localhub/orgs/acme/rename", json={"login": "apex"}).json()["id"] == owner
    assert http.get("/orgs/acme").status_code == 404
    assert http.get(f"/organizations/{owner}").json()["login"] == "apex"
    assert names(http.get(f"/organizations/{owner}/repos")) == ["shop"]
    by_id = http.get(f"/repositories/{shop}").json()
    assert (by_id["full_name"], by_id["owner"]["id"]) == ("apex/shop", owner)
    assert http.get("/repos/acme/shop").headers["location"] == f"{hub.url}/repositories/{shop}"
    assert http.post("/_localhub/orgs/apex/rename", json={"login": "-no"}).status_code == 422


def test_facts_of_an_organisation_can_be_changed(http: httpx.Client) -> None:
    changed = http.patch("/orgs/acme", json={"description": "Makers", "login": "ignored"}).json()
    assert (changed["description"], changed["login"]) == ("Makers", "acme")
    assert http.get("/orgs/acme").json()["description"] == "Makers"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/gists"),
        ("POST", "/graphql"),
        ("GET", "/repos/acme/shop/releases"),
        ("PATCH", "/orgs/acme/repos"),
    ],
)
def test_what_localhub_lacks_is_said_with_501(hub: Hub, http: httpx.Client, method: str, path: str) -> None:
    hub.create("shop")
    for prefix in ("", "/api/v3"):
        answer = http.request(method, prefix + path)
        assert answer.status_code == 501
        assert answer.json()["message"] == f"localhub does not implement {method} {path}"


def test_what_no_github_has_is_404(http: httpx.Client) -> None:
    assert http.get("/nothing/like/it").status_code == 404
