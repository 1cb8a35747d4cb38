"""What happens is shown in the chats that it concerns, once, from the moment on at which they were connected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from steward.adapters.store.store import SqlStore
from steward.app.attending import Attending
from steward.app.filing import file_reports, told
from steward.app.following import BATCH, PROGRESS_S, Following, card_key
from steward.app.policy import Policy
from steward.app.posting import want
from steward.domain.chats import Chat, ChatKind, Post, PostState
from steward.domain.incidents import Cause, Report, Severity
from steward.domain.journal import Event, Kind
from steward.domain.people import Grant, Role, User, local
from steward.ports import Store
from steward.testing.driven import Driven, GatedStore
from steward.testing.engine import Crashed
from steward.testing.gate import Gate

ANNA, MARTA, VERA, GUEST, TEAM = 1, 2, 3, 4, -100
"""An operator who orders, an approver, a viewer, somebody without rights; a group that the approver connected."""
ROLES = {"anna": Role.OPERATOR, "marta": Role.APPROVER, "vera": Role.VIEWER, "guest": None}
Make = Callable[..., Driven]


def settle(driven: Driven, *, chats: bool = True) -> Following:
    """Let people come, with a chat each."""
    at = driven.clock.now().at
    with driven.store.writing() as tx:
        for name, role in ROLES.items():
            tx.add_user(User(0, name, at, (Grant(role),) if role else ()))
    if chats:
        connect(driven)
    driven.store.publish()
    return Following(driven.app, driven.lease)


def connect(driven: Driven) -> None:
    """Connect their chats, and the group."""
    at = driven.clock.now().at
    with driven.store.writing() as tx:
        for number, name in enumerate(ROLES, 1):
            tx.save_chat(Chat(number, ChatKind.PRIVATE, name, at))
        tx.save_chat(Chat(TEAM, ChatKind.GROUP, "marta", at, thread_id=7))


def follow(driven: Driven, following: Following) -> None:
    """Let it follow to the end."""
    driven.store.publish()
    while following.tick() == 0.0:
        pass


def shown(driven: Driven, kind: str) -> dict[int, list[str]]:
    """The keys of the posts of that kind, by chat."""
    found: dict[int, list[str]] = {}
    with driven.store.reading() as view:
        for post in view.posts((), 500):
            if post.kind == kind:
                found.setdefault(post.chat_id, []).append(post.key)
    return {chat: sorted(keys) for chat, keys in sorted(found.items())}


def report(driven: Driven, severity: Severity, *, stands: bool = True, project: str | None = None) -> None:
    """Something is wrong, or not any more."""
    home = driven.organisation().id
    what = Report("k", Cause.SITE_DOWN, 1, stands, severity, "down", home, project, now=True)
    with told(driven.store) as tx:
        file_reports(tx, [what], driven.clock.now().at, "health", [])


@pytest.fixture
def follows(driven: Driven) -> Following:
    return settle(driven)


def order(driven: Driven, actor: str = "user:anna") -> str:
    driven.building(actor).draft("shop", organisation="acme", wish=driven.wish())
    return driven.project().id


# The road -----------------------------------------------------------------------------------------------


def test_a_card_is_shown_to_whoever_ordered_it_and_the_gate_to_approvers(
    driven: Driven, follows: Following
) -> None:
    key = order(driven)
    follow(driven, follows)
    assert shown(driven, "project") == {TEAM: [card_key(key)], ANNA: [card_key(key)]}
    gate = f"gate:{key}:{driven.project().version}"
    assert set(shown(driven, "gate")) == {ANNA, MARTA, TEAM}
    assert shown(driven, "gate")[MARTA] == [gate]
    with driven.store.reading() as view:
        post = view.post(TEAM, gate)
    assert post is not None
    assert (post.thread_id, post.state, post.urgent) == (7, PostState.WANTED, False)
    assert dict(post.data) == {"project": key, "version": driven.project().version, "status": "draft"}


def test_an_estimate_is_shown_where_it_can_be_confirmed_and_to_whoever_ordered_it(
    driven: Driven, follows: Following
) -> None:
    key = order(driven)
    driven.building("user:marta").approve("shop")
    driven.drive()
    follow(driven, follows)
    assert shown(driven, "gate") == {}, "it was approved before anybody was told"
    assert shown(driven, "estimate") == {chat: [f"estimate:{key}:1"] for chat in (TEAM, ANNA, MARTA)}


def test_a_release_is_told_with_its_number_and_the_road_asks_nothing_more(
    driven: Driven, follows: Following
) -> None:
    driven.live()
    follow(driven, follows)
    key = driven.project().id
    assert set(shown(driven, "live")) == {TEAM}, "local:anna ordered it, who has no chat"
    assert shown(driven, "live")[TEAM] == [f"live:{key}:1"]
    assert shown(driven, "gate") == {}


def test_a_release_that_serves_no_more_is_not_told(driven: Driven, follows: Following) -> None:
    driven.live()
    project, at = driven.project(), driven.clock.now().at
    with driven.store.writing() as tx:
        tx.save_project(replace(project, live=None), at)
    follow(driven, follows)
    assert shown(driven, "live") == {}


def test_a_deployment_that_asks_is_a_gate(make_driven: Make) -> None:
    driven = make_driven(Policy(deploy_asks=True))
    follows = settle(driven)
    driven.live()
    follow(driven, follows)
    assert driven.project().status == "verified"
    assert set(shown(driven, "gate")) == {MARTA, TEAM}


def test_gates_of_before_are_drawn_again_when_they_are_settled(driven: Driven, follows: Following) -> None:
    key = order(driven)
    follow(driven, follows)
    gate = shown(driven, "gate")[MARTA][0]
    sent(driven, MARTA, gate)
    driven.building("user:marta").approve("shop")
    follow(driven, follows)
    with driven.store.reading() as view:
        post = view.post(MARTA, gate)
    assert post is not None
    assert (post.state, post.message_id) == (PostState.WANTED, 5)
    driven.drive()
    follow(driven, follows)
    sent(driven, MARTA, f"estimate:{key}:1")
    driven.building("user:marta").confirm("shop")
    follow(driven, follows)
    with driven.store.reading() as view:
        again = view.post(MARTA, f"estimate:{key}:1")
    assert again is not None
    assert again.state is PostState.WANTED


def sent(driven: Driven, chat_id: int, key: str) -> None:
    """It was sent."""
    with driven.store.writing() as tx:
        post = tx.post(chat_id, key)
        assert post is not None
        tx.save_post(replace(post, state=PostState.SHOWN, message_id=5, shown="x"))


def test_holds_draw_the_card_anew(driven: Driven, follows: Following) -> None:
    key = order(driven)
    follow(driven, follows)
    hands = driven.app.hands(local("user:anna"))
    acts: list[Callable[[], object]] = [lambda: hands.pause("shop"), lambda: hands.leave("shop")]
    for act in acts:
        sent(driven, ANNA, card_key(key))
        act()
        follow(driven, follows)
        with driven.store.reading() as view:
            post = view.post(ANNA, card_key(key))
        assert post is not None
        assert post.state is PostState.WANTED


def test_the_card_of_what_runs_is_drawn_anew_as_it_goes_on(driven: Driven, follows: Following) -> None:
    key = order(driven)
    driven.building("user:marta").approve("shop")
    follow(driven, follows)
    sent(driven, ANNA, card_key(key))
    operation = driven.operations()[0]
    with driven.store.writing() as tx:
        tx.save_operation(replace(operation, progress=replace(operation.progress, number=2, text="on it")))
    follow(driven, follows)
    assert state(driven, ANNA, card_key(key)) is PostState.SHOWN, "not at each moment"
    driven.clock.advance(PROGRESS_S)
    follow(driven, follows)
    assert state(driven, ANNA, card_key(key)) is PostState.WANTED
    sent(driven, ANNA, card_key(key))
    driven.clock.advance(PROGRESS_S)
    follow(driven, follows)
    assert state(driven, ANNA, card_key(key)) is PostState.SHOWN, "it did not go on"


def state(driven: Driven, chat_id: int, key: str) -> PostState | None:
    with driven.store.reading() as view:
        post = view.post(chat_id, key)
    return post.state if post else None


# Groups -------------------------------------------------------------------------------------------------


def test_a_group_follows_its_organisation_alone_and_what_is_driven_there(
    driven: Driven, follows: Following
) -> None:
    with driven.store.writing() as tx:
        group = tx.chat(TEAM)
        assert group is not None
        other = tx.add_organisation("other", driven.forge.server)
        tx.save_chat(replace(group, organisation_id=other.id))
    key = order(driven)
    report(driven, Severity.ERROR)
    follow(driven, follows)
    assert TEAM not in {**shown(driven, "project"), **shown(driven, "gate"), **shown(driven, "incident")}
    home = driven.organisation().id
    with driven.store.writing() as tx:
        tx.save_chat(replace(group, organisation_id=home))
    driven.commands("user:anna").own("shop", "Anna")
    follow(driven, follows)
    assert shown(driven, "project")[TEAM] == [card_key(key)]
    driven.commands("user:anna").manage("shop", "watch")
    sent(driven, TEAM, card_key(key))
    with driven.store.writing() as tx:
        tx.drop_post(TEAM, card_key(key))
    driven.commands("user:anna").own("shop", "Boris")
    follow(driven, follows)
    assert TEAM not in shown(driven, "project"), "it is only watched"


# Incidents ----------------------------------------------------------------------------------------------


def test_an_incident_is_told_to_whoever_may_see_it(driven: Driven, follows: Following) -> None:
    report(driven, Severity.CRITICAL)
    follow(driven, follows)
    number = driven.incidents()[0]["id"]
    assert shown(driven, "incident") == {chat: [f"incident:{number}"] for chat in (TEAM, ANNA, MARTA, VERA)}
    with driven.store.reading() as view:
        post = view.post(ANNA, f"incident:{number}")
    assert post is not None
    assert (post.urgent, dict(post.data)) == (True, {"incident": number})


@pytest.mark.parametrize(("severity", "urgent"), [("warning", False), ("error", False), ("critical", True)])
def test_only_what_is_critical_goes_through_quiet_hours(
    driven: Driven, follows: Following, severity: str, urgent: bool
) -> None:
    report(driven, Severity(severity))
    follow(driven, follows)
    with driven.store.reading() as view:
        assert [post.urgent for post in view.posts((), 10)] == [urgent] * 4


def test_what_is_of_no_consequence_is_not_told(driven: Driven, follows: Following) -> None:
    report(driven, Severity.INFO)
    follow(driven, follows)
    assert shown(driven, "incident") == {}


def test_what_was_over_before_anybody_was_told_is_not_told(driven: Driven, follows: Following) -> None:
    report(driven, Severity.ERROR)
    report(driven, Severity.ERROR, stands=False)
    follow(driven, follows)
    assert shown(driven, "incident") == {}


def test_an_incident_that_changes_is_drawn_anew_where_it_is(driven: Driven, follows: Following) -> None:
    report(driven, Severity.ERROR)
    follow(driven, follows)
    number = driven.incidents()[0]["id"]
    key = f"incident:{number}"
    attending = Attending(driven.store, driven.clock, local("user:anna"))
    for act in (
        lambda: attending.acknowledge(number),
        lambda: attending.mute(number, 60),
        lambda: attending.unmute(number),
        lambda: report(driven, Severity.ERROR, stands=False),
    ):
        sent(driven, VERA, key)
        act()
        follow(driven, follows)
        assert state(driven, VERA, key) is PostState.WANTED
    assert set(shown(driven, "incident")) == {TEAM, ANNA, MARTA, VERA}


def test_what_is_muted_opens_nowhere(driven: Driven, follows: Following) -> None:
    report(driven, Severity.ERROR)
    Attending(driven.store, driven.clock, local("user:anna")).mute(driven.incidents()[0]["id"], 3600)
    follow(driven, follows)
    assert shown(driven, "incident") == {}


# From now on, and once ----------------------------------------------------------------------------------


def test_a_chat_that_is_connected_later_begins_at_then(driven: Driven) -> None:
    follows = settle(driven, chats=False)
    order(driven)
    report(driven, Severity.CRITICAL)
    driven.clock.advance(60)
    connect(driven)
    follow(driven, follows)
    with driven.store.reading() as view:
        assert view.posts((), 10) == []
        assert view.followed() == view.last_position()
    driven.clock.advance(60)
    driven.building("user:marta").approve("shop")
    follow(driven, follows)
    assert set(shown(driven, "project")) >= {ANNA}


def test_a_long_history_is_left_behind_where_there_is_nobody_to_tell(driven: Driven) -> None:
    follows = settle(driven, chats=False)
    at = driven.clock.now().at
    with told(driven.store) as tx:
        tx.append([Event(Kind.INCIDENT_OPENED, at, "test", data={"incident_id": 1})] * (BATCH + 50))
    assert follows.tick() > 0
    with driven.store.reading() as view:
        assert view.followed() == view.last_position() > BATCH


def test_who_left_or_stopped_the_bot_is_told_nothing(driven: Driven, follows: Following) -> None:
    at = driven.clock.now().at
    with driven.store.writing() as tx:
        marta, anna = tx.user("marta"), tx.chat(ANNA)
        assert marta is not None
        assert anna is not None
        tx.save_user(replace(marta, disabled_at=at))
        tx.save_chat(replace(anna, blocked_at=at))
    order(driven)
    report(driven, Severity.CRITICAL)
    follow(driven, follows)
    assert set(shown(driven, "incident")) == {VERA}
    assert shown(driven, "gate") == {}


def test_events_that_are_followed_twice_change_nothing_twice(driven: Driven, follows: Following) -> None:
    order(driven)
    report(driven, Severity.ERROR)
    follow(driven, follows)
    before = keys(driven.store)
    with driven.store.writing() as tx:
        tx.follow_to(0)
    follow(driven, follows)
    assert keys(driven.store) == before


def keys(store: Store) -> list[tuple[int, str]]:
    with store.reading() as view:
        return sorted((post.chat_id, post.key) for post in view.posts((), 1_000))


@pytest.fixture
def gated(store: SqlStore, tmp_path: Path) -> tuple[Driven, Gate]:
    """On both databases: what follows dies before or after a write."""
    return Driven(store, tmp_path / "work"), Gate()


@pytest.mark.parametrize("after", [False, True])
def test_killed_between_any_two_writes_nothing_is_lost_or_doubled(
    gated: tuple[Driven, Gate], after: bool
) -> None:
    driven, gate = gated
    settle(driven)
    order(driven)
    report(driven, Severity.ERROR)
    store = cast("Store", GatedStore(driven.store, gate))
    gate.die(1, after=after)
    with pytest.raises(Crashed):
        follow(driven, Following(replace(driven.app, store=store), driven.lease))
    assert bool(keys(driven.store)) is after
    follow(driven, Following(driven.app, driven.lease))
    found = keys(driven.store)
    assert len(found) == len(set(found))
    assert {key.partition(":")[0] for _chat, key in found} == {"project", "gate", "incident"}
    with driven.store.reading() as view:
        assert view.followed() == view.last_position()


def test_only_what_the_events_name_is_wanted_however_much_there_is_beside(
    driven: Driven, follows: Following
) -> None:
    for number in range(10):
        driven.building("user:anna").draft(f"other-{number}", wish=driven.wish())
    follow(driven, follows)
    before = keys(driven.store)
    report(driven, Severity.ERROR)
    follow(driven, follows)
    new = {key for _chat, key in keys(driven.store) if (_chat, key) not in before}
    assert new == {f"incident:{driven.incidents()[0]['id']}"}


def test_a_card_in_a_chat_stays_there_whoever_ordered_it(driven: Driven, follows: Following) -> None:
    key = order(driven)
    follow(driven, follows)
    now = driven.clock.now().at
    with driven.store.writing() as tx:
        want(tx, Post(VERA, card_key(key), "project", now, {"project": key}))
    sent(driven, VERA, card_key(key))
    driven.clock.advance(timedelta(minutes=1).total_seconds())
    driven.building("user:marta").approve("shop")
    follow(driven, follows)
    assert state(driven, VERA, card_key(key)) is PostState.WANTED
