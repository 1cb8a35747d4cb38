"""Webhooks as people see to them: registered, pinged, swept; a failing one is an incident that closes itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from steward.adapters.secret import SecretFile
from steward.adapters.store import open_store
from steward.app.application import Application
from steward.app.errors import Forbidden, Invalid, Unknown
from steward.app.inbox import take_in
from steward.app.service import WebhookLoop
from steward.app.views import stamp
from steward.app.webhooks import Webhooks, target_of
from steward.domain.deliveries import EVENTS, Delivery
from steward.domain.people import Grant, Principal, Right, Role, rights_of
from steward.ports import Unauthorised, Unreachable
from steward.testing.hooks import FakeHooks
from steward.testing.world import ANYONE, World

URL = "https://steward.example.com"


@dataclass
class Registered:
    """A world with webhooks."""

    world: World
    hooks: FakeHooks
    app: Application

    @property
    def commands(self) -> Webhooks:
        """What an admin may ask."""
        return self.app.webhooks(ANYONE)

    def arrives(self, hook_id: int, guid: str, event: str = "ping") -> None:
        """A delivery comes in."""
        made = Delivery(hook_id, guid, event, self.world.clock.now().at, b"{}")
        with self.world.store.writing() as tx:
            take_in(tx, [made], self.app.server)

    def tick(self) -> None:
        """What the loop does after a while."""
        self.world.clock.advance(301)
        WebhookLoop(self.app).tick()


@pytest.fixture
def registered(tmp_path: Path) -> Iterator[Registered]:
    """Two organisations that have come in, and no webhook yet."""
    world = World(open_store("sqlite://"), ("acme", "zoo"))
    world.forge.create("acme", "shop")
    world.beat("acme")
    world.beat("zoo")
    hooks = FakeHooks(world.clock)
    app = replace(world.app, forge_hooks=lambda: hooks, webhook_secret=SecretFile(tmp_path / "secret"))
    yield Registered(world, hooks, app)
    world.store.close()


def test_registering_makes_the_secret_and_a_hook_per_organisation(registered: Registered) -> None:
    assert registered.commands.status()["secret"] is False
    assert registered.commands.status()["without"] == ["acme", "zoo"]
    acme, zoo = registered.commands.register(URL)
    assert (acme["organisation"], acme["made"], acme["url"]) == ("acme", "created", f"{URL}/hooks/github")
    assert (zoo["events"], zoo["state"]) == (list(EVENTS), "waiting")
    secret = registered.app.webhook_secret.read()
    assert secret
    assert set(registered.hooks.secrets.values()) == {secret}
    status = registered.commands.status()
    assert (status["secret"], status["without"], len(status["hooks"])) == (True, [], 2)
    assert secret not in str(status)
    assert registered.world.kinds().count("webhook.registered") == 2


def test_registering_again_sets_right_what_is_there_also_under_another_address(
    registered: Registered,
) -> None:
    (made,) = registered.commands.register(URL, ["acme"])
    registered.hooks.change("acme", made["id"], active=False, events=["push"])
    (again,) = registered.commands.register("https://other.example.com/", ["acme"])
    assert (again["id"], again["made"], again["active"]) == (made["id"], "updated", True)
    assert (again["events"], again["url"]) == (list(EVENTS), "https://other.example.com/hooks/github")
    assert len(registered.hooks.hooks("acme")) == 1


def test_a_hook_that_was_made_by_hand_is_adopted_and_one_that_is_gone_forgotten(
    registered: Registered,
) -> None:
    by_hand = registered.hooks.create("acme", f"{URL}/hooks/github", ["*"], "another")
    (adopted,) = registered.commands.register(URL, ["acme"])
    assert (adopted["id"], adopted["made"]) == (by_hand.id, "updated")
    registered.hooks.remove("acme", by_hand.id)
    (anew,) = registered.commands.register(URL, ["acme"])
    assert anew["made"] == "created"
    assert [hook["id"] for hook in registered.commands.status()["hooks"]] == [anew["id"]]


@pytest.mark.parametrize(
    ("url", "server", "target"),
    [
        ("https://s.example.com", "https://api.github.com", "https://s.example.com/hooks/github"),
        (
            "https://s.example.com/steward/",
            "https://api.github.com",
            "https://s.example.com/steward/hooks/github",
        ),
        (
            "https://s.example.com/hooks/github",
            "https://api.github.com",
            "https://s.example.com/hooks/github",
        ),
        ("http://127.0.0.1:8484", "http://127.0.0.1:8485", "http://127.0.0.1:8484/hooks/github"),
    ],
)
def test_an_address_is_completed(url: str, server: str, target: str) -> None:
    assert target_of(url, server) == target


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://s.example.com", "plain HTTP"),
        ("https://localhost:8484", "cannot reach localhost"),
        ("https://192.168.1.5", "cannot reach 192.168.1.5"),
        ("https://[::1]", "cannot reach ::1"),
        ("ftp://s.example.com", "no address of a web server"),
        ("s.example.com", "no address of a web server"),
        ("https://user:pw@s.example.com", "no address of a web server"),
        ("", "no address of a web server"),
    ],
)
def test_an_address_that_github_cannot_use_is_refused_before_anything_is_made(
    registered: Registered, url: str, why: str
) -> None:
    with pytest.raises(Invalid, match=why):
        registered.commands.register(url)
    assert registered.app.webhook_secret.read() is None
    assert registered.hooks.hooks("acme") == []


def test_whoever_may_not_is_refused(registered: Registered) -> None:
    registered.commands.register(URL)
    for grants in ((Grant(Role.APPROVER),), (Grant(Role.ADMIN, 1),)):
        commands = registered.app.webhooks(Principal("user:olga", rights_of(grants)))
        for ask in (
            commands.status,
            commands.ping,
            commands.sweep,
            commands.deliveries,
            lambda made=commands: made.register(URL),
            lambda made=commands: made.retry(1),
        ):
            with pytest.raises(Forbidden, match=Right.WEBHOOKS):
                ask()


def test_a_credential_that_may_not_says_what_it_lacks(registered: Registered) -> None:
    registered.hooks.allowed = False
    with pytest.raises(Unauthorised, match="webhooks of acme"):
        registered.commands.register(URL)
    assert registered.commands.status()["hooks"] == []


def test_a_ping_that_arrives_is_health(registered: Registered) -> None:
    (made,) = registered.commands.register(URL, ["acme"])
    registered.world.clock.advance(1)
    (pinged,) = registered.commands.ping(["acme"])
    assert (pinged["state"], pinged["pinged_at"] != made["pinged_at"]) == ("waiting", True)
    registered.arrives(made["id"], "ping-guid-1")
    hook = registered.commands.status()["hooks"][0]
    assert (hook["state"], hook["last_delivery_at"] is not None) == ("ok", True)
    with pytest.raises(Invalid, match="no webhook is registered"):
        registered.commands.ping(["zoo"])
    with pytest.raises(Unknown):
        registered.commands.sweep(["nobody"])


def test_a_sweep_takes_in_what_was_missed_and_no_more(registered: Registered) -> None:
    (made,) = registered.commands.register(URL, ["acme"])
    shop = next(iter(registered.world.forge.live("acme")))
    registered.hooks.missed(made["id"], "repository", "edited", shop)
    registered.hooks.missed(made["id"], "star", "created", shop)
    (swept,) = registered.commands.sweep()
    assert (swept["listed"], swept["healed"], swept["problem"]) == (3, 3, None)
    states = {row["event"]: (row["state"], row["source"]) for row in registered.commands.deliveries()}
    assert states == {
        "ping": ("ignored", "sweep"),
        "repository": ("pending", "sweep"),
        "star": ("ignored", "sweep"),
    }
    assert registered.commands.sweep()[0]["healed"] == 0
    registered.world.clock.advance(86_400 * 2)
    registered.hooks.missed(made["id"], "repository", "deleted", shop)
    registered.world.clock.advance(86_400 * 2)
    assert registered.commands.sweep()[0]["listed"] == 1, "three days back, and never beyond the last sweep"
    registered.hooks.fail_with = [Unreachable("timed out")]
    assert registered.commands.sweep()[0]["problem"] == "timed out"


def test_a_sweep_that_failed_is_caught_up_with(registered: Registered) -> None:
    (made,) = registered.commands.register(URL, ["acme"])
    registered.tick()
    for _ in range(4):
        registered.hooks.missed(made["id"], "repository", "edited", 5)
        registered.hooks.fail_with = [Unreachable("timed out")]
        registered.tick()
    registered.tick()
    healed = [row for row in registered.commands.deliveries() if row["event"] == "repository"]
    assert len(healed) == 4


def test_what_is_wrong_is_an_incident_that_closes_when_it_is_right(registered: Registered) -> None:
    (made,) = registered.commands.register(URL, ["acme"])
    number = made["id"]

    def causes() -> list[str]:
        registered.world.beat("acme")
        registered.tick()
        return registered.world.open_causes()

    registered.arrives(number, "ping-guid-1")
    assert causes() == []
    registered.hooks.change("acme", number, active=False, events=list(EVENTS))
    assert causes() == ["webhook_failing"]
    assert causes() == ["webhook_failing"]
    (incident,) = registered.world.incidents("open")
    assert incident["evidence"]["reason"] == "the webhook is switched off on GitHub"
    assert (incident["organisation"], incident["severity"], incident["count"]) == ("acme", "warning", 2)
    assert [way["command"] for way in incident["exits"]] == [
        "steward webhook status",
        "steward webhook register",
    ]
    registered.hooks.change("acme", number, active=True, events=["push"])
    assert causes() == ["webhook_failing"]
    registered.hooks.change("acme", number, active=True, events=["*"])
    assert causes() == []
    registered.hooks.answers = 502
    for _ in range(3):
        registered.hooks.missed(number, "push")
    assert causes() == ["webhook_failing"]
    registered.hooks.answers = 202
    registered.hooks.missed(number, "push")
    assert causes() == []
    registered.hooks.allowed = False
    assert causes() == ["webhook_failing"]
    registered.hooks.allowed = True
    registered.hooks.fail_with = [Unreachable("timed out")]
    assert causes() == ["webhook_failing"], "that GitHub does not answer says nothing new"
    assert causes() == []
    assert any("the webhook fails" in title for title in registered.world.deliver())


def test_a_hook_that_github_deletes_is_an_incident_at_once(registered: Registered) -> None:
    (made,) = registered.commands.register(URL, ["acme"])
    registered.arrives(made["id"], "ping-guid-1")
    registered.tick()
    registered.hooks.remove("acme", made["id"])
    with registered.world.store.writing() as tx:
        body = b'{"action": "deleted", "hook_id": 1}'
        at = registered.world.clock.now().at
        take_in(tx, [Delivery(made["id"], "meta-guid-1", "meta", at, body)], registered.app.server)
    registered.world.beat("acme")
    WebhookLoop(registered.app).tick()
    assert registered.world.open_causes() == ["webhook_failing"]
    assert registered.commands.status()["hooks"][0]["reason"] == "GitHub does not have the webhook any more"
    registered.commands.register(URL, ["acme"])
    assert registered.commands.status()["hooks"][0]["state"] == "waiting"


def test_a_hook_whose_ping_never_arrives_is_an_incident(registered: Registered) -> None:
    registered.commands.register(URL, ["acme"])
    WebhookLoop(registered.app).tick()
    assert registered.world.open_causes() == []
    registered.tick()
    assert registered.world.open_causes() == ["webhook_failing"]


def test_hooks_are_asked_about_now_and_then(registered: Registered) -> None:
    registered.commands.register(URL, ["acme"])
    loop = WebhookLoop(registered.app)
    loop.tick()
    checked = registered.commands.status()["hooks"][0]["checked_at"]
    registered.world.clock.advance(200)
    loop.tick()
    assert registered.commands.status()["hooks"][0]["checked_at"] == checked
    registered.world.clock.advance(101)
    loop.tick()
    assert registered.commands.status()["hooks"][0]["checked_at"] != checked
    registered.world.jump(-7200)
    loop.tick()
    assert registered.commands.status()["hooks"][0]["checked_at"] == stamp(registered.world.clock.now().at)


def test_deliveries_are_paged_and_one_can_be_worked_on_anew(registered: Registered) -> None:
    (made,) = registered.commands.register(URL, ["acme"])
    for number in range(5):
        registered.arrives(made["id"], f"guid-{number:04}")
    first = registered.commands.deliveries(limit=2)
    assert [row["guid"] for row in first] == ["guid-0004", "guid-0003"]
    assert "body" not in str(first)
    older = registered.commands.deliveries(before=first[-1]["id"], limit=2)
    assert [row["guid"] for row in older] == ["guid-0002", "guid-0001"]
    assert registered.commands.deliveries(states=["failed"]) == []
    with pytest.raises(Invalid, match="asks for no look"):
        registered.commands.retry(first[0]["id"])
    with pytest.raises(Unknown):
        registered.commands.retry(12_345)
    registered.hooks.missed(made["id"], "repository", "edited", 5)
    registered.commands.sweep()
    (row,) = registered.commands.deliveries(states=["pending"])
    rung = registered.app.bell.rung
    again = registered.commands.retry(row["id"])
    assert (again["state"], again["attempts"], registered.app.bell.rung) == ("pending", 0, rung + 1)


def test_an_installation_without_organisations_says_what_to_do(registered: Registered) -> None:
    app = replace(registered.app, logins=[])
    with pytest.raises(Invalid, match="no organisation is configured"):
        app.webhooks(ANYONE).register(URL)
