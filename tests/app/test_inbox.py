"""The inbox: one look however many name it, nothing done before its look, and every retry bounded."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from steward.adapters.store import open_store
from steward.app.inbox import ATTEMPTS_MAX, Inbox, take_in
from steward.app.service import OrganisationLoop
from steward.domain.deliveries import Delivery, Hook
from steward.domain.hands import Sender
from steward.domain.repository import Unclear
from steward.domain.rules import Rules
from steward.ports import Permanent, RateLimited, Transient, Unreachable
from steward.testing.world import World

COUNTER = itertools.count(1)


class Worked:
    """A world with deliveries: `arrives` takes one in, `tick` works on them."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.world = World(open_store("sqlite://"), rules=rules)
        for name in ("shop", "blog", "api", "bot", "site"):
            self.world.forge.create("acme", name)
        self.world.clock.advance(3600)
        number = self.world.organisation().id
        self.lines: list[str] = []
        inbox = Inbox(self.world.app, self.world.lease, number)
        self.loop = OrganisationLoop(self.world.app, self.world.heartbeat, number, self.lines.append, inbox)
        with self.world.store.writing() as tx:
            tx.save_hook(
                Hook(7, number, "https://x.test/hooks/github", ("*",), True, self.world.clock.now().at)
            )
        self.tick()

    def repo(self, name: str) -> int:
        """The number of a repository."""
        return next(r.id for r in self.world.forge.live("acme").values() if r.name == name)

    def arrives(self, event: str, payload: dict[str, Any], hook: int = 7) -> None:
        """Take a delivery in."""
        guid, at = f"guid-{next(COUNTER):06}", self.world.clock.now().at
        made = Delivery(hook, guid, event, at, json.dumps(payload).encode())
        with self.world.store.writing() as tx:
            assert take_in(tx, [made], self.world.app.server) == [True]

    def named(self, *numbers: int, action: str = "edited", event: str = "repository") -> None:
        """Deliveries that name repositories."""
        for number in numbers:
            self.arrives(event, {"action": action, "repository": {"id": number}})

    def tick(self) -> int:
        """Work until there is nothing more; return how many requests that took."""
        before = self.world.forge.requests
        while self.loop.tick() == 0.0:
            pass
        return self.world.forge.requests - before

    def deliveries(self) -> list[Delivery]:
        """Oldest first."""
        with self.world.store.reading() as view:
            return list(reversed(view.deliveries(limit=10_000)))

    def states(self) -> set[str]:
        """What became of them."""
        return {str(delivery.state) for delivery in self.deliveries()}


@pytest.fixture
def worked() -> Any:
    """Five repositories that have come in."""
    made = Worked()
    yield made
    made.world.store.close()


def test_a_hundred_deliveries_for_two_repositories_are_two_reads(worked: Worked) -> None:
    shop, blog = worked.repo("shop"), worked.repo("blog")
    worked.world.forge.rename(shop, "store")
    worked.named(*[shop, blog] * 50)
    assert worked.tick() == 2
    assert worked.states() == {"done"}
    assert worked.world.tracked(shop).repository.repo.name == "store"
    looks = {delivery.look for delivery in worked.deliveries()}
    assert len(looks) == 1
    assert "repository.renamed" in worked.world.kinds(), "published at once"


def test_more_repositories_than_a_round_reads_are_listed_instead() -> None:
    worked = Worked(Rules(reads_per_round=3))
    worked.world.clock.advance(60)
    shop, blog, api, bot = (worked.repo(name) for name in ("shop", "blog", "api", "bot"))
    worked.world.forge.archive(shop)
    worked.named(shop, blog, api, bot)
    assert worked.tick() == 1, "one page"
    assert worked.states() == {"done"}
    assert worked.world.open_causes() == ["archived_on_github"]
    worked.named(shop, blog, api, bot)
    assert worked.tick() == 4, "not again at once: read one by one"
    assert worked.states() == {"done"}
    worked.world.store.close()


def test_what_names_the_whole_organisation_is_one_listing(worked: Worked) -> None:
    worked.world.forge.rename_organisation("acme", "emca")
    payload = {"action": "renamed", "organization": {"id": 1}}
    worked.arrives("organization", payload)
    worked.arrives("organization", payload)
    assert worked.tick() == 1
    assert worked.world.organisation().login == "emca"
    assert worked.states() == {"done"}


def test_a_repository_that_nobody_knew_comes_in_by_its_delivery(worked: Worked) -> None:
    fresh = worked.world.forge.create("acme", "fresh")
    other = worked.world.forge.transfer(worked.world.forge.create("acme", "gift").id, "strangers")
    worked.named(fresh.id, other.id, 999_999, action="created")
    worked.tick()
    assert worked.world.status(fresh.id) == "discovered"
    assert {p.slug for p in worked.world.projects()} == {"api", "blog", "bot", "shop", "site", "fresh"}
    assert worked.states() == {"done"}
    assert any("1 new on GitHub" in title for title in worked.world.deliver())


