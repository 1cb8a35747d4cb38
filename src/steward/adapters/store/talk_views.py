"""Talks, what was said in them, and the calls of models for them: read and written."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, delete, func, insert, select, text, update

from steward.adapters.store.chat_rows import call_from, call_row, said_from, said_row, talk_from, talk_row
from steward.adapters.store.schema_chats import IS_UNFOLDED, mind_calls, said, talks
from steward.adapters.store.values import clean, stamp
from steward.adapters.store.view import View
from steward.domain.spending import MindCall
from steward.domain.talks import Said, Talk, TalkState
from steward.ports import Conflict

_t, _s, _m = talks.c, said.c, mind_calls.c
# The methods of the views bear the names of some tables.
_TALKS, _SAID, _CALLS = talks, said, mind_calls

_UNFOLDED: Final = text(IS_UNFOLDED)
_UNCHANGING: Final = frozenset({"key", "user_name", "opened_at", "version"})


class TalkReads(View):
    """What is read of talks; the contract is `ports.chats.ChatReads`."""

    def talk(self, talk_id: int) -> Talk | None:
        """By its id."""
        return self._talk(_t.id == talk_id)

    def talk_by_key(self, key: str) -> Talk | None:
        """The one that was opened by that."""
        return self._talk(_t.key == clean(key))

    def open_talk(self, user: str, chat_id: int | None) -> Talk | None:
        """The newest open one of that user in that chat (None: anywhere)."""
        here = () if chat_id is None else (_t.chat_id == chat_id,)
        return self._talk(_t.user_name == user, _t.state == TalkState.OPEN.value, *here)

    def talks(self, user: str | None = None, states: Collection[str] = (), limit: int = 50) -> list[Talk]:
        """Newest change first."""
        found = select(_TALKS).order_by(_t.changed_at.desc(), _t.id.desc()).limit(limit)
        if user is not None:
            found = found.where(_t.user_name == user)
        if states:
            found = found.where(_t.state.in_([str(state) for state in states]))
        return [talk_from(row) for row in self._all(found)]

    def talk_about(self, project_id: str) -> Talk | None:
        """The newest one that became that project, or that is to change it."""
        return self._talk(_t.project_id == project_id)

    def _talk(self, *those: ColumnElement[bool]) -> Talk | None:
        row = self._first(select(_TALKS).where(*those).order_by(_t.id.desc()).limit(1))
        return None if row is None else talk_from(row)

    def said(self, talk_id: int) -> list[Said]:
        """What was said in it, in the order in which it was said."""
        rows = self._all(select(_SAID).where(_s.talk_id == talk_id).order_by(_s.at, _s.id))
        return [said_from(row) for row in rows]

    def talks_to_fold(self, before: datetime, limit: int) -> list[Talk]:
        """Open talks with messages that are not in the brief yet; those that wait longest first."""
        last = func.max(func.coalesce(_s.edited_at, _s.at))
        waiting = select(_s.talk_id, last.label("last")).where(_UNFOLDED).group_by(_s.talk_id).subquery()
        quiet = (_t.state == TalkState.OPEN.value, waiting.c.last < stamp(before))
        found = select(_TALKS).join(waiting, waiting.c.talk_id == _t.id).where(*quiet)
        return [talk_from(row) for row in self._all(found.order_by(waiting.c.last, _t.id).limit(limit))]

    def mind_calls(
        self, *, user: str | None = None, project_id: str | None = None, since: datetime | None = None
    ) -> list[MindCall]:
        """Newest first."""
        found = select(_CALLS).where(*_those(user, project_id, since)).order_by(_m.id.desc())
        return [call_from(row) for row in self._all(found)]

    def mind_spent(
        self, *, user: str | None = None, project_id: str | None = None, since: datetime | None = None
    ) -> tuple[float, int]:
        """What these calls cost in USD, as far as that is known, and how many they are."""
        total = select(func.sum(_m.cost_usd), func.count()).where(*_those(user, project_id, since))
        row = self._first(total)
        return (0.0, 0) if row is None else (float(row[0] or 0.0), int(row[1]))


def _those(user: str | None, project_id: str | None, since: datetime | None) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if user is not None:
        found.append(_m.user_name == user)
    if project_id is not None:
        # Most calls are made before there is a project: they count for the one that their talk became.
        became = select(_t.project_id).where(_t.id == _m.talk_id).scalar_subquery()
        found.append(func.coalesce(_m.project_id, became) == project_id)
    if since is not None:
        found.append(_m.at >= stamp(since))
    return found


class TalkWrites(TalkReads):
    """What is written of talks; the contract is `ports.chats.ChatWrites`."""

    def add_talk(self, talk: Talk) -> Talk:
        """Insert; return it with its id. Raises Conflict if its key is taken."""
        if self.talk_by_key(talk.key) is not None:
            raise Conflict(f"the talk {talk.key} was opened already; read it again")
        key = self._value(insert(_TALKS).values(talk_row(talk)).returning(_t.id))
        return replace(talk, id=int(key))

    def save_talk(self, talk: Talk) -> Talk:
        """Store it as the next version; return that. Raises Conflict unless it is still of `talk.version`."""
        values = {name: value for name, value in talk_row(talk).items() if name not in _UNCHANGING}
        mine = (_t.id == talk.id, _t.version == talk.version)
        next_version = talk.version + 1
        if not self._write(update(_TALKS).where(*mine).values(version=next_version, **values)):
            raise Conflict(f"the talk {talk.id} went on meanwhile; read it again")
        return replace(talk, version=next_version)

    def say(self, said: Said) -> Said:
        """Insert or replace, by talk and key; return it with its id."""
        values = said_row(said)
        mine = (_s.talk_id == said.talk_id, _s.key == clean(said.key))
        known = self._value(select(_s.id).where(*mine))
        if known is None:
            known = self._value(insert(_SAID).values(values).returning(_s.id))
        else:
            self._write(update(_SAID).where(_s.id == known).values(values))
        return replace(said, id=int(known))

    def unsay(self, talk_id: int, key: str) -> bool:
        """Forget a message; whether there was one."""
        return self._write(delete(_SAID).where(_s.talk_id == talk_id, _s.key == clean(key))) > 0

    def add_mind_call(self, call: MindCall) -> None:
        """Append."""
        self._insert_many(_CALLS, [call_row(call)])
