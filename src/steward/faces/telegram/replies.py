"""More plain sentences by their keys: those that only answer what somebody wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from steward.faces.words import _

UNREADABLE: Final[dict[str, Callable[[], str]]] = {
    "voice": lambda: _("I cannot listen to voice messages yet. Please write it, in your own words."),
    "audio": lambda: _("I cannot listen to voice messages yet. Please write it, in your own words."),
    "video_note": lambda: _("I cannot watch videos. Please write what is in it."),
    "video": lambda: _("I cannot watch videos. Please write what is in it."),
    "photo": lambda: _("I cannot see pictures. Please describe in words what matters about it."),
    "document": lambda: _("I cannot open files. Please copy the text that matters into a message."),
    "sticker": lambda: _("Nice sticker! I only understand words, though: tell me what you want built."),
    "animation": lambda: _("Nice sticker! I only understand words, though: tell me what you want built."),
    "location": lambda: _(
        "I have no use for a place on the map. Write the address, if it belongs to what you want."
    ),
    "contact": lambda: _("I keep no contacts. To let somebody in, have them ask for a code of their own."),
    "poll": lambda: _("I cannot vote. Write what you have decided."),
}
"""What is said to messages that hold no text, by Telegram's name of what they hold."""


def _unreadable(kind: str = "", **_values: Any) -> str:
    words = UNREADABLE.get(kind)
    return words() if words else _("I only understand text. Write what you want, or send /help.")


REPLIES: Final[dict[str, Callable[..., str]]] = {
    "told": lambda words="", **_v: str(words),
    "link_in_private": lambda **_v: _(
        "A code is for you alone, and others have seen this one. Get a new one, and send it to me in a private chat."
    ),
    "unreadable": _unreadable,
    "caption_only": lambda **_v: _("I read only the words beneath it; what it shows I cannot see."),
    "meant": lambda title="", **_v: (
        _("It is about «{title}».", title=title) if title else _("It is something new.")
    ),
    "talk_open": lambda **_v: _("I added that to what we are talking about already. /cancel ends that talk."),
    "no_more_asked": lambda **_v: _("All right, never mind."),
    "ask_edit": lambda **_v: _(
        "Write what is different, and I change the brief. You can also edit your own messages above."
    ),
    "revised": lambda title="", **_v: _("Noted. «{title}» is being estimated anew with that.", title=title),
    "revised_waits": lambda title="", why="", **_v: _(
        "Noted. «{title}» is a draft again, with your change in it. {why}", title=title, why=why
    ),
    "lang_set": lambda **_v: _("I speak English here from now on."),
    "muted": lambda until="", **_v: _("I am quiet here until {until}. /mute off ends that.", until=until),
    "unmuted": lambda **_v: _("I tell you everything again."),
    "bad_time": lambda **_v: _(
        "I do not understand that time. Write for example /mute 1h, /mute 2d or /mute off."
    ),
    "private_only": lambda **_v: _("That is for a private chat: write it to me alone."),
    "not_followed": lambda title="", **_v: _(
        "«{title}» is not connected yet: write /follow there first.", title=title
    ),
    "secret_stays": lambda **_v: _(
        "That looked like a secret. I kept nothing of it, but I could not delete the message: please delete it yourself."
    ),
    "secret_gone": lambda **_v: _("That looked like a secret: I deleted the message and kept nothing of it."),
}
