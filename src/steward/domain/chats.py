"""Chats with people, what is shown in them, and what their buttons carry. Values only.

What is shown in a chat is a set of posts, each wanted until it is shown as it is wanted: a reply, an alert, the one
card of a project. What changes a post wants it anew; whoever delivers edits the message that shows it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

DATA_MAX: Final = 64
"""Bytes that a button may carry. Source: Telegram Bot API, InlineKeyboardButton, callback_data."""
TEXT_MAX: Final = 4096
"""UTF-16 code units of a message, its markup left out. Source: Telegram Bot API, sendMessage."""
_QUIET: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


class ChatKind(StrEnum):
    """Between a person and us alone, or with others."""

    PRIVATE = "private"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Chat:
    """One chat that was connected. `id` is Telegram's: of a private one that of the person, too.

    `user` names whose it is, or who connected the group, whose rights say what is shown there. A group follows an
    organisation (our id; None: all that its user may see). `quiet` is "22:00-08:00" in `zone`, "" never.
    `blocked_at`: the person has stopped the bot, or it was removed; `flood_until`: Telegram asked to wait.
    """

    id: int
    kind: ChatKind
    user: str
    joined_at: datetime
    lang: str = "en"
    title: str = ""
    thread_id: int = 0
    organisation_id: int | None = None
    quiet: str = ""
    zone: str = "UTC"
    muted_until: datetime | None = None
    blocked_at: datetime | None = None
    flood_until: datetime | None = None


class PostState(StrEnum):
    """`wanted`: to be shown. `sending`: on its way. `uncertain`: the answer was lost, it may be there already.

    `shown`: as it is wanted. `failed`: given up, with the reason.
    """

    WANTED = "wanted"
    SENDING = "sending"
    UNCERTAIN = "uncertain"
    SHOWN = "shown"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Post:
    """One thing to be shown in a chat. `key` makes it one there; `kind` and `data` (JSON) say what it shows.

    What it says is made when it is sent, in the chat's language, from what is true then. `message_id` shows it;
    `shown` is the digest of what it says there. `old_id` is a message that it replaces, to be deleted. `urgent` goes
    through quiet hours. `version` counts how often it was wanted: one that is wanted again while it is sent stays so.
    """

    chat_id: int
    key: str
    kind: str
    wanted_at: datetime
    data: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    state: PostState = PostState.WANTED
    thread_id: int = 0
    reply_to: int | None = None
    urgent: bool = False
    message_id: int | None = None
    old_id: int | None = None
    shown: str = ""
    version: int = 1
    attempts: int = 0
    next_at: datetime | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """One button: it carries `data` back, or opens `url`."""

    text: str
    data: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a post says: Telegram's HTML, and rows of buttons. `silent`: without a sound."""

    text: str
    buttons: tuple[tuple[Button, ...], ...] = ()
    silent: bool = False

    @property
    def digest(self) -> str:
        """What tells it from what is shown."""
        shown = repr((self.text, self.buttons))
        return hashlib.sha256(shown.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Press:
    """What a button carries: what it is about, what is to be done, to which, as of which version.

    `room`: "p" a project, "i" an incident, "t" a talk, "c" the chat itself.
    """

    room: str
    verb: str
    ref: str
    version: int = 0
    arg: str = ""

    def pack(self) -> str:
        """As `callback_data`. Raises ValueError where it is longer than a button may carry."""
        parts = [self.room, self.verb, self.ref, str(self.version)]
        packed = ":".join([*parts, self.arg] if self.arg else parts)
        if len(packed.encode()) > DATA_MAX:
            raise ValueError(f"a button carries at most {DATA_MAX} bytes: {packed}")
        return packed


def unpack(data: str | None) -> Press | None:
    """What a button of ours carries; None for anything else."""
    parts = (data or "").split(":", 4)
    if len(parts) < 4 or not parts[0] or not parts[1] or not re.fullmatch(r"\d{1,18}", parts[3], re.ASCII):
        return None
    return Press(parts[0], parts[1], parts[2], int(parts[3]), parts[4] if len(parts) == 5 else "")


def quiet_times(quiet: str) -> tuple[time, time] | None:
    """When quiet hours begin and end; None where there are none. Raises ValueError for what is neither."""
    if not quiet:
        return None
    found = _QUIET.fullmatch(quiet)
    if found is None or found[0][:5] == found[0][6:]:
        raise ValueError("quiet hours are written as 22:00-08:00")
    first, second, third, fourth = (int(part) for part in found.groups())
    return time(first, second), time(third, fourth)


def quiet_until(chat: Chat, at: datetime) -> datetime | None:
    """When the quiet hours end in which that moment lies; None where it lies in none. `at` knows its zone."""
    span = quiet_times(chat.quiet)
    if span is None:
        return None
    begins, ends = span
    here = at.astimezone(ZoneInfo(chat.zone))
    now = here.time().replace(tzinfo=None)
    inside = begins <= now < ends if begins < ends else (now >= begins or now < ends)
    if not inside:
        return None
    day = here.date() + timedelta(days=1 if ends <= now else 0)
    return datetime.combine(day, ends, ZoneInfo(chat.zone)).astimezone(at.tzinfo)
