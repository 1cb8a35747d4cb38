"""The contract of `ports.ForgeHooks`: the fake, and the client over a localhub."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from localhub.testing import Hub
from steward.adapters.github import Token, connect_hooks
from steward.adapters.github.hooks import HookWire
from steward.adapters.github.limits import Meter
from steward.adapters.github.wire import Grant
from steward.domain.deliveries import EVENTS, Told
from steward.ports import ForgeHooks, Permanent, Unauthorised, Unreachable
from steward.testing.clock import FakeClock
from steward.testing.hooks import FakeHooks

NOWHERE = "http://127.0.0.1:9/hooks/github"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
Settle = Callable[[], object]


@pytest.fixture(params=["fake", "localhub"])
def forge(request: pytest.FixtureRequest) -> Iterator[tuple[ForgeHooks, Settle]]:
    """A server with the organisation `acme`, and how to wait until it has sent its deliveries."""
    with ExitStack() as closing:
        if request.param == "fake":
            fake = FakeHooks(FakeClock(), server="http://forge.test")
            fake.answers = 502
            yield fake, lambda: None
            return
        hub = closing.enter_context(Hub())
        client = connect_hooks(hub.url, credential=Token(hub.token), clock=FakeClock())
        closing.callback(client.close)
        yield client, lambda: hub.wait_deliveries(30)


def test_a_hook_is_made_listed_changed_and_pinged(forge: tuple[ForgeHooks, Settle]) -> None:
    hooks, settle = forge
    assert hooks.server.startswith("http://")
    assert hooks.hooks("acme") == []
    made = hooks.create("acme", NOWHERE, list(EVENTS), "a secret")
    assert made == Told(made.id, NOWHERE, tuple(EVENTS), active=True)
    assert hooks.hooks("Acme") == [made]
    changed = hooks.update("acme", made.id, NOWHERE + "2", ["push"], "another")
    assert hooks.hooks("acme") == [changed] == [Told(made.id, NOWHERE + "2", ("push",), active=True)]
    hooks.ping("acme", made.id)
    settle()
    ping, first = hooks.deliveries("acme", made.id, LONG_AGO)
    assert (ping.event, ping.action, ping.failed, ping.repository_id) == ("ping", "", True, None)
    assert ping.id > first.id
    assert ping.guid != first.guid
    assert hooks.deliveries("acme", made.id, ping.delivered_at + timedelta(seconds=1)) == []


def test_the_same_hook_is_not_made_twice(forge: tuple[ForgeHooks, Settle]) -> None:
    hooks, _ = forge
    hooks.create("acme", NOWHERE, list(EVENTS), "a secret")
    with pytest.raises(Permanent, match="422"):
        hooks.create("acme", NOWHERE, list(EVENTS), "a secret")


def test_a_hook_that_is_not_there_is_refused(forge: tuple[ForgeHooks, Settle]) -> None:
    hooks, _ = forge
    for ask in (
        lambda: hooks.ping("acme", 12345),
        lambda: hooks.update("acme", 12345, NOWHERE, ["push"], "x"),
        lambda: hooks.deliveries("acme", 12345, LONG_AGO),
    ):
        with pytest.raises(Unauthorised, match="webhooks of acme"):
            ask()


def test_a_credential_without_the_right_is_told_what_it_lacks() -> None:
    with Hub() as hub:
        token = hub.add_token("ghp_reader", scopes=["workflow"])
        client = connect_hooks(hub.url, credential=Token(token), clock=FakeClock())
        with pytest.raises(Unauthorised) as refusal:
            client.hooks("acme")
        assert "admin:org_hook" in refusal.value.advice
        hub.revoke_token(token)
        with pytest.raises(Unauthorised, match="401"):
            client.hooks("acme")
        client.close()


def test_deliveries_are_read_over_pages_as_far_back_as_asked() -> None:
    with Hub() as hub:
        hook = hub.add_hook(NOWHERE, events=["repository"])
        for number in range(130):
            hub.create(f"r{number}")
        assert hub.wait_deliveries(60)
        client = connect_hooks(hub.url, credential=Token(hub.token), clock=FakeClock())
        sent = client.deliveries("acme", hook, LONG_AGO)
        assert len(sent) == 130
        assert [one.repository_id for one in sent] == hub.ids()[::-1]
        assert {(one.event, one.action, one.status_code) for one in sent} == {("repository", "created", 502)}
        hub.clear_requests()
        assert client.deliveries("acme", hook, datetime.now(UTC) + timedelta(hours=1)) == []
        assert len(hub.requests()) == 1, "nothing older is asked for"
        client.close()


def scripted(answer: httpx.Response) -> Any:
    """A client whose server answers just this."""
    transport = httpx.MockTransport(lambda _request: answer)
    url = "https://api.github.test"
    return connect_hooks(url, credential=Token("ghp_x"), clock=FakeClock(), transport=transport)


def test_answers_of_another_shape_are_not_believed_and_unknown_fields_are_not_minded() -> None:
    entry = {"id": 1, "guid": "g", "event": "push", "delivered_at": "2026-11-24T09:30:00Z", "new_field": {}}
    (sent,) = scripted(httpx.Response(200, json=[entry])).deliveries("acme", 1, LONG_AGO)
    assert (sent.status_code, sent.repository_id, sent.action) == (0, None, "")
    hook = {
        "id": 5,
        "config": {"url": "https://x.test", "content_type": "json"},
        "events": ["*"],
        "active": True,
    }
    listed = httpx.Response(200, json=[{"id": 4, "name": "email"}, "odd", hook])
    assert scripted(listed).hooks("acme") == [Told(5, "https://x.test", ("*",), active=True)]
    for body in ({"message": "no list"}, [{**entry, "id": "one"}], [None]):
        with pytest.raises(Unreachable, match="another shape"):
            scripted(httpx.Response(200, json=body)).deliveries("acme", 1, LONG_AGO)
    html = httpx.Response(200, text="<html>", headers={"content-type": "text/html"})
    with pytest.raises(Permanent, match="not JSON"):
        scripted(html).hooks("acme")
    with pytest.raises(Unreachable, match="500"):
        scripted(httpx.Response(500, json={})).ping("acme", 1)


def test_the_secret_goes_to_the_hook_and_into_no_error() -> None:
    seen: list[httpx.Request] = []

    def serve(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(422, json={"message": "a secret of ours is invalid"})

    client = connect_hooks(
        "https://api.github.test",
        credential=Token("ghp_x"),
        clock=FakeClock(),
        transport=httpx.MockTransport(serve),
    )
    with pytest.raises(Permanent) as refusal:
        client.create("acme", "https://steward.test/hooks/github", ["push"], "the secret")
    assert "secret" not in f"{refusal.value} {refusal.value.__cause__} {refusal.value.__context__}"
    asked = json.loads(seen[0].content)
    assert asked["config"] == {
        "url": "https://steward.test/hooks/github",
        "content_type": "json",
        "insecure_ssl": "0",
        "secret": "the secret",
    }
    assert (seen[0].method, seen[0].url.path, asked["active"]) == ("POST", "/orgs/acme/hooks", True)


@pytest.mark.parametrize(
    "path", ["/repos/acme/shop", "/orgs/acme", "/orgs/acme/hooks/1/config", "/orgs/a/hooks/x"]
)
def test_the_wire_of_webhooks_reaches_nothing_else(path: str) -> None:
    clock = FakeClock()
    wire = HookWire("https://api.github.test", clock, threads=1)
    with pytest.raises(ValueError, match="no address of a webhook"):
        wire.change("PATCH", wire.address(path), Grant("x", Meter(clock, 0), ""), {})
    wire.close()
