"""The laws of posts, over generated wishes, faults, crashes, restarts and clocks that jump.

Every post ends as it was wanted last, or given up with a reason; no two messages live for one, but where an answer
was lost, and then the second says so; quiet hours hold what is not urgent; Telegram's pace is never exceeded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steward.adapters.store import open_store
from steward.app.posting import move_down, reply
from steward.domain.chats import Chat, ChatKind, Post, PostState, Rendered, quiet_until
from steward.ports import Transient, Unauthorised, Unreachable
from steward.ports.chats import Blocked, Flooded, Place, Refused
from steward.testing.messenger import FakeMessenger
from steward.testing.postgres import drop_database, fresh_database
from steward.testing.world import World
from tests.app.posting_kit import GROUP, PRIVATE, Desk
from tests.simulation.test_laws import Crash, Fragile

Step = tuple[str, int, int]
KEYS = ("card", "gate", "news")
CHATS = (PRIVATE, GROUP, 12)
QUIET = "00:00-08:00"
ACTIONS = (
    "want", "want", "want", "withdraw", "move down", "reply", "want while sending", "busy", "silent", "lose", "lose",
    "flood", "block", "unblock", "refuse", "refuse the token", "vanish", "age", "crash", "crash", "restart", "quiet",
    "mute", "jump forward", "jump back", "tick", "tick", "tick", "wait", "wait",
)  # fmt: skip

steps = st.lists(
    st.tuples(st.sampled_from(ACTIONS), st.integers(0, 8), st.integers(0, 3)), min_size=1, max_size=40
)


class Witness(FakeMessenger):
    """A messenger that looks at each message as it is sent."""

    def __init__(self, look: Callable[[str, int, Rendered], None]) -> None:
        super().__init__()
        self.look = look

    def send(self, place: Place, shown: Rendered) -> int:
        """Look, then send."""
        self.look("send", place.chat_id, shown)
        return super().send(place, shown)

    def edit(self, chat_id: int, message_id: int, shown: Rendered) -> None:
        """Look, then change."""
        self.look("edit", chat_id, shown)
        super().edit(chat_id, message_id, shown)


@dataclass
class Tale:
    """Plays steps, and checks at each message what must never happen."""

    desk: Desk
    store: Fragile
    wanted: dict[tuple[int, str], str | None] = field(default_factory=dict)
    urgent: set[tuple[int, str]] = field(default_factory=set)
    strays: set[int] = field(default_factory=set)
    heard: set[int] = field(default_factory=set)
    owed: set[tuple[int, str]] = field(default_factory=set)
    calls: list[tuple[float, int]] = field(default_factory=list)
    said: Counter[str] = field(default_factory=Counter)
    number: int = 0

    def play(self, step: Step) -> None:
        """Do one step."""
        action, which, how = step
        getattr(self, "do_" + action.replace(" ", "_"))(CHATS[which % 3], KEYS[which // 3], how)

    def look(self, call: str, chat_id: int, shown: Rendered) -> None:
        """A message on its way: is it time, is it loud, is it marked?"""
        now_s = self.desk.world.clock.now().tick_s
        self.judge_pace(now_s, chat_id)
        self.calls.append((now_s, chat_id))
        key = shown.text.partition("=")[0]
        chat = self.desk.chat(chat_id)
        if call == "send":
            if (chat_id, key) not in self.urgent and not key.startswith("reply:"):
                at = self.desk.now()
                assert quiet_until(chat, at) is None, "quiet hours hold what is not urgent"
                assert chat.muted_until is None or chat.muted_until <= at
            if (chat_id, key) in self.owed:
                assert "(again)" in shown.text, "a message that may be a repeat says so"

    def judge_pace(self, now_s: float, chat_id: int) -> None:
        """Telegram's limits."""
        mine = [at for at, chat in self.calls if chat == chat_id]
        assert not mine or now_s - mine[-1] >= 1, "a second between two messages in a chat"
        if chat_id < 0:
            assert len([at for at in mine if now_s - at < 60]) < 20
        assert len([at for at, _ in self.calls if now_s - at < 1]) < 30

    def tick(self) -> None:
        """One round of the loop, which may die."""
        lost = bool(self.desk.fake.lose)
        try:
            self.desk.posting.tick()
        except Crash:
            lost = True
            self.restart()
        with self.desk.world.store.reading() as view:
            posts = view.posts((), 1000)
        referred = {number for post in posts for number in (post.message_id, post.old_id)}
        self.heard |= {number for number in referred if number is not None}
        for number, shown in self.desk.fake.messages.items():
            if number not in self.heard | self.strays and shown.says.buttons:
                assert lost, f"a message that no post knows, and no answer was lost: {shown}"
                self.strays.add(number)
                self.owed.add((shown.place.chat_id, shown.says.text.partition("=")[0]))
        open_ones = {(p.chat_id, p.key) for p in posts if p.state in (PostState.UNCERTAIN, PostState.SENDING)}
        self.owed &= open_ones

    def restart(self) -> None:
        """A new process: its pace begins anew."""
        self.desk.restart()
        self.calls.clear()

    def want(self, chat: int, key: str, text: str | None, *, urgent: bool = False) -> None:
        self.wanted[chat, key] = text
        if urgent:
            self.urgent.add((chat, key))
        if text is None:
            self.urgent.discard((chat, key))
        self.desk.wants(key, text, chat, urgent=urgent)

    def do_want(self, chat: int, key: str, how: int) -> None:
        self.number += how != 3
        self.want(chat, key, str(self.number), urgent=how == 1 or (chat, key) in self.urgent)

    def do_withdraw(self, chat: int, key: str, how: int) -> None:
        if self.wanted.get((chat, key)) is not None:
            urgent = (chat, key) in self.urgent
            self.want(chat, key, None)
            if urgent:
                self.urgent.add((chat, key))

    def do_move_down(self, chat: int, key: str, how: int) -> None:
        self.number += 1
        self.wanted[chat, key] = str(self.number)
        post = Post(chat, key, "said", self.desk.now(), {"text": str(self.number)})
        with self.desk.world.store.writing() as tx:
            move_down(tx, post)

    def do_reply(self, chat: int, key: str, how: int) -> None:
        known = self.desk.chat(chat)
        self.number += 1
        self.wanted[chat, f"reply:{self.number}"] = "yes"
        for _ in range(1 + how % 2):
            with self.desk.world.store.writing() as tx:
                reply(tx, known, self.number, "said", self.desk.now(), data={"text": "yes"})

    def do_want_while_sending(self, chat: int, key: str, how: int) -> None:
        def wish(call: str) -> None:
            self.desk.fake.before = lambda _call: None
            (self.do_move_down if how == 2 else self.do_want)(chat, key, how)

        self.desk.fake.before = wish

    def do_busy(self, chat: int, key: str, how: int) -> None:
        self.desk.fake.fail_with.append(Transient("busy"))

    def do_silent(self, chat: int, key: str, how: int) -> None:
        self.desk.fake.fail_with.append(Unreachable("no answer"))

    def do_lose(self, chat: int, key: str, how: int) -> None:
        self.desk.fake.lose.append(Unreachable("no answer") if how else Crash())

    def do_flood(self, chat: int, key: str, how: int) -> None:
        until = self.desk.now() + timedelta(seconds=1 + 10 * how)
        self.desk.fake.fail_with.append(Flooded("wait", until))

    def do_block(self, chat: int, key: str, how: int) -> None:
        self.desk.fake.fail_with.append(Blocked("blocked", ""))

    def do_unblock(self, chat: int, key: str, how: int) -> None:
        self.desk.sets(chat, blocked_at=None)

    def do_refuse(self, chat: int, key: str, how: int) -> None:
        self.desk.fake.fail_with.append(Refused("refused", ""))

    def do_refuse_the_token(self, chat: int, key: str, how: int) -> None:
        self.desk.fake.fail_with.append(Unauthorised("no such bot", ""))

    def do_vanish(self, chat: int, key: str, how: int) -> None:
        for shown in self.desk.fake.seen(chat)[how : how + 1]:
            del self.desk.fake.messages[shown.message_id]

    def do_age(self, chat: int, key: str, how: int) -> None:
        self.desk.fake.aged |= set(self.desk.fake.messages)

    def do_crash(self, chat: int, key: str, how: int) -> None:
        self.store.fuse = how
        self.tick()
        self.store.fuse = None

    def do_restart(self, chat: int, key: str, how: int) -> None:
        self.restart()

    def do_quiet(self, chat: int, key: str, how: int) -> None:
        self.desk.sets(chat, quiet="" if how > 1 else QUIET)

    def do_mute(self, chat: int, key: str, how: int) -> None:
        self.desk.sets(chat, muted_until=self.desk.now() + timedelta(hours=how) if how else None)

    def do_jump_forward(self, chat: int, key: str, how: int) -> None:
        self.desk.world.clock.jump(3600 * how)

    def do_jump_back(self, chat: int, key: str, how: int) -> None:
        self.desk.world.clock.jump(-600 * how)

    def do_tick(self, chat: int, key: str, how: int) -> None:
        for _ in range(how + 1):
            self.tick()
            self.desk.world.clock.advance(0.5)

    def do_wait(self, chat: int, key: str, how: int) -> None:
        self.desk.world.clock.advance((1, 30, 600, 6 * 3600)[how])
        self.tick()