def test_one_that_is_born_for_a_project_is_found_by_its_delivery(worked: Worked) -> None:
    fresh = worked.world.forge.create("acme", "fresh", archived=True)
    worked.named(fresh.id, action="created")
    worked.tick()
    assert worked.world.status(fresh.id) == "archived"


@pytest.mark.parametrize("fault", [Unreachable("timed out"), Unclear("HTML"), Permanent("refused", "")])
def test_a_look_that_fails_leaves_the_delivery_waiting_and_is_bounded(
    fault: Transient | Permanent | Unclear,
) -> None:
    worked = Worked(Rules(interval_s=1e9))
    shop = worked.repo("shop")
    worked.world.forge.script_reads(shop, *[fault] * 1000)
    worked.named(shop)
    worked.tick()
    (waits,) = worked.deliveries()
    assert (waits.state, waits.attempts) == ("pending", 1)
    assert waits.error in ("timed out", "HTML", "refused")
    assert waits.next_at is not None
    assert worked.tick() == 0, "not again at once"
    asked = 0
    for _ in range(ATTEMPTS_MAX):
        worked.world.clock.advance(3700)
        asked += worked.tick()
    (gave_up,) = worked.deliveries()
    assert (gave_up.state, gave_up.attempts) == ("failed", ATTEMPTS_MAX)
    assert asked == ATTEMPTS_MAX - 1
    assert worked.world.state(shop) == "seen"
    worked.world.store.close()


def test_a_rate_limit_is_waited_for(worked: Worked) -> None:
    shop = worked.repo("shop")
    later = worked.world.clock.now().at.replace(year=2030)
    worked.world.forge.script_reads(shop, RateLimited("used up", later))
    worked.named(shop)
    worked.tick()
    assert worked.deliveries()[0].next_at == later


def test_a_process_that_dies_before_the_end_does_it_again(worked: Worked) -> None:
    shop = worked.repo("shop")
    worked.world.forge.rename(shop, "store")
    worked.named(shop)
    waiting = worked.loop._inbox.pull()
    report = worked.world.heartbeat.look_at(worked.world.organisation().id, [shop], {})
    assert report is not None
    assert len(waiting.rows) == 1
    # The look is committed, its delivery is not settled: here the process dies.
    assert worked.states() == {"pending"}
    events = len(worked.world.kinds())
    worked.tick()
    assert worked.states() == {"done"}
    assert len(worked.world.kinds()) == events, "a second look tells nothing twice"


def test_a_deletion_that_a_replica_does_not_know_yet_is_looked_at_again(worked: Worked) -> None:
    shop = worked.repo("shop")
    worked.named(shop, action="deleted")
    worked.tick()
    assert worked.states() == {"pending"}
    assert "can be read still" in worked.deliveries()[0].error
    worked.world.forge.delete(shop)
    worked.world.clock.advance(20)
    worked.tick()
    assert worked.states() == {"done"}
    assert worked.world.tracked(shop).repository.vouched == f"delivery:{worked.deliveries()[0].guid}"


def test_a_deletion_that_was_taken_back_is_not_held_against_it_later(worked: Worked) -> None:
    shop = worked.repo("shop")
    worked.named(shop, action="deleted")
    for _ in range(5):
        worked.tick()
        worked.world.clock.advance(60)
    assert worked.states() == {"done"}
    assert worked.world.tracked(shop).repository.vouched == ""
    worked.world.forge.select("acme", [])
    worked.world.settle()
    assert worked.world.state(shop) == "inaccessible"


def test_evidence_of_a_deletion_needs_no_canary_and_no_grace() -> None:
    worked = Worked(Rules(grace_s=120))
    fresh = worked.world.forge.create("acme", "fresh").id
    worked.named(fresh, action="created")
    worked.tick()
    worked.world.forge.delete(fresh)
    worked.world.forge.select("acme", list(worked.world.forge.live("acme")))
    worked.named(fresh, action="deleted")
    worked.tick()
    row = worked.world.tracked(fresh).repository
    assert (row.presence, row.absences) == ("absent", 1)
    absent = [event for event in worked.world.events() if event.kind == "repository.absent"]
    assert [event.why for event in absent] == ["404 by id, and its deletion was told"], (
        "access is not claimed"
    )
    worked.world.settle()
    assert worked.world.status(fresh) == "missing"
    worked.world.store.close()


def test_without_that_evidence_the_same_404_proves_nothing(worked: Worked) -> None:
    shop = worked.repo("shop")
    worked.world.forge.select("acme", [i for i in worked.world.forge.live("acme") if i != shop])
    worked.named(shop)
    worked.tick()
    assert worked.world.state(shop) == "inaccessible"


