"""What people and robots do to the branches of a FakeForge, and what is told of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from steward.domain.deliveries import names
from steward.domain.hands import Sender
from steward.domain.repository import Repo
from steward.ports.errors import Unreachable
from steward.testing.branches import BUILDER, NOWHERE, Pushed, account
from steward.testing.building import FakeForgeWrite
from steward.testing.clock import FakeClock
from steward.testing.forge import FakeForge
from steward.testing.gate import Gate
from steward.testing.tools import GatedForge


class Scene:
    """One repository of ours, its deliveries so far let go."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.world = FakeForge(self.clock)
        self.world.add_organisation("acme")
        self.forge = FakeForgeWrite(self.world)
        made, _ = self.forge.ensure_repository(
            "acme", "shop", marker="m", description="", visibility="private"
        )
        self.repo: Repo = made
        self.first = self.forge.tip(made.id, "main") or ""
        self.forge.deliveries.clear()
        self.clock.advance(10.7)

    def only(self) -> Pushed:
        (found,) = self.forge.deliveries
        return found


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_push_moves_pushed_at_in_whole_seconds_and_is_told(scene: Scene) -> None:
    before = scene.world.live("acme")[scene.repo.id].pushed_at
    sha = scene.forge.person_push(scene.repo.id, "main", {"a": b"1"}, "bob", message="Fix")
    at = scene.world.live("acme")[scene.repo.id].pushed_at
    assert before is not None
    assert at == (before + timedelta(seconds=10.7)).replace(microsecond=0)
    told = scene.only()
    assert (told.branch, told.before, told.after, told.forced) == ("main", scene.first, sha, False)
    assert told.sender == account("bob")
    shown = scene.forge.told(sha)
    assert (shown.parents, shown.message, shown.login, shown.account, shown.at) == (
        (scene.first,),
        "Fix",
        "bob",
        "User",
        at,
    )


def test_a_delivery_reads_as_githubs_does(scene: Scene) -> None:
    sha = scene.forge.robot_push(scene.repo.id, "steward/op-1", {"a": b"1"})
    payload = json.loads(json.dumps(scene.only().payload()))
    assert (payload["before"], payload["created"], payload["deleted"]) == (NOWHERE, True, False)
    subject = names("push", payload)
    assert (subject.ref, subject.after) == ("refs/heads/steward/op-1", sha)
    assert (subject.repository_id, subject.owner_id) == (scene.repo.id, scene.repo.owner_id)
    assert subject.sender == replace(account("dependabot[bot]", "Bot"), before=NOWHERE)
    assert isinstance(payload["repository"]["pushed_at"], int)


def test_our_own_moves_are_told_as_ours(scene: Scene) -> None:
    head = scene.forge.commit(scene.repo.id, "steward/op-1", {"a": b"1"})
    pull = scene.forge.ensure_pull(scene.repo.id, head="steward/op-1", base="main", title="t", body="")
    scene.forge.deliveries.clear()
    made = scene.forge.merge(scene.repo.id, pull.number, sha=head, title="Work", message="Seal")
    told = scene.only()
    assert (told.before, told.after, told.sender) == (scene.first, made.merge_sha, BUILDER)
    shown = scene.forge.told(made.merge_sha or "")
    assert (shown.message, shown.parents) == ("Work\n\nSeal", (scene.first, head))


def test_forcing_and_deleting_are_told(scene: Scene) -> None:
    number = scene.repo.id
    pushed = scene.forge.person_push(number, "main", {"a": b"1"})
    assert scene.forge.person_force_push(number, "main") == scene.first
    aside = scene.forge.person_force_push(number, "main", {"b": b"2"}, "bob", onto=pushed)
    assert scene.forge.held(aside) == ((pushed,), {"README.md": b"# shop\n", "a": b"1", "b": b"2"})
    forced = scene.forge.person_force_push(number, "main", {"c": b"3"})
    assert scene.forge.held(forced)[0] == (pushed,)
    scene.forge.person_push(number, "steward/op-1", {"c": b"4"})
    scene.forge.person_delete_branch(number, "steward/op-1")
    told = [(one.forced, one.after is None) for one in scene.forge.deliveries]
    assert told == [
        (False, False),
        (True, False),
        (False, False),
        (True, False),
        (False, False),
        (False, True),
    ]
    assert scene.forge.deliveries[-1].payload()["after"] == NOWHERE
    assert scene.forge.tip(number, "steward/op-1") is None


