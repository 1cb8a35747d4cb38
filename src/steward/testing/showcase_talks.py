"""What was talked about in the furnished installation, the chats that are connected, a form that waits for a value."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

from steward.app.access import digest
from steward.app.chats import BOT
from steward.app.folding import Folding
from steward.app.queries import find_project, the_project
from steward.app.talks import Talks
from steward.domain.chats import Chat, ChatKind, Post, PostState
from steward.domain.people import Pass, PassKind, Principal, local, rights_of
from steward.domain.spending import MindCall, Usage
from steward.domain.talks import TalkState
from steward.testing.showcase_people import At
from steward.testing.world import World

FORM: Final = "stf_showcase"
"""The secret of the form that waits for a value."""
TABLES: Final = (
    "A page where guests book a table, and the waiters see who comes",
    "Guests on the phone, waiters on a tablet by the door",
    "Book a table for an evening\nCancel a booking\nA list of tonight for the waiters",
)
LOYALTY: Final = ("Points for every coffee, in a chat. The tenth one is free.",)
PAYMENTS: Final = ("Add payments by card, with a receipt by mail",)
RUSSIAN: Final = ("Бот, который напоминает жильцам передать показания счётчиков",)
WEBINARS: Final = ("Something for webinars, but I do not know yet",)
TALKS: Final = (*TABLES, *LOYALTY, *PAYMENTS, *RUSSIAN, *WEBINARS)

QUIET, ZONE = "22:00-08:00", "Europe/Berlin"


def settle(world: World, at: At) -> None:
    """Let people talk, and connect their chats."""
    at("20d", partial(_chats, world))
    at("5d", partial(_talk, world, "marta", "1", *LOYALTY, becomes="shop-front"))
    at("2d", partial(_talk, world, "anna", "2", *WEBINARS, becomes=""))
    at("3h", partial(_talk, world, "anna", "3", *TABLES))
    at("2h", partial(_talk, world, "anna", "4", *PAYMENTS, about="shop-front"))
    at("70m", partial(_talk, world, "anna", "5", *LOYALTY, becomes="loyalty-bot"))
    at("90s", partial(_talk, world, "anna", "6", *RUSSIAN, chat=7_001, folded=False))
    at("10m", partial(_form, world))
    at("1h", partial(_failed, world))
    at("4h", partial(_calls, world))


def no_messenger() -> Any:
    """Raise AssertionError: nothing is sent from here."""
    raise AssertionError("the furnished installation sends nothing")


def _principal(world: World, name: str) -> Principal:
    with world.store.reading() as view:
        user = view.user(name)
    assert user is not None, "they have come"
    return Principal(f"user:{name}", rights_of(user.grants), user)


def _talk(
    world: World,
    name: str,
    key: str,
    *words: str,
    becomes: str | None = None,
    about: str | None = None,
    chat: int | None = None,
    folded: bool = True,
) -> None:
    """One talk. `becomes`: the project that it ended in ("": in nothing); `about`: whose update it is."""
    talks: Talks = world.app.talks(_principal(world, name))
    purpose = "update" if about else "new"
    shown = talks.open(f"showcase:{key}", purpose=purpose, project=about, chat_id=chat)
    for number, text in enumerate(words):
        talks.say(shown["id"], f"showcase:{key}:{number}", text)
        if folded:
            world.clock.advance(2)
            Folding(world.app).tick()
    if becomes is not None:
        _end(world, shown["id"], becomes)


def _end(world: World, talk_id: int, becomes: str) -> None:
    project_id = _project_id(world, becomes) if becomes else None
    with world.store.writing() as tx:
        talk = tx.talk(talk_id)
        assert talk is not None, "it was opened"
        state = TalkState.DONE if becomes else TalkState.DROPPED
        tx.save_talk(replace(talk, state=state, asked=(), project_id=project_id))


def _project_id(world: World, slug: str) -> str:
    with world.store.reading() as view:
        return the_project(find_project(view, slug, local("showcase"))).id


def _chats(world: World) -> None:
    now, home = world.clock.now().at, world.organisations[0].id
    world.app = replace(world.app, messenger=no_messenger)
    with world.store.writing() as tx:
        tx.set_setting(BOT, "acme_steward_bot")
        tx.save_chat(Chat(7_001, ChatKind.PRIVATE, "anna", now, title="Anna K.", quiet=QUIET, zone=ZONE))
        tx.save_chat(Chat(-7_002, ChatKind.GROUP, "anna", now, title="Northwind & co", organisation_id=home))
        tx.save_chat(Chat(7_003, ChatKind.PRIVATE, "boris", now, "ru", "Борис <b>Леонов</b>", blocked_at=now))


def _failed(world: World) -> None:
    """A post that could not be sent."""
    with world.store.writing() as tx:
        reason = "Telegram does not take it: the topic is closed"
        post = Post(-7_002, "gate:1:1", "gate", world.clock.now().at, state=PostState.FAILED, attempts=3)
        tx.save_post(replace(post, error=reason))


def _form(world: World) -> None:
    now, project_id = world.clock.now().at, _project_id(world, "shop-front")
    with world.store.writing() as tx:
        anna = tx.user("anna")
        assert anna is not None, "she has come"
        ends = now + timedelta(minutes=30)
        note = f"project:{project_id} MAIL_KEY"
        tx.add_pass(Pass(0, PassKind.FORM, anna.id, digest(FORM), now, ends, note, made_by="user:anna"))


def _calls(world: World) -> None:
    """What the model cost some people."""
    now = world.clock.now().at
    with world.store.writing() as tx:
        for name, key, cost in (("marta", "1", 0.42), ("anna", "2", 0.031), ("anna", "2", None)):
            talk = tx.talk_by_key(f"showcase:{key}")
            assert talk is not None, "it was opened"
            usage = Usage("anthropic:claude-sonnet-4-5", 2_310, 412, cost, "computed" if cost else "unknown")
            tx.add_mind_call(MindCall(now, name, talk.id, usage, talk.project_id))
