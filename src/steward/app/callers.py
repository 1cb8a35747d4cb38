"""Who writes to the bot: connects accounts that show a code, knows them again, keeps what Telegram tells of chats.

Nobody acts here yet: an account proves who it is first. What it may do then is its user's, as of that moment.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from steward.app import posting
from steward.app.access import SECRET_LENGTH_MAX, digest
from steward.app.chats import BOT, greeted
from steward.app.errors import NotSignedIn
from steward.app.filing import file_reports, told
from steward.domain.chats import Chat, ChatKind, Post
from steward.domain.incidents import Cause, Report, Severity
from steward.domain.people import AuditLine, PassKind, Principal, Right, User, rights_of
from steward.ports import Clock, Store

log = logging.getLogger(__name__)

TRIES: Final = 5
"""Codes that one account may show in vain within TRIES_IN."""
TRIES_IN: Final = timedelta(hours=1)
HANDLED: Final = "telegram.handled"
"""The setting that keeps the numbers of the last updates that were handled."""
HANDLED_MAX: Final = 200
FAILING: Final = "bot_failing:receiving"
"""The key of the incident that nothing is received."""
ACTOR: Final = "steward"
TROUBLES: Final = {
    "token": "Telegram refuses the bot's token",
    "poller": "another program fetches the messages of the same bot",
}
"""What a person must mend, in words."""


@dataclass(frozen=True, slots=True)
class Callers:
    """Accounts and chats as Telegram names them, and what is said back to them."""

    store: Store
    clock: Clock
    channels: Sequence[str] = ()

    def principal(self, account: int) -> Principal | None:
        """Whoever that account is connected with, with the rights they have now; None for strangers and the disabled."""
        with self.store.reading() as view:
            chat = view.chat(account)
            user = view.user(chat.user) if chat is not None and chat.kind is ChatKind.PRIVATE else None
        if user is None or user.disabled_at is not None:
            return None
        return Principal(f"user:{user.name}", MappingProxyType(rights_of(user.grants)), user)

    def chat(self, chat_id: int) -> Chat | None:
        """The chat, if it is connected."""
        with self.store.reading() as view:
            return view.chat(chat_id)

    def link(self, secret: str, account: int, title: str = "", lang: str = "en") -> User:
        """Use a code up: from here on that account is its user's. Raises NotSignedIn, in the same words whatever is wrong.

        The same account may show the same code again: that is the same message, arrived twice.
        """
        now = self.clock.now().at
        if self._guesses(account, now):
            raise NotSignedIn("too many codes were tried; wait an hour")
        with self.store.writing() as tx:
            known = len(secret) <= SECRET_LENGTH_MAX and secret.isascii()
            found = tx.pass_by_digest(digest(secret)) if known else None
            if found is not None and found[0].kind is PassKind.CHAT and found[1].disabled_at is None:
                shown, user = found
                chat = tx.chat(account)
                if shown.used_at is not None and chat is not None and chat.user == user.name:
                    return user
                if shown.valid(now) and tx.use_pass(shown.id, now, once=True):
                    greeted(tx, user, account, now, title, lang)
                    tx.add_audit([_line(now, f"user:{user.name}", "done", user.name, account)])
                    return user
            tx.add_audit([_line(now, _caller(account), "refused", "", account)])
        raise NotSignedIn("this code is not known here, was used already, or has expired")

    def _guesses(self, account: int, now: datetime) -> bool:
        """Whether that account tried too often: whoever did is told so without looking, and nothing is written."""
        with self.store.reading() as view:
            lines = view.audit_lines(limit=TRIES, actor=_caller(account), outcome="refused")
        tried = [line for line in lines if line.actor == _caller(account) and now - line.at < TRIES_IN]
        return len(tried) >= TRIES

    # What Telegram tells -------------------------------------------------------------------------------

    def named(self, bot: str) -> None:
        """Keep the bot's name, so that links with codes can be made."""
        with self.store.writing() as tx:
            if tx.setting(BOT) != bot:
                tx.set_setting(BOT, bot)

    def bot_works(self, trouble: str = "") -> None:
        """Whether messages are received: "" they are; else what stands against it: "token", "poller"."""
        now, reason = self.clock.now().at, TROUBLES.get(trouble, "")
        if trouble:
            log.error("the bot receives nothing: %s", reason)
        report = Report(
            key=FAILING,
            cause=Cause.BOT_FAILING,
            look=0,
            stands=bool(trouble),
            severity=Severity.ERROR,
            title="The bot receives nothing of what people write to it",
            evidence={"reason": reason} if reason else {},
            resolution="" if trouble else "messages are received again",
            now=True,
        )
        with told(self.store) as tx:
            file_reports(tx, [report], now, ACTOR, self.channels)

    def blocked(self, chat_id: int, *, blocked: bool) -> None:
        """Nothing can be sent to that chat any more, or can be again."""
        with self.store.writing() as tx:
            chat = tx.chat(chat_id)
            if chat is not None and (chat.blocked_at is not None) is not blocked:
                tx.save_chat(replace(chat, blocked_at=self.clock.now().at if blocked else None))

    def moved(self, old: int, new: int) -> None:
        """A group has another id from now on: it became a larger one. What is shown there is shown anew."""
        with self.store.writing() as tx:
            posting.move_chat(tx, old, new)

    def handled(self, update_id: int) -> bool:
        """Whether that update was handled before."""
        with self.store.reading() as view:
            return update_id in (view.setting(HANDLED) or [])

    def note(self, update_id: int) -> None:
        """Remember that an update was handled: it may come again."""
        with self.store.writing() as tx:
            kept = tx.setting(HANDLED) or []
            if update_id not in kept:
                tx.set_setting(HANDLED, [*kept, update_id][-HANDLED_MAX:])

    # What is said back ---------------------------------------------------------------------------------

    def answered(self, chat_id: int, key: str) -> Post | None:
        """What stands in a chat under that key."""
        with self.store.reading() as view:
            return view.post(chat_id, key)

    def shown(self, chat_id: int, message_id: int) -> Post | None:
        """The post that a message of ours shows."""
        with self.store.reading() as view:
            return view.post_of(chat_id, message_id)

    def want(
        self,
        chat_id: int,
        key: str,
        kind: str,
        data: Mapping[str, Any],
        *,
        thread_id: int = 0,
        below: bool = False,
        reply_to: int | None = None,
    ) -> None:
        """Have something shown in a connected chat because somebody there asked: at its end with `below`."""
        with self.store.writing() as tx:
            if tx.chat(chat_id) is None:
                return
            now = self.clock.now().at
            post = Post(chat_id, key, kind, now, data, thread_id=thread_id, reply_to=reply_to, urgent=True)
            (posting.move_down if below else posting.want)(tx, post)


def _caller(account: int) -> str:
    return f"telegram:{account}"


def _line(at: datetime, actor: str, outcome: str, target: str, account: int) -> AuditLine:
    return AuditLine(at, actor, "chat.link", outcome, Right.OWN.value, target, _caller(account))
