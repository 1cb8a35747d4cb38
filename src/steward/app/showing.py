"""Shows in chats what is wanted there, in the order of the wishes, at Telegram's pace, each outcome written down."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from steward.app.errors import placed
from steward.app.filing import file_reports
from steward.app.outbox import ATTEMPTS_MAX, BACKOFF_S, CLAIM_S
from steward.app.pacing import Pace
from steward.app.parts import Parts
from steward.app.posting import POSTS_MAX, move_chat
from steward.domain.chats import Chat, Post, PostState, Rendered, quiet_until
from steward.domain.incidents import Cause, Report, Severity
from steward.domain.instant import Instant, elapsed_s
from steward.domain.journal import Event, Kind
from steward.ports import Lease, Permanent, StoreUnavailable, Transient, Unauthorised, Unreachable
from steward.ports.chats import Blocked, Flooded, Gone, Messenger, Moved, Place, Refused

log = logging.getLogger(__name__)

ACTOR: Final = "telegram"
TICK_S: Final = 0.3
DUE_MAX: Final = 300
HOLD: Final = timedelta(seconds=60)
"""After this long a held post is looked at again: quiet hours may have been changed meanwhile."""
REFUSED_S: Final = 60.0
"""Between two tries while Telegram refuses the bot's token."""
PRUNE_S: Final = 3600.0
REPLIES_KEPT: Final = timedelta(days=1)
FAILING: Final = "bot_failing:sending"
"""The key of the incident of a token that Telegram refuses."""


def held_until(chat: Chat, post: Post, at: datetime) -> datetime | None:
    """Until when a post waits: a new message that is not urgent, in quiet hours or while the chat is muted.

    A message that changes makes no sound, and waits for nothing.
    """
    if post.urgent or post.message_id is not None:
        return None
    muted = chat.muted_until if chat.muted_until is not None and chat.muted_until > at else None
    ends = [end for end in (muted, quiet_until(chat, at)) if end is not None]
    return max(ends, default=None)


def lost(post: Post) -> Post:
    """As it stands once nobody will hear any more how it was sent: it may be there, or say what it is to say."""
    if post.message_id is None:
        return replace(post, state=PostState.UNCERTAIN)
    return replace(post, state=PostState.WANTED, shown="")


def merged(now: Post, claimed: Post, after: Post) -> Post:
    """What was wanted anew while it was sent, with what became of the message."""
    if claimed.message_id is None and after.message_id is None:
        is_open = after.state is PostState.UNCERTAIN
        return replace(now, state=PostState.UNCERTAIN if is_open else PostState.WANTED)
    old_id = after.old_id if now.old_id == claimed.old_id else now.old_id
    if now.message_id != claimed.message_id:
        return replace(now, old_id=old_id)
    return replace(now, state=PostState.WANTED, message_id=after.message_id, shown=after.shown, old_id=old_id)