def ended(tale: Tale) -> None:
    """All is well again, and time passes."""
    desk = tale.desk
    desk.fake.fail_with.clear()
    desk.fake.lose.clear()
    for chat in CHATS:
        desk.sets(chat, blocked_at=None)
    # A refused token is known to work again by the next message that is taken.
    tale.want(CHATS[0], "the last", "1", urgent=True)
    for wait_s in (*(5 * 3600 for _ in range(20)), *(1 for _ in range(20))):
        desk.world.clock.advance(wait_s)
        tale.tick()


def judge(tale: Tale) -> None:
    """Every post is as it was wanted last, or was given up with a reason; and nothing else is there."""
    desk = tale.desk
    with desk.world.store.reading() as view:
        posts = {(post.chat_id, post.key): post for post in view.posts((), 1000)}
    for (chat, key), text in tale.wanted.items():
        post = posts.get((chat, key))
        if post is None:
            assert text is None or key.startswith("reply:"), f"{key} was lost"
            continue
        assert post.state in (PostState.SHOWN, PostState.FAILED), post
        if post.state is PostState.FAILED:
            assert post.error, "what is given up says why"
        elif (shown := desk.fake.messages.get(post.message_id or 0)) is not None:
            assert shown.says.text.removesuffix(" (again)") == f"{key}={text}"
    live: Counter[tuple[int, str]] = Counter(
        (shown.place.chat_id, shown.says.text.partition("=")[0])
        for shown in desk.fake.messages.values()
        if shown.says.buttons and shown.message_id not in tale.strays
    )
    assert [which for which, count in live.items() if count > 1] == []
    assert desk.world.open_causes() == [], "a token that works again closes its incident" if live else ""


