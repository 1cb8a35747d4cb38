"""What a credential declares: the scopes of a classic token, the permissions of an App, or that GitHub does not tell."""

from __future__ import annotations

import httpx
import pytest

from localhub.testing import Hub
from steward.adapters.github import Token, connect
from steward.domain.credentials import CredentialKind, Declared
from steward.ports import NoSuchOrganisation, Unauthorised
from steward.testing.clock import FakeClock
from steward.testing.forge import FakeForge
from tests.contract.forge.scripted import BASE, Scripted, told
from tests.contract.forge.test_app import AppServer


def test_the_fake_says_what_it_was_told_to() -> None:
    fake = FakeForge(FakeClock())
    fake.add_organisation("acme")
    fake.declared_now = Declared(CredentialKind.APP, frozenset({"metadata:read"}))
    assert fake.declared("acme") == fake.declared_now
    with pytest.raises(NoSuchOrganisation):
        fake.declared("umbrella")


def test_localhub_tells_the_scopes_of_a_classic_token() -> None:
    with Hub(orgs=["acme"]) as hub, connect(hub.url, credential=Token(hub.token), clock=FakeClock()) as forge:
        declared = forge.declared("acme")
        assert declared.kind is CredentialKind.CLASSIC
        assert declared.rights is not None
        assert {"repo", "admin:org_hook"} <= declared.rights
        with pytest.raises(NoSuchOrganisation):
            forge.declared("umbrella")


@pytest.mark.parametrize(
    ("header", "rights"),
    [("repo, read:org", {"repo", "read:org"}), ("repo", {"repo"}), ("", set()), (" ,repo ,", {"repo"})],
)
def test_scopes_are_read_from_the_header(header: str, rights: set[str]) -> None:
    server = Scripted(1)
    server.extra["x-oauth-scopes"] = header
    with server.client() as forge:
        assert forge.declared("acme", 7) == Declared(CredentialKind.CLASSIC, frozenset(rights))


@pytest.mark.parametrize(
    ("token", "kind"),
    [("github_pat_abc", CredentialKind.FINE_GRAINED), ("ghu_abc", CredentialKind.TOKEN)],
)
def test_without_the_header_nothing_is_known(token: str, kind: CredentialKind) -> None:
    transport = httpx.MockTransport(lambda _request: told(200, {"id": 7, "login": "acme"}))
    with connect(BASE, credential=Token(token), clock=FakeClock(), transport=transport) as forge:
        assert forge.declared("acme") == Declared(kind, None)


def test_a_refused_token_declares_nothing() -> None:
    transport = httpx.MockTransport(lambda _request: told(401, {"message": "Bad credentials"}))
    made = connect(BASE, credential=Token("ghp_abc"), clock=FakeClock(), transport=transport)
    with made as forge, pytest.raises(Unauthorised):
        forge.declared("acme")


def test_an_app_declares_what_its_installation_was_given_each_time_anew() -> None:
    server = AppServer()
    with server.client() as forge:
        assert forge.declared("acme") == Declared(CredentialKind.APP, None)
        server.installations[0]["permissions"] = {"metadata": "read", "organization_hooks": "write"}
        expected = frozenset({"metadata:read", "organization_hooks:write"})
        assert forge.declared("acme", 7) == Declared(CredentialKind.APP, expected)
        with pytest.raises(NoSuchOrganisation):
            forge.declared("nowhere")
