"""What each post shows: one function per kind, in the language of its chat, as its reader may see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from steward.app.application import Application
from steward.app.errors import Unknown
from steward.domain.chats import Chat, Post, Rendered
from steward.faces.telegram import (
    cards_chat,
    cards_incident,
    cards_lists,
    cards_now,
    cards_project,
    cards_spec,
    cards_talk,
)
from steward.faces.telegram.desk import Desk, reader
from steward.faces.telegram.markup import italic
from steward.faces.words import _, speaking

CARDS: Final[dict[str, Callable[[Desk], Rendered | None]]] = {
    "said": cards_chat.said_card,
    "help": cards_chat.help_card,
    "lang": cards_chat.lang_card,
    "mute": cards_chat.mute_card,
    "form": cards_chat.form_card,
    "which": cards_talk.which_card,
    "brief": cards_talk.brief_card,
    "update": cards_talk.update_card,
    "estimate": cards_spec.estimate_card,
    "sure": cards_spec.sure_card,
    "project": cards_project.project_card,
    "gate": cards_project.gate_card,
    "live": cards_project.live_card,
    "rollback": cards_project.rollback_card,
    "pause": cards_project.pause_card,
    "now": cards_now.now_card,
    "incident": cards_incident.incident_card,
    "incidents": cards_lists.incidents_card,
    "projects": cards_lists.projects_card,
    "waiting": cards_lists.waiting_card,
    "status": cards_lists.status_card,
}
"""By kind of post."""
FOR_ANYBODY: Final = frozenset({"said"})
"""What is shown to somebody who may see nothing: how to be let in, and that they are not any more."""


def render(app: Application, chat: Chat, post: Post, public_url: str = "") -> Rendered | None:
    """What a post says now; None where there is nothing to say, or nobody there may see it any more."""
    make = CARDS.get(post.kind)
    if make is None:
        return None
    with app.store.reading() as view:
        by = reader(view, chat)
    with speaking(chat.lang):
        if post.kind in FOR_ANYBODY:
            shown = cards_chat.said_words(post)
        elif by is None:
            shown = None
        else:
            shown = _made(make, Desk(app, chat, post, by, public_url))
        return _again(shown) if shown is not None and post.data.get("again") else shown


def _made(make: Callable[[Desk], Rendered | None], desk: Desk) -> Rendered | None:
    try:
        return make(desk)
    except Unknown:
        # It was here when the post was wanted: somebody has taken it out of this reader's sight since.
        return None


def _again(shown: Rendered) -> Rendered:
    """The same, marked: the answer to an earlier send was lost, so that it may be there twice."""
    mark = italic(_("This may be a repeat: the connection broke while it was sent."))
    return replace(shown, text=f"{shown.text}\n\n{mark}")
