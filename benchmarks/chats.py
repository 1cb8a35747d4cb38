"""Following the history for chats: one event among ten times as many, and beside chats that it is no news of."""

from __future__ import annotations

import random
import time
from typing import Final

from benchmarks.board import fill
from benchmarks.measure import Result
from steward.adapters.store import open_store
from steward.app.following import Following, card_key
from steward.app.posting import want
from steward.domain.chats import Chat, ChatKind, Post
from steward.domain.journal import Event, Kind
from steward.domain.people import Grant, Role, User
from steward.testing.world import World

PROJECTS: Final = 1_000
FEW: Final = 500
CHATS: Final = 20
GROWTH_LIMIT: Final = 1.5
"""How much more one event may cost where there are ten times as many."""
BESIDE_LIMIT: Final = 3.0
"""How much more it may cost beside ten times the chats, which it is no news of."""


def following() -> list[Result]:
    """One event among many against one among few, and beside many chats against beside few."""
    few, many, beside = _seconds(FEW, CHATS), _seconds(10 * FEW, CHATS), _seconds(FEW, 10 * CHATS)
    each = few / FEW * 1e3
    return [
        Result(
            f"an event for chats among {10 * FEW:,} against one among {FEW:,}",
            many / few / 10,
            GROWTH_LIMIT,
            f"{each:.2f} ms among {FEW:,}",
        ),
        Result(
            f"an event beside {10 * CHATS} chats against one beside {CHATS}",
            beside / few,
            BESIDE_LIMIT,
            f"{beside / FEW * 1e3:.2f} ms beside {10 * CHATS}",
        ),
    ]


def _seconds(events: int, chats: int) -> float:
    """How long it takes to follow so many events, each of a project that one chat shows."""
    store = open_store("sqlite://")
    world = World(store)
    fill(world, PROJECTS)
    home, now, chance = world.organisation().id, world.clock.now().at, random.Random(1)
    with store.writing() as tx:
        for number in range(chats):
            tx.add_user(User(0, f"user-{number}", now, (Grant(Role.VIEWER),)))
            tx.save_chat(Chat(1_000 + number, ChatKind.PRIVATE, f"user-{number}", now))
        for number in range(PROJECTS):
            key = card_key(f"p{number}")
            want(tx, Post(1_000 + number % CHATS, key, "project", now, {"project": f"p{number}"}))
        tx.follow_to(tx.last_position())
        tx.append(
            Event(Kind.PROJECT_CHANGED, now, "user:user-0", f"p{chance.randrange(PROJECTS)}", home)
            for _ in range(events)
        )
    store.publish()
    loop = Following(world.app, world.lease)
    began = time.perf_counter()
    while loop.tick() == 0.0:
        pass
    took = time.perf_counter() - began
    with store.reading() as view:
        assert view.followed() == view.last_position()
    store.close()
    return took
