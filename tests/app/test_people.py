"""What may be done about people: users, roles, sessions and tokens; refusals; a line in the audit log for each act."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from steward.app import people as of_people
from steward.app.errors import Forbidden, Invalid, NotSignedIn, Unknown
from steward.app.people import People
from steward.app.service import Housekeeping
from steward.domain.people import Grant, PassKind, Principal, Right, Role, User, local, principal
from steward.faces import words
from steward.ports import Answer
from steward.testing.world import ANYONE, World


def people(world: World, by: Principal = ANYONE) -> People:
    return world.app.people(by)


def signed_in(world: World, name: str, role: str | None = None, organisation: str | None = None) -> Principal:
    """A session of that user, who is added with that role."""
    people(world).add(name, role, organisation)
    secret, _user = world.app.access.sign_in(world.app.access.link(name, "test"), "a browser")
    return world.app.access.identify(secret, PassKind.SESSION)


def with_token(world: World, by: Principal, **more: Any) -> Principal:
    """The same user with a token that they made."""
    assert by.user is not None
    made = people(world, by).create_token(by.user.name, "ci", **more)
    return world.app.access.identify(made["secret"], PassKind.TOKEN)


def acts(world: World) -> list[tuple[str, str, str]]:
    lines = [line for line in people(world).audit(limit=1000) if line["action"] != "sign.in"]
    return [(line["actor"], line["action"], line["target"]) for line in reversed(lines)]


def test_a_user_is_added_shown_changed(world: World) -> None:
    shown = people(world).add("anna", "operator", "acme", full_name="  Anna   Berg ", lang="ru")
    assert (shown["name"], shown["full_name"], shown["lang"]) == ("anna", "Anna Berg", "ru")
    assert shown["grants"] == [{"role": "operator", "organisation": "acme"}]
    assert people(world).change("anna", full_name="Anna B.", lang="")["lang"] is None
    assert [user["name"] for user in people(world).users()] == ["anna"]
    assert acts(world) == [
        ("local:anna", "user.add", "anna"),
        ("local:anna", "user.change", "anna"),
    ]


@pytest.mark.parametrize("name", ["", "Anna", "a b", "-anna", "anna-", "a" * 41, "анна", "../x", "a\n"])
def test_a_name_that_needs_quoting_is_refused(world: World, name: str) -> None:
    with pytest.raises(Invalid, match="cannot be a user's name"):
        people(world).add(name)


@pytest.mark.parametrize(
    ("act", "words_of"),
    [
        (lambda p: p.add("anna"), "there is a user named anna already"),
        (lambda p: p.add("ben", "boss"), "'boss' is no role"),
        (lambda p: p.add("ben", None, "acme"), "no role"),
        (lambda p: p.add("ben", lang="de"), "no language"),
        (lambda p: p.add("ben", full_name="x" * 101), "at most 100"),
        (lambda p: p.ungrant("anna", "viewer"), "does not have the role viewer"),
        (lambda p: p.create_token("anna", " "), "needs a name"),
        (lambda p: p.create_token("anna", "x" * 61), "needs a name"),
        (lambda p: p.create_token("anna", "ci", days=0), "1 to 366 days"),
        (lambda p: p.create_token("anna", "ci", days=367), "1 to 366 days"),
        (lambda p: p.create_token("anna", "ci", ["fly"]), "'fly' is no right"),
        (lambda p: p.create_token("anna", "ci", []), "without any right"),
        (lambda p: p.create_token("anna", "ci", ["users"]), "cannot have: users"),
        (lambda p: p.audit(limit=0), "at most 1000"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(
    world: World, act: Callable[[People], object], words_of: str
) -> None:
    people(world).add("anna", "operator")
    before = acts(world)
    with pytest.raises(Invalid, match=words_of) as refused:
        act(people(world))
    assert refused.value.advice
    assert acts(world) == before


def test_unknown_people_and_organisations_have_near_names(world: World) -> None:
    people(world).add("anna", "viewer")
    with pytest.raises(Unknown) as unknown:
        people(world).link("ana")
    assert unknown.value.near == ["anna"]
    with pytest.raises(Unknown, match="organisation"):
        people(world).grant("anna", "viewer", "umbrella")
    with pytest.raises(Unknown):
        people(world).end(99)


def test_roles_are_given_and_taken_once(world: World) -> None:
    people(world).add("anna")
    people(world).grant("anna", "operator", "acme")
    people(world).grant("anna", "operator", "acme")
    assert people(world).grant("anna", "viewer")["grants"] == [
        {"role": "operator", "organisation": "acme"},
        {"role": "viewer", "organisation": None},
    ]
    assert people(world).ungrant("anna", "operator", "acme")["grants"] == [
        {"role": "viewer", "organisation": None}
    ]
    assert [action for _actor, action, _target in acts(world)] == [
        "user.add",
        "user.grant",
        "user.grant",
        "user.ungrant",
    ]
    assert people(world).audit(limit=1)[0]["reason"] == "operator in acme"


def test_the_last_admin_stays_one(world: World) -> None:
    people(world).add("anna", "admin")
    people(world).add("ben", "admin", "acme")
    with pytest.raises(Invalid, match="anna is the last admin"):
        people(world).disable("anna")
    with pytest.raises(Invalid, match="anna is the last admin"):
        people(world).ungrant("anna", "admin")
    people(world).add("cleo", "admin")
    people(world).disable("cleo")
    with pytest.raises(Invalid, match="last admin"):
        people(world).ungrant("anna", "admin")
    people(world).enable("cleo")
    assert people(world).disable("anna")["disabled_at"] is not None
    assert people(world).ungrant("ben", "admin", "acme")["grants"] == []


def test_who_is_disabled_is_out_for_good(world: World) -> None:
    anna = signed_in(world, "anna", "operator")
    link, token = (
        people(world).link("anna")["secret"],
        people(world, anna).create_token("anna", "ci")["secret"],
    )
    assert people(world).disable("anna")["sessions"] == 0
    with pytest.raises(NotSignedIn, match="disabled"):
        world.app.access.identify(token, PassKind.TOKEN)
    with pytest.raises(Invalid, match="disabled"):
        people(world).link("anna")
    with pytest.raises(Invalid, match="disabled"):
        people(world).create_token("anna", "ci")
    people(world).enable("anna")
    for proof, kind in ((token, PassKind.TOKEN), (link, PassKind.LINK)):
        with pytest.raises(NotSignedIn):
            world.app.access.identify(proof, kind)
    with pytest.raises(NotSignedIn):
        world.app.access.sign_in(link, "")


def test_ones_own_sessions_and_tokens_take_no_other_right(world: World) -> None:
    anna = signed_in(world, "anna", "viewer", "acme")
    own = people(world, anna)
    second, _user = world.app.access.sign_in(world.app.access.link("anna", "test"), "a phone")
    assert [(s["note"], s["current"]) for s in own.sessions("anna")] == [
        ("a phone", False),
        ("a browser", True),
    ]
    made = own.create_token("anna", "ci", ["read"], "acme", 7)
    assert (made["rights"], made["organisation"], made["state"]) == (["read"], "acme", "valid")
    assert own.end_sessions("anna") == 1
    with pytest.raises(NotSignedIn, match="ended"):
        world.app.access.identify(second, PassKind.SESSION)
    assert own.end(made["id"])["state"] == "ended"
    assert own.end(made["id"])["state"] == "ended"
    assert own.tokens("anna") == []
    assert [t["state"] for t in own.tokens("anna", ended=True)] == ["ended"]
    assert own.change("anna", full_name="Anna", lang="ru")["lang"] == "ru"
    assert own.user("anna")["sessions"] == 1
    assert own.me()["organisations"] == {"acme": ["read", "own"]}
    assert [action for actor, action, _target in acts(world) if actor == "user:anna"] == [
        "token.create",
        "session.end",
        "token.end",
        "user.change",
    ]


FORBIDDEN: dict[str, Callable[[People], object]] = {
    "users": lambda p: p.users(),
    "user": lambda p: p.user("ben"),
    "add": lambda p: p.add("carl"),
    "change": lambda p: p.change("ben", full_name="x"),
    "grant": lambda p: p.grant("anna", "admin"),
    "ungrant": lambda p: p.ungrant("ben", "viewer"),
    "disable": lambda p: p.disable("ben"),
    "enable": lambda p: p.enable("ben"),
    "link": lambda p: p.link("ben"),
    "own link": lambda p: p.link("anna"),
    "sessions": lambda p: p.sessions("ben"),
    "end sessions": lambda p: p.end_sessions("ben"),
    "tokens": lambda p: p.tokens(),
    "tokens of": lambda p: p.tokens("ben"),
    "token for": lambda p: p.create_token("ben", "ci"),
    "audit": lambda p: p.audit(),
    "nobody there": lambda p: p.user("nobody"),
}


@pytest.mark.parametrize("act", FORBIDDEN)
@pytest.mark.parametrize("organisation", [None, "acme"])
def test_what_is_others_takes_the_right_users(world: World, act: str, organisation: str | None) -> None:
    role = "admin" if organisation else "approver"
    anna = signed_in(world, "anna", role, organisation)
    people(world).add("ben", "viewer")
    before = acts(world)
    with pytest.raises(Forbidden):
        FORBIDDEN[act](people(world, anna))
    assert acts(world) == before


def test_the_pass_of_another_is_as_unknown_as_none(world: World) -> None:
    anna = signed_in(world, "anna", "approver")
    ben = signed_in(world, "ben", "admin")
    assert ben.by is not None
    with pytest.raises(Unknown):
        people(world, anna).end(ben.by.id)
    assert world.app.access.holds(ben.by)


def test_a_narrowed_token_gives_away_no_more_than_it_has(world: World) -> None:
    admin = signed_in(world, "root", "admin")
    narrow = with_token(world, admin, rights=["users", "own"])
    for act in (
        lambda: people(world, narrow).link("root"),
        lambda: people(world, narrow).grant("root", "viewer"),
        lambda: people(world, narrow).add("evil", "admin"),
        lambda: people(world, narrow).audit(),
    ):
        with pytest.raises(Forbidden):
            act()
    with pytest.raises(Invalid, match="cannot have: read"):
        people(world, narrow).create_token("root", "more", ["read"])
    with pytest.raises(Invalid, match="longer than itself"):
        people(world, narrow).create_token("root", "more", days=366)
    assert people(world, narrow).create_token("root", "as much", days=89)["rights"] == ["users", "own"]
    assert people(world, narrow).add("carl")["grants"] == []


def test_a_token_of_one_organisation_makes_none_of_another(make_world: Callable[..., World]) -> None:
    world = make_world("acme", "umbrella")
    anna = signed_in(world, "anna", "operator")
    bound = with_token(world, anna, organisation="acme")
    assert people(world, bound).create_token("anna", "ci", days=1)["organisation"] == "acme"
    with pytest.raises(Unknown):
        people(world, bound).create_token("anna", "ci", organisation="umbrella", days=1)
    with pytest.raises(Invalid, match="cannot have: users"):
        people(world, signed_in(world, "root", "admin")).create_token("root", "x", ["users"], "acme")


def test_secrets_are_told_once_and_kept_nowhere(world: World) -> None:
    people(world).add("anna", "operator")
    link = people(world).link("anna")
    token = people(world).create_token("anna", "ci")
    digests = []
    with world.store.reading() as view:
        digests = [made.digest for made in view.passes()]
    told = repr([people(world).users(), people(world).tokens(ended=True), people(world).audit(limit=1000)])
    for secret in (link["secret"], token["secret"], *digests):
        assert secret not in told
    assert link["secret"].startswith("stl_")
    assert token["secret"].startswith("stt_")
    assert not set(digests) & {link["secret"], token["secret"]}


def test_the_audit_log_is_found_by_what_stands_in_it(world: World) -> None:
    people(world, local("local:root")).add("anna", "viewer")
    people(world).add("ben", "operator")
    people(world).link("ben")
    assert [line["target"] for line in people(world).audit(actor="local:root")] == ["anna"]
    assert [line["action"] for line in people(world).audit(text="LINK.")] == ["link.create"]
    assert people(world).audit(text="%") == []
    assert people(world).audit(outcome="refused") == []
    newest = people(world).audit(limit=1)[0]
    assert [line["action"] for line in people(world).audit(before=newest["id"])] == ["user.add", "user.add"]


def test_an_act_that_fails_leaves_no_line(world: World) -> None:
    people(world).add("anna", "viewer")
    with pytest.raises(Unknown):
        people(world).grant("anna", "viewer", "nowhere")
    assert [action for _actor, action, _target in acts(world)] == ["user.add"]


def test_what_is_over_is_forgotten_in_time(world: World) -> None:
    people(world).add("anna", "viewer")
    old = people(world).create_token("anna", "old", days=1)
    kept = people(world).create_token("anna", "kept", days=366)
    with world.store.writing() as tx:
        tx.begin_answer(Answer("k", "user:anna", "f", world.clock.now().at))
    housekeeping = Housekeeping(world.app, world.lease)

    def pass_days(days: float) -> None:
        world.clock.advance(timedelta(days=days).total_seconds())
        housekeeping.tick()

    pass_days(0.9)
    with world.store.reading() as view:
        assert view.answer("k", "user:anna") is not None
    pass_days(20)
    assert {t["id"] for t in people(world).tokens(ended=True)} == {old["id"], kept["id"]}
    with world.store.reading() as view:
        assert view.answer("k", "user:anna") is None
    pass_days(20)
    assert [t["id"] for t in people(world).tokens(ended=True)] == [kept["id"]]
    pass_days(310)
    assert len(people(world).audit()) == 3
    pass_days(30)
    assert people(world).audit() == []


def test_the_languages_are_those_that_the_faces_speak() -> None:
    assert of_people.LANGUAGES == words.LANGUAGES


def test_a_user_without_a_role_may_not_even_see_to_themselves(world: World) -> None:
    with world.store.writing() as tx:
        user = tx.add_user(User(0, "guest", world.clock.now().at))
    secret, _user = world.app.access.sign_in(world.app.access.link("guest", "test"), "")
    guest = world.app.access.identify(secret, PassKind.SESSION)
    assert guest.by is not None
    assert guest == principal(user, guest.by)
    with pytest.raises(Forbidden) as refused:
        people(world, guest).tokens("guest")
    assert refused.value.right is Right.OWN


def test_an_admin_by_organisation_is_none_for_all(world: World) -> None:
    people(world).add("anna", "admin", "acme")
    with world.store.reading() as view:
        user = view.user("anna")
    assert user is not None
    assert user.grants == (Grant(Role.ADMIN, world.organisation().id),)