@pytest.mark.parametrize(("how", "parents"), [("merge", 2), ("squash", 1), ("rebase", 1)])
def test_a_person_merges_on_the_web_page(scene: Scene, how: str, parents: int) -> None:
    number = scene.repo.id
    scene.forge.commit(number, "steward/op-1", {"a": b"1"})
    head = scene.forge.commit(number, "steward/op-1", {"b": b"2"})
    pull = scene.forge.ensure_pull(number, head="steward/op-1", base="main", title="t", body="").number
    scene.forge.person_push(number, "main", {"c": b"3"})
    scene.forge.deliveries.clear()
    tip = scene.forge.person_merge(number, pull, how, "bob")
    assert scene.only().sender == account("bob")
    assert scene.forge.merged_as(number, pull) == (head, tip)
    found = scene.forge.compare(number, scene.first, tip)
    assert not found.forced
    assert set(found.files) == {"a", "b", "c"}
    assert len(scene.forge.told(tip).parents) == parents
    assert len(found.commits) == {"merge": 4, "squash": 2, "rebase": 3}[how]
    assert (head in {one.sha for one in found.commits}) is (how == "merge")


def test_bounds_of_a_comparison_and_lost_commits(scene: Scene) -> None:
    number = scene.repo.id
    scene.forge.person_push(number, "main", {f"f{one}": b"1" for one in range(3)})
    tip = scene.forge.person_push(number, "main", {"g": b"1"})
    scene.forge.most_commits = 1
    assert not scene.forge.compare(number, scene.first, tip).whole
    scene.forge.most_commits, scene.forge.most_files = 2, 4
    assert not scene.forge.compare(number, scene.first, tip).whole
    scene.forge.most_files = 5
    assert scene.forge.compare(number, scene.first, tip).whole
    scene.forge.lose(scene.first)
    found = scene.forge.compare(number, scene.first, tip)
    assert (found.forced, found.whole) == (True, False)


def test_rules_that_we_may_not_see_are_unknown_and_calls_can_fail(scene: Scene) -> None:
    scene.forge.ensure_branch_rule(scene.repo.id, ["test"])
    assert scene.forge.shown(scene.repo.id, "main").rule is True
    scene.forge.remove_rule(scene.repo.id)
    assert scene.forge.shown(scene.repo.id, "main").rule is False
    scene.forge.rules_seen = False
    assert scene.forge.shown(scene.repo.id, "main").rule is None
    scene.forge.fail("heads")
    with pytest.raises(Unreachable):
        scene.forge.heads(scene.repo.id, "main", "steward/")
    assert scene.forge.heads(scene.repo.id, "main", "steward/").default == scene.first


def test_the_new_changes_pass_the_gate() -> None:
    world, gate = FakeForge(FakeClock()), Gate()
    world.add_organisation("acme")
    forge = GatedForge(world, gate)
    made, _ = forge.ensure_repository("acme", "shop", marker="m", description="", visibility="public")
    forge.ensure_secret(made.id, "A", "1")
    forge.ensure_variable(made.id, "B", "2")
    forge.mend(made.id, "visibility", "private")
    forge.heads(made.id, "main", "steward/")
    assert gate.names[1:] == ["forge.ensure_secret", "forge.ensure_variable", "forge.mend"]
    assert forge.changes[1:] == ["secret A", "variable B", "mend visibility private"]


def test_accounts_keep_their_ids() -> None:
    assert account("bob") == account("bob")
    assert account("bob").id != account("anna").id
    assert account("renovate[bot]", "Bot") == Sender(account("renovate[bot]").id, "renovate[bot]", "Bot")