def obey(story: list[Step], url: str = "sqlite://") -> None:
    """Every law, on one world."""
    with closing(open_store(url)) as store:
        fragile: Any = Fragile(store)
        world = World(store)
        desk = Desk(world, fragile)
        with store.writing() as tx:
            tx.save_chat(Chat(12, ChatKind.PRIVATE, "boris", world.clock.now().at, lang="ru"))
        tale = Tale(desk, fragile)
        desk.fake = Witness(tale.look)
        for step in story:
            tale.play(step)
        ended(tale)
        judge(tale)


QUICK = [HealthCheck.too_slow]


@given(steps)
@settings(max_examples=60, deadline=None, suppress_health_check=QUICK)
def test_the_laws_of_posts_hold_in_every_world(story: list[Step]) -> None:
    obey(story)


@pytest.mark.soak
@given(steps)
@settings(max_examples=4000, deadline=None, suppress_health_check=QUICK)
def test_the_laws_of_posts_hold_in_thousands_of_worlds(story: list[Step]) -> None:
    obey(story)


@pytest.mark.soak
@given(story=steps)
@settings(max_examples=40, deadline=None, suppress_health_check=[*QUICK, HealthCheck.function_scoped_fixture])
def test_the_laws_of_posts_hold_on_postgresql(
    postgres_url: str, postgres_template: str, story: list[Step]
) -> None:
    url = fresh_database(postgres_url, postgres_template)
    try:
        obey(story, url)
    finally:
        drop_database(postgres_url, url)
