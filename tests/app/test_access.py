"""Sign-in links, sessions and tokens: each proves what it should, once or until it ends; laws of rights."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.app.access import LINK_LASTS, SESSION_LASTS, Access, digest, new_secret
from steward.app.errors import Invalid, NotSignedIn, Unknown
from steward.domain.people import (
    INSTALLATION_WIDE,
    Grant,
    Pass,
    PassKind,
    Principal,
    Right,
    Role,
    User,
    meanings,
    principal,
    rights_of,
)
from steward.ports import Store
from steward.testing.clock import FakeClock
from steward.testing.world import World

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def access(world: World) -> Access:
    with world.store.writing() as tx:
        tx.add_user(User(0, "anna", world.clock.now().at, (Grant(Role.OPERATOR),)))
    return world.app.access


def disable(world: World, name: str = "anna") -> None:
    with world.store.writing() as tx:
        user = tx.user(name)
        assert user is not None
        tx.save_user(replace(user, disabled_at=world.clock.now().at))


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(NotSignedIn) as why:
        act()
    return why.value.why


def test_a_link_signs_in_once(world: World, access: Access) -> None:
    link = access.link("anna", "local:root")
    assert access.peek(link).name == "anna"
    assert access.peek(link).name == "anna", "looking at it uses nothing up"
    session, user = access.sign_in(link, "a browser")
    assert user.name == "anna"
    assert access.identify(session, PassKind.SESSION).actor == "user:anna"
    assert "used already" in refused(lambda: access.sign_in(link, "again"))
    assert "used already" in refused(lambda: access.peek(link))


def test_signing_in_and_out_is_kept_in_the_audit_log(world: World, access: Access) -> None:
    session, _user = access.sign_in(access.link("anna", "test"), "a browser", "10.0.0.1")
    by = access.identify(session, PassKind.SESSION)
    access.sign_out(by, "10.0.0.2")
    access.sign_out(by, "10.0.0.2")
    with world.store.reading() as view:
        lines = [(line.actor, line.action, line.address) for line in view.audit_lines()]
    assert lines == [("user:anna", "sign.out", "10.0.0.2"), ("user:anna", "sign.in", "10.0.0.1")]


def test_two_at_once_with_one_link_make_one_session(store: Store) -> None:
    clock = FakeClock()
    access = Access(store, clock)
    with store.writing() as tx:
        tx.add_user(User(0, "anna", clock.now().at))
    link = access.link("anna", "test")
    barrier, sessions, refusals = threading.Barrier(4), list[str](), list[str]()

    def try_it() -> None:
        barrier.wait()
        try:
            sessions.append(access.sign_in(link, "race")[0])
        except NotSignedIn as error:
            refusals.append(error.why)

    threads = [threading.Thread(target=try_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(sessions), len(refusals)) == (1, 3)
    with store.reading() as view:
        assert len(view.passes(kinds=[PassKind.SESSION])) == 1


def test_a_link_lasts_a_day_and_a_session_a_month(world: World, access: Access) -> None:
    early, late = access.link("anna", "test"), access.link("anna", "test")
    world.clock.advance(LINK_LASTS.total_seconds() - 1)
    session, _user = access.sign_in(early, "")
    world.clock.advance(1)
    assert "expired" in refused(lambda: access.sign_in(late, ""))
    world.clock.advance(SESSION_LASTS.total_seconds() - 2)
    assert access.identify(session, PassKind.SESSION).actor == "user:anna"
    world.clock.advance(2)
    assert "expired" in refused(lambda: access.identify(session, PassKind.SESSION))


@pytest.mark.parametrize(
    "shown", ["", "nonsense", "stl_" + "a" * 43, "x" * 100_000, "\x00", "\udcff", "' OR 1=1 --"]
)
def test_what_was_never_given_proves_nothing(access: Access, shown: str) -> None:
    for act in (
        lambda: access.sign_in(shown, ""),
        lambda: access.peek(shown),
        lambda: access.identify(shown, PassKind.SESSION),
        lambda: access.identify(shown, PassKind.TOKEN),
    ):
        assert refused(act)


def test_one_kind_is_no_other(world: World, access: Access) -> None:
    link = access.link("anna", "test")
    session, _user = access.sign_in(access.link("anna", "test"), "")
    assert "not known" in refused(lambda: access.identify(link, PassKind.SESSION))
    assert "not known" in refused(lambda: access.identify(link, PassKind.TOKEN))
    assert "not known" in refused(lambda: access.identify(session, PassKind.TOKEN))
    assert "not known" in refused(lambda: access.sign_in(session, ""))
    assert access.peek(link).name == "anna"


def test_what_is_stored_is_no_proof(world: World, access: Access) -> None:
    session, _user = access.sign_in(access.link("anna", "test"), "")
    assert "not known" in refused(lambda: access.identify(digest(session), PassKind.SESSION))


def test_a_disabled_user_is_not_let_in_by_anything(world: World, access: Access) -> None:
    link = access.link("anna", "test")
    session, _user = access.sign_in(access.link("anna", "test"), "")
    by = access.identify(session, PassKind.SESSION).by
    assert by is not None
    assert access.holds(by)
    disable(world)
    assert "disabled" in refused(lambda: access.sign_in(link, ""))
    assert "disabled" in refused(lambda: access.peek(link))
    assert "disabled" in refused(lambda: access.identify(session, PassKind.SESSION))
    assert not access.holds(by)
    with pytest.raises(Invalid, match="disabled"):
        access.link("anna", "test")
    with pytest.raises(Unknown):
        access.link("nobody", "test")


def test_signing_out_ends_that_session_alone(world: World, access: Access) -> None:
    first, _user = access.sign_in(access.link("anna", "test"), "")
    second, _user = access.sign_in(access.link("anna", "test"), "")
    access.sign_out(access.identify(first, PassKind.SESSION))
    assert "ended" in refused(lambda: access.identify(first, PassKind.SESSION))
    assert access.identify(second, PassKind.SESSION).actor == "user:anna"


def test_a_use_is_noted_at_most_once_a_minute(world: World, access: Access) -> None:
    session, _user = access.sign_in(access.link("anna", "test"), "")

    def used() -> datetime | None:
        with world.store.reading() as view:
            (made,) = view.passes(kinds=[PassKind.SESSION])
            return made.used_at

    opened = used()
    world.clock.advance(59)
    access.identify(session, PassKind.SESSION)
    assert used() == opened
    world.clock.advance(1)
    access.identify(session, PassKind.SESSION)
    assert used() == world.clock.now().at


def test_whoever_starts_steward_is_its_admin(world: World) -> None:
    access = world.app.access
    for _ in range(2):
        session, user = access.sign_in(access.first_link("root", "steward up"), "")
        assert access.identify(session, PassKind.SESSION).may(Right.USERS)
        assert user.grants == (Grant(Role.ADMIN),)


def test_first_links_leave_a_users_roles_as_they_are(world: World, access: Access) -> None:
    _session, user = access.sign_in(access.first_link("anna", "steward up"), "")
    assert user.grants == (Grant(Role.OPERATOR),), "what an admin decided is not undone by a start"


# Laws ---------------------------------------------------------------------------------------------------

PLACES = st.sampled_from([None, 1, 2, 3])
GRANTS = st.lists(st.builds(Grant, st.sampled_from(Role), PLACES), max_size=5).map(tuple)
RIGHTS = st.one_of(st.none(), st.frozensets(st.sampled_from(Right)))


def user_with(grants: tuple[Grant, ...]) -> User:
    return User(1, "anna", AT, grants)


def shown(kind: PassKind, rights: frozenset[Right] | None, place: int | None) -> Pass:
    return Pass(1, kind, 1, "d", AT, AT + timedelta(days=1), "ci", rights, place)


def everything(by: Principal) -> set[tuple[Right, int | None]]:
    return {(right, place) for right in Right for place in (None, 1, 2, 3) if by.may(right, place)}


def test_each_role_has_the_rights_of_the_one_before_it() -> None:
    roles = list(Role)
    assert roles == [Role.VIEWER, Role.OPERATOR, Role.APPROVER, Role.ADMIN]
    for lower, higher in itertools.pairwise(roles):
        assert lower.rights < higher.rights
    assert Role.ADMIN.rights == set(Right)


def test_every_right_has_words() -> None:
    assert [told["right"] for told in meanings(frozenset(Right))] == [right.value for right in Right]


@given(GRANTS, RIGHTS, PLACES)
def test_a_token_never_allows_more_than_its_user_may(
    grants: tuple[Grant, ...], rights: frozenset[Right] | None, place: int | None
) -> None:
    session = principal(user_with(grants), shown(PassKind.SESSION, None, None))
    token = principal(user_with(grants), shown(PassKind.TOKEN, rights, place))
    assert everything(token) <= everything(session)
    if rights is not None:
        assert {right for right, _place in everything(token)} <= rights
    if place is not None:
        assert {where for _right, where in everything(token)} <= {place}


@given(GRANTS, st.integers(0, 4))
def test_fewer_grants_never_allow_more(grants: tuple[Grant, ...], left_out: int) -> None:
    fewer = grants[:left_out] + grants[left_out + 1 :]
    every = principal(user_with(grants), shown(PassKind.SESSION, None, None))
    some = principal(user_with(fewer), shown(PassKind.SESSION, None, None))
    assert everything(some) <= everything(every)


@given(GRANTS)
def test_a_grant_in_one_organisation_leaks_into_no_other(grants: tuple[Grant, ...]) -> None:
    by = principal(user_with(grants), shown(PassKind.SESSION, None, None))
    for right, place in everything(by):
        giving = [
            grant for grant in grants if grant.organisation_id in (None, place) and right in grant.role.rights
        ]
        assert giving, f"{right} in {place} comes from nowhere"
        if right in INSTALLATION_WIDE:
            assert any(grant.organisation_id is None for grant in giving)


@given(GRANTS, st.sampled_from(Right))
def test_where_something_is_allowed_is_told_alike_in_every_way(
    grants: tuple[Grant, ...], right: Right
) -> None:
    by = principal(user_with(grants), shown(PassKind.SESSION, None, None))
    scope = by.organisations(right)
    assert (scope is None) == by.may(right)
    if scope is not None:
        assert all(by.may(right, place) for place in scope)
    assert by.may_somewhere(right) == (scope is None or bool(scope))
    assert rights_of(grants) == by.rights


def test_a_secret_says_what_it_is_and_no_two_are_alike() -> None:
    made = [new_secret(kind) for kind in PassKind for _ in range(50)]
    assert len(set(made)) == len(made)
    assert {secret[:4] for secret in made} == {"stl_", "stc_", "stf_", "sts_", "stt_"}
    assert min(map(len, made)) >= 47
