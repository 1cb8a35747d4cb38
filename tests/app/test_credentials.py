"""What a credential declares is asked once an hour, kept per organisation, and shown to who may see that one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

import pytest

from steward.app.credentials import CredentialLoop
from steward.app.doctor import examine
from steward.app.errors import Forbidden
from steward.app.views import Json
from steward.domain.credentials import CredentialKind, Declared
from steward.domain.people import Grant, Principal, Role, rights_of
from steward.ports import Unauthorised
from steward.testing.forge import FakeForge
from steward.testing.world import ANYONE, World


def status(world: World, by: Principal = ANYONE) -> Json:
    return {told["organisation"]: told for told in world.app.credentials(by).status()}


def somebody(world: World, role: Role, login: str | None = None) -> Principal:
    place = world.organisation(login).id if login else None
    return Principal("user:anna", MappingProxyType(rights_of([Grant(role, place)])))


def met(told: Json) -> dict[str, bool | None]:
    return {need["name"]: need["met"] for need in told["needs"]}


def test_before_it_was_asked_nothing_is_known(world: World) -> None:
    told = status(world)["acme"]
    assert (told["kind"], told["rights"], told["checked_at"]) == (None, None, None)
    assert set(met(told).values()) == {None}


def test_it_is_asked_at_start_and_once_an_hour(world: World) -> None:
    loop = CredentialLoop(world.app)
    loop.tick()
    assert met(status(world)["acme"]) == {"repo": True, "admin:org_hook": True}
    world.forge.declared_now = Declared(CredentialKind.CLASSIC, frozenset({"repo"}))
    world.clock.advance(3599)
    loop.tick()
    assert met(status(world)["acme"])["admin:org_hook"] is True
    world.clock.advance(2)
    loop.tick()
    assert met(status(world)["acme"]) == {"repo": True, "admin:org_hook": False}
    world.clock.jump(-7200)
    world.forge.declared_now = Declared(CredentialKind.CLASSIC, frozenset())
    loop.tick()
    assert met(status(world)["acme"])["repo"] is False, "a clock that was set back delays nothing"


def test_a_refusal_is_kept_as_the_reason(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> Declared:
        raise Unauthorised("GitHub refused the credential (401)", "Renew it")

    monkeypatch.setattr(world.forge, "declared", refuse)
    (told,) = world.app.credentials(ANYONE).check()
    assert told["problem"] == "GitHub refused the credential (401)"
    assert told["checked_at"] is not None


def test_an_app_is_told_by_its_permissions_and_a_silent_token_as_unknown(world: World) -> None:
    world.forge.declared_now = Declared(CredentialKind.APP, frozenset({"metadata:read"}))
    (told,) = world.app.credentials(ANYONE).check()
    assert met(told) == {"metadata:read": True, "organization_hooks:write": False}
    world.forge.declared_now = Declared(CredentialKind.FINE_GRAINED, None)
    (told,) = world.app.credentials(ANYONE).check()
    assert (told["kind"], told["rights"]) == ("fine-grained token", None)
    assert set(met(told).values()) == {None}


def test_asking_takes_the_right_to_look_where_it_is_asked(make_world: Callable[..., World]) -> None:
    world = make_world("acme", "umbrella")
    with pytest.raises(Forbidden):
        world.app.credentials(somebody(world, Role.VIEWER)).check()
    told = world.app.credentials(somebody(world, Role.OPERATOR, "acme")).check()
    assert [one["organisation"] for one in told] == ["acme"]
    everything = status(world)
    assert everything["acme"]["checked_at"] is not None
    assert everything["umbrella"]["checked_at"] is None


def test_doctor_says_what_is_lacking_and_what_only_makes_it_quicker(world: World) -> None:
    def checks(**more: object) -> Json:
        return {check.name: check for check in examine(replace(world.app, **more))}  # type: ignore[arg-type] # one part at a time

    assert checks()["credential in acme"].ok
    world.forge.declared_now = Declared(CredentialKind.CLASSIC, frozenset({"repo"}))
    quick = checks()["credential in acme"]
    assert (quick.ok, quick.fix) == (True, "")
    assert "admin:org_hook, to register the webhook" in quick.detail
    world.forge.declared_now = Declared(CredentialKind.CLASSIC, frozenset())
    grave = checks()["credential in acme"]
    assert not grave.ok
    assert "Give it repo on GitHub" in grave.fix
    builder = FakeForge(world.clock)
    builder.add_organisation("acme")
    builder.declared_now = Declared(CredentialKind.CLASSIC, frozenset({"repo"}))
    told = checks(builder=lambda: builder)["builder in acme"]
    assert (told.ok, "workflow" in told.fix) == (False, True)
    assert "builder in acme" not in checks()
