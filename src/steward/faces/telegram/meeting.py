"""Who writes, and what becomes of it: strangers get nothing, codes connect accounts, secrets are cut out first."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from steward.app.application import Application
from steward.app.errors import NotSignedIn
from steward.domain.instant import Instant, elapsed_s
from steward.domain.people import Principal
from steward.domain.talks import SAID_MAX
from steward.faces.telegram import commands, talking
from steward.faces.telegram.arrived import Note
from steward.faces.telegram.refusing import explained, is_refusal
from steward.faces.telegram.replies import UNREADABLE
from steward.faces.telegram.sentences import SENTENCES
from steward.faces.telegram.turn import Turn
from steward.faces.words import speaking

GREETED_EVERY: Final = timedelta(hours=1)
STRANGERS_MAX: Final = 10_000
"""Strangers that are remembered; the oldest are forgotten first."""
MEDIA: Final = frozenset(
    {*UNREADABLE, "dice", "game", "venue", "story", "paid_media", "checklist", "invoice"}
)
"""What a person sends that is no text. All else is told by Telegram itself, and is no message to anybody."""
CODES: Final = frozenset({"start", "link"})


@dataclass(frozen=True, slots=True)
class Strangers:
    """Who was told lately how to be let in, so that nobody can have us write as often as they like."""

    told: dict[int, Instant] = field(default_factory=dict)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def may_greet(self, account: int, now: Instant) -> bool:
        """Whether that account was told nothing within the hour; it is now."""
        with self.guard:
            last = self.told.pop(account, None)
            recent = last is not None and elapsed_s(last, now) < GREETED_EVERY.total_seconds()
            self.told[account] = last if recent and last is not None else now
            while len(self.told) > STRANGERS_MAX:
                self.told.pop(next(iter(self.told)))
            return not recent


@dataclass(frozen=True, slots=True)
class Meeting:
    """What takes messages in. `board` is the public address of the web face, "" where there is none."""

    app: Application
    board: str = ""
    strangers: Strangers = field(default_factory=Strangers)

    def holds_secret(self, note: Note) -> bool:
        """Whether the message is to be deleted at once: somebody who is known wrote a secret, or a code for others to see."""
        if self.app.callers.principal(note.account) is None:
            return not note.private and _code(note) != ""
        if _code(note):
            return not note.private
        return note.for_us and bool(talking.cut(note.text)[1])

    def receive(self, note: Note, *, deleted: bool | None = None) -> str:
        """Do what a message asks for. `deleted`: it held a secret, and whether it could be deleted.

        What is returned is to be said at once to somebody to whom nothing else can be: a stranger. "" mostly.
        """
        by = self.app.callers.principal(note.account)
        if _code(note) and not note.edited:
            return self._connect(note, by)
        if by is None:
            return self._stranger(note)
        chat = self.app.callers.chat(note.chat_id)
        if chat is not None and chat.blocked_at is not None:
            self.app.callers.blocked(chat.id, blocked=False)
        if not note.for_us or (note.kind != "text" and note.kind not in MEDIA):
            return ""
        lang = chat.lang if chat is not None else note.lang
        with speaking(lang):
            if note.command == ("unlink", ""):
                return self._disconnect(note, by)
            turn = Turn(self.app, note, by, chat, self.board)
            try:
                self._take(turn, deleted=deleted)
            except Exception as error:
                if not is_refusal(error):
                    raise
                _refuse(turn, explained(error))
        return ""

    def failed(self, note: Note) -> None:
        """Tell the person that their message came to nothing, where that can be done."""
        by = self.app.callers.principal(note.account)
        if by is not None and note.for_us:
            Turn(self.app, note, by, self.app.callers.chat(note.chat_id), self.board).say("try_again")

    # People ------------------------------------------------------------------------------------------------

    def _stranger(self, note: Note) -> str:
        if not note.private or note.edited or note.command != ("start", ""):
            return ""
        if not self.strangers.may_greet(note.account, self.app.clock.now()):
            return ""
        with speaking(note.lang):
            return SENTENCES["stranger"]()

    def _connect(self, note: Note, by: Principal | None) -> str:
        """A code was shown: it connects the account. In a group it connects nobody: others have seen it."""
        with speaking(note.lang):
            if not note.private:
                return SENTENCES["link_in_private"]() if by is not None else ""
            try:
                user = self.app.callers.link(_code(note), note.account, note.title, note.lang)
            except NotSignedIn:
                return SENTENCES["bad_code"]()
        found = self.app.callers.principal(note.account)
        if found is not None:
            chat = self.app.callers.chat(note.chat_id)
            Turn(self.app, note, found, chat, self.board).say("linked", name=user.full_name or user.name)
        return ""

    def _disconnect(self, note: Note, by: Principal) -> str:
        if not note.private:
            Turn(self.app, note, by, self.app.callers.chat(note.chat_id)).say("private_only")
            return ""
        self.app.chats(by).unlink(chat_id=note.account)
        return SENTENCES["unlinked"]()

    # What they say -----------------------------------------------------------------------------------------

    def _take(self, turn: Turn, *, deleted: bool | None) -> None:
        note, command = turn.note, turn.note.command
        if turn.answered is not None and command != ("cancel", ""):
            return
        if turn.chat is None and (command is None or command[0] not in ("follow", "help")):
            turn.whisper("not_followed", title=note.title)
        elif len(note.text) > SAID_MAX:
            turn.say("too_long", limit=SAID_MAX)
        elif note.edited and command is None:
            self._edited(turn, deleted=deleted)
        elif command is not None:
            if not note.edited:
                self._command(turn, command, deleted=deleted)
        elif not note.text.strip():
            turn.say("unreadable", kind=note.kind)
        else:
            self._text(turn, deleted=deleted)

    def _command(self, turn: Turn, command: tuple[str, str], *, deleted: bool | None) -> None:
        rest, name = talking.cut(command[1])
        if name and not talking.says_something(rest):
            rest = ""
        commands.run(turn, command[0], rest)
        if name:
            talking.offer_form(turn, name, deleted=bool(deleted))

    def _text(self, turn: Turn, *, deleted: bool | None) -> None:
        text, name = talking.cut(turn.note.text)
        if not name or talking.says_something(text):
            talking.heard(turn, text)
        if name:
            talking.offer_form(turn, name, deleted=bool(deleted))
        elif turn.note.kind != "text":
            turn.say("caption_only")

    def _edited(self, turn: Turn, *, deleted: bool | None) -> None:
        text, name = talking.cut(turn.note.text)
        if text.strip():
            talking.corrected(turn, text if not name or talking.says_something(text) else "")
        if name:
            talking.offer_form(turn, name, deleted=bool(deleted))


def _refuse(turn: Turn, words: str) -> None:
    if turn.chat is None:
        turn.whisper("told", words=words)
    else:
        turn.say("told", words=words)


def _code(note: Note) -> str:
    """The code that a message shows; "" where it shows none."""
    command = note.command
    return command[1] if command is not None and command[0] in CODES else ""