class Posting:
    """Shows what is wanted, in the order in which it was wanted, chat by chat. One at a time: under the lease."""

    def __init__(self, parts: Parts, lease: Lease) -> None:
        self._parts = parts
        self._lease = lease
        self._pace = Pace()
        self._messenger: Messenger | None = None
        self._is_fresh = True
        self._is_failing: bool | None = None
        self._refused: Instant | None = None
        self._pruned: Instant | None = None

    def tick(self) -> float:
        """Show what is due; return the seconds until the next tick."""
        if self._is_fresh:
            self._recover()
        self._prune()
        now = self._parts.clock.now()
        if self._refused is not None and elapsed_s(self._refused, now) < REFUSED_S:
            return TICK_S
        with self._parts.store.reading() as view:
            due = view.posts_due(now.at, DUE_MAX)
            chats = {chat.id: chat for chat in view.chats()}
        waits: dict[int, float] = {}
        self._refused = None
        for post in due:
            if post.chat_id in chats and post.chat_id not in waits and self._refused is None:
                wait_s = self._show(chats[post.chat_id], post)
                waits |= {post.chat_id: wait_s} if wait_s else {}
        return min([TICK_S, *waits.values()])

    def close(self) -> None:
        """End what is open to Telegram."""
        if self._messenger is not None:
            self._messenger.close()

    def _recover(self) -> None:
        """What was on its way when an earlier process ended may have arrived."""
        with self._parts.store.writing(self._lease) as tx:
            for post in tx.posts([PostState.SENDING], POSTS_MAX):
                tx.save_post(replace(lost(post), next_at=None))
        self._is_fresh = False

    def _prune(self) -> None:
        now = self._parts.clock.now()
        if self._pruned is None or elapsed_s(self._pruned, now) >= PRUNE_S:
            with self._parts.store.writing(self._lease) as tx:
                tx.prune_posts(now.at - REPLIES_KEPT)
            self._pruned = now

    def _show(self, chat: Chat, post: Post) -> float:
        """Bring one post further; return the seconds that its chat must wait now, 0 where it goes on."""
        now = self._parts.clock.now()
        if until := held_until(chat, post, now.at):
            self._save(post, replace(post, next_at=min(until, now.at + HOLD)))
            return 0
        if wait_s := self._pace.wait_s(chat, now):
            return wait_s
        try:
            shown = self._rendered(chat, post)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 -- what one post cannot say must not silence the others
            log.error("a post of the kind %s could not be written: %s", post.kind, placed(error))  # noqa: TRY400 - a traceback would hold what somebody wrote
            self._give_up(post, f"it could not be written: {type(error).__name__}")
            return 0
        if shown is None:
            return self._withdraw(chat, post)
        if post.message_id is not None and shown.digest == post.shown:
            return self._settle(chat, post, shown)
        return self._send(chat, post, shown)

    def _rendered(self, chat: Chat, post: Post) -> Rendered | None:
        render = self._parts.render
        if render is None:
            raise Permanent("nothing says what posts show", "")
        if post.state is PostState.UNCERTAIN:
            post = replace(post, data={**post.data, "again": True})
        return render(self._parts, chat, post)

    def _send(self, chat: Chat, post: Post, shown: Rendered) -> float:
        """Send or change the message, with a mark in the database before and the outcome after."""
        claimed = self._claim(post)
        if claimed is None:
            return 0
        try:
            message_id = self._call(chat, claimed, shown)
        except (Transient, Permanent) as error:
            return self._failed(chat, post, claimed, error)
        # With a former message still to be deleted, there is something to do yet.
        state = PostState.SHOWN if claimed.old_id is None else PostState.WANTED
        done = replace(
            claimed,
            state=state,
            message_id=message_id,
            shown=shown.digest,
            attempts=0,
            next_at=None,
            error="",
        )
        self._save(claimed, done)
        self._well()
        return 0

    def _call(self, chat: Chat, post: Post, shown: Rendered) -> int:
        self._pace.count(chat, self._parts.clock.now())
        if post.message_id is None:
            return self._sender().send(Place(chat.id, post.thread_id, post.reply_to), shown)
        self._sender().edit(chat.id, post.message_id, shown)
        return post.message_id

    def _settle(self, chat: Chat, post: Post, shown: Rendered) -> float:
        """It says what it is to say; the message that it replaces goes, or, too old to go, keeps no buttons."""
        if post.old_id is not None:
            try:
                self._remove(chat, post.old_id, Rendered(shown.text))
            except (Transient, Permanent) as error:
                tried = replace(post, attempts=post.attempts + 1)
                if tried.attempts < ATTEMPTS_MAX:
                    return self._failed(chat, post, tried, error)
        self._save(
            post, replace(post, state=PostState.SHOWN, old_id=None, attempts=0, next_at=None, error="")
        )
        return 0

    def _withdraw(self, chat: Chat, post: Post) -> float:
        """There is nothing to show any more."""
        for message_id in (post.message_id, post.old_id):
            if message_id is None:
                continue
            try:
                self._remove(chat, message_id, None)
            except (Transient, Permanent) as error:
                tried = replace(post, attempts=post.attempts + 1)
                if tried.attempts < ATTEMPTS_MAX:
                    return self._failed(chat, post, tried, error)
        with self._parts.store.writing(self._lease) as tx:
            now = tx.post(post.chat_id, post.key)
            if now is not None and now.version == post.version:
                tx.drop_post(post.chat_id, post.key)
        return 0

    def _remove(self, chat: Chat, message_id: int, left: Rendered | None) -> None:
        try:
            self._sender().delete(chat.id, message_id)
        except Gone:
            if left is not None:
                self._strip(chat, message_id, left)
        except Refused:
            return

    def _strip(self, chat: Chat, message_id: int, left: Rendered) -> None:
        try:
            self._pace.count(chat, self._parts.clock.now())
            self._sender().edit(chat.id, message_id, left)
        except (Gone, Refused):
            return

    def _failed(self, chat: Chat, before: Post, claimed: Post, error: Transient | Permanent) -> float:
        """Write down why it was not shown, and what happens next; the seconds that its chat waits (at least)."""
        back = replace(before, error=error.reason)
        if isinstance(error, Flooded):
            until = error.retry_at
            self._chat(chat, lambda known: replace(known, flood_until=until))
            self._save(claimed, replace(back, next_at=until))
        elif isinstance(error, Blocked):
            at = self._parts.clock.now().at
            self._chat(chat, lambda known: replace(known, blocked_at=at))
            self._save(claimed, replace(back, next_at=None))
        elif isinstance(error, Moved):
            self._save(claimed, back)
            with self._parts.store.writing(self._lease) as tx:
                move_chat(tx, chat.id, error.now)
        elif isinstance(error, Unauthorised):
            self._save(claimed, back)
            self._refuse(error)
        elif isinstance(error, Gone):
            self._save(
                claimed, replace(claimed, state=PostState.WANTED, message_id=None, shown="", next_at=None)
            )
            return 0
        elif isinstance(error, Permanent):
            self._give_up(claimed, error.reason)
            return 0
        else:
            self._again(before, claimed, error)
        return TICK_S

    def _again(self, before: Post, claimed: Post, error: Transient | Permanent) -> None:
        """Try it again, later each time, until it has been tried often enough."""
        if claimed.attempts >= ATTEMPTS_MAX:
            self._give_up(claimed, error.reason)
            return
        at = self._parts.clock.now().at
        wait_s = BACKOFF_S[min(max(claimed.attempts, 1), len(BACKOFF_S)) - 1]
        next_at = at + timedelta(seconds=wait_s)
        retry_at = error.retry_at if isinstance(error, Transient) else None
        stands = lost(claimed) if isinstance(error, Unreachable) else replace(claimed, state=before.state)
        next_at = max(next_at, retry_at) if retry_at else next_at
        self._save(claimed, replace(stands, next_at=next_at, error=error.reason))

    def _give_up(self, claimed: Post, reason: str) -> None:
        """It is not shown. That is kept with it, and told in the history."""
        if not self._save(claimed, replace(claimed, state=PostState.FAILED, next_at=None, error=reason)):
            return
        data = {"key": claimed.key, "kind": claimed.kind, "reason": reason}
        with self._parts.store.writing(self._lease) as tx:
            tx.append([Event(Kind.POST_FAILED, self._parts.clock.now().at, ACTOR, why=reason, data=data)])

    def _refuse(self, error: Unauthorised) -> None:
        """Telegram does not take the token: everything waits, and one incident says so."""
        self._refused = self._parts.clock.now()
        if self._is_failing is not True:
            self._report(stands=True, reason=error.reason)

    def _well(self) -> None:
        if self._is_failing is not False:
            self._report(stands=False)

    def _report(self, *, stands: bool, reason: str = "") -> None:
        report = Report(
            key=FAILING,
            cause=Cause.BOT_FAILING,
            look=0,
            stands=stands,
            severity=Severity.ERROR,
            title="Telegram refuses the bot; nothing is shown in chats",
            evidence={"reason": reason} if reason else {},
            resolution="" if stands else "Telegram takes messages again",
            now=True,
        )
        with self._parts.store.writing(self._lease) as tx:
            file_reports(tx, [report], self._parts.clock.now().at, ACTOR, self._parts.channels)
        self._is_failing = stands

    def _sender(self) -> Messenger:
        if self._messenger is None:
            if self._parts.messenger is None:
                raise Permanent("no bot is configured", "Set STEWARD_TELEGRAM_TOKEN_FILE.")
            self._messenger = self._parts.messenger()
        return self._messenger

    def _claim(self, post: Post) -> Post | None:
        """Write down that it is on its way; None where it was wanted anew meanwhile."""
        next_at = self._parts.clock.now().at + timedelta(seconds=CLAIM_S)
        claimed = replace(post, state=PostState.SENDING, attempts=post.attempts + 1, next_at=next_at)
        with self._parts.store.writing(self._lease) as tx:
            now = tx.post(post.chat_id, post.key)
            if now is None or now.version != post.version:
                return None
            tx.save_post(claimed)
        return claimed

    def _save(self, claimed: Post, after: Post) -> bool:
        """Keep what became of it; whether it is still wanted as it was."""
        with self._parts.store.writing(self._lease) as tx:
            now = tx.post(claimed.chat_id, claimed.key)
            if now is None:
                return False
            is_same = now.version == claimed.version
            tx.save_post(after if is_same else merged(now, claimed, after))
            return is_same

    def _chat(self, chat: Chat, change: Callable[[Chat], Chat]) -> None:
        with self._parts.store.writing(self._lease) as tx:
            known = tx.chat(chat.id)
            if known is not None:
                tx.save_chat(change(known))
