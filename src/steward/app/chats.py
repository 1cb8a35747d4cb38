"""Which chats are connected with whom, and what is chosen for each: codes, language, quiet hours, groups.

One's own take the right `own`; those of others take `users`. A group is connected by whoever may write in the
organisation that it follows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from steward.app.access import digest, enabled, new_secret
from steward.app.errors import Forbidden, Invalid, Unknown
from steward.app.passes import Passes
from steward.app.people import LANGUAGES
from steward.app.posting import move_down
from steward.app.queries import find_organisation, readable_organisations
from steward.app.views import Json, stamp
from steward.domain.chats import Chat, ChatKind, Post, quiet_times
from steward.domain.people import Pass, PassKind, Right, User, rights_of
from steward.ports import Reads, Writes

CODE_LASTS: Final = timedelta(minutes=15)
MUTE_MAX_S: Final = 30 * 86400.0
TITLE_MAX: Final = 128
BOT: Final = "telegram.bot"
"""The setting that keeps the bot's name, as Telegram told it last."""
FAILED_SHOWN: Final = 50
TEST: Final = "test"
"""The key of the post that is shown in a chat to see whether anything arrives there."""


@dataclass(frozen=True, slots=True)
class Chats(Passes):
    """What one principal may do about chats. Each call may raise Forbidden, Unknown and Invalid."""

    def code(self, name: str | None = None) -> Json:
        """Make a one-time code that connects a Telegram account with a user (oneself): `{user, code, link, expires_at}`.

        It is good for a quarter of an hour, and those made before are not any more. `link` opens the bot with it;
        None where the bot's name is not known yet.
        """
        name = self._whose(name)
        secret, now = new_secret(PassKind.CHAT), self.clock.now().at
        with self.store.writing() as tx:
            user = self._found(tx, name)
            enabled(user)
            if not self._is_me(name):
                self._within(rights_of(user.grants))
            earlier = [one.id for one in tx.passes(user.id, [PassKind.CHAT]) if one.valid(now)]
            tx.end_passes(earlier, now)
            made = Pass(0, PassKind.CHAT, user.id, digest(secret), now, now + CODE_LASTS)
            tx.add_pass(replace(made, made_by=self.by.actor))
            self._note(tx, "chat.code", name)
            bot = tx.setting(BOT)
        link = f"https://t.me/{bot}?start={secret}" if bot else None
        return {"user": name, "code": secret, "link": link, "expires_at": stamp(made.expires_at)}

    def chats(self, name: str | None = None) -> list[Json]:
        """The chats of a user (oneself), by their ids."""
        with self.store.reading() as view:
            user = self._found(view, self._whose(name))
            return [chat_view(view, chat) for chat in view.chats(user.name)]

    def status(self) -> Json:
        """`{bot, chats, posts, failed}`: the chats that may be seen, how many posts stand in which state in all,
        and the last that could not be sent, with the reason."""
        mine = None if self.by.may(Right.USERS) else self._whose(None)
        with self.store.reading() as view:
            seen = view.chats(mine)
            ids = {chat.id for chat in seen}
            failed = [post for post in view.posts(["failed"], FAILED_SHOWN) if post.chat_id in ids]
            return {
                "bot": view.setting(BOT),
                "chats": [chat_view(view, chat) for chat in seen],
                "posts": view.post_counts(),
                "failed": [_failed_view(post) for post in failed],
            }

    def unlink(self, name: str | None = None, chat_id: int | None = None) -> list[Json]:
        """Forget the chats of a user (oneself), or one of them, with what was shown there; return those that stay.

        Codes that were not used yet end, too. Idempotent.
        """
        name, now = self._whose(name), self.clock.now().at
        with self.store.writing() as tx:
            user = self._found(tx, name)
            gone = [chat for chat in tx.chats(user.name) if chat_id in (None, chat.id)]
            if chat_id is not None and not gone:
                raise Unknown("chat", str(chat_id))
            for chat in gone:
                tx.drop_chat(chat.id)
            codes = [one.id for one in tx.passes(user.id, [PassKind.CHAT]) if one.valid(now)]
            if gone or tx.end_passes(codes, now):
                self._note(tx, "chat.unlink", name, ", ".join(str(chat.id) for chat in gone))
            return [chat_view(tx, chat) for chat in tx.chats(user.name)]

    def test(self, name: str | None = None) -> Json:
        """Have a message shown in the chats of a user (oneself), to see whether it arrives; the answer of `tested`."""
        name, now = self._whose(name), self.clock.now().at
        with self.store.writing() as tx:
            for chat in tx.chats(self._found(tx, name).name):
                move_down(tx, Post(chat.id, TEST, "status", now, thread_id=chat.thread_id, urgent=True))
            return _tested(tx, name)

    def tested(self, name: str | None = None) -> Json:
        """What became of it: `{bot, chats}`, each as a chat is shown, with the `state` of its message and its `error`.

        `state` is None where none was asked for.
        """
        with self.store.reading() as view:
            return _tested(view, self._found(view, self._whose(name)).name)

    def prefer(
        self, chat_id: int, *, lang: str | None = None, quiet: str | None = None, zone: str | None = None
    ) -> Json:
        """Choose a chat's language, its quiet hours ("22:00-08:00", "" for none), their zone; None leaves it.

        The language of a private chat is its user's everywhere.
        """
        with self.store.writing() as tx:
            chat = self._mine(tx, chat_id)
            after = replace(
                chat,
                lang=chat.lang if lang is None else _lang(lang),
                quiet=chat.quiet if quiet is None else _quiet(quiet),
                zone=chat.zone if zone is None else _zone(zone),
            )
            if after != chat:
                tx.save_chat(after)
                self._note(tx, "chat.change", chat.user)
            user = tx.user(chat.user)
            if chat.kind is ChatKind.PRIVATE and lang is not None and user is not None and user.lang != lang:
                tx.save_user(replace(user, lang=lang))
            return chat_view(tx, after)

    def mute(self, chat_id: int, for_s: float) -> Json:
        """Show nothing in a chat by ourselves for that many seconds (at most 30 days); 0: again from now on."""
        if not 0 <= for_s <= MUTE_MAX_S:
            raise Invalid("a chat is muted for at most 30 days", "For example: /mute 1h")
        with self.store.writing() as tx:
            chat = self._mine(tx, chat_id)
            until = self.clock.now().at + timedelta(seconds=for_s) if for_s else None
            chat = replace(chat, muted_until=until)
            tx.save_chat(chat)
            return chat_view(tx, chat)

    def connect(
        self,
        chat_id: int,
        title: str,
        organisation: str | None = None,
        *,
        thread_id: int = 0,
        lang: str = "en",
    ) -> Json:
        """Have a group follow an organisation (None: the only one; else all, for who may write in all), in a topic.

        Whoever does is whose rights say what is shown there. A group that follows already follows that one now.
        """
        with self.store.writing() as tx:
            home = self._followed(tx, organisation)
            if not self.by.may(Right.WRITE, home):
                where = tx.organisation(home).login if home is not None else ""
                raise Forbidden(Right.WRITE, self.by.actor, where)
            me, known = self._whose(None), tx.chat(chat_id)
            if known is not None and known.kind is ChatKind.PRIVATE:
                raise Invalid("a private chat follows nothing", "Add the bot to a group, and ask there.")
            fresh = Chat(chat_id, ChatKind.GROUP, me, self.clock.now().at, _lang(lang))
            after = replace(
                known or fresh,
                user=me,
                title=title[:TITLE_MAX],
                thread_id=thread_id,
                organisation_id=home,
                blocked_at=None,
            )
            if after != known:
                tx.save_chat(after)
                self._note(tx, "chat.connect", me, str(chat_id))
            return chat_view(tx, after)

    def disconnect(self, chat_id: int) -> bool:
        """Have a group follow nothing any more; whether it did."""
        with self.store.writing() as tx:
            if tx.chat(chat_id) is None:
                return False
            chat = self._mine(tx, chat_id)
            if chat.kind is ChatKind.PRIVATE:
                raise Invalid("a private chat follows nothing", "Add the bot to a group, and ask there.")
            tx.drop_chat(chat_id)
            self._note(tx, "chat.disconnect", chat.user, str(chat_id))
            return True

    def _whose(self, name: str | None) -> str:
        if name is not None:
            return name
        if self.by.user is None:
            raise Invalid("nobody is signed in whose chats these are", "Name the user.")
        return self.by.user.name

    def _mine(self, view: Reads, chat_id: int) -> Chat:
        """A chat that this principal may change: their own, that of others with `users`, a group where they write."""
        chat = view.chat(chat_id)
        if chat is None:
            raise Unknown("chat", str(chat_id))
        if self._is_me(chat.user) and self.by.may_somewhere(Right.OWN):
            return chat
        group = chat.kind is ChatKind.GROUP and self.by.may(Right.WRITE, chat.organisation_id)
        if group or self.by.may(Right.USERS):
            return chat
        if chat.kind is ChatKind.GROUP:
            raise Forbidden(Right.WRITE, self.by.actor)
        # Another's is as unknown as one that never was.
        raise Unknown("chat", str(chat_id))

    def _followed(self, view: Reads, organisation: str | None) -> int | None:
        if organisation:
            return find_organisation(view, organisation, self.by).id
        known = readable_organisations(view, self.by)
        return known[0].id if len(known) == 1 else None


