"""The plain sentences that answer messages, by the key under which posts keep them. Each is given its values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

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


def _unreadable(kind: str) -> str:
    words = UNREADABLE.get(kind)
    return words() if words else _("I only understand text. Write what you want, or send /help.")


def _unknown_command(command: str, near: str) -> str:
    if near:
        return _(
            "There is no /{command}. Did you mean /{near}? /help shows all I can do.",
            command=command,
            near=near,
        )
    return _("There is no /{command}. /help shows all I can do.", command=command)


REPLIES: Final[dict[str, Callable[..., str]]] = {
    "told": lambda words: f"{words}",
    "stranger": lambda: _(
        "Hello! I work for people who are known here. Ask your administrator for a code, or get one yourself in"
        " Steward under Settings → Telegram; then send me: /link CODE"
    ),
    "linked": lambda name: _(
        "Connected, {name}! Tell me in your own words what you want built, or send /help.", name=name
    ),
    "link_failed": lambda: _(
        "This code does not work: it was used already, has expired, or was mistyped. Get a new one and send it again."
    ),
    "link_in_private": lambda: _(
        "A code is for you alone, and others have seen this one. Get a new one, and send it to me in a private chat."
    ),
    "unlinked": lambda: _("Disconnected. I will not write to you any more; /link CODE connects us again."),
    "unreadable": _unreadable,
    "caption_only": lambda: _("I read only the words beneath it; what it shows I cannot see."),
    "unknown_command": _unknown_command,
    "ask_new": lambda: _(
        "What shall be built? Tell me in your own words: what it is for, who uses it, what it does."
    ),
    "talk_open": lambda: _("I added that to what we are talking about already. /cancel ends that talk."),
    "talk_dropped": lambda: _("I have put that talk away. Nothing was ordered."),
    "nothing_to_cancel": lambda: _("There is nothing to cancel: no talk is open here."),
    "no_more_asked": lambda: _("All right, never mind."),
    "edit_too_late": lambda: _(
        "That was ordered already: editing the message changes nothing. Write what is different."
    ),
    "ask_change": lambda name: _(
        "What should be different about «{name}»? Write it in your next message.", name=name
    ),
    "ask_update": lambda name: _("What should change in «{name}»? Write it in your next message.", name=name),
    "ask_edit": lambda: _(
        "Write what is different, and I change the brief. You can also edit your own messages above."
    ),
    "revised": lambda name: _("Noted. «{name}» is being estimated anew with that.", name=name),
    "revised_waits": lambda name, why: _(
        "Noted. «{name}» is a draft again, with your change in it. {why}", name=name, why=why
    ),
    "which": lambda: _("Which project do you mean?"),
    "which_now": lambda: _("Which project do you mean? Name it: /project NAME"),
    "lang_set": lambda: _("I speak English here from now on."),
    "muted": lambda until: _("I am quiet here until {until}. /mute off ends that.", until=until),
    "unmuted": lambda: _("I tell you everything again."),
    "bad_time": lambda: _(
        "I do not understand that time. Write for example /mute 1h, /mute 2d or /mute off."
    ),
    "quiet_set": lambda quiet, zone: _(
        "Quiet hours: {quiet} ({zone}). Only what is critical gets through then. /quiet off ends that.",
        quiet=quiet,
        zone=zone,
    ),
    "quiet_off": lambda: _("No quiet hours any more."),
    "quiet_none": lambda: _("There are no quiet hours. Set some: /quiet 22:00-08:00 Europe/Moscow"),
    "bad_quiet": lambda: _(
        "I do not understand that. Write for example /quiet 22:00-08:00 Europe/Moscow or /quiet off."
    ),
    "followed": lambda organisation: _(
        "This chat follows {organisation} from now on.", organisation=organisation
    ),
    "followed_all": lambda: _("This chat follows all organisations from now on."),
    "unfollowed": lambda: _("This group follows nothing any more."),
    "groups_only": lambda: _("That is for groups: add me to one, and write /follow there."),
    "private_only": lambda: _("That is for a private chat: write it to me alone."),
    "not_followed": lambda title: _(
        "«{title}» is not connected yet: write /follow there first.", title=title
    ),
    "secret_stays": lambda: _(
        "That looked like a secret. I kept nothing of it, but I could not delete the message: please delete it yourself."
    ),
    "secret_gone": lambda: _("That looked like a secret: I deleted the message and kept nothing of it."),
    "fault": lambda: _("Something went wrong on my side; nothing was changed. Please send that again."),
}
