"""Who may see and do what: tokens, scopes, the app and its installations, rate limits, the headers of answers."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from localhub.clock import SystemClock
from localhub.testing import Hub
from tests.localhub.hub_kit import names


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _app_token(
    key: str | rsa.RSAPrivateKey = "unsigned-secret-of-32-characters!", *, issuer: str = "1", late: int = 0
) -> str:
    now = int(SystemClock().now().timestamp()) - late
    claims = {"iat": now - 60, "exp": now + 540, "iss": issuer}
    return jwt.encode(claims, key, algorithm="HS256" if isinstance(key, str) else "RS256")


def _installed(hub: Hub, http: httpx.Client, **asked: object) -> httpx.Response:
    path = f"/app/installations/{hub.installation_id()}/access_tokens"
    return http.post(path, json=asked, headers=_bearer(_app_token()))


def test_a_bad_token_is_told_as_github_tells_it(http: httpx.Client) -> None:
    for header in ("Bearer nonsense", "token nonsense", "Digest x", "Basic ???"):
        answer = http.get("/orgs/acme", headers={"Authorization": header})
        assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")
        assert answer.json().keys() == {"message", "documentation_url", "status"}


def test_a_token_can_be_given_in_three_ways(hub: Hub, http: httpx.Client) -> None:
    basic = base64.b64encode(f"x-access-token:{hub.token}".encode()).decode()
    for header in (f"Bearer {hub.token}", f"token {hub.token}", f"Basic {basic}"):
        assert http.get("/user", headers={"Authorization": header}).json()["login"] == "player"


def test_a_rotated_token_replaces_the_old_one(hub: Hub, http: httpx.Client) -> None:
    etag = http.get("/orgs/acme").headers["etag"]
    body = {"token": "fresh", "revoke": hub.token}
    assert http.post("/_localhub/token", json=body).json()["revoked"] is True
    assert http.get("/orgs/acme").status_code == 401
    fresh = http.get("/orgs/acme", headers=_bearer("fresh") | {"If-None-Match": etag})
    assert fresh.status_code == 200
    hub.revoke_token("fresh")
    assert http.get("/orgs/acme", headers=_bearer("fresh")).status_code == 401


def test_a_stranger_sees_what_is_public_and_changes_nothing(hub: Hub) -> None:
    hub.create("open", visibility="public")
    hub.create("closed")
    assert names(httpx.get(f"{hub.url}/orgs/acme/repos")) == ["open"]
    assert httpx.get(f"{hub.url}/repos/acme/closed").status_code == 404
    shown = httpx.get(f"{hub.url}/repos/acme/open")
    assert (shown.json().get("permissions"), shown.headers["x-ratelimit-limit"]) == (None, "60")
    assert httpx.patch(f"{hub.url}/repos/acme/open", json={}).status_code == 401
    assert httpx.get(f"{hub.url}/_localhub/log").status_code == 401


def test_a_token_without_the_scope_does_not_know_of_private_ones(hub: Hub, http: httpx.Client) -> None:
    closed = hub.create("closed")
    hub.create("open", visibility="public")
    narrow = _bearer(hub.add_token("narrow", scopes=["public_repo"]))
    assert http.get("/orgs/acme", headers=narrow).headers["x-oauth-scopes"] == "public_repo"
    assert names(http.get("/orgs/acme/repos", headers=narrow)) == ["open"]
    hub.rename(closed, "shut")
    for path in ("/repos/acme/shut", "/repos/acme/closed", f"/repositories/{closed}"):
        assert http.get(path, headers=narrow).status_code == 404
    assert http.delete("/repos/acme/open", headers=narrow).status_code == 403
    assert http.post("/_localhub/token", headers=narrow, json={}).status_code == 403


def test_the_app_signs_in_and_gets_an_hour(hub: Hub, http: httpx.Client) -> None:
    app = _bearer(_app_token())
    assert http.get("/app", headers=app).json()["id"] == 1
    (installation,) = http.get("/app/installations", headers=app).json()
    assert (installation["account"]["login"], installation["repository_selection"]) == ("acme", "all")
    assert http.get(f"/app/installations/{installation['id']}", headers=app).json() == installation
    made = _installed(hub, http)
    assert (made.status_code, made.json()["repository_selection"]) == (201, "all")
    left = datetime.fromisoformat(made.json()["expires_at"]) - SystemClock().now()
    assert timedelta(minutes=59) < left <= timedelta(hours=1)
    hub.create("shop")
    listed = http.get("/installation/repositories", headers=_bearer(made.json()["token"])).json()
    assert (listed["total_count"], listed["repositories"][0]["name"]) == (1, "shop")


def test_an_installation_token_ends(hub: Hub, http: httpx.Client) -> None:
    token = _installed(hub, http).json()["token"]
    past = datetime(2020, 1, 1, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    hub.core.store.run("UPDATE token SET expires_at = ? WHERE installation_id IS NOT NULL", past)
    assert http.get("/orgs/acme", headers=_bearer(token)).status_code == 401


@pytest.mark.parametrize("token", [_app_token(issuer="2"), _app_token(late=3_600), "eyJx.eyJx.x"])
def test_a_wrong_app_token_is_refused(http: httpx.Client, token: str) -> None:
    answer = http.get("/app", headers=_bearer(token))
    assert answer.status_code == 401
    assert answer.json()["message"].startswith("A JSON web token could not be decoded")


def test_with_a_key_only_the_app_itself_is_let_in(tmp_path: Path) -> None:
    own, other = (rsa.generate_private_key(public_exponent=65_537, key_size=2_048) for _ in range(2))
    path = tmp_path / "app.pem"
    path.write_bytes(own.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with Hub(app_id=7, app_key=path) as hub:
        tokens = (_app_token(own, issuer="7"), _app_token(other, issuer="7"), _app_token(issuer="7"))
        assert [httpx.get(f"{hub.url}/app", headers=_bearer(one)).status_code for one in tokens] == [
            200,
            401,
            401,
        ]


def test_an_installation_with_chosen_repositories_knows_those_alone(hub: Hub, http: httpx.Client) -> None:
    ids = {name: hub.create(name, visibility="public") for name in ("a", "b", "c")}
    hub.select_repositories(["a", "b"])
    made = _installed(hub, http)
    assert made.json()["repository_selection"] == "selected"
    headers = _bearer(made.json()["token"])
    assert names(http.get("/orgs/acme/repos", headers=headers)) == ["a", "b"]
    assert http.get(f"/repositories/{ids['c']}", headers=headers).status_code == 404
    hub.select_repositories(["b"])
    assert names(http.get("/orgs/acme/repos", headers=headers)) == ["b"]
    assert len(http.get("/orgs/acme/repos").json()) == 3


def test_an_installation_token_can_be_narrowed(hub: Hub, http: httpx.Client) -> None:
    hub.create("a", auto_init=True)
    hub.create("b")
    made = _installed(hub, http, repositories=["a"], permissions={"contents": "read"}).json()
    assert made["permissions"] == {"contents": "read", "metadata": "read"}
    headers = _bearer(made["token"])
    assert names(http.get("/orgs/acme/repos", headers=headers)) == ["a"]
    file = {"message": "m", "content": ""}
    assert http.put("/repos/acme/a/contents/x", json=file, headers=headers).status_code == 403
    assert http.get("/repos/acme/b", headers=headers).status_code == 404
    assert _installed(hub, http, repositories=["zzz"]).status_code == 422


def test_a_private_repository_that_left_is_hidden_from_the_app_but_not_from_the_user(
    hub: Hub, http: httpx.Client
) -> None:
    shop = hub.create("shop")
    headers = _bearer(_installed(hub, http).json()["token"])
    hub.transfer(shop, "elsewhere")
    assert http.get(f"/repositories/{shop}", headers=headers).status_code == 404
    assert http.get(f"/repositories/{shop}").json()["owner"]["login"] == "elsewhere"


def test_points_are_counted_for_each_token_and_end() -> None:
    with Hub(points_per_hour=2) as hub, httpx.Client(base_url=hub.url, headers=hub.headers) as http:
        answers = [http.get("/orgs/acme") for _ in range(3)]
        assert [one.status_code for one in answers] == [200, 200, 403]
        assert answers[2].json()["message"].startswith("API rate limit exceeded")
        told = [
            [one.headers[f"x-ratelimit-{name}"] for name in ("limit", "remaining", "resource")]
            for one in answers
        ]
        assert told == [["2", "1", "core"], ["2", "0", "core"], ["2", "0", "core"]]
        rate = http.get("/rate_limit")
        assert (rate.status_code, rate.json()["rate"]["remaining"]) == (200, 0)
        assert int(answers[0].headers["x-ratelimit-reset"]) > SystemClock().now().timestamp()
        other = _bearer(hub.add_token("other"))
        assert http.get("/orgs/acme", headers=other).status_code == 200


def test_every_answer_carries_githubs_headers(http: httpx.Client) -> None:
    answers = [http.get(path) for path in ("/", "/meta", "/orgs/acme", "/orgs/nobody", "/gists")]
    assert [one.status_code for one in answers] == [200, 200, 200, 404, 501]
    for one in answers:
        assert {"date", "x-github-request-id", "x-ratelimit-used", "content-type"} <= one.headers.keys()
    assert len({one.headers["x-github-request-id"] for one in answers}) == 5


def test_head_is_get_without_a_body(http: httpx.Client) -> None:
    whole, head = http.get("/orgs/acme"), http.head("/orgs/acme")
    assert (head.status_code, head.content) == (200, b"")
    assert [one.headers["etag"] for one in (whole, head)] == [whole.headers["etag"]] * 2
    assert head.headers["content-length"] == whole.headers["content-length"]


def test_a_user_without_a_name_here_is_404(http: httpx.Client) -> None:
    assert http.get("/users/acme").json()["type"] == "Organization"
    assert http.get("/users/player").json()["type"] == "User"
    assert http.get("/users/nobody").status_code == 404