def chat_view(view: Reads, chat: Chat) -> Json:
    """One chat, as faces show it."""
    place = chat.organisation_id
    return {
        "id": chat.id,
        "kind": chat.kind.value,
        "user": chat.user,
        "title": chat.title,
        "lang": chat.lang,
        "thread": chat.thread_id,
        "organisation": None if place is None else view.organisation(place).login,
        "quiet": chat.quiet,
        "zone": chat.zone,
        "joined_at": stamp(chat.joined_at),
        "muted_until": stamp(chat.muted_until),
        "blocked_at": stamp(chat.blocked_at),
        "flood_until": stamp(chat.flood_until),
    }


def _tested(view: Reads, name: str) -> Json:
    shown = []
    for chat in view.chats(name):
        post = view.post(chat.id, TEST)
        state, error = (None, "") if post is None else (post.state.value, post.error)
        shown.append({**chat_view(view, chat), "state": state, "error": error})
    return {"bot": view.setting(BOT), "chats": shown}


def _failed_view(post: Post) -> Json:
    return {
        "chat": post.chat_id,
        "key": post.key,
        "kind": post.kind,
        "wanted_at": stamp(post.wanted_at),
        "attempts": post.attempts,
        "error": post.error,
    }


def _lang(lang: str) -> str:
    if lang not in LANGUAGES:
        raise Invalid(f"'{lang[:20]}' is no language of ours", f"Choose one of: {', '.join(LANGUAGES)}.")
    return lang


def _quiet(quiet: str) -> str:
    try:
        quiet_times(quiet)
    except ValueError:
        raise Invalid(f"'{quiet[:20]}' are no quiet hours", "Write them as 22:00-08:00.") from None
    return quiet


def _zone(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(f"'{zone[:40]}' is no time zone", "Write it as Europe/Berlin.") from None
    return zone


def greeted(tx: Writes, user: User, account: int, at: datetime, title: str, lang: str) -> Chat:
    """The private chat of an account that has shown a code; whatever it showed to somebody else before is forgotten."""
    known = tx.chat(account)
    if known is not None and known.user != user.name:
        tx.drop_chat(account)
        known = None
    spoken = user.lang or lang
    fresh = Chat(account, ChatKind.PRIVATE, user.name, at, spoken)
    chat = replace(known or fresh, title=title[:TITLE_MAX], blocked_at=None)
    tx.save_chat(chat)
    return chat
