"""Who uses the furnished installation, what they hold, and what its webhooks brought."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final, Protocol

from steward.app.access import Access, digest
from steward.domain.deliveries import EVENTS, Delivery, Hook, State
from steward.domain.people import AuditLine, Grant, Pass, PassKind, Right, Role, User
from steward.testing.world import World


class At(Protocol):
    """Lets something happen so long before the end."""

    def __call__(self, ago: float | str, act: Callable[[], object]) -> None: ...


PEOPLE: Final = (
    ("anna", "Anna Kirsanova", Role.ADMIN, False),
    ("marta", "Marta Oliveira", Role.APPROVER, False),
    ("boris", "Борис Леонов", Role.OPERATOR, True),
    ("vera", "Vera <b>Stein</b>", Role.VIEWER, False),
    ("guest", "", None, False),
    ("oleg", "Oleg Former", Role.OPERATOR, False),
)
"""Name, full name, role, and whether it is for the first organisation alone."""


def settle(world: World, at: At) -> None:
    """Let people come, and the hooks be set."""
    at("60d", partial(_people, world))
    at("21d", partial(_passes, world))
    at("20d", partial(_hooks, world))
    for number in range(6):
        at(3600.0 * (number + 1), partial(_deliver, world, number))
    at("6h", partial(_refusals, world))


def session(world: World, name: str) -> str:
    """A new session of one of them, as its secret."""
    access: Access = world.app.access
    return access.sign_in(access.link(name, "showcase"), "Chromium on Linux · 127.0.0.1")[0]


def _people(world: World) -> None:
    now, home = world.clock.now().at, world.organisations[0].id
    with world.store.writing() as tx:
        for name, full_name, role, here in PEOPLE:
            grants = (Grant(role, home if here else None),) if role else ()
            gone = now + timedelta(days=20) if name == "oleg" else None
            tx.add_user(User(0, name, now, grants, full_name, disabled_at=gone))


def _passes(world: World) -> None:
    """Tokens: one of each kind, narrow, soon over, ended; a link that nobody has used."""
    now = world.clock.now().at
    made = (
        ("ci of the shop", frozenset({Right.READ, Right.LOOK}), 365, False),
        ("a dashboard", frozenset({Right.READ}), 22, False),
        ("an old script", None, 30, True),
    )
    with world.store.writing() as tx:
        anna, vera = tx.user("anna"), tx.user("vera")
        assert anna is not None
        assert vera is not None, "both have come"
        for name, rights, days, ended in made:
            expires_at = now + timedelta(days=days)
            made_by, ended_at = "user:anna", now + timedelta(days=2) if ended else None
            secret = digest(f"showcase {name}")
            token = Pass(
                0,
                PassKind.TOKEN,
                anna.id,
                secret,
                now,
                expires_at,
                name,
                rights,
                None,
                now,
                ended_at,
                made_by,
            )
            tx.add_pass(token)
    session(world, "anna")
    session(world, "vera")
    world.app.access.link("boris", "user:anna")


def _hooks(world: World) -> None:
    now = world.clock.now().at
    events = tuple(EVENTS)
    with world.store.writing() as tx:
        for number, organisation in enumerate(world.organisations):
            failing = "GitHub cannot deliver; the last 3 failed, the newest with 502" if number else ""
            heard = events[: len(events) - 2 * number]
            url = "https://steward.acme.example/hooks/github"
            hook = Hook(4_100 + number, organisation.id, url, heard, True, now, now, now, now, 0, failing)
            tx.save_hook(hook)


def _deliver(world: World, number: int) -> None:
    """Deliveries of each outcome, one per call."""
    kinds = (
        ("push", "", State.DONE, ""),
        ("repository", "renamed", State.DONE, ""),
        ("star", "created", State.IGNORED, "an event that Steward does not use"),
        ("repository", "deleted", State.FAILED, "GitHub answered 502"),
        ("ping", "", State.DONE, ""),
        ("push", "", State.PENDING, ""),
    )
    event, action, state, error = kinds[number]
    now = world.clock.now().at
    home = world.organisations[0].id
    done_at = None if state is State.PENDING else now + timedelta(seconds=1)
    row = Delivery(
        4_100,
        f"7c0ffee0-0000-11f1-8000-00000000000{number}",
        event,
        now,
        state=state,
        attempts=1,
        error=error,
        action=action,
        organisation_id=home,
        done_at=done_at,
        source="sweep" if number == 1 else "webhook",
    )
    with world.store.writing() as tx:
        tx.deliver([row])


def _refusals(world: World) -> None:
    now = world.clock.now().at
    lines = (
        ("user:anna", "POST archive", "done", Right.WRITE, "/projects/old-crm/archive", ""),
        (
            "user:boris",
            "POST approve",
            "refused",
            Right.APPROVE,
            "/projects/loyalty-bot/approve",
            "'approved' is for: approver",
        ),
        (
            "nobody",
            "POST hook",
            "refused",
            "",
            "/hooks/github",
            "the signature is not of this body with our secret",
        ),
        (
            "token:a dashboard of anna",
            "POST mute",
            "refused",
            Right.ATTEND,
            "/api/v1/incidents/1/mute",
            "token:a dashboard of anna may not acknowledge, mute and resolve incidents (the right 'attend')",
        ),
    )
    rows = [
        AuditLine(now, actor, action, outcome, str(right), target, reason, "9f86d081884c7d65", "10.0.0.7")
        for actor, action, outcome, right, target, reason in lines
    ]
    world.app.access.audit(rows)
