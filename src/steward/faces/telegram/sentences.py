"""Plain sentences of the bot, by the key that a post of the kind `said` names; each is given the post's values.

A sentence is made when it is sent, so that it is in the language that its chat has then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from steward.faces.lines import status_label
from steward.faces.telegram.replies import REPLIES
from steward.faces.words import _, counted, said

Sentence = Callable[..., str]


def _refused(reason: str = "", advice: str = "", **_values: Any) -> str:
    """What a command was refused with, in the reader's language."""
    return "\n".join(filter(None, [said(reason), said(advice)]))


TALKING: Final[dict[str, Sentence]] = {
    "which_update": lambda **_v: _("Which project do you mean?"),
    "talk_dropped": lambda title="", **_v: (
        _("«{title}» is put away. Nothing was ordered.", title=title)
        if title
        else _("That is put away. Nothing was ordered.")
    ),
    "nothing_open": lambda **_v: _("There is nothing to put away. Write /new to begin something."),
    "secret_deleted": lambda **_v: _(
        "Your message held something secret, so I have deleted it and kept nothing of that. "
        "Give it through the one-time form below instead."
    ),
    "secret_delete_it": lambda **_v: _(
        "Your message holds something secret, and I may not delete it here. Please delete it yourself. "
        "I have kept nothing of it; give it through the one-time form below instead."
    ),
}
"""About talks."""

DOING: Final[dict[str, Sentence]] = {
    "refused": _refused,
    "ordered": lambda title="", **_v: _(
        "«{title}» is ordered. I am working out what it will take.", title=title
    ),
    "paused": lambda title="", **_v: _(
        "«{title}» is paused. Nothing touches it until you resume it.", title=title
    ),
    "rejected": lambda title="", **_v: _(
        "«{title}» is put away; nothing was created. It can be reopened on the board.", title=title
    ),
    "settled": lambda title="", status="", **_v: _(
        "«{title}» is now «{status}».", title=title, status=status_label(status)
    ),
    "tell_change": lambda title="", **_v: _(
        "What should be different about «{title}»? Write it here in your own words.", title=title
    ),
    "tell_update": lambda title="", **_v: _(
        "What should change in «{title}»? Write it here in your own words.", title=title
    ),
}
"""About what was done."""

CHAT: Final[dict[str, Sentence]] = {
    "linked": lambda name="", **_v: _(
        "You are connected as {name}. Write what you would like to have built, or /help.", name=name
    ),
    "stranger": lambda **_v: _(
        "I work for people who are signed up here. Ask whoever runs this Steward for a code, then send: /start CODE"
    ),
    "bad_code": lambda **_v: _(
        "That code is not good (any more). A new one is on the board, under Settings, Telegram."
    ),
    "unlinked": lambda **_v: _("This chat is disconnected. I keep nothing of it but what was ordered."),
    "unknown_command": lambda near="", **_v: (
        _("I do not know that command. Did you mean {near}? /help shows all.", near=near)
        if near
        else _("I do not know that command. /help shows all.")
    ),
    "too_long": lambda limit=0, **_v: counted(
        "That is too long for one message: {n} character at most. Please send it in parts.",
        "That is too long for one message: {n} characters at most. Please send it in parts.",
        int(limit),
    ),
    "try_again": lambda **_v: _("Something went wrong on our side. Please send that again in a minute."),
    "quiet_set": lambda quiet="", **_v: (
        _("Between {quiet} I send nothing but what is critical.", quiet=quiet)
        if quiet
        else _("There are no quiet hours any more.")
    ),
    "quiet_how": lambda **_v: _("Write it as /quiet 22:00-08:00, or /quiet off."),
    "following": lambda organisation="", **_v: (
        _("This chat follows {organisation} now.", organisation=organisation)
        if organisation
        else _("This chat follows all organisations now.")
    ),
    "unfollowed": lambda **_v: _("This chat follows nothing any more."),
    "group_only": lambda **_v: _("That works in a group only."),
}
"""About the chat itself."""

SENTENCES: Final[dict[str, Sentence]] = {**TALKING, **DOING, **CHAT, **REPLIES}
"""All of them, by key."""
