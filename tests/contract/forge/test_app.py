"""A GitHub App: installations, hourly tokens, and what a selection of repositories means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.types import Options

from steward.adapters.github import App, GitHubRead, connect
from steward.domain.repository import Access, Found, NotFound
from steward.ports.errors import BadSettings, NoSuchOrganisation, Unauthorised, Unreachable
from steward.testing.clock import FakeClock
from tests.contract.forge.scripted import BASE, Scripted, told


@cache
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def pem() -> str:
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    return key().private_bytes(serialization.Encoding.PEM, form, plain).decode()


class AppServer:
    """Two organisations, each with an installation of App 11 and two repositories of its own."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.organisations = {1: Scripted(2, "acme", 7), 2: Scripted(2, "umbrella", 8)}
        for at, repo in enumerate(self.organisations[2].repos):
            repo["id"] = 101 + at
        self.installations: list[dict[str, Any]] = [
            {"id": 1, "account": {"id": 7, "login": "acme"}, "repository_selection": "all"},
            {"id": 2, "account": {"id": 8, "login": "umbrella"}, "repository_selection": "selected"},
        ]
        self.tokens: dict[str, tuple[int, datetime]] = {}
        self.log: list[str] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.log.append(f"{request.method} {path}")
        bearer = request.headers["authorization"].removeprefix("Bearer ")
        if path.startswith("/app"):
            return self._app(path, bearer)
        number, ends = self.tokens.get(bearer, (0, self.clock.now().at))
        if number == 0 or self.clock.now().at >= ends:
            return told(401, {"message": "Bad credentials"})
        return self.organisations[number].answer(request)

    def _app(self, path: str, bearer: str) -> httpx.Response:
        checks: Options = {"verify_exp": False, "verify_iat": False}
        claims = jwt.decode(bearer, key().public_key(), algorithms=["RS256"], options=checks)
        now = self.clock.now().at.timestamp()
        assert claims["iss"] == "11"
        assert claims["iat"] == now - 60
        assert now < claims["exp"] <= claims["iat"] + 600
        known = {str(one["id"]): one for one in self.installations}
        if path == "/app/installations":
            return told(200, self.installations)
        number = path.split("/")[3]
        if number not in known:
            return told(404, {"message": "Not Found"})
        if not path.endswith("/access_tokens"):
            return told(200, known[number])
        ends = self.clock.now().at + timedelta(hours=1)
        token = f"ghs_secret{len(self.tokens)}"
        self.tokens[token] = (int(number), ends)
        selection = known[number]["repository_selection"]
        body = {"token": token, "expires_at": ends.isoformat(), "repository_selection": selection}
        return told(201, body)

    def client(self, installation_id: int | None = None) -> GitHubRead:
        app = App("11", pem(), installation_id)
        return connect(BASE, credential=app, clock=self.clock, transport=httpx.MockTransport(self.answer))

    def count(self, line: str) -> int:
        return self.log.count(line)


@pytest.fixture
def server() -> AppServer:
    return AppServer()


@pytest.fixture
def forge(server: AppServer) -> Iterator[GitHubRead]:
    with server.client() as made:
        yield made


def test_each_organisation_is_listed_by_its_own_installation(server: AppServer, forge: GitHubRead) -> None:
    assert set(forge.listing("acme", None, [], "").repos) == {1, 2}
    assert set(forge.listing("Umbrella", None, [], "").repos) == {101, 102}
    assert server.count("GET /app/installations") == 1


def test_a_token_is_kept_for_its_hour_less_five_minutes(server: AppServer, forge: GitHubRead) -> None:
    posted = "POST /app/installations/1/access_tokens"
    first = forge.listing("acme", 7, [], "")
    server.clock.advance(54 * 60)
    forge.listing("acme", 7, [], "")
    assert server.count(posted) == 1
    server.clock.advance(2 * 60)
    marks = [page.mark for page in first.pages]
    later = forge.listing("acme", 7, marks, first.credential)
    assert server.count(posted) == 2
    # The server binds validators to the token: the page is sent again, and nothing worse happens.
    assert later.credential == first.credential
    assert later.cost.points == 1


def test_a_wall_clock_set_back_does_not_keep_a_token_past_its_end(
    server: AppServer, forge: GitHubRead
) -> None:
    forge.listing("acme", 7, [], "")
    server.clock.jump(-86_400)
    server.clock.advance(3_600)
    assert len(forge.listing("acme", 7, [], "").repos) == 2


