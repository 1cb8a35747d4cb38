"""Talks: what a person says of a project that is to be, or of a change of one that is, until it is asked for.

What is said is stored before anything is made of it; a talk's brief follows from that, and can be made anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from steward.domain.brief import Brief

SAID_MAX: Final = 10_000
"""Characters of one message that are kept."""
MESSAGES_MAX: Final = 200
"""Messages of one talk."""


class Purpose(StrEnum):
    """What a talk is to end in: an order, or an update of what is live."""

    NEW = "new"
    UPDATE = "update"


class TalkState(StrEnum):
    """`open`: it goes on. `done`: what was wanted was asked for. `dropped`: the person gave it up."""

    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Talk:
    """One talk of one person. `key` is what opened it ("tg:<chat>:<message>", "web:<random>"): a repeat finds it.

    `project_id` is the draft that it became, or the project that it is to change; `chat_id` where it goes on, None:
    on the web alone. `asked` names what was asked last, in order: questions of the dialog by name, of a model in its
    words. `version` counts the changes.
    """

    id: int
    key: str
    user: str
    opened_at: datetime
    changed_at: datetime
    purpose: Purpose = Purpose.NEW
    state: TalkState = TalkState.OPEN
    brief: Brief = field(default=Brief())
    asked: tuple[str, ...] = ()
    project_id: str | None = None
    chat_id: int | None = None
    thread_id: int = 0
    version: int = 1


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a person within a talk. `key` makes it one, as a talk's. `forwarded`: somebody else wrote it.

    `answers` is the name of the question that it answers, where it was given to one (a button, a form).
    `folded`: the brief has it. An edit makes it anew, and has the brief made anew from it.
    """

    talk_id: int
    key: str
    at: datetime
    text: str
    forwarded: bool = False
    answers: str = ""
    folded: bool = False
    edited_at: datetime | None = None
    id: int = 0