def test_a_404_whose_access_could_not_be_checked_is_tried_again(worked: Worked) -> None:
    shop, blog = worked.repo("shop"), worked.repo("blog")
    worked.world.forge.delete(shop)
    for number in worked.world.forge.live("acme"):
        worked.world.forge.script_reads(number, Unreachable("timed out"))
    worked.named(shop)
    worked.tick()
    assert (worked.states(), worked.world.state(shop)) == ({"pending"}, "seen")
    worked.world.forge.clear_faults()
    worked.world.clock.advance(10)
    worked.tick()
    assert (worked.states(), worked.world.state(shop)) == ({"done"}, "absent")
    assert worked.world.state(blog) == "seen"


def test_a_persons_word_outlives_a_delivery(worked: Worked) -> None:
    shops = [worked.repo(name) for name in ("shop", "blog", "api", "bot")]
    for shop in shops:
        worked.world.forge.delete(shop)
    worked.world.settle()
    assert worked.world.open_causes() == ["mass_loss"]
    worked.world.deciding().reject("acme")
    worked.named(*shops, action="deleted")
    worked.tick()
    assert {worked.world.state(shop) for shop in shops} == {"inaccessible"}


def test_deliveries_wait_for_the_first_look_of_a_process(worked: Worked) -> None:
    shop = worked.repo("shop")
    worked.named(shop)
    worked.world.restart()
    number = worked.world.organisation().id
    inbox = Inbox(worked.world.app, worked.world.lease, number)
    assert inbox.look(worked.world.heartbeat, inbox.pull()) is None
    assert worked.states() == {"pending"}
    worked.loop = OrganisationLoop(worked.world.app, worked.world.heartbeat, number, print, inbox)
    worked.tick()
    assert worked.states() == {"done"}


def test_a_beat_answers_all_but_deletions(worked: Worked) -> None:
    shop, blog = worked.repo("shop"), worked.repo("blog")
    worked.world.forge.delete(shop)
    worked.named(blog)
    worked.named(shop, action="deleted")
    worked.world.clock.advance(400)
    worked.tick()
    assert worked.states() == {"done"}
    assert worked.world.tracked(shop).repository.vouched.startswith("delivery:")
    home = worked.world.organisation().id
    with worked.world.store.reading() as view:
        kinds = [(look.kind, look.asked_by) for look in view.looks(home, 2)]
    assert kinds == [("single", "webhook"), ("full", "interval")]


def test_a_failed_whole_look_leaves_what_asked_for_it_waiting(worked: Worked) -> None:
    worked.world.forge.script_listings("acme", Unreachable("timed out"))
    worked.arrives("organization", {"action": "renamed"})
    worked.named(worked.repo("shop"))
    worked.tick()
    whole, single = worked.deliveries()
    assert (whole.state, whole.error, single.state) == ("pending", "timed out", "done")
    worked.world.clock.advance(10)
    worked.tick()
    assert worked.states() == {"done"}


def test_a_delivery_of_no_hook_of_ours_is_routed_by_what_is_recorded(worked: Worked) -> None:
    shop = worked.repo("shop")
    owner = worked.world.organisation().owner_id
    worked.arrives("repository", {"repository": {"id": shop, "owner": {"id": 5}}}, hook=-44)
    worked.arrives("repository", {"repository": {"id": 5, "owner": {"id": owner}}}, hook=-44)
    worked.arrives("repository", {"repository": {"id": 5, "owner": {"id": 5}}}, hook=-44)
    assert [d.organisation_id for d in worked.deliveries()] == [1, 1, None]
    worked.tick()
    assert [str(d.state) for d in worked.deliveries()] == ["done", "done", "ignored"]


def test_a_hook_that_was_deleted_is_to_be_checked_at_once(worked: Worked) -> None:
    worked.arrives("meta", {"action": "deleted", "hook_id": 7})
    with worked.world.store.reading() as view:
        hook = view.hook(7)
    assert hook is not None
    assert (hook.checked_at, "any more" in hook.failure) == (None, True)


def test_a_push_is_kept_with_where_it_led_and_who_made_it(worked: Worked) -> None:
    shop = worked.repo("shop")
    sender = {"id": 77, "login": "eve", "type": "User"}
    worked.arrives(
        "push", {"ref": "refs/heads/main", "after": "c0ffee", "sender": sender, "repository": {"id": shop}}
    )
    worked.arrives("repository", {"action": "edited", "sender": sender, "repository": {"id": shop}})
    push, edited = worked.deliveries()
    assert (push.after, push.sender) == ("c0ffee", Sender(77, "eve", "User"))
    assert (edited.after, edited.sender) == ("", None)
    with worked.world.store.reading() as view:
        assert view.senders(shop, ["c0ffee"]) == {"c0ffee": Sender(77, "eve", "User")}


def test_pushes_to_our_own_branches_are_looked_at_and_to_others_are_not(worked: Worked) -> None:
    shop = worked.repo("shop")
    for ref in ("refs/heads/steward/op-1", "refs/heads/stewards", "refs/tags/steward/v1"):
        worked.arrives("push", {"ref": ref, "repository": {"id": shop}})
    assert worked.tick() == 1
    assert [str(d.state) for d in worked.deliveries()] == ["done", "ignored", "ignored"]
