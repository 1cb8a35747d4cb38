"""The commands as Telegram offers them while somebody types, in the present language."""

from __future__ import annotations

from steward.faces.words import _


def menu() -> list[tuple[str, str]]:
    """Each command, without its stroke, with what it does."""
    return [
        ("new", _("Talk about something new to be built")),
        ("projects", _("All projects")),
        ("project", _("One project: /project NAME")),
        ("waiting", _("What waits for your word")),
        ("incidents", _("What is wrong")),
        ("status", _("How Steward itself does")),
        ("lang", _("English or Russian")),
        ("mute", _("Be quiet for a while: /mute 1h")),
        ("quiet", _("Quiet hours: /quiet 22:00-08:00")),
        ("follow", _("In a group: follow an organisation")),
        ("cancel", _("Put the open talk away")),
        ("help", _("What I can do")),
    ]