def test_a_revoked_token_is_replaced_at_the_next_request(server: AppServer, forge: GitHubRead) -> None:
    forge.listing("acme", 7, [], "")
    server.tokens.clear()
    with pytest.raises(Unauthorised):
        forge.listing("acme", 7, [], "")
    assert len(forge.listing("acme", 7, [], "").repos) == 2


def test_fault_19_a_selection_is_known_at_once(server: AppServer, forge: GitHubRead) -> None:
    assert forge.access("acme") is Access.ALL
    assert forge.access("umbrella") is Access.SELECTED
    server.installations[0]["repository_selection"] = "selected"
    assert forge.access("acme") is Access.SELECTED


def test_fault_39_an_app_that_is_not_installed_is_named_with_advice(
    server: AppServer, forge: GitHubRead
) -> None:
    with pytest.raises(NoSuchOrganisation) as caught:
        forge.listing("nowhere", None, [], "")
    assert "Install the App" in caught.value.advice
    forge.listing("acme", 7, [], "")
    del server.installations[0]
    server.clock.advance(3_600)
    with pytest.raises(Unauthorised, match="gone or suspended"):
        forge.listing("acme", 7, [], "")
    with pytest.raises(NoSuchOrganisation):
        forge.listing("acme", 7, [], "")


def test_fault_39_an_app_installed_again_is_found(server: AppServer, forge: GitHubRead) -> None:
    forge.listing("acme", 7, [], "")
    server.installations[0]["id"] = 3
    server.organisations[3] = server.organisations[1]
    server.clock.advance(3_600)
    with pytest.raises(Unauthorised):
        forge.listing("acme", 7, [], "")
    assert len(forge.listing("acme", 7, [], "").repos) == 2


def test_a_suspended_installation_is_refused(server: AppServer, forge: GitHubRead) -> None:
    server.installations[0]["suspended_at"] = "2026-01-01T00:00:00Z"
    with pytest.raises(Unauthorised, match="suspended"):
        forge.listing("acme", None, [], "")
    del server.installations[0]["suspended_at"]
    assert len(forge.listing("acme", None, [], "").repos) == 2


def test_fault_45_a_renamed_organisation_keeps_its_installation(server: AppServer, forge: GitHubRead) -> None:
    server.installations[0]["account"]["login"] = "newco"
    assert len(forge.listing("acme", 7, [], "").repos) == 2
    assert forge.access("acme", 7) is Access.ALL


def test_not_found_means_not_found_by_any_installation(server: AppServer, forge: GitHubRead) -> None:
    assert isinstance(forge.repository(102)[0], Found)
    sighting, cost = forge.repository(999)
    assert isinstance(sighting, NotFound)
    assert cost.requests == 2


def test_not_found_is_not_concluded_while_an_installation_is_refused(
    server: AppServer, forge: GitHubRead
) -> None:
    forge.listing("umbrella", None, [], "")
    del server.installations[0]
    with pytest.raises(Unauthorised, match="installation 1"):
        forge.repository(999)
    assert isinstance(forge.repository(101)[0], Found)


def test_a_given_installation_is_the_only_one(server: AppServer) -> None:
    with server.client(installation_id=2) as forge:
        assert set(forge.listing("umbrella", None, [], "").repos) == {101, 102}
        assert isinstance(forge.repository(1)[0], NotFound)
        assert forge.access("umbrella") is Access.SELECTED
    assert server.count("GET /app/installations") == 0


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda: told(401, {"message": "A JWT could not be decoded"}), Unauthorised),
        (lambda: told(500, {}), Unreachable),
        (lambda: told(418, {}), Unreachable),
        (lambda: told(200, {"token": "ghs_veryhidden"}), Unreachable),
        (
            lambda: httpx.Response(200, headers={"content-type": "application/json"}, content=b"{"),
            Unreachable,
        ),
    ],
)
def test_bad_answers_about_the_app_are_errors_that_quote_nothing(
    answer: Callable[[], httpx.Response], error: type[Exception]
) -> None:
    transport = httpx.MockTransport(lambda _: answer())
    with (
        connect(BASE, credential=App("11", pem()), clock=FakeClock(), transport=transport) as forge,
        pytest.raises(error) as caught,
    ):
        forge.listing("acme", None, [], "")
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    "bad", ["", "nonsense", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----"]
)
def test_a_bad_key_is_refused_at_once(bad: str) -> None:
    with pytest.raises(BadSettings) as caught:
        connect(BASE, credential=App("11", bad), clock=FakeClock())
    assert "AAAA" not in str(caught.value)
    with pytest.raises(BadSettings, match="no id"):
        connect(BASE, credential=App(" ", pem()), clock=FakeClock())
