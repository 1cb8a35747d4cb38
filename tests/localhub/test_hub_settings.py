"""Secrets, variables, labels and rulesets are kept and given back."""

import base64
import secrets

import httpx
import pytest

from localhub.testing import Hub

_SEALED = base64.b64encode(secrets.token_bytes(48 + 12)).decode()


@pytest.fixture(params=["/repos/acme/shop", "/orgs/acme"])
def place(request: pytest.FixtureRequest, hub: Hub) -> str:
    hub.create("shop", visibility="public")
    found: str = request.param
    return found


def test_a_secret_is_kept_sealed(http: httpx.Client, place: str) -> None:
    key = http.get(f"{place}/actions/secrets/public-key").json()
    assert len(base64.b64decode(key["key"])) == 32
    assert http.get(f"{place}/actions/secrets/public-key").json() == key
    body = {"encrypted_value": _SEALED, "key_id": key["key_id"]}
    assert [http.put(f"{place}/actions/secrets/api_key", json=body).status_code for _ in range(2)] == [
        201,
        204,
    ]
    listed = http.get(f"{place}/actions/secrets").json()
    assert (listed["total_count"], listed["secrets"][0]["name"]) == (1, "API_KEY")
    told = {"name", "created_at", "updated_at"} | ({"visibility"} if place.startswith("/orgs") else set())
    assert http.get(f"{place}/actions/secrets/API_KEY").json().keys() == told
    assert http.delete(f"{place}/actions/secrets/API_KEY").status_code == 204
    assert http.get(f"{place}/actions/secrets/API_KEY").status_code == 404


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("OK", {"key_id": "999999"}),
        ("OK", {"encrypted_value": "plain text"}),
        ("OK", {"encrypted_value": "c2hvcnQ="}),
        ("GITHUB_X", {}),
        ("1X", {}),
    ],
)
def test_a_secret_that_cannot_be_is_refused(
    http: httpx.Client, place: str, name: str, change: dict[str, str]
) -> None:
    key = http.get(f"{place}/actions/secrets/public-key").json()
    body = {"encrypted_value": _SEALED, "key_id": key["key_id"]} | change
    assert http.put(f"{place}/actions/secrets/{name}", json=body).status_code == 422
    assert http.get(f"{place}/actions/secrets").json()["total_count"] == 0


def test_a_variable_is_made_read_changed_and_removed(http: httpx.Client, place: str) -> None:
    url = f"{place}/actions/variables"
    wanted = {"name": "region", "value": "eu"}
    assert [http.post(url, json=wanted).status_code for _ in range(2)] == [201, 409]
    assert http.get(f"{url}/REGION").json()["value"] == "eu"
    assert http.patch(f"{url}/REGION", json={"value": "us", "name": "PLACE"}).status_code == 204
    assert [(one["name"], one["value"]) for one in http.get(url).json()["variables"]] == [("PLACE", "us")]
    assert http.delete(f"{url}/PLACE").status_code == 204
    assert http.get(url).json() == {"total_count": 0, "variables": []}
    assert http.post(url, json={"name": "GITHUB_X", "value": ""}).status_code == 422


def test_settings_are_not_for_strangers(hub: Hub, http: httpx.Client, place: str) -> None:
    narrow = {"Authorization": f"Bearer {hub.add_token('narrow', scopes=[])}"}
    for path in ("/actions/secrets", "/actions/variables", "/hooks"):
        assert http.get(place + path, headers=narrow).status_code == 403
        assert httpx.get(f"{hub.url}{place}{path}").status_code == 401


def test_labels_are_kept_by_name(hub: Hub, http: httpx.Client) -> None:
    hub.create("shop")
    url = "/repos/acme/shop/labels"
    made = http.post(url, json={"name": "Bug", "color": "#d73a4a"})
    assert (made.status_code, made.json()["color"]) == (201, "d73a4a")
    assert http.post(url, json={"name": "bug"}).json()["errors"][0]["code"] == "already_exists"
    assert http.post(url, json={"name": "x", "color": "red"}).status_code == 422
    changed = http.patch(f"{url}/bug", json={"new_name": "Fault", "description": "It fails"}).json()
    assert (changed["name"], changed["color"], changed["description"]) == ("Fault", "d73a4a", "It fails")
    assert [one["name"] for one in http.get(url).json()] == ["Fault"]
    assert http.delete(f"{url}/fault").status_code == 204
    assert http.get(f"{url}/fault").status_code == 404


def _ruleset(name: str, include: str, **more: object) -> dict[str, object]:
    checks = {"required_status_checks": [{"context": "tests"}]}
    return {
        "name": name,
        "enforcement": "active",
        "conditions": {"ref_name": {"include": [include], "exclude": []}},
        "rules": [{"type": "required_status_checks", "parameters": checks}],
        **more,
    }


def test_rulesets_are_kept_and_told_for_a_branch(hub: Hub, http: httpx.Client) -> None:
    hub.create("shop")
    of_org = http.post("/orgs/acme/rulesets", json=_ruleset("all", "~DEFAULT_BRANCH")).json()
    url = "/repos/acme/shop/rulesets"
    own = http.post(url, json=_ruleset("releases", "refs/heads/release/*")).json()
    assert (of_org["source_type"], own["source"]) == ("Organization", "acme/shop")
    assert [one["id"] for one in http.get(url).json()] == [of_org["id"], own["id"]]
    assert [one["id"] for one in http.get(url, params={"includes_parents": "false"}).json()] == [own["id"]]

    def rules(branch: str) -> list[int]:
        return [one["ruleset_id"] for one in http.get(f"/repos/acme/shop/rules/branches/{branch}").json()]

    assert [rules(one) for one in ("main", "release/1", "other")] == [[of_org["id"]], [own["id"]], []]
    changed = http.put(f"{url}/{own['id']}", json={"enforcement": "disabled"}).json()
    assert (changed["name"], changed["enforcement"], rules("release/1")) == ("releases", "disabled", [])
    assert http.delete(f"{url}/{own['id']}").status_code == 204
    assert [http.get(f"{url}/{one['id']}").status_code for one in (own, of_org)] == [404, 200]
    assert http.post(url, json={"name": "x", "enforcement": "perhaps"}).status_code == 422
